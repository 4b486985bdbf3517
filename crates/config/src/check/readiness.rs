//! `policy` and `warmPool`.

use super::idle::idle_policy;
use super::value;
use crate::problem::{Draft, Problems};
use crate::read::Object;
use crate::settings::{Readiness, WarmPool};
use crate::source::Place;
use crate::suggest::choices;
use crate::written::{self, CompatWord, PolicyKind};

/// What one scaler says of idle agents, its checks made.
pub(super) fn readiness(scaler: &written::Scaler, problems: &mut Problems) -> Readiness {
    let (policy, pool) = (scaler.policy.as_ref(), scaler.warm_pool.as_ref());
    warn_of_others(scaler, problems);
    if let (Some(_), Some(pool)) = (policy, pool) {
        let draft = Draft::error("`policy` and `warmPool` cannot stand together")
            .label("says the same in another way")
            .hint("keep `policy`: `idleCount` is `size`, `idleTime` is `idleTimeoutSeconds`");
        problems.at(pool.place, draft);
    }
    let pool = pool.map(|pool| (&pool.value, warm_pool(&pool.value)));
    let policy = policy.map(|policy| idle_policy(scaler, &policy.value, problems));
    if let Some((written, pool)) = pool {
        let place = written
            .size
            .as_ref()
            .map_or(written.place, |size| size.place);
        check_count(scaler, "size", pool.size, place, problems);
    }
    match (policy, pool) {
        (Some(policy), _) => Readiness::Idle(policy),
        (None, Some((_, pool))) => Readiness::WarmPool(pool),
        (None, None) => Readiness::default(),
    }
}

/// Warns of keys that another kind of policy knows. Without a kind that could be read,
/// nothing is said.
fn warn_of_others(scaler: &written::Scaler, problems: &mut Problems) {
    let Some(policy) = scaler.policy.as_ref().map(|policy| &policy.value) else {
        return;
    };
    let Some(kind) = value(policy.kind.as_ref()) else {
        return;
    };
    for (name, place) in &policy.written {
        let known = written::Policy::KEYS.iter().find(|key| key.name == *name);
        let only = known.map_or(&[][..], |key| key.need.only);
        if only.is_empty() || only.contains(&kind.word()) {
            continue;
        }
        let message = format!(
            "`{name}` has no effect on a policy of kind `{}`",
            kind.word()
        );
        let hint = format!("remove it: it is for the kind {}", choices(only));
        problems.at(*place, Draft::warning(message).hint(hint));
    }
    check_compat(policy, kind, problems);
}

/// Each kind of policy has another original.
fn check_compat(policy: &written::Policy, kind: PolicyKind, problems: &mut Problems) {
    let Some(compat) = &policy.compat else { return };
    let (other, theirs) = match (kind, compat.value) {
        (PolicyKind::Idle, CompatWord::Keda) => ("queue", "gitlab"),
        (PolicyKind::Queue, CompatWord::Gitlab) => ("idle", "keda"),
        _ => return,
    };
    let message = format!(
        "`compat: {}` is for a policy of kind `{other}`",
        compat.value.word()
    );
    let hint = format!("write `headcount` or `{theirs}`");
    problems.at(compat.place, Draft::error(message).hint(hint));
}

fn warm_pool(written: &written::WarmPool) -> WarmPool {
    let default = WarmPool::default();
    WarmPool {
        enabled: value(written.enabled.as_ref()).unwrap_or(default.enabled),
        size: value(written.size.as_ref()).unwrap_or(default.size),
        idle_timeout_seconds: value(written.idle_timeout_seconds.as_ref())
            .unwrap_or(default.idle_timeout_seconds),
    }
}

/// A number above `maxAgents` can never be kept; one that only all label sets together
/// exceed is kept by some of them.
pub(super) fn check_count(
    scaler: &written::Scaler,
    key: &str,
    count: u32,
    place: Place,
    problems: &mut Problems,
) {
    let Some(max) = value(scaler.max_agents.as_ref()) else {
        return;
    };
    if count > max {
        let message = format!("`{key}` ({count}) is more than `maxAgents` ({max})");
        let hint = format!("write at most {max}, or raise `maxAgents`");
        problems.at(place, Draft::error(message).hint(hint));
        return;
    }
    let n_sets = scaler
        .label_sets
        .as_ref()
        .map_or(0, |sets| sets.value.len());
    let all = u64::from(count).saturating_mul(n_sets.try_into().unwrap_or(u64::MAX));
    if all > u64::from(max) {
        let message = format!(
            "{count} for each of {n_sets} label sets is {all}, more than `maxAgents` ({max})"
        );
        let hint = format!("raise `maxAgents` to {all} to keep all of them");
        problems.at(place, Draft::warning(message).hint(hint));
    }
}
