//! Orders to sources, each with its deadline.

use std::time::Duration;

use headcount_model::{ClassKey, Demand, JobEnd, JobId, Settlement, SourceId, Taken, Trouble};
use headcount_planner::{Action, Answered};
use tokio::time::timeout;

use super::{Executor, late};
use crate::answers;

impl Executor {
    /// Absent when the order is not one to a source.
    pub(super) async fn at_source(&self, action: Action) -> Option<Answered> {
        Some(match action {
            Action::Refresh {
                source, deadline, ..
            } => {
                let result = self.refresh(&source, deadline).await;
                Answered::Refresh(source, result)
            }
            Action::Take {
                take,
                source,
                key,
                agents,
                deadline,
                ..
            } => {
                let n = u32::try_from(agents.len()).unwrap_or(u32::MAX);
                Answered::Take(take, self.take(&source, &key, n, deadline).await)
            }
            Action::Settle {
                job,
                source,
                settlement,
                attempts,
                deliveries,
                deadline,
                ..
            } => {
                let settle = self.settle(&source, job, &settlement, (attempts, deliveries));
                let result = timeout(deadline, settle).await;
                Answered::Settle(job, result.unwrap_or_else(|_| late("settle", deadline)))
            }
            Action::EndWaiting {
                key, end, deadline, ..
            } => {
                let result = timeout(deadline, self.end_waiting(&key, &end)).await;
                let result = result.unwrap_or_else(|_| late("end waiting jobs", deadline));
                Answered::EndWaiting((*key).clone(), result)
            }
            _ => return None,
        })
    }

    async fn refresh(&self, source: &SourceId, deadline: Duration) -> Result<Demand, Trouble> {
        let source = self.source(source)?;
        match timeout(deadline, source.refresh()).await {
            Ok(result) => result.map_err(answers::source),
            Err(_) => late("refresh", deadline),
        }
    }

    async fn take(
        &self,
        source: &SourceId,
        key: &ClassKey,
        n: u32,
        deadline: Duration,
    ) -> Result<Taken, Trouble> {
        let source = self.source(source)?;
        match timeout(deadline, source.take(key, n)).await {
            Ok(result) => result.map_err(answers::source),
            Err(_) => late("take", deadline),
        }
    }

    async fn settle(
        &self,
        source: &SourceId,
        job: JobId,
        settlement: &Settlement,
        (attempts, deliveries): (u32, u32),
    ) -> Result<(), Trouble> {
        let source = self.source(source)?;
        let result = match settlement {
            Settlement::Return | Settlement::Retry => {
                source.give_back(job, attempts, deliveries).await
            }
            Settlement::Complete(end) => source.complete(job, end, self.clock.now()).await,
        };
        result.map_err(answers::source)
    }

    async fn end_waiting(&self, key: &ClassKey, end: &JobEnd) -> Result<(), Trouble> {
        let source = self.source(&key.source)?;
        let now = self.clock.now();
        let result = match end {
            JobEnd::Expired => source.expire(key, now).await,
            _ => source.fail_class(key, end, now).await,
        };
        result.map_err(answers::source)
    }
}
