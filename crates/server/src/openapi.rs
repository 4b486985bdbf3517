//! The OpenAPI document, made from the routes themselves.

use axum::response::{IntoResponse, Response};
use axum::{Json, http::StatusCode};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::routes::{
    agents, cost, daemon, events, explain, health, jobs, logs, orphans, plan, pools, submit, wait,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Headcount",
        description = "An autoscaler for CI agents: submit jobs, watch them, and ask why."
    ),
    paths(
        submit::submit, jobs::list, jobs::one, jobs::delete, jobs::cancel, logs::logs, wait::wait,
        jobs::provisioning,
        agents::list, agents::one, agents::cordon, orphans::list, orphans::reap, pools::list,
        pools::drain, cost::cost, plan::current, plan::preview,
        explain::asked, explain::job, daemon::reload, events::events, document,
        health::alive, health::ready, health::metrics,
    ),
    components(schemas(logs::Format)),
    tags(
        (name = "jobs", description = "Work to be run"),
        (name = "agents", description = "Who runs it"),
        (name = "pools", description = "Agents that are alike"),
        (name = "plan", description = "What the planner wants, and would want"),
        (name = "explain", description = "Why jobs wait"),
        (name = "events", description = "What changes, live"),
        (name = "daemon", description = "The daemon as a whole"),
    ),
    modifiers(&Token)
)]
struct Document;

/// The bearer token, needed where the daemon was started with one.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "Needed where the daemon was started with --token-file",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        let none: [String; 0] = [];
        document.security = Some(vec![
            SecurityRequirement::default(),
            SecurityRequirement::new("token", none),
        ]);
    }
}

/// The document as JSON text, as it is checked in at `docs/openapi.json`.
///
/// # Errors
/// Never: it holds only texts and numbers.
pub fn openapi() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json().map(|text| text + "\n")
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    tag = "daemon",
    responses((status = 200, description = "The OpenAPI document", body = Object))
)]
pub(crate) async fn document() -> Response {
    (StatusCode::OK, Json(Document::openapi())).into_response()
}
