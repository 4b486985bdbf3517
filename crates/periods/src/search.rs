//! The nearest matching second of the wall clock on either side, field by field.

use jiff::civil::{Date, DateTime, Time};

use crate::Pattern;

/// How far a day is searched, in years: a fifth Sunday in February comes every 28 years,
/// and every 40 across a century that has no leap day.
const YEARS: i16 = 41;

impl Pattern {
    /// The first match that is not before `from`.
    pub(crate) fn next_from(&self, from: DateTime) -> Option<DateTime> {
        let midnight = Time::midnight();
        let today = self
            .has_day(from.date())
            .then(|| self.time_from(from.time()));
        if let Some(time) = today.flatten() {
            return Some(from.date().to_datetime(time));
        }
        let day = self.next_day(from.date())?;
        Some(day.to_datetime(self.time_from(midnight)?))
    }

    /// The last match that is not after `until`.
    pub(crate) fn last_until(&self, until: DateTime) -> Option<DateTime> {
        let today = self
            .has_day(until.date())
            .then(|| self.time_until(until.time()));
        if let Some(time) = today.flatten() {
            return Some(until.date().to_datetime(time));
        }
        let day = self.last_day(until.date())?;
        Some(day.to_datetime(self.time_until(Time::constant(23, 59, 59, 0))?))
    }

    /// The first moment not before `from` that does not match; none if all do for as far
    /// as is searched.
    pub(crate) fn next_miss_from(&self, from: DateTime) -> Option<DateTime> {
        let mut at = from;
        let end = at.date().year().saturating_add(YEARS);
        while at.date().year() < end {
            if !self.matches(at) {
                return Some(at);
            }
            at = self.step_over(at)?;
        }
        None
    }

    /// The end of the span around a match in which nothing but finer fields change, and
    /// those are all in the pattern.
    fn step_over(&self, at: DateTime) -> Option<DateTime> {
        let span = if !self.seconds.is_full() {
            jiff::Span::new().seconds(1)
        } else if !self.minutes.is_full() {
            jiff::Span::new().seconds(60 - i64::from(at.second()))
        } else if !self.hours.is_full() {
            let into_hour = i64::from(at.minute()) * 60 + i64::from(at.second());
            jiff::Span::new().seconds(3600 - into_hour)
        } else if self.days.all() && self.months.is_full() && self.years.is_full() {
            return None;
        } else {
            return at.date().tomorrow().ok().map(|day| day.at(0, 0, 0, 0));
        };
        at.checked_add(span).ok()
    }

    pub(crate) fn has_day(&self, date: Date) -> bool {
        (self.years.any || self.years.has(date.year().unsigned_abs()))
            && self.months.has(month_of(date))
            && self.days.has(date)
    }

    fn next_day(&self, after: Date) -> Option<Date> {
        let end = after.year().saturating_add(YEARS).max(2100);
        let mut date = after.tomorrow().ok()?;
        while date.year() < end {
            if !self.months.has(month_of(date)) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.has_day(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }

    fn last_day(&self, before: Date) -> Option<Date> {
        let end = before.year().saturating_sub(YEARS);
        let mut date = before.yesterday().ok()?;
        while date.year() > end {
            if !self.months.has(month_of(date)) {
                date = date.first_of_month().yesterday().ok()?;
            } else if self.has_day(date) {
                return Some(date);
            } else {
                date = date.yesterday().ok()?;
            }
        }
        None
    }

    /// The first matching time of a day that is not before `from`.
    fn time_from(&self, from: Time) -> Option<Time> {
        let (h, m, s) = parts(from);
        if self.hours.has(h) {
            if self.minutes.has(m)
                && let Some(second) = self.seconds.from(s)
            {
                return time(h, m, second);
            }
            if let Some(minute) = self.minutes.from(m + 1) {
                return time(h, minute, self.seconds.from(0)?);
            }
        }
        let hour = self.hours.from(h + 1)?;
        time(hour, self.minutes.from(0)?, self.seconds.from(0)?)
    }

    /// The last matching time of a day that is not after `until`.
    fn time_until(&self, until: Time) -> Option<Time> {
        let (h, m, s) = parts(until);
        if self.hours.has(h) {
            if self.minutes.has(m)
                && let Some(second) = self.seconds.until(s)
            {
                return time(h, m, second);
            }
            if let Some(minute) = m.checked_sub(1).and_then(|m| self.minutes.until(m)) {
                return time(h, minute, self.seconds.until(59)?);
            }
        }
        let hour = h.checked_sub(1).and_then(|h| self.hours.until(h))?;
        time(hour, self.minutes.until(59)?, self.seconds.until(59)?)
    }
}

fn month_of(date: Date) -> u16 {
    u16::from(date.month().unsigned_abs())
}

fn parts(time: Time) -> (u16, u16, u16) {
    let number = |n: i8| u16::from(n.unsigned_abs());
    (
        number(time.hour()),
        number(time.minute()),
        number(time.second()),
    )
}

fn time(hour: u16, minute: u16, second: u16) -> Option<Time> {
    let number = |n: u16| i8::try_from(n).ok();
    Time::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
}
