//! Pools, and draining them.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use headcount_api::{DrainRequest, Drained, Event, Pool, Problem};
use headcount_controller::View;
use headcount_model::{Answer as Told, PoolName, Refusal};

use crate::read;
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;
use crate::show;

/// All pools, in order of name.
#[utoipa::path(
    get,
    path = "/api/v1/pools",
    operation_id = "listPools",
    tag = "pools",
    responses((status = 200, description = "In order of name", body = Vec<Pool>))
)]
pub(crate) async fn list(State(server): State<Server>) -> Answer<Json<Vec<Pool>>> {
    let view = server.handle().view().await?;
    Ok(Json(show::pools(&view, server.handle().launches())))
}

/// Drains a pool, or ends its drain: it takes no new jobs, and its agents leave once they
/// are idle. The name of a scaler stands for all of its pools.
#[utoipa::path(
    post,
    path = "/api/v1/pools/{name}/drain",
    operation_id = "drainPool",
    tag = "pools",
    params(("name" = String, Path, description = "The pool's or the scaler's name; a slash may be written as it is", example = "builders")),
    request_body(content = DrainRequest, description = "May be left out"),
    responses(
        (status = 200, description = "Which pools changed", body = Drained),
        (status = 404, description = "No such pool or scaler", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn drain(
    State(server): State<Server>,
    Path(name): Path<String>,
    body: Body,
) -> Answer<Json<Drained>> {
    let text = read::read(body).await?;
    let wish: DrainRequest = read::json_or_default(&text)?;
    let view = server.handle().view().await?;
    let pools = named(&view, &name);
    if pools.is_empty() {
        return Err(not_found(&name, &view));
    }
    let mut drained = Drained {
        changed: Vec::new(),
        unchanged: Vec::new(),
    };
    for pool in pools {
        match server.handle().drain(pool.clone(), wish.undo).await {
            Told::Applied => {
                server.feed().tell(&Event::Pool {
                    pool: pool.to_string(),
                    draining: !wish.undo,
                });
                drained.changed.push(pool.to_string());
            }
            Told::Known => drained.unchanged.push(pool.to_string()),
            // It has left in this moment.
            Told::Refused(Refusal::UnknownPool) => {}
            Told::Refused(_) => return Err(Refused::stopping()),
        }
    }
    Ok(Json(drained))
}

/// The same with the slash of a pool's name as it is.
pub(crate) async fn drain_named(
    server: State<Server>,
    Path((scaler, labels)): Path<(String, String)>,
    body: Body,
) -> Answer<Json<Drained>> {
    drain(server, Path(format!("{scaler}/{labels}")), body).await
}

/// The pool of this name, or all pools of the scaler of this name.
fn named(view: &View, name: &str) -> Vec<PoolName> {
    let pools = view.pools.iter();
    let pools = pools.filter(|pool| pool.name.as_str() == name || pool.scaler.as_str() == name);
    pools.map(|pool| pool.name.clone()).collect()
}

fn not_found(name: &str, view: &View) -> Refused {
    /// So many names are told.
    const SHOWN: usize = 10;
    let names: Vec<_> = view.pools.iter().map(|pool| pool.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "no pools are configured".to_owned(),
        names if names.len() <= SHOWN => format!("pools are {}", names.join(", ")),
        names => format!(
            "pools are {} and {} more",
            names[..SHOWN].join(", "),
            names.len() - SHOWN
        ),
    };
    let detail = format!("there is no pool and no scaler {name:?}");
    Refused::new(Kind::NotFound, detail).hint(hint)
}
