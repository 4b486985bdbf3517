//! Promise 6: every waiting job has exactly one current reason, every agent has one,
//! every removal has one; and every plan is a plan: the linter of the planner finds
//! nothing in it, and once it took effect nothing is left to do at that moment.

use headcount_controller::Round;
use headcount_model::Timestamp;
use headcount_planner::{Action, Plan, Violation, World, check_plan, check_world, plan};

use super::{Found, broken};
use crate::options::Promise;

pub(crate) fn of_plan(world: &World, plan: &Plan, now: Timestamp) -> Found {
    words("in a plan", check_plan(world, plan))
        .or_else(|| doubled(plan))
        .or_else(|| {
            let wake = plan.wake_at.filter(|wake| wake.at <= now)?;
            broken(Promise::Reasons, format!("{wake:?} lies in the past"))
        })
}

/// One entry for each thing that has a reason, in order.
fn doubled(plan: &Plan) -> Found {
    let agents = plan.report.agents.is_sorted_by(|a, b| a.0 < b.0);
    let jobs = plan.report.jobs.is_sorted_by(|a, b| a.0 < b.0);
    if agents && jobs {
        return None;
    }
    broken(Promise::Reasons, "an agent or a job has two reasons")
}

pub(crate) fn of_round(world: &World, preview: &Plan, round: &Round, now: Timestamp) -> Found {
    let ordered: Vec<&Action> = round.orders.iter().map(|order| &order.action).collect();
    if !ordered.iter().copied().eq(&preview.actions) {
        let what = "the same world planned twice gives two plans".to_string();
        return broken(Promise::Deterministic, what);
    }
    words("after a plan", check_world(world)).or_else(|| {
        let again = plan(world, now);
        let action = again.actions.first()?;
        broken(
            Promise::Reasons,
            format!("a plan that took effect is followed by another: {action}"),
        )
    })
}

fn words(when: &str, found: Vec<Violation>) -> Found {
    let Violation(first) = found.into_iter().next()?;
    broken(Promise::Reasons, format!("{when}: {first}"))
}
