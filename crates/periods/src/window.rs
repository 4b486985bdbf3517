//! A window that one pattern opens and another closes: the `cron` trigger.

use jiff::Timestamp;

use crate::{Active, Grammar, Pattern, PatternError, WindowError, Zone};

/// A window of time, opened by one pattern and closed by another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    start: Boundary,
    end: Boundary,
}

/// A pattern with the zone it is meant in.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Boundary {
    pattern: Pattern,
    zone: Zone,
}

impl Window {
    /// Reads both patterns, which may name a zone of their own (`TZ=Zone ` or
    /// `CRON_TZ=Zone ` before the fields).
    ///
    /// # Errors
    /// What is wrong, and in which of them.
    pub fn parse(timezone: &str, start: &str, end: &str) -> Result<Self, WindowError> {
        if start == end {
            return Err(WindowError::Same);
        }
        let zone = a_zone(timezone)?;
        Ok(Self {
            start: Boundary::parse(start, &zone, WindowError::Start)?,
            end: Boundary::parse(end, &zone, WindowError::End)?,
        })
    }

    /// Whether the window never opens, because no moment matches its start.
    #[must_use]
    pub fn never_opens(&self) -> bool {
        self.start.pattern.never_matches()
    }

    /// Whether the window never closes, because no moment matches its end.
    #[must_use]
    pub fn never_closes(&self) -> bool {
        self.end.pattern.never_matches()
    }

    /// Open from each start until the first end after it, ends excluded. Each pattern
    /// fires on a wall clock that never goes back ([`Zone`]).
    #[must_use]
    pub fn open(&self, now: Timestamp) -> Active {
        let opened = self.start.last_fired(now);
        let closed = self.end.last_fired(now);
        let active = opened.is_some() && opened >= closed;
        let next = if active { &self.end } else { &self.start };
        Active {
            active,
            until: next.next_fired(now),
        }
    }

    /// Open unless it opens next: KEDA's rule, which looks at the next start and the next
    /// end alone. Source: the KEDA `ScaledJob` reference, section 3.3.
    #[must_use]
    pub fn open_as_keda(&self, now: Timestamp) -> Active {
        let never = Timestamp::MAX;
        let start = self.start.next_shown(now);
        let end = self.end.next_shown(now);
        let earliest = [start, end].into_iter().flatten().min();
        Active {
            active: start.unwrap_or(never) >= end.unwrap_or(never),
            until: earliest,
        }
    }
}

impl Boundary {
    fn parse(
        text: &str,
        zone: &Zone,
        wrong: fn(PatternError) -> WindowError,
    ) -> Result<Self, WindowError> {
        let own = ["TZ=", "CRON_TZ="]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix)?.split_once(' '));
        let (fields, zone) = match own {
            Some((name, fields)) => (fields, a_zone(name)?),
            None => (text, zone.clone()),
        };
        let before = text.len() - fields.len();
        let pattern = Pattern::parse(fields, Grammar::Cron).map_err(|error| {
            let span = error.span.start + before..error.span.end + before;
            wrong(PatternError::new(span, error.message))
        })?;
        Ok(Self { pattern, zone })
    }

    fn last_fired(&self, now: Timestamp) -> Option<Timestamp> {
        let shown = self.pattern.last_until(self.zone.wall(now))?;
        self.zone.reached(shown)
    }

    fn next_fired(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self
            .zone
            .wall(now)
            .checked_add(jiff::Span::new().seconds(1));
        let shown = self.pattern.next_from(next.ok()?)?;
        self.zone.reached(shown)
    }

    fn next_shown(&self, now: Timestamp) -> Option<Timestamp> {
        self.zone.next_shown(&self.pattern, now)
    }
}

fn a_zone(name: &str) -> Result<Zone, WindowError> {
    Zone::named(name).ok_or_else(|| WindowError::Zone(name.to_owned()))
}
