//! The one clock of a daemon.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use headcount_model::Timestamp;

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
