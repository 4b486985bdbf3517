//! One `ScaledJob` as a scaler.

use super::Manifest;
use super::annotations::{annotations, labels};
use super::spec::spec;
use super::triggers::triggers;
use crate::manifest::{Object, entries, field};
use crate::problem::{Draft, Problems};
use crate::read::read_entry;
use crate::source::{Place, Spanned};
use crate::suggest::{nearest, quoted};
use crate::written::{BackendKind, LabelSet, NAME, NAMESPACE, Policy, PolicyKind, Scaler};
use crate::yaml::Entry;

/// What KEDA takes where no maximum is written; the minimum is on top of it.
const DEFAULT_MAX: u32 = 100;

/// The scaler, as far as it could be read; what is missing has been noted.
pub(super) fn scaler(manifest: &Manifest<'_>, job: &Object, problems: &mut Problems) -> Scaler {
    let place = job.node.place;
    let mut scaler = Scaler {
        place,
        ..Scaler::default()
    };
    let mut set = LabelSet {
        place,
        ..LabelSet::default()
    };
    let mut policy = Policy {
        place,
        foreign: true,
        ..Policy::default()
    };
    let kind = find(entries(&job.node), "kind").map_or(place, Entry::place);
    scaler.kind = Some(spanned(BackendKind::Kubernetes, kind));
    policy.kind = Some(spanned(PolicyKind::Queue, kind));
    metadata(job, &mut scaler, &mut set, &mut policy, problems);
    spec(job, &mut scaler, &mut set, &mut policy, problems);
    scaler.max_agents = Some(max_agents(&policy, place));
    scaler.triggers = triggers(manifest, job, problems);
    // Its place is that of the `ScaledJob` where it has no trigger, which has been noted.
    scaler.written.push(("triggers", place));
    scaler.policy = Some(spanned(policy, place));
    scaler.label_sets = Some(spanned(vec![spanned(set, place)], place));
    scaler
}

pub(super) const fn spanned<T>(value: T, place: Place) -> Spanned<T> {
    Spanned { value, place }
}

pub(super) fn find<'e>(entries: &'e [Entry], key: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// Warns of a key that means nothing where it stands; an API server drops it.
pub(super) fn unknown(noun: &str, entry: &Entry, known: &[&str], problems: &mut Problems) {
    let hint = match nearest(&entry.key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove it".to_owned(),
    };
    let message = format!("{noun} has no {}: it has no effect", quoted(&entry.key));
    problems.at(entry.key_place, Draft::warning(message).hint(hint));
}

fn metadata(
    job: &Object,
    scaler: &mut Scaler,
    set: &mut LabelSet,
    policy: &mut Policy,
    problems: &mut Problems,
) {
    let metadata = field(&job.node, "metadata").map_or(&[][..], entries);
    match find(metadata, "name") {
        Some(name) => scaler.name = read_entry(&NAME, name, problems),
        None => {
            let draft = Draft::error("a ScaledJob needs a name").label("it is missing here");
            problems.at(job.node.place, draft.hint("add `metadata.name`"));
        }
    }
    if let Some(name) = &scaler.name {
        set.labels = Some(spanned(vec![name.clone()], name.place));
    }
    if let Some(namespace) = find(metadata, "namespace") {
        scaler.namespace = read_entry(&NAMESPACE, namespace, problems);
    }
    let excluded = annotations(metadata, set, policy, problems);
    labels(metadata, &excluded, set, problems);
}

/// The most that may run at once by KEDA's bounds.
fn max_agents(policy: &Policy, place: Place) -> Spanned<u32> {
    let min = policy.min.as_ref().map_or(0, |min| min.value);
    match &policy.max {
        Some(max) => max.clone(),
        None => spanned(DEFAULT_MAX.saturating_add(min), place),
    }
}
