//! The backend: creates, lists, destroys, and tells of deaths.
//!
//! Promise: see the crate. Each instance is watched by one small future that sleeps on its
//! pidfd; nothing polls. That future alone removes what an instance leaves, so that a
//! `destroy` that is dropped, repeated or doubled does no harm: it asks and waits.
//! Leaves to others: deadlines and retries (`controller`).

mod birth;
mod ending;
mod survey;
mod teller;
mod watch;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use headcount_model::{AgentId, BackendId, Listing};
use headcount_ports::{
    Backend, BackendError, BackendInbox, BackendPromises, CreateRequest, DestroyRequest,
};
use tokio::runtime::Handle as Runtime;
use tokio::sync::Semaphore;

use crate::census::Scans;
use crate::cgroup::CgroupSupport;
use crate::inherited;
use crate::options::{ProcessOptions, StartError};
use crate::output;
use crate::procfs::{BOOT_ID, Handle, Stat, boot_id};
use crate::record::AgentDir;
use crate::remove::{ASIDE, remove_all};
use crate::table::Table;
use teller::Teller;

/// What this backend is called in configuration and records.
const ID: &str = "bare-metal";
/// Processes made at once: threads that may block.
const MAKERS: usize = 8;
/// Leftovers removed at once. Those who wait for a look at all processes share one, so a
/// large fleet leaves the faster the more of them there are.
const SWEEPERS: usize = 64;

/// Agents as processes of this host.
///
/// Dropping it ends nothing: the processes go on, and the next one over the same state
/// directory finds them by `list`.
pub struct ProcessBackend {
    core: Arc<Core>,
}

/// What the futures of all instances share.
struct Core {
    options: ProcessOptions,
    agents: PathBuf,
    boot: String,
    support: CgroupSupport,
    table: Table,
    scans: Scans,
    teller: Teller,
    makers: Semaphore,
    sweepers: Semaphore,
}

impl ProcessBackend {
    /// Prepares the directory of agents and looks at what the host offers. Starts nothing
    /// and touches no process. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The host cannot do this: show it and end.
    pub fn new(
        options: ProcessOptions,
        inbox: Arc<dyn BackendInbox>,
    ) -> Result<Arc<Self>, StartError> {
        Runtime::try_current().map_err(|source| StartError::Runtime { source })?;
        let agents = prepare_dir(&options)?;
        let boot = boot_id().map_err(|source| StartError::Proc {
            path: BOOT_ID,
            source,
        })?;
        check_kernel()?;
        inherited::seal().map_err(|source| StartError::Proc {
            path: "/proc/self/fd",
            source,
        })?;
        let core = Core {
            support: options.cgroups.support(),
            agents,
            boot,
            table: Table::default(),
            scans: Scans::default(),
            teller: Teller::start(BackendId::new(ID), inbox),
            makers: Semaphore::new(MAKERS),
            sweepers: Semaphore::new(SWEEPERS),
            options,
        };
        Ok(Arc::new(Self {
            core: Arc::new(core),
        }))
    }

    /// How limits are enforced on this host, for `check` and for a start-up message.
    #[must_use]
    pub fn cgroup_support(&self) -> &CgroupSupport {
        &self.core.support
    }
}

#[async_trait]
impl Backend for ProcessBackend {
    fn id(&self) -> BackendId {
        BackendId::new(ID)
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: true,
            enforces_limits: !matches!(self.core.support, CgroupSupport::Missing { .. }),
        }
    }

    /// See the port. An agent that has ended is not started again: the call succeeds, and
    /// its end is told (again).
    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        birth::create(&self.core, request).await
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        survey::list(&self.core).await
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        ending::destroy(&self.core, request).await
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        let core = self.core.clone();
        let read = move || {
            let dir = AgentDir::new(&core.agents, agent);
            let lines = output::tail(&dir.path, max_lines);
            match lines.is_empty() {
                true => core.table.last_output(agent, max_lines),
                false => lines,
            }
        };
        let lines = tokio::task::spawn_blocking(read).await;
        lines.unwrap_or_default()
    }
}

/// Makes `agents/`, and removes what earlier daemons could not or were killed over.
fn prepare_dir(options: &ProcessOptions) -> Result<PathBuf, StartError> {
    use std::os::unix::fs::DirBuilderExt;
    let path = options.state_dir.join("agents");
    let path = std::path::absolute(&path).unwrap_or(path);
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path);
    let entries = made.and_then(|()| fs::read_dir(&path));
    let entries = entries.map_err(|source| StartError::Directory {
        path: path.clone(),
        source,
    })?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(ASIDE) {
            if let Err(error) = remove_all(&entry.path()) {
                tracing::warn!(path = %entry.path().display(), %error, "still cannot be removed");
            }
        } else if let Ok(agent) = name.parse() {
            AgentDir::new(&path, agent).remove_if_unborn();
        }
    }
    Ok(path)
}

/// Tries a pidfd on ourselves.
fn check_kernel() -> Result<(), StartError> {
    let held = i32::try_from(std::process::id())
        .map_err(std::io::Error::other)
        .and_then(Stat::read)
        .and_then(|stat| stat.map(|stat| Handle::open(stat.key)).transpose());
    match held {
        Ok(_) => Ok(()),
        Err(source) => Err(StartError::Kernel { source }),
    }
}
