//! What the API and the CLI may ask of the loop.

use std::sync::Arc;

use arc_swap::ArcSwap;
use headcount_model::{
    AgentId, Answer, BackendId, ClassKey, Fleet, OwnerId, PoolName, Shutdown, Timestamp,
};
use headcount_planner::{Impossible, News, Operator, Verdict, World, admission, explain, observe};
use tokio::sync::{broadcast, oneshot};

use crate::compare::compare;
use crate::explanation::ExplanationView;
use crate::inbox::{Ask, Inbox};
use crate::launches::Launches;
use crate::{Event, PoolChange, Preview, View};

/// A handle to a running controller. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inbox: Inbox,
    pub(crate) door: Arc<Admission>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    pub(crate) launches: Arc<Launches>,
}

/// The controller has ended; nothing can be asked of it any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the daemon is stopping")]
pub struct Stopped;

impl Handle {
    /// The world as it is now.
    ///
    /// # Errors
    /// The controller has ended.
    pub async fn view(&self) -> Result<Arc<View>, Stopped> {
        self.ask(Ask::View).await
    }

    /// Why jobs of this class wait, or would wait.
    ///
    /// # Errors
    /// The controller has ended.
    pub async fn explain(&self, key: ClassKey) -> Result<ExplanationView, Stopped> {
        self.ask(|reply| Ask::Explain(Box::new(key), reply)).await
    }

    /// What this configuration would change. Changes nothing.
    ///
    /// # Errors
    /// The controller has ended.
    pub async fn preview(&self, fleet: Fleet) -> Result<Preview, Stopped> {
        self.ask(|reply| Ask::Preview(Box::new(fleet), reply)).await
    }

    /// Puts a configuration into effect, whole, and says what it changed.
    ///
    /// # Errors
    /// The controller has ended; whether it took effect is of no consequence.
    pub async fn configure(&self, fleet: Fleet) -> Result<Vec<PoolChange>, Stopped> {
        let changes = compare(&self.view().await?.fleet, &fleet);
        match self
            .inbox
            .tell(News::Configured(Box::new(fleet.clone())))
            .await
        {
            Answer::Refused(_) => Err(Stopped),
            Answer::Applied | Answer::Known => {
                self.door.set(fleet);
                Ok(changes)
            }
        }
    }

    /// Drains a pool, or ends its drain. The answer says whether there is such a pool.
    pub async fn drain(&self, pool: PoolName, undo: bool) -> Answer {
        let wish = if undo {
            Operator::Undrain(pool)
        } else {
            Operator::Drain(pool)
        };
        self.inbox.tell(News::Operator(wish)).await
    }

    /// Gives an agent no new jobs, or jobs again. The answer says whether there is such an
    /// agent, and whether that can be.
    pub async fn cordon(&self, agent: AgentId, undo: bool) -> Answer {
        let wish = Operator::Cordon { agent, undo };
        self.inbox.tell(News::Operator(wish)).await
    }

    /// Asks every backend what exists.
    pub async fn look(&self) -> Answer {
        self.inbox.tell(News::Operator(Operator::Look)).await
    }

    /// Removes an instance of ours that the ledger does not know without its grace. The
    /// answer says whether a list has shown it.
    pub async fn reap(&self, backend: BackendId, agent: AgentId) -> Answer {
        let wish = Operator::Reap(backend, agent);
        self.inbox.tell(News::Operator(wish)).await
    }

    /// Removes an instance of another owner whose lease is over by policy, without waiting
    /// until it was seen to stand still. The answer says whether that may be.
    pub async fn reap_other(&self, backend: BackendId, owner: OwnerId, agent: AgentId) -> Answer {
        let wish = Operator::ReapOther(backend, owner, agent);
        self.inbox.tell(News::Operator(wish)).await
    }

    /// No new jobs from now on, and this becomes of agents.
    pub async fn shut_down(&self, how: Shutdown) -> Answer {
        self.inbox
            .tell(News::Operator(Operator::Shutdown(how)))
            .await
    }

    /// No new jobs from now on.
    pub async fn stop_taking(&self) -> Answer {
        self.inbox.tell(News::Operator(Operator::Stop)).await
    }

    /// Which cap refuses jobs of this class for ever, if one does. Asks nobody.
    #[must_use]
    pub fn admission(&self, key: &ClassKey) -> Option<(Impossible, PoolName)> {
        self.door.ask(key)
    }

    /// How the last launches went. Asks nobody.
    #[must_use]
    pub fn launches(&self) -> &Launches {
        &self.launches
    }

    /// Pools that can serve jobs of this class, by the configuration alone, best first.
    /// Asks nobody.
    #[must_use]
    pub fn candidates(&self, key: &ClassKey) -> Vec<PoolName> {
        self.door.candidates(key)
    }

    /// What changes from now on. A reader that is too slow is told how much it missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.inbox.ask(ask(reply)).await.map_err(|()| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }
}

/// The door check: the planner's rules over the configuration alone, so that a
/// submission does not wait for the loop.
pub struct Admission {
    world: ArcSwap<World>,
}

impl Admission {
    pub(crate) fn new(fleet: Fleet) -> Self {
        Self {
            world: ArcSwap::from_pointee(only(fleet)),
        }
    }

    fn set(&self, fleet: Fleet) {
        self.world.store(Arc::new(only(fleet)));
    }

    fn ask(&self, key: &ClassKey) -> Option<(Impossible, PoolName)> {
        let world = self.world.load();
        let impossible = admission(&world, key)?;
        Some((impossible, world.pool(impossible.pool)?.name.clone()))
    }

    fn candidates(&self, key: &ClassKey) -> Vec<PoolName> {
        let world = self.world.load();
        let answers = explain(&world, key).pools.into_iter();
        let candidates =
            answers.filter(|answer| matches!(answer.verdict, Verdict::Candidate { .. }));
        candidates
            .filter_map(|answer| world.pool(answer.pool))
            .map(|pool| pool.name.clone())
            .collect()
    }
}

fn only(fleet: Fleet) -> World {
    let mut world = World::new();
    observe(
        &mut world,
        News::Configured(Box::new(fleet)),
        Timestamp::ZERO,
    );
    world
}
