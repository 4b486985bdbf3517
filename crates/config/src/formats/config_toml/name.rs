//! What a scaler is called after its runner.

use std::collections::BTreeMap;

use super::Shared;
use super::table::{Table, called};
use crate::manifest::scalar;
use crate::problem::{Draft, Problems};
use crate::source::Spanned;
use crate::suggest::quoted;

/// The longest name of a scaler, in bytes.
const LONGEST: usize = 64;

/// The name: the runner's own, with `-` for what a name cannot hold, and a number where
/// another runner has it; or its place in the file.
pub(super) fn name(
    index: usize,
    runner: &Table<'_>,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) -> Spanned<String> {
    let entry = runner.get("name");
    let place = entry.map_or(runner.place, crate::yaml::Entry::place);
    let written = entry.and_then(|entry| match scalar(&entry.value) {
        Some(text) => Some(text),
        None => {
            let draft = Draft::error("`name` must be a text")
                .label(format!("this is {}", called(&entry.value)));
            problems.at(place, draft);
            None
        }
    });
    let written = written.filter(|text| !text.trim().is_empty());
    let by_place = format!("runner-{}", index + 1);
    let wanted = written.map_or(by_place.clone(), |text| usable(text, &by_place));
    let value = free(&wanted, &mut shared.names);
    if let Some(written) = written.filter(|text| **text != value) {
        let draft = Draft::difference(format!("this runner is called `{value}` here"))
            .label(match value == wanted {
                true => "a name has letters, digits, `.`, `_` and `-`, at most 64",
                false => "another runner of the file has this name",
            })
            .hint(format!(
                "jobs ask for `{value}`, not for {}",
                quoted(written)
            ));
        problems.at(place, draft);
    }
    Spanned { value, place }
}

fn usable(text: &str, otherwise: &str) -> String {
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = text.trim().chars();
    let name: String = name.map(|c| if usual(c) { c } else { '-' }).collect();
    let name: String = name.trim_matches('-').chars().take(LONGEST).collect();
    match name.is_empty() {
        true => otherwise.to_owned(),
        false => name,
    }
}

/// The name itself, or with the next number that nobody has; it is taken then.
fn free(wanted: &str, taken: &mut BTreeMap<String, usize>) -> String {
    let known = wanted.to_lowercase();
    let mut value = wanted.to_owned();
    while taken.contains_key(&value.to_lowercase()) {
        let number = taken.entry(known.clone()).or_insert(1);
        *number += 1;
        let end = format!("-{number}");
        let start: String = wanted.chars().take(LONGEST - end.len()).collect();
        value = format!("{start}{end}");
    }
    taken.insert(value.to_lowercase(), 1);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runner_gets_a_name_of_its_own() {
        let mut taken = BTreeMap::new();
        let mut names = |wanted: &str| free(wanted, &mut taken);
        assert_eq!(names("a"), "a");
        assert_eq!(names("A"), "A-2");
        assert_eq!(names("a-3"), "a-3");
        assert_eq!(names("a"), "a-4");
        let long = "x".repeat(LONGEST);
        assert_eq!(names(&long), long);
        assert_eq!(names(&long), format!("{}-2", "x".repeat(LONGEST - 2)));
    }

    #[test]
    fn names_hold_what_names_may_hold() {
        assert_eq!(usable(" Großer Läufer! ", "runner-1"), "Gro-er-L-ufer");
        assert_eq!(usable("***", "runner-1"), "runner-1");
        assert_eq!(usable(&"x".repeat(99), "").len(), LONGEST);
    }
}
