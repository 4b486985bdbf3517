//! The daemon, wired: one controller and everything around it.

use std::collections::BTreeMap;
use std::iter;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use headcount_backend_process::{
    CgroupMode, DEFAULT_OUTPUT_LIMIT, ProcessOptions, call_back_url, forwarded,
};
use headcount_controller::{Clock, Controller, Handle, Wiring};
use headcount_gateway::{AgentListener, Gateway, GatewayOptions};
use headcount_model::{OwnerId, Secret};
use headcount_ports::{AgentLink, JobBook, Ledger, LogBook, Source};
use headcount_server::{Access, Feed, Parts, Server, WatchedBook};
use headcount_source_queue::QueueSource;
use headcount_source_redis::RedisSignals;
use headcount_store::{SqliteStore, StateDir};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backends::{self, Backends};
use super::configuration::{ConfigOrigin, Configuration};
use super::grammar::ConfigGrammar;
use super::machine_pools::{Ledger as MachineLedger, LedgerSettings};
use super::office::Office;
use super::queue::{QueueDesk, QueueSettings};
use super::remote_agents::{RemoteAgents, RemoteSettings};
use super::sources::Streams;

/// The agents' Unix socket, in the state directory. Its folder holds nothing else, because
/// containers see all of it.
const AGENT_SOCKET: &str = "run/agents.sock";
/// A file in the state directory with the API's address in one line.
const ADDRESS_FILE: &str = "api.url";
/// Servers have this long to finish what they are answering.
const STOP_SERVING: Duration = Duration::from_secs(3);

/// Everything a daemon is started with.
pub(crate) struct DaemonSettings {
    pub(crate) config: ConfigOrigin,
    pub(crate) state_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) token: Option<Secret>,
    pub(crate) remote: RemoteSettings,
    pub(crate) queue: QueueSettings,
    pub(crate) machine_ledger: LedgerSettings,
}

/// A running daemon.
pub(crate) struct Daemon {
    handle: Handle,
    configuration: Arc<Configuration>,
    server: Server,
    queue: Arc<QueueSource>,
    store: SqliteStore,
    state_dir: PathBuf,
    api: SocketAddr,
    stopping: CancellationToken,
    servers: TaskTracker,
}

impl Daemon {
    /// Starts everything, or nothing.
    pub(crate) async fn start(settings: DaemonSettings) -> Result<Self> {
        let access = Access::new(settings.listen, settings.token)?;
        let dir = StateDir::open(&settings.state_dir)?;
        let store = SqliteStore::open(&dir, headcount_store::Options::default())?;
        let recovered = store.load().await.context("the ledger cannot be read")?;
        let process = process_options(&dir, recovered.owner.clone());
        let shared = MachineLedger::open(recovered.owner.clone(), settings.machine_ledger);
        let said = Some(call_back_url(None, &process.host_env, "")).filter(|url| !url.is_empty());
        let (remote, far) = RemoteAgents::open(&settings.remote, dir.path(), said).await?;
        let call_back = remote.call_back().clone();
        let backends = Backends::new(process, dir.join(AGENT_SOCKET), call_back, &recovered);
        let configuration = Configuration::new(settings.config, backends, shared, remote);
        let loaded = configuration.load()?;
        configuration.reads(loaded.sources.clone());
        configuration.share(&loaded.fleet).await?;
        if !loaded.warnings.is_empty() {
            tracing::warn!("{}", loaded.warnings.render(false, 100));
        }

        let clock = Clock::start();
        let controller = Controller::new();
        let inbox = Arc::new(controller.inbox());
        let feed = Feed::new();
        let book = WatchedBook::new(Arc::new(store.clone()), feed.clone());
        let logs: Arc<dyn LogBook> = Arc::new(store.clone());
        let ledger: Arc<dyn Ledger> = Arc::new(store.clone());
        let queue_options = headcount_source_queue::Options {
            max_depth: settings.queue.max_depth,
            default_expiry: settings.queue.expiry,
            clock: Arc::new(move || clock.now()),
        };
        let book: Arc<dyn JobBook> = Arc::new(book);
        let queue = QueueSource::open(Arc::clone(&book), inbox.clone(), queue_options);
        let queue = Arc::new(queue.await.context("the queue cannot be read")?);
        let gateway = Gateway::new(inbox.clone(), logs, GatewayOptions::default());
        let link: Arc<dyn AgentLink> = gateway.clone();

        // Every address is taken before anything is begun that outlives a failed start.
        let api = TcpListener::bind(settings.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; is another daemon running? choose another with --listen",
                settings.listen
            )
        })?;
        let address = api.local_addr()?;
        let near = backends::listen(&dir.join(AGENT_SOCKET))?;
        let agents = iter::once(near).chain(far).collect();
        let backends = configuration.backends();
        let backends = backends.start(&loaded.fleet, &inbox).await?;

        let owner = recovered.owner.clone();
        let streams = Streams::open(loaded.sources, &owner, &book, &inbox, clock).await?;
        let mut sources: Vec<Arc<dyn Source>> = vec![queue.clone()];
        sources.extend(streams.all());
        let signals = RedisSignals::new(inbox.clone()).with_clock(Arc::new(move || clock.now()));
        let (handle, hall) = controller.start(Wiring {
            backlog_warning: settings.queue.warning_depth,
            clock,
            fleet: loaded.fleet,
            recovered,
            ledger,
            sources,
            backends,
            link,
            machine_pools: configuration.machine_pools(),
            signals: Arc::new(signals),
        });
        configuration.attach(handle.clone());
        tokio::spawn(hall);

        let stopping = CancellationToken::new();
        let office = Office {
            configuration: configuration.clone(),
            store: store.clone(),
            gateway: gateway.clone(),
            streams: streams.clone(),
        };
        let server = Server::new(Parts {
            handle: handle.clone(),
            clock,
            jobs: Arc::new(store.clone()),
            logs: Arc::new(store.clone()),
            time: Arc::new(store.clone()),
            queue: Arc::new(QueueDesk {
                queue: queue.clone(),
                streams,
                store: store.clone(),
            }),
            daemon: Arc::new(office),
            grammar: Arc::new(ConfigGrammar),
            feed,
            access,
            closing: stopping.clone(),
        });
        let daemon = Self {
            handle,
            configuration,
            server,
            queue: queue.clone(),
            store: store.clone(),
            state_dir: dir.path().to_path_buf(),
            api: address,
            stopping,
            servers: TaskTracker::new(),
        };
        daemon.serve_agents(&gateway, agents);
        daemon.serve_api(api);
        announce(&dir, &daemon.api_url())?;
        Ok(daemon)
    }

    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Reads the configuration again, as a client's `reload` does; what came of it is logged.
    pub(crate) async fn reload(&self) {
        drop(self.server.reload().await);
    }

    /// Where jobs are submitted from within.
    pub(crate) fn queue(&self) -> &QueueSource {
        &self.queue
    }

    /// What is known of all jobs.
    pub(crate) const fn book(&self) -> &SqliteStore {
        &self.store
    }

    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Where clients find it.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Closes every connection; agents come back to the next daemon by themselves.
    pub(crate) async fn stop_serving(&self) {
        self.stopping.cancel();
        self.servers.close();
        if tokio::time::timeout(STOP_SERVING, self.servers.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections were cut off");
        }
    }

    /// Takes back what is of no use without agents.
    pub(crate) async fn close_backends(&self) {
        let closing = self.configuration.backends().close();
        if tokio::time::timeout(STOP_SERVING, closing).await.is_err() {
            tracing::warn!("a container engine does not answer; its network stays");
        }
    }

    /// No new jobs from now on, neither from clients nor to agents.
    pub(crate) async fn stop_taking(&self) {
        self.server.stop_taking();
        self.handle.stop_taking().await;
    }

    fn serve_api(&self, listener: TcpListener) {
        let router = headcount_server::router(&self.server);
        let stopping = self.stopping.clone();
        self.servers
            .spawn(headcount_server::serve(listener, router, stopping));
    }

    fn serve_agents(&self, gateway: &Arc<Gateway>, agents: Vec<AgentListener>) {
        let gateway = Arc::clone(gateway);
        let stopping = self.stopping.clone();
        self.servers.spawn(async move {
            gateway.serve(agents, stopping.cancelled_owned()).await;
        });
    }
}

/// Leaves the address where tools of this host find it.
fn announce(dir: &StateDir, url: &str) -> Result<()> {
    let fresh = dir.join("api.url.new");
    std::fs::write(&fresh, format!("{url}\n"))
        .and_then(|()| std::fs::rename(&fresh, dir.join(ADDRESS_FILE)))
        .with_context(|| {
            format!(
                "cannot write into the state directory `{}`",
                dir.path().display()
            )
        })
}

fn process_options(dir: &StateDir, owner: OwnerId) -> ProcessOptions {
    let host_env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let own = format!("unix:{}", dir.join(AGENT_SOCKET).display());
    ProcessOptions {
        state_dir: dir.path().to_path_buf(),
        owner,
        own_binary: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("headcount")),
        // Agents of this host have its socket: a URL in the environment is for images that
        // bring an agent of their own.
        agent_url: own,
        forwarded: forwarded(&host_env),
        host_env,
        output_limit: DEFAULT_OUTPUT_LIMIT,
        cgroups: CgroupMode::Detect,
    }
}

#[cfg(test)]
mod tests {
    use headcount_api::agent::{env, files};
    use headcount_ports::agent_env;

    /// A backend does not know the wire types, so the names stand in two places.
    #[test]
    fn what_backends_write_is_what_agents_read() {
        let pairs = [
            (agent_env::URL, env::URL),
            (agent_env::PIN, env::PIN),
            (agent_env::ID, env::ID),
            (agent_env::TOKEN_FILE, env::TOKEN_FILE),
            (agent_env::LABELS, env::LABELS),
            (agent_env::SLOTS, env::SLOTS),
            (agent_env::DIR, env::DIR),
            (agent_env::ORIGIN, env::ORIGIN),
            (agent_env::FORWARD_PREFIX, env::FORWARD_PREFIX),
            (agent_env::JOBS_FOLDER, files::JOBS),
            (agent_env::MARK_FILE, files::MARK),
            (agent_env::JOB_MARK, files::JOB_MARK),
        ];
        for (written, read) in pairs {
            assert_eq!(written, read);
        }
    }
}
