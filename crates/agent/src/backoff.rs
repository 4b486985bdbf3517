//! How long to wait before the next try to connect.
//!
//! Leaves to others: drawing the random number, and waiting.

use std::time::Duration;

use headcount_api::agent::MAX_RECONNECT_SECONDS;

const FIRST_MILLIS: u64 = 200;
const LONGEST_MILLIS: u64 = MAX_RECONNECT_SECONDS * 1000;

/// The delay after `tries` failures in a row (0 is the first), never above
/// [`MAX_RECONNECT_SECONDS`]. `random` spreads agents that lost the same daemon over the
/// upper half of the delay.
pub(crate) fn delay(tries: u32, random: u32) -> Duration {
    let mut millis = FIRST_MILLIS;
    for _ in 0..tries.min(64) {
        millis = (millis * 3 / 2).min(LONGEST_MILLIS);
    }
    let half = millis / 2;
    let spread = half * u64::from(random) / u64::from(u32::MAX);
    Duration::from_millis(millis - half + spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_by_half_up_to_the_bound() {
        let longest = |tries| delay(tries, u32::MAX).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 12, 13, 1000, u32::MAX].map(longest),
            [200, 300, 450, 675, 25_929, 30_000, 30_000, 30_000]
        );
    }

    #[test]
    fn the_spread_covers_the_upper_half() {
        assert_eq!(delay(0, 0).as_millis(), 100);
        assert_eq!(delay(1, u32::MAX / 2).as_millis(), 224);
        assert_eq!(delay(99, 0).as_millis(), 15_000);
    }
}
