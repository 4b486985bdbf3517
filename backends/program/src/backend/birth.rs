//! Creating: at most one machine an agent, whoever asks how often.
//!
//! Promise: the machine counts as present from before the program is called; only what the
//! program clearly says was not made is taken back. The call goes on when nobody waits for
//! it any more: what it was told to make is not given up half-way.

use std::sync::Arc;
use std::time::Instant;

use headcount_model::{ProgramRecipe, Recipe};
use headcount_ports::agent_env::Told;
use headcount_ports::turns::{self, Asker, Place};
use headcount_ports::{BackendError, CreateRequest, agent_env};

use super::batch::{self, Wish};
use super::{Core, by_id, lease};
use crate::fault::{Fault, Verdict};
use crate::start_up::StartUp;

/// What stands for our own agent on a machine where nothing else is said.
const OWN_BINARY: &str = "headcount";

/// See the port. A destroy that follows waits for it.
pub(super) async fn create(core: &Arc<Core>, request: CreateRequest) -> Result<(), BackendError> {
    let place = core.turns.enter(request.agent);
    let core = core.clone();
    turns::to_the_end(|asker| async move { bear(&core, &request, &place, &asker).await }).await
}

async fn bear(
    core: &Arc<Core>,
    request: &CreateRequest,
    place: &Place,
    asker: &Asker,
) -> Result<(), BackendError> {
    let _turn = place.turn().await;
    let agent = request.agent;
    place.still_wanted(asker)?;
    let Recipe::Program(recipe) = &*request.recipe else {
        let wrong = format!("{agent} is not to be made by a program; please report this");
        return Err(BackendError::Invalid(wrong));
    };
    let told = told(core, recipe)?;
    let wish = Wish {
        start_up: start_up(core, request, recipe, &told)?,
        url: told.url,
        lease: lease::vouch(core, recipe.lease_time).await,
    };
    let is_new = core.census().expect(agent, &request.pool, Instant::now());
    core.leases.has(core, agent, wish.lease);
    core.changed.notify_one();
    match batch::create(core, request, recipe, wish).await {
        Ok(machine) => {
            let events = core.census().made(&machine, Instant::now());
            for event in events {
                core.tell(event).await;
            }
            Ok(())
        }
        Err(fault) if fault.verdict == Verdict::Duplicate => {
            let adopted = by_id::adopt(core, agent, &fault).await;
            adopted.map_err(|fault| unclear(core, request, &fault))
        }
        Err(fault) => match fault.as_not_made() {
            BackendError::Unknown(_) => Err(unclear(core, request, &fault)),
            error => {
                if is_new {
                    core.census().gone(agent, Instant::now());
                }
                Err(error)
            }
        },
    }
}

/// Nobody knows whether it was made: what lists said before now proves nothing of it.
fn unclear(core: &Core, request: &CreateRequest, fault: &Fault) -> BackendError {
    let now = Instant::now();
    let mut census = core.census();
    census.expect(request.agent, &request.pool, now);
    if let Some(machine) = &fault.left {
        census.made(machine, now);
    }
    fault.as_not_made()
}

/// Where its agent finds the daemon.
fn told(core: &Core, recipe: &ProgramRecipe) -> Result<Told, BackendError> {
    let options = &core.provisioner.options;
    let configured = recipe.agent_url.as_deref();
    match (configured.or(options.call_back.url()), &options.own_url) {
        (None, Some(url)) => Ok(Told {
            url: url.clone(),
            pins: None,
        }),
        _ => Ok(options.call_back.tell(configured)?),
    }
}

/// What the machine is told. Precedence as for every agent: the label set beats what is
/// forwarded, and neither replaces what it is told about itself.
fn start_up(
    core: &Core,
    request: &CreateRequest,
    recipe: &ProgramRecipe,
    told: &Told,
) -> Result<StartUp, BackendError> {
    let options = &core.provisioner.options;
    let mut merged = agent_env::given(options.forwarded.iter().chain(&recipe.env))?;
    merged.keys().try_for_each(|name| check_shell_name(name))?;
    let pressure = agent_env::log_pressure(request.log_pressure);
    let identity = [
        (agent_env::ID, request.agent.to_string()),
        (agent_env::LABELS, request.labels.clone()),
        (agent_env::LOG_PRESSURE, pressure.to_owned()),
        (
            agent_env::ORIGIN,
            format!("{}/{}", options.owner, request.agent),
        ),
        (agent_env::SLOTS, request.slots.to_string()),
        (agent_env::URL, told.url.clone()),
    ];
    merged.extend(identity.map(|(name, value)| (name.to_owned(), value)));
    if let Some(pins) = &told.pins {
        merged.insert(agent_env::PIN.to_owned(), pins.clone());
    }
    Ok(StartUp {
        environment: merged.into_iter().collect(),
        token: request.token.clone(),
        command: vec![
            recipe
                .agent_binary
                .clone()
                .unwrap_or_else(|| OWN_BINARY.to_owned()),
            "agent".to_owned(),
        ],
    })
}

/// The start-up script is a shell's, which knows fewer names than a process.
fn check_shell_name(name: &str) -> Result<(), BackendError> {
    let usual = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.chars().all(usual) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => Ok(()),
        false => Err(BackendError::Invalid(format!(
            "a start-up script cannot set the variable `{}`; rename it in the label set's `env`",
            name.escape_default()
        ))),
    }
}
