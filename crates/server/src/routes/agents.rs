//! Agents.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use headcount_api::{Agent, CordonRequest, Cordoned, Problem};
use headcount_model::{AgentId, Answer as Told, Refusal};

use crate::read::{self, agent_id};
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
    let agent = agent.ok_or_else(|| not_found(id))?;
    Ok(Json(show::agent(agent)))
}

/// Gives an agent no new jobs, or jobs again. Nothing else changes: what it runs goes on, and
/// the idle rule neither counts nor removes it. The daemon remembers it over a restart.
#[utoipa::path(
    post,
    path = "/api/v1/agents/{id}/cordon",
    operation_id = "cordonAgent",
    tag = "agents",
    params(("id" = String, Path, description = "The agent's id", example = "a-65f1c2a0-7")),
    request_body(content = CordonRequest, description = "May be left out"),
    responses(
        (status = 200, description = "How it stands", body = Cordoned),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It leaves, or takes its work from its own queue", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cordon(
    State(server): State<Server>,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Cordoned>> {
    let id = agent_id(&id)?;
    let text = read::read(body).await?;
    let wish: CordonRequest = read::json_or_default(&text)?;
    let changed = match server.handle().cordon(id, wish.undo).await {
        Told::Applied => true,
        Told::Known => false,
        Told::Refused(refusal) => return Err(not_cordoned(id, refusal)),
    };
    Ok(Json(Cordoned {
        agent: id.to_string(),
        cordoned: !wish.undo,
        changed,
    }))
}

fn not_cordoned(id: AgentId, refusal: Refusal) -> Refused {
    match refusal {
        Refusal::UnknownAgent => not_found(id),
        Refusal::AgentLeaving => Refused::new(Kind::Conflict, format!("agent {id} is leaving"))
            .hint("it is given no new jobs anyway"),
        Refusal::Contradiction => {
            let detail = format!("agent {id} is a worker, which takes its work from its own queue");
            Refused::new(Kind::Conflict, detail)
                .hint("`headcount drain POOL` ends the workers of a pool")
        }
        _ => Refused::stopping(),
    }
}

fn not_found(id: AgentId) -> Refused {
    Refused::new(Kind::NotFound, format!("agent {id} is not known"))
        .hint("`headcount agents` lists those that are; agents that are gone are forgotten")
}
