//! Numbers and truth values.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use headcount_model::Price;
use serde_json::{Value as Json, json};

use super::{Shape, Slot};
use crate::problem::{Draft, Problems};
use crate::value::{MAX_CPUS, cpu_millis, parse_cpu_number};
use crate::yaml::Plain;

/// A whole number within bounds that `T` can hold.
pub(crate) struct Integer<T> {
    range: RangeInclusive<i64>,
    holds: PhantomData<T>,
}

pub(crate) const fn integer<T>(range: RangeInclusive<i64>) -> Integer<T> {
    Integer {
        range,
        holds: PhantomData,
    }
}

impl<T: TryFrom<i64>> Shape for Integer<T> {
    type Value = T;

    /// `10.0` is a whole number too, as it is in JSON.
    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<T> {
        let number = match slot.scalar().map(|scalar| scalar.means) {
            Some(Plain::Integer(number)) => Some(number),
            Some(Plain::Float(number)) if number.fract() == 0.0 => whole(number),
            _ => {
                let hint = format!("write digits without quotes, such as `{}`", self.example());
                return slot.wrong_kind("a whole number", &hint, problems);
            }
        };
        let number = number.filter(|number| self.range.contains(number));
        if let Some(value) = number.and_then(|number| T::try_from(number).ok()) {
            return Some(value);
        }
        let draft = Draft::error(format!("`{}` must be {}", slot.name, self.bounds()));
        problems.at(
            slot.place,
            draft.hint(format!("write for example `{}`", self.example())),
        );
        None
    }

    fn schema(&self) -> Json {
        let (min, max) = self.range.clone().into_inner();
        match max >= i64::from(u32::MAX) {
            true => json!({"type": "integer", "minimum": min}),
            false => json!({"type": "integer", "minimum": min, "maximum": max}),
        }
    }

    fn words(&self) -> String {
        format!("whole number, {}", self.bounds())
    }
}

impl<T> Integer<T> {
    fn bounds(&self) -> String {
        let (min, max) = self.range.clone().into_inner();
        match (min == max, max >= i64::from(u32::MAX)) {
            (true, _) => format!("{min}"),
            (false, true) => format!("at least {min}"),
            (false, false) => format!("from {min} to {max}"),
        }
    }

    /// A number that would do.
    fn example(&self) -> i64 {
        let (min, max) = self.range.clone().into_inner();
        10.clamp(min, max)
    }
}

/// The number, if it is small enough to be exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation)]
    // Whole and within 2^53, as checked here and by the caller.
    (number.abs() <= EXACT).then_some(number as i64)
}

/// How many for each one of something: a number that is not negative.
#[derive(Clone, Copy)]
pub(crate) struct Factor;

impl Shape for Factor {
    type Value = f64;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<f64> {
        let found = number(slot, problems)?;
        if found.is_finite() && found >= 0.0 {
            return Some(found);
        }
        let draft = Draft::error(format!("`{}` must be a number of at least 0", slot.name));
        problems.at(slot.place, draft.hint("write for example `0.5`"));
        None
    }

    fn schema(&self) -> Json {
        json!({"type": "number", "minimum": 0})
    }

    fn words(&self) -> String {
        "number, at least 0".to_owned()
    }
}

/// What something costs in an hour.
#[derive(Clone, Copy)]
pub(crate) struct PriceNumber;

/// The highest price, in units.
const MAX_PRICE: u32 = 1_000_000;

impl Shape for PriceNumber {
    type Value = Price;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Price> {
        let price = Price::per_hour(number(slot, problems)?);
        if price.is_none() {
            let draft = Draft::error(format!(
                "`{}` must be a number from 0 to {MAX_PRICE}",
                slot.name
            ));
            problems.at(slot.place, draft.hint("write for example `0.12`"));
        }
        price
    }

    fn schema(&self) -> Json {
        json!({"type": "number", "minimum": 0, "maximum": MAX_PRICE})
    }

    fn words(&self) -> String {
        format!("number from 0 to {MAX_PRICE}, to the nearest millionth")
    }
}

/// `true` or `false`.
#[derive(Clone, Copy)]
pub(crate) struct Flag;

impl Shape for Flag {
    type Value = bool;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<bool> {
        match slot.scalar().map(|scalar| scalar.means) {
            Some(Plain::Bool(value)) => Some(value),
            _ => slot.wrong_kind("`true` or `false`", "write it without quotes", problems),
        }
    }

    fn schema(&self) -> Json {
        json!({"type": "boolean"})
    }

    fn words(&self) -> String {
        "`true` or `false`".to_owned()
    }
}

/// What an agent may have of CPUs, in thousandths.
#[derive(Clone, Copy)]
pub(crate) struct Cpus;

impl Shape for Cpus {
    type Value = u64;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<u64> {
        let number = number(slot, problems)?;
        let text = slot.scalar().map_or("", |scalar| &scalar.text);
        match parse_cpu_number(number, text) {
            Ok(millis) => Some(millis),
            Err(error) => slot.bad_value(&error, problems),
        }
    }

    fn schema(&self) -> Json {
        json!({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_CPUS})
    }

    fn words(&self) -> String {
        format!("number above 0, at most {MAX_CPUS}")
    }
}

/// What all agents together may have of CPUs, in thousandths.
#[derive(Clone, Copy)]
pub(crate) struct CpuCap;

impl Shape for CpuCap {
    type Value = u64;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<u64> {
        let millis = cpu_millis(number(slot, problems)?);
        if millis.is_none() {
            let draft = Draft::error(format!("`{}` must be above 0", slot.name));
            let hint = "leave it out for no limit, or write for example `8`";
            problems.at(slot.place, draft.hint(hint));
        }
        millis
    }

    fn schema(&self) -> Json {
        json!({"type": "number", "exclusiveMinimum": 0})
    }

    fn words(&self) -> String {
        "number above 0".to_owned()
    }
}

#[expect(clippy::cast_precision_loss)]
// A number of CPUs that large is refused anyway.
fn number(slot: &Slot<'_>, problems: &mut Problems) -> Option<f64> {
    match slot.scalar().map(|scalar| scalar.means) {
        Some(Plain::Integer(number)) => Some(number as f64),
        Some(Plain::Float(number)) => Some(number),
        _ => slot.wrong_kind(
            "a number",
            "write it without quotes, such as `0.5`",
            problems,
        ),
    }
}
