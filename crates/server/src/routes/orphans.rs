//! Orphans: showing them, and removing them now.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use headcount_api::{Looked, Orphan, OrphanState, Orphans, Problem, Reaping};
use headcount_controller::{BackendView, Stranger, View};
use headcount_model::{AgentId, Answer as Told};
use tokio::time::{Instant, sleep};

use crate::refused::{Answer, Refused};
use crate::server::Server;
use crate::show::{moment, orphan_state};

/// For backends to say what exists.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Nobody tells of a list that changed nothing.
const GLANCE: Duration = Duration::from_millis(50);

/// Asks every backend what exists, and shows what carries our mark and is not in the
/// ledger. Instances of other daemons are neither shown nor touched.
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
    let backends = look(&server).await?;
    let orphans = backends.iter().flat_map(|backend| {
        let all = backend.orphans.iter();
        all.map(|(agent, stranger)| orphan(backend, *agent, stranger))
    });
    Ok(Json(Orphans {
        orphans: orphans.collect(),
        backends: backends.iter().map(looked).collect(),
    }))
}

/// Removes them without their grace. What is removed is gone once it is no longer shown.
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
    let backends = look(&server).await?;
    let mut reaping = Reaping::default();
    for backend in &backends {
        for (agent, _) in &backend.orphans {
            match server.handle().reap(backend.id.clone(), *agent).await {
                Told::Applied | Told::Known => reaping.removing.push(agent.to_string()),
                // It has gone in this moment.
                Told::Refused(_) => {}
            }
        }
        if !backend.fresh {
            reaping.unknown.push(looked(backend));
        }
    }
    Ok(Json(reaping))
}

/// What backends say now; of those that say nothing in time, what they said before.
async fn look(server: &Server) -> Answer<Vec<BackendView>> {
    if let Told::Refused(_) = server.handle().look().await {
        return Err(Refused::stopping());
    }
    let deadline = Instant::now() + LOOK_WITHIN;
    loop {
        let view = server.handle().view().await?;
        if has_answered(&view) || Instant::now() >= deadline {
            return Ok(view.backends.clone());
        }
        sleep(GLANCE).await;
    }
}

fn has_answered(view: &View) -> bool {
    let mut backends = view.backends.iter();
    backends.all(|backend| backend.fresh || backend.trouble.is_some())
}

fn orphan(backend: &BackendView, agent: AgentId, stranger: &Stranger) -> Orphan {
    let state = orphan_state(stranger);
    let left_until = (state == OrphanState::Waiting).then(|| moment(stranger.left_until()));
    Orphan {
        agent: agent.to_string(),
        pool: stranger.pool.to_string(),
        backend: backend.id.to_string(),
        seen_at: moment(stranger.seen_at),
        state,
        left_until,
        trouble: stranger.stays_for.clone(),
    }
}

fn looked(backend: &BackendView) -> Looked {
    Looked {
        backend: backend.id.to_string(),
        fresh: backend.fresh,
        listed_at: backend.listed_at.map(moment),
        trouble: backend.trouble.clone(),
    }
}
