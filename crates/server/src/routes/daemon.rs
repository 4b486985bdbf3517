//! What is asked of the daemon as a whole.

use axum::Json;
use axum::extract::State;
use headcount_api::{Problem, Reload};

use super::plan::invalid_config;
use crate::needs::ReloadRefused;
use crate::refused::{Answer, Refused};
use crate::server::Server;
use crate::show;

/// Reads the configuration files again and puts them into effect, whole or not at all.
#[utoipa::path(
    post,
    path = "/api/v1/reload",
    operation_id = "reload",
    tag = "daemon",
    responses(
        (status = 200, description = "What changed", body = Reload),
        (status = 422, description = "The configuration is not valid; nothing changed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reload(State(server): State<Server>) -> Answer<Json<Reload>> {
    let reloaded = server.reload().await.map_err(|refused| match refused {
        ReloadRefused::Invalid(problems) => invalid_config(problems),
        ReloadRefused::Stopping => Refused::stopping(),
    })?;
    Ok(Json(Reload {
        changes: reloaded.changes.iter().map(show::change).collect(),
        warnings: reloaded.warnings,
    }))
}
