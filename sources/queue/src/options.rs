//! What can be chosen of a queue, and what stands where nothing was chosen.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headcount_model::Timestamp;

/// The name of the built-in queue as a source.
pub const SOURCE: &str = headcount_ports::BUILT_IN;
/// Jobs that may wait at once.
pub const DEFAULT_MAX_DEPTH: u64 = 1_000_000;
/// A job that still waits after this long expires.
pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(24 * 60 * 60);
/// Stored output of an attempt, in bytes, for those who make a job without saying.
pub const DEFAULT_LOG_LIMIT_BYTES: u64 = 64 << 20;
/// Between TERM and KILL, for those who make a job without saying.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Where the queue takes the time from: for acceptance, expiry and cancellation.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What can be chosen of a queue.
#[derive(Clone)]
pub struct Options {
    /// Jobs that may wait at once; beyond that submissions are refused.
    pub max_depth: u64,
    /// Given to jobs that do not say when they expire; `None` lets them wait for ever.
    pub default_expiry: Option<Duration>,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_depth: DEFAULT_MAX_DEPTH,
            default_expiry: Some(DEFAULT_EXPIRY),
            clock: Arc::new(system_clock),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("max_depth", &self.max_depth)
            .field("default_expiry", &self.default_expiry)
            .finish_non_exhaustive()
    }
}

fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
