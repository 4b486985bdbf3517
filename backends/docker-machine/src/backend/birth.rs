//! Creating: at most one machine an agent, whoever asks how often.
//!
//! Promise: what can be refused is refused before a machine is made; a machine is written
//! down before the tool is called; one that is of no use is removed before the error is
//! told, and when even that cannot be confirmed the outcome is unknown.

use std::sync::Arc;

use headcount_calls::{CallError, Maker};
use headcount_model::{BackendEvent, DockerMachineRecipe, Recipe};
use headcount_ports::turns::{self, Asker, Place};
use headcount_ports::{BackendError, CreateRequest};

use super::{Core, ending, look, watch};
use crate::agent::{self, Seat};
use crate::command_line::{self, Wanted};
use crate::deeds::{Deed, Endpoint, Phase};
use crate::environment;
use crate::fault;
use crate::marks::Mark;
use crate::store::Record;

/// See the port. The making itself goes on when this is dropped; a destroy that follows
/// waits for it.
pub(super) async fn create(core: &Arc<Core>, request: CreateRequest) -> Result<(), BackendError> {
    let agent = request.agent;
    if let Some(exit) = core.turns.over(agent) {
        core.tell(BackendEvent::Gone(agent, exit)).await;
        return Ok(());
    }
    let place = core.turns.enter_to_make(agent);
    let core = core.clone();
    turns::to_the_end(|asker| async move { bear(&core, &request, &place, &asker).await }).await
}

/// One machine that is to be.
struct Plan<'a> {
    request: &'a CreateRequest,
    recipe: &'a DockerMachineRecipe,
    name: String,
    variables: Vec<String>,
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
    let Recipe::DockerMachine(recipe) = &*request.recipe else {
        let wrong = format!("{agent} is not to be made by docker-machine; please report this");
        return Err(BackendError::Invalid(wrong));
    };
    let options = &core.options;
    let told = options.call_back.tell(recipe.agent_url.as_deref())?;
    let own = environment::of_agent(recipe);
    let given = options.forwarded.iter().chain(&own);
    let plan = Plan {
        request,
        recipe,
        name: core.ours.name(&recipe.name, agent)?,
        variables: agent::variables(request, told, given)?,
    };
    let earlier = core.deeds.of(agent).map_err(BackendError::Unknown)?;
    let made = match earlier {
        Some(deed) => meet(core, &plan, deed).await?,
        None => {
            make(core, &plan).await?;
            false
        }
    };
    if made {
        let has_ended = core.watched().ended.contains_key(&agent);
        let event = match has_ended {
            true => BackendEvent::Missed,
            false => BackendEvent::Running(agent),
        };
        core.tell(event).await;
        return Ok(());
    }
    match settle(core, &plan).await {
        Ok(()) => {
            core.tell(BackendEvent::Running(agent)).await;
            Ok(())
        }
        Err(error) => Err(undo(core, &plan, error).await),
    }
}

/// It was asked for before. True when its agent was started then.
async fn meet(core: &Arc<Core>, plan: &Plan<'_>, deed: Deed) -> Result<bool, BackendError> {
    let agent = plan.request.agent;
    if let Some(maker) = look::maker(&deed) {
        let ended = maker.ended().await;
        ended.map_err(|error| {
            let why = format!(
                "the tool makes `{}` and cannot be watched: {error}",
                deed.name
            );
            BackendError::Unknown(why)
        })?;
    }
    look::check_store(core).map_err(BackendError::Unknown)?;
    let record = core.store.record(&deed.name).map_err(unwritten)?;
    match (deed.phase, record) {
        (Phase::Made, Record::Machine(_)) => Ok(true),
        (Phase::Settling, Record::Machine(_)) => Ok(false),
        (Phase::Settling | Phase::Made, _) => {
            Err(BackendError::Unknown(ending::lost(core, agent, &deed)))
        }
        (Phase::Unsure, _) => Err(BackendError::Unknown(ending::lost(core, agent, &deed))),
        (Phase::Removing | Phase::Kept, _) => Err(BackendError::Unknown(format!(
            "the machine `{}` is being removed",
            deed.name
        ))),
        (Phase::Making, Record::None) if !ending::was_never_made(core, agent, &deed) => {
            Err(BackendError::Unknown(ending::lost(core, agent, &deed)))
        }
        (Phase::Making, Record::None) => make(core, plan).await.map(|()| false),
        (Phase::Making, Record::Bare) => {
            core.store.remove_bare(&deed.name).map_err(unwritten)?;
            make(core, plan).await.map(|()| false)
        }
        (Phase::Making, Record::Machine(_)) => {
            if core.tool.reach(&deed.name).await.is_err() {
                let again = core.tool.provision(&deed.name).await;
                if let Err(why) = again {
                    return Err(undo(core, plan, BackendError::Transient(why)).await);
                }
            }
            Ok(false)
        }
    }
}

/// Has the tool make it.
async fn make(core: &Arc<Core>, plan: &Plan<'_>) -> Result<(), BackendError> {
    let (agent, name) = (plan.request.agent, plan.name.as_str());
    check_free(core, plan)?;
    let deed = Deed {
        name: name.to_owned(),
        pool: plan.request.pool.as_str().to_owned(),
        driver: plan.recipe.driver.clone(),
        phase: Phase::Making,
        maker: None,
        engine: None,
    };
    enter_store(core)?;
    core.deeds.put(agent, deed).map_err(unwritten)?;
    let words = command_line::create(
        plan.recipe,
        &Wanted {
            ours: &core.ours,
            agent,
            pool: &plan.request.pool,
            name,
        },
    );
    let secrets = environment::secrets(plan.recipe);
    let log = core.deeds.log(agent);
    let noted = |maker: Maker| {
        core.deeds
            .change(agent, |deed| deed.maker = Some(maker.to_string()))
    };
    let calling = core.tool.create(words, secrets, &log, noted);
    let called = core.gate.pass(&core.store, calling, |called| {
        called.as_ref().is_ok_and(|said| said.code == Some(0))
    });
    let error = match called.await {
        Ok(said) if said.code == Some(0) => return note_whose(core, plan),
        Ok(said) => fault::not_made(&said, &fault::words(&said, Some(plan.recipe))),
        Err(error @ CallError::NotStarted { .. }) => {
            core.deeds.cross_out(agent).map_err(unwritten)?;
            return Err(BackendError::Transient(error.to_string()));
        }
        Err(error) => BackendError::Transient(error.to_string()),
    };
    Err(undo(core, plan, error).await)
}

/// Nobody else's machine has the name.
fn check_free(core: &Core, plan: &Plan<'_>) -> Result<(), BackendError> {
    match core.store.record(&plan.name).map_err(unwritten)? {
        Record::Machine(Some(mark)) if mark.owner != core.ours.owner => {
            Err(BackendError::Invalid(format!(
                "a machine of another owner has the name `{}`; write another `machineName`",
                plan.name
            )))
        }
        _ => Ok(()),
    }
}

/// Remembers which store machines are made in. One that stands in its place gets none.
fn enter_store(core: &Core) -> Result<(), BackendError> {
    let others = core.deeds.all().map_err(BackendError::Unknown)?;
    if !others.is_empty() {
        look::check_store(core).map_err(BackendError::Transient)?;
    }
    let unusable = |error: std::io::Error| {
        let root = core.store.root().display();
        BackendError::Transient(format!("the store `{root}` cannot be used: {error}"))
    };
    let identity = core.store.identify().map_err(unusable)?;
    core.deeds.put_store(&identity).map_err(unwritten)
}

/// The label tells as much; this is for people.
fn note_whose(core: &Core, plan: &Plan<'_>) -> Result<(), BackendError> {
    let mark = Mark {
        owner: core.ours.owner.clone(),
        agent: plan.request.agent,
        pool: Some(plan.request.pool.clone()),
    };
    let backend = core.ours.backend.as_str();
    if let Err(error) = core.store.mark(&plan.name, &mark, backend) {
        tracing::warn!(machine = plan.name, %error, "no note beside its record");
    }
    Ok(())
}

/// Starts the agent on the machine.
async fn settle(core: &Arc<Core>, plan: &Plan<'_>) -> Result<(), BackendError> {
    let name = plan.name.as_str();
    let unreachable = |why: String| {
        BackendError::Transient(format!("the engine of `{name}` cannot be reached: {why}"))
    };
    core.tool.reach(name).await.map_err(unreachable)?;
    let endpoint = Endpoint {
        url: core.tool.url(name).await.map_err(unreachable)?,
        certificates: core.tool.certificates(name).await.map_err(unreachable)?,
    };
    let program = match plan.recipe.agent_of_image {
        true => None,
        false => {
            let path = core.options.own_binary.clone();
            let packing = || async {
                let packing = tokio::task::spawn_blocking(move || agent::packed(&path)).await;
                packing
                    .unwrap_or_else(|_| Err(BackendError::Transient("the daemon is ending".into())))
            };
            Some(core.program.get_or_try_init(packing).await?.clone())
        }
    };
    let seat = Seat {
        ours: &core.ours,
        machine: name,
        request: plan.request,
        recipe: plan.recipe,
        variables: &plan.variables,
        program,
    };
    let engine = agent::engine(&endpoint);
    let credentials = core.options.credentials.clone();
    let note = |phase| {
        let noted = core.deeds.change(plan.request.agent, |deed| {
            deed.phase = phase;
            deed.maker = None;
            deed.engine = Some(endpoint.clone());
        });
        noted.map_err(unwritten)
    };
    // Written first: from its start on, it may be given a job before we hear of it.
    note(Phase::Settling)?;
    agent::start(&engine, &seat, credentials, core.tool.pace.engine).await?;
    note(Phase::Made)?;
    watch::begin(core, plan.request.agent, &endpoint);
    Ok(())
}

/// Removes what was made. The error says whether that is certain.
async fn undo(core: &Core, plan: &Plan<'_>, error: BackendError) -> BackendError {
    match ending::remove(core, plan.request.agent).await {
        Ok(_) => error,
        Err(left) => BackendError::Unknown(format!("{error}; and then {left}")),
    }
}

fn unwritten(error: std::io::Error) -> BackendError {
    BackendError::Transient(format!("what machines there are cannot be noted: {error}"))
}
