//! The yard: carries out orders, bounded and with a deadline each, and posts how each
//! went. Chooses nothing.

mod at_backend;
mod at_ledger;
pub(crate) mod at_signals;
mod at_source;
mod to_agent;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{AgentId, BackendId, OwnerId, SourceId, Trouble, TroubleKind};
use headcount_planner::{Action, Answered, News};
use headcount_ports::{AgentLink, Backend, MachinePools, Source};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::inbox::Inbox;
use crate::launches::{Launches, MAX_LINES};
use crate::{Clock, Order, answers};

/// Creations under way at one backend at a time, and as many removals, which wait for no
/// creation; further ones wait their turn.
pub const MAX_PER_BACKEND: usize = 64;

/// For a backend to tell what an agent said last.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Carries out orders.
pub(crate) struct Executor {
    pub(crate) owner: OwnerId,
    pub(crate) clock: Clock,
    pub(crate) inbox: Inbox,
    pub(crate) sources: BTreeMap<SourceId, Arc<dyn Source>>,
    pub(crate) backends: BTreeMap<BackendId, Bounded>,
    pub(crate) link: Arc<dyn AgentLink>,
    pub(crate) machine_pools: Arc<dyn MachinePools>,
    pub(crate) reader: at_signals::Reader,
}

/// A backend with its turns.
pub(crate) struct Bounded {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) creations: Semaphore,
    pub(crate) removals: Semaphore,
}

pub(crate) fn bounded(backend: Arc<dyn Backend>) -> Bounded {
    Bounded {
        backend,
        creations: Semaphore::new(MAX_PER_BACKEND),
        removals: Semaphore::new(MAX_PER_BACKEND),
    }
}

impl Executor {
    /// Starts an order; its answer is posted.
    pub(crate) fn start(self: &Arc<Self>, order: Order) {
        let executor = Arc::clone(self);
        let under = self.reader.number();
        tokio::spawn(async move {
            let text = order.action.to_string();
            match executor.carry_out(order, under).await {
                Some(answer) => executor.inbox.post(News::Answered(answer)).await,
                None => tracing::error!(action = text, "nobody carries out such orders"),
            }
        });
    }

    /// An agent is gone for good: its connection, if any, is closed.
    pub(crate) fn forget(self: &Arc<Self>, agent: AgentId) {
        let link = Arc::clone(&self.link);
        tokio::spawn(async move { link.forget(agent).await });
    }

    /// Notes what an agent said last, as far as its backend can still tell.
    pub(crate) fn last_words(&self, agent: AgentId, at: &BackendId, launches: &Arc<Launches>) {
        let Some(Bounded { backend, .. }) = self.backends.get(at) else {
            return;
        };
        let (backend, launches) = (Arc::clone(backend), Arc::clone(launches));
        tokio::spawn(async move {
            let asked = backend.last_output(agent, MAX_LINES);
            if let Ok(lines) = timeout(LAST_WORDS, asked).await {
                launches.said(agent, lines);
            }
        });
    }

    /// The answer, once it is known. Every kind of order belongs to one of these.
    async fn carry_out(&self, order: Order, under: u64) -> Option<Answered> {
        let Order { action, token } = order;
        match action {
            Action::Create(_)
            | Action::Destroy { .. }
            | Action::Reap { .. }
            | Action::ReapOther { .. }
            | Action::ListOthers { .. }
            | Action::List { .. } => self.at_backend(action, token).await,
            Action::Refresh { .. }
            | Action::Take { .. }
            | Action::Settle { .. }
            | Action::EndWaiting { .. } => self.at_source(action).await,
            Action::Assign { .. } | Action::Cancel { .. } | Action::Drain { .. } => {
                self.to_agent(action).await
            }
            Action::Sample { .. } => self.at_signals(action, under).await,
            Action::Reserve(_) | Action::Release { .. } => self.at_ledger(action).await,
        }
    }

    fn source(&self, id: &SourceId) -> Result<&Arc<dyn Source>, Trouble> {
        self.sources.get(id).ok_or_else(|| Trouble {
            kind: TroubleKind::Unknown,
            message: format!("source {id} is not wired in this daemon"),
        })
    }
}

fn late<T>(what: &str, deadline: Duration) -> Result<T, Trouble> {
    Err(answers::too_late(what, deadline))
}
