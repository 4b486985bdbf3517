//! Who says whether a window of time is open.

use headcount_model::{CronWindow, Level, Measure, Timestamp, Trouble};

/// Evaluates windows of time. Pure: the same window and moment give the same answer.
pub trait CronReader: Send + Sync {
    /// How a window stands at `now`.
    ///
    /// # Errors
    /// The window cannot be evaluated, such as in a time zone that is not known.
    fn read(&self, window: &CronWindow, now: Timestamp) -> Result<CronReading, Trouble>;
}

/// How a window stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CronReading {
    /// Its value now.
    pub value: Level,
    /// When it opens or closes next; `None` is never.
    pub next_change: Option<Timestamp>,
}

impl CronReading {
    /// As policies count with it.
    pub(crate) const fn measure(self) -> Measure {
        Measure {
            value: self.value,
            backlog: None,
        }
    }
}
