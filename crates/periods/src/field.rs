//! One field of a pattern: numbers, ranges, steps and lists as a set of bits.

use std::ops::{Range, RangeInclusive};

use crate::PatternError;

/// What a field may hold.
pub(crate) struct Kind {
    /// In the words of a person: `minute`.
    pub(crate) name: &'static str,
    /// Smallest and largest number.
    pub(crate) bounds: RangeInclusive<u16>,
    /// Names, each with the number it stands for; the first three letters will do.
    pub(crate) names: &'static [(&'static str, u16)],
    /// What a zero before a number comes to.
    pub(crate) zeros: Zeros,
}

/// What a number with a zero before it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Zeros {
    /// The same as without.
    Same,
    /// 0, whatever stands behind the zero.
    Nought,
}

pub(crate) const SECOND: Kind = plain("second", 0..=59);
pub(crate) const MINUTE: Kind = plain("minute", 0..=59);
pub(crate) const HOUR: Kind = plain("hour", 0..=23);
pub(crate) const DAY: Kind = plain("day of month", 1..=31);
pub(crate) const YEAR: Kind = plain("year", 1970..=2099);
pub(crate) const MONTH: Kind = Kind {
    name: "month",
    bounds: 1..=12,
    names: &[
        ("january", 1),
        ("february", 2),
        ("march", 3),
        ("april", 4),
        ("may", 5),
        ("june", 6),
        ("july", 7),
        ("august", 8),
        ("september", 9),
        ("october", 10),
        ("november", 11),
        ("december", 12),
    ],
    zeros: Zeros::Same,
};
/// As [`MONTH`], as GitLab Runner reads it: there is no month 0.
pub(crate) const MONTH_OF_GITLAB: Kind = Kind {
    zeros: Zeros::Nought,
    ..MONTH
};
pub(crate) const WEEKDAY: Kind = Kind {
    name: "day of week",
    bounds: 0..=6,
    names: WEEKDAY_NAMES,
    zeros: Zeros::Same,
};
/// As [`WEEKDAY`], where 7 is Sunday too.
pub(crate) const WEEKDAY_TO_7: Kind = Kind {
    bounds: 0..=7,
    ..WEEKDAY
};
/// As [`WEEKDAY`], as GitLab Runner reads it: 7 is another word for 0, at the end of a range
/// as well, so that `6-7` ends before it starts.
pub(crate) const WEEKDAY_OF_GITLAB: Kind = Kind {
    names: WEEKDAY_NAMES_OF_GITLAB,
    zeros: Zeros::Nought,
    ..WEEKDAY
};
const WEEKDAY_NAMES: &[(&str, u16)] = WEEKDAY_NAMES_OF_GITLAB.split_at(7).0;
const WEEKDAY_NAMES_OF_GITLAB: &[(&str, u16)] = &[
    ("sunday", 0),
    ("monday", 1),
    ("tuesday", 2),
    ("wednesday", 3),
    ("thursday", 4),
    ("friday", 5),
    ("saturday", 6),
    ("7", 0),
    ("07", 0),
];

const fn plain(name: &'static str, bounds: RangeInclusive<u16>) -> Kind {
    Kind {
        name,
        bounds,
        names: &[],
        zeros: Zeros::Same,
    }
}

/// Numbers of a field, counted from its smallest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Set {
    bits: u128,
    first: u16,
    /// How many numbers the field has.
    size: u16,
    /// Whether it was written as `*` or `?`: no restriction at all.
    pub(crate) any: bool,
}

impl Set {
    pub(crate) const fn all(kind: &Kind) -> Self {
        let mut set = Self::none(kind);
        set.bits = u128::MAX >> (128 - set.size as u32);
        set.any = true;
        set
    }

    pub(crate) const fn none(kind: &Kind) -> Self {
        let (low, high) = (*kind.bounds.start(), *kind.bounds.end());
        // Only the years are more than the bits. The first two are dropped: nobody asks
        // about a moment so long ago.
        let first = if high - low > 127 { high - 127 } else { low };
        Self {
            bits: 0,
            first,
            size: high - first + 1,
            any: false,
        }
    }

    pub(crate) const fn only(kind: &Kind, number: u16) -> Self {
        let mut set = Self::none(kind);
        set.bits = 1 << (number - set.first);
        set
    }

    pub(crate) fn add(&mut self, number: u16) {
        if let Some(place) = self.place(number) {
            self.bits |= 1 << place;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.bits |= other.bits;
        self.any |= other.any;
    }

    pub(crate) fn has(&self, number: u16) -> bool {
        self.place(number)
            .is_some_and(|place| self.bits >> place & 1 == 1)
    }

    /// Whether every number of the field is in it, however it was written.
    pub(crate) const fn is_full(&self) -> bool {
        self.bits.count_ones() == self.size as u32
    }

    /// The smallest that is not below `number`.
    pub(crate) fn from(&self, number: u16) -> Option<u16> {
        let place = number.saturating_sub(self.first);
        let rest = self.bits.checked_shr(u32::from(place)).unwrap_or(0);
        (rest != 0).then(|| self.first + place + low(rest))
    }

    /// The largest that is not above `number`.
    pub(crate) fn until(&self, number: u16) -> Option<u16> {
        let place = number.checked_sub(self.first)?.min(127);
        let rest = self.bits << (127 - u32::from(place));
        (rest != 0).then(|| self.first + place - high_zeros(rest))
    }

    fn place(&self, number: u16) -> Option<u16> {
        let place = number.checked_sub(self.first)?;
        (place < self.size).then_some(place)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 128")]
const fn low(bits: u128) -> u16 {
    bits.trailing_zeros() as u16
}

#[expect(clippy::cast_possible_truncation, reason = "at most 128")]
const fn high_zeros(bits: u128) -> u16 {
    bits.leading_zeros() as u16
}

/// How a range whose end lies before its start is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reversed {
    /// It is wrong.
    Refused,
    /// It goes on at the start of the field: `22-6`, `fri-mon`.
    Wraps,
    /// It holds nothing.
    Empty,
}

/// One element of a list: `*`, `n`, `a-b`, each with a step.
pub(crate) fn element(
    kind: &Kind,
    text: &str,
    at: usize,
    reversed: Reversed,
) -> Result<Set, PatternError> {
    let (numbers, step) = match text.split_once('/') {
        Some((numbers, step)) => (numbers, Some((step, at + numbers.len() + 1))),
        None => (text, None),
    };
    let every = numbers == "*" || numbers == "?";
    let (low, high) = (*kind.bounds.start(), *kind.bounds.end());
    let (from, to) = if every {
        (low, high)
    } else if let Some((a, b)) = numbers.split_once('-') {
        let from = number(kind, a, at)?;
        (from, number(kind, b, at + a.len() + 1)?)
    } else {
        let from = number(kind, numbers, at)?;
        (from, if step.is_some() { high } else { from })
    };
    let step = match step {
        None if every => return Ok(Set::all(kind)),
        None => 1,
        Some((text, at)) => a_step(kind, text, at)?,
    };
    let whole = at..at + text.len();
    spread(kind, (from, to, step), reversed).ok_or_else(|| {
        let message = format!(
            "the range {numbers} of the {} ends before it starts",
            kind.name
        );
        PatternError::new(whole, message)
    })
}

/// Every `step`-th number from `from` to `to`; none if the range is refused.
fn spread(kind: &Kind, (from, to, step): (u16, u16, u16), reversed: Reversed) -> Option<Set> {
    let mut set = Set::none(kind);
    let (low, high) = (*kind.bounds.start(), *kind.bounds.end());
    let last = if from <= to {
        to
    } else {
        match reversed {
            Reversed::Refused => return None,
            Reversed::Empty => return Some(set),
            // Sunday is both 0 and 7: a week that wraps has seven days all the same.
            Reversed::Wraps => to - low + wrap_at(kind, high) + 1,
        }
    };
    let end = wrap_at(kind, high);
    for number in (from..=last).step_by(usize::from(step)) {
        set.add(if number > end && from > to {
            low + (number - end - 1)
        } else {
            number
        });
    }
    Some(set)
}

/// The last number before a range starts over.
fn wrap_at(kind: &Kind, high: u16) -> u16 {
    if kind.name == WEEKDAY.name { 6 } else { high }
}

fn a_step(kind: &Kind, text: &str, at: usize) -> Result<u16, PatternError> {
    let most = *kind.bounds.end();
    match text.parse::<u16>() {
        Ok(step) if (1..=most).contains(&step) => Ok(step),
        _ => Err(PatternError::new(
            at..at + text.len(),
            format!(
                "the step {text:?} of the {} must be a number from 1 to {most}",
                kind.name
            ),
        )),
    }
}

/// A number or a name.
pub(crate) fn number(kind: &Kind, text: &str, at: usize) -> Result<u16, PatternError> {
    let (low, high) = (*kind.bounds.start(), *kind.bounds.end());
    if let Some(number) = named(kind, text) {
        return Ok(number);
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(number) if digits && (low..=high).contains(&number) => match kind.zeros {
            Zeros::Nought if text.len() > 1 && text.starts_with('0') => Ok(0),
            Zeros::Nought | Zeros::Same => Ok(number),
        },
        _ => {
            let or_name = match kind.names.first() {
                Some((name, _)) => format!(", or a name such as {}", &name[..3]),
                None => String::new(),
            };
            let message = format!(
                "{text:?} is no {}: write a number from {low} to {high}{or_name}",
                kind.name
            );
            Err(PatternError::new(place(at, text), message))
        }
    }
}

fn named(kind: &Kind, text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let names = kind.names.iter();
    let found = names.filter(|(name, _)| lower == *name || name.get(..3) == Some(&*lower));
    found.map(|(_, number)| *number).next()
}

/// Where a text is; something to point at even where there is none.
pub(crate) fn place(at: usize, text: &str) -> Range<usize> {
    at..at + text.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(kind: &Kind, text: &str, reversed: Reversed) -> Vec<u16> {
        let set = element(kind, text, 0, reversed).unwrap();
        kind.bounds.clone().filter(|n| set.has(*n)).collect()
    }

    #[test]
    fn elements_mean_what_the_table_says() {
        let refused = Reversed::Refused;
        assert_eq!(numbers(&HOUR, "*/6", refused), [0, 6, 12, 18]);
        assert_eq!(numbers(&HOUR, "20/2", refused), [20, 22]);
        assert_eq!(numbers(&HOUR, "1-6/2", refused), [1, 3, 5]);
        assert_eq!(numbers(&MONTH, "jan-March", refused), [1, 2, 3]);
        assert_eq!(numbers(&MONTH, "01", refused), [1]);
        assert_eq!(numbers(&WEEKDAY, "FRI", refused), [5]);
    }

    #[test]
    fn reversed_ranges_wrap_or_hold_nothing_or_are_refused() {
        assert_eq!(numbers(&HOUR, "22-2", Reversed::Wraps), [0, 1, 2, 22, 23]);
        assert_eq!(
            numbers(&WEEKDAY_TO_7, "fri-mon", Reversed::Wraps),
            [0, 1, 5, 6]
        );
        assert!(numbers(&HOUR, "22-2", Reversed::Empty).is_empty());
        let error = element(&HOUR, "22-2", 4, Reversed::Refused).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the range 22-2 of the hour ends before it starts"
        );
        assert_eq!(error.span, 4..8);
    }

    #[test]
    fn the_nearest_numbers_are_found_on_both_sides() {
        let set = element(&MINUTE, "10-50/20", 0, Reversed::Refused).unwrap();
        assert_eq!(set.from(11), Some(30));
        assert_eq!(set.from(51), None);
        assert_eq!(set.until(29), Some(10));
        assert_eq!(set.until(9), None);
        assert_eq!(Set::all(&YEAR).until(2060), Some(2060));
    }

    #[test]
    fn what_means_nothing_is_pointed_at() {
        let text = |kind: &Kind, text: &str| {
            element(kind, text, 0, Reversed::Refused)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            text(&MINUTE, "60"),
            "\"60\" is no minute: write a number from 0 to 59"
        );
        assert_eq!(
            text(&WEEKDAY, "7"),
            "\"7\" is no day of week: write a number from 0 to 6, or a name such as sun"
        );
        assert_eq!(
            text(&SECOND, "*/60"),
            "the step \"60\" of the second must be a number from 1 to 59"
        );
        assert_eq!(
            text(&MINUTE, "-30"),
            "\"\" is no minute: write a number from 0 to 59"
        );
    }
}
