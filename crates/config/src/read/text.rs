//! Texts, and texts with a grammar.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Shape, Slot};
use crate::problem::{Draft, Problems};
use crate::suggest::quoted;
use crate::value::{ValueError, format_duration, parse_duration, parse_memory};
use crate::yaml::Plain;

/// A text that passes a check.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub words: &'static str,
    pub check: fn(&str) -> Result<(), ValueError>,
    /// A regular expression for editors, where one says enough.
    pub pattern: Option<&'static str>,
}

impl Shape for Text {
    type Value = String;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<String> {
        let Some(scalar) = slot.scalar() else {
            return slot.wrong_kind("a text", "write one text", problems);
        };
        if scalar.means != Plain::Text {
            let hint = format!("put it in quotes: \"{}\"", scalar.text);
            return slot.wrong_kind("a text", &hint, problems);
        }
        match (self.check)(&scalar.text) {
            Ok(()) => Some(scalar.text.clone()),
            Err(error) => slot.bad_value(&error, problems),
        }
    }

    fn schema(&self) -> Json {
        match self.pattern {
            Some(pattern) => json!({"type": "string", "pattern": pattern}),
            None => json!({"type": "string", "minLength": 1}),
        }
    }

    fn words(&self) -> String {
        self.words.to_owned()
    }
}

/// An amount of memory, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory;

impl Shape for Memory {
    type Value = u64;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<u64> {
        let Some(scalar) = slot.scalar() else {
            return slot.wrong_kind("an amount of memory", "write for example `512m`", problems);
        };
        match parse_memory(&scalar.text) {
            Ok(bytes) => Some(bytes),
            Err(error) => slot.bad_value(&error, problems),
        }
    }

    fn schema(&self) -> Json {
        json!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,18})? *[kmgKMG]$"})
    }

    fn words(&self) -> String {
        "amount of memory: `512m`, `1.5g`".to_owned()
    }
}

/// A span of time within bounds.
#[derive(Clone, Copy)]
pub(crate) struct SpanText {
    pub min: Duration,
    pub max: Duration,
}

impl Shape for SpanText {
    type Value = Duration;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Duration> {
        let Some(scalar) = slot.scalar() else {
            return slot.wrong_kind("a span of time", "write for example `30s`", problems);
        };
        let span = match parse_duration(&scalar.text) {
            Ok(span) => span,
            Err(error) => return slot.bad_value(&error, problems),
        };
        if (self.min..=self.max).contains(&span) {
            return Some(span);
        }
        let [min, max] = [self.min, self.max].map(format_duration);
        let draft = Draft::error(format!("`{}` must be from {min} to {max}", slot.name))
            .label(format!("this is {}", quoted(&format_duration(span))));
        problems.at(slot.place, draft);
        None
    }

    fn schema(&self) -> Json {
        json!({
            "type": "string",
            "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
            "minLength": 2,
        })
    }

    fn words(&self) -> String {
        let [min, max] = [self.min, self.max].map(format_duration);
        format!("span of time from `{min}` to `{max}`")
    }
}
