//! One scaler.

use headcount_model::{Label, Labels, Roles};

use super::backend::{backend, warn_of_others};
use super::label_set::label_set;
use super::patience::{retry, timeouts};
use super::program::{LEASE_KEYS, refuse_leases_elsewhere};
use super::queue::queue;
use super::readiness::readiness;
use super::resources::cap;
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::settings::{Queue, Readiness, Scaler};
use crate::source::Spanned;
use crate::suggest::quoted;
use crate::written::{self, RoleWord};

/// The scaler; `None` only when a problem forbids it.
pub(super) fn check_scaler(written: &written::Scaler, problems: &mut Problems) -> Option<Scaler> {
    let kind = value(written.kind.as_ref());
    if let Some(kind) = kind {
        let mut known = written.written.clone();
        known.retain(|(key, _)| !LEASE_KEYS.contains(key));
        warn_of_others::<written::Scaler>(kind, &known, problems);
        refuse_leases_elsewhere(kind, written, problems);
    }
    check_mandatory(written, problems);
    let readiness = readiness(written, problems);
    let bound = bound(written, problems);
    let retry = retry(written.retry.as_ref(), problems);
    let sets = written.label_sets.iter().flat_map(|sets| &sets.value);
    let label_sets: Vec<_> = sets
        .enumerate()
        .map(|(index, set)| label_set(kind, index, &set.value, problems))
        .collect();
    let backend = kind.map(|kind| backend(kind, written, problems));
    Some(Scaler {
        name: value(written.name.as_ref())?,
        backend: backend??,
        max_agents: value(written.max_agents.as_ref())?,
        priority: value(written.priority.as_ref()).unwrap_or_default(),
        readiness: match bound? {
            Some(queue) => Readiness::Queue(queue),
            None => readiness,
        },
        mandatory_labels: values(written.mandatory_labels.as_ref()),
        roles: roles(written.roles.as_ref()),
        resource_cap: cap(written.resource_cap.as_ref()),
        machine_pool: value(written.machine_pool.as_ref()),
        timeouts: timeouts(kind, written.timeouts.as_ref()),
        retry,
        orchestrator_url: value(written.orchestrator_url.as_ref()),
        label_sets: label_sets.into_iter().collect::<Option<_>>()?,
    })
}

/// What is bound to this scaler alone; `None` only when a problem forbids it.
#[expect(clippy::option_option, reason = "wrong is not the same as none")]
fn bound(written: &written::Scaler, problems: &mut Problems) -> Option<Option<Queue>> {
    let queue = queue(written, problems);
    match written.written.iter().any(|(key, _)| *key == "triggers") {
        true => queue.map(Some),
        false => Some(None),
    }
}

/// A label set without a mandatory label could never be chosen.
fn check_mandatory(written: &written::Scaler, problems: &mut Problems) {
    let Some(mandatory) = &written.mandatory_labels else {
        return;
    };
    let sets = written.label_sets.iter().flat_map(|sets| &sets.value);
    for (index, set) in sets.enumerate() {
        let Some(labels) = &set.value.labels else {
            continue;
        };
        let own = Labels::new(labels.value.iter().map(|label| &label.value));
        for label in &mandatory.value {
            if own.contains(&Label::new(&label.value)) {
                continue;
            }
            let word = quoted(&label.value);
            let message = format!("`labelSets[{index}]` lacks the mandatory label {word}");
            let draft = Draft::error(message)
                .label("no job could ever be served by it")
                .hint(format!(
                    "add {word} to its labels, or take it from `mandatoryLabels`"
                ));
            problems.at(labels.place, draft);
        }
    }
}

fn roles(written: Option<&Spanned<Vec<Spanned<RoleWord>>>>) -> Roles {
    let Some(words) = written else {
        return Roles::Unrestricted;
    };
    let mut only = Vec::new();
    for word in &words.value {
        match word.value {
            RoleWord::All => return Roles::Unrestricted,
            RoleWord::Only(role) if only.contains(&role) => {}
            RoleWord::Only(role) => only.push(role),
        }
    }
    only.sort();
    Roles::Only(only)
}
