//! Triggers of a scaler, and the policy that counts with them.

use std::collections::BTreeSet;
use std::time::Duration;

use headcount_model::{Compat, Level, Strategy};

use super::trigger::{Context, trigger};
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::read::Object;
use crate::settings::{Queue, StreamMeasure, Trigger, TriggerKind};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written::{self, AgentPlace, BackendKind, PolicyKind, StrategyWord};

const DEFAULT_POLLING: Duration = Duration::from_secs(30);

/// The policy and the triggers of a scaler that has any; `None` when it has none of them,
/// or when a problem forbids them.
pub(super) fn queue(scaler: &written::Scaler, problems: &mut Problems) -> Option<Queue> {
    let policy = scaler.policy.as_ref();
    check_pair(scaler, problems);
    let triggers = scaler.triggers.as_ref()?;
    check_label_sets(scaler, triggers.place, problems);
    let default = written::Policy::default();
    let policy = policy.map_or(&default, |policy| &policy.value);
    let strategy = strategy(policy, problems);
    let min = value(policy.min.as_ref()).unwrap_or(0);
    let compat = value(policy.compat.as_ref()).unwrap_or_default().of_queue();
    check_bounds(scaler, policy, compat, problems);
    let context = Context {
        compat,
        strategy: strategy?,
        min,
        foreign: policy.is_foreign(),
    };
    let read: Vec<Option<Trigger>> = triggers
        .value
        .iter()
        .map(|written| trigger(&written.value, context, problems))
        .collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    check_names(&triggers.value, &read, problems);
    check_conditions(scaler, policy, &read, problems);
    let max = value(policy.max.as_ref());
    let most = max.filter(|_| compat == Compat::Headcount);
    Some(Queue {
        triggers: read,
        strategy: strategy?,
        pending_pod_conditions: conditions(policy),
        combine: combine(policy, problems),
        min: most.map_or(min, |max| min.min(max)),
        max,
        polling: value(policy.polling.as_ref()).unwrap_or(DEFAULT_POLLING),
        compat,
        paused: value(policy.paused.as_ref()).unwrap_or(false),
    })
}

/// Triggers need this policy, and this policy needs triggers.
fn check_pair(scaler: &written::Scaler, problems: &mut Problems) {
    let kind = scaler
        .policy
        .as_ref()
        .and_then(|policy| policy.value.kind.as_ref());
    let written = scaler.written.iter().any(|(key, _)| *key == "triggers");
    match kind {
        Some(kind) if kind.value == PolicyKind::Queue && !written => {
            let draft = Draft::error("the policy `queue` needs `triggers`")
                .label("says how numbers become agents, but there is no number")
                .hint("add `triggers:` to the scaler, or write `kind: idle`");
            problems.at(kind.place, draft);
        }
        Some(kind) if kind.value == PolicyKind::Idle && written => {
            let draft = Draft::error("`triggers` need the policy `queue`")
                .label("keeps agents ready for jobs, which is another demand")
                .hint("write `kind: queue`, or leave `policy` out");
            problems.at(kind.place, draft);
        }
        _ => {}
    }
    if let (Some(pool), true) = (&scaler.warm_pool, written) {
        let draft = Draft::error("`triggers` and `warmPool` cannot stand together")
            .hint("write `policy: {kind: queue, minReplicaCount: 2}` to keep some running");
        problems.at(pool.place, draft);
    }
}

/// A number belongs to one pool, whose agents find their work by themselves.
fn check_label_sets(scaler: &written::Scaler, place: Place, problems: &mut Problems) {
    let sets = scaler
        .label_sets
        .as_ref()
        .map_or(&[][..], |sets| &sets.value);
    if sets.len() > 1 {
        let message = format!(
            "`triggers` need exactly one label set, and this scaler has {}",
            sets.len()
        );
        let draft = Draft::error(message)
            .label("nobody could say which of them a number is for")
            .hint("make a scaler for each label set");
        problems.at(place, draft);
    }
    let Some(kind) = value(scaler.kind.as_ref()) else {
        return;
    };
    for set in sets.iter().filter(|set| !is_worker(kind, &set.value)) {
        let hint = match kind {
            BackendKind::Container => {
                "add `command: [PROGRAM, ...]`, or `agent: none` where the image's own program \
                 finds its work"
            }
            BackendKind::BareMetal => "add `command: [PROGRAM, ...]`",
            BackendKind::Kubernetes => "remove `agent: image`, where the program finds its work",
            _ => "use the type `bare-metal`, `container` or `kubernetes`",
        };
        let draft = Draft::error("`triggers` are for programs that find their work by themselves")
            .label("these agents are given jobs")
            .hint(hint);
        problems.at(set.place, draft);
    }
}

fn is_worker(kind: BackendKind, set: &written::LabelSet) -> bool {
    let agent = set.agent.as_ref().map(|agent| agent.value);
    match kind {
        BackendKind::Kubernetes => agent != Some(AgentPlace::Image),
        BackendKind::BareMetal => set.command.is_some(),
        BackendKind::Container => set.command.is_some() || agent == Some(AgentPlace::Nobody),
        BackendKind::Firecracker | BackendKind::Program | BackendKind::DockerMachine => false,
    }
}

/// The strategy; `None` only when a problem forbids it.
fn strategy(policy: &written::Policy, problems: &mut Problems) -> Option<Strategy> {
    let word = policy.strategy.as_ref();
    let custom = word.is_some_and(|word| word.value == StrategyWord::Custom);
    let places = [
        (
            "customScalingQueueLengthDeduction",
            policy.deduction.as_ref().map(|n| n.place),
        ),
        (
            "customScalingRunningJobPercentage",
            policy.running.as_ref().map(|n| n.place),
        ),
    ];
    if !custom {
        for (key, place) in places {
            let Some(place) = place else { continue };
            let draft = Draft::warning(format!("`{key}` has no effect without `strategy: custom`"))
                .hint("remove it, or write that strategy");
            problems.at(place, draft);
        }
    }
    match word.map(|word| word.value) {
        None | Some(StrategyWord::Default) => Some(Strategy::Default),
        Some(StrategyWord::Accurate) => Some(Strategy::Accurate),
        Some(StrategyWord::Eager) => Some(Strategy::Eager),
        Some(StrategyWord::Custom) => {
            let place = word.map_or(policy.place, |word| word.place);
            let who = "the strategy `custom`";
            let key = "customScalingRunningJobPercentage";
            super::backend::need(policy, who, key, place, problems);
            Some(Strategy::Custom {
                deduction: value(policy.deduction.as_ref()).unwrap_or(0),
                running: Level(value(policy.running.as_ref())?),
            })
        }
    }
}

fn check_conditions(
    scaler: &written::Scaler,
    policy: &written::Policy,
    triggers: &[Trigger],
    problems: &mut Problems,
) {
    let Some(conditions) = &policy.pending_pod_conditions else {
        return;
    };
    let kubernetes = value(scaler.kind.as_ref()).is_none_or(|kind| kind == BackendKind::Kubernetes);
    if !kubernetes {
        let draft =
            Draft::warning("`pendingPodConditions` has no effect: these agents are no pods")
                .hint("remove it: it is for the type `kubernetes`");
        problems.at(conditions.place, draft);
        return;
    }
    if let Some(draft) = needless(policy, triggers) {
        problems.at(conditions.place, draft);
    }
    let mut seen = BTreeSet::new();
    for condition in &conditions.value {
        if !seen.insert(&condition.value) {
            let name = quoted(&condition.value);
            let draft = Draft::warning(format!("{name} is listed twice"))
                .label("counts once")
                .hint("remove it");
            problems.at(condition.place, draft);
        }
    }
}

/// Where it does not matter who is pending. As KEDA has it that is a matter of the strategy
/// alone; ours follows the numbers.
fn needless(policy: &written::Policy, triggers: &[Trigger]) -> Option<Draft> {
    let strategy = value(policy.strategy.as_ref()).unwrap_or(StrategyWord::Default);
    let word = match strategy {
        StrategyWord::Custom => "custom",
        _ => "default",
    };
    match value(policy.compat.as_ref()).unwrap_or_default().of_queue() {
        Compat::Keda if matches!(strategy, StrategyWord::Default | StrategyWord::Custom) => {
            let message = format!("`pendingPodConditions` has no effect with strategy `{word}`");
            let draft =
                Draft::warning(message).label("takes all living agents off, pending or not");
            Some(draft.hint("remove it, or write `strategy: accurate` or `eager`"))
        }
        Compat::Headcount
            if strategy != StrategyWord::Custom && triggers.iter().all(holds_work) =>
        {
            let draft = Draft::warning("`pendingPodConditions` has no effect on these triggers")
                .label("what agents work on is in their numbers, so all agents are taken off");
            Some(draft.hint("remove it"))
        }
        Compat::Keda | Compat::Headcount => None,
    }
}

/// Whether its number holds what agents work on.
const fn holds_work(trigger: &Trigger) -> bool {
    match &trigger.kind {
        TriggerKind::RedisStream { measure, .. } => !matches!(measure, StreamMeasure::Lag { .. }),
        TriggerKind::RedisKey { .. } => false,
        TriggerKind::Cron(_) => true,
    }
}

/// Each once, in the order of the file.
fn conditions(policy: &written::Policy) -> Vec<String> {
    let mut conditions = values(policy.pending_pod_conditions.as_ref());
    let mut seen = BTreeSet::new();
    conditions.retain(|condition: &String| seen.insert(condition.clone()));
    conditions
}

/// The minimum is inside the maximum, and both are inside the cap.
fn check_bounds(
    scaler: &written::Scaler,
    policy: &written::Policy,
    compat: Compat,
    problems: &mut Problems,
) {
    if let (Some(min), Some(max)) = (&policy.min, &policy.max)
        && min.value > max.value
    {
        let message = format!(
            "`minReplicaCount` ({}) is more than `maxReplicaCount` ({})",
            min.value, max.value
        );
        let draft = if policy.is_foreign() || compat == Compat::Keda {
            Draft::warning(message).label(format!("counts as {}", max.value))
        } else {
            Draft::error(message)
        };
        problems.at(
            min.place,
            draft.hint(format!("write at most {}", max.value)),
        );
        return;
    }
    let Some(cap) = value(scaler.max_agents.as_ref()) else {
        return;
    };
    for (key, bound) in [
        ("minReplicaCount", &policy.min),
        ("maxReplicaCount", &policy.max),
    ] {
        let Some(bound) = bound.as_ref().filter(|bound| bound.value > cap) else {
            continue;
        };
        let message = format!("`{key}` ({}) is more than `maxAgents` ({cap})", bound.value);
        let draft = Draft::warning(message)
            .label("the smaller one holds")
            .hint(format!("write at most {cap}, or raise `maxAgents`"));
        problems.at(bound.place, draft);
    }
}

/// Names that are written and names that are made must differ.
fn check_names(
    written: &[Spanned<written::Trigger>],
    triggers: &[Trigger],
    problems: &mut Problems,
) {
    let mut seen = BTreeSet::new();
    for (index, (written, trigger)) in written.iter().zip(triggers).enumerate() {
        let name = trigger.name_at(index);
        if !seen.insert(name.clone()) {
            let place = written
                .value
                .name
                .as_ref()
                .map_or(written.place, |name| name.place);
            let message = format!("a second trigger has the name {}", quoted(&name));
            let draft = Draft::error(message).hint("give each trigger a name of its own");
            problems.at(place, draft);
        }
    }
}

fn combine(policy: &written::Policy, problems: &mut Problems) -> headcount_model::Combine {
    if let (Some(own), Some(other)) = (&policy.combine, &policy.multiple)
        && own.value != other.value
    {
        let draft =
            Draft::error("`combine` and `multipleScalersCalculation` contradict each other")
                .hint("keep `combine`");
        problems.at(other.place, draft);
    }
    let written = policy.combine.as_ref().or(policy.multiple.as_ref());
    value(written).unwrap_or_default()
}
