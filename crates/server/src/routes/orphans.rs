//! Orphans: showing them, and removing them now.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use headcount_api::{Looked, Orphan, OrphanState, Orphans, OtherOrphan, Problem, Reaping};
use headcount_controller::{BackendView, OtherView, Stranger, View};
use headcount_model::{AgentId, Answer as Told, Timestamp};
use tokio::time::{Instant, sleep};

use crate::refused::{Answer, Refused};
use crate::server::Server;
use crate::show::{moment, orphan_state, other_state};

/// For backends to say what exists.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Nobody tells of a list that changed nothing.
const GLANCE: Duration = Duration::from_millis(50);

/// Asks every backend what exists, and shows what carries our mark and is not in the
/// ledger; and, where a scaler has `reapOthersAfter`, what other daemons have in its pools
/// under a lease.
#[utoipa::path(
    get,
    path = "/api/v1/orphans",
    operation_id = "listOrphans",
    tag = "agents",
    responses(
        (status = 200, description = "In order of backend and agent; a backend that is not fresh may have more", body = Orphans),
        (status = 503, description = "The daemon is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(server): State<Server>) -> Answer<Json<Orphans>> {
    let (backends, now) = look(&server).await?;
    let orphans = backends.iter().flat_map(|backend| {
        let own = backend.orphans.iter();
        let own = own.map(|(agent, stranger)| orphan(backend, *agent, stranger));
        own.chain(others(backend).map(move |it| other(backend, it, now)))
    });
    Ok(Json(Orphans {
        orphans: orphans.collect(),
        backends: backends.iter().map(looked).collect(),
    }))
}

/// Removes them without their grace; those of other daemons once their lease and
/// `reapOthersAfter` are over, and never before. What is removed is gone once it is no
/// longer shown.
#[utoipa::path(
    post,
    path = "/api/v1/orphans/reap",
    operation_id = "reapOrphans",
    tag = "agents",
    responses(
        (status = 200, description = "What is removed now", body = Reaping),
        (status = 503, description = "The daemon is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reap(State(server): State<Server>) -> Answer<Json<Reaping>> {
    let (backends, now) = look(&server).await?;
    let mut reaping = Reaping::default();
    for backend in &backends {
        for (agent, _) in &backend.orphans {
            match server.handle().reap(backend.id.clone(), *agent).await {
                Told::Applied | Told::Known => reaping.removing.push(agent.to_string()),
                // It has gone in this moment.
                Told::Refused(_) => {}
            }
        }
        for it in others(backend).filter(|it| it.over_at <= now) {
            reaping
                .removing_others
                .extend(reap_other(&server, backend, it).await);
        }
        if !has_looked(backend) {
            reaping.unknown.push(looked(backend));
        }
    }
    Ok(Json(reaping))
}

/// Nobody, where it was renewed or has gone in this moment.
async fn reap_other(server: &Server, backend: &BackendView, it: &OtherView) -> Option<OtherOrphan> {
    let (owner, agent) = (it.other.instance.owner.clone(), it.other.instance.agent);
    let told = server.handle();
    let told = told.reap_other(backend.id.clone(), owner.clone(), agent);
    match told.await {
        Told::Applied | Told::Known => Some(OtherOrphan {
            owner: owner.to_string(),
            agent: agent.to_string(),
        }),
        Told::Refused(_) => None,
    }
}

fn others(backend: &BackendView) -> impl Iterator<Item = &OtherView> {
    backend.others.iter().flat_map(|others| &others.known)
}

/// What backends say now; of those that say nothing in time, what they said before. With the
/// moment of that.
async fn look(server: &Server) -> Answer<(Vec<BackendView>, Timestamp)> {
    if let Told::Refused(_) = server.handle().look().await {
        return Err(Refused::stopping());
    }
    let deadline = Instant::now() + LOOK_WITHIN;
    loop {
        let view = server.handle().view().await?;
        if has_answered(&view) || Instant::now() >= deadline {
            return Ok((view.backends.clone(), view.at));
        }
        sleep(GLANCE).await;
    }
}

fn has_answered(view: &View) -> bool {
    let mut backends = view.backends.iter();
    backends.all(|backend| {
        let others = backend.others.as_ref();
        let others = others.is_none_or(|others| others.fresh || others.trouble.is_some());
        (backend.fresh || backend.trouble.is_some()) && others
    })
}

/// Whether it said what exists, of others too.
fn has_looked(backend: &BackendView) -> bool {
    backend.fresh && backend.others.as_ref().is_none_or(|others| others.fresh)
}

fn orphan(backend: &BackendView, agent: AgentId, stranger: &Stranger) -> Orphan {
    let state = orphan_state(stranger);
    let left_until = (state == OrphanState::Waiting).then(|| moment(stranger.left_until()));
    Orphan {
        agent: agent.to_string(),
        owner: None,
        lease_until: None,
        pool: stranger.pool.to_string(),
        backend: backend.id.to_string(),
        seen_at: moment(stranger.seen_at),
        state,
        left_until,
        trouble: stranger.removal.stays_for.clone(),
    }
}

fn other(backend: &BackendView, it: &OtherView, now: Timestamp) -> Orphan {
    let instance = &it.other.instance;
    let state = other_state(it, now);
    Orphan {
        agent: instance.agent.to_string(),
        owner: Some(instance.owner.to_string()),
        lease_until: Some(moment(instance.lease_until)),
        pool: instance.pool.to_string(),
        backend: backend.id.to_string(),
        seen_at: moment(it.other.seen_at),
        state,
        left_until: (state == OrphanState::Lapsed).then(|| moment(it.left_until)),
        trouble: it.other.removal.stays_for.clone(),
    }
}

fn others_trouble(backend: &BackendView) -> Option<String> {
    backend.others.as_ref()?.trouble.clone()
}

fn looked(backend: &BackendView) -> Looked {
    Looked {
        backend: backend.id.to_string(),
        fresh: has_looked(backend),
        listed_at: backend.listed_at.map(moment),
        trouble: backend.trouble.clone().or_else(|| others_trouble(backend)),
    }
}
