//! Missing facts are asked for: backends that have not listed, sources that have not
//! answered, agents whose creation is doubtful, instances the ledger does not know.

use core::time::Duration;

use headcount_model::Reason;

use super::{Round, Tally};
use crate::{Action, Backend, Effect, WakeReason};

pub(super) const LIST_DEADLINE: Duration = Duration::from_secs(30);
const REFRESH_DEADLINE: Duration = Duration::from_secs(30);
/// An unknown instance of ours is left alone this long: a peer may be about to tell.
pub(crate) const REAP_GRACE: Duration = Duration::from_secs(60);
pub(super) const REAP_DEADLINE: Duration = Duration::from_secs(30);
pub(super) const REAP_KILL_AFTER: Duration = Duration::from_secs(5);

pub(super) fn ask(round: &mut Round<'_>, tally: &Tally<'_>) {
    list(round, tally);
    refresh(round);
    reap(round);
}

/// Whether an effect may be started now; a retry in the future sets the alarm.
pub(super) fn may_start(round: &mut Round<'_>, effect: Effect) -> bool {
    match effect {
        Effect::None => true,
        Effect::InFlight(_) | Effect::Unknown => false,
        Effect::RetryAt(at, _) => round.wakes.due(at, WakeReason::Retry),
    }
}

fn list(round: &mut Round<'_>, tally: &Tally<'_>) {
    for facts in round.world.backends.values() {
        let doubtful = tally.doubtful.contains(&facts.id);
        let reason = match (facts.fresh, doubtful) {
            (false, _) => Reason::FactsMissing,
            (true, true) => Reason::Confirm,
            (true, false) if is_recheck_due(round, facts) => Reason::Recheck,
            (true, false) => continue,
        };
        if may_start(round, facts.listing) {
            let backend = facts.id.clone();
            round.actions.push(Action::List {
                backend,
                reason,
                deadline: LIST_DEADLINE,
            });
        }
    }
}

fn is_recheck_due(round: &mut Round<'_>, facts: &Backend) -> bool {
    let at = facts
        .recheck_at(round.world.fleet.recheck_every)
        .filter(|_| !facts.listing.is_in_flight());
    at.is_some_and(|at| round.wakes.due(at, WakeReason::Recheck))
}

fn refresh(round: &mut Round<'_>) {
    for facts in round.world.sources.values() {
        if !facts.fresh && may_start(round, facts.refreshing) {
            round.actions.push(Action::Refresh {
                source: facts.id.clone(),
                reason: Reason::FactsMissing,
                deadline: REFRESH_DEADLINE,
            });
        }
    }
}

fn reap(round: &mut Round<'_>) {
    for facts in round.world.backends.values() {
        for (agent, stranger) in &facts.strangers {
            let due = stranger.removal.wanted
                || round
                    .wakes
                    .due(stranger.seen_at.after(REAP_GRACE), WakeReason::ReapGrace);
            if due && may_start(round, stranger.removal.effect) {
                round.actions.push(Action::Reap {
                    agent: *agent,
                    backend: facts.id.clone(),
                    reason: Reason::Unknown,
                    grace: REAP_KILL_AFTER,
                    deadline: REAP_DEADLINE,
                });
            }
        }
    }
}
