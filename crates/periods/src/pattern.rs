//! One pattern, read and understood.

use jiff::civil::DateTime;

use crate::days::Days;
use crate::field::Set;
use crate::{PatternError, grammar};

/// Which moments of the wall clock match; whole seconds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern {
    pub(crate) seconds: Set,
    pub(crate) minutes: Set,
    pub(crate) hours: Set,
    pub(crate) days: Days,
    pub(crate) months: Set,
    pub(crate) years: Set,
}

/// In which language a pattern is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grammar {
    /// Five fields that name moments: minute, hour, day of month, month, day of week. No
    /// seconds, no aliases, no reversed ranges; Sunday is 0. Source: the KEDA `ScaledJob`
    /// reference, section 3.3.
    Cron,
    /// Five, six or seven fields that name spans: second, minute, hour, day of month, month,
    /// day of week, year. Without a field for seconds a pattern means whole minutes; a
    /// reversed range goes on at the start (`22-6`). Source: the machine autoscaling
    /// reference, section 7, with what it says importers should read.
    Period,
    /// As `Period`, read as GitLab Runner reads it: without a field for seconds only second
    /// 0 matches, a reversed range matches nothing (7 as a day of the week is 0, so `6-7` is
    /// one), and a month or a day of the week with a zero before it is 0.
    GitlabPeriod,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The place that means nothing. A pattern that can never match is understood here;
    /// see [`Pattern::never_matches`].
    pub fn parse(text: &str, grammar: Grammar) -> Result<Self, PatternError> {
        grammar::parse(text, grammar)
    }

    /// Whether it matches this second of the wall clock.
    #[must_use]
    pub fn matches(&self, at: DateTime) -> bool {
        let number = |n: i8| u16::from(n.unsigned_abs());
        self.seconds.has(number(at.second()))
            && self.minutes.has(number(at.minute()))
            && self.hours.has(number(at.hour()))
            && self.has_day(at.date())
    }

    /// Whether a minute that matches does so with all of its seconds.
    #[must_use]
    pub const fn is_of_whole_minutes(&self) -> bool {
        self.seconds.is_full()
    }

    /// Whether no moment fails to match, so that what it names neither begins nor ends.
    #[must_use]
    pub fn always_matches(&self) -> bool {
        let start = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        self.next_miss_from(start).is_none()
    }

    /// Whether no moment at all matches: an empty range, or a day that no month has.
    #[must_use]
    pub fn never_matches(&self) -> bool {
        let start = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        self.next_from(start).is_none()
    }
}
