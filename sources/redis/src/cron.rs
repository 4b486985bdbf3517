//! A window of time as a trigger.

use headcount_model::{
    Compat, CronWindow, Level, Measure, Reading, Timestamp, Trouble, TroubleKind,
};
use headcount_periods::{Window, WindowError};

/// A window that can be evaluated, or why it cannot be.
pub(crate) struct CronReader {
    window: Result<Window, WindowError>,
    desired: u32,
    compat: Compat,
}

impl CronReader {
    pub(crate) fn new(cron: &CronWindow) -> Self {
        Self {
            window: Window::parse(&cron.timezone, &cron.start, &cron.end),
            desired: cron.desired,
            compat: cron.compat,
        }
    }

    /// How it stands at `now`, and when time alone will change that.
    pub(crate) fn read(&self, now: Timestamp) -> (Reading, Option<Timestamp>) {
        let window = match &self.window {
            Ok(window) => window,
            Err(error) => return (unknown(error.to_string()), None),
        };
        let Some(now) = moment(now) else {
            return (
                unknown("the clock of this host is beyond all calendars".into()),
                None,
            );
        };
        let open = match self.compat {
            Compat::Headcount => window.open(now),
            Compat::Keda => window.open_as_keda(now),
        };
        let value = if open.active { self.desired } else { 0 };
        let measure = Measure {
            value: Level::count(value.into()),
            backlog: None,
        };
        (Reading::Known(measure), open.until.and_then(stamp))
    }
}

fn unknown(message: String) -> Reading {
    Reading::Unknown(Trouble {
        kind: TroubleKind::Invalid,
        message,
    })
}

fn moment(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()
}

/// Rounded up: what changes within a millisecond has changed at its end.
fn stamp(at: jiff::Timestamp) -> Option<Timestamp> {
    let whole = u64::try_from(at.as_millisecond()).ok()?;
    let part = at.subsec_nanosecond() % 1_000_000 != 0;
    Some(Timestamp::from_millis(whole + u64::from(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(compat: Compat, timezone: &str, now: &str) -> String {
        let reader = CronReader::new(&CronWindow {
            timezone: timezone.to_owned(),
            start: "0 8 * * *".to_owned(),
            end: "0 18 * * mon-fri".to_owned(),
            desired: 3,
            compat,
        });
        let now: jiff::Timestamp = now.parse().unwrap();
        let (reading, change) = reader.read(stamp(now).unwrap());
        let change = change.map(|change| moment(change).unwrap().to_string());
        let reading = match reading {
            Reading::Known(measure) => measure.value.0.to_string(),
            Reading::Unknown(trouble) => trouble.message,
        };
        format!("{reading} until {}", change.as_deref().unwrap_or("ever"))
    }

    #[test]
    fn a_window_has_its_value_while_it_is_open() {
        let ours = |now| shown(Compat::Headcount, "UTC", now);
        // 2026-11-20 is a Friday.
        assert_eq!(ours("2026-11-20T07:59:59Z"), "0 until 2026-11-20T08:00:00Z");
        assert_eq!(ours("2026-11-20T08:00:00Z"), "3 until 2026-11-20T18:00:00Z");
        assert_eq!(ours("2026-11-20T18:00:00Z"), "0 until 2026-11-21T08:00:00Z");
        assert_eq!(ours("2026-11-21T12:00:00Z"), "3 until 2026-11-23T18:00:00Z");
    }

    #[test]
    fn as_keda_has_it_the_next_boundary_decides() {
        let keda = |now| shown(Compat::Keda, "UTC", now);
        assert_eq!(keda("2026-11-21T12:00:00Z"), "0 until 2026-11-22T08:00:00Z");
    }

    #[test]
    fn a_zone_that_is_not_known_is_unknown() {
        let text = shown(Compat::Headcount, "Mars/Olympus", "2026-11-21T12:00:00Z");
        assert!(text.contains("Mars/Olympus"), "{text}");
        assert!(text.ends_with(" until ever"), "{text}");
    }
}
