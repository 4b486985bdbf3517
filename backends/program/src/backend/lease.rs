//! Vouching for our machines: leases, renewed long before they end.
//!
//! Promise: a machine gets a lease only while the program has just renewed ours, so none is
//! ever made whose lease nobody could renew; while there is one with a lease all are renewed
//! at a third of the shortest, also after a restart and when the configuration no longer
//! asks for leases. One renewal at a time. Leaves what others do about it to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headcount_model::AgentId;
use jiff::Timestamp;
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::Core;
use crate::fault::{Fault, Verdict};
use crate::marks;

/// A lease is renewed so often while it lasts.
const PER_LEASE: u32 = 3;
/// After a failure: doubles, and is never longer than this part of a lease.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PART: u32 = 12;
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Of all our machines at one program.
#[derive(Default)]
pub(super) struct Leases {
    state: Mutex<State>,
    /// There may be a lease that is shorter than those before.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// When the last renewal that worked was begun.
    renewed: Option<Instant>,
    /// Renewals that failed in a row.
    failures: u32,
    /// Before that none is tried.
    rest_until: Option<Instant>,
}

impl Leases {
    /// A machine that is about to be made has one.
    pub(super) fn has(&self, core: &Core, agent: AgentId, lease: Option<Duration>) {
        if let Some(lease) = lease {
            core.census().leased(agent, lease);
            self.look_again();
        }
    }

    /// There may be other machines than before.
    pub(super) fn look_again(&self) {
        self.changed.notify_one();
    }
}

/// The lease that a new machine may get: what was wished, while ours are renewed.
pub(super) async fn vouch(core: &Core, wished: Option<Duration>) -> Option<Duration> {
    let lease = wished?;
    let mut state = core.leases.state.lock().await;
    let now = Instant::now();
    let fresh = state.renewed.is_some_and(|at| at + lease / PER_LEASE > now);
    let rests = state.rest_until.is_some_and(|until| until > now);
    let vouched = match state.failures {
        0 if fresh => true,
        _ if rests => false,
        _ => renew(core, &mut state, lease).await,
    };
    vouched.then_some(lease)
}

/// Renews for as long as the backend lives.
pub(super) async fn keep(core: Arc<Core>) {
    loop {
        let shortest = core.census().shortest_lease();
        let Some(lease) = shortest else {
            core.leases.changed.notified().await;
            continue;
        };
        let mut state = core.leases.state.lock().await;
        let left = state.due(lease).saturating_duration_since(Instant::now());
        if left.is_zero() {
            renew(&core, &mut state, lease).await;
        } else {
            drop(state);
            // Whichever comes first, it is looked at anew.
            drop(timeout(left, core.leases.changed.notified()).await);
        }
    }
}

impl State {
    /// When the next renewal is due.
    fn due(&self, lease: Duration) -> Instant {
        let usual = self.renewed.map(|at| at + lease / PER_LEASE);
        match self.failures {
            0 => usual.unwrap_or_else(Instant::now),
            _ => self.rest_until.unwrap_or_else(Instant::now),
        }
    }

    /// One more failed. Tried again well before a lease ends, however long the program
    /// wishes to be left alone; one that does not know the verb will not know it soon.
    fn failed(&mut self, begun: Instant, lease: Duration, fault: &Fault) {
        let longest = (lease / LONGEST_PART).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16));
        let pause = match fault.verdict {
            Verdict::Invalid => longest,
            _ => doubled.max(fault.retry_after.unwrap_or_default()),
        };
        self.rest_until = Some(begun + pause.min(longest));
        self.failures = self.failures.saturating_add(1);
    }
}

/// All of ours, at least as often as this one needs. Whether it worked.
async fn renew(core: &Core, state: &mut State, lease: Duration) -> bool {
    let shortest = core.census().shortest_lease();
    let lease = shortest.map_or(lease, |shortest| shortest.min(lease));
    let begun = Instant::now();
    let until = marks::lease_until(Timestamp::now(), lease);
    match core.provisioner.renew(&until, lease).await {
        Ok(()) => {
            if state.failures > 0 {
                tracing::info!(backend = %core.id, "leases are renewed again");
            }
            *state = State {
                renewed: Some(begun),
                ..State::default()
            };
            true
        }
        Err(fault) => {
            if state.failures == 0 {
                warn(core, shortest.is_some(), &fault);
            }
            state.failed(Instant::now(), lease, &fault);
            false
        }
    }
}

fn warn(core: &Core, any: bool, fault: &Fault) {
    let (backend, error) = (&core.id, &fault.message);
    match any {
        true => tracing::warn!(
            %backend,
            error,
            "leases cannot be renewed: other daemons may remove machines whose lease ends, and \
             new ones are made without a lease"
        ),
        false => tracing::warn!(
            %backend,
            error,
            "leases cannot be renewed: machines are made without one, and no other daemon may \
             ever remove them"
        ),
    }
}
