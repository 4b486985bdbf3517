//! How many agents stay ready.

use std::time::Duration;

use headcount_model::Combine;

use super::queue::{COMBINE, COMPAT, CompatWord, POLLING, STRATEGY, StrategyWord};
use super::shapes::{LONGEST_SECONDS, PAID_PERIOD, SPAN, TEXT, WAIT};
use crate::read::{
    Choice, Factor, Flag, List, LooseNumber, Nested, default, integer, object, optional, required,
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
        /// An agent above `idleCount` leaves only shortly before the end of a period of this
        /// length, counted from its order: for machines that are paid for by the hour.
        paid_period: Duration = "paidPeriod", PAID_PERIOD, default("any time").only(IDLE);
        /// Ready agents for each one in use, between `idleCountMin` and `idleCount`; 0 is
        /// `idleCount` whatever is in use.
        idle_scale_factor: f64 = "idleScaleFactor", Factor, default("0").only(IDLE);
        /// Ready agents at least, with `idleScaleFactor`.
        idle_count_min: u32 = "idleCountMin", integer(0..=i64::from(u32::MAX)),
            default("1").only(IDLE);
        /// Launches under way at once, for each label set.
        max_growth_rate: u32 = "maxGrowthRate", integer(1..=i64::from(u32::MAX)),
            default("no limit").only(IDLE);
        /// Other numbers at some times; of those that hold the last one is in force.
        schedules: Vec<Spanned<Schedule>> = "schedules", List {
            of: Nested::<Schedule>::NEW, filled: false,
        }, default("none").only(IDLE);
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
        /// Whose arithmetic holds: ours, or with its quirks that of KEDA (`queue`) or of
        /// GitLab Runner's `docker+machine` (`idle`).
        compat: CompatWord = "compat", COMPAT, default("headcount");
        /// Whether no more agents are made; those that live end by themselves.
        paused: bool = "paused", Flag, default("false").only(QUEUE);
    }
}

object! {
    /// Idle numbers of some times. What is left out is as the policy says.
    Schedule, "a schedule" {
        /// Patterns of time, any of which may match: 5 fields (minute, hour, day of month,
        /// month, day of week), 6 (with a year) or 7 (with a second before).
        periods: Vec<Spanned<String>> = "periods", List { of: TEXT, filled: true }, required();
        /// Zone of the patterns: an IANA name, or `local` for that of the host.
        timezone: String = "timezone", TEXT, default("UTC");
        /// Ready agents to keep, for each label set.
        idle_count: u32 = "idleCount", integer(0..=i64::from(u32::MAX)),
            default("the policy's");
        /// How long a ready agent above that stays.
        idle_time: Duration = "idleTime", SPAN, default("the policy's");
        /// Ready agents for each one in use.
        idle_scale_factor: f64 = "idleScaleFactor", Factor, default("the policy's");
        /// Ready agents at least, with `idleScaleFactor`.
        idle_count_min: u32 = "idleCountMin", integer(0..=i64::from(u32::MAX)),
            default("the policy's");
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
