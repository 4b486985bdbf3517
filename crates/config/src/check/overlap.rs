//! Two scalers must not own the same labels, or nobody could say who serves a job.
//! Source of the rule: the `scalers.yaml` reference, section 3.6.

use std::collections::BTreeMap;

use headcount_model::Labels;

use crate::problem::{Draft, MAX_PROBLEMS, Problems};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written;

/// Two scalers that own the same labels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overlap {
    /// What both own, in normal form.
    pub labels: Labels,
    /// The scaler that comes first in the file, by its place in the list.
    pub first: usize,
    /// The other.
    pub second: usize,
}

/// Every pair of scalers that own the same labels, at most 200 of them; each scaler
/// is the list of its label sets. Repeats inside one scaler are none.
#[must_use]
pub fn overlaps(scalers: &[Vec<Labels>]) -> Vec<Overlap> {
    let mut owners: BTreeMap<&Labels, Vec<usize>> = BTreeMap::new();
    let mut found = Vec::new();
    for (second, sets) in scalers.iter().enumerate() {
        for labels in sets {
            let owners = owners.entry(labels).or_default();
            if owners.last() == Some(&second) {
                continue;
            }
            let room = MAX_PROBLEMS.saturating_sub(found.len());
            found.extend(owners.iter().take(room).map(|first| Overlap {
                labels: labels.clone(),
                first: *first,
                second,
            }));
            owners.push(second);
        }
    }
    found
}

/// Notes overlaps between scalers, repeats inside one, and pool names that would be the
/// same for other labels.
pub(super) fn check_overlaps(scalers: &[Spanned<written::Scaler>], problems: &mut Problems) {
    let sets: Vec<Vec<Owned>> = scalers.iter().map(|s| owned(&s.value)).collect();
    let labels: Vec<Vec<Labels>> = sets
        .iter()
        .map(|sets| sets.iter().map(|set| set.labels.clone()).collect())
        .collect();
    for overlap in overlaps(&labels) {
        let names = [overlap.first, overlap.second].map(|at| name(scalers, at));
        let place = sets.get(overlap.second).and_then(|sets| {
            let mut sets = sets.iter();
            sets.find(|set| set.labels == overlap.labels)
                .map(|set| set.place)
        });
        problems.at(place.unwrap_or_default(), between(&overlap.labels, &names));
    }
    for sets in &sets {
        check_repeats(sets, problems);
    }
}

fn between(labels: &Labels, [first, second]: &[String; 2]) -> Draft {
    let labels = quoted(&labels.join(","));
    Draft::error(format!(
        "the labels {labels} belong to both scaler {first} and scaler {second}"
    ))
    .label(format!("{first} owns them already"))
    .hint("give one of them another label, or leave this label set out")
}

fn check_repeats(sets: &[Owned], problems: &mut Problems) {
    let mut seen: BTreeMap<String, &Labels> = BTreeMap::new();
    for set in sets {
        let name = set.labels.join("+");
        match seen.get(&name) {
            None => {
                seen.insert(name, &set.labels);
            }
            Some(first) if **first == set.labels => {
                let draft = Draft::warning("this scaler has a label set with these labels already")
                    .label("never used: the first one wins")
                    .hint("remove it, or give it other labels");
                problems.at(set.place, draft);
            }
            Some(first) => {
                let (ours, theirs) = (quoted(&set.labels.join(",")), quoted(&first.join(",")));
                let message = format!(
                    "the labels {ours} and {theirs} would both name the pool {}",
                    quoted(&name)
                );
                let hint = "write the `+` in the label as another character";
                problems.at(set.place, Draft::error(message).hint(hint));
            }
        }
    }
}

struct Owned {
    labels: Labels,
    place: Place,
}

fn owned(scaler: &written::Scaler) -> Vec<Owned> {
    let sets = scaler.label_sets.iter().flat_map(|sets| &sets.value);
    let labels = sets.filter_map(|set| set.value.labels.as_ref());
    labels
        .filter(|labels| !labels.value.is_empty())
        .map(|labels| Owned {
            labels: Labels::new(labels.value.iter().map(|label| label.value.as_str())),
            place: labels.place,
        })
        .collect()
}

fn name(scalers: &[Spanned<written::Scaler>], at: usize) -> String {
    let scaler = scalers.get(at).and_then(|s| s.value.name.as_ref());
    scaler.map_or_else(|| "(unnamed)".to_owned(), |name| quoted(&name.value))
}
