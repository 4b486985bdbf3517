//! How long to wait for a daemon that went away: it may only be restarting.

use std::time::{Duration, Instant};

/// A daemon that has been away for this long does not come back.
pub(crate) const LIMIT: Duration = Duration::from_secs(10 * 60);
/// Before the first try.
const FIRST: Duration = Duration::from_millis(200);
/// Between two tries at most.
const LONGEST: Duration = Duration::from_secs(5);

/// Delays between tries, growing, and an end.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    since: Option<Instant>,
    delay: Duration,
}

impl Patience {
    pub(crate) const fn new() -> Self {
        Self {
            since: None,
            delay: FIRST,
        }
    }

    /// The daemon is there.
    pub(crate) const fn restore(&mut self) {
        *self = Self::new();
    }

    /// A try failed: how long to wait before the next one, if there is one.
    pub(crate) fn delay(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= LIMIT {
            return None;
        }
        let delay = self.delay;
        self.delay = (delay * 2).min(LONGEST);
        Some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let start = Instant::now();
        let mut patience = Patience::new();
        let mut delays = Vec::new();
        let mut now = start;
        while let Some(delay) = patience.delay(now) {
            delays.push(delay.as_millis());
            now += delay;
        }
        assert_eq!(delays[..6], [200, 400, 800, 1600, 3200, 5000]);
        assert!(delays[6..].iter().all(|delay| *delay == 5000));
        assert!(now - start >= LIMIT && now - start < LIMIT + LONGEST);
        patience.restore();
        assert_eq!(patience.delay(now), Some(FIRST));
    }
}
