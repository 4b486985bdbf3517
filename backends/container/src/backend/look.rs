//! Looking at containers: all of ours, or one.
//!
//! Promise: reading only; what the engine did not say clearly is an error, never an
//! absence. Leaves to others: acting upon it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerSummary, ContainerSummaryStateEnum,
};
use bollard::query_parameters::ListContainersOptionsBuilder;
use headcount_model::{AgentId, Exit, Instance, InstanceState, Listing};
use tokio::time::sleep;

use super::Core;
use crate::marks::Ours;
use headcount_engines::{ANSWER_WAIT, Client, Fault, Verdict, within};

/// An engine may be in the middle of a change that it has no word for; looks then.
const LOOKS: u32 = 5;
/// Between two of these.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// What stands under an agent's name.
pub(super) enum Found {
    Nothing,
    /// A container of somebody else.
    Foreign,
    /// Made, never started.
    Created,
    Running,
    /// It ended; out of memory if so marked.
    Ended {
        exit: Exit,
        out_of_memory: bool,
    },
}

/// Everything of ours.
pub(super) async fn list(core: &Core) -> Result<Listing, Fault> {
    let client = core.engine.client().await?;
    // Asked before and after: who is made meanwhile must not look as if nobody made it.
    let mut in_making = core.turns.in_making();
    let containers = summaries(&client, core.ours.filters()).await?;
    in_making.extend(core.turns.in_making());
    let mut instances = BTreeMap::new();
    for container in containers {
        let mark = container.labels.as_ref().and_then(|l| core.ours.read(l));
        let Some(mark) = mark.filter(|mark| core.turns.over(mark.agent).is_none()) else {
            continue;
        };
        let instance = Instance {
            agent: mark.agent,
            pool: mark.pool,
            state: state(&container, in_making.contains(&mark.agent)),
        };
        instances.insert(mark.agent, instance);
    }
    Ok(Listing {
        instances: instances.into_values().collect(),
    })
}

async fn summaries(client: &Client, labels: Vec<String>) -> Result<Vec<ContainerSummary>, Fault> {
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let mut looks = 0;
    loop {
        looks += 1;
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let listing = client.docker.list_containers(Some(options));
        match within("list containers", ANSWER_WAIT, listing).await {
            // Podman calls a container that has ended and is not yet tidied up `stopped`,
            // which Docker's interface has no word for. It lasts for moments.
            Err(fault) if fault.verdict == Verdict::Silent && looks < LOOKS => {
                sleep(LOOK_PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// A container that was made, and that nobody is about to start, was left by a daemon that
/// died between the two: it is over.
fn state(container: &ContainerSummary, in_making: bool) -> InstanceState {
    use ContainerSummaryStateEnum as State;
    match container.state {
        None | Some(State::EMPTY | State::CREATED) if in_making => InstanceState::Starting,
        None | Some(State::EMPTY | State::CREATED) => InstanceState::Ended(Exit::Unknown),
        Some(State::RUNNING | State::PAUSED | State::RESTARTING | State::STOPPING) => {
            InstanceState::Running
        }
        Some(State::EXITED | State::DEAD | State::REMOVING) => {
            let status = container.status.as_deref().unwrap_or_default();
            InstanceState::Ended(exit_of_status(status))
        }
    }
}

/// From a text such as `Exited (3) 2 seconds ago`.
fn exit_of_status(status: &str) -> Exit {
    let code = status
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let code = code.and_then(|(code, _)| code.parse().ok());
    code.map_or(Exit::Unknown, Exit::Code)
}

/// What stands under the name of this agent. Nothing only if the engine's list agrees:
/// Docker lists a container while it is still being made, by a daemon that is dead by now
/// perhaps, and knows it by name only afterwards.
pub(super) async fn look(core: &Core, client: &Client, agent: AgentId) -> Result<Found, Fault> {
    for _ in 0..LOOKS {
        match inspect(core, client, agent).await? {
            Found::Nothing if is_listed(core, client, agent).await? => sleep(LOOK_PAUSE).await,
            found => return Ok(found),
        }
    }
    Err(Fault {
        verdict: Verdict::Failed,
        message: format!("the engine lists the container of {agent} and cannot find it"),
    })
}

async fn is_listed(core: &Core, client: &Client, agent: AgentId) -> Result<bool, Fault> {
    let listed = summaries(client, core.ours.filters_of(agent)).await?;
    let name = core.ours.name(agent);
    let mut names = listed.iter().flat_map(|one| one.names.iter().flatten());
    Ok(names.any(|it| it.trim_start_matches('/') == name))
}

async fn inspect(core: &Core, client: &Client, agent: AgentId) -> Result<Found, Fault> {
    let name = core.ours.name(agent);
    let inspecting = client.docker.inspect_container(&name, None);
    match within("look at the container", ANSWER_WAIT, inspecting).await {
        Ok(container) => Ok(judge(&core.ours, agent, container)),
        Err(fault) if fault.verdict == Verdict::Absent => Ok(Found::Nothing),
        Err(fault) => Err(fault),
    }
}

fn judge(ours: &Ours, agent: AgentId, container: ContainerInspectResponse) -> Found {
    let labels = container.config.and_then(|config| config.labels);
    let mark = labels.and_then(|labels| ours.read(&labels));
    if mark.is_none_or(|mark| mark.agent != agent) {
        return Found::Foreign;
    }
    let state = container.state.unwrap_or_default();
    if state.running == Some(true) || state.paused == Some(true) || state.restarting == Some(true) {
        return Found::Running;
    }
    if never_started(&state) {
        return Found::Created;
    }
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok());
    Found::Ended {
        exit: code.map_or(Exit::Unknown, Exit::Code),
        out_of_memory: state.oom_killed == Some(true),
    }
}

fn never_started(state: &ContainerState) -> bool {
    use bollard::models::ContainerStateStatusEnum as Status;
    matches!(state.status, None | Some(Status::EMPTY | Status::CREATED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_nobody_will_start_is_over() {
        let made = ContainerSummary {
            state: Some(ContainerSummaryStateEnum::CREATED),
            ..ContainerSummary::default()
        };
        assert_eq!(state(&made, true), InstanceState::Starting);
        assert_eq!(state(&made, false), InstanceState::Ended(Exit::Unknown));
    }

    #[test]
    fn exits_are_read_from_what_people_read() {
        for (status, exit) in [
            ("Exited (3) 2 seconds ago", Exit::Code(3)),
            ("Exited (137) About a minute ago", Exit::Code(137)),
            ("Dead", Exit::Unknown),
            ("Removal In Progress", Exit::Unknown),
            ("", Exit::Unknown),
        ] {
            assert_eq!(exit_of_status(status), exit, "{status}");
        }
    }
}
