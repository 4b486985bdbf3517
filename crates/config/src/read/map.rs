//! Environment variables.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Shape, Slot};
use crate::environment::check_variable;
use crate::problem::{Draft, Problems};
use crate::suggest::quoted;
use crate::yaml::{Entry, Kind, Plain};

/// A name and a value together must be shorter, or the host refuses to start programs.
const MAX_VARIABLE_BYTES: usize = 128 * 1024;

/// Names of environment variables with their values.
#[derive(Clone, Copy)]
pub(crate) struct Environment;

impl Shape for Environment {
    type Value = BTreeMap<String, String>;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Self::Value> {
        let Kind::Map(entries) = &slot.node.kind else {
            return slot.wrong_kind("a mapping of texts", "write `NAME: \"value\"`", problems);
        };
        let variables = entries.iter().filter_map(|entry| variable(entry, problems));
        Some(variables.collect())
    }

    fn schema(&self) -> Json {
        json!({
            "type": "object",
            "propertyNames": {"pattern": "^[^=]+$"},
            "additionalProperties": {"type": "string"},
        })
    }

    fn words(&self) -> String {
        "mapping of names to texts".to_owned()
    }
}

fn variable(entry: &Entry, problems: &mut Problems) -> Option<(String, String)> {
    if let Err(error) = check_variable(&entry.key) {
        let draft = Draft::error(error.message()).hint(error.hint());
        problems.at(entry.key_place, draft);
        return None;
    }
    let value = value(entry, problems)?;
    if !fits_a_variable(&entry.key, &value) {
        problems.at(entry.place(), unfit_for_a_variable(&entry.key));
        return None;
    }
    Some((entry.key.clone(), value))
}

/// Whether a program can be given such a variable.
pub(crate) fn fits_a_variable(name: &str, value: &str) -> bool {
    !value.contains('\0') && name.len() + value.len() + 2 <= MAX_VARIABLE_BYTES
}

/// What to say where it cannot; the value is not repeated.
pub(crate) fn unfit_for_a_variable(name: &str) -> Draft {
    let name = quoted(name);
    Draft::error(format!(
        "the value of {name} holds a zero byte or is 128 KiB or longer"
    ))
    .hint("hand such a value over in a file")
}

fn value(entry: &Entry, problems: &mut Problems) -> Option<String> {
    let written = match &entry.value.kind {
        Kind::Scalar(scalar) if scalar.means == Plain::Text => return Some(scalar.text.clone()),
        Kind::Scalar(scalar) => scalar.text.as_str(),
        _ => "...",
    };
    let draft = Draft::error(format!(
        "the value of {} must be a text",
        quoted(&entry.key)
    ))
    .label(format!("this is {}", entry.value.describe()))
    .hint(format!("put it in quotes: \"{written}\""));
    problems.at(entry.place(), draft);
    None
}
