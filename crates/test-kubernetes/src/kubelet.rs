//! The kubelet and the scheduler: what becomes of pods.
//!
//! Promise: a manual one does nothing that no test said, but lets deleted pods end; an
//! automatic one runs each pod at once and lets it end as its command says (`exit 3`), or
//! run until it is deleted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::control::has;
use crate::objects::{Key, is_deleting};
use crate::state::State;

/// Who decides what becomes of pods.
#[derive(Clone, Default, Debug)]
pub struct Kubelet {
    pub(crate) automatic: bool,
    /// Jobs whose pods end only when they are told for the second time, with a grace of a
    /// second or less.
    pub(crate) stubborn: BTreeSet<String>,
    /// Jobs whose pods are on a machine that is away: nothing of them changes.
    pub(crate) lost: BTreeSet<String>,
}

impl Kubelet {
    /// Nothing happens that no test says.
    #[must_use]
    pub fn manual() -> Self {
        Self::default()
    }

    /// Pods run at once and end as their command says.
    #[must_use]
    pub fn automatic() -> Self {
        Self {
            automatic: true,
            ..Self::default()
        }
    }
}

/// Whether nothing of a pod runs any more, for good.
pub(crate) fn is_over(pod: &Value) -> bool {
    matches!(
        pod["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    )
}

/// Whether some of it has started, or may start at any moment.
pub(crate) fn is_started(pod: &Value) -> bool {
    pod["spec"]["nodeName"].is_string()
}

/// One pass over all pods.
pub(crate) fn work(state: &mut State) {
    let pods: Vec<(Key, Value)> = state
        .objects
        .all("pods", "")
        .map(|(key, pod)| (key.clone(), pod.clone()))
        .collect();
    for (key, pod) in pods {
        let job = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"].as_str();
        let job = job.unwrap_or_default();
        if state.kubelet.lost.contains(job) || is_over(&pod) {
            continue;
        }
        if is_deleting(&pod) && is_started(&pod) {
            let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64();
            if !state.kubelet.stubborn.contains(job) || grace.is_some_and(|grace| grace <= 1) {
                end(state, &key, 143);
            }
        } else if state.kubelet.automatic && pod["status"]["phase"] == "Pending" {
            obey(state, &key, &pod);
        }
    }
}

/// Runs it, and lets it end if its command does.
fn obey(state: &mut State, key: &Key, pod: &Value) {
    run(state, key);
    let words = ["command", "args"].map(|it| pod["spec"]["containers"][0][it].clone());
    let words = words
        .iter()
        .flat_map(|it| it.as_array().cloned().unwrap_or_default());
    let words: Vec<String> = words
        .filter_map(|it| Some(it.as_str()?.to_owned()))
        .collect();
    let script = words.last().map(String::as_str).unwrap_or_default();
    if let Some(code) = script
        .strip_prefix("exit ")
        .and_then(|code| code.parse().ok())
    {
        end(state, key, code);
    }
}

/// On a machine, executing, and ready.
pub(crate) fn run(state: &mut State, key: &Key) {
    let now = state.clock.text();
    state.objects.change(key, |pod| {
        pod["spec"]["nodeName"] = json!("machine-1");
        pod["status"]["phase"] = json!("Running");
        pod["status"]["startTime"] = json!(now);
        set_containers(pod, &json!({"running": {"startedAt": now}}), true);
        for condition in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
            set(pod, condition, "True", "", "", &now);
        }
    });
}

/// Its containers end with this code.
pub(crate) fn end(state: &mut State, key: &Key, code: i32) {
    let now = state.clock.text();
    state.objects.change(key, |pod| {
        let (phase, reason) = match code {
            0 => ("Succeeded", "Completed"),
            _ => ("Failed", "Error"),
        };
        pod["status"]["phase"] = json!(phase);
        let ended = json!({"terminated": {
            "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now,
        }});
        set_containers(pod, &ended, false);
        set(pod, "Ready", "False", "PodFailed", "", &now);
    });
}

/// A machine was found, and its containers wait there.
pub(crate) fn wait(state: &mut State, key: &Key, reason: &str, message: &str) {
    let now = state.clock.text();
    state.objects.change(key, |pod| {
        pod["spec"]["nodeName"] = json!("machine-1");
        set(pod, "PodScheduled", "True", "", "", &now);
        set_containers(
            pod,
            &json!({"waiting": {"reason": reason, "message": message}}),
            false,
        );
    });
}

/// No machine was found.
pub(crate) fn unschedulable(state: &mut State, key: &Key, message: &str) {
    let now = state.clock.text();
    state.objects.change(key, |pod| {
        set(pod, "PodScheduled", "False", "Unschedulable", message, &now);
    });
}

/// Sets one condition of a pod, whatever it was.
pub(crate) fn condition(state: &mut State, key: &Key, name: &str, holds: bool) {
    let now = state.clock.text();
    let status = if holds { "True" } else { "False" };
    state
        .objects
        .change(key, |pod| set(pod, name, status, "", "", &now));
}

fn set_containers(pod: &mut Value, current: &Value, ready: bool) {
    let containers = pod["spec"]["containers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let statuses = containers.iter().map(|container| {
        json!({
            "name": container["name"], "image": container["image"], "imageID": "",
            "ready": ready, "restartCount": 0, "state": current,
        })
    });
    pod["status"]["containerStatuses"] = statuses.collect();
}

fn set(pod: &mut Value, name: &str, status: &str, reason: &str, message: &str, now: &str) {
    let unchanged = status == "True" && has(pod, name);
    if unchanged {
        return;
    }
    let mut conditions = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    conditions.retain(|it| it["type"] != *name);
    let mut condition = json!({"type": name, "status": status, "lastTransitionTime": now});
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[field] = json!(text);
        }
    }
    conditions.push(condition);
    pod["status"]["conditions"] = json!(conditions);
}
