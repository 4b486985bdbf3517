//! The Job controller: makes pods for Jobs, counts them, and says when a Job is over.
//!
//! Promise: the conditions of a real one, in its order: `SuccessCriteriaMet` and
//! `FailureTarget` before `Complete` and `Failed`, which wait until no pod is left that
//! might run.

use serde_json::{Value, json};

use crate::deletion;
use crate::kubelet;
use crate::objects::{Key, drop_finalizer, finalizers, is_deleting, is_owned_by};
use crate::state::State;

const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// One pass over all Jobs.
pub(crate) fn jobs(state: &mut State) {
    release_pods(state);
    let keys: Vec<Key> = state
        .objects
        .all("jobs", "")
        .map(|(key, _)| key.clone())
        .collect();
    for key in keys {
        sync(state, &key);
        expire(state, &key);
    }
}

/// Pods that ended are counted, and pods whose Job is gone need not be.
fn release_pods(state: &mut State) {
    let jobs: Vec<(Key, Value)> = state
        .objects
        .all("jobs", "")
        .map(|(key, job)| (key.clone(), job.clone()))
        .collect();
    let tracked: Vec<(Key, Value)> = state
        .objects
        .all("pods", "")
        .filter(|(_, pod)| finalizers(pod).iter().any(|it| it == TRACKING))
        .map(|(key, pod)| (key.clone(), pod.clone()))
        .collect();
    for (key, pod) in tracked {
        let job = jobs
            .iter()
            .find(|(_, job)| is_owned_by(&pod, &job["metadata"]["uid"]));
        let over = kubelet::is_over(&pod) || (is_deleting(&pod) && !kubelet::is_started(&pod));
        match job {
            Some((job, _)) if over => count(state, job, &pod),
            Some((_, job)) if !is_deleting(job) => continue,
            _ => {}
        }
        state
            .objects
            .change(&key, |pod| drop_finalizer(pod, TRACKING));
    }
}

fn count(state: &mut State, job: &Key, pod: &Value) {
    let field = match pod["status"]["phase"] == "Succeeded" {
        true => "succeeded",
        false => "failed",
    };
    state.objects.change(job, |job| {
        let before = job["status"][field].as_u64().unwrap_or(0);
        job["status"][field] = json!(before + 1);
    });
}

fn sync(state: &mut State, key: &Key) {
    let Some(job) = state.objects.get(key).cloned() else {
        return;
    };
    if is_deleting(&job) || has(&job, "Complete") || has(&job, "Failed") {
        return;
    }
    if job["spec"]["suspend"] == true {
        return suspend(state, key, &job);
    }
    start(state, key);
    let Some(job) = state.objects.get(key).cloned() else {
        return;
    };
    let active = active_pods(state, &job);
    if let Some((reason, message)) = failure(state, &job) {
        fail(state, key, &active, reason, message);
    } else if number(&job["status"]["succeeded"]) >= completions(&job) {
        complete(state, key, &active);
    } else if active.len() < usize::try_from(parallelism(&job)).unwrap_or(0) {
        make_pod(state, key, &job);
    }
    note_active(state, key);
}

fn suspend(state: &mut State, key: &Key, job: &Value) {
    for pod in active_pods(state, job) {
        end_pod(state, &pod);
    }
    let now = state.clock.text();
    state.objects.change(key, |job| {
        set(job, "Suspended", "JobSuspended", "Job suspended", &now);
        job["status"]["active"] = json!(0);
        if let Some(status) = job["status"].as_object_mut() {
            status.remove("startTime");
        }
    });
}

fn start(state: &mut State, key: &Key) {
    let now = state.clock.text();
    state.objects.change(key, |job| {
        if !job["status"]["startTime"].is_string() {
            job["status"]["startTime"] = json!(now);
        }
        if let Some(conditions) = job["status"]["conditions"].as_array_mut() {
            for condition in conditions.iter_mut().filter(|it| it["type"] == "Suspended") {
                condition["status"] = json!("False");
            }
        }
    });
}

/// Why a Job has failed.
fn failure(state: &State, job: &Value) -> Option<(&'static str, &'static str)> {
    if let Some(deadline) = job["spec"]["activeDeadlineSeconds"].as_i64()
        && state.clock.seconds_since(&job["status"]["startTime"])? >= deadline
    {
        return Some((
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
        ));
    }
    let limit = job["spec"]["backoffLimit"].as_u64().unwrap_or(6);
    (number(&job["status"]["failed"]) > limit).then_some((
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    ))
}

fn fail(state: &mut State, key: &Key, active: &[Key], reason: &str, message: &str) {
    let now = state.clock.text();
    state
        .objects
        .change(key, |job| set(job, "FailureTarget", reason, message, &now));
    for pod in active {
        end_pod(state, pod);
    }
    if active.is_empty() && !state.hold_terminal {
        state
            .objects
            .change(key, |job| set(job, "Failed", reason, message, &now));
    }
}

fn complete(state: &mut State, key: &Key, active: &[Key]) {
    let now = state.clock.text();
    let (reason, message) = (
        "CompletionsReached",
        "Reached expected number of succeeded pods",
    );
    state.objects.change(key, |job| {
        set(job, "SuccessCriteriaMet", reason, message, &now)
    });
    for pod in active {
        end_pod(state, pod);
    }
    if active.is_empty() && !state.hold_terminal {
        state.objects.change(key, |job| {
            set(job, "Complete", reason, message, &now);
            job["status"]["completionTime"] = json!(now);
        });
    }
}

/// Finished Jobs whose time to live is up.
fn expire(state: &mut State, key: &Key) {
    let Some(job) = state.objects.get(key) else {
        return;
    };
    let Some(ttl) = job["spec"]["ttlSecondsAfterFinished"].as_i64() else {
        return;
    };
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    let mut terminal = conditions.filter(|it| it["type"] == "Complete" || it["type"] == "Failed");
    let finished = terminal.next().map(|it| it["lastTransitionTime"].clone());
    let since = finished.and_then(|at| state.clock.seconds_since(&at));
    if since.is_some_and(|since| since >= ttl) && !is_deleting(job) {
        let foreground = json!({"propagationPolicy": "Foreground"});
        drop(deletion::delete(state, key, &foreground));
    }
}

fn make_pod(state: &mut State, key: &Key, job: &Value) {
    let (_, namespace, name) = key;
    if let Some(why) = state.pods_refused.clone() {
        return refuse_pod(state, namespace, job, &why);
    }
    let template = &job["spec"]["template"];
    let uid = state.objects.new_uid();
    let pod_name = format!("{name}-{}", uid.get(31..).unwrap_or("00000"));
    let mut metadata = template["metadata"].clone();
    for label in ["job-name", "batch.kubernetes.io/job-name"] {
        metadata["labels"][label] = json!(name);
    }
    metadata["labels"]["batch.kubernetes.io/controller-uid"] = job["metadata"]["uid"].clone();
    metadata["name"] = json!(pod_name);
    metadata["generateName"] = json!(format!("{name}-"));
    metadata["namespace"] = json!(namespace);
    metadata["uid"] = json!(uid);
    metadata["creationTimestamp"] = json!(state.clock.text());
    metadata["finalizers"] = json!([TRACKING]);
    metadata["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }]);
    let pod = json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"],
        "status": {"phase": "Pending"},
    });
    state
        .objects
        .put(("pods", namespace.clone(), pod_name), pod);
}

/// What the controller writes down where a quota or an admission check refuses its pod.
fn refuse_pod(state: &mut State, namespace: &str, job: &Value, why: &str) {
    let name = job["metadata"]["name"].as_str().unwrap_or_default();
    let event = format!("{name}.failedcreate");
    let key: Key = ("events", namespace.to_owned(), event.clone());
    if state.objects.get(&key).is_some() {
        return;
    }
    let uid = state.objects.new_uid();
    let message = format!("Error creating: pods \"{name}-x7x7x\" is forbidden: {why}");
    let now = state.clock.text();
    let event = json!({
        "kind": "Event", "apiVersion": "v1",
        "metadata": {"name": event, "namespace": namespace, "uid": uid, "creationTimestamp": now},
        "involvedObject": {"apiVersion": "batch/v1", "kind": "Job", "namespace": namespace,
                           "name": name, "uid": job["metadata"]["uid"]},
        "reason": "FailedCreate", "type": "Warning", "message": message,
        "source": {"component": "job-controller"},
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    });
    state.objects.put(key, event);
}

fn note_active(state: &mut State, key: &Key) {
    let Some(job) = state.objects.get(key).cloned() else {
        return;
    };
    let active = active_pods(state, &job);
    let ready = active
        .iter()
        .filter(|pod| state.objects.get(pod).is_some_and(|pod| has(pod, "Ready")));
    let ready = ready.count();
    state.objects.change(key, |job| {
        job["status"]["active"] = json!(active.len());
        job["status"]["ready"] = json!(ready);
    });
}

/// Its pods that have not ended.
fn active_pods(state: &State, job: &Value) -> Vec<Key> {
    let pods = state.objects.all("pods", "");
    let active =
        pods.filter(|(_, pod)| is_owned_by(pod, &job["metadata"]["uid"]) && !kubelet::is_over(pod));
    active.map(|(key, _)| key.clone()).collect()
}

fn end_pod(state: &mut State, pod: &Key) {
    if !state.objects.get(pod).is_some_and(is_deleting) {
        drop(deletion::delete(state, pod, &json!({})));
    }
}

/// Whether a condition holds.
pub(crate) fn has(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let mut named = conditions.filter(|it| it["type"] == *condition);
    named.any(|it| it["status"] == "True")
}

fn set(object: &mut Value, condition: &str, reason: &str, message: &str, now: &str) {
    if has(object, condition) {
        return;
    }
    let mut conditions = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    conditions.retain(|it| it["type"] != *condition);
    conditions.push(json!({
        "type": condition, "status": "True", "reason": reason, "message": message,
        "lastProbeTime": now, "lastTransitionTime": now,
    }));
    object["status"]["conditions"] = json!(conditions);
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn completions(job: &Value) -> u64 {
    job["spec"]["completions"].as_u64().unwrap_or(1)
}

fn parallelism(job: &Value) -> u64 {
    job["spec"]["parallelism"].as_u64().unwrap_or(1)
}
