//! A taken job as we believe it to be.

use headcount_model::{
    AgentId, AttemptPhase, AttemptRecord, Outcome, Settlement, SourceId, TakenJob, Timestamp,
};

use crate::Effect;
use crate::lifecycle::job::JobStage;

/// A job its source handed out.
#[derive(Clone, Debug)]
pub struct Job {
    /// Where it came from.
    pub(crate) source: SourceId,
    /// What its source said of it.
    pub(crate) info: TakenJob,
    /// How far it has come.
    pub(crate) phase: JobPhase,
    /// Whom it is meant for, was offered to, or ran on.
    pub(crate) agent: AgentId,
    /// The offer, the telling of the source, or the request to end it.
    pub(crate) effect: Effect,
    /// Whether somebody wants it cancelled.
    pub(crate) cancel_requested: bool,
    /// Whether its agent has been asked to end it since it last connected.
    pub(crate) cancel_told: bool,
    /// Its source handed it out again before it had answered the last telling; that
    /// answer is still to come and says nothing of this delivery.
    pub(crate) stale_answer: bool,
    /// When it was offered; absent while it is merely taken.
    pub(crate) assigned_at: Option<Timestamp>,
    /// From when its agent's time to claim it counts: since the offer was handed over, or
    /// could not be. Deciding to offer is not offering, when the ledger is slow.
    pub(crate) claim_from: Option<Timestamp>,
    /// When it was claimed.
    pub(crate) claimed_at: Option<Timestamp>,
    /// When the attempt ended.
    pub(crate) ended_at: Option<Timestamp>,
    /// What the agent reported.
    pub(crate) outcome: Option<Outcome>,
}

/// How far a taken job has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobPhase {
    /// Handed out, given to nobody yet.
    Taken,
    /// Offered, not claimed.
    Assigned,
    /// Claimed.
    Running,
    /// Over; its agent's absence is awaited.
    Lost,
    /// Its source is being told this.
    Settling(Settlement),
}

impl JobPhase {
    /// The stage, for the lifecycle table.
    #[must_use]
    pub const fn stage(&self) -> JobStage {
        match self {
            Self::Taken => JobStage::Taken,
            Self::Assigned => JobStage::Assigned,
            Self::Running => JobStage::Running,
            Self::Lost => JobStage::Lost,
            Self::Settling(_) => JobStage::Settling,
        }
    }
}

impl Job {
    /// Which job, and what its source said of it.
    #[must_use]
    pub const fn info(&self) -> &TakenJob {
        &self.info
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> &SourceId {
        &self.source
    }

    /// How far it has come.
    #[must_use]
    pub const fn phase(&self) -> &JobPhase {
        &self.phase
    }

    /// Whom it is meant for, was offered to, or ran on.
    #[must_use]
    pub const fn agent(&self) -> AgentId {
        self.agent
    }

    /// The offer, the telling of its source, or the request to end it.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// The attempt it is in, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        // `attempts` counts claimed ones, and a running one is counted once it is over.
        self.info.attempts.saturating_add(1)
    }

    /// As it is written down; a job that was never offered is not.
    #[must_use]
    pub fn record(&self) -> Option<AttemptRecord> {
        Some(AttemptRecord {
            job: self.info.job,
            attempt: self.attempt(),
            source: self.source.clone(),
            agent: self.agent,
            phase: match &self.phase {
                JobPhase::Taken | JobPhase::Assigned => AttemptPhase::Assigned,
                JobPhase::Running => AttemptPhase::Running,
                JobPhase::Lost => AttemptPhase::Lost,
                JobPhase::Settling(settlement) => AttemptPhase::Settling(settlement.clone()),
            },
            deliveries: self.info.deliveries,
            retries_left: self.info.retries_left,
            timeout: self.info.timeout,
            cancel_requested: self.cancel_requested,
            assigned_at: self.assigned_at?,
            claimed_at: self.claimed_at,
            ended_at: self.ended_at,
            outcome: self.outcome.clone(),
        })
    }

    /// From what was written down.
    pub(crate) fn restored(record: AttemptRecord) -> Self {
        Self {
            source: record.source,
            info: TakenJob {
                job: record.job,
                attempts: record.attempt.saturating_sub(1),
                deliveries: record.deliveries,
                retries_left: record.retries_left,
                timeout: record.timeout,
            },
            phase: match record.phase {
                AttemptPhase::Assigned => JobPhase::Assigned,
                AttemptPhase::Running => JobPhase::Running,
                AttemptPhase::Lost => JobPhase::Lost,
                AttemptPhase::Settling(settlement) => JobPhase::Settling(settlement),
            },
            agent: record.agent,
            effect: Effect::None,
            cancel_requested: record.cancel_requested,
            cancel_told: false,
            stale_answer: false,
            assigned_at: Some(record.assigned_at),
            claim_from: None,
            claimed_at: record.claimed_at,
            ended_at: record.ended_at,
            outcome: record.outcome,
        }
    }
}
