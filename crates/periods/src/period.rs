//! A span of time that one pattern names: schedules of idle counts.

use jiff::civil::DateTime;
use jiff::{Span, Timestamp};

use crate::{Pattern, Zone};

/// Changes that may fall into what the clocks leave out, one a year, before there is held to
/// be none.
const MAX_LEFT_OUT: usize = 50;

/// Whether something holds now, and when time alone will change that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Active {
    /// Whether it holds.
    pub active: bool,
    /// Until then nothing changes; none if nothing ever does.
    pub until: Option<Timestamp>,
}

/// All moments that a pattern matches in a zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Period {
    /// Which moments of the wall clock.
    pub pattern: Pattern,
    /// Whose wall clock.
    pub zone: Zone,
}

impl Period {
    /// Whether `now` is in it, on a wall clock that never goes back ([`Zone`]).
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> Active {
        let shown = self.zone.wall(now);
        let active = self.pattern.matches(shown);
        Active {
            active,
            until: self.change(shown, active),
        }
    }

    /// The first moment after the clock shows `shown` at which it is otherwise.
    fn change(&self, shown: DateTime, active: bool) -> Option<Timestamp> {
        let mut shown = shown;
        for _ in 0..MAX_LEFT_OUT {
            let next = shown.checked_add(Span::new().seconds(1)).ok()?;
            let otherwise = if active {
                self.pattern.next_miss_from(next)?
            } else {
                self.pattern.next_from(next)?
            };
            let at = self.zone.reached(otherwise)?;
            shown = self.zone.wall(at);
            if self.pattern.matches(shown) != active {
                return Some(at);
            }
        }
        None
    }

    /// Whether GitLab Runner takes `now` to be in it: whether the clocks show a match one
    /// second later. Source: the machine autoscaling reference, section 7.
    #[must_use]
    pub fn holds_as_gitlab(&self, now: Timestamp) -> bool {
        let next = self.zone.next_shown(&self.pattern, now);
        next.is_some_and(|next| next.as_second() == now.as_second() + 1)
    }
}
