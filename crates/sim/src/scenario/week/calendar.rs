//! Weeks in which some zone changes its clock, and windows of time in them, told twice: as
//! periods of a configuration, and as arithmetic that knows no grammar and no calendar.
//!
//! Hours at which clocks change are no edge of any window: what a window means there is
//! tried by the tests of `periods`.

use headcount_model::Timestamp;

use crate::random::Random;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// The first of January 1970 was a Thursday; 0 is Sunday.
const FIRST_DAY: u64 = 4;

/// A week, from its Monday, 0:00 UTC. On its Sunday a clock changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Week {
    /// Seconds since the epoch.
    pub(crate) monday: u64,
    zones: [Zone; 3],
}

/// A zone in one week.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Zone {
    name: &'static str,
    /// Hours ahead of UTC, before and after the change.
    ahead: [i64; 2],
    /// Seconds since the epoch.
    changes: u64,
}

const fn zone(name: &'static str, ahead: [i64; 2], changes: u64) -> Zone {
    Zone {
        name,
        ahead,
        changes,
    }
}

const UTC: Zone = zone("UTC", [0, 0], 0);
const NEVER: u64 = u64::MAX;
const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

/// October 2023, November 2023, early and late March 2024.
const WEEKS: [Week; 4] = [
    Week {
        monday: 1_698_019_200,
        zones: [
            UTC,
            zone(BERLIN, [2, 1], 1_698_541_200),
            zone(NEW_YORK, [-4, -4], NEVER),
        ],
    },
    Week {
        monday: 1_698_624_000,
        zones: [
            UTC,
            zone(BERLIN, [1, 1], NEVER),
            zone(NEW_YORK, [-4, -5], 1_699_164_000),
        ],
    },
    Week {
        monday: 1_709_510_400,
        zones: [
            UTC,
            zone(BERLIN, [1, 1], NEVER),
            zone(NEW_YORK, [-5, -4], 1_710_054_000),
        ],
    },
    Week {
        monday: 1_711_324_800,
        zones: [
            UTC,
            zone(BERLIN, [1, 2], 1_711_846_800),
            zone(NEW_YORK, [-4, -4], NEVER),
        ],
    },
];

/// Some hours of some days of a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Window {
    zone: Zone,
    days: Days,
    /// The first and the last hour; the last may be the smaller one, of the next day.
    hours: (u64, u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Days {
    All,
    Weekdays,
    Weekend,
    Some,
}

impl Week {
    pub(crate) fn draw(random: &mut Random) -> Self {
        random.pick(&WEEKS).unwrap_or(WEEKS[0])
    }

    pub(crate) const fn start(&self) -> Timestamp {
        Timestamp::from_millis(self.monday * 1000)
    }

    /// A window of working hours, of the weekend, or of nights.
    pub(crate) fn window(&self, random: &mut Random) -> Window {
        let zone = random.pick(&self.zones).unwrap_or(UTC);
        let days = [Days::All, Days::Weekdays, Days::Weekend, Days::Some];
        let night = random.chance(200);
        Window {
            zone,
            days: if night {
                Days::All
            } else {
                random.pick(&days).unwrap_or(Days::All)
            },
            hours: if night {
                (random.between(20, 23), random.between(4, 7))
            } else {
                (random.between(5, 10), random.between(11, 20))
            },
        }
    }
}

impl Window {
    /// As a period of the configuration.
    pub(crate) fn period(&self) -> String {
        let (from, to) = self.hours;
        let days = match self.days {
            Days::All => "*",
            Days::Weekdays => "mon-fri",
            Days::Weekend => "sat,sun",
            Days::Some => "mon,wed,sun",
        };
        format!("* * {from}-{to} * * {days} *")
    }

    pub(crate) fn zone(&self) -> &'static str {
        self.zone.name
    }

    /// Whether it is open.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        let utc = now.as_millis() / 1000;
        let ahead = self.zone.ahead[usize::from(utc >= self.zone.changes)];
        let local = utc.saturating_add_signed(ahead * 3600);
        let (hour, day) = (local % DAY / HOUR, (local / DAY + FIRST_DAY) % 7);
        let of_the_week = match self.days {
            Days::All => true,
            Days::Weekdays => (1..=5).contains(&day),
            Days::Weekend => day == 0 || day == 6,
            Days::Some => [0, 1, 3].contains(&day),
        };
        let (from, to) = self.hours;
        let of_the_day = if from <= to {
            (from..=to).contains(&hour)
        } else {
            hour >= from || hour <= to
        };
        of_the_week && of_the_day
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_controller::timetable;
    use headcount_model::{IdleRule, Schedule};

    /// The arithmetic here and the calendars of the house say the same of every quarter of an
    /// hour of every week.
    #[test]
    fn windows_hold_as_their_periods_do() {
        let mut random = Random::new(3);
        for week in WEEKS {
            for _ in 0..12 {
                let window = week.window(&mut random);
                let schedule = Schedule {
                    periods: vec![window.period()],
                    timezone: window.zone().to_owned(),
                    rule: IdleRule::default(),
                };
                let table = timetable(&[schedule], week.start()).unwrap();
                for quarter in 0..4 * 24 * 7 {
                    let at = Timestamp::from_millis((week.monday + quarter * 900) * 1000);
                    let said = table.at(at).unwrap().schedule.is_some();
                    assert_eq!(said, window.holds(at), "{window:?} at {at:?}");
                }
            }
        }
    }
}
