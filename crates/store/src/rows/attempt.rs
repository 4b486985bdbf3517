//! The twin of an attempt's record. Job and attempt are the key of the row.

use std::time::Duration;

use headcount_model::{
    AgentId, AttemptPhase, AttemptRecord, JobId, Settlement, SourceId, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::outcome::{EndRow, OutcomeRow};
use super::{from_json, to_json};
use crate::fault::Fault;

pub(crate) fn attempt_to_json(record: &AttemptRecord) -> Result<String, Fault> {
    to_json(&AttemptRow::from(record))
}

pub(crate) fn attempt_from_json(
    job: JobId,
    attempt: u32,
    text: &str,
) -> Result<AttemptRecord, Fault> {
    let what = format!("attempt {attempt} of {job}");
    let row: AttemptRow = from_json(&what, text)?;
    Ok(AttemptRecord {
        job,
        attempt,
        source: SourceId::new(&row.source),
        agent: AgentId {
            epoch: row.agent.0,
            number: row.agent.1,
        },
        phase: row.phase.into_phase(&what)?,
        deliveries: row.deliveries,
        retries_left: row.retries_left,
        timeout: row.timeout,
        cancel_requested: row.cancel_requested,
        assigned_at: Timestamp::from_millis(row.assigned_at),
        claimed_at: row.claimed_at.map(Timestamp::from_millis),
        ended_at: row.ended_at.map(Timestamp::from_millis),
        outcome: row.outcome.map(Into::into),
    })
}

/// The last moment known of an attempt; its retention counts from there.
pub(crate) fn last_moment(record: &AttemptRecord) -> Timestamp {
    let later = record.ended_at.or(record.claimed_at);
    later.unwrap_or(record.assigned_at)
}

#[derive(Serialize, Deserialize)]
struct AttemptRow {
    source: String,
    agent: (u64, u32),
    phase: PhaseRow,
    deliveries: u32,
    retries_left: u32,
    timeout: Option<Duration>,
    cancel_requested: bool,
    assigned_at: u64,
    claimed_at: Option<u64>,
    ended_at: Option<u64>,
    outcome: Option<OutcomeRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PhaseRow {
    Assigned,
    Running,
    Lost,
    Return,
    Retry,
    Complete(EndRow),
}

impl From<&AttemptRecord> for AttemptRow {
    fn from(it: &AttemptRecord) -> Self {
        Self {
            source: it.source.as_str().to_string(),
            agent: (it.agent.epoch, it.agent.number),
            phase: PhaseRow::from(&it.phase),
            deliveries: it.deliveries,
            retries_left: it.retries_left,
            timeout: it.timeout,
            cancel_requested: it.cancel_requested,
            assigned_at: it.assigned_at.as_millis(),
            claimed_at: it.claimed_at.map(Timestamp::as_millis),
            ended_at: it.ended_at.map(Timestamp::as_millis),
            outcome: it.outcome.clone().map(Into::into),
        }
    }
}

impl From<&AttemptPhase> for PhaseRow {
    fn from(phase: &AttemptPhase) -> Self {
        match phase {
            AttemptPhase::Assigned => Self::Assigned,
            AttemptPhase::Running => Self::Running,
            AttemptPhase::Lost => Self::Lost,
            AttemptPhase::Settling(Settlement::Return) => Self::Return,
            AttemptPhase::Settling(Settlement::Retry) => Self::Retry,
            AttemptPhase::Settling(Settlement::Complete(end)) => Self::Complete(end.clone().into()),
        }
    }
}

impl PhaseRow {
    fn into_phase(self, what: &str) -> Result<AttemptPhase, Fault> {
        Ok(match self {
            Self::Assigned => AttemptPhase::Assigned,
            Self::Running => AttemptPhase::Running,
            Self::Lost => AttemptPhase::Lost,
            Self::Return => AttemptPhase::Settling(Settlement::Return),
            Self::Retry => AttemptPhase::Settling(Settlement::Retry),
            Self::Complete(end) => {
                AttemptPhase::Settling(Settlement::Complete(end.into_end(what)?))
            }
        })
    }
}
