//! The yard: carries out orders, bounded and with a deadline each, and posts how each
//! went. Chooses nothing.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentId, AgentKind, BackendId, ClassKey, Demand, JobEnd, JobId, Listing, LogPressure, OwnerId,
    Secret, Settlement, SourceId, Taken, Trouble, TroubleKind,
};
use headcount_planner::{Action, Answered, CreateOrder, News};
use headcount_ports::{AgentLink, AssignRequest, Backend, CreateRequest, DestroyRequest, Source};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::inbox::Inbox;
use crate::{Clock, Order, answers};

/// Effects under way at one backend at a time; further ones wait their turn.
const MAX_PER_BACKEND: usize = 64;
/// Handing a message to a connection is immediate or it fails.
const TELL_DEADLINE: Duration = Duration::from_secs(5);

/// Carries out orders.
pub(crate) struct Executor {
    pub(crate) owner: OwnerId,
    pub(crate) clock: Clock,
    pub(crate) inbox: Inbox,
    pub(crate) sources: BTreeMap<SourceId, Arc<dyn Source>>,
    pub(crate) backends: BTreeMap<BackendId, (Arc<dyn Backend>, Arc<Semaphore>)>,
    pub(crate) link: Arc<dyn AgentLink>,
}

pub(crate) fn bounded(backend: Arc<dyn Backend>) -> (Arc<dyn Backend>, Arc<Semaphore>) {
    (backend, Arc::new(Semaphore::new(MAX_PER_BACKEND)))
}

impl Executor {
    /// Starts an order; its answer is posted.
    pub(crate) fn start(self: &Arc<Self>, order: Order) {
        let executor = Arc::clone(self);
        tokio::spawn(async move {
            let inbox = executor.inbox.clone();
            if let Some(answer) = executor.carry_out(order).await {
                inbox.post(News::Answered(answer)).await;
            }
        });
    }

    /// An agent is gone for good: its connection, if any, is closed.
    pub(crate) fn forget(self: &Arc<Self>, agent: AgentId) {
        let link = Arc::clone(&self.link);
        tokio::spawn(async move { link.forget(agent).await });
    }

    async fn carry_out(&self, order: Order) -> Option<Answered> {
        Some(match order.action {
            Action::Create(create) => {
                Answered::Create(create.agent, self.create(create, order.token).await)
            }
            Action::Destroy {
                agent,
                backend,
                grace,
                deadline,
                ..
            } => Answered::Destroy(agent, self.destroy(&backend, agent, grace, deadline).await),
            Action::Reap {
                agent,
                backend,
                grace,
                deadline,
                ..
            } => {
                let result = self.destroy(&backend, agent, grace, deadline).await;
                Answered::Reap(backend, agent, result)
            }
            Action::List {
                backend, deadline, ..
            } => {
                let result = self.list(&backend, deadline).await;
                Answered::List(backend, result)
            }
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
            // Machine pools are refused by the configuration until their ledger is wired.
            Action::Reserve(order) => Answered::Reserve(order.agent, Err(no_ledger())),
            Action::Release { agent, .. } => Answered::Release(agent, Ok(())),
        })
    }

    async fn create(&self, order: CreateOrder, token: Option<Secret>) -> Result<(), Trouble> {
        let (backend, permits) = self.backend(&order.backend)?;
        let _permit = permits.acquire().await;
        let deadline = order.deadline;
        let request = CreateRequest {
            agent: order.agent,
            owner: self.owner.clone(),
            pool: order.pool,
            scaler: order.scaler,
            kind: order.kind,
            labels: order.labels.to_string(),
            granted: order.granted,
            slots: order.slots,
            log_pressure: order.log_pressure,
            recipe: order.recipe,
            token: token.filter(|_| order.kind == AgentKind::Managed),
        };
        match timeout(deadline, backend.create(request)).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("create", deadline),
        }
    }

    async fn destroy(
        &self,
        backend: &BackendId,
        agent: AgentId,
        grace: Duration,
        deadline: Duration,
    ) -> Result<(), Trouble> {
        let (backend, permits) = self.backend(backend)?;
        let _permit = permits.acquire().await;
        match timeout(deadline, backend.destroy(DestroyRequest { agent, grace })).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("destroy", deadline),
        }
    }

    async fn list(&self, backend: &BackendId, deadline: Duration) -> Result<Listing, Trouble> {
        let (backend, _) = self.backend(backend)?;
        match timeout(deadline, backend.list()).await {
            Ok(result) => result.map_err(answers::backend),
            Err(_) => late("list", deadline),
        }
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

    fn backend(&self, id: &BackendId) -> Result<&(Arc<dyn Backend>, Arc<Semaphore>), Trouble> {
        self.backends.get(id).ok_or_else(|| Trouble {
            kind: TroubleKind::Unknown,
            message: format!("backend {id} is not wired in this daemon"),
        })
    }

    fn source(&self, id: &SourceId) -> Result<&Arc<dyn Source>, Trouble> {
        self.sources.get(id).ok_or_else(|| Trouble {
            kind: TroubleKind::Unknown,
            message: format!("source {id} is not wired in this daemon"),
        })
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
    told: impl Future<Output = Result<(), headcount_ports::LinkError>>,
) -> Result<(), Trouble> {
    match timeout(TELL_DEADLINE, told).await {
        Ok(result) => result.map_err(answers::link),
        Err(_) => late(what, TELL_DEADLINE),
    }
}

fn late<T>(what: &str, deadline: Duration) -> Result<T, Trouble> {
    Err(answers::too_late(what, deadline))
}

fn no_ledger() -> Trouble {
    Trouble {
        kind: TroubleKind::Invalid,
        message: "no ledger of machine pools is wired in this daemon".into(),
    }
}
