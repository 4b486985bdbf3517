//! From text to a pattern: fields, lists and aliases.

use crate::days::{Days, OfMonth, OfWeek};
use crate::field::{
    self, DAY, HOUR, Kind, MINUTE, MONTH, MONTH_OF_GITLAB, Reversed, SECOND, Set, WEEKDAY,
    WEEKDAY_OF_GITLAB, WEEKDAY_TO_7, YEAR,
};
use crate::{Grammar, Pattern, PatternError};

/// The longest pattern that is read, in bytes.
const MAX_LENGTH: usize = 512;

const ALIASES: &[(&str, &str)] = &[
    ("@yearly", "0 0 0 1 1 * *"),
    ("@annually", "0 0 0 1 1 * *"),
    ("@monthly", "0 0 0 1 * * *"),
    ("@weekly", "0 0 0 * * 0 *"),
    ("@daily", "0 0 0 * * * *"),
    ("@hourly", "0 0 * * * * *"),
];

/// A piece of the text, and where it begins.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    at: usize,
}

pub(crate) fn parse(text: &str, grammar: Grammar) -> Result<Pattern, PatternError> {
    if text.len() > MAX_LENGTH {
        let message = format!("a pattern has at most {MAX_LENGTH} characters");
        return Err(PatternError::new(0..text.len(), message));
    }
    let alias = text.trim().to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(name, _)| *name == alias);
    match (alias, grammar) {
        (Some((_, meaning)), Grammar::Period | Grammar::GitlabPeriod) => {
            of_fields(meaning, grammar)
        }
        _ => of_fields(text, grammar),
    }
}

fn of_fields(text: &str, grammar: Grammar) -> Result<Pattern, PatternError> {
    let fields = fields(text);
    let read = Reader { grammar };
    let minutes_only = |rest: &[Piece<'_>]| -> Result<Pattern, PatternError> {
        let [minute, hour, day, month, weekday] = rest else {
            return Err(wrong_count(text, &fields, grammar));
        };
        read.pattern(*minute, *hour, (*day, *weekday), *month)
    };
    match (grammar, fields.as_slice()) {
        (Grammar::Period | Grammar::GitlabPeriod, [rest @ .., year]) if rest.len() == 5 => {
            let mut pattern = minutes_only(rest)?;
            pattern.years = read.numbers(&YEAR, *year)?;
            Ok(pattern)
        }
        (Grammar::Period | Grammar::GitlabPeriod, [second, rest @ .., year]) if rest.len() == 5 => {
            let mut pattern = minutes_only(rest)?;
            pattern.seconds = read.numbers(&SECOND, *second)?;
            pattern.years = read.numbers(&YEAR, *year)?;
            Ok(pattern)
        }
        (_, rest) => minutes_only(rest),
    }
}

fn wrong_count(text: &str, fields: &[Piece<'_>], grammar: Grammar) -> PatternError {
    let found = fields.len();
    let (count, order) = match grammar {
        Grammar::Cron => (
            "exactly 5",
            "minute, hour, day of month, month, day of week",
        ),
        Grammar::Period | Grammar::GitlabPeriod => (
            "5 to 7",
            "[second,] minute, hour, day of month, month, day of week [, year]",
        ),
    };
    let kind = if found < 5 {
        "missing field(s)"
    } else {
        "too many fields"
    };
    let message = format!("{kind}: a pattern has {count} fields ({order}), this has {found}");
    PatternError::new(0..text.len(), message)
}

fn fields(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for part in text.split(|c: char| c.is_ascii_whitespace()) {
        if !part.is_empty() {
            pieces.push(Piece { text: part, at });
        }
        at += part.len() + 1;
    }
    pieces
}

/// Reads fields the way one grammar does.
struct Reader {
    grammar: Grammar,
}

impl Reader {
    const fn reversed(&self) -> Reversed {
        match self.grammar {
            Grammar::Cron => Reversed::Refused,
            Grammar::Period => Reversed::Wraps,
            Grammar::GitlabPeriod => Reversed::Empty,
        }
    }

    fn pattern(
        &self,
        minute: Piece<'_>,
        hour: Piece<'_>,
        (day, weekday): (Piece<'_>, Piece<'_>),
        month: Piece<'_>,
    ) -> Result<Pattern, PatternError> {
        Ok(Pattern {
            seconds: match self.grammar {
                Grammar::Period => Set::all(&SECOND),
                Grammar::Cron | Grammar::GitlabPeriod => Set::only(&SECOND, 0),
            },
            minutes: self.numbers(&MINUTE, minute)?,
            hours: self.numbers(&HOUR, hour)?,
            days: Days {
                of_month: self.of_month(day)?,
                of_week: self.of_week(weekday)?,
            },
            months: match self.grammar {
                Grammar::GitlabPeriod => self.numbers(&MONTH_OF_GITLAB, month)?,
                Grammar::Cron | Grammar::Period => self.numbers(&MONTH, month)?,
            },
            years: Set::all(&YEAR),
        })
    }

    fn numbers(&self, kind: &Kind, field: Piece<'_>) -> Result<Set, PatternError> {
        let mut set = Set::none(kind);
        for Piece { text, at } in elements(field) {
            set.merge(field::element(kind, text, at, self.reversed())?);
        }
        Ok(set)
    }

    fn of_month(&self, field: Piece<'_>) -> Result<OfMonth, PatternError> {
        let mut days = OfMonth::NONE;
        for Piece { text, at } in elements(field) {
            let upper = text.to_ascii_uppercase();
            match (self.names_places(), upper.as_str()) {
                (true, "L") => days.last = true,
                (true, "LW") => days.last_working = true,
                (true, named) if named.ends_with('W') => {
                    let day = field::number(&DAY, &text[..text.len() - 1], at)?;
                    days.nearest_working.add(day);
                }
                _ => days
                    .numbers
                    .merge(field::element(&DAY, text, at, self.reversed())?),
            }
        }
        Ok(days)
    }

    fn of_week(&self, field: Piece<'_>) -> Result<OfWeek, PatternError> {
        let mut days = OfWeek::NONE;
        for Piece { text, at } in elements(field) {
            let last = text.strip_suffix(['L', 'l']).filter(|day| !day.is_empty());
            match (self.names_places(), text.split_once('#'), last) {
                (true, Some((day, nth)), _) => {
                    let nth = a_week(nth, at + day.len() + 1)?;
                    days.nth[nth].add(self.weekday(day, at)?);
                }
                (true, None, Some(day)) => days.last.add(self.weekday(day, at)?),
                _ => days.numbers.merge(self.weekdays(text, at)?),
            }
        }
        Ok(days)
    }

    /// Sunday is 0, and 7 too where the grammar says so.
    fn weekdays(&self, text: &str, at: usize) -> Result<Set, PatternError> {
        let kind = self.kind_of_weekday();
        let to_7 = field::element(kind, text, at, self.reversed())?;
        let mut days = Set::none(&WEEKDAY);
        (0..=7)
            .filter(|n| to_7.has(*n))
            .for_each(|n| days.add(n % 7));
        days.any = to_7.any;
        Ok(days)
    }

    fn weekday(&self, text: &str, at: usize) -> Result<u16, PatternError> {
        field::number(self.kind_of_weekday(), text, at).map(|day| day % 7)
    }

    const fn kind_of_weekday(&self) -> &'static Kind {
        match self.grammar {
            Grammar::Cron => &WEEKDAY,
            Grammar::Period => &WEEKDAY_TO_7,
            Grammar::GitlabPeriod => &WEEKDAY_OF_GITLAB,
        }
    }

    const fn names_places(&self) -> bool {
        !matches!(self.grammar, Grammar::Cron)
    }
}

/// Which of five, from 0.
fn a_week(text: &str, at: usize) -> Result<usize, PatternError> {
    match text.parse::<usize>() {
        Ok(nth @ 1..=5) => Ok(nth - 1),
        _ => Err(PatternError::new(
            field::place(at, text),
            format!("{text:?} is no week of a month: write a number from 1 to 5 after the #"),
        )),
    }
}

fn elements(field: Piece<'_>) -> impl Iterator<Item = Piece<'_>> {
    let mut at = field.at;
    field.text.split(',').map(move |text| {
        let piece = Piece { text, at };
        at += text.len() + 1;
        piece
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, grammar: Grammar) -> (String, std::ops::Range<usize>) {
        let error = parse(text, grammar).unwrap_err();
        (error.to_string(), error.span)
    }

    #[test]
    fn the_number_of_fields_is_the_grammar_s() {
        assert_eq!(
            error("0 0 8 * * *", Grammar::Cron),
            (
                "too many fields: a pattern has exactly 5 fields (minute, hour, day of month, \
                 month, day of week), this has 6"
                    .to_owned(),
                0..11
            )
        );
        assert_eq!(
            error("* * *", Grammar::Period).0,
            "missing field(s): a pattern has 5 to 7 fields ([second,] minute, hour, day of \
             month, month, day of week [, year]), this has 3"
        );
        assert_eq!(error("@daily", Grammar::Cron).1, 0..6);
        assert!(parse("@daily", Grammar::Period).is_ok());
    }

    #[test]
    fn errors_point_into_the_list() {
        assert_eq!(
            error("0 8 * * mon,frei", Grammar::Cron),
            (
                "\"frei\" is no day of week: write a number from 0 to 6, or a name such as sun"
                    .to_owned(),
                12..16
            )
        );
        assert_eq!(
            error("* * * * mon#6", Grammar::Period),
            (
                "\"6\" is no week of a month: write a number from 1 to 5 after the #".to_owned(),
                12..13
            )
        );
    }

    #[test]
    fn a_star_in_a_list_lifts_the_restriction() {
        let pattern = parse("* * 1,* * mon", Grammar::Period).unwrap();
        assert!(pattern.days.of_month.numbers.any);
        assert!(!pattern.days.of_week.numbers.any);
    }
}
