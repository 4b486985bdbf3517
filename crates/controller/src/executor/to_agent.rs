//! Words to agents: handed to their connections or not, at once.

use std::future::Future;
use std::time::Duration;

use headcount_model::{AgentId, JobId, LogPressure, SourceId, Trouble};
use headcount_planner::{Action, Answered};
use headcount_ports::{AssignRequest, LinkError};
use tokio::time::timeout;

use super::{Executor, late};
use crate::answers;

/// Handing a message to a connection is immediate or it fails.
const TELL_DEADLINE: Duration = Duration::from_secs(5);

impl Executor {
    /// Absent when the order is not a word to an agent.
    pub(super) async fn to_agent(&self, action: Action) -> Option<Answered> {
        Some(match action {
            Action::Assign {
                agent,
                job,
                attempt,
                source,
                log_pressure,
                deadline,
            } => {
                let offer = Offer {
                    agent,
                    job,
                    attempt,
                    log_pressure,
                };
                Answered::Assign(job, attempt, self.assign(&source, offer, deadline).await)
            }
            Action::Cancel {
                agent,
                job,
                attempt,
            } => {
                let told = self.link.cancel(agent, job, attempt);
                Answered::Cancel(job, attempt, tell("cancel", told).await)
            }
            Action::Drain { agent, .. } => {
                Answered::Drain(agent, tell("drain", self.link.drain(agent)).await)
            }
            _ => return None,
        })
    }

    async fn assign(
        &self,
        source: &SourceId,
        offer: Offer,
        deadline: Duration,
    ) -> Result<(), Trouble> {
        let source = self.source(source)?;
        let mut work = match timeout(deadline, source.work(offer.job)).await {
            Ok(work) => work.map_err(answers::source)?,
            Err(_) => return late("fetch work", deadline),
        };
        work.log_pressure.get_or_insert(offer.log_pressure);
        let request = AssignRequest {
            agent: offer.agent,
            attempt: offer.attempt,
            work,
        };
        tell("assign", self.link.assign(request)).await
    }
}

/// A job offered to an agent.
struct Offer {
    agent: AgentId,
    job: JobId,
    attempt: u32,
    log_pressure: LogPressure,
}

async fn tell(
    what: &str,
    told: impl Future<Output = Result<(), LinkError>>,
) -> Result<(), Trouble> {
    match timeout(TELL_DEADLINE, told).await {
        Ok(result) => result.map_err(answers::link),
        Err(_) => late(what, TELL_DEADLINE),
    }
}
