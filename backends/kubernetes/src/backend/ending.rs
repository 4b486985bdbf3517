//! Destroying: ask, wait, force, and see that nothing is left.
//!
//! Promise: success means that the cluster shows no Job of the agent and no pod that may
//! run, or a finished Job, which is history; whatever could not be confirmed is an unknown
//! outcome. What is not ours is not touched and counts as absent.
//!
//! Jobs are deleted in the foreground: the Job stays until its pods are gone, so that a
//! daemon that ends in between finds it. Pods that outlive the grace are given a second.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::AgentId;
use headcount_ports::{BackendError, DestroyRequest};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Preconditions};
use tokio::time::{Instant, sleep_until, timeout};

use super::look::{Found, look};
use super::{Core, words};
use crate::access::{ANSWER_WAIT, Place, within};
use crate::fault::{Fault, Verdict};
use crate::standing::Standing;

/// For a creation that is under way.
const TURN_WAIT: Duration = Duration::from_secs(60);
/// For the cluster to end what was forced, on top of the grace.
const FORCE_WAIT: Duration = Duration::from_secs(60);
/// Looked at again after so long even if no watch tells anything: it may be away.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// What a pod is given once its time is up, in seconds. With none at all the cluster would
/// forget it before its machine has ended it.
const LAST_SECONDS: u32 = 1;

/// See the port.
pub(super) async fn destroy(core: &Arc<Core>, request: DestroyRequest) -> Result<(), BackendError> {
    let turn = core.turns.enter(request.agent);
    turn.unwant();
    let Ok(_turn) = timeout(TURN_WAIT, turn.turn()).await else {
        return Err(BackendError::Unknown(format!(
            "the Job of {} is still being made",
            request.agent
        )));
    };
    let ended = end(core, request.agent, request.grace).await;
    ended.map_err(|fault| fault.as_unknown())
}

async fn end(core: &Core, agent: AgentId, grace: Duration) -> Result<(), Fault> {
    let place = core.access.place().await?;
    let started = Instant::now();
    let (force_at, until) = (started + grace, started + grace + FORCE_WAIT);
    let mut changes = core.changed.subscribe();
    let mut asked = false;
    let mut forced = false;
    loop {
        let found = look(core, &place, agent).await?;
        if matches!(found.standing(), Standing::Absent | Standing::Over(_)) {
            return sweep(&place, &found).await;
        }
        if !asked {
            core.census().end(agent);
            words::remember(core, &place, agent, &found).await;
            delete(&place, &found, &DeleteParams::foreground()).await?;
            asked = true;
        } else if !forced && Instant::now() >= force_at {
            force(&place, &found).await?;
            forced = true;
        } else if Instant::now() >= until {
            return Err(Fault::late("end the Job", grace + FORCE_WAIT));
        }
        let next = if forced {
            until
        } else {
            force_at.max(Instant::now())
        };
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep_until(next.min(Instant::now() + LOOK_PAUSE)) => {}
        }
    }
}

/// Asks the Job to go, or its pods where it is gone already.
async fn delete(place: &Place, found: &Found, options: &DeleteParams) -> Result<(), Fault> {
    let Some(job) = &found.job else {
        for pod in found.pods.iter().filter(|pod| !pod.phase.is_over()) {
            delete_pod(place, &pod.name, &pod.uid, None).await?;
        }
        return Ok(());
    };
    let jobs: Api<Job> = Api::namespaced(place.client.clone(), &place.namespace);
    let options = options.clone().preconditions(of_uid(&job.uid));
    let deleting = async { jobs.delete(&job.name, &options).await.map(drop) };
    gone_is_done(within("remove the Job", ANSWER_WAIT, deleting).await)
}

async fn force(place: &Place, found: &Found) -> Result<(), Fault> {
    for pod in found.pods.iter().filter(|pod| !pod.phase.is_over()) {
        delete_pod(place, &pod.name, &pod.uid, Some(LAST_SECONDS)).await?;
    }
    Ok(())
}

/// Pods that ended and belong to no Job any more.
async fn sweep(place: &Place, found: &Found) -> Result<(), Fault> {
    if found.job.is_none() {
        for pod in &found.pods {
            delete_pod(place, &pod.name, &pod.uid, None).await?;
        }
    }
    Ok(())
}

async fn delete_pod(
    place: &Place,
    name: &str,
    uid: &str,
    seconds: Option<u32>,
) -> Result<(), Fault> {
    let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
    let mut options = DeleteParams::background().preconditions(of_uid(uid));
    options.grace_period_seconds = seconds;
    let deleting = async { pods.delete(name, &options).await.map(drop) };
    gone_is_done(within("remove the pod", ANSWER_WAIT, deleting).await)
}

/// Removes whatever there is of an agent that was only just made; returns once it is gone
/// or on its way, with nothing that could start.
pub(super) async fn remove(
    core: &Core,
    place: &Place,
    agent: AgentId,
    options: &DeleteParams,
) -> Result<(), Fault> {
    core.census().end(agent);
    let found = look(core, place, agent).await?;
    if found.standing() != Standing::Absent {
        delete(place, &found, options).await?;
    }
    match look(core, place, agent).await?.standing() {
        Standing::Absent => Ok(()),
        _ => Err(Fault::late("remove the Job", ANSWER_WAIT)),
    }
}

pub(super) fn of_uid(uid: &str) -> Preconditions {
    Preconditions {
        uid: Some(uid.to_owned()),
        resource_version: None,
    }
}

/// Somebody else was first, or another thing has the name by now.
pub(super) fn gone_is_done(answer: Result<(), Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if matches!(fault.verdict, Verdict::Absent | Verdict::Conflict) => Ok(()),
        answer => answer,
    }
}
