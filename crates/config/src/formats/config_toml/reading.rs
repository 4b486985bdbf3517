//! One pattern of time: what GitLab Runner takes for something else in it.
//!
//! Promise: the pattern stays as it is written, and means what it means in a native file;
//! each way in which GitLab Runner reads it otherwise is named. That it is read at all is
//! checked as in a native file. Source: the machine autoscaling reference, section 7.

use std::mem::replace;

use headcount_periods::{Grammar, Pattern};

use super::Shared;
use crate::problem::{Draft, Problems};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;

/// Second, minute, hour, day of month, month, day of week, year.
const MOST_FIELDS: usize = 7;
const DAY_OF_WEEK: usize = 5;

/// A pattern as it stands, named where GitLab Runner takes it for something else.
pub(super) fn read_period(
    mut period: Spanned<String>,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) -> Spanned<String> {
    let fields: Vec<&str> = period.value.split_ascii_whitespace().collect();
    if fields.len() > MOST_FIELDS {
        let rest = fields.len() - MOST_FIELDS;
        let message =
            format!("a pattern has {MOST_FIELDS} fields at most: the last {rest} are left out");
        let draft = Draft::warning(message).label("as with GitLab Runner");
        problems.at(period.place, draft.hint("remove them"));
        period.value = fields[..MOST_FIELDS].join(" ");
        return read_period(period, shared, problems);
    }
    let Ok(pattern) = Pattern::parse(&period.value, Grammar::Period) else {
        return period;
    };
    tell_of_seconds(&fields, &pattern, period.place, shared, problems);
    tell_of_numbers(&fields, period.place, problems);
    period
}

/// When it begins and ends: GitLab Runner asks for the match that comes next.
fn tell_of_seconds(
    fields: &[&str],
    pattern: &Pattern,
    place: Place,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) {
    if matches!(fields.len(), 5 | 6) {
        let draft = Draft::difference("a pattern without seconds holds for whole minutes here")
            .label("GitLab Runner: for one second of each minute")
            .hint("nothing, if whole minutes are meant");
        problems.at(place, draft);
    } else if pattern.always_matches() {
        // It neither begins nor ends.
    } else if !pattern.is_of_whole_minutes() {
        if !replace(&mut shared.told_of_seconds, true) {
            let draft = Draft::difference(names_seconds(fields))
                .label("GitLab Runner: one second earlier")
                .hint("for whole minutes write `*` in the place of the seconds");
            problems.at(place, draft);
        }
    } else if !replace(&mut shared.told_of_minutes, true) {
        let draft = Draft::difference("periods begin and end on the second here")
            .label("GitLab Runner: one second early, at second 59");
        problems.at(place, draft);
    }
}

fn names_seconds(fields: &[&str]) -> String {
    match fields {
        [alias] => format!("{} holds for its second 0 here", quoted(alias)),
        _ => "a pattern with seconds holds for those seconds here".to_owned(),
    }
}

/// What its numbers stand for, each way to differ once.
fn tell_of_numbers(fields: &[&str], place: Place, problems: &mut Problems) {
    let before = MOST_FIELDS.saturating_sub(fields.len()).min(1);
    let mut told: Vec<Otherwise> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        for element in field.split(',') {
            let Some(found) = Otherwise::of(index + before, element) else {
                continue;
            };
            if told.iter().all(|known| !known.is_like(&found)) {
                problems.at(place, found.draft());
                told.push(found);
            }
        }
    }
}

/// How GitLab Runner reads one element of a list.
enum Otherwise {
    /// It refuses the pattern, and with it the file.
    Refused(String),
    /// A zero before a number makes nought of it.
    Zero(String),
    /// 7 is 0, also as the end or the beginning of a range; whether nothing is left of it.
    Seven(String, bool),
    /// A range that ends before it begins is empty.
    Reversed,
}

impl Otherwise {
    /// `None` where it is the same, or where nobody can read it.
    fn of(index: usize, element: &str) -> Option<Self> {
        let ours = alone(index, element, Grammar::Period)?;
        let Some(theirs) = alone(index, element, Grammar::GitlabPeriod) else {
            return Some(Self::Refused(element.to_owned()));
        };
        if ours == theirs {
            return None;
        }
        let range = element.split_once('/').map_or(element, |(range, _)| range);
        let ends = || range.split(['-', '#', 'L', 'l']);
        let found = if let Some(end) = ends().find(|end| end.len() > 1 && end.starts_with('0')) {
            Self::Zero(end.to_owned())
        } else if index == DAY_OF_WEEK && ends().any(|end| end == "7") {
            Self::Seven(element.to_owned(), theirs.never_matches())
        } else {
            Self::Reversed
        };
        Some(found)
    }

    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn draft(&self) -> Draft {
        match self {
            Self::Refused(element) => {
                let message = format!("{} is taken here", quoted(element));
                Draft::difference(message).label("GitLab Runner refuses a file with it")
            }
            Self::Zero(number) => {
                let message = format!("{} means what it says here", quoted(number));
                Draft::difference(message)
                    .label("GitLab Runner takes it for 0")
                    .hint("write it without the zero before it")
            }
            Self::Seven(element, empty) => {
                let message = format!("7 is the Sunday after Saturday in {}", quoted(element));
                Draft::difference(message)
                    .label(match empty {
                        true => "GitLab Runner takes it for 0: it matches nothing",
                        false => "GitLab Runner takes it for 0: it matches other days",
                    })
                    .hint("nothing, if that is meant, as in `6-7`")
            }
            Self::Reversed => {
                Draft::difference("a range that ends before it begins goes on at its start")
                    .label("with GitLab Runner it matches nothing")
                    .hint("nothing, if that is meant, as in `22-6` or `sat-sun`")
            }
        }
    }
}

/// A pattern that nothing else restricts.
fn alone(index: usize, element: &str, grammar: Grammar) -> Option<Pattern> {
    let mut fields = ["*"; MOST_FIELDS];
    *fields.get_mut(index)? = element;
    Pattern::parse(&fields.join(" "), grammar).ok()
}
