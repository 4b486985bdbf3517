//! The `spec` of a Job, as far as it must be understood here.
//!
//! Promise: what Kubernetes would not know is named with its place; what it would refuse
//! in any case is an error. Leaves everything else to the API server, unchanged.
//! Source of the keys: the reference of the Kubernetes API, `batch/v1` and `core/v1`.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::problem::{Draft, Problems};
use crate::read::to_json;
use crate::settings::KubernetesAgent;
use crate::source::Place;
use crate::suggest::{nearest, quoted};
use crate::yaml::{Entry, Kind, Node, Plain};

/// Lists and mappings inside one another, so that the template can be written in any
/// format of configuration.
pub(super) const MAX_DEPTH: usize = 22;

const JOB: &[&str] = &[
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "completionMode",
    "completions",
    "managedBy",
    "manualSelector",
    "maxFailedIndexes",
    "parallelism",
    "podFailurePolicy",
    "podReplacementPolicy",
    "selector",
    "successPolicy",
    "suspend",
    "template",
    "ttlSecondsAfterFinished",
];

const POD_TEMPLATE: &[&str] = &["metadata", "spec"];

const POD: &[&str] = &[
    "activeDeadlineSeconds",
    "affinity",
    "automountServiceAccountToken",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "ephemeralContainers",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "initContainers",
    "nodeName",
    "nodeSelector",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
];

const CONTAINER: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicy",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

/// Where keys may stand: what sentences call it, where it is, its keys.
const PLACES: &[(&str, &str, &[&str])] = &[
    ("the spec of a Job", "jobTargetRef", JOB),
    ("a pod template", "jobTargetRef.template", POD_TEMPLATE),
    ("the spec of a pod", "jobTargetRef.template.spec", POD),
    (
        "a container",
        "jobTargetRef.template.spec.containers[]",
        CONTAINER,
    ),
];
const IN_JOB: usize = 0;
const IN_TEMPLATE: usize = 1;
const IN_POD: usize = 2;
const IN_CONTAINER: usize = 3;

/// The template as it is sent; `None` once a problem has been noted.
pub(super) fn job_template(
    job: &Node,
    agent: KubernetesAgent,
    problems: &mut Problems,
) -> Option<Json> {
    let job_entries = entries(job, "jobTargetRef", job.place, problems)?;
    if depth(job) > MAX_DEPTH {
        let message = format!("more than {MAX_DEPTH} lists and mappings inside one another");
        let hint = "nothing in a Job is that deep; look for a bracket too many";
        problems.at(job.place, Draft::error(message).hint(hint));
        return None;
    }
    warn_of_unknown(IN_JOB, job_entries, problems);
    let template = wanted(job_entries, "template", IN_JOB, job.place, problems)?;
    let template_entries = entries(&template.value, "template", template.place(), problems)?;
    warn_of_unknown(IN_TEMPLATE, template_entries, problems);
    let place = template.key_place;
    let pod = wanted(template_entries, "spec", IN_TEMPLATE, place, problems)?;
    let pod_entries = entries(&pod.value, "spec", pod.place(), problems)?;
    warn_of_unknown(IN_POD, pod_entries, problems);
    warn_of_deadline(job_entries, pod_entries, problems);
    let restart = check_restart(pod_entries, agent, problems)?;
    check_containers(pod_entries, pod.key_place, problems)?;
    let mut json = to_json(job, problems)?;
    if let Some(policy) = restart
        && let Some(spec) = json.pointer_mut("/template/spec")
    {
        spec["restartPolicy"] = json!(policy);
    }
    Some(json)
}

pub(super) fn depth(node: &Node) -> usize {
    let inner = match &node.kind {
        Kind::Scalar(_) => return 0,
        Kind::List(items) => items.iter().map(depth).max(),
        Kind::Map(entries) => entries.iter().map(|entry| depth(&entry.value)).max(),
    };
    inner.unwrap_or(0) + 1
}

fn entries<'n>(
    node: &'n Node,
    name: &str,
    place: Place,
    problems: &mut Problems,
) -> Option<&'n [Entry]> {
    if let Kind::Map(entries) = &node.kind {
        return Some(entries);
    }
    let draft = Draft::error(format!("`{name}` must be a mapping"))
        .label(format!("this is {}", node.describe()))
        .hint("write `key: value` pairs");
    problems.at(place, draft);
    None
}

fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key == key)
}

fn wanted<'n>(
    entries: &'n [Entry],
    key: &str,
    who: usize,
    place: Place,
    problems: &mut Problems,
) -> Option<&'n Entry> {
    let found = find(entries, key);
    if found.is_none() {
        let (noun, path, _) = PLACES.get(who).copied().unwrap_or_default();
        let draft = Draft::error(format!("{noun} needs the key `{key}`"))
            .label("it is missing here")
            .hint(format!("add `{path}.{key}`"));
        problems.at(place, draft);
    }
    found
}

/// An API server drops what it does not know, so it is not refused here either.
fn warn_of_unknown(at: usize, entries: &[Entry], problems: &mut Problems) {
    let Some((noun, _, keys)) = PLACES.get(at) else {
        return;
    };
    for entry in entries
        .iter()
        .filter(|entry| !keys.contains(&entry.key.as_str()))
    {
        let elsewhere = PLACES
            .iter()
            .find(|(_, _, keys)| keys.contains(&entry.key.as_str()));
        let hint = match (elsewhere, nearest(&entry.key, keys.iter().copied())) {
            (Some((_, path, _)), _) => format!("did you mean `{path}.{}`?", entry.key),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "remove it, or look it up in the Kubernetes API".to_owned(),
        };
        let message = format!("{noun} has no key {}: it has no effect", quoted(&entry.key));
        problems.at(entry.key_place, Draft::warning(message).hint(hint));
    }
}

/// In a pod it is another deadline than in a Job.
fn warn_of_deadline(job: &[Entry], pod: &[Entry], problems: &mut Problems) {
    const KEY: &str = "activeDeadlineSeconds";
    if let (Some(entry), None) = (find(pod, KEY), find(job, KEY)) {
        let draft = Draft::warning(format!("`{KEY}` of a pod does not limit its Job"))
            .label("a pod that exceeds it fails, and the Job may try another")
            .hint(format!(
                "write `jobTargetRef.{KEY}` for a limit over all tries"
            ));
        problems.at(entry.key_place, draft);
    }
}

/// `None` once a problem has been noted; else what to set where nothing is written, since
/// the default of a pod is not taken in a Job.
#[expect(clippy::option_option, reason = "wrong is not the same as none")]
fn check_restart(
    pod: &[Entry],
    agent: KubernetesAgent,
    problems: &mut Problems,
) -> Option<Option<&'static str>> {
    let unwritten = match agent {
        KubernetesAgent::Nobody => "OnFailure",
        KubernetesAgent::Image => "Never",
    };
    let Some(entry) = find(pod, "restartPolicy") else {
        return Some(Some(unwritten));
    };
    match text(&entry.value) {
        Some("") => Some(Some(unwritten)),
        Some("OnFailure") if agent == KubernetesAgent::Image => {
            let draft = Draft::error("an agent is not started again in its pod")
                .label("its token is good for one registration")
                .hint("write `Never`: another agent takes its place");
            problems.at(entry.place(), draft);
            None
        }
        Some("Never" | "OnFailure") => Some(None),
        _ => {
            let draft = Draft::error("the pods of a Job restart `Never` or `OnFailure`")
                .hint("write one of them");
            problems.at(entry.place(), draft);
            None
        }
    }
}

fn check_containers(pod: &[Entry], place: Place, problems: &mut Problems) -> Option<()> {
    let containers = wanted(pod, "containers", IN_POD, place, problems)?;
    let mut names = BTreeSet::new();
    check_list(containers, true, &mut names, problems)?;
    match find(pod, "initContainers") {
        Some(first) => check_list(first, false, &mut names, problems),
        None => Some(()),
    }
}

fn check_list<'n>(
    entry: &'n Entry,
    filled: bool,
    names: &mut BTreeSet<&'n str>,
    problems: &mut Problems,
) -> Option<()> {
    let key = &entry.key;
    let Kind::List(items) = &entry.value.kind else {
        let draft = Draft::error(format!("`{key}` must be a list"))
            .label(format!("this is {}", entry.value.describe()))
            .hint("write `- name: ...` for each container");
        problems.at(entry.place(), draft);
        return None;
    };
    if filled && items.is_empty() {
        let draft = Draft::error(format!("`{key}` needs at least one container"));
        problems.at(entry.place(), draft);
        return None;
    }
    let mut good = true;
    for item in items {
        good &= check_container(key, item, names, problems).is_some();
    }
    good.then_some(())
}

fn check_container<'n>(
    list: &str,
    node: &'n Node,
    names: &mut BTreeSet<&'n str>,
    problems: &mut Problems,
) -> Option<()> {
    let own = entries(node, list, node.place, problems)?;
    warn_of_unknown(IN_CONTAINER, own, problems);
    let mut found = [None; 2];
    for (key, slot) in ["name", "image"].into_iter().zip(&mut found) {
        let entry = wanted(own, key, IN_CONTAINER, node.place, problems)?;
        *slot = text(&entry.value).filter(|text| !text.is_empty());
        if slot.is_none() {
            let draft = Draft::error(format!("`{key}` of a container must be a text"))
                .label(format!("this is {}", entry.value.describe()));
            problems.at(entry.place(), draft);
            return None;
        }
    }
    let [name, _] = found;
    if name.is_some_and(|name| !names.insert(name)) {
        let message = format!(
            "a second container has the name {}",
            quoted(name.unwrap_or(""))
        );
        let draft = Draft::error(message).hint("give each container a name of its own");
        problems.at(node.place, draft);
        return None;
    }
    Some(())
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.means == Plain::Text => Some(&scalar.text),
        _ => None,
    }
}
