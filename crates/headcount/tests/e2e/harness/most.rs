//! How many of something there were at one moment at most, seen from outside all the time
//! while something else is done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{park_timeout, scope};
use std::time::Duration;

/// Counts at one moment, by scaler, and together as "".
pub type Counts = BTreeMap<String, usize>;

/// The highest counts that were seen.
pub struct Most(Counts);

impl Most {
    /// Looks again and again, with such pauses, while the work is done; `look` gives nothing
    /// when it could not see.
    pub fn during<T>(
        pause: Duration,
        look: impl Fn() -> Option<Counts> + Sync,
        work: impl FnOnce() -> T,
    ) -> (T, Self) {
        let stop = AtomicBool::new(false);
        scope(|threads| {
            let counter = threads.spawn(|| {
                let mut most = Counts::new();
                while !stop.load(Ordering::Relaxed) {
                    for (scaler, count) in look().into_iter().flatten() {
                        let highest = most.entry(scaler).or_default();
                        *highest = count.max(*highest);
                    }
                    park_timeout(pause);
                }
                most
            });
            // Stopped also when the work panics, or nobody would end the counting.
            let stopped = StopAtEnd(&stop);
            let done = work();
            drop(stopped);
            (done, Self(counter.join().unwrap()))
        })
    }

    /// There were some, and never more than may be.
    pub fn assert_within<'a>(&self, caps: impl IntoIterator<Item = (&'a str, usize)>) {
        eprintln!("the most at one moment: {:?}", self.0);
        for (scaler, cap) in caps {
            let highest = self.0.get(scaler).copied().unwrap_or_default();
            assert!(
                (1..=cap).contains(&highest),
                "`{scaler}`: the cap is {cap}, there were {:?}",
                self.0
            );
        }
    }
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
