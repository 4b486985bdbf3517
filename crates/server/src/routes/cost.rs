//! What machine time went into, and what it cost.

use axum::Json;
use axum::extract::State;
use headcount_api::{Cost, CostBy, Problem};
use headcount_model::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::read::Params;
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;
use crate::show;

/// Which costs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct CostParams {
    /// What rows are of: pools when left out.
    #[param(inline)]
    by: CostBy,
    /// Only the time since so long ago; everything that is kept when left out.
    #[param(example = "24h")]
    since: Option<String>,
}

/// Machine time by what it went into, and what it cost, up to now.
#[utoipa::path(
    get,
    path = "/api/v1/cost",
    operation_id = "getCost",
    tag = "pools",
    params(CostParams),
    responses(
        (status = 200, description = "Time and money", body = Cost),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cost(
    State(server): State<Server>,
    Params(params): Params<CostParams>,
) -> Answer<Json<Cost>> {
    let now = server.clock().now();
    let since = since(&server, &params, now)?;
    let view = server.handle().view().await?;
    let spent = server.time().spent(since, now).await?;
    Ok(Json(show::cost(&view, &spent, now, params.by)))
}

fn since(server: &Server, params: &CostParams, now: Timestamp) -> Answer<Timestamp> {
    let Some(text) = params.since.as_deref() else {
        return Ok(Timestamp::ZERO);
    };
    let span = server.grammar().duration(text).map_err(|error| {
        let detail = format!("since: {}", error.message);
        Refused::new(Kind::InvalidRequest, detail).hint(error.hint)
    })?;
    Ok(now.before(span))
}
