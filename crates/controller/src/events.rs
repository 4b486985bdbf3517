//! What changed, for those who watch live.

use std::time::Duration;

use headcount_model::{
    AgentId, AgentPhase, AgentRecord, AttemptRecord, BackendId, Changes, JobId, PoolName, Reason,
};

/// One change, after it became durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// An agent entered a phase.
    Agent {
        /// Which.
        agent: AgentId,
        /// Its pool.
        pool: PoolName,
        /// The phase it is in.
        phase: AgentPhase,
        /// Why it was made, or why it leaves.
        reason: Reason,
    },
    /// An agent is gone.
    AgentGone {
        /// Which.
        agent: AgentId,
    },
    /// An instance of ours that the ledger did not know was ended.
    Reaped {
        /// Whom its mark named.
        agent: AgentId,
        /// Where it was.
        backend: BackendId,
    },
    /// Triggers told of something new, and a plan was made by it for the first time.
    Detected {
        /// The pool of the triggers.
        pool: PoolName,
        /// From its arrival to that plan.
        after: Duration,
    },
    /// Jobs pile up, or no longer do.
    Backlog {
        /// Whether they do.
        sustained: bool,
        /// How many wait.
        depth: u64,
        /// From how many on it is told.
        threshold: u64,
        /// What they run on, labels joined by commas, and how many; the most first, bounded.
        largest: Vec<(String, u64)>,
    },
    /// A taken job moved on.
    Job {
        /// Which.
        job: JobId,
        /// Which attempt.
        attempt: u32,
        /// Who has it.
        agent: AgentId,
        /// The stage it is in: `assigned`, `running`, `lost`, `settling`.
        stage: &'static str,
    },
    /// A job's attempt is over and its source has been told.
    JobSettled {
        /// Which.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
}

/// The events of one round.
pub(crate) fn of(changes: &Changes) -> impl Iterator<Item = Event> {
    let agents = changes.agents.iter().map(agent);
    let gone = changes
        .agents_gone
        .iter()
        .map(|agent| Event::AgentGone { agent: *agent });
    let jobs = changes.attempts.iter().map(job);
    let settled = changes.attempts_settled.iter();
    let settled = settled.map(|(job, attempt)| Event::JobSettled {
        job: *job,
        attempt: *attempt,
    });
    agents.chain(gone).chain(jobs).chain(settled)
}

fn agent(record: &AgentRecord) -> Event {
    Event::Agent {
        agent: record.id,
        pool: record.pool.clone(),
        phase: record.phase,
        reason: record.leaves_for.unwrap_or(record.made_for),
    }
}

fn job(record: &AttemptRecord) -> Event {
    Event::Job {
        job: record.job,
        attempt: record.attempt,
        agent: record.agent,
        stage: record.phase.code(),
    }
}
