//! Wall clocks: how moments become what a clock on the wall shows, and back.
//!
//! The wall clock of a zone here waits instead of going back: while the clocks of the
//! zone show an hour for the second time, it stands still at that hour's end; what they
//! leave out in spring it passes in no time. So every time of day comes once a day.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

use crate::Pattern;

/// A time zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of this IANA name, in either case. The data is part of the program, for
    /// hosts that have none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The zone of this host.
    #[must_use]
    pub fn of_this_host() -> Self {
        Self(TimeZone::system())
    }

    /// What a wall clock that never goes back shows, in whole seconds.
    pub(crate) fn wall(&self, at: Timestamp) -> DateTime {
        let offset = self.0.to_offset(at);
        let shown = whole(offset.to_datetime(at));
        match self.0.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Fold { before, after } if offset == after => {
                self.end_of_first_pass(at, before).unwrap_or(shown)
            }
            _ => shown,
        }
    }

    /// The last second the clocks showed before they were set back.
    fn end_of_first_pass(&self, at: Timestamp, before: jiff::tz::Offset) -> Option<DateTime> {
        let just_after = at.checked_add(Span::new().nanoseconds(1)).ok()?;
        let set_back = self.0.preceding(just_after).next()?.timestamp();
        let end = before.to_datetime(set_back);
        end.checked_sub(Span::new().seconds(1)).ok()
    }

    /// The first moment at which a wall clock that never goes back has reached `shown`.
    pub(crate) fn reached(&self, shown: DateTime) -> Option<Timestamp> {
        let (AmbiguousOffset::Unambiguous { offset: before }
        | AmbiguousOffset::Fold { before, .. }
        | AmbiguousOffset::Gap { before, .. }) = self.0.to_ambiguous_timestamp(shown).offset();
        let by_the_old = before.to_timestamp(shown).ok()?;
        if self.0.to_offset(by_the_old) == before {
            return Some(by_the_old);
        }
        // Left out: reached the moment the clocks are set forward.
        let just_after = by_the_old.checked_add(Span::new().nanoseconds(1)).ok()?;
        Some(self.0.preceding(just_after).next()?.timestamp())
    }

    /// The first moment after `after` at which the clocks of the zone show a match: not at
    /// all what they leave out, twice what they show twice.
    pub(crate) fn next_shown(&self, pattern: &Pattern, after: Timestamp) -> Option<Timestamp> {
        let mut from = second_after(after)?;
        loop {
            let offset = self.0.to_offset(from);
            let found = pattern.next_from(offset.to_datetime(from))?;
            let at = offset.to_timestamp(found).ok()?;
            match self
                .0
                .following(from)
                .next()
                .map(|change| change.timestamp())
            {
                Some(change) if change <= at => from = change,
                _ => return Some(at),
            }
        }
    }
}

/// The first whole second after a moment.
pub(crate) fn second_after(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_second().checked_add(1)?).ok()
}

fn whole(shown: DateTime) -> DateTime {
    shown.with().subsec_nanosecond(0).build().unwrap_or(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn new_york() -> Zone {
        Zone::named("America/New_York").unwrap()
    }

    #[test]
    fn the_wall_clock_stands_still_while_an_hour_comes_twice() {
        let zone = new_york();
        let wall = |text| zone.wall(at(text)).to_string();
        assert_eq!(wall("2026-11-01T05:40:00Z"), "2026-11-01T01:40:00");
        assert_eq!(wall("2026-11-01T06:00:00Z"), "2026-11-01T01:59:59");
        assert_eq!(wall("2026-11-01T06:59:59Z"), "2026-11-01T01:59:59");
        assert_eq!(wall("2026-11-01T07:00:00Z"), "2026-11-01T02:00:00");
    }

    #[test]
    fn what_the_clocks_leave_out_is_reached_when_they_are_set() {
        let zone = new_york();
        let reached = |text: &str| zone.reached(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(reached("2026-03-08T01:59:59"), "2026-03-08T06:59:59Z");
        assert_eq!(reached("2026-03-08T02:00:00"), "2026-03-08T07:00:00Z");
        assert_eq!(reached("2026-03-08T02:30:00"), "2026-03-08T07:00:00Z");
        assert_eq!(reached("2026-03-08T03:00:00"), "2026-03-08T07:00:00Z");
        assert_eq!(reached("2026-11-01T01:30:00"), "2026-11-01T05:30:00Z");
    }

    #[test]
    fn zones_have_names_in_either_case() {
        assert!(Zone::named("europe/berlin").is_some());
        assert!(Zone::named("InvalidTimezone/String").is_none());
    }
}
