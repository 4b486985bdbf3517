//! Jobs: lists, one, and cancelling.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use headcount_api::{
    CancelledJob, DEFAULT_LIMIT, Job, JobState, MAX_LIMIT, Problem, ProvisioningEvent,
};
use headcount_controller::View;
use headcount_model::JobId;
use headcount_ports::{JobFilter, JobRecord};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::needs::{CancelRefused, Cancelled};
use crate::read::{Params, job_id};
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;
use crate::show::{self, JobContext};

/// Which jobs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ListParams {
    /// Only jobs in these states, joined with commas.
    #[param(example = "queued,running")]
    state: Option<String>,
    /// At most this many: 1 to 1000, 100 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only jobs accepted before this one, for paging.
    #[param(example = "job-42")]
    before: Option<String>,
}

/// Jobs, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    operation_id = "listJobs",
    tag = "jobs",
    params(ListParams),
    responses(
        (status = 200, description = "Newest first", body = Vec<Job>),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(server): State<Server>,
    Params(params): Params<ListParams>,
) -> Answer<Json<Vec<Job>>> {
    let filter = filter(&params)?;
    let records = server.jobs().list(filter).await?;
    // Without the loop the jobs can still be shown, without reasons of those that wait.
    let view = server.handle().view().await.ok();
    let jobs = records.iter();
    Ok(Json(
        jobs.map(|record| shown(&server, record, view.as_deref()))
            .collect(),
    ))
}

fn filter(params: &ListParams) -> Answer<JobFilter> {
    let words = params.state.as_deref().unwrap_or_default().split(',');
    let words = words.map(str::trim).filter(|word| !word.is_empty());
    let statuses = words.map(|word| {
        let state = JobState::from_word(word);
        state.map(show::status).ok_or_else(|| unknown_state(word))
    });
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit: {limit} is not between 1 and {MAX_LIMIT}");
        let hint = "ask for a page, and for the next one with `before`";
        return Err(Refused::new(Kind::InvalidRequest, detail).hint(hint));
    }
    Ok(JobFilter {
        statuses: statuses.collect::<Answer<_>>()?,
        before: params.before.as_deref().map(job_id).transpose()?,
        limit,
    })
}

fn unknown_state(word: &str) -> Refused {
    let known: Vec<_> = JobState::ALL.iter().map(|state| state.word()).collect();
    let detail = format!("state: {word:?} is not a state of jobs");
    Refused::new(Kind::InvalidRequest, detail).hint(format!("states are {}", known.join(", ")))
}

/// One job.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    operation_id = "getJob",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id", example = "job-42")),
    responses(
        (status = 200, description = "The job", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(State(server): State<Server>, Path(id): Path<String>) -> Answer<Json<Job>> {
    let record = find(&server, job_id(&id)?).await?;
    let view = server.handle().view().await.ok();
    Ok(Json(shown(&server, &record, view.as_deref())))
}

/// How agents came up for a job: the way of the agent that has or had it, and launches
/// for such jobs that failed while it waited. What happened before the daemon started is
/// not told.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}/provisioning",
    operation_id = "jobProvisioning",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id", example = "job-42")),
    responses(
        (status = 200, description = "Oldest first", body = Vec<ProvisioningEvent>),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn provisioning(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Answer<Json<Vec<ProvisioningEvent>>> {
    let record = find(&server, job_id(&id)?).await?;
    let key = record.spec.class();
    Ok(Json(show::provisioning(server.handle(), &record, &key)))
}

/// Cancels a job: one that waits ends at once, one that runs is told to end. Cancelling
/// one that has ended changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/cancel",
    operation_id = "cancelJob",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id", example = "job-42")),
    responses(
        (status = 200, description = "It has ended", body = CancelledJob),
        (status = 202, description = "Its agent is being told", body = CancelledJob),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<CancelledJob>)> {
    let job = job_id(&id)?;
    let cancelled = server.queue().cancel(job).await.map_err(refusal)?;
    let record = find(&server, job).await?;
    let status = match cancelled {
        Cancelled::Ended => StatusCode::OK,
        Cancelled::Requested => StatusCode::ACCEPTED,
    };
    let answer = CancelledJob {
        id: job.to_string(),
        state: show::job_state(record.status),
    };
    Ok((status, Json(answer)))
}

/// The same as `POST /api/v1/jobs/{id}/cancel`.
#[utoipa::path(
    delete,
    path = "/api/v1/jobs/{id}",
    operation_id = "deleteJob",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id", example = "job-42")),
    responses(
        (status = 200, description = "It has ended", body = CancelledJob),
        (status = 202, description = "Its agent is being told", body = CancelledJob),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete(
    server: State<Server>,
    id: Path<String>,
) -> Answer<(StatusCode, Json<CancelledJob>)> {
    cancel(server, id).await
}

fn refusal(refused: CancelRefused) -> Refused {
    match refused {
        CancelRefused::NotFound(job) => not_found(job),
        CancelRefused::Unavailable(why) => Refused::new(Kind::Busy, why).hint("send it again"),
    }
}

/// The record of a job that must exist.
pub(super) async fn find(server: &Server, job: JobId) -> Answer<JobRecord> {
    let found = server.jobs().get(job).await?;
    found.ok_or_else(|| not_found(job))
}

fn not_found(job: JobId) -> Refused {
    Refused::new(Kind::NotFound, format!("{job} is not known"))
        .hint("`headcount jobs` lists those that are; ended jobs are kept for a bounded time")
}

/// A job as it is shown, with its reason.
pub(super) fn shown(server: &Server, record: &JobRecord, view: Option<&View>) -> Job {
    let context = JobContext {
        view,
        ahead_of: &|record| server.queue().ahead_of(record.job),
    };
    show::job(record, &context)
}
