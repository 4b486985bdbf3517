//! Agents.

use axum::Json;
use axum::extract::{Path, State};
use headcount_api::{Agent, Problem};

use crate::read::agent_id;
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;
use crate::show;

/// All agents, in order of id.
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    operation_id = "listAgents",
    tag = "agents",
    responses((status = 200, description = "In order of id", body = Vec<Agent>))
)]
pub(crate) async fn list(State(server): State<Server>) -> Answer<Json<Vec<Agent>>> {
    let view = server.handle().view().await?;
    Ok(Json(view.agents.iter().map(show::agent).collect()))
}

/// One agent.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}",
    operation_id = "getAgent",
    tag = "agents",
    params(("id" = String, Path, description = "The agent's id", example = "a-65f1c2a0-7")),
    responses(
        (status = 200, description = "The agent", body = Agent),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Answer<Json<Agent>> {
    let id = agent_id(&id)?;
    let view = server.handle().view().await?;
    let found = view.agents.binary_search_by_key(&id, |view| view.record.id);
    let agent = found.ok().and_then(|at| view.agents.get(at));
    let agent = agent.ok_or_else(|| {
        Refused::new(Kind::NotFound, format!("agent {id} is not known"))
            .hint("`headcount agents` lists those that are; agents that are gone are forgotten")
    })?;
    Ok(Json(show::agent(agent)))
}
