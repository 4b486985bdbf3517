//! How many agents there are beyond those that jobs call for.

use std::time::Duration;

use headcount_model::IdleRule;

use super::Queue;

/// How many agents of each label set there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// `policy`, and what holds where nothing is written.
    Idle(IdlePolicy),
    /// `warmPool`.
    WarmPool(WarmPool),
    /// `policy` of kind `queue`: as many as triggers ask for, none kept ready.
    Queue(Queue),
}

impl Default for Readiness {
    fn default() -> Self {
        Self::Idle(IdlePolicy::default())
    }
}

impl Readiness {
    /// The one idle rule of which all are settings.
    #[must_use]
    pub const fn idle_rule(&self) -> IdleRule {
        match self {
            Self::Idle(policy) => IdleRule {
                keep: policy.idle_count,
                idle_time: policy.idle_time,
                max_idle_age: policy.max_idle_age,
            },
            Self::WarmPool(pool) if pool.enabled => IdleRule {
                keep: pool.size,
                idle_time: Duration::from_secs(pool.idle_timeout_seconds as u64),
                // A member that was idle for so long expires and is refilled.
                max_idle_age: match pool.idle_timeout_seconds {
                    0 => None,
                    seconds => Some(Duration::from_secs(seconds as u64)),
                },
            },
            Self::WarmPool(_) | Self::Queue(_) => IdleRule {
                keep: 0,
                idle_time: Duration::ZERO,
                max_idle_age: None,
            },
        }
    }
}

/// `policy` of kind `idle`. Its default is on demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IdlePolicy {
    /// Ready agents to keep for each label set.
    pub idle_count: u32,
    /// How long a ready agent above that stays.
    pub idle_time: Duration,
    /// When a ready agent is replaced by a fresh one; `None` is never.
    pub max_idle_age: Option<Duration>,
}

/// `warmPool`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WarmPool {
    /// Whether any agents are kept.
    pub enabled: bool,
    /// Ready agents to keep for each label set.
    pub size: u32,
    /// How long a ready agent above that stays, in seconds.
    pub idle_timeout_seconds: u32,
}

impl Default for WarmPool {
    fn default() -> Self {
        Self {
            enabled: false,
            size: 0,
            idle_timeout_seconds: 300,
        }
    }
}
