//! Why a job waits, or would wait.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use headcount_api::{
    AskedAmount, AskedResources, Explanation, LabelList, Position, Problem, Quantity,
};
use headcount_model::Reason;
use serde::Deserialize;
use utoipa::IntoParams;

use super::jobs::{find, shown};
use crate::read::{Params, job_id};
use crate::refused::Answer;
use crate::server::Server;
use crate::show;
use crate::submit::{AskedClass, class_key};

/// Failed launches of so long ago are told where no job is asked about.
const LATELY: Duration = Duration::from_secs(300);

/// What to ask about.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ExplainParams {
    /// Labels an agent must have, or patterns of them, joined with commas.
    #[param(example = "linux,gpu")]
    runs_on: Option<String>,
    /// Labels an agent must not have, or patterns of them, joined with commas.
    exclude: Option<String>,
    /// Number of CPUs, as request and limit.
    cpus: Option<String>,
    /// Amount of memory, as request and limit.
    #[param(example = "512m")]
    memory: Option<String>,
    /// Number of CPUs that counts against caps.
    request_cpus: Option<String>,
    /// Amount of memory that counts against caps.
    request_memory: Option<String>,
    /// Number of CPUs that is enforced.
    limit_cpus: Option<String>,
    /// Amount of memory that is enforced.
    limit_memory: Option<String>,
    /// Higher goes first; 0 when left out.
    priority: Option<i32>,
}

/// Why jobs that ask for this wait, or would wait: each pool with what stands in the way.
#[utoipa::path(
    get,
    path = "/api/v1/explain",
    operation_id = "explainLabels",
    tag = "explain",
    params(ExplainParams),
    responses(
        (status = 200, description = "The explanation", body = Explanation),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn asked(
    State(server): State<Server>,
    Params(params): Params<ExplainParams>,
) -> Answer<Json<Explanation>> {
    let asked = params.into_class();
    let key = class_key(&asked, server.queue().source(), server.grammar())?;
    let view = server.handle().explain(key.clone()).await?;
    let mut explanation = show::explanation(&view, &key, server.grammar());
    let lately = (view.at.before(LATELY), view.at);
    explanation.provisioning = show::failed_launches(server.handle(), &key, lately);
    Ok(Json(explanation))
}

/// Why a job waits, or stands as it does.
#[utoipa::path(
    get,
    path = "/api/v1/explain/{job}",
    operation_id = "explainJob",
    tag = "explain",
    params(("job" = String, Path, description = "The job's id", example = "job-42")),
    responses(
        (status = 200, description = "The explanation", body = Explanation),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn job(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Answer<Json<Explanation>> {
    let record = find(&server, job_id(&id)?).await?;
    let key = record.spec.class();
    let explained = server.handle().explain(key.clone()).await?;
    let view = server.handle().view().await?;
    let job = shown(&server, &record, Some(&view));
    let mut explanation = show::explanation(&explained, &key, server.grammar());
    let ahead = server.queue().ahead_of(record.job);
    explanation.position = ahead.map(|ahead| Position { ahead });
    // The job's own reason, where it has one, and not that of its class.
    let waits = ahead.is_some();
    if let Some(reason) = job.reason.as_deref().and_then(Reason::from_code) {
        explanation.reason = Some(reason.code().to_owned());
        explanation.reason_text = Some(reason.sentence().to_owned());
        explanation.advice = Some(reason.advice().to_owned());
    } else if !waits {
        explanation.reason = None;
        explanation.reason_text = None;
        explanation.advice = None;
    }
    explanation.job = Some(job);
    explanation.provisioning = show::provisioning(server.handle(), &record, &key);
    Ok(Json(explanation))
}

impl ExplainParams {
    fn into_class(self) -> AskedClass {
        let labels = |text: Option<String>| {
            text.map(|text| LabelList::from_commas(&text))
                .unwrap_or_default()
        };
        let quantity = |text: Option<String>| text.map(Quantity::Text);
        let amount = |cpus: Option<String>, memory: Option<String>| {
            let some = cpus.is_some() || memory.is_some();
            some.then(|| AskedAmount {
                cpus: quantity(cpus),
                memory: quantity(memory),
            })
        };
        AskedClass {
            runs_on: labels(self.runs_on),
            exclude: labels(self.exclude),
            resources: AskedResources {
                cpus: quantity(self.cpus),
                memory: quantity(self.memory),
                requests: amount(self.request_cpus, self.request_memory),
                limits: amount(self.limit_cpus, self.limit_memory),
            },
            priority: self.priority.unwrap_or(0),
        }
    }
}
