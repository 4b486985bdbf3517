//! A pool as we believe it to be: what is configured, and how its launches go.

use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use headcount_model::{
    AgentKind, AgentPhase, AgentRecord, IdleRule, InForce, Name, PoolName, PoolSpec, QueueRule,
    Retry, ScalerSpec, Schedule, Timestamp, Timetable,
};

use super::Signal;
use crate::CreateOrder;

/// A pool, interned for one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PoolId(pub u32);

/// A (scaler, label set).
#[derive(Clone, Debug)]
pub struct Pool {
    /// Interned.
    pub id: PoolId,
    /// Stable across reloads.
    pub name: PoolName,
    /// The scaler it belongs, or belonged, to.
    pub scaler: Name,
    /// What is configured; absent once the pool has left the configuration.
    pub configured: Option<Configured>,
    /// Whether an operator drains it.
    pub drained: bool,
    /// How its launches go.
    pub backoff: Backoff,
    /// What its triggers told, if it has any.
    pub signal: Option<Signal>,
    /// Which of these schedules is in force when, if it has any and that is known.
    pub(crate) timetable: Option<(Arc<[Schedule]>, Timetable)>,
}

/// The configured side of a pool.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Index of its scaler in the fleet.
    pub scaler_index: usize,
    /// What it is.
    pub spec: Arc<PoolSpec>,
    /// Comma-joined labels its agents are told they have.
    pub(crate) told_labels: Arc<str>,
    /// What its agents are made from.
    pub(crate) made_from: u64,
    /// The shared ledger its agents are reserved in.
    pub(crate) machine_pool: Option<Name>,
}

impl Configured {
    pub(crate) fn new(scaler_index: usize, scaler: &ScalerSpec, spec: &PoolSpec) -> Self {
        Self {
            scaler_index,
            told_labels: CreateOrder::joined_labels(spec),
            made_from: spec.fingerprint(),
            machine_pool: scaler.machine_pool.clone(),
            spec: Arc::new(spec.clone()),
        }
    }

    /// Its triggers. Agents that take jobs from us are made for jobs alone.
    pub(crate) fn queue(&self) -> Option<&Arc<QueueRule>> {
        let rule = self.spec.queue.as_ref();
        rule.filter(|_| self.spec.kind == AgentKind::Worker)
    }

    /// Whether an agent is as one that would be made now, and reserved in the same place.
    pub(crate) fn is_current(&self, agent: &AgentRecord) -> bool {
        self.made_from == agent.made_from && self.machine_pool == agent.machine_pool
    }

    /// When an agent that is ready takes no further jobs, however useful it is.
    pub(crate) fn lives_until(&self, agent: &AgentRecord) -> Option<Timestamp> {
        let lifetime = self.spec.timeouts.lifetime?;
        let counts = agent.phase == AgentPhase::Ready && agent.kind != AgentKind::Worker;
        counts.then(|| agent.phase_since.after(lifetime))
    }

    /// Whether that moment has come.
    pub(crate) fn is_outlived_by(&self, agent: &AgentRecord, now: Timestamp) -> bool {
        self.lives_until(agent).is_some_and(|until| until <= now)
    }
}

impl Pool {
    /// How failed launches are tried again, while it is configured.
    pub(crate) fn retry(&self) -> Option<Retry> {
        self.configured
            .as_ref()
            .map(|configured| configured.spec.retry)
    }

    /// Which of its schedules is in force; `None` where it has none, or where that is not
    /// known.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Option<InForce> {
        self.timetable.as_ref()?.1.at(now)
    }

    /// How far its timetable reaches; `None` without one.
    #[must_use]
    pub fn timetable_ends(&self) -> Option<Timestamp> {
        Some(self.timetable.as_ref()?.1.ends)
    }

    /// The idle rule that holds; `None` where that is not known.
    #[must_use]
    pub fn idle_rule(&self, now: Timestamp) -> Option<IdleRule> {
        let spec = &self.configured.as_ref()?.spec;
        if spec.schedules.is_empty() {
            return Some(spec.idle);
        }
        match self.in_force(now)?.schedule {
            None => Some(spec.idle),
            Some(n) => spec.schedules.get(n).map(|schedule| schedule.rule),
        }
    }

    /// A timetable of other schedules than the configured ones says nothing.
    pub(crate) fn forget_other_schedules(&mut self) {
        let now = self.configured.as_ref().map(|it| &it.spec.schedules);
        let same = |(of, _): &(Arc<[Schedule]>, Timetable)| now == Some(of) && !of.is_empty();
        if !self.timetable.as_ref().is_some_and(same) {
            self.timetable = None;
        }
    }

    /// What it is, while it takes new work: configured and not drained.
    pub(crate) fn open(&self) -> Option<&Configured> {
        self.configured.as_ref().filter(|_| !self.drained)
    }
}

/// How the launches of a pool go: retry with growing delays, and a circuit breaker.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Backoff {
    /// Waves of launches that failed in a row; launches of one wave count once.
    pub failures: u32,
    /// No launch before this.
    pub next_at: Timestamp,
    /// Launches intended before this belong to a wave that is counted already.
    pub(crate) wave_from: Timestamp,
    /// What went wrong last, and when.
    pub last: Option<(Timestamp, String)>,
}

impl Backoff {
    /// One launch, intended at `intended`, failed now.
    pub(crate) fn failed(
        &mut self,
        retry: Retry,
        intended: Timestamp,
        at_least: Option<Duration>,
        message: String,
        now: Timestamp,
    ) {
        self.last = Some((now, message));
        if self.failures > 0 && intended < self.wave_from {
            return;
        }
        let delay = delay_after(self.failures, retry.first_delay, retry.max_delay);
        let delay = at_least.map_or(delay, |asked| delay.max(asked).min(LONGEST_ASKED));
        self.failures = self.failures.saturating_add(1);
        self.next_at = now.after(delay);
        self.wave_from = self.next_at;
    }

    /// One launch worked.
    pub(crate) fn worked(&mut self) {
        self.failures = 0;
        self.next_at = Timestamp::ZERO;
        self.wave_from = Timestamp::ZERO;
    }
}

/// A backend may ask to be left alone, but not for longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// `first` doubled `failures` times, at most `longest`.
pub(crate) fn delay_after(failures: u32, first: Duration, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
    first.checked_mul(factor).unwrap_or(longest).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        first_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(10),
        open_after: 3,
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays =
            [0, 1, 2, 3, 4, 40].map(|n| delay_after(n, RETRY.first_delay, RETRY.max_delay));
        assert_eq!(delays.map(|d| d.as_secs()), [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn launches_of_one_wave_count_once() {
        let mut backoff = Backoff::default();
        for _ in 0..8 {
            backoff.failed(RETRY, at(10), None, "no".into(), at(11));
        }
        assert_eq!((backoff.failures, backoff.next_at), (1, at(12)));
        backoff.failed(RETRY, at(12), None, "no".into(), at(13));
        assert_eq!((backoff.failures, backoff.next_at), (2, at(15)));
        backoff.worked();
        assert_eq!(backoff.failures, 0);
    }

    #[test]
    fn a_backend_may_ask_for_longer() {
        let mut backoff = Backoff::default();
        backoff.failed(
            RETRY,
            at(1),
            Some(Duration::from_secs(90)),
            "full".into(),
            at(1),
        );
        assert_eq!(backoff.next_at, at(91));
    }
}
