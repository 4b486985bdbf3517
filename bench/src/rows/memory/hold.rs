//! The child whose memory is measured: tracks so many agents and says what that takes.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use headcount_controller::{Clock, Controller, Inbox, Wiring};
use headcount_model::{
    AgentId, AgentPhase, Answer, BackendId, Changes, ClassKey, Demand, JobEnd, JobId, JobWork,
    LinkEvent, Listing, SourceId, Taken, Timestamp,
};
use headcount_planner::Link;
use headcount_ports::{
    AgentLink, AssignRequest, Backend, BackendError, BackendPromises, CreateRequest,
    DestroyRequest, Ledger, LinkError, LinkInbox, Source, SourceError,
};
use headcount_store::{Options, SqliteStore, StateDir};

use crate::fleet::{self, SESSION, Size};
use crate::process;

/// Agents that connect at the same time: as many as one round takes in.
const AT_ONCE: usize = 1024;

/// Prints resident and peak memory in KiB, with `agents` agents tracked.
#[expect(clippy::print_stdout, reason = "the answer to whoever started this")]
pub(crate) fn hold(agents: &str) -> Result<()> {
    let size = Size {
        agents: agents.parse().context("how many agents?")?,
        jobs: 10_000,
        classes: 100,
        pools: 1_000,
    };
    let dir = tempfile::tempdir()?;
    fill(dir.path(), size)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let memory = runtime.block_on(track(dir.path(), size))?;
    println!("{} {}", memory.resident, memory.peak);
    std::io::stdout().flush()?;
    Ok(())
}

/// The ledger as an earlier daemon left it.
fn fill(dir: &std::path::Path, size: Size) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store = SqliteStore::open(&StateDir::open(dir)?, Options::default())?;
    let agents = fleet::records(&size, |_| AgentPhase::Ready);
    for piece in agents.chunks(AT_ONCE) {
        let changes = Changes {
            agents: piece.to_vec(),
            ..Changes::default()
        };
        runtime.block_on(store.commit(changes, None))?;
    }
    Ok(())
}

async fn track(dir: &std::path::Path, size: Size) -> Result<process::Memory> {
    let store = SqliteStore::open(&StateDir::open(dir)?, Options::default())?;
    let recovered = store.load().await?;
    let controller = Controller::new();
    let inbox = controller.inbox();
    let (handle, hall) = controller.start(Wiring {
        backlog_warning: None,
        clock: Clock::start(),
        fleet: fleet::configured(&size),
        recovered,
        ledger: Arc::new(store),
        sources: vec![Arc::new(Waiting(size))],
        backends: vec![Arc::new(Lister(size))],
        link: Arc::new(Nobody),
        machine_pools: Arc::new(headcount_ports::NoMachinePools),
        signals: Arc::new(headcount_ports::NoSignals),
    });
    let hall = tokio::spawn(hall);
    connect(&inbox, size).await?;
    let view = handle.view().await?;
    let up = view
        .agents
        .iter()
        .filter(|agent| agent.link == Link::Up)
        .count();
    let agents = usize::try_from(size.agents)?;
    ensure!(up == agents, "{up} of {agents} agents are connected");
    ensure!(
        view.backends.iter().all(|backend| backend.fresh),
        "the backend has not listed"
    );
    let memory = process::memory(std::process::id())?;
    // Both are held until here.
    drop(view);
    hall.abort();
    Ok(memory)
}

/// Every agent says that it is back.
async fn connect(inbox: &Inbox, size: Size) -> Result<()> {
    let agents = stream::iter(0..size.agents).map(fleet::agent_id);
    let mut answers = agents
        .map(|agent| inbox.post_resumed(agent))
        .buffer_unordered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        ensure!(
            answer == Answer::Applied,
            "an agent was not taken back: {answer:?}"
        );
    }
    Ok(())
}

/// How an agent comes back.
trait Resumes {
    fn post_resumed(&self, agent: AgentId) -> impl Future<Output = Answer>;
}

impl Resumes for Inbox {
    async fn post_resumed(&self, agent: AgentId) -> Answer {
        let resumed = LinkEvent::Resumed {
            agent,
            session: SESSION,
            held: Vec::new(),
        };
        LinkInbox::post(self, resumed).await
    }
}

/// Lists every agent, and is never asked for more: no job fits, and none may leave.
struct Lister(Size);

#[async_trait]
impl Backend for Lister {
    fn id(&self) -> BackendId {
        fleet::backend()
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: true,
            enforces_limits: true,
        }
    }

    async fn create(&self, _: CreateRequest) -> Result<(), BackendError> {
        Err(BackendError::Invalid(
            "this fleet is as large as it gets".into(),
        ))
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        Ok(Listing {
            instances: fleet::instances(&self.0),
        })
    }

    async fn destroy(&self, _: DestroyRequest) -> Result<(), BackendError> {
        Err(BackendError::Transient("nobody leaves this fleet".into()))
    }

    async fn last_output(&self, _: AgentId, _: usize) -> Vec<String> {
        Vec::new()
    }
}

/// Jobs wait, but are handed out to nobody.
struct Waiting(Size);

#[async_trait]
impl Source for Waiting {
    fn id(&self) -> SourceId {
        fleet::source()
    }

    async fn refresh(&self) -> Result<Demand, SourceError> {
        Ok(Demand {
            sample: 1,
            classes: fleet::classes(&self.0),
        })
    }

    async fn take(&self, _: &ClassKey, _: u32) -> Result<Taken, SourceError> {
        Err(refused())
    }

    async fn work(&self, _: JobId) -> Result<JobWork, SourceError> {
        Err(refused())
    }

    async fn give_back(&self, _: JobId, _: u32, _: u32) -> Result<(), SourceError> {
        Err(refused())
    }

    async fn complete(&self, _: JobId, _: &JobEnd, _: Timestamp) -> Result<(), SourceError> {
        Err(refused())
    }

    async fn expire(&self, _: &ClassKey, _: Timestamp) -> Result<(), SourceError> {
        Err(refused())
    }

    async fn fail_class(&self, _: &ClassKey, _: &JobEnd, _: Timestamp) -> Result<(), SourceError> {
        Err(refused())
    }
}

fn refused() -> SourceError {
    SourceError::Transient("nothing is handed out".into())
}

/// There are no connections.
struct Nobody;

#[async_trait]
impl AgentLink for Nobody {
    async fn assign(&self, _: AssignRequest) -> Result<(), LinkError> {
        Err(LinkError::NotConnected)
    }

    async fn cancel(&self, _: AgentId, _: JobId, _: u32) -> Result<(), LinkError> {
        Err(LinkError::NotConnected)
    }

    async fn drain(&self, _: AgentId) -> Result<(), LinkError> {
        Err(LinkError::NotConnected)
    }

    async fn forget(&self, _: AgentId) {}
}
