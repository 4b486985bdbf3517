use std::path::PathBuf;
use std::sync::Arc;

use bollard::{API_DEFAULT_VERSION, Docker};
use headcount_model::{
    AgentId, AgentKind, BackendId, ContainerNetwork, EngineAddress, EngineKind, Granted,
    LogPressure, OwnerId, PullPolicy, Recipe, Resources,
};
use headcount_ports::agent_env::CallBack;

use super::*;
use headcount_engines::Anonymous;

pub(crate) fn request(agent: AgentId) -> CreateRequest {
    CreateRequest {
        agent,
        owner: OwnerId::new("me"),
        pool: "tests/linux+x".into(),
        scaler: "tests".into(),
        kind: AgentKind::Managed,
        labels: "linux,x".into(),
        granted: Granted::default(),
        slots: 1,
        log_pressure: LogPressure::Pause,
        deadline: std::time::Duration::from_secs(60),
        recipe: Arc::new(Recipe::Container(recipe())),
        token: None,
    }
}

pub(crate) fn recipe() -> ContainerRecipe {
    ContainerRecipe {
        engine: EngineAddress::Socket("/run/e.sock".into()),
        image: "busybox:1".into(),
        pull: PullPolicy::Never,
        program: ContainerProgram::OwnAgent,
        env: [].into(),
        volumes: Vec::new(),
        engine_socket: false,
        extra_hosts: Vec::new(),
        network: ContainerNetwork::Open,
    }
}

pub(crate) fn options() -> ContainerOptions {
    ContainerOptions {
        engine: EngineAddress::Socket("/run/e.sock".into()),
        owner: OwnerId::new("me"),
        state_dir: "/state".into(),
        own_binary: "/usr/bin/headcount".into(),
        agent_socket: "/state/run/agents.sock".into(),
        call_back: CallBack::default(),
        forwarded: [].into(),
        runtime_dir: None,
        nft: headcount_network::Nft::default(),
        credentials: Arc::new(Anonymous),
    }
}

pub(crate) fn client(kind: EngineKind, socket: Option<&str>) -> Client {
    let docker = Docker::connect_with_http("tcp://127.0.0.1:1", 1, API_DEFAULT_VERSION).unwrap();
    let socket = socket.map(PathBuf::from);
    Client {
        docker,
        kind,
        socket,
        roots_are_one: true,
    }
}

fn asked(request: &CreateRequest, recipe: &ContainerRecipe) -> HostConfig {
    let ours = Ours {
        owner: OwnerId::new("me"),
        backend: BackendId::new("container"),
    };
    let client = client(EngineKind::Docker, Some("/run/e.sock"));
    let body = body(
        request,
        recipe,
        &ours,
        &options(),
        &client,
        &Parts::default(),
    )
    .unwrap();
    body.host_config.unwrap()
}

const AGENT: AgentId = AgentId {
    epoch: 1,
    number: 2,
};

/// Vector D2.
#[test]
fn d2_limits_are_bytes_and_nanoseconds_and_swap_adds_nothing() {
    let mut request = request(AGENT);
    let none = asked(&request, &recipe());
    assert_eq!(
        (none.memory, none.memory_swap, none.nano_cpus),
        (None, None, None)
    );
    request.granted.limits = Resources {
        cpu_millis: 2000,
        memory_bytes: 2 << 30,
    };
    let two = asked(&request, &recipe());
    assert_eq!(
        (two.memory, two.memory_swap, two.nano_cpus),
        (
            Some(2_147_483_648),
            Some(2_147_483_648),
            Some(2_000_000_000)
        )
    );
    request.granted.limits.cpu_millis = 500;
    assert_eq!(asked(&request, &recipe()).nano_cpus, Some(500_000_000));
}

/// Vector D3, the half without a job: agents are made for a class of jobs, and which of
/// them one runs is decided when it is ready, so no container carries a job's id.
/// `headcount agents` and the job's own record tell who ran what.
#[test]
fn d3_no_container_is_bound_to_a_job() {
    let ours = Ours {
        owner: OwnerId::new("me"),
        backend: BackendId::new("container"),
    };
    let labels = ours.labels(&request(AGENT));
    let mut labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
    labels.sort();
    assert_eq!(
        labels,
        [
            "headcount.agent=a-1-2",
            "headcount.backend=container",
            "headcount.owner=me",
            "headcount.pool=tests/linux+x",
            "headcount.scaler=tests",
            "kici-agent-id=a-1-2",
            "kici-labels=linux,x",
            "kici-managed=true",
            "kici-scaler-name=tests",
        ]
    );
}

#[test]
fn a_container_gets_as_little_as_possible() {
    let host = asked(&request(AGENT), &recipe());
    assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
    let kept = "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID";
    assert_eq!(host.cap_add.unwrap().join(" "), kept);
    assert_eq!(host.security_opt.unwrap(), ["no-new-privileges"]);
    assert_eq!(
        (host.pids_limit, host.auto_remove),
        (Some(4096), Some(false))
    );
    assert_eq!(host.privileged, None);
    let mounts = host.mounts.unwrap();
    let mounts = mounts.iter().map(|mount| {
        let (source, target) = (
            mount.source.as_ref().unwrap(),
            mount.target.as_ref().unwrap(),
        );
        (source.as_str(), target.as_str(), mount.read_only)
    });
    assert_eq!(
        mounts.collect::<Vec<_>>(),
        [
            ("/usr/bin/headcount", "/headcount/headcount", Some(true)),
            ("/state/run", "/headcount/run", Some(true)),
        ]
    );
}

#[test]
fn the_engines_socket_is_shared_at_its_own_path() {
    let mut recipe = recipe();
    recipe.engine_socket = true;
    let mounts = asked(&request(AGENT), &recipe).mounts.unwrap();
    let socket = mounts.last().unwrap();
    assert_eq!(socket.source.as_deref(), Some("/run/e.sock"));
    assert_eq!(socket.target.as_deref(), Some("/run/e.sock"));
}

#[test]
fn a_remote_engine_cannot_mount() {
    let client = client(EngineKind::Docker, None);
    let mut recipe = recipe();
    let refused = |recipe: &ContainerRecipe| mounts(recipe, &options(), &client, None).unwrap_err();
    assert_eq!(
        refused(&recipe).to_string(),
        "a remote engine cannot mount this daemon's agent; set `agent: image`"
    );
    recipe.program = ContainerProgram::Worker(vec!["work".into()]);
    assert_eq!(mounts(&recipe, &options(), &client, None), Ok(Vec::new()));
    recipe.engine_socket = true;
    assert_eq!(
        refused(&recipe).to_string(),
        "a remote engine has no socket to share; remove `containerSocket`"
    );
}

#[test]
fn a_worker_is_a_program_with_arguments_and_an_image_runs_as_it_says() {
    let argv = |words: &[&str]| Some(words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
    let worker = ContainerProgram::Worker(vec!["sh".into(), "-c".into(), "x".into()]);
    assert_eq!(program(&worker), (argv(&["sh"]), argv(&["-c", "x"])));
    let image = ContainerProgram::ImageAgent {
        orchestrator_url: None,
    };
    assert_eq!(program(&image), (None, None));
    let own = ContainerProgram::Worker(Vec::new());
    assert_eq!(program(&own), (None, None));
}
