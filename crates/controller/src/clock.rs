//! The one clock of a daemon. It goes with the timers of the runtime, so that what is due
//! by one is due by the other.

use std::time::{SystemTime, UNIX_EPOCH};

use headcount_model::Timestamp;
use tokio::time::Instant;

/// Wall time at start plus monotonic time since: it never goes backwards and does not
/// jump when somebody sets the host's clock, so no deadline passes by such a jump.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    started: Instant,
}

impl Clock {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let wall = Timestamp::from_millis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
        Self {
            wall,
            started: Instant::now(),
        }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall.after(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_with_the_timers() {
        let clock = Clock::start();
        let before = clock.now();
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(clock.now().since(before), Duration::from_millis(1500));
    }

    #[tokio::test(start_paused = true)]
    async fn copies_tell_the_same_time() {
        let clock = Clock::start();
        let copy = clock;
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), copy.now());
    }

    #[test]
    fn it_starts_with_the_host_and_needs_no_runtime() {
        let host = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let (before, now, after) = (host(), Clock::start().now(), host());
        let now = u128::from(now.as_millis());
        assert!(before.as_millis() <= now && now <= after.as_millis());
    }
}
