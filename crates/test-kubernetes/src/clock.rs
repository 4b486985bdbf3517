//! Time as the cluster sees it.
//!
//! Promise: it moves when a test moves it, never by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Timestamp,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            now: Timestamp::from_second(START).expect("a moment"),
        }
    }
}

impl Clock {
    pub(crate) fn advance(&mut self, by: Duration) {
        let by = SignedDuration::try_from(by).expect("a short while");
        self.now = self.now.checked_add(by).expect("a moment");
    }

    /// As the API writes it: whole seconds.
    pub(crate) fn text(self) -> String {
        self.after(0)
    }

    /// So many seconds from now.
    pub(crate) fn after(self, seconds: i64) -> String {
        let second = self.now.as_second() + seconds;
        Timestamp::from_second(second)
            .expect("a moment")
            .to_string()
    }

    /// Whole seconds since a moment the API wrote; `None` for anything else.
    pub(crate) fn seconds_since(self, moment: &Value) -> Option<i64> {
        let moment: Timestamp = moment.as_str()?.parse().ok()?;
        Some(self.now.as_second() - moment.as_second())
    }
}
