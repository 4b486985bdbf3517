//! The agent on a machine: a container of its engine.
//!
//! Promise: it is made from the pool's image and, unless the image has an agent of its own,
//! from this daemon's binary, which is copied into it; the one-time token is a file in it,
//! in nothing that `inspect` shows. Bounds are those of any container, unless the label set
//! gives the whole machine away. Leaves the machine to `backend`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::body_full;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    StopContainerOptionsBuilder, UploadToContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::StreamExt;
use headcount_engines::{
    ANSWER_WAIT, Client, Credentials, Engine, Fault, Images, PROGRAM, TOKEN, Verdict, WORK, bounds,
    last_words, pack, within,
};
use headcount_model::{AgentId, DockerMachineRecipe, Exit};
use headcount_ports::agent_env::{Places, RemoteAgent, Told};
use headcount_ports::{BackendError, CreateRequest};
use tokio::time::sleep;

use crate::deeds::Endpoint;
use crate::marks::Ours;

const OWNER: &str = "headcount.owner";
const POOL: &str = "headcount.pool";
const AGENT: &str = "headcount.agent";
const SCALER: &str = "headcount.scaler";
const MACHINE: &str = "headcount.machine";

/// A fresh machine takes its time.
const MAKE_WAIT: Duration = Duration::from_secs(120);
/// To copy the agent over a network.
const COPY_WAIT: Duration = Duration::from_secs(10 * 60);
/// Between two tries to reach an engine that has just been set up.
const REACH_PAUSE: Duration = Duration::from_secs(2);
/// For a container to stop, on top of the grace.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// What is to run on a machine.
pub(crate) struct Seat<'a> {
    pub(crate) ours: &'a Ours,
    pub(crate) machine: &'a str,
    pub(crate) request: &'a CreateRequest,
    pub(crate) recipe: &'a DockerMachineRecipe,
    /// Checked before the machine is made.
    pub(crate) variables: &'a [String],
    /// Our own agent, packed; `None` where the image has one.
    pub(crate) program: Option<Bytes>,
}

/// What the agent is told, as `NAME=value`.
///
/// # Errors
/// [`BackendError::Invalid`] for a name or value no process can be given.
pub(crate) fn variables<'a>(
    request: &CreateRequest,
    told: Told,
    given: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<Vec<String>, BackendError> {
    let places = Places {
        token_file: TOKEN.to_owned(),
        dir: WORK.to_owned(),
    };
    let agent = RemoteAgent::new(request, told, places, given)?;
    let variables = agent.variables.into_iter();
    Ok(variables
        .map(|(name, it)| format!("{name}={}", it.value))
        .collect())
}

/// The container's name on its engine.
pub(crate) fn name(ours: &Ours, agent: AgentId) -> String {
    format!("headcount-{}", ours.unique(agent))
}

/// The engine of a machine.
pub(crate) fn engine(endpoint: &Endpoint) -> Arc<Engine> {
    Arc::new(Engine::secured(
        &endpoint.url,
        endpoint.certificates.clone(),
    ))
}

/// Starts it, unless it was started before.
///
/// # Errors
/// The machine is of no use.
pub(crate) async fn start(
    engine: &Arc<Engine>,
    seat: &Seat<'_>,
    credentials: Arc<dyn Credentials>,
    patience: Duration,
) -> Result<(), BackendError> {
    let client = reach(engine, patience).await?;
    if seat.program.is_some() {
        check_processor(&client).await?;
    }
    let images = Images::new(engine.clone(), credentials);
    images.ready(&seat.recipe.image, seat.recipe.pull).await?;
    let name = name(seat.ours, seat.request.agent);
    if !make(&client, seat, &name).await? {
        return Ok(());
    }
    if let Some(program) = &seat.program {
        put(&client, &name, program.clone(), COPY_WAIT).await?;
    }
    let own = pack(seat.request.token.as_ref());
    let own = own.map_err(|error| {
        let why = format!(
            "what {} needs cannot be packed: {error}",
            seat.request.agent
        );
        BackendError::Transient(why)
    })?;
    put(&client, &name, own.into(), ANSWER_WAIT).await?;
    let starting = client
        .docker
        .start_container(&name, None::<StartContainerOptions>);
    Ok(within("start the container", MAKE_WAIT, starting).await?)
}

/// An engine that was set up a moment ago may be starting once more.
async fn reach(engine: &Engine, patience: Duration) -> Result<Arc<Client>, Fault> {
    let until = Instant::now() + patience;
    loop {
        match engine.client().await {
            Err(fault)
                if matches!(fault.verdict, Verdict::Away | Verdict::Silent)
                    && Instant::now() < until =>
            {
                sleep(REACH_PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Our binary runs on processors such as this host's.
async fn check_processor(client: &Client) -> Result<(), BackendError> {
    let asking = client.docker.version();
    let version = within("tell its version", ANSWER_WAIT, asking).await?;
    let theirs = version.arch.unwrap_or_default();
    let ours = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    match theirs.is_empty() || theirs == ours {
        true => Ok(()),
        false => Err(BackendError::Invalid(format!(
            "the machine is `{theirs}` and this daemon's agent is for `{ours}`; write `agent: \
             image` for an image that has an agent in it"
        ))),
    }
}

/// Makes the container. False when it stands already and is past being started.
async fn make(client: &Client, seat: &Seat<'_>, name: &str) -> Result<bool, BackendError> {
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let making = client
        .docker
        .create_container(Some(options.clone()), body(client, seat));
    match within("make the container", MAKE_WAIT, making).await {
        Ok(_) => return Ok(true),
        Err(fault) if fault.verdict == Verdict::Conflict => {}
        Err(fault) => return Err(fault.as_not_done()),
    }
    let inspecting = client.docker.inspect_container(name, None);
    let found = within("look at the container", ANSWER_WAIT, inspecting).await?;
    let state = found.state.unwrap_or_default();
    if state.running == Some(true) || state.finished_at.is_some_and(|at| !at.starts_with("0001")) {
        return Ok(false);
    }
    // Made by a daemon that died before it was started, with a token of then.
    remove(client, name).await?;
    let making = client
        .docker
        .create_container(Some(options), body(client, seat));
    within("make the container", MAKE_WAIT, making).await?;
    Ok(true)
}

fn body(client: &Client, seat: &Seat<'_>) -> ContainerCreateBody {
    let (request, recipe) = (seat.request, seat.recipe);
    let own = seat.program.is_some();
    let agent = request.agent.to_string();
    let labels = [
        (OWNER, seat.ours.owner.as_str()),
        (POOL, request.pool.as_str()),
        (AGENT, &agent),
        (SCALER, request.scaler.as_str()),
        (MACHINE, seat.machine),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bounded = bounds(&request.granted, client.kind);
    let host_config = match recipe.privileged {
        false => bounded,
        true => HostConfig {
            privileged: Some(true),
            cap_drop: None,
            cap_add: None,
            security_opt: None,
            pids_limit: None,
            ..bounded
        },
    };
    ContainerCreateBody {
        image: Some(recipe.image.clone()),
        entrypoint: own.then(|| vec![PROGRAM.to_owned()]),
        cmd: own.then(|| vec!["agent".to_owned()]),
        env: Some(seat.variables.to_vec()),
        labels: Some(HashMap::from(labels)),
        stop_signal: own.then(|| "SIGTERM".to_owned()),
        host_config: Some(HostConfig {
            binds: Some(recipe.volumes.clone()),
            init: Some(!own),
            ..host_config
        }),
        ..ContainerCreateBody::default()
    }
}

async fn put(client: &Client, name: &str, archive: Bytes, wait: Duration) -> Result<(), Fault> {
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let docker = &client.docker;
    let putting = docker.upload_to_container(name, Some(options), body_full(archive));
    within("put files into the container", wait, putting).await
}

async fn remove(client: &Client, name: &str) -> Result<(), Fault> {
    let options = RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build();
    let removing = client.docker.remove_container(name, Some(options));
    within("remove the container", MAKE_WAIT, removing).await
}

/// Asks it to leave; that it cannot be asked does not matter, since its machine goes.
pub(crate) async fn stop(engine: &Engine, name: &str, grace: Duration) {
    let stopping = async {
        let client = engine.client().await?;
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let options = StopContainerOptionsBuilder::default()
            .t(i32::try_from(seconds).unwrap_or(i32::MAX))
            .build();
        let asking = client.docker.stop_container(name, Some(options));
        within("stop the container", grace + STOP_WAIT, asking).await
    };
    match tokio::time::timeout(grace + STOP_WAIT, stopping).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::debug!(name, error = fault.message, "not asked to leave"),
        Err(_) => tracing::debug!(name, "not asked to leave: its engine does not answer"),
    }
}

/// Returns once it has ended.
///
/// # Errors
/// It cannot be told; [`Verdict::Absent`] when there is no such container.
pub(crate) async fn ended(engine: &Engine, name: &str) -> Result<Exit, Fault> {
    let client = engine.client().await?;
    let options = WaitContainerOptionsBuilder::default()
        .condition("not-running")
        .build();
    let mut answers = client.docker.wait_container(name, Some(options));
    match answers.next().await {
        Some(Ok(answer)) => Ok(exit(answer.status_code)),
        Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(exit(code)),
        Some(Err(error)) => Err(Fault::new("tell when the container ends", error)),
        None => Err(Fault::late("tell when the container ends", ANSWER_WAIT)),
    }
}

fn exit(code: i64) -> Exit {
    i32::try_from(code).map_or(Exit::Unknown, Exit::Code)
}

/// The last of what it said.
pub(crate) async fn words(endpoint: &Endpoint, name: &str, max_lines: usize) -> Vec<String> {
    match engine(endpoint).client().await {
        Ok(client) => last_words(&client, name, max_lines).await,
        Err(_) => Vec::new(),
    }
}

/// Packs our own agent.
///
/// # Errors
/// [`BackendError::Transient`]: it cannot be read.
pub(crate) fn packed(program: &Path) -> Result<Bytes, BackendError> {
    headcount_engines::pack_program(program)
        .map(Bytes::from)
        .map_err(|error| {
            let path = program.display();
            BackendError::Transient(format!("the agent `{path}` cannot be read: {error}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::{API_DEFAULT_VERSION, Docker};
    use headcount_model::{
        AgentKind, BackendId, EngineKind, Granted, LogPressure, OwnerId, PullPolicy, Recipe,
        Secret, SecretVariable,
    };
    use headcount_ports::agent_env::CallBack;

    use crate::environment::of_agent;

    fn recipe() -> DockerMachineRecipe {
        DockerMachineRecipe {
            tool: Default::default(),
            driver: "d".into(),
            name: "m-%s".into(),
            options: Vec::new(),
            options_with_name: Vec::new(),
            image: "ruby:3.3".into(),
            pull: PullPolicy::Always,
            agent_of_image: false,
            env: [("A".to_owned(), "b".to_owned())].into(),
            secret_env: vec![SecretVariable {
                name: "B".into(),
                value: Secret::new("c".into()),
            }],
            volumes: vec!["/a:/b".into()],
            privileged: false,
            agent_url: None,
        }
    }

    /// The container of a recipe, as text.
    fn made(recipe: DockerMachineRecipe, program: Option<Bytes>) -> ContainerCreateBody {
        let request = CreateRequest {
            agent: AgentId {
                epoch: 1,
                number: 2,
            },
            owner: OwnerId::new("me"),
            pool: "s/p".into(),
            scaler: "s".into(),
            kind: AgentKind::Managed,
            labels: "linux".into(),
            granted: Granted::default(),
            slots: 1,
            log_pressure: LogPressure::Pause,
            deadline: std::time::Duration::from_secs(60),
            recipe: Arc::new(Recipe::DockerMachine(recipe.clone())),
            token: Some(Secret::new("hunter2".into())),
        };
        let call_back = CallBack::new(Ok("wss://ci.example.com:7118".into()));
        call_back.trust(Some("sha256:aa".into()));
        let told = call_back.tell(None).unwrap();
        let docker = Docker::connect_with_http("tcp://127.0.0.1:1", 1, API_DEFAULT_VERSION);
        let client = Client {
            docker: docker.unwrap(),
            kind: EngineKind::Docker,
            socket: None,
            roots_are_one: false,
        };
        let ours = Ours {
            owner: OwnerId::new("me"),
            backend: BackendId::new("docker-machine"),
        };
        let seat = Seat {
            ours: &ours,
            machine: "m-1",
            request: &request,
            variables: &variables(&request, told, &of_agent(&recipe)).unwrap(),
            recipe: &recipe,
            program,
        };
        body(&client, &seat)
    }

    #[test]
    fn our_agent_runs_in_any_image_and_calls_back_with_a_pin() {
        let body = made(recipe(), Some(Bytes::new()));
        assert_eq!(
            body.entrypoint,
            Some(vec!["/headcount/headcount".to_owned()])
        );
        assert_eq!(body.cmd, Some(vec!["agent".to_owned()]));
        assert!(!format!("{body:?}").contains("hunter2"));
        assert_eq!(
            body.env.unwrap(),
            [
                "A=b",
                "B=c",
                "HEADCOUNT_AGENT_DIR=/headcount/work",
                "HEADCOUNT_AGENT_ID=a-1-2",
                "HEADCOUNT_AGENT_LABELS=linux",
                "HEADCOUNT_AGENT_LOG_PRESSURE=pause",
                "HEADCOUNT_AGENT_PIN=sha256:aa",
                "HEADCOUNT_AGENT_SLOTS=1",
                "HEADCOUNT_AGENT_TOKEN_FILE=/headcount/token",
                "HEADCOUNT_AGENT_URL=wss://ci.example.com:7118",
                "HEADCOUNT_INSTANCE_MARK=me/s/p/a-1-2",
                "HEADCOUNT_ORIGIN=me/a-1-2",
            ]
        );
        let host = body.host_config.unwrap();
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!((host.privileged, host.init), (None, Some(false)));
        assert_eq!(host.binds, Some(vec!["/a:/b".to_owned()]));
        assert_eq!(body.labels.unwrap()["headcount.machine"], "m-1");
    }

    #[test]
    fn who_is_given_the_machine_is_not_bounded_by_halves() {
        let mut recipe = recipe();
        recipe.privileged = true;
        let body = made(recipe, None);
        assert_eq!(
            (body.entrypoint, body.cmd),
            (None, None),
            "as the image says"
        );
        let host = body.host_config.unwrap();
        assert_eq!((host.privileged, host.init), (Some(true), Some(true)));
        assert_eq!(
            (host.cap_drop, host.cap_add, host.security_opt),
            (None, None, None)
        );
    }
}
