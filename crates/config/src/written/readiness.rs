//! How many agents stay ready.

use std::time::Duration;

use headcount_model::{Combine, Compat};

use super::queue::{COMBINE, COMPAT, POLLING, STRATEGY, StrategyWord};
use super::shapes::{LONGEST_SECONDS, SPAN, TEXT, WAIT};
use crate::read::{
    Choice, Flag, List, LooseNumber, Unbuilt, default, integer, object, optional, required,
};
use crate::source::Spanned;

object! {
    /// Agents that are kept ready, for each label set. Not together with `policy`.
    WarmPool, "`warmPool`" {
        /// Whether any are.
        enabled: bool = "enabled", Flag, default("false");
        /// How many, for each label set; at most `maxAgents`.
        size: u32 = "size", integer(0..=i64::from(u32::MAX)), default("0");
        /// A ready one is replaced after being idle this long, and one above `size` leaves; 0 never replaces.
        idle_timeout_seconds: u32 = "idleTimeoutSeconds", integer(0..=LONGEST_SECONDS),
            default("300");
    }
}

object! {
    /// How many agents there are: `idle` keeps some ready for jobs, `queue` makes as many as
    /// `triggers` ask for.
    Policy, "`policy`" {
        /// Which policy.
        kind: PolicyKind = "kind", POLICY_KIND, required();
        /// Ready agents to keep, for each label set; 0 is on demand. At most `maxAgents`.
        idle_count: u32 = "idleCount", integer(0..=i64::from(u32::MAX)),
            default("0").only(IDLE);
        /// How long a ready agent above `idleCount` stays.
        idle_time: Duration = "idleTime", SPAN, default("0s").only(IDLE);
        /// When a ready agent is replaced by a fresh one.
        max_idle_age: Duration = "maxIdleAge", WAIT, default("never").only(IDLE);
        /// Other numbers at some times of the week. Not built yet.
        schedules: () = "schedules", Unbuilt {
            hint: "remove it; `idleCount` and `idleTime` hold all week",
        }, optional();
        /// How living agents are taken off demand: as the numbers of the triggers need it,
        /// or as `custom` says. With `compat: keda` each word is what it is there.
        strategy: StrategyWord = "strategy", STRATEGY, default("default").only(QUEUE);
        /// Taken off the number of new agents, with strategy `custom`.
        deduction: i32 = "customScalingQueueLengthDeduction",
            integer(-1_000_000..=1_000_000), default("0").only(QUEUE);
        /// The part of the living agents that is taken off; strategy `custom` needs it.
        running: f64 = "customScalingRunningJobPercentage", LooseNumber,
            optional().only(QUEUE);
        /// Conditions that a pod must have for its agent not to be pending any more, with
        /// type `kubernetes`. With `compat: keda` for strategy `accurate` or `eager`.
        pending_pod_conditions: Vec<Spanned<String>> = "pendingPodConditions",
            List { of: TEXT, filled: false }, default("the pod runs").only(QUEUE);
        /// How several triggers become one number.
        combine: Combine = "combine", COMBINE, default("max").only(QUEUE);
        /// The same, as KEDA spells it.
        multiple: Combine = "multipleScalersCalculation", COMBINE, default("max").only(QUEUE);
        /// Agents that exist whatever the triggers say.
        min: u32 = "minReplicaCount", integer(0..=i64::from(u32::MAX)),
            default("0").only(QUEUE);
        /// Agents that exist at most; with `compat: keda` 100 without it.
        max: u32 = "maxReplicaCount", integer(1..=i64::from(u32::MAX)),
            default("`maxAgents`").only(QUEUE);
        /// The longest time between two looks, where no change is announced.
        polling: Duration = "pollingInterval", POLLING, default("30s").only(QUEUE);
        /// Whose arithmetic holds: ours, or that of KEDA with its quirks.
        compat: Compat = "compat", COMPAT, default("headcount").only(QUEUE);
        /// Whether no more agents are made; those that live end by themselves.
        paused: bool = "paused", Flag, default("false").only(QUEUE);
    }
}

/// The policies that are built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PolicyKind {
    Idle,
    Queue,
}

impl PolicyKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Queue => "queue",
        }
    }
}

const IDLE: &[&str] = &["idle"];
const QUEUE: &[&str] = &["queue"];

const POLICY_KIND: Choice<PolicyKind> = Choice {
    words: &[("idle", PolicyKind::Idle), ("queue", PolicyKind::Queue)],
    others: &[
        ("ratio", NOT_BUILT),
        ("capability", NOT_BUILT),
        ("fixed_elastic", NOT_BUILT),
        ("vanilla", NOT_BUILT),
        ("no", NOT_BUILT),
    ],
};

const NOT_BUILT: &str = "that policy is not built yet in this version: only `idle` and `queue` are";
