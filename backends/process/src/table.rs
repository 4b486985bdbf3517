//! The instances this daemon knows of, and the life of each.
//!
//! ```text
//!             Unwant              Died            Swept
//!  Starting ---------> Unwanted    .--> Ended(exit) --> Absent
//!     | \ Made           | Made   /      |      ^
//!     |  '------> Running --------       | SweepFailed
//!     | NotMade <--------|               v      | SweepAgain
//!     v         NotMade  v             Stuck(exit)
//!   Absent            Absent
//! ```
//!
//! Promise: an agent has one entry from the moment its creation is asked for until nothing
//! of it is left; every change goes through [`step`]. Leaves to others: making, watching and
//! sweeping (`backend`).

mod life;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::{AgentId, Exit, PoolName};
use headcount_ports::BackendError;
use tokio::sync::watch;

use crate::procfs::{Handle, ProcessKey};
use crate::record::{AgentDir, Record};
pub(crate) use life::{Input, Life};
use life::{Step, step};

/// Ended agents whose exit and last output are remembered.
const REMEMBERED: usize = 256;

/// What is held of a process that was made or found.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) dir: AgentDir,
    pub(crate) record: Record,
    pub(crate) main: Handle,
    /// Whether it was asked to end: once only, a second TERM means something else.
    pub(crate) asked: AtomicBool,
    /// What descended from it when it was last looked at alive.
    pub(crate) captured: Mutex<Vec<ProcessKey>>,
}

impl Body {
    pub(crate) fn new(dir: AgentDir, record: Record, main: Handle) -> Self {
        Self {
            dir,
            record,
            main,
            asked: AtomicBool::new(false),
            captured: Mutex::default(),
        }
    }

    pub(crate) fn captured(&self) -> MutexGuard<'_, Vec<ProcessKey>> {
        self.captured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an agent stands, for those who wait for it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Status {
    pub(crate) life: Life,
    /// Why it was not made, or why it is stuck.
    pub(crate) error: Option<BackendError>,
}

/// What asking for an agent's creation comes to.
pub(crate) enum Claim {
    /// It is the caller's to make.
    New(watch::Receiver<Status>),
    /// Somebody makes it, or has.
    Known(watch::Receiver<Status>),
    /// It has been, and is gone.
    Over(Exit),
}

/// An entry, as others see it.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) pool: PoolName,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) body: Option<Arc<Body>>,
}

impl View {
    pub(crate) fn life(&self) -> Life {
        self.status.borrow().life
    }
}

#[derive(Default)]
pub(crate) struct Table {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<AgentId, Entry>,
    ended: VecDeque<Ended>,
}

struct Entry {
    pool: PoolName,
    status: watch::Sender<Status>,
    body: Option<Arc<Body>>,
}

struct Ended {
    agent: AgentId,
    exit: Exit,
    output: Vec<String>,
}

impl Table {
    /// Reserves an agent for its creation.
    pub(crate) fn claim(&self, agent: AgentId, pool: &PoolName) -> Claim {
        let mut inner = self.lock();
        if let Some(entry) = inner.entries.get(&agent) {
            return Claim::Known(entry.status.subscribe());
        }
        if let Some(ended) = inner.ended.iter().find(|ended| ended.agent == agent) {
            return Claim::Over(ended.exit);
        }
        Claim::New(inner.insert(agent, pool, Life::Starting, None))
    }

    /// Enters a process that was found alive. False when the agent is known already.
    pub(crate) fn adopt(&self, agent: AgentId, body: &Arc<Body>) -> bool {
        let mut inner = self.lock();
        if inner.entries.contains_key(&agent) {
            return false;
        }
        let pool = body.record.mark.pool.clone();
        inner.insert(agent, &pool, Life::Running, Some(body.clone()));
        true
    }

    /// Enters an agent that ended before this daemon looked. False when it is known already.
    pub(crate) fn enter_ended(&self, agent: AgentId, pool: &PoolName) -> bool {
        let mut inner = self.lock();
        if inner.entries.contains_key(&agent) {
            return false;
        }
        inner.insert(agent, pool, Life::Ended(Exit::Unknown), None);
        true
    }

    /// The creation succeeded. False when nobody knows the agent (any more).
    pub(crate) fn made(&self, agent: AgentId, body: &Arc<Body>) -> bool {
        let mut inner = self.lock();
        if let Some(entry) = inner.entries.get_mut(&agent) {
            entry.body = Some(body.clone());
        }
        inner.apply(agent, Input::Made, None)
    }

    /// The creation failed, or a sweep did.
    pub(crate) fn failed(&self, agent: AgentId, input: Input, error: BackendError) {
        self.lock().apply(agent, input, Some(error));
    }

    /// Anything else happened. False when it changes nothing.
    pub(crate) fn apply(&self, agent: AgentId, input: Input) -> bool {
        self.lock().apply(agent, input, None)
    }

    /// Nothing of it is left. Returns how it ended, if it was known.
    pub(crate) fn swept(&self, agent: AgentId, output: Vec<String>) -> Option<Exit> {
        let mut inner = self.lock();
        let life = inner.entries.get(&agent)?.status.borrow().life;
        let Life::Ended(exit) = life else {
            return None;
        };
        inner.remember(Ended {
            agent,
            exit,
            output,
        });
        inner.apply(agent, Input::Swept, None);
        Some(exit)
    }

    pub(crate) fn view(&self, agent: AgentId) -> Option<View> {
        self.lock().entries.get(&agent).map(Entry::view)
    }

    pub(crate) fn views(&self) -> HashMap<AgentId, View> {
        let inner = self.lock();
        let views = inner.entries.iter().map(|(agent, e)| (*agent, e.view()));
        views.collect()
    }

    /// Whether it ended lately and is gone.
    pub(crate) fn is_over(&self, agent: AgentId) -> bool {
        let inner = self.lock();
        !inner.entries.contains_key(&agent) && inner.ended.iter().any(|e| e.agent == agent)
    }

    /// The last output of an agent that ended lately.
    pub(crate) fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        let inner = self.lock();
        let ended = inner.ended.iter().find(|ended| ended.agent == agent);
        let output = ended.map(|e| e.output.as_slice()).unwrap_or_default();
        let from = output.len().saturating_sub(max_lines);
        output.get(from..).unwrap_or_default().to_vec()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(
        &mut self,
        agent: AgentId,
        pool: &PoolName,
        life: Life,
        body: Option<Arc<Body>>,
    ) -> watch::Receiver<Status> {
        let (status, receiver) = watch::channel(Status { life, error: None });
        let entry = Entry {
            pool: pool.clone(),
            status,
            body,
        };
        self.entries.insert(agent, entry);
        receiver
    }

    fn apply(&mut self, agent: AgentId, input: Input, error: Option<BackendError>) -> bool {
        let Some(entry) = self.entries.get(&agent) else {
            return false;
        };
        let life = entry.status.borrow().life;
        match step(life, input) {
            Step::To(life) => {
                entry.status.send_replace(Status { life, error });
                if life == Life::Absent {
                    self.entries.remove(&agent);
                }
                true
            }
            Step::Ignored => false,
            Step::Refused => {
                tracing::error!(%agent, ?life, ?input, "an instance cannot do this; please report");
                false
            }
        }
    }

    fn remember(&mut self, ended: Ended) {
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(ended);
    }
}

impl Entry {
    fn view(&self) -> View {
        View {
            pool: self.pool.clone(),
            status: self.status.subscribe(),
            body: self.body.clone(),
        }
    }
}
