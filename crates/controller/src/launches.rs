//! The last launches: when each was decided, when its agent was ready, or how it failed
//! and what the agent said before it died.
//!
//! Promise: bounded in launches, lines and bytes; written only after the round that tells
//! of it is durable. Kept in memory: after a restart the agents' records tell when they
//! were made, and nothing more. Leaves to others: deciding anything by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use headcount_model::{AgentId, AgentPhase, AgentRecord, PoolName, Reason, Timestamp};

/// Launches that are remembered; older ones are forgotten.
const MAX_LAUNCHES: usize = 1024;
/// Lines of an agent's output that are kept of a failed launch.
pub(crate) const MAX_LINES: usize = 50;
/// Characters of such a line; the rest is cut.
const MAX_LINE: usize = 400;

/// One agent on its way, there, or failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Launch {
    /// Which agent.
    pub agent: AgentId,
    /// Its pool.
    pub pool: PoolName,
    /// Why it was made.
    pub made_for: Reason,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When what it may reach was settled, where its backend does that.
    pub fenced_at: Option<Timestamp>,
    /// When its instance existed, if that was seen.
    pub made_at: Option<Timestamp>,
    /// When it could take jobs.
    pub ready_at: Option<Timestamp>,
    /// How it failed, if it did.
    pub failure: Option<LaunchFailed>,
}

/// How a launch failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaunchFailed {
    /// When that was known.
    pub at: Timestamp,
    /// What went wrong.
    pub message: String,
    /// The last lines the agent said, oldest first; empty when it said nothing, or while
    /// they are being fetched.
    pub output: Vec<String>,
}

/// The last launches of this daemon.
#[derive(Default)]
pub struct Launches {
    book: Mutex<BTreeMap<AgentId, Launch>>,
}

impl Launches {
    /// The launch of an agent, if it is remembered.
    #[must_use]
    pub fn of(&self, agent: AgentId) -> Option<Launch> {
        self.lock().get(&agent).cloned()
    }

    /// Launches in these pools that failed between two moments, oldest first, the last
    /// `max` of them.
    #[must_use]
    pub fn failed_in(
        &self,
        pools: &[PoolName],
        (from, until): (Timestamp, Timestamp),
        max: usize,
    ) -> Vec<Launch> {
        let book = self.lock();
        let failed = book.values().filter(|launch| {
            let at = launch.failure.as_ref().map(|failure| failure.at);
            at.is_some_and(|at| from <= at && at <= until) && pools.contains(&launch.pool)
        });
        let mut failed: Vec<Launch> = failed.cloned().collect();
        failed.sort_by_key(|launch| launch.failure.as_ref().map(|failure| failure.at));
        failed.drain(..failed.len().saturating_sub(max));
        failed
    }

    /// What the agents of a pool said whose launches failed at this moment.
    #[must_use]
    pub fn words_at(&self, pool: &PoolName, at: Timestamp) -> Vec<String> {
        let failed = self.failed_in(std::slice::from_ref(pool), (at, at), 1);
        let failures = failed.into_iter().filter_map(|launch| launch.failure);
        failures.flat_map(|failure| failure.output).collect()
    }

    /// Notes how far agents have come.
    pub(crate) fn note(&self, agents: &[AgentRecord], now: Timestamp) {
        let mut book = self.lock();
        for record in agents {
            let launching = matches!(
                record.phase,
                AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting
            );
            if launching && !book.contains_key(&record.id) {
                book.insert(record.id, begun(record));
            }
            if let Some(launch) = book.get_mut(&record.id) {
                match record.phase {
                    AgentPhase::Starting => launch.made_at = launch.made_at.or(Some(now)),
                    AgentPhase::Ready => launch.ready_at = launch.ready_at.or(Some(now)),
                    _ => {}
                }
            }
        }
        while book.len() > MAX_LAUNCHES {
            book.pop_first();
        }
    }

    /// Notes that what agents may reach was settled. The first time is the one that stands.
    pub(crate) fn fenced(&self, agents: &[AgentId], now: Timestamp) {
        let mut book = self.lock();
        for agent in agents {
            if let Some(launch) = book.get_mut(agent) {
                launch.fenced_at = launch.fenced_at.or(Some(now));
            }
        }
    }

    /// Notes that a launch failed. The last failure of an agent is the one that stands.
    pub(crate) fn failed(&self, agent: AgentId, at: Timestamp, message: &str) {
        if let Some(launch) = self.lock().get_mut(&agent) {
            launch.failure = Some(LaunchFailed {
                at,
                message: message.to_owned(),
                output: Vec::new(),
            });
        }
    }

    /// Adds what the agent said last.
    pub(crate) fn said(&self, agent: AgentId, lines: Vec<String>) {
        let mut book = self.lock();
        let failure = book.get_mut(&agent).and_then(|l| l.failure.as_mut());
        if let Some(failure) = failure {
            failure.output = lines.into_iter().take(MAX_LINES).map(cut).collect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AgentId, Launch>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begun(record: &AgentRecord) -> Launch {
    Launch {
        agent: record.id,
        pool: record.pool.clone(),
        made_for: record.made_for,
        decided_at: record.created_at,
        fenced_at: None,
        made_at: None,
        ready_at: None,
        failure: None,
    }
}

fn cut(line: String) -> String {
    match line.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use headcount_model::{BackendId, Granted, Name};

    use super::*;

    fn agent(number: u32) -> AgentId {
        AgentId { epoch: 1, number }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn record(number: u32, phase: AgentPhase) -> AgentRecord {
        AgentRecord {
            id: agent(number),
            pool: PoolName::new("s/linux"),
            scaler: Name::new("s"),
            backend: BackendId::new("bare-metal"),
            machine_pool: None,
            kind: headcount_model::AgentKind::Managed,
            phase,
            phase_since: at(1),
            created_at: at(1),
            made_for: Reason::DemandWaiting,
            leaves_for: None,
            granted: Granted::default(),
            slots: 1,
            made_from: 0,
            jobs_done: 0,
            tokens: Vec::new(),
            used_token: None,
            session: None,
            account: None,
            cordoned: false,
        }
    }

    #[test]
    fn a_launch_is_followed_until_its_agent_is_ready() {
        let launches = Launches::default();
        launches.note(&[record(1, AgentPhase::Creating)], at(1));
        launches.fenced(&[agent(1), agent(9)], at(1));
        launches.note(&[record(1, AgentPhase::Starting)], at(2));
        launches.fenced(&[agent(1)], at(5));
        launches.note(&[record(1, AgentPhase::Ready)], at(3));
        launches.note(&[record(1, AgentPhase::Ready)], at(9));
        let launch = launches.of(agent(1)).unwrap();
        assert_eq!((launch.decided_at, launch.made_at), (at(1), Some(at(2))));
        assert_eq!(
            launch.fenced_at,
            Some(at(1)),
            "a second try changes nothing"
        );
        assert_eq!((launch.ready_at, launch.failure), (Some(at(3)), None));
        // One that was there before this daemon is nobody's launch.
        launches.note(&[record(2, AgentPhase::Ready)], at(3));
        assert_eq!(launches.of(agent(2)), None);
    }

    #[test]
    fn failures_are_found_by_pool_and_time() {
        let launches = Launches::default();
        let (pool, other) = (PoolName::new("s/linux"), PoolName::new("s/mac"));
        for number in 1..=4 {
            launches.note(&[record(number, AgentPhase::Creating)], at(1));
            launches.failed(agent(number), at(10 * u64::from(number)), "no");
        }
        let of = |pools: &[PoolName], from, until, max| -> Vec<u32> {
            let failed = launches.failed_in(pools, (at(from), at(until)), max);
            failed.iter().map(|launch| launch.agent.number).collect()
        };
        assert_eq!(of(std::slice::from_ref(&pool), 20, 40, 9), [2, 3, 4]);
        assert_eq!(of(&[pool], 0, 99, 2), [3, 4]);
        assert_eq!(of(&[other], 0, 99, 9), [0; 0]);
    }

    #[test]
    fn what_an_agent_said_is_bounded() {
        let launches = Launches::default();
        launches.note(&[record(1, AgentPhase::Creating)], at(1));
        launches.failed(agent(1), at(2), "it ended with code 1");
        let lines = vec!["é".repeat(MAX_LINE + 1); MAX_LINES + 1];
        launches.said(agent(1), lines);
        let failure = launches.of(agent(1)).unwrap().failure.unwrap();
        assert_eq!(failure.output.len(), MAX_LINES);
        assert_eq!(failure.output[0], format!("{}…", "é".repeat(MAX_LINE)));
        let pool = PoolName::new("s/linux");
        assert_eq!(launches.words_at(&pool, at(2)), failure.output);
        assert_eq!(launches.words_at(&pool, at(3)), Vec::<String>::new());
        // Launches are forgotten in order of their age.
        for number in 2..=u32::try_from(MAX_LAUNCHES).unwrap() + 1 {
            launches.note(&[record(number, AgentPhase::Creating)], at(3));
        }
        assert_eq!(launches.of(agent(1)), None);
        assert!(launches.of(agent(2)).is_some());
    }
}
