//! Moments as ages and spans in two units at most: `12s`, `3m 5s`, `2h 10m`, `4d 1h`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, by this host's clock.
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |span| {
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
    })
}

/// How long before `now` a moment was; zero when it lies ahead, as it does when the
/// daemon's clock is a little fast.
pub(crate) fn age(at_millis: u64, now_millis: u64) -> String {
    span(Duration::from_millis(now_millis.saturating_sub(at_millis)))
}

/// A span for people. Seconds have a fraction below ten, where it matters.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if span.as_millis() == 0 => "0s".to_owned(),
        (0, 0, 0) if seconds == 0 => format!("{}ms", span.as_millis()),
        (0, 0, 0) if seconds < 10 => format!("{seconds}.{}s", span.subsec_millis() / 100),
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => two(minutes, "m", rest, "s"),
        (0, _, _) => two(hours, "h", minutes, "m"),
        _ => two(days, "d", hours, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit} {small}{small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let texts = [
            (0, "0s"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (9_960, "9.9s"),
            (10_500, "10s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (185_000, "3m 5s"),
            (3_600_000, "1h"),
            (7_830_000, "2h 10m"),
            (86_400_000, "1d"),
            (349_200_000, "4d 1h"),
        ];
        for (millis, text) in texts {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_moment_ahead_is_just_now() {
        assert_eq!(age(5_000, 4_000), "0s");
        assert_eq!(age(4_000, 64_000), "1m");
    }
}
