//! Which days a pattern matches: days of the month and of the week, and the ways to name
//! one by its place (`L`, `LW`, `15W`, `5L`, `5#3`).

use jiff::civil::Date;

use crate::field::{DAY, Set, WEEKDAY};

/// Days, by their place in the month and in the week.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Days {
    pub(crate) of_month: OfMonth,
    pub(crate) of_week: OfWeek,
}

/// Days by their place in the month.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct OfMonth {
    pub(crate) numbers: Set,
    /// `L`.
    pub(crate) last: bool,
    /// `LW`.
    pub(crate) last_working: bool,
    /// `nW`: the working day nearest to each.
    pub(crate) nearest_working: Set,
}

/// Days by their place in the week.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct OfWeek {
    pub(crate) numbers: Set,
    /// `nL`: the last such day of the month.
    pub(crate) last: Set,
    /// `n#k`: the k-th such day of the month; the set at place k - 1.
    pub(crate) nth: [Set; 5],
}

impl OfMonth {
    pub(crate) const NONE: Self = Self {
        numbers: Set::none(&DAY),
        last: false,
        last_working: false,
        nearest_working: Set::none(&DAY),
    };

    fn has(&self, date: Date) -> bool {
        self.numbers.has(day_of(date))
            || (self.last && date == date.last_of_month())
            || (self.last_working && date == last_working(date))
            || (is_working(date) && self.nearest(date))
    }

    /// Whether the date is the working day nearest to one that is asked for.
    fn nearest(&self, date: Date) -> bool {
        let days = 1..=date.days_in_month();
        let mut asked = days.filter(|day| self.nearest_working.has(day.unsigned_abs().into()));
        asked.any(|day| {
            let meant = jiff::civil::date(date.year(), date.month(), day);
            nearest_working(meant) == date
        })
    }
}

impl OfWeek {
    pub(crate) const NONE: Self = Self {
        numbers: Set::none(&WEEKDAY),
        last: Set::none(&WEEKDAY),
        nth: [Set::none(&WEEKDAY); 5],
    };

    fn has(&self, date: Date) -> bool {
        let weekday = weekday_of(date);
        let week = usize::from((day_of(date) - 1) / 7);
        let among_last = date.day() + 7 > date.days_in_month();
        self.numbers.has(weekday)
            || (among_last && self.last.has(weekday))
            || self.nth[week].has(weekday)
    }
}

impl Days {
    /// A field without restriction leaves the choice to the other one; two restricted
    /// ones are a union.
    pub(crate) fn has(&self, date: Date) -> bool {
        match (self.of_month.numbers.any, self.of_week.numbers.any) {
            (true, true) => true,
            (true, false) => self.of_week.has(date),
            (false, true) => self.of_month.has(date),
            (false, false) => self.of_month.has(date) || self.of_week.has(date),
        }
    }

    /// Whether every day is among them.
    pub(crate) const fn all(&self) -> bool {
        self.of_month.numbers.any && self.of_week.numbers.any
    }
}

fn day_of(date: Date) -> u16 {
    u16::from(date.day().unsigned_abs())
}

/// Sunday is 0.
fn weekday_of(date: Date) -> u16 {
    u16::from(date.weekday().to_sunday_zero_offset().unsigned_abs())
}

fn is_working(date: Date) -> bool {
    !matches!(weekday_of(date), 0 | 6)
}

fn last_working(date: Date) -> Date {
    nearest_in_month(date.last_of_month())
}

/// The working day nearest to this day, in the same month.
fn nearest_working(date: Date) -> Date {
    nearest_in_month(date)
}

fn nearest_in_month(date: Date) -> Date {
    let steps: &[i8] = match weekday_of(date) {
        6 => &[-1, 2],
        0 => &[1, -2],
        _ => &[0],
    };
    let days = steps.iter().map(|step| date.day() + step);
    let inside = days.filter(|day| (1..=date.days_in_month()).contains(day));
    inside
        .map(|day| jiff::civil::date(date.year(), date.month(), day))
        .next()
        .unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_nearest_working_day_stays_in_its_month() {
        // 2025-02-01 is a Saturday, 2025-08-31 a Sunday.
        assert_eq!(nearest_working(date(2025, 2, 1)), date(2025, 2, 3));
        assert_eq!(nearest_working(date(2025, 8, 31)), date(2025, 8, 29));
        assert_eq!(nearest_working(date(2025, 2, 15)), date(2025, 2, 14));
        assert_eq!(nearest_working(date(2025, 2, 16)), date(2025, 2, 17));
        assert_eq!(last_working(date(2025, 8, 3)), date(2025, 8, 29));
    }
}
