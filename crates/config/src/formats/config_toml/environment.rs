//! `environment` of a runner: variables of its agents, values by where they stand.
//!
//! Nobody can tell by its name whether a variable holds a secret, so none of the values is
//! part of what the file becomes: the native form names their places instead.

use std::collections::{BTreeMap, BTreeSet};

use super::Shared;
use super::idle::spanned;
use super::table::Table;
use crate::environment::check_variable;
use crate::manifest::escaped;
use crate::problem::{Draft, Problems};
use crate::read::{List, read_entry};
use crate::settings::TomlPlace;
use crate::source::{Place, Spanned};
use crate::written::{ARGUMENT, LabelSet, SecretVariable};

/// Reads texts of the form `NAME=value`. As with GitLab Runner, of repeats the last holds.
pub(super) fn environment(
    index: usize,
    runner: &Table<'_>,
    shared: &Shared<'_>,
    set: &mut LabelSet,
    problems: &mut Problems,
) {
    let Some(entry) = runner.get("environment") else {
        return;
    };
    let list = List {
        of: ARGUMENT,
        filled: false,
    };
    let Some(texts) = read_entry(&list, entry, problems) else {
        return;
    };
    let home = format!("/runners/{index}/{}", escaped(&entry.key));
    let (mut known, mut repeated) = (BTreeMap::new(), BTreeSet::new());
    for (index, text) in texts.value.iter().enumerate() {
        if let Some((name, value)) = variable(text, problems)
            && known.insert(name, (index, value, text.place)).is_some()
        {
            repeated.insert(name);
        }
    }
    let (mut empty, mut secret) = (BTreeMap::new(), Vec::new());
    for (name, (index, value, place)) in known {
        if value.is_empty() {
            empty.insert(name.to_owned(), String::new());
            continue;
        }
        // A pointer by the name finds the first of that name.
        let pointer = match repeated.contains(name) {
            false => format!("{home}/{}", escaped(name)),
            true => format!("{home}/{index}/{}", escaped(name)),
        };
        secret.push(spanned(reference(name, shared.file, pointer, place), place));
    }
    set.env = (!empty.is_empty()).then(|| spanned(empty, texts.place));
    set.secret_env = (!secret.is_empty()).then(|| spanned(secret, texts.place));
}

/// Name and value; problems show neither of a text that has no name.
fn variable<'t>(text: &'t Spanned<String>, problems: &mut Problems) -> Option<(&'t str, &'t str)> {
    let Some((name, value)) = text.value.split_once('=') else {
        let draft = Draft::error("this text of `environment` sets no variable");
        problems.at(text.place, draft.hint("write `NAME=value`"));
        return None;
    };
    if let Err(error) = check_variable(name) {
        let draft = Draft::error(error.message()).hint(error.hint());
        problems.at(text.place, draft);
        return None;
    }
    Some((name, value))
}

fn reference(name: &str, file: &str, pointer: String, place: Place) -> SecretVariable {
    let home = TomlPlace {
        file: file.to_owned(),
        pointer,
    };
    SecretVariable {
        place,
        foreign: true,
        name: Some(spanned(name.to_owned(), place)),
        value_from_toml: Some(spanned(home.to_string(), place)),
        ..SecretVariable::default()
    }
}
