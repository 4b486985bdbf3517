//! Whether the daemon lives, whether it is ready, and its numbers.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use headcount_api::{Health, Readiness};
use headcount_controller::View;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::metrics::{Names, Snapshot, text};
use crate::read::Params;
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;

const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Says that the daemon lives. Needs no token.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "alive",
    tag = "daemon",
    responses((status = 200, description = "It lives", body = Health))
)]
pub(crate) async fn alive() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Says whether the daemon can do its work: every backend and source has answered, and
/// what is decided can be written.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "daemon",
    responses(
        (status = 200, description = "It is ready", body = Readiness),
        (status = 503, description = "It is not, and says why", body = Readiness),
    )
)]
pub(crate) async fn ready(State(server): State<Server>) -> Response {
    let reasons = match server.handle().view().await {
        Ok(view) => obstacles(&view),
        Err(stopped) => vec![stopped.to_string()],
    };
    let (status, word) = match reasons.is_empty() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    let status_word = word.to_owned();
    let readiness = Readiness {
        status: status_word,
        reasons,
    };
    (status, Json(readiness)).into_response()
}

/// What keeps the daemon from its work, one sentence each.
fn obstacles(view: &View) -> Vec<String> {
    let mut reasons = Vec::new();
    if view.stopping {
        reasons.push("the daemon is stopping".to_owned());
    }
    if let Some(trouble) = &view.ledger_trouble {
        reasons.push(format!("nothing can be written: {trouble}"));
    }
    for backend in view.backends.iter().filter(|backend| !backend.fresh) {
        let (id, trouble) = (&backend.id, backend.trouble.as_deref());
        reasons.push(format!("backend {id} {}", silence("exists", trouble)));
    }
    for source in view.sources.iter().filter(|source| !source.fresh) {
        let (id, trouble) = (&source.id, source.trouble.as_deref());
        reasons.push(format!("source {id} {}", silence("waits", trouble)));
    }
    reasons
}

fn silence(what: &str, trouble: Option<&str>) -> String {
    match trouble {
        Some(trouble) => format!("cannot say what {what}: {trouble}"),
        None => format!("has not said yet what {what}"),
    }
}

/// Which numbers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct MetricsParams {
    /// Names of another system to give besides ours, for dashboards that exist already.
    #[param(inline)]
    names: Option<Names>,
}

/// Numbers for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "daemon",
    params(MetricsParams),
    responses((status = 200, description = "The text format of Prometheus and OpenMetrics", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(
    State(server): State<Server>,
    Params(params): Params<MetricsParams>,
) -> Answer<Response> {
    let view = server.handle().view().await?;
    let jobs = server.jobs().counts().await;
    if let Err(error) = &jobs {
        tracing::warn!(%error, "jobs could not be counted for metrics");
    }
    let time = server.time().totals(server.clock().now()).await;
    if let Err(error) = &time {
        tracing::warn!(%error, "machine time could not be added up for metrics");
    }
    let snapshot = Snapshot {
        view: &view,
        time: time.ok(),
        jobs: jobs.ok(),
        streams: server.daemon().stream_numbers(),
        refused_registrations: server.daemon().refused_registrations(),
    };
    let text = text(server.feed().metrics(), &snapshot, params.names);
    let text = text.map_err(|_| Refused::new(Kind::Busy, "the numbers could not be written"))?;
    Ok(([(header::CONTENT_TYPE, METRICS)], text).into_response())
}
