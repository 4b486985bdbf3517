//! Waiting for what gives no event.

use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until there is an answer.
///
/// # Panics
/// There was none in time; `what` says what was waited for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_or_tell(what, look, String::new)
}

/// The same; `tell` says what is in the way when it was in vain.
///
/// # Panics
/// There was none in time.
pub fn until_or_tell<T>(
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    tell: impl Fn() -> String,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited in vain: {what} {}",
            tell()
        );
        std::thread::park_timeout(PAUSE);
    }
}
