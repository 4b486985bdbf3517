//! What the planner wants now, and what another configuration would change.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use headcount_api::{
    Backend, Decision, Plan, PlanPreview, PlanRequest, Problem, ProblemItem, Source, Wake,
};
use headcount_controller::{Launches, View};
use headcount_ports::DecisionRow;

use crate::needs::Candidate;
use crate::read;
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;
use crate::show::{self, moment};

/// Decisions shown with the report.
const DECISIONS: usize = 20;

/// The current report: what is wanted, what stands in the way, and what was decided last.
#[utoipa::path(
    get,
    path = "/api/v1/plan",
    operation_id = "getPlan",
    tag = "plan",
    responses((status = 200, description = "The report", body = Plan))
)]
pub(crate) async fn current(State(server): State<Server>) -> Answer<Json<Plan>> {
    let view = server.handle().view().await?;
    let decisions = server.daemon().decisions(DECISIONS).await?;
    let launches = server.handle().launches();
    Ok(Json(plan(&view, launches, decisions)))
}

fn plan(view: &View, launches: &Launches, decisions: Vec<DecisionRow>) -> Plan {
    let backends = view.backends.iter().map(|backend| Backend {
        id: backend.id.to_string(),
        fresh: backend.fresh,
        trouble: backend.trouble.clone(),
        strangers: backend.strangers as u64,
    });
    let sources = view.sources.iter().map(|source| Source {
        id: source.id.to_string(),
        fresh: source.fresh,
        trouble: source.trouble.clone(),
    });
    let decisions = decisions.into_iter().map(|row| Decision {
        at: moment(row.at),
        lines: row.lines,
    });
    Plan {
        at: moment(view.at),
        stopping: view.stopping,
        ledger_trouble: view.ledger_trouble.clone(),
        max_agents: view.fleet.max_agents,
        resource_cap: show::cap(view.fleet.resource_cap),
        pools: show::pools(view, launches),
        classes: view.classes.iter().map(show::class).collect(),
        backends: backends.collect(),
        sources: sources.collect(),
        wake_at: view.wake_at.map(|wake| Wake {
            at: moment(wake.at),
            reason: wake.reason.code().to_owned(),
        }),
        decisions: decisions.collect(),
    }
}

/// What another configuration would change. Changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/plan",
    operation_id = "previewPlan",
    tag = "plan",
    request_body = PlanRequest,
    responses(
        (status = 200, description = "What would change", body = PlanPreview),
        (status = 400, description = "The request cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The configuration is not valid", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn preview(State(server): State<Server>, body: Body) -> Answer<Json<PlanPreview>> {
    let text = read::read(body).await?;
    let texts: PlanRequest = read::json(&text)?;
    let candidate = candidate(&server, texts).await?;
    let preview = server.handle().preview(candidate.fleet).await?;
    Ok(Json(PlanPreview {
        changes: preview.pools.iter().map(show::change).collect(),
        actions: preview.actions,
        warnings: candidate.warnings,
    }))
}

/// Reads the texts where that holds up nobody else.
async fn candidate(server: &Server, texts: PlanRequest) -> Answer<Candidate> {
    let daemon = Arc::clone(server.daemon());
    let read = tokio::task::spawn_blocking(move || daemon.candidate(&texts)).await;
    match read {
        Ok(candidate) => candidate.map_err(invalid_config),
        Err(_) => Err(Refused::stopping()),
    }
}

/// Every problem of a configuration.
pub(super) fn invalid_config(problems: Vec<ProblemItem>) -> Refused {
    let detail = match problems.len() {
        1 => "1 problem; nothing was changed".to_owned(),
        n => format!("{n} problems; nothing was changed"),
    };
    Refused::new(Kind::InvalidConfig, detail)
        .hint("`headcount check` shows each with the text it is in")
        .problems(problems)
}
