//! Waiting for a job's end: one request that is answered late.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use headcount_api::{Job, Problem};
use headcount_model::JobId;
use headcount_ports::JobRecord;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::jobs::{find, shown};
use crate::read::{Params, job_id};
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;

/// How long an answer is put off when nothing is said.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// The longest an answer is put off.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// How long to wait.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct WaitParams {
    /// At most this long: `30s`, or a number of seconds; 30 s when left out, at most 5 min.
    #[param(example = "30s")]
    timeout: Option<String>,
}

/// Answers when the job has ended, or with the job as it stands when the time is up.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}/wait",
    operation_id = "waitForJob",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id", example = "job-42"), WaitParams),
    responses(
        (status = 200, description = "The job; its state says whether it has ended", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many streams, or the daemon is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn wait(
    State(server): State<Server>,
    Path(id): Path<String>,
    Params(params): Params<WaitParams>,
) -> Answer<Json<Job>> {
    let span = span(&server, &params)?;
    let _place = server.stream_place()?;
    let waited = ended(&server, job_id(&id)?, Instant::now() + span);
    let record = match server.closing().run_until_cancelled(waited).await {
        Some(record) => record?,
        None => return Err(Refused::stopping()),
    };
    let view = server.handle().view().await.ok();
    Ok(Json(shown(&server, &record, view.as_deref())))
}

/// The job when it has ended, or as it stands at the deadline.
async fn ended(server: &Server, job: JobId, deadline: Instant) -> Answer<JobRecord> {
    let mut watch = server.queue().watch(job)?;
    loop {
        let record = find(server, job).await?;
        if record.status.is_ended() {
            return Ok(record);
        }
        match tokio::time::timeout_at(deadline, watch.changed()).await {
            Ok(changed) => changed?,
            Err(_) => return Ok(record),
        }
    }
}

fn span(server: &Server, params: &WaitParams) -> Answer<Duration> {
    let Some(text) = params.timeout.as_deref() else {
        return Ok(DEFAULT_WAIT);
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = match digits {
        true => format!("{text}s"),
        false => text.to_owned(),
    };
    let span = server.grammar().duration(&text).map_err(|error| {
        let detail = format!("timeout: {}", error.message);
        Refused::new(Kind::InvalidRequest, detail).hint(error.hint)
    })?;
    Ok(span.min(MAX_WAIT))
}
