//! `[runners.machine]`: what machines are made of, as keys of a label set.

use super::Shared;
use super::idle::spanned;
use super::options::options;
use super::paths::tell_of_paths;
use super::table::Table;
use crate::problem::{Draft, Problems};
use crate::read::{List, integer, read_entry};
use crate::source::{Place, Spanned};
use crate::written::{DEFAULT_MACHINE_NAME, LabelSet, MACHINE_NAME, NAMED_OPTION, TEXT};
use crate::yaml::Entry;

/// What `docker-machine` takes where nobody names a driver.
const DEFAULT_DRIVER: &str = "virtualbox";

/// Driver, name and options. `home` is the pointer to the table.
pub(super) fn machine(
    table: Option<&Table<'_>>,
    set: &mut LabelSet,
    home: &str,
    shared: &Shared<'_>,
    problems: &mut Problems,
) {
    set.max_jobs = Some(max_jobs(table, set.place, problems));
    let driver = table.and_then(|table| table.get("MachineDriver"));
    set.driver = match driver.filter(|entry| !super::table::asks_for_nothing(&entry.value)) {
        Some(entry) => read_entry(&TEXT, entry, problems),
        None => Some(default_driver(table, set.place, problems)),
    };
    // What is wrong with it has been noted.
    set.written.push(("driver", set.place));
    let name = table.and_then(|table| table.get("MachineName"));
    match name.filter(|entry| !super::table::asks_for_nothing(&entry.value)) {
        Some(entry) => set.machine_name = read_entry(&MACHINE_NAME, entry, problems),
        None => tell_of_name(name, table.map_or(set.place, |table| table.place), problems),
    }
    let Some(table) = table else { return };
    tell_of_paths(table, problems);
    if let Some(entry) = table.get("MachineOptionsWithName") {
        let named = List {
            of: NAMED_OPTION,
            filled: false,
        };
        set.options_with_name = read_entry(&named, entry, problems);
    }
    set.options = options(table, shared.file, home, problems);
}

/// Without a name GitLab Runner has no machines at all.
fn tell_of_name(entry: Option<&Entry>, place: Place, problems: &mut Problems) {
    let place = entry.map_or(place, Entry::place);
    let message = format!("no `MachineName`: machines are called `{DEFAULT_MACHINE_NAME}`");
    let draft = Draft::difference(message)
        .label("GitLab Runner: `missing Machine options`, and no job is asked for")
        .hint("write for example `MachineName = \"ci-%s\"`");
    problems.at(place, draft);
}

/// `MaxBuilds`, of which 0 is without end.
fn max_jobs(
    table: Option<&Table<'_>>,
    place: Place,
    problems: &mut Problems,
) -> Spanned<Option<u32>> {
    let entry = table.and_then(|table| table.get("MaxBuilds"));
    let found = entry
        .and_then(|entry| read_entry(&integer::<u32>(0..=i64::from(u32::MAX)), entry, problems));
    match found {
        Some(found) => spanned((found.value > 0).then_some(found.value), found.place),
        None => spanned(None, place),
    }
}

fn default_driver(
    table: Option<&Table<'_>>,
    place: Place,
    problems: &mut Problems,
) -> Spanned<String> {
    let place = table.map_or(place, |table| table.place);
    let message = format!("no `MachineDriver`: machines are made by `{DEFAULT_DRIVER}`");
    let draft = Draft::warning(message)
        .label("`docker-machine`'s own default")
        .hint("write for example `MachineDriver = \"digitalocean\"`");
    problems.at(place, draft);
    spanned(DEFAULT_DRIVER.to_owned(), place)
}
