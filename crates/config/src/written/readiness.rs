//! How many agents stay ready.

use std::time::Duration;

use super::shapes::{LONGEST_SECONDS, SPAN, WAIT};
use crate::read::{Choice, Flag, Unbuilt, default, integer, object, optional, required};

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
    /// How many agents each label set keeps ready, and for how long.
    Policy, "`policy`" {
        /// Which policy.
        kind: PolicyKind = "kind", POLICY_KIND, required();
        /// Ready agents to keep, for each label set; 0 is on demand. At most `maxAgents`.
        idle_count: u32 = "idleCount", integer(0..=i64::from(u32::MAX)), default("0");
        /// How long a ready agent above `idleCount` stays.
        idle_time: Duration = "idleTime", SPAN, default("0s");
        /// When a ready agent is replaced by a fresh one.
        max_idle_age: Duration = "maxIdleAge", WAIT, default("never");
        /// Other numbers at some times of the week. Not built yet.
        schedules: () = "schedules", Unbuilt {
            hint: "remove it; `idleCount` and `idleTime` hold all week",
        }, optional();
    }
}

/// The policies that are built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PolicyKind {
    Idle,
}

const POLICY_KIND: Choice<PolicyKind> = Choice {
    words: &[("idle", PolicyKind::Idle)],
    others: &[
        ("queue", NOT_BUILT),
        ("ratio", NOT_BUILT),
        ("capability", NOT_BUILT),
        ("fixed_elastic", NOT_BUILT),
        ("vanilla", NOT_BUILT),
        ("no", NOT_BUILT),
    ],
};

const NOT_BUILT: &str = "that policy is not built yet in this version: only `idle` is";
