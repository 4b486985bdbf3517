//! The backends of a daemon: which it has, what they need of this host, and that a reload
//! asks for no other.
//!
//! Promise: a backend is there for every scaler of the configuration the daemon started
//! with, and for every agent its ledger knows of, so that nothing is forgotten when a
//! scaler is taken out while the daemon is down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use headcount_backend_container::{
    ContainerBackend, ContainerOptions, HostLogin, Nft, check_isolation, find_engine, sweep_rules,
};
use headcount_backend_docker_machine::{
    DockerMachineBackend, DockerMachineOptions, Pace as Minutes, find_program,
};
use headcount_backend_kubernetes::{KubernetesBackend, KubernetesOptions, Pace};
use headcount_backend_process::{
    CgroupSupport, ProcessBackend, ProcessOptions, check_requirements,
};
use headcount_backend_program::{Pace as Calls, ProgramBackend, ProgramOptions};
use headcount_gateway::AgentListener;
use headcount_model::{
    AgentId, AgentKind, BackendId, ClusterAddress, ContainerNetwork, DockerMachineAddress,
    EngineAddress, Fleet, PoolName, PoolSpec, ProvisionerAddress, Recipe, ScalerSpec,
};
use headcount_ports::agent_env::CallBack;
use headcount_ports::{Backend, BackendInbox, Recovered};

use super::configuration::ConfigError;

/// The `ConfigMap` that owns all Jobs in a cluster.
const JOBS_OWNER: &str = "HEADCOUNT_KUBERNETES_OWNER";

/// Everything backends are built from.
pub(crate) struct Backends {
    process: ProcessOptions,
    support: CgroupSupport,
    agent_socket: PathBuf,
    /// Where agents of other machines find the daemon.
    call_back: CallBack,
    /// Engines at which the ledger knows agents.
    known: BTreeMap<BackendId, EngineAddress>,
    /// Clusters in which the ledger knows agents.
    clusters: BTreeSet<ClusterAddress>,
    /// Agents that the ledger knows on machines of provisioners.
    machines: BTreeMap<ProvisionerAddress, Vec<(AgentId, PoolName)>>,
    /// The same of those of `docker-machine`.
    docker_machines: BTreeMap<DockerMachineAddress, Vec<(AgentId, PoolName)>>,
    /// Which run; set when they start.
    running: OnceLock<Running>,
}

/// What was started.
struct Running {
    ids: BTreeSet<BackendId>,
    engines: Vec<Arc<ContainerBackend>>,
}

impl Backends {
    pub(super) fn new(
        process: ProcessOptions,
        agent_socket: PathBuf,
        call_back: CallBack,
        recovered: &Recovered,
    ) -> Self {
        let agents = || recovered.agents.iter().map(|agent| &agent.backend);
        let engines = agents().filter_map(|id| Some((id.clone(), EngineAddress::of_backend(id)?)));
        Self {
            known: engines.collect(),
            clusters: agents().filter_map(ClusterAddress::of_backend).collect(),
            machines: machines(recovered, ProvisionerAddress::of_backend),
            docker_machines: machines(recovered, DockerMachineAddress::of_backend),
            support: process.cgroups.support(),
            process,
            agent_socket,
            call_back,
            running: OnceLock::new(),
        }
    }

    /// One sentence for each thing this host, or this running daemon, lacks.
    pub(super) fn check(&self, fleet: &Fleet) -> Vec<String> {
        let mut missing = check_requirements(&fleet.scalers, &self.process, &self.support);
        for scaler in &fleet.scalers {
            missing.extend(self.check_engine(scaler));
            missing.extend(self.check_call_back(scaler));
            missing.extend(self.check_program(scaler));
            missing.extend(self.check_docker_machine(scaler));
            missing.extend(self.check_running(scaler));
        }
        missing
    }

    /// An engine that is to be found must be there, unless it is known: then it is only
    /// away.
    fn check_engine(&self, scaler: &ScalerSpec) -> Option<String> {
        let Some(EngineAddress::Detected(kind)) = engine(scaler) else {
            return None;
        };
        let is_known = self.known.contains_key(&scaler.backend)
            || self.is_running(&scaler.backend) == Some(true);
        if is_known {
            return None;
        }
        let error = find_engine(kind, runtime_dir(&self.process).as_deref()).err()?;
        Some(format!("scaler `{}`: {error}", scaler.name))
    }

    /// Pods and machines that could not find the daemon would only be made and given up.
    fn check_call_back(&self, scaler: &ScalerSpec) -> Option<String> {
        let managed = |pool: &&PoolSpec| pool.kind != AgentKind::Worker;
        let error = scaler.pools.iter().filter(managed).find_map(|pool| {
            let url = match &*pool.recipe {
                Recipe::Kubernetes(recipe) => &recipe.agent_url,
                Recipe::DockerMachine(recipe) => &recipe.agent_url,
                _ => return None,
            };
            self.call_back.tell(url.as_deref()).err()
        })?;
        Some(format!("scaler `{}`: {error}", scaler.name))
    }

    /// A provisioner must be there, unless it is known: then it may come back.
    fn check_program(&self, scaler: &ScalerSpec) -> Option<String> {
        let address = provisioner(scaler)?;
        if self.machines.contains_key(&address) || self.is_running(&scaler.backend) == Some(true) {
            return None;
        }
        let why = not_executable(Path::new(&address.program))?;
        let program = address.program;
        Some(format!(
            "scaler `{}`: the provisioner `{program}` {why}",
            scaler.name
        ))
    }

    /// The tool must be there, unless it is known: then it may come back.
    fn check_docker_machine(&self, scaler: &ScalerSpec) -> Option<String> {
        let tool = docker_machine(scaler)?;
        let is_known = self.docker_machines.contains_key(&tool)
            || self.is_running(&scaler.backend) == Some(true);
        if is_known {
            return None;
        }
        let why = find_program(tool.program.as_deref(), &self.process.host_env).err()?;
        Some(format!("scaler `{}`: {why}", scaler.name))
    }

    fn check_running(&self, scaler: &ScalerSpec) -> Option<String> {
        (self.is_running(&scaler.backend) == Some(false)).then(|| {
            format!(
                "scaler `{}`: restart required: this daemon has no backend `{}`; backends are \
                 made when it starts",
                scaler.name, scaler.backend
            )
        })
    }

    /// `None` before they are started.
    fn is_running(&self, id: &BackendId) -> Option<bool> {
        Some(self.running.get()?.ids.contains(id))
    }

    /// Makes all of them.
    pub(super) async fn start<I: BackendInbox + 'static>(
        &self,
        fleet: &Fleet,
        inbox: &Arc<I>,
    ) -> Result<Vec<Arc<dyn Backend>>> {
        let mut backends: Vec<Arc<dyn Backend>> =
            vec![ProcessBackend::new(self.process.clone(), inbox.clone())?];
        let configured = fleet.scalers.iter().filter_map(engine);
        let engines: BTreeSet<EngineAddress> =
            configured.chain(self.known.values().cloned()).collect();
        if !engines.is_empty() {
            open_to_containers(&self.agent_socket)?;
        }
        check_isolated(fleet).await?;
        let engines = engines.into_iter().map(|engine| {
            let options = self.container_options(engine);
            ContainerBackend::new(options, inbox.clone())
        });
        let engines: Vec<Arc<ContainerBackend>> = engines.collect();
        for engine in &engines {
            backends.push(engine.clone());
        }
        let bridges = engines.iter().map(|engine| engine.bridge()).collect();
        // Nobody waits for it, and who comes up meanwhile is not among what it removes.
        let owner = self.process.owner.clone();
        tokio::spawn(sweep_rules(Nft::default(), owner, bridges));
        let configured = fleet.scalers.iter().filter_map(cluster);
        let clusters: BTreeSet<ClusterAddress> =
            configured.chain(self.clusters.iter().cloned()).collect();
        for cluster in clusters {
            let options = self.kubernetes_options(cluster);
            backends.push(KubernetesBackend::new(options, inbox.clone()));
        }
        let configured = fleet.scalers.iter().filter_map(provisioner);
        let programs: BTreeSet<ProvisionerAddress> =
            configured.chain(self.machines.keys().cloned()).collect();
        for program in programs {
            let options = self.program_options(program, fleet);
            backends.push(ProgramBackend::new(options, inbox.clone()));
        }
        let configured = fleet.scalers.iter().filter_map(docker_machine);
        let tools: BTreeSet<DockerMachineAddress> = configured
            .chain(self.docker_machines.keys().cloned())
            .collect();
        for tool in tools {
            let options = self.docker_machine_options(tool, fleet);
            backends.push(DockerMachineBackend::new(options, inbox.clone()));
        }
        let ids = backends.iter().map(|backend| backend.id()).collect();
        // Started once.
        drop(self.running.set(Running { ids, engines }));
        Ok(backends)
    }

    /// Takes back what is of no use without agents: networks and their rules.
    pub(super) async fn close(&self) {
        for engine in self.running.get().into_iter().flat_map(|r| &r.engines) {
            engine.close().await;
        }
    }

    fn kubernetes_options(&self, cluster: ClusterAddress) -> KubernetesOptions {
        let process = &self.process;
        let said = |name: &str| process.host_env.get(name).filter(|it| !it.is_empty());
        KubernetesOptions {
            cluster,
            owner: process.owner.clone(),
            call_back: self.call_back.clone(),
            forwarded: process.forwarded.clone(),
            owned_by: said(JOBS_OWNER).cloned(),
            pace: Pace::default(),
        }
    }

    fn program_options(&self, address: ProvisionerAddress, fleet: &Fleet) -> ProgramOptions {
        let process = &self.process;
        let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
        let own = pools.filter_map(|pool| match &*pool.recipe {
            Recipe::Program(recipe) if recipe.provisioner == address => {
                Some((pool.name.clone(), recipe.options.clone()))
            }
            _ => None,
        });
        ProgramOptions {
            owner: process.owner.clone(),
            state_dir: Some(process.state_dir.clone()),
            host_env: process.host_env.clone(),
            call_back: self.call_back.clone(),
            own_url: Some(process.agent_url.clone()),
            forwarded: process.forwarded.clone(),
            known: self.machines.get(&address).cloned().unwrap_or_default(),
            pools: own.collect(),
            pace: Calls::default(),
            provisioner: address,
        }
    }

    fn docker_machine_options(
        &self,
        tool: DockerMachineAddress,
        fleet: &Fleet,
    ) -> DockerMachineOptions {
        let process = &self.process;
        let known = self.docker_machines.get(&tool).into_iter().flatten();
        DockerMachineOptions {
            owner: process.owner.clone(),
            state_dir: process.state_dir.clone(),
            host_env: process.host_env.clone(),
            own_binary: process.own_binary.clone(),
            call_back: self.call_back.clone(),
            forwarded: process.forwarded.clone(),
            known: known.cloned().collect(),
            credentials: Arc::new(HostLogin::from_environment(|name| std::env::var_os(name))),
            pace: minutes(&tool, fleet),
            tool,
        }
    }

    fn container_options(&self, engine: EngineAddress) -> ContainerOptions {
        let process = &self.process;
        ContainerOptions {
            engine,
            owner: process.owner.clone(),
            state_dir: process.state_dir.clone(),
            own_binary: process.own_binary.clone(),
            agent_socket: self.agent_socket.clone(),
            call_back: self.call_back.clone(),
            forwarded: process.forwarded.clone(),
            runtime_dir: runtime_dir(process),
            nft: Nft::default(),
            credentials: Arc::new(HostLogin::from_environment(|name| std::env::var_os(name))),
        }
    }
}

fn cluster(scaler: &ScalerSpec) -> Option<ClusterAddress> {
    let mut recipes = scaler.pools.iter().map(|pool| &*pool.recipe);
    recipes.find_map(|recipe| match recipe {
        Recipe::Kubernetes(recipe) => Some(recipe.cluster.clone()),
        _ => None,
    })
}

fn provisioner(scaler: &ScalerSpec) -> Option<ProvisionerAddress> {
    let mut recipes = scaler.pools.iter().map(|pool| &*pool.recipe);
    recipes.find_map(|recipe| match recipe {
        Recipe::Program(recipe) => Some(recipe.provisioner.clone()),
        _ => None,
    })
}

fn docker_machine(scaler: &ScalerSpec) -> Option<DockerMachineAddress> {
    let mut recipes = scaler.pools.iter().map(|pool| &*pool.recipe);
    recipes.find_map(|recipe| match recipe {
        Recipe::DockerMachine(recipe) => Some(recipe.tool.clone()),
        _ => None,
    })
}

/// As long as the most patient of its pools waits: nobody waits longer for the tool.
fn minutes(tool: &DockerMachineAddress, fleet: &Fleet) -> Minutes {
    let scalers = fleet.scalers.iter();
    let scalers = scalers.filter(|scaler| docker_machine(scaler).as_ref() == Some(tool));
    let timeouts = scalers.flat_map(|scaler| scaler.pools.iter().map(|pool| pool.timeouts));
    let (mut create, mut remove) = (None, None);
    for timeout in timeouts {
        create = create.max(Some(timeout.create));
        remove = remove.max(Some(timeout.destroy));
    }
    let usual = Minutes::default();
    Minutes {
        create: create.unwrap_or(usual.create),
        remove: remove.unwrap_or(usual.remove),
        ..usual
    }
}

/// Agents that the ledger knows, by the place that this reads from the name of a backend.
fn machines<A: Ord>(
    recovered: &Recovered,
    of_backend: impl Fn(&BackendId) -> Option<A>,
) -> BTreeMap<A, Vec<(AgentId, PoolName)>> {
    let mut machines: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for agent in &recovered.agents {
        if let Some(address) = of_backend(&agent.backend) {
            let known = machines.entry(address).or_default();
            known.push((agent.id, agent.pool.clone()));
        }
    }
    machines
}

/// Why a file cannot be executed, with what to do.
fn not_executable(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Err(error) => Some(format!("cannot be used: {error}; correct `program`")),
        Ok(meta) if !meta.is_file() => Some("is no file; correct `program`".to_owned()),
        Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
            Some("is not executable; `chmod +x` it".to_owned())
        }
        Ok(_) => None,
    }
}

/// Rules can be put into the kernel, if any scaler wants them.
async fn check_isolated(fleet: &Fleet) -> Result<(), ConfigError> {
    let isolated = fleet.scalers.iter().find(|scaler| {
        let mut recipes = scaler.pools.iter().map(|pool| &*pool.recipe);
        recipes.any(|recipe| match recipe {
            Recipe::Container(recipe) => recipe.network != ContainerNetwork::Open,
            _ => false,
        })
    });
    let Some(scaler) = isolated else {
        return Ok(());
    };
    let checked = check_isolation(&Nft::default()).await;
    checked.map_err(|why| ConfigError::Missing(vec![format!("scaler `{}`: {why}", scaler.name)]))
}

/// Awaits agents in a folder that holds the socket alone.
pub(super) fn listen(socket: &Path) -> Result<AgentListener> {
    if let Some(folder) = socket.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    Ok(AgentListener::unix(socket)?)
}

/// Users of images have other numbers than ours. On this host nobody else comes near: the
/// state directory around it is the daemon's alone.
fn open_to_containers(socket: &Path) -> Result<()> {
    let folder = socket.parent().unwrap_or(socket);
    for (path, mode) in [(folder, 0o711), (socket, 0o666)] {
        fs::set_permissions(path, Permissions::from_mode(mode))
            .with_context(|| format!("cannot let containers use `{}`", path.display()))?;
    }
    Ok(())
}

fn engine(scaler: &ScalerSpec) -> Option<EngineAddress> {
    let recipes = scaler.pools.iter().map(|pool| &*pool.recipe);
    recipes
        .filter_map(|recipe| match recipe {
            Recipe::Container(recipe) => Some(recipe.engine.clone()),
            _ => None,
        })
        .next()
}

fn runtime_dir(process: &ProcessOptions) -> Option<PathBuf> {
    let dir = process.host_env.get("XDG_RUNTIME_DIR")?;
    (!dir.is_empty()).then(|| PathBuf::from(dir))
}
