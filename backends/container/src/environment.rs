//! What a container finds in its environment. Facts: the `scalers.yaml` reference, 9.2, 9.3.
//!
//! Promise: nothing of the daemon's own environment gets in but what is forwarded by name;
//! precedence is one map, in which the label set beats what is forwarded and neither
//! replaces what an agent is told about itself. No secret is in it.

use std::collections::BTreeMap;

use headcount_model::{AgentKind, ContainerProgram, ContainerRecipe};
use headcount_ports::{BackendError, CreateRequest, agent_env};

use crate::body::SOCKET_FOLDER;
use crate::options::ContainerOptions;
use headcount_engines::{TOKEN, WORK};

/// `NAME=value` for every variable.
///
/// # Errors
/// [`BackendError::Invalid`] for a name or value no process can be given, or when an
/// image's own agent could not find the daemon.
pub(crate) fn environment(
    request: &CreateRequest,
    recipe: &ContainerRecipe,
    options: &ContainerOptions,
) -> Result<Vec<String>, BackendError> {
    let mut merged = agent_env::given(options.forwarded.iter().chain(&recipe.env))?;
    let told = identity(request, options).into_iter();
    let told = told.chain(call_back(request, recipe, options)?);
    merged.extend(told.map(|(name, value)| (name.to_owned(), value)));
    let lines = merged.into_iter();
    Ok(lines
        .map(|(name, value)| format!("{name}={value}"))
        .collect())
}

/// What every container is told about itself.
fn identity(request: &CreateRequest, options: &ContainerOptions) -> BTreeMap<&'static str, String> {
    let (owner, agent) = (&options.owner, request.agent);
    BTreeMap::from([
        (
            agent_env::INSTANCE_MARK,
            format!("{owner}/{}/{agent}", request.pool),
        ),
        (agent_env::ORIGIN, format!("{owner}/{agent}")),
        (agent_env::ID, agent.to_string()),
        (agent_env::LABELS, request.labels.clone()),
        (agent_env::SLOTS, request.slots.to_string()),
        (agent_env::DIR, WORK.to_owned()),
    ])
}

/// What an agent needs to find the daemon. A worker feeds itself and is not told.
fn call_back(
    request: &CreateRequest,
    recipe: &ContainerRecipe,
    options: &ContainerOptions,
) -> Result<BTreeMap<&'static str, String>, BackendError> {
    if request.kind == AgentKind::Worker {
        return Ok(BTreeMap::new());
    }
    let url = match &recipe.program {
        ContainerProgram::OwnAgent | ContainerProgram::Worker(_) => own_url(options),
        ContainerProgram::ImageAgent { orchestrator_url } => orchestrator_url
            .clone()
            .or_else(|| options.call_back.url().map(str::to_owned))
            .ok_or_else(no_url)?,
    };
    let pressure = agent_env::log_pressure(request.log_pressure);
    let pins = options.call_back.pins_at(&url);
    let mut told = BTreeMap::from([
        (agent_env::URL, url),
        (agent_env::TOKEN_FILE, TOKEN.to_owned()),
        (agent_env::LOG_PRESSURE, pressure.to_owned()),
    ]);
    told.extend(pins.map(|pins| (agent_env::PIN, pins)));
    Ok(told)
}

fn own_url(options: &ContainerOptions) -> String {
    let file = options.agent_socket.file_name().unwrap_or_default();
    format!("unix:{SOCKET_FOLDER}/{}", file.to_string_lossy())
}

fn no_url() -> BackendError {
    BackendError::Invalid(
        "the image's own agent cannot find this daemon; set `orchestratorUrl` of the scaler, \
         --agent-listen and --agent-url of the daemon, or `agent: mounted`"
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::{options, recipe, request};
    use headcount_model::AgentId;
    use headcount_ports::agent_env::CallBack;

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 2,
    };

    #[test]
    fn identity_beats_the_label_set_which_beats_what_is_forwarded() {
        let mut options = options();
        options.forwarded = [
            ("A", "forwarded"),
            ("B", "forwarded"),
            ("HEADCOUNT_AGENT_ID", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut recipe = recipe();
        recipe.env = [("A", "set"), ("HEADCOUNT_ORIGIN", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(
            environment(&request(AGENT), &recipe, &options).unwrap(),
            [
                "A=set",
                "B=forwarded",
                "HEADCOUNT_AGENT_DIR=/headcount/work",
                "HEADCOUNT_AGENT_ID=a-1-2",
                "HEADCOUNT_AGENT_LABELS=linux,x",
                "HEADCOUNT_AGENT_LOG_PRESSURE=pause",
                "HEADCOUNT_AGENT_SLOTS=1",
                "HEADCOUNT_AGENT_TOKEN_FILE=/headcount/token",
                "HEADCOUNT_AGENT_URL=unix:/headcount/run/agents.sock",
                "HEADCOUNT_INSTANCE_MARK=me/tests/linux+x/a-1-2",
                "HEADCOUNT_ORIGIN=me/a-1-2",
            ]
        );
    }

    #[test]
    fn a_worker_is_not_told_where_the_daemon_is() {
        let mut request = request(AGENT);
        request.kind = AgentKind::Worker;
        let lines = environment(&request, &recipe(), &options()).unwrap();
        let told = ["URL=", "TOKEN_FILE=", "LOG_PRESSURE="];
        assert!(
            lines
                .iter()
                .all(|line| told.iter().all(|t| !line.contains(t))),
            "{lines:?}"
        );
    }

    #[test]
    fn an_images_agent_calls_the_scalers_url_else_the_daemons() {
        let mut options = options();
        let mut recipe = recipe();
        let url = |recipe: &ContainerRecipe, options: &ContainerOptions| {
            let lines = environment(&request(AGENT), recipe, options)?;
            let mut lines = lines.into_iter();
            Ok(lines.find(|line| line.starts_with("HEADCOUNT_AGENT_URL=")))
        };
        recipe.program = ContainerProgram::ImageAgent {
            orchestrator_url: None,
        };
        assert_eq!(url(&recipe, &options), Err::<Option<String>, _>(no_url()));
        options.call_back = CallBack::new(Ok("ws://10.0.0.1:4000".into()));
        options.call_back.trust(Some("sha256:aa".into()));
        let of_daemon = Some("HEADCOUNT_AGENT_URL=ws://10.0.0.1:4000".to_owned());
        assert_eq!(url(&recipe, &options), Ok(of_daemon));
        recipe.program = ContainerProgram::ImageAgent {
            orchestrator_url: Some("ws://host:1".into()),
        };
        let of_scaler = Some("HEADCOUNT_AGENT_URL=ws://host:1".to_owned());
        assert_eq!(url(&recipe, &options), Ok(of_scaler));
        let pinned = |recipe: &ContainerRecipe| {
            let lines = environment(&request(AGENT), recipe, &options).unwrap();
            lines.contains(&"HEADCOUNT_AGENT_PIN=sha256:aa".to_owned())
        };
        assert!(
            !pinned(&recipe),
            "there is nothing to know it by without TLS"
        );
        recipe.program = ContainerProgram::ImageAgent {
            orchestrator_url: Some("wss://host:1".into()),
        };
        assert!(pinned(&recipe));
    }

    #[test]
    fn what_no_process_can_be_given_is_refused() {
        for (name, value, expected) in [
            (
                "A=B",
                "x",
                "`A=B` cannot be the name of an environment variable; rename it in the label \
                 set's `env`",
            ),
            (
                "A",
                "x\0",
                "the value of environment variable `A` contains a NUL byte; remove it",
            ),
        ] {
            let mut recipe = recipe();
            recipe.env = [(name.to_owned(), value.to_owned())].into();
            let refused = environment(&request(AGENT), &recipe, &options());
            assert_eq!(refused, Err(BackendError::Invalid(expected.into())));
        }
    }
}
