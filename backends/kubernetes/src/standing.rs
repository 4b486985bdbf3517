//! How an agent stands, from its Job and its pods.
//!
//! Promise: pure; an agent is over only when its Job has reached its last condition and no
//! pod of it may still run. Leaves to others: where the facts come from, and what is done.
//!
//! ```text
//! Pending ──> Running ──> Over       finished, nothing runs: the Job is history
//!    └───────────┴──────> Absent     nothing is left
//! ```

use std::collections::BTreeSet;

use headcount_model::{Exit, PoolName};
use headcount_ports::texts::one_line;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerState, Pod};

use crate::marks::{Terms, terms};

/// Characters of a reason that are kept.
const MAX_REASON: usize = 400;
/// Containers that wait for these reasons are on their way.
const ON_THE_WAY: &[&str] = &["ContainerCreating", "PodInitializing"];

/// What counts of a Job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct JobFacts {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) pool: PoolName,
    pub(crate) terms: Terms,
    pub(crate) created: Option<Timestamp>,
    suspended: bool,
    pub(crate) finished: Option<Finished>,
    /// Pods of it that failed, as its controller counted them.
    pub(crate) failed_pods: bool,
}

/// How a Job ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) at: Option<Timestamp>,
}

/// What counts of a pod.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct PodFacts {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) phase: Phase,
    /// Conditions that hold.
    holds: BTreeSet<String>,
    /// How the agent's container ended.
    pub(crate) exit: Option<Exit>,
    /// Why it does not run yet.
    waits: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Phase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl Phase {
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// How an agent stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Made, and not executing yet, for this reason if one is known.
    Pending(Option<String>),
    Running,
    /// Its Job is finished and nothing of it runs.
    Over(End),
    /// There is no Job of it, and no pod that may run.
    Absent,
}

/// How an agent ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct End {
    pub(crate) exit: Exit,
    /// Whether it executed at all.
    pub(crate) ran: bool,
    /// Whether its pods might still tell more of its exit.
    pub(crate) vague: bool,
}

/// How an agent stands, from all that is known of it. `refused` is why its pod could not be
/// made.
pub(crate) fn standing(
    job: Option<&JobFacts>,
    pods: &[&PodFacts],
    refused: Option<&str>,
) -> Standing {
    let live: Vec<&PodFacts> = pods
        .iter()
        .copied()
        .filter(|it| !it.phase.is_over())
        .collect();
    match job.map(|job| (job, &job.finished)) {
        None if live.is_empty() => Standing::Absent,
        Some((job, Some(finished))) if live.is_empty() => Standing::Over(end(job, finished, pods)),
        // What remains of a Job that ended or was removed still runs.
        None | Some((_, Some(_))) => Standing::Running,
        Some((job, None)) if runs(job, pods) => Standing::Running,
        Some((job, None)) => Standing::Pending(reason(job, &live, refused)),
    }
}

fn runs(job: &JobFacts, pods: &[&PodFacts]) -> bool {
    let wanted = &job.terms.conditions;
    pods.iter().any(|pod| match wanted.is_empty() {
        true => matches!(pod.phase, Phase::Running | Phase::Succeeded),
        false => wanted.iter().all(|name| pod.holds.contains(name)),
    })
}

fn end(job: &JobFacts, finished: &Finished, pods: &[&PodFacts]) -> End {
    let last = pods.iter().rev().find_map(|pod| pod.exit);
    let exit = match (finished.success, last) {
        (true, _) => Exit::Code(0),
        // A deadline or a quota may end a Job whose program did well.
        (false, Some(Exit::Code(0)) | None) => Exit::Unknown,
        (false, Some(exit)) => exit,
    };
    End {
        exit,
        ran: finished.success || last.is_some(),
        vague: !finished.success && last.is_none() && job.failed_pods,
    }
}

fn reason(job: &JobFacts, live: &[&PodFacts], refused: Option<&str>) -> Option<String> {
    if job.suspended {
        return Some("its Job is suspended".to_owned());
    }
    let waits = live.iter().find_map(|pod| pod.waits.clone());
    let refused = refused.filter(|_| live.is_empty());
    waits.or_else(|| refused.map(bounded))
}

impl JobFacts {
    pub(crate) fn of(job: &Job, pool: PoolName) -> Self {
        let status = job.status.clone().unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let last = conditions
            .iter()
            .find(|it| it.status == "True" && (it.type_ == "Complete" || it.type_ == "Failed"));
        let finished = last.map(|condition| Finished {
            success: condition.type_ == "Complete",
            at: condition.last_transition_time.as_ref().map(|time| time.0),
        });
        let suspended = job.spec.as_ref().and_then(|spec| spec.suspend);
        Self {
            name: job.metadata.name.clone().unwrap_or_default(),
            uid: job.metadata.uid.clone().unwrap_or_default(),
            pool,
            terms: terms(&job.metadata),
            created: job.metadata.creation_timestamp.as_ref().map(|time| time.0),
            suspended: suspended == Some(true),
            finished,
            failed_pods: status.failed.unwrap_or(0) > 0,
        }
    }
}

impl PodFacts {
    pub(crate) fn of(pod: &Pod) -> Self {
        let status = pod.status.clone().unwrap_or_default();
        let conditions = status.conditions.clone().unwrap_or_default();
        let holding = conditions.iter().filter(|it| it.status == "True");
        let phase = match status.phase.as_deref() {
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            // Its machine is away: it may run.
            Some("Running" | "Unknown") => Phase::Running,
            _ => Phase::Pending,
        };
        Self {
            name: pod.metadata.name.clone().unwrap_or_default(),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            phase,
            holds: holding.map(|it| it.type_.clone()).collect(),
            exit: exit(pod, &terms(&pod.metadata).container),
            waits: waits(pod),
        }
    }
}

/// How the agent's container ended; where it is not known by name, any that did not do well.
fn exit(pod: &Pod, container: &str) -> Option<Exit> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let named = statuses.iter().find(|it| it.name == container);
    let terminated = named
        .or(statuses.first())?
        .state
        .as_ref()?
        .terminated
        .as_ref()?;
    Some(match terminated.signal {
        Some(signal) if signal > 0 => Exit::Signal(signal),
        _ => Exit::Code(terminated.exit_code),
    })
}

/// Why a pod does not run yet, if it says.
fn waits(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let conditions = status.conditions.iter().flatten();
    let mut unplaced = conditions.filter(|it| it.type_ == "PodScheduled" && it.status == "False");
    if let Some(condition) = unplaced.next() {
        let reason = condition.reason.as_deref().unwrap_or("unscheduled");
        return Some(told(reason, condition.message.as_deref()));
    }
    let inits = status.init_container_statuses.iter().flatten();
    let all = inits.chain(status.container_statuses.iter().flatten());
    let mut waiting = all.filter_map(|it| waiting(&it.name, it.state.as_ref()?));
    waiting.next()
}

fn waiting(container: &str, state: &ContainerState) -> Option<String> {
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let stuck = !ON_THE_WAY.contains(&reason);
    stuck.then(|| {
        told(
            &format!("container `{container}`: {reason}"),
            waiting.message.as_deref(),
        )
    })
}

fn told(reason: &str, message: Option<&str>) -> String {
    match message.filter(|text| !text.is_empty()) {
        Some(message) => bounded(&format!("{reason}: {message}")),
        None => bounded(reason),
    }
}

pub(crate) fn bounded(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn job(conditions: &[&str], suspended: bool, wanted: &str) -> JobFacts {
        let all = conditions
            .iter()
            .map(|it| json!({"type": it, "status": "True"}));
        let all: Vec<Value> = all.collect();
        let job = json!({
            "metadata": {"name": "j", "annotations": {"headcount.pending-pod-conditions": wanted}},
            "spec": {"suspend": suspended, "template": {}},
            "status": {"conditions": all, "failed": 1},
        });
        let job: Job = serde_json::from_value(job).unwrap();
        JobFacts::of(&job, "p".into())
    }

    fn pod(status: Value) -> PodFacts {
        let pod =
            json!({"metadata": {"annotations": {"headcount.container": "main"}}, "status": status});
        PodFacts::of(&serde_json::from_value(pod).unwrap())
    }

    fn phase(phase: &str) -> PodFacts {
        pod(json!({"phase": phase}))
    }

    fn ended(phase: &str, code: i32) -> PodFacts {
        pod(json!({"phase": phase, "containerStatuses": [
            container("side", json!({"terminated": {"exitCode": 7}})),
            container("main", json!({"terminated": {"exitCode": code}})),
        ]}))
    }

    fn container(name: &str, state: Value) -> Value {
        json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    fn over(exit: Exit, ran: bool, vague: bool) -> Standing {
        Standing::Over(End { exit, ran, vague })
    }

    #[test]
    fn every_job_and_pod_gives_one_standing() {
        let pending = Standing::Pending(None);
        type Case = (Option<&'static [&'static str]>, Vec<PodFacts>, Standing);
        let all: &[Case] = &[
            (None, vec![], Standing::Absent),
            (None, vec![ended("Failed", 1)], Standing::Absent),
            (None, vec![phase("Running")], Standing::Running),
            (None, vec![phase("Pending")], Standing::Running),
            (Some(&[]), vec![], pending.clone()),
            (Some(&[]), vec![phase("Pending")], pending.clone()),
            (Some(&[]), vec![phase("Failed")], pending.clone()),
            (Some(&[]), vec![phase("Running")], Standing::Running),
            (Some(&[]), vec![phase("Unknown")], Standing::Running),
            (Some(&[]), vec![phase("Succeeded")], Standing::Running),
            (
                Some(&["SuccessCriteriaMet"]),
                vec![ended("Succeeded", 0)],
                Standing::Running,
            ),
            (Some(&["FailureTarget"]), vec![phase("Failed")], pending),
            (
                Some(&["Complete"]),
                vec![ended("Succeeded", 0)],
                over(Exit::Code(0), true, false),
            ),
            (
                Some(&["Complete"]),
                vec![],
                over(Exit::Code(0), true, false),
            ),
            (
                Some(&["Failed"]),
                vec![ended("Failed", 3)],
                over(Exit::Code(3), true, false),
            ),
            (Some(&["Failed"]), vec![], over(Exit::Unknown, false, true)),
            (
                Some(&["Failed"]),
                vec![ended("Succeeded", 0)],
                over(Exit::Unknown, true, false),
            ),
            (Some(&["Failed"]), vec![phase("Running")], Standing::Running),
        ];
        for (conditions, pods, expected) in all {
            let job = conditions.map(|conditions| job(conditions, false, ""));
            let pods: Vec<&PodFacts> = pods.iter().collect();
            let stands = standing(job.as_ref(), &pods, None);
            assert_eq!(stands, *expected, "{conditions:?} {pods:?}");
        }
    }

    #[test]
    fn one_pod_must_have_every_condition_that_is_asked_for() {
        let with = |names: &[&str]| {
            let all = names.iter().map(|it| json!({"type": it, "status": "True"}));
            pod(json!({"phase": "Running", "conditions": all.collect::<Vec<_>>()}))
        };
        let job = job(&[], false, "Ready,PodScheduled");
        let (ready, placed) = (with(&["Ready"]), with(&["PodScheduled"]));
        let both = with(&["PodScheduled", "Ready", "Initialized"]);
        assert_eq!(
            standing(Some(&job), &[&ready, &placed], None),
            Standing::Pending(None)
        );
        assert_eq!(
            standing(Some(&job), &[&ready, &both], None),
            Standing::Running
        );
    }

    #[test]
    fn what_a_pod_waits_for_is_said() {
        let unplaced = json!({"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available:\n 3 Insufficient cpu.",
        }]});
        let stuck = |reason: &str| {
            let waiting = json!({"waiting": {"reason": reason, "message": "it said so"}});
            json!({"phase": "Pending", "containerStatuses": [container("main", waiting)]})
        };
        for (status, told) in [
            (
                unplaced,
                Some("Unschedulable: 0/3 nodes are available: 3 Insufficient cpu."),
            ),
            (
                stuck("ImagePullBackOff"),
                Some("container `main`: ImagePullBackOff: it said so"),
            ),
            (
                stuck("ErrImagePull"),
                Some("container `main`: ErrImagePull: it said so"),
            ),
            (
                stuck("CreateContainerConfigError"),
                Some("container `main`: CreateContainerConfigError: it said so"),
            ),
            (stuck("ContainerCreating"), None),
            (json!({"phase": "Pending"}), None),
        ] {
            let stands = standing(Some(&job(&[], false, "")), &[&pod(status)], Some("older"));
            assert_eq!(stands, Standing::Pending(told.map(str::to_owned)));
        }
    }

    #[test]
    fn a_job_without_a_pod_says_why() {
        let refused = standing(Some(&job(&[], false, "")), &[], Some("exceeded quota"));
        assert_eq!(
            refused,
            Standing::Pending(Some("exceeded quota".to_owned()))
        );
        let suspended = standing(Some(&job(&[], true, "")), &[], None);
        assert_eq!(
            suspended,
            Standing::Pending(Some("its Job is suspended".to_owned()))
        );
        assert_eq!(bounded(&"é".repeat(500)), format!("{}…", "é".repeat(400)));
    }
}
