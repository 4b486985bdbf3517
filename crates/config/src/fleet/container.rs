//! Scalers of container engines: what of them can be run, and what they come to.

use headcount_model::{ContainerNetwork, ContainerProgram, ContainerRecipe, EngineAddress};

use crate::problem::{Draft, Problems};
use crate::settings::{
    Container, ContainerAgent, ContainerTemplate, LabelSet, NetworkPolicy, Scaler,
};
use crate::written::{self, AgentPlace};

/// Notes what an engine could not do, and what gives away more than one may think.
pub(super) fn check(scaler: &written::Scaler, problems: &mut Problems) {
    if let (Some(_), Some(path)) = (&scaler.host, &scaler.socket_path) {
        let draft = Draft::error("`host` and `socketPath` cannot stand together")
            .hint("keep `host` for an engine of another machine, `socketPath` for one of this");
        problems.at(path.place, draft);
    }
    if let Some(host) = &scaler.host
        && scaler.network_isolation.as_ref().is_none_or(|on| on.value)
    {
        let draft = Draft::error("containers of a remote engine cannot be isolated from here")
            .label("rules are put into the kernel of this host")
            .hint("write `networkIsolation: false`, and guard that host's network yourself");
        problems.at(host.place, draft);
    }
    for set in scaler.label_sets.iter().flat_map(|sets| &sets.value) {
        check_socket(scaler, &set.value, problems);
        check_agent(scaler, set.place, &set.value, problems);
    }
}

fn check_socket(scaler: &written::Scaler, set: &written::LabelSet, problems: &mut Problems) {
    let Some(shared) = set.container_socket.as_ref().filter(|shared| shared.value) else {
        return;
    };
    let draft = match scaler.host {
        Some(_) => Draft::error("a remote engine has no socket to share")
            .hint("remove `containerSocket`, or use an engine of this host"),
        None => Draft::warning("`containerSocket` gives every job of this label set this host")
            .label("whoever can use the engine is as good as root")
            .hint("use it for trusted jobs only"),
    };
    problems.at(shared.place, draft);
}

fn check_agent(
    scaler: &written::Scaler,
    place: crate::source::Place,
    set: &written::LabelSet,
    problems: &mut Problems,
) {
    let of_image = set.agent.as_ref();
    let of_image = of_image.filter(|agent| agent.value == AgentPlace::Image);
    let nobody = set.agent.as_ref();
    let nobody = nobody.is_some_and(|agent| agent.value == AgentPlace::Nobody);
    let mounted = of_image.is_none() && !nobody && set.command.is_none();
    if mounted && scaler.host.is_some() {
        let draft =
            Draft::error("this program cannot be mounted into containers of a remote engine").hint(
                "write `agent: image` for an image that has the agent in it, and \
                 `orchestratorUrl` on the scaler",
            );
        problems.at(place, draft);
    }
    if let (Some(agent), None, Some(_)) = (of_image, &scaler.orchestrator_url, &scaler.host) {
        let draft = Draft::error("an agent on a remote engine is not told where this daemon is")
            .hint("write `orchestratorUrl` on the scaler");
        problems.at(agent.place, draft);
    }
    if let (None, Some(url)) = (of_image, &scaler.orchestrator_url) {
        let draft = Draft::warning("`orchestratorUrl` has no effect on a mounted agent")
            .hint("remove it, or write `agent: image`: a mounted agent uses the daemon's socket");
        problems.at(url.place, draft);
    }
}

/// Where a scaler's engine is.
pub(super) fn address(engine: &Container) -> EngineAddress {
    match (&engine.host, &engine.socket_path) {
        (Some(host), _) => EngineAddress::Remote(host.clone()),
        (None, Some(path)) => EngineAddress::Socket(path.clone()),
        (None, None) => EngineAddress::Detected(engine.runtime),
    }
}

pub(super) fn recipe(
    scaler: &Scaler,
    engine: &Container,
    set: &LabelSet,
    template: &ContainerTemplate,
) -> ContainerRecipe {
    ContainerRecipe {
        engine: address(engine),
        image: template.image.clone(),
        pull: template.image_pull_policy,
        program: match &template.agent {
            ContainerAgent::Mounted => ContainerProgram::OwnAgent,
            ContainerAgent::Image => ContainerProgram::ImageAgent {
                orchestrator_url: scaler.orchestrator_url.clone(),
            },
            ContainerAgent::Worker(argv) => ContainerProgram::Worker(argv.clone()),
        },
        env: set.env.clone(),
        volumes: template.volumes.clone(),
        engine_socket: template.container_socket,
        extra_hosts: engine.extra_hosts.clone(),
        network: match engine.network_isolation {
            true => ContainerNetwork::Isolated(rules(template.network_policy.as_ref())),
            false => ContainerNetwork::Open,
        },
    }
}

fn rules(policy: Option<&NetworkPolicy>) -> headcount_model::NetworkPolicy {
    let allow = policy.and_then(|policy| policy.allowlist.as_ref());
    headcount_model::NetworkPolicy {
        allow: allow.cloned().unwrap_or_default(),
        deny_all: policy.is_some_and(|policy| policy.deny_all),
    }
}
