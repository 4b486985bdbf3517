//! Submitting jobs, one or many.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use headcount_api::{MAX_BATCH, Problem, ProblemItem, SubmitJob, SubmittedJob};
use headcount_ports::{JobStatus, NewJob, Submitted};

use crate::needs::SubmitRefused;
use crate::read;
use crate::refused::{Answer, Kind, Refused};
use crate::server::Server;
use crate::show;
use crate::submit::{admit, parse_all};

/// Accepts a job, or a list of jobs, all or none, durably.
#[utoipa::path(
    post,
    path = "/api/v1/jobs",
    operation_id = "submitJobs",
    tag = "jobs",
    request_body(
        content = SubmitJob,
        description = "One job, or a list of at most 10,000; at most 32 MiB. The answer is one \
                       object, or a list in the same order."
    ),
    responses(
        (status = 201, description = "Accepted", body = SubmittedJob),
        (status = 200, description = "All of them were known by their keys", body = SubmittedJob),
        (status = 400, description = "Something is wrong with a job", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A key is that of another job", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Larger than a cap could ever allow", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The queue is full", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be accepted at present", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn submit(State(server): State<Server>, body: Body) -> Answer<Response> {
    server.check_taking()?;
    let text = read::read(body).await?;
    let (asked, many) = read::one_or_many::<SubmitJob>(&text)?;
    drop(text);
    check_batch(asked.len())?;
    let defaults = server.queue().defaults();
    let now = server.clock().now();
    let jobs = parse_all(asked, server.grammar(), defaults, now)?;
    admit(&jobs, server.handle(), server.grammar())?;
    let submitted = accept(&server, jobs, many).await?;
    let answers = answers(&server, &submitted).await?;
    let known = submitted.iter().all(|job| job.existed);
    let status = match known {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok(match many {
        true => (status, Json(answers)).into_response(),
        false => (status, Json(answers.into_iter().next())).into_response(),
    })
}

fn check_batch(n_jobs: usize) -> Answer<()> {
    let (detail, hint) = match n_jobs {
        0 => ("the list holds no job".to_owned(), "send at least one"),
        n if n > MAX_BATCH => (
            format!("the list holds {n} jobs; at most {MAX_BATCH} are taken at once"),
            "send them in several batches",
        ),
        _ => return Ok(()),
    };
    Err(Refused::new(Kind::InvalidRequest, detail).hint(hint))
}

async fn accept(server: &Server, jobs: Vec<NewJob>, many: bool) -> Answer<Vec<Submitted>> {
    let submitted = server.queue().submit(jobs).await;
    submitted.map_err(|refused| match refused {
        SubmitRefused::Invalid {
            index,
            field,
            message,
        } => invalid(index, field, message, many),
        SubmitRefused::KeyConflict(why) => Refused::new(Kind::KeyConflict, why),
        SubmitRefused::QueueFull(why) => Refused::new(Kind::QueueFull, why)
            .hint("wait for jobs to leave the queue, then send it again"),
        SubmitRefused::Unavailable(why) => Refused::new(Kind::DiskFull, why)
            .hint("nothing was accepted; send it again later, and look at the daemon's log"),
    })
}

fn invalid(index: usize, field: String, message: String, many: bool) -> Refused {
    let detail = match many {
        true => format!("job {index} of the batch: {field}: {message}"),
        false => format!("{field}: {message}"),
    };
    let item = ProblemItem {
        index: Some(index as u64),
        field: Some(field),
        ..ProblemItem::error(message)
    };
    Refused::new(Kind::InvalidJob, detail).problems(vec![item])
}

/// New jobs wait; how those stand that existed is looked up.
async fn answers(server: &Server, submitted: &[Submitted]) -> Answer<Vec<SubmittedJob>> {
    let mut answers = Vec::with_capacity(submitted.len());
    for job in submitted {
        let known = match job.existed {
            true => server.jobs().get(job.job).await?,
            false => None,
        };
        let status = known.map_or(JobStatus::Queued, |record| record.status);
        answers.push(SubmittedJob {
            id: job.job.to_string(),
            state: show::job_state(status),
            existed: job.existed,
        });
    }
    Ok(answers)
}
