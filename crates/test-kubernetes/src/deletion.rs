//! Deleting: what goes at once, what waits for finalizers, and what goes along.
//!
//! Promise: as the API server and its garbage collector do it. Background removes the
//! owner first, foreground its dependents first, orphan none of them; a pod that runs is
//! given its time.

use serde_json::{Value, json};

use crate::kubelet;
use crate::objects::{Key, drop_finalizer, finalizers, is_deleting, is_owned_by};
use crate::state::State;
use crate::status::Refusal;

const FOREGROUND: &str = "foregroundDeletion";
/// A pod's own, where it says nothing.
const POD_GRACE: i64 = 30;

/// Deletes one object; answers with it, or with a success if nothing is left of it.
pub(crate) fn delete(state: &mut State, key: &Key, options: &Value) -> Result<Value, Refusal> {
    let (resource, _, name) = key;
    let object = state.objects.get(key).cloned();
    let object = object.ok_or_else(|| Refusal::not_found(resource, name))?;
    let wanted = &options["preconditions"]["uid"];
    if wanted.is_string() && *wanted != object["metadata"]["uid"] {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            wanted.as_str().unwrap_or_default(),
            object["metadata"]["uid"].as_str().unwrap_or_default()
        );
        return Err(Refusal::conflict(resource, name, &why));
    }
    match (*resource, policy(resource, options)) {
        ("pods", _) => delete_pod(state, key, &object, options),
        (_, "Foreground") => mark(state, key, Some(FOREGROUND), 0),
        (_, "Orphan") => {
            release(state, &object["metadata"]["uid"]);
            let_go(state, key);
        }
        _ => let_go(state, key),
    }
    let left = state.objects.get(key).cloned();
    Ok(left.unwrap_or_else(|| {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
               "details": {"name": name, "kind": resource, "uid": object["metadata"]["uid"]}})
    }))
}

/// What happens to dependents where nobody says: of Jobs they stay, for old times' sake.
fn policy<'a>(resource: &str, options: &'a Value) -> &'a str {
    let default = match resource {
        "jobs" => "Orphan",
        _ => "Background",
    };
    options["propagationPolicy"].as_str().unwrap_or(default)
}

fn delete_pod(state: &mut State, key: &Key, pod: &Value, options: &Value) {
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64();
    let asked = options["gracePeriodSeconds"].as_i64().or(own);
    let grace = asked.unwrap_or(POD_GRACE);
    let started = kubelet::is_started(pod);
    if grace == 0 || !started {
        return let_go(state, key);
    }
    // It can be shortened, never lengthened.
    let before = pod["metadata"]["deletionGracePeriodSeconds"].as_i64();
    if before.is_none_or(|before| grace < before) {
        mark(state, key, None, grace);
    }
}

/// On its way out.
fn mark(state: &mut State, key: &Key, finalizer: Option<&str>, grace: i64) {
    let at = state.clock.after(grace);
    state.objects.change(key, |object| {
        let mut names = finalizers(object);
        names.extend(finalizer.map(str::to_owned));
        names.dedup();
        let metadata = &mut object["metadata"];
        metadata["deletionTimestamp"] = json!(at);
        metadata["deletionGracePeriodSeconds"] = json!(grace);
        if !names.is_empty() {
            metadata["finalizers"] = json!(names);
        }
    });
}

/// Removes an object, or waits for its finalizers.
pub(crate) fn let_go(state: &mut State, key: &Key) {
    let held = state
        .objects
        .get(key)
        .is_some_and(|it| !finalizers(it).is_empty());
    match held {
        true => mark(state, key, None, 0),
        false => state.objects.remove(key),
    }
}

fn release(state: &mut State, owner: &Value) {
    for key in dependents(state, owner) {
        state.objects.change(&key, |object| {
            if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
                owners.retain(|it| it["uid"] != *owner);
            }
        });
    }
}

fn dependents(state: &State, owner: &Value) -> Vec<Key> {
    ["jobs", "pods", "secrets"]
        .into_iter()
        .flat_map(|resource| state.objects.all(resource, ""))
        .filter(|(_, object)| is_owned_by(object, owner))
        .map(|(key, _)| key.clone())
        .collect()
}

/// The garbage collector: one pass.
pub(crate) fn collect(state: &mut State) {
    for resource in ["configmaps", "jobs", "secrets"] {
        foreground(state, resource);
    }
    for resource in ["jobs", "pods", "secrets"] {
        for key in orphaned(state, resource) {
            let background = json!({"propagationPolicy": "Background"});
            let is_leaving = state.objects.get(&key).is_some_and(is_deleting);
            if !is_leaving {
                drop(delete(state, &key, &background));
            }
        }
    }
    finish(state);
}

/// Owners that wait for their dependents.
fn foreground(state: &mut State, resource: &str) {
    let waits = |object: &Value| {
        is_deleting(object) && finalizers(object).iter().any(|it| it == FOREGROUND)
    };
    let owners: Vec<(Key, Value)> = state
        .objects
        .all(resource, "")
        .filter(|(_, object)| waits(object))
        .map(|(key, object)| (key.clone(), object["metadata"]["uid"].clone()))
        .collect();
    for (key, uid) in owners {
        let left = dependents(state, &uid);
        if left.is_empty() {
            state
                .objects
                .change(&key, |object| drop_finalizer(object, FOREGROUND));
        }
        for dependent in left {
            if !state.objects.get(&dependent).is_some_and(is_deleting) {
                drop(delete(
                    state,
                    &dependent,
                    &json!({"propagationPolicy": "Foreground"}),
                ));
            }
        }
    }
}

/// Objects all of whose owners are gone.
fn orphaned(state: &State, resource: &str) -> Vec<Key> {
    let uids: Vec<Value> = ["configmaps", "jobs", "pods"]
        .into_iter()
        .flat_map(|resource| state.objects.all(resource, ""))
        .map(|(_, object)| object["metadata"]["uid"].clone())
        .collect();
    let all = state.objects.all(resource, "");
    let orphans = all.filter(|(_, object)| {
        let owners = object["metadata"]["ownerReferences"].as_array();
        owners.is_some_and(|owners| {
            !owners.is_empty() && owners.iter().all(|owner| !uids.contains(&owner["uid"]))
        })
    });
    orphans.map(|(key, _)| key.clone()).collect()
}

/// Objects that nothing holds any more.
fn finish(state: &mut State) {
    for resource in ["configmaps", "jobs", "secrets", "pods"] {
        let all = state.objects.all(resource, "");
        let free = all.filter(|(_, object)| {
            let pod_runs =
                resource == "pods" && !kubelet::is_over(object) && kubelet::is_started(object);
            is_deleting(object) && finalizers(object).is_empty() && !pod_runs
        });
        let free: Vec<Key> = free.map(|(key, _)| key.clone()).collect();
        for key in free {
            state.objects.remove(&key);
        }
    }
}
