//! Shares one scan among all who wait for one.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Census;

/// Runs scans one at a time. Called from threads that may block.
#[derive(Default)]
pub(crate) struct Scans {
    state: Mutex<State>,
    finished: Condvar,
}

#[derive(Default)]
struct State {
    /// Scans begun so far; the latest one runs while `running`.
    begun: u64,
    running: bool,
    /// The number of the latest finished scan and what it found.
    latest: u64,
    found: Option<Result<Arc<Census>, Arc<io::Error>>>,
}

impl Scans {
    /// A census that began after this call did.
    pub(crate) fn fresh(&self) -> io::Result<Arc<Census>> {
        self.fresh_by(Census::take)
    }

    fn fresh_by(&self, scan: impl FnOnce() -> io::Result<Census>) -> io::Result<Arc<Census>> {
        let mut state = self.lock();
        let wanted = state.begun + 1;
        while state.running && state.latest < wanted {
            state = self
                .finished
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.latest >= wanted
            && let Some(found) = &state.found
        {
            return found.clone().map_err(repeated);
        }
        state.begun += 1;
        state.running = true;
        drop(state);

        // Ends the run whatever happens: a waiter must not wait for a scan that panicked.
        let running = Running(self);
        let found = scan().map(Arc::new).map_err(Arc::new);
        let mut state = self.lock();
        state.latest = state.begun;
        state.found = Some(found.clone());
        drop(state);
        drop(running);
        found.map_err(repeated)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Running<'a>(&'a Scans);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
        self.0.finished.notify_all();
    }
}

/// An error is given to every waiter; `io::Error` cannot be cloned.
fn repeated(error: Arc<io::Error>) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn waiters_share_the_next_scan_but_never_one_that_began_before_them() {
        let scans = Scans::default();
        let count = AtomicUsize::new(0);
        let (in_first, leave_first) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                scans.fresh_by(|| {
                    in_first.wait();
                    leave_first.wait();
                    Ok(Census::default())
                })
            });
            in_first.wait();
            for _ in 0..4 {
                scope.spawn(|| {
                    scans
                        .fresh_by(|| {
                            count.fetch_add(1, Ordering::SeqCst);
                            Ok(Census::default())
                        })
                        .unwrap()
                });
            }
            leave_first.wait();
        });
        let own = count.load(Ordering::SeqCst);
        assert!((1..=4).contains(&own), "the first scan was too old: {own}");
        assert_eq!(scans.lock().begun, 1 + own as u64);
        assert!(!scans.lock().running);
    }

    #[test]
    fn errors_are_told_and_do_not_stick() {
        let scans = Scans::default();
        let failed = scans.fresh_by(|| Err(io::Error::from_raw_os_error(24)));
        assert_eq!(failed.unwrap_err().raw_os_error(), Some(24));
        assert!(scans.fresh_by(|| Ok(Census::default())).is_ok());
    }
}
