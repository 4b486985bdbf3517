//! The `spec` of a `ScaledJob`, without its triggers.

use crate::written::CompatWord as Compat;

use super::job::{find, unknown};
use crate::manifest::{Object, entries, scalar};
use crate::problem::{Draft, Problems};
use crate::read::{List, LooseNumber, Shape, Slot, Tree, integer, read_entry};
use crate::settings::RolloutStrategy;
use crate::source::Spanned;
use crate::suggest::quoted;
use crate::written::{
    COMBINE, HISTORY, LabelSet, POLLING, PROPAGATION, Policy, ROLLOUT, Rollout, STRATEGY, Scaler,
    StrategyWord, TEXT,
};
use crate::yaml::Entry;

const KEYS: &[&str] = &[
    "jobTargetRef",
    "pollingInterval",
    "minReplicaCount",
    "maxReplicaCount",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
    "rollout",
    "envSourceContainerName",
    "scalingStrategy",
    "triggers",
];
const STRATEGY_KEYS: &[&str] = &[
    "strategy",
    "customScalingQueueLengthDeduction",
    "customScalingRunningJobPercentage",
    "pendingPodConditions",
    "multipleScalersCalculation",
];

pub(super) fn spec(
    job: &Object,
    scaler: &mut Scaler,
    set: &mut LabelSet,
    policy: &mut Policy,
    problems: &mut Problems,
) {
    let spec = find(entries(&job.node), "spec");
    let own = spec.map_or(&[][..], |spec| entries(&spec.value));
    let count = |least| integer(least..=i64::from(i32::MAX));
    for entry in own.iter().filter(|entry| !entry.value.is_null()) {
        match entry.key.as_str() {
            "jobTargetRef" => set.job_target_ref = read_entry(&Tree, entry, problems),
            "pollingInterval" => policy.polling = read_entry(&POLLING, entry, problems),
            "minReplicaCount" => policy.min = read_entry(&count(0), entry, problems),
            "maxReplicaCount" => policy.max = read_entry(&count(1), entry, problems),
            "successfulJobsHistoryLimit" => {
                scaler.successful_jobs = read_entry(&HISTORY, entry, problems);
            }
            "failedJobsHistoryLimit" => {
                scaler.failed_jobs = read_entry(&HISTORY, entry, problems);
            }
            "rollout" | "rolloutStrategy" => {}
            "scalingStrategy" => strategy(entry, policy, problems),
            "triggers" | "envSourceContainerName" => {}
            _ => unknown("the spec of a ScaledJob", entry, KEYS, problems),
        }
    }
    scaler.rollout = rollout(own, problems);
    if find(own, "jobTargetRef").is_none() {
        let place = spec.map_or(job.node.place, |spec| spec.key_place);
        let draft = Draft::error("a ScaledJob needs `spec.jobTargetRef`")
            .label("it is missing here")
            .hint("add the `spec` of a Job: what each agent is made from");
        problems.at(place, draft);
    }
    // What it lacks has been noted in the manifest's own words.
    set.written.push(("jobTargetRef", set.place));
}

/// The older spelling wins where both are written.
fn rollout(spec: &[Entry], problems: &mut Problems) -> Option<Spanned<Rollout>> {
    let written = find(spec, "rollout");
    let mut rollout = Rollout::default();
    for entry in written.map_or(&[][..], |entry| entries(&entry.value)) {
        match entry.key.as_str() {
            "strategy" => rollout.strategy = word(&ROLLOUT, entry, problems),
            "propagationPolicy" => rollout.propagation = word(&PROPAGATION, entry, problems),
            _ => unknown(
                "`rollout`",
                entry,
                &["strategy", "propagationPolicy"],
                problems,
            ),
        }
    }
    let old = find(spec, "rolloutStrategy");
    if let Some(entry) = old
        && let Some(strategy) = word::<_, RolloutStrategy>(&ROLLOUT, entry, problems)
    {
        rollout.strategy = Some(strategy);
    }
    let place = written.or(old)?.place();
    Some(Spanned {
        value: rollout,
        place,
    })
}

/// A word, of which an empty text is none. The API server refuses what is no word of it;
/// here it is named and left out.
fn word<S: Shape<Value = T>, T>(
    shape: &S,
    entry: &Entry,
    problems: &mut Problems,
) -> Option<Spanned<T>> {
    let text = scalar(&entry.value)?;
    if text.is_empty() {
        return None;
    }
    if text == "default" {
        let message = format!("{} is no word of `{}`", quoted(text), entry.key);
        let draft = Draft::warning(message)
            .label("documented, and refused by the API server")
            .hint("write `gradual` or `immediate`");
        problems.at(entry.place(), draft);
        return None;
    }
    read_entry(shape, entry, problems)
}

fn strategy(entry: &Entry, policy: &mut Policy, problems: &mut Problems) {
    let own = entries(&entry.value);
    for entry in own.iter().filter(|entry| !entry.value.is_null()) {
        let empty = scalar(&entry.value) == Some("");
        match entry.key.as_str() {
            "strategy" if empty => {}
            "strategy" => policy.strategy = read_entry(&STRATEGY, entry, problems),
            "customScalingQueueLengthDeduction" => {
                let shape = integer(i64::from(i32::MIN)..=i64::from(i32::MAX));
                policy.deduction = read_entry(&shape, entry, problems);
            }
            "customScalingRunningJobPercentage" => {}
            "pendingPodConditions" => {
                let shape = List {
                    of: TEXT,
                    filled: false,
                };
                policy.pending_pod_conditions = read_entry(&shape, entry, problems);
            }
            "multipleScalersCalculation" if empty => {}
            "multipleScalersCalculation" => {
                policy.combine = read_entry(&COMBINE, entry, problems);
            }
            _ => unknown("`scalingStrategy`", entry, STRATEGY_KEYS, problems),
        }
    }
    let custom = policy.strategy.as_ref().map(|word| word.value) == Some(StrategyWord::Custom);
    let running = find(own, "customScalingRunningJobPercentage");
    percentage(running, policy, custom, problems);
    if let Some(deduction) = policy.deduction.as_ref().filter(|n| custom && n.value != 0) {
        let draft = Draft::warning(
            "`customScalingQueueLengthDeduction` is not taken off the length of the queue",
        )
        .label(match policy.compat.as_ref().map(|compat| compat.value) {
            Some(Compat::Keda) => "it is taken off the number of new Jobs, after they were capped",
            _ => "it is taken off the number of new Jobs: so many messages wait for more to come",
        })
        .hint("remove it where the length was meant, and raise the threshold of the trigger");
        problems.at(deduction.place, draft);
    }
}

/// A part that is no number makes the strategy `default`, and the deduction mean nothing.
fn percentage(entry: Option<&Entry>, policy: &mut Policy, custom: bool, problems: &mut Problems) {
    let mut unheard = Problems::default();
    let value = entry.and_then(|entry| {
        let slot = Slot {
            name: &entry.key,
            node: &entry.value,
            place: entry.place(),
        };
        let value = LooseNumber.read(&slot, &mut unheard)?;
        Some(Spanned {
            value,
            place: entry.place(),
        })
    });
    if value.is_some() || !custom {
        policy
            .written
            .push(("customScalingRunningJobPercentage", policy.place));
        policy.running = value;
        return;
    }
    let strategy = policy.strategy.take().map(|word| word.place);
    policy.deduction = None;
    let (place, text) = match entry {
        Some(entry) => (entry.place(), scalar(&entry.value).unwrap_or("")),
        None => (strategy.unwrap_or(policy.place), ""),
    };
    let message = match entry {
        Some(_) => format!(
            "{} is not a number, so the strategy is `default`",
            quoted(text)
        ),
        None => "without `customScalingRunningJobPercentage` the strategy is `default`".to_owned(),
    };
    let draft = Draft::warning(message)
        .label("as KEDA has it, which does not say so; the deduction has no effect either")
        .hint("write for example `customScalingRunningJobPercentage: \"0.5\"`");
    problems.at(place, draft);
}
