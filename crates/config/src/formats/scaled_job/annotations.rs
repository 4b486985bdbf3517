//! What the labels and annotations of a `ScaledJob` ask for.

use super::job::{find, spanned, unknown};
use crate::manifest::scalar;
use crate::problem::{Draft, Problems};
use crate::read::{TextMap, go_boolean, read_entry};
use crate::suggest::quoted;
use crate::written::{LabelSet, Policy, QUEUE_COMPAT};
use crate::yaml::Entry;

const PAUSED: &str = "autoscaling.keda.sh/paused";
const EXCLUDED: &str = "scaledjob.keda.sh/job-excluded-labels";
/// Whose arithmetic holds; spelled as what is written on Jobs.
const COMPAT_KEY: &str = "headcount.compat";
/// What we tell, and are told, by.
const OURS: &str = "headcount.";
/// Those of a `ScaledObject`, which do nothing here.
const OF_OTHERS: &[&str] = &[
    "autoscaling.keda.sh/paused-replicas",
    "autoscaling.keda.sh/paused-scale-in",
    "autoscaling.keda.sh/paused-scale-out",
];
/// What `kubectl` keeps for itself.
const KUBECTL: &str = "kubectl.kubernetes.io/";

/// Annotations go on to each Job, but for those that tell KEDA, `kubectl` or us something.
/// Yields the keys of labels that do not go on.
pub(super) fn annotations(
    metadata: &[Entry],
    set: &mut LabelSet,
    policy: &mut Policy,
    problems: &mut Problems,
) -> Vec<String> {
    let Some(entry) = find(metadata, "annotations") else {
        return Vec::new();
    };
    let mut excluded = Vec::new();
    for own in crate::manifest::entries(&entry.value) {
        let text = scalar(&own.value).unwrap_or("");
        match own.key.as_str() {
            PAUSED => policy.paused = Some(spanned(paused(own, text, problems), own.place())),
            EXCLUDED => excluded = text.split(',').map(str::to_owned).collect(),
            COMPAT_KEY => policy.compat = read_entry(&QUEUE_COMPAT, own, problems),
            other if other.starts_with(OURS) => {
                unknown("Headcount", own, &[COMPAT_KEY], problems);
            }
            other if OF_OTHERS.contains(&other) => {
                let message = format!("{} does nothing to a ScaledJob", quoted(other));
                let hint = format!("write `{PAUSED}: \"true\"` to pause it");
                problems.at(own.key_place, Draft::warning(message).hint(hint));
            }
            other if is_of_keda(other) => {
                unknown("KEDA", own, &[PAUSED, EXCLUDED], problems);
            }
            _ => {}
        }
    }
    if let Some(mut own) = read_entry(&TextMap, entry, problems) {
        own.value.retain(|key, _| {
            !is_of_keda(key) && !key.starts_with(KUBECTL) && !key.starts_with(OURS)
        });
        set.job_annotations = Some(own);
    }
    excluded
}

fn is_of_keda(key: &str) -> bool {
    key.starts_with("autoscaling.keda.sh/") || key.starts_with("scaledjob.keda.sh/")
}

/// What is no truth value pauses, as KEDA has it.
fn paused(entry: &Entry, text: &str, problems: &mut Problems) -> bool {
    go_boolean(text).unwrap_or_else(|| {
        let message = format!("{} is neither `true` nor `false`", quoted(text));
        let draft = Draft::warning(message)
            .label("counts as paused")
            .hint("write one of them");
        problems.at(entry.place(), draft);
        true
    })
}

/// Labels go on to each Job, but for those that are excluded.
pub(super) fn labels(
    metadata: &[Entry],
    excluded: &[String],
    set: &mut LabelSet,
    problems: &mut Problems,
) {
    let Some(entry) = find(metadata, "labels") else {
        return;
    };
    if let Some(mut labels) = read_entry(&TextMap, entry, problems) {
        labels.value.retain(|key, _| !excluded.contains(key));
        set.job_labels = Some(labels);
    }
}
