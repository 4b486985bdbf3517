//! The routes, one file per noun.

pub(crate) mod agents;
pub(crate) mod cost;
pub(crate) mod daemon;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod orphans;
pub(crate) mod plan;
pub(crate) mod pools;
pub(crate) mod submit;
pub(crate) mod wait;

use axum::Router;
use axum::http::Uri;
use axum::routing::{get, post};

use crate::refused::{Kind, Refused};
use crate::server::Server;
use crate::{openapi, page};

/// Every route of the daemon.
pub(crate) fn all() -> Router<Server> {
    Router::new()
        .nest(headcount_api::PREFIX, api())
        .route("/", get(page::page))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
}

fn api() -> Router<Server> {
    Router::new()
        .route("/jobs", get(jobs::list).post(submit::submit))
        .route("/jobs/{id}", get(jobs::one).delete(jobs::delete))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/{id}/logs", get(logs::logs))
        .route("/jobs/{id}/wait", get(wait::wait))
        .route("/jobs/{id}/provisioning", get(jobs::provisioning))
        .route("/agents", get(agents::list))
        .route("/agents/{id}", get(agents::one))
        .route("/agents/{id}/cordon", post(agents::cordon))
        .route("/orphans", get(orphans::list))
        .route("/orphans/reap", post(orphans::reap))
        .route("/pools", get(pools::list))
        .route("/pools/{name}/drain", post(pools::drain))
        .route("/pools/{scaler}/{labels}/drain", post(pools::drain_named))
        .route("/cost", get(cost::cost))
        .route("/plan", get(plan::current).post(plan::preview))
        .route("/explain", get(explain::asked))
        .route("/explain/{job}", get(explain::job))
        .route("/reload", post(daemon::reload))
        .route("/events", get(events::events))
        .route("/openapi.json", get(openapi::document))
}

async fn nothing_here(uri: Uri) -> Refused {
    Refused::new(
        Kind::NotFound,
        format!("there is nothing at {}", uri.path()),
    )
    .hint("GET /api/v1/openapi.json names every route")
}

async fn wrong_method(uri: Uri) -> Refused {
    let detail = format!("{} does not take this method", uri.path());
    Refused::new(Kind::MethodNotAllowed, detail)
        .hint("GET /api/v1/openapi.json names the methods of every route")
}
