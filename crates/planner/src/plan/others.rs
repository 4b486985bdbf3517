//! Instances of other owners: watched while a policy asks for it, and removed when their
//! leases are over and were seen to stand still.

use core::time::Duration;

use headcount_model::Reason;

use super::Round;
use super::facts::{LIST_DEADLINE, REAP_DEADLINE, REAP_KILL_AFTER, may_start};
use crate::world::{Other, Rules};
use crate::{Action, Backend, WakeReason};

pub(super) fn ask(round: &mut Round<'_>) {
    // Whoever ends begins nothing with what is not its own.
    if round.world.stopping {
        return;
    }
    for facts in round.world.backends.values() {
        let rules = Rules::of(&round.world.fleet, &facts.id);
        let Some(period) = rules.period() else {
            continue;
        };
        list(round, facts, period);
        reap(round, facts, &rules);
    }
}

fn list(round: &mut Round<'_>, facts: &Backend, period: Duration) {
    let others = &facts.others;
    let next = others.listed_at.filter(|_| others.fresh);
    let due = match next.map(|at| at.after(period)) {
        Some(_) if others.listing.is_in_flight() => false,
        Some(at) => round.wakes.due(at, WakeReason::LeaseWatch),
        None => true,
    };
    if due && may_start(round, others.listing) {
        round.actions.push(Action::ListOthers {
            backend: facts.id.clone(),
            reason: Reason::LeaseWatch,
            deadline: LIST_DEADLINE,
        });
    }
}

fn reap(round: &mut Round<'_>, facts: &Backend, rules: &Rules<'_>) {
    for other in facts.others.known.values() {
        let after = rules.after(&other.instance.pool);
        let due = after.is_some_and(|after| is_due(round, other, after));
        if due && may_start(round, other.removal.effect) {
            round.actions.push(Action::ReapOther {
                seen: other.instance.clone(),
                backend: facts.id.clone(),
                reason: Reason::LeaseEnded,
                grace: REAP_KILL_AFTER,
                deadline: REAP_DEADLINE,
            });
        }
    }
}

/// Both must hold; the next list says more where it was not seen for long enough.
fn is_due(round: &mut Round<'_>, other: &Other, after: Duration) -> bool {
    let seen = other.removal.wanted || other.to_watch(after).is_zero();
    seen && round
        .wakes
        .due(other.left_until(after), WakeReason::LeaseEnd)
}
