//! Values of trigger parameters: written as texts or as plain YAML, both meaning the same.
//!
//! Promise: `lagCount: 5` and `lagCount: "5"` read alike, as do the spellings of truth
//! values that Go takes, since parameters come from files in which all of them are texts.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Shape, Slot, Text};
use crate::problem::{Draft, Problems};
use crate::suggest::quoted;
use crate::value::parse_duration;
use crate::yaml::{Kind, Plain};

/// A text, or a number or truth value as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Loose(pub Text);

impl Shape for Loose {
    type Value = String;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<String> {
        let Some(scalar) = slot.scalar() else {
            return slot.wrong_kind("a text", "write one text", problems);
        };
        match (self.0.check)(&scalar.text) {
            Ok(()) => Some(scalar.text.clone()),
            Err(error) => slot.bad_value(&error, problems),
        }
    }

    fn schema(&self) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }

    fn words(&self) -> String {
        self.0.words.to_owned()
    }
}

/// A whole number within bounds, also in quotes.
pub(crate) struct LooseInteger {
    pub range: RangeInclusive<i64>,
}

/// At least `min`, and no more than 2^53, up to which every whole number is exact.
pub(crate) const fn loose_integer(min: i64) -> LooseInteger {
    LooseInteger {
        range: min..=9_007_199_254_740_992,
    }
}

impl Shape for LooseInteger {
    type Value = i64;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<i64> {
        let number = slot.scalar().and_then(|scalar| match scalar.means {
            Plain::Integer(number) => Some(number),
            Plain::Text => scalar.text.parse().ok(),
            _ => None,
        });
        let Some(number) = number else {
            return slot.wrong_kind("a whole number", "write for example `10`", problems);
        };
        if self.range.contains(&number) {
            return Some(number);
        }
        let (min, max) = self.range.clone().into_inner();
        let bounds = match number < min {
            true => format!("at least {min}"),
            false => format!("at most {max}"),
        };
        let draft = Draft::error(format!("`{}` must be {bounds}", slot.name));
        problems.at(slot.place, draft.label(format!("this is {number}")));
        None
    }

    fn schema(&self) -> Json {
        json!({"oneOf": [
            {"type": "integer", "minimum": self.range.start()},
            {"type": "string", "pattern": "^[-+]?[0-9]+$"},
        ]})
    }

    fn words(&self) -> String {
        match self.range.start() {
            start if *start > i64::from(i32::MIN) => format!("whole number, at least {start}"),
            _ => "whole number".to_owned(),
        }
    }
}

/// Any finite number, also in quotes.
#[derive(Clone, Copy)]
pub(crate) struct LooseNumber;

impl Shape for LooseNumber {
    type Value = f64;

    #[expect(clippy::cast_precision_loss)]
    // A part of the living agents; nobody writes it with 16 digits.
    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<f64> {
        let number = slot.scalar().and_then(|scalar| match scalar.means {
            Plain::Integer(number) => Some(number as f64),
            Plain::Float(number) => Some(number),
            Plain::Text => scalar.text.parse().ok(),
            _ => None,
        });
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            return slot.wrong_kind("a number", "write for example `0.5`", problems);
        }
        number
    }

    fn schema(&self) -> Json {
        json!({"type": ["number", "string"]})
    }

    fn words(&self) -> String {
        "number".to_owned()
    }
}

/// A truth value, also in quotes, in every spelling that Go takes.
#[derive(Clone, Copy)]
pub(crate) struct LooseFlag;

impl Shape for LooseFlag {
    type Value = bool;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<bool> {
        match slot.scalar().and_then(|scalar| go_boolean(&scalar.text)) {
            Some(value) => Some(value),
            None => slot.wrong_kind("`true` or `false`", "write one of them", problems),
        }
    }

    fn schema(&self) -> Json {
        json!({"enum": [true, false, "true", "false"]})
    }

    fn words(&self) -> String {
        "`true` or `false`".to_owned()
    }
}

/// What `strconv.ParseBool` of Go's library takes.
pub(crate) fn go_boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Texts with commas between, or a list of texts.
#[derive(Clone, Copy)]
pub(crate) struct CommaList;

impl Shape for CommaList {
    type Value = Vec<String>;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Vec<String>> {
        let texts: Option<Vec<&str>> = match &slot.node.kind {
            Kind::Scalar(scalar) => Some(scalar.text.split(',').collect()),
            Kind::List(items) => items
                .iter()
                .map(|item| match &item.kind {
                    Kind::Scalar(scalar) => Some(scalar.text.as_str()),
                    _ => None,
                })
                .collect(),
            Kind::Map(_) => None,
        };
        let hint = "write them with commas between, or as a list";
        let Some(texts) = texts else {
            return slot.wrong_kind("texts", hint, problems);
        };
        let texts: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
        if texts.is_empty()
            || texts
                .iter()
                .any(|text| text.is_empty() || has_control(text))
        {
            let draft = Draft::error(format!("`{}` holds an empty text", slot.name));
            problems.at(slot.place, draft.hint(hint));
            return None;
        }
        Some(texts)
    }

    fn schema(&self) -> Json {
        json!({"oneOf": [
            {"type": ["string", "integer"]},
            {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
        ]})
    }

    fn words(&self) -> String {
        "texts with commas between, or a list".to_owned()
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// A span of time, or a whole number of seconds.
#[derive(Clone, Copy)]
pub(crate) struct Interval {
    pub min: Duration,
    pub max: Duration,
}

impl Shape for Interval {
    type Value = Duration;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Duration> {
        let Some(scalar) = slot.scalar() else {
            return slot.wrong_kind("a span of time", "write for example `30s`", problems);
        };
        let span = match scalar.means {
            Plain::Integer(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
            _ => match parse_duration(&scalar.text) {
                Ok(span) => Some(span),
                Err(error) => return slot.bad_value(&error, problems),
            },
        };
        if let Some(span) = span.filter(|span| (self.min..=self.max).contains(span)) {
            return Some(span);
        }
        let draft = Draft::error(format!("`{}` must be {}", slot.name, self.bounds()));
        problems.at(
            slot.place,
            draft.label(format!("this is {}", quoted(&scalar.text))),
        );
        None
    }

    fn schema(&self) -> Json {
        json!({"oneOf": [
            {"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"},
            {"type": "integer", "minimum": self.min.as_secs()},
        ]})
    }

    fn words(&self) -> String {
        format!("span of time {}, or seconds", self.bounds())
    }
}

impl Interval {
    fn bounds(&self) -> String {
        let [min, max] = [self.min, self.max].map(crate::value::format_duration);
        format!("from `{min}` to `{max}`")
    }
}
