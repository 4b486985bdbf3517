//! Retry with growing delays, and a circuit breaker per pool: after failed launches
//! nothing starts before the delay is over, and after many in a row one launch at a time
//! probes whether it works again.

use headcount_model::{Reason, Retry, Timestamp};

use crate::Backoff;

/// How many launches the pool may start now, and why not more.
pub(crate) const fn room(
    backoff: &Backoff,
    retry: Retry,
    launching: u32,
    now: Timestamp,
) -> (u32, Reason) {
    let open = backoff.failures >= retry.open_after;
    if backoff.failures > 0 && now.as_millis() < backoff.next_at.as_millis() {
        let reason = if open {
            Reason::CircuitOpen
        } else {
            Reason::LaunchBackoff
        };
        return (0, reason);
    }
    if open {
        (1_u32.saturating_sub(launching), Reason::CircuitOpen)
    } else {
        (u32::MAX, Reason::LaunchBackoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn backoff(failures: u32) -> Backoff {
        Backoff {
            failures,
            next_at: Timestamp::from_millis(1000),
            ..Backoff::default()
        }
    }

    #[test]
    fn nothing_before_the_delay_and_one_probe_while_open() {
        let retry = Retry {
            first_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(9),
            open_after: 3,
        };
        let (early, late) = (Timestamp::from_millis(999), Timestamp::from_millis(1000));
        assert_eq!(
            room(&backoff(1), retry, 0, early),
            (0, Reason::LaunchBackoff)
        );
        assert_eq!(room(&backoff(1), retry, 0, late).0, u32::MAX);
        assert_eq!(room(&backoff(3), retry, 0, early), (0, Reason::CircuitOpen));
        assert_eq!(room(&backoff(3), retry, 0, late), (1, Reason::CircuitOpen));
        assert_eq!(room(&backoff(3), retry, 1, late), (0, Reason::CircuitOpen));
        assert_eq!(room(&backoff(0), retry, 9, early).0, u32::MAX);
    }
}
