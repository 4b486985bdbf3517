//! Creating: at most one Job an agent, whoever asks how often.
//!
//! Promise: what fails half-way is removed before the error is told; when even that cannot
//! be confirmed, the error says that the outcome is unknown. The Job comes before its
//! Secret: a pod cannot start without it, and whatever is there is owned by something that
//! shows in `list`.

use std::sync::Arc;

use headcount_model::{KubernetesRecipe, Recipe};
use headcount_ports::turns::{self, Asker, Place as Turn};
use headcount_ports::{BackendError, CreateRequest};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use kube::core::Request;
use serde_json::{Value, json};

use super::{Core, ending};
use crate::access::{ANSWER_WAIT, Place, within};
use crate::body::Body;
use crate::fault::{Fault, Verdict};

/// See the port. The making itself goes on when this is dropped; a destroy that follows
/// waits for it.
pub(super) async fn create(core: &Arc<Core>, request: CreateRequest) -> Result<(), BackendError> {
    let turn = core.turns.enter(request.agent);
    let core = core.clone();
    turns::to_the_end(|asker| async move { bear(&core, &request, &turn, &asker).await }).await
}

async fn bear(
    core: &Core,
    request: &CreateRequest,
    turn: &Turn,
    asker: &Asker,
) -> Result<(), BackendError> {
    let _turn = turn.turn().await;
    let Recipe::Kubernetes(recipe) = &*request.recipe else {
        return Err(BackendError::Invalid(format!(
            "{} is not to be a Job of a cluster; please report this",
            request.agent
        )));
    };
    let place = core.access.place().await?;
    let body = body(core, &place, request, recipe).await?;
    turn.still_wanted(asker)?;
    let job = make(core, &place, request, &body).await?;
    let uid = job.metadata.uid.as_deref().unwrap_or_default();
    match body.secret(uid) {
        None => Ok(()),
        Some(secret) => match keep_secret(&place, secret).await {
            Ok(()) => Ok(()),
            Err(fault) => Err(undo(core, &place, request, &fault).await),
        },
    }
}

async fn body(
    core: &Core,
    place: &Place,
    request: &CreateRequest,
    recipe: &KubernetesRecipe,
) -> Result<Body, BackendError> {
    let owner = owner(core, place).await?;
    Body::new(request, recipe, &core.ours, &core.options, owner.as_ref())
}

/// What owns all of our Jobs, as a reference to it. Asked each time: one that was made anew
/// has another uid, and Jobs of an owner that is gone are collected at once.
async fn owner(core: &Core, place: &Place) -> Result<Option<Value>, BackendError> {
    let Some(name) = &core.options.owned_by else {
        return Ok(None);
    };
    let maps: Api<ConfigMap> = Api::namespaced(place.client.clone(), &place.namespace);
    let map = within("show the owner of its Jobs", ANSWER_WAIT, maps.get(name)).await;
    let map = match map {
        Err(fault) if fault.verdict == Verdict::Absent => {
            return Err(BackendError::Invalid(format!(
                "the ConfigMap `{name}` that is to own the Jobs is not in the namespace `{}`; \
                 make it, or unset HEADCOUNT_KUBERNETES_OWNER",
                place.namespace
            )));
        }
        map => map?,
    };
    Ok(Some(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": map.metadata.uid,
    })))
}

/// Makes the Job, or finds that it is made.
async fn make(
    core: &Core,
    place: &Place,
    request: &CreateRequest,
    body: &Body,
) -> Result<Job, BackendError> {
    let what = "make the Job";
    match within(what, ANSWER_WAIT, post(place, &body.job)).await {
        Ok(job) => Ok(job),
        Err(fault) if fault.verdict == Verdict::Taken => meet(core, place, request, body).await,
        Err(fault) if fault.verdict == Verdict::Silent => {
            match get(place, &body.name).await {
                Ok(Some(job)) if is_of(core, &job, request) => Ok(job),
                // It may still be made: the request may be on its way.
                _ => Err(fault.as_unknown()),
            }
        }
        Err(fault) => Err(fault.as_not_done()),
    }
}

/// Sent as it is, so that what this program has no word for reaches the server, which is
/// asked to refuse what it has none for either.
async fn post(place: &Place, job: &Value) -> Result<Job, kube::Error> {
    let path = format!("/apis/batch/v1/namespaces/{}/jobs", place.namespace);
    let bytes = serde_json::to_vec(job).map_err(kube::Error::SerdeError)?;
    let request = Request::new(path).create(&PostParams::default(), bytes);
    let mut request = request.map_err(kube::Error::BuildRequest)?;
    let strict = format!("{}&fieldValidation=Strict", request.uri());
    *request.uri_mut() = strict
        .parse()
        .map_err(|error: http::uri::InvalidUri| kube::Error::HttpError(error.into()))?;
    place.client.request(request).await
}

/// The name is taken: by an earlier call for this agent, or by somebody else.
async fn meet(
    core: &Core,
    place: &Place,
    request: &CreateRequest,
    body: &Body,
) -> Result<Job, BackendError> {
    let agent = request.agent;
    let Some(job) = get(place, &body.name).await.map_err(|it| it.as_unknown())? else {
        return Err(BackendError::Transient(format!(
            "the Job of {agent} was removed while it was made"
        )));
    };
    if !is_of(core, &job, request) {
        return Err(BackendError::Invalid(format!(
            "a Job that is not ours has the name `{}` in the namespace `{}`; rename or remove it",
            body.name, place.namespace
        )));
    }
    if job.metadata.deletion_timestamp.is_some() {
        return Err(BackendError::Transient(format!(
            "the Job of {agent} is being removed"
        )));
    }
    let found = super::look::look(core, place, agent).await;
    if let Ok(crate::standing::Standing::Over(end)) = found.map(|found| found.standing()) {
        core.census().untell(agent);
        core.conclude(agent, end).await;
    }
    Ok(job)
}

async fn get(place: &Place, name: &str) -> Result<Option<Job>, Fault> {
    let jobs: Api<Job> = Api::namespaced(place.client.clone(), &place.namespace);
    within("show the Job", ANSWER_WAIT, jobs.get_opt(name)).await
}

fn is_of(core: &Core, job: &Job, request: &CreateRequest) -> bool {
    let mark = core.ours.read(&job.metadata);
    mark.is_some_and(|mark| mark.agent == request.agent)
}

/// One that is there already came from an earlier call; its token is still good.
async fn keep_secret(place: &Place, secret: Value) -> Result<(), Fault> {
    let what = "keep the agent's Secret";
    let secret: Secret = serde_json::from_value(secret).map_err(|error| Fault {
        verdict: Verdict::Failed,
        message: format!("the agent's Secret cannot be written: {error}"),
        retry_after: None,
    })?;
    let secrets: Api<Secret> = Api::namespaced(place.client.clone(), &place.namespace);
    match within(
        what,
        ANSWER_WAIT,
        secrets.create(&PostParams::default(), &secret),
    )
    .await
    {
        Err(fault) if fault.verdict == Verdict::Taken => Ok(()),
        answer => answer.map(drop),
    }
}

/// Removes what was made. The error says whether that is certain.
async fn undo(core: &Core, place: &Place, request: &CreateRequest, fault: &Fault) -> BackendError {
    let options = DeleteParams::background();
    match ending::remove(core, place, request.agent, &options).await {
        Ok(()) => fault.as_not_done(),
        Err(left) => BackendError::Unknown(format!("{}; and then {}", fault.message, left.message)),
    }
}
