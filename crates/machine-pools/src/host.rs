//! What the daemons of one host have in common: one boot, and one clock.
//!
//! Promise: leases are measured by a clock that all processes of this boot share and that
//! nobody can set. It stands still while the host sleeps, as the daemons do.

use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The host as this process sees it.
#[derive(Clone)]
pub struct Host {
    pub(crate) boot: Arc<str>,
    pub(crate) pid: u32,
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// This host cannot tell one boot from another, so no lease could be trusted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("machine pools need `{BOOT_ID}`, which cannot be read: {0}; mount /proc")]
pub struct HostError(String);

impl Host {
    /// This host, as it is.
    ///
    /// # Errors
    /// It has no boot id.
    pub fn current() -> Result<Self, HostError> {
        let boot = std::fs::read_to_string(BOOT_ID).map_err(|e| HostError(e.to_string()))?;
        match boot.trim() {
            "" => Err(HostError("it is empty".into())),
            boot => Ok(Self::with(boot, monotonic)),
        }
    }

    /// A host with another boot id or clock, in milliseconds: for tests and simulation.
    pub fn with(boot: &str, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            boot: boot.into(),
            pid: std::process::id(),
            now: Arc::new(now),
        }
    }

    /// Milliseconds on the clock that all daemons of this boot share.
    pub(crate) fn now(&self) -> u64 {
        (self.now)()
    }
}

fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let millis = u64::try_from(now.tv_nsec / 1_000_000).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_a_boot_and_a_clock_that_goes_on() {
        let host = Host::current().unwrap();
        assert_eq!(host.boot.len(), 36, "{}", host.boot);
        let (before, after) = (host.now(), host.now());
        assert!(before > 0 && before <= after);
    }
}
