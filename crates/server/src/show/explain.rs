//! Why jobs of a class wait.

use headcount_api::{Class, Explanation, NearestLabel, PoolAnswer, Verdict};
use headcount_controller::{ExplainedPool, ExplainedVerdict, ExplanationView};
use headcount_model::{ClassKey, Reason};

use super::{class, class_of_key, impossible, labels, moment, resources, schedule, selectors};
use crate::needs::Grammar;

/// The explanation of a class; what is known of one job, and of launches, is added by
/// whoever knows it.
pub(crate) fn explanation(
    view: &ExplanationView,
    key: &ClassKey,
    grammar: &dyn Grammar,
) -> Explanation {
    let class: Class = match &view.class {
        Some(view) => class(view),
        None => class_of_key(key),
    };
    let reason = reason_of_class(view);
    let first = view.pools.first().map(|pool| pool.pool.to_string());
    let nearest = view.nearest.iter().map(|(asked, nearest)| NearestLabel {
        asked: asked.clone(),
        nearest: nearest.clone(),
    });
    let unmatched = view.unmatched.iter().map(ToString::to_string);
    Explanation {
        at: moment(view.at),
        job: None,
        class,
        position: None,
        reason: reason.map(|reason| reason.code().to_owned()),
        reason_text: reason.map(|reason| reason.sentence().to_owned()),
        advice: reason.map(|reason| reason.advice().to_owned()),
        pools: view.pools.iter().map(pool).collect(),
        unmatched: unmatched.collect(),
        nearest: nearest.collect(),
        impossible: view
            .impossible
            .as_ref()
            .map(|found| impossible(found, first, grammar)),
        provisioning: Vec::new(),
    }
}

/// Why the newest of the class wait, or why jobs of it could not be served at all.
fn reason_of_class(view: &ExplanationView) -> Option<Reason> {
    if view.impossible.is_some() {
        return Some(Reason::NeverFits);
    }
    let candidate =
        |pool: &ExplainedPool| matches!(pool.verdict, ExplainedVerdict::Candidate { .. });
    if !view.pools.iter().any(candidate) {
        return Some(Reason::NoMatchingPool);
    }
    match &view.class {
        Some(class) => class.shares.last().map(|share| share.reason),
        None => view.would_wait_for,
    }
}

fn pool(pool: &ExplainedPool) -> PoolAnswer {
    PoolAnswer {
        pool: pool.pool.to_string(),
        labels: labels(&pool.labels),
        schedule: pool.in_force.map(schedule),
        verdict: verdict(&pool.verdict),
    }
}

fn verdict(verdict: &ExplainedVerdict) -> Verdict {
    match verdict {
        ExplainedVerdict::Candidate {
            granted,
            blocked,
            detail,
            next_launch,
        } => Verdict::Candidate {
            granted: resources::granted(*granted),
            blocked_by: blocked.map(|(reason, _)| reason.code().to_owned()),
            blocked_by_text: blocked.map(|(reason, _)| reason.sentence().to_owned()),
            blocked_by_detail: detail.clone(),
            since: blocked.map(|(_, since)| moment(since)),
            next_launch_at: next_launch.map(moment),
        },
        ExplainedVerdict::Unfit {
            missing,
            excluded,
            gate,
            worker,
        } => Verdict::Unfit {
            missing: selectors(missing),
            excluded: labels(excluded),
            mandatory: labels(gate),
            worker: *worker,
        },
    }
}
