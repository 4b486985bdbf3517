//! What a scaler is called after its runner.

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
    let value = free(&wanted, &shared.names);
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
    shared.names.push(value.to_lowercase());
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

/// The name itself, or with the first number that nobody has.
fn free(wanted: &str, taken: &[String]) -> String {
    let is_free = |name: &str| !taken.contains(&name.to_lowercase());
    if is_free(wanted) {
        return wanted.to_owned();
    }
    let numbered = (2_usize..).map(|n| {
        let end = format!("-{n}");
        let start: String = wanted.chars().take(LONGEST - end.len()).collect();
        format!("{start}{end}")
    });
    let mut free = numbered.filter(|name| is_free(name));
    free.next().unwrap_or_default()
}
