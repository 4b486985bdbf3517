//! Creating: at most one machine an agent, whoever asks how often.
//!
//! Promise: what can be refused is refused before a machine is made; a machine is written
//! down before the tool is called; one that is of no use is removed before the error is
//! told, and when even that cannot be confirmed the outcome is unknown.

use std::sync::Arc;
use std::time::Duration;

use headcount_calls::{CallError, Maker, last_words};
use headcount_model::{AgentId, BackendEvent, DockerMachineRecipe, Recipe};
use headcount_ports::turns::{self, Asker, Place};
use headcount_ports::{BackendError, CreateRequest};

use super::toolwork::{self, Waited};
use super::watch::{self, Absence};
use super::{Core, ending, look};
use crate::agent::{self, Seat};
use crate::command_line::{self, Wanted};
use crate::deeds::{Deed, Endpoint, Phase};
use crate::environment;
use crate::fault;
use crate::marks::Mark;
use crate::progress::Progress;
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

impl<'a> Plan<'a> {
    /// Checks everything that can be checked before a machine is made.
    fn of(core: &Core, request: &'a CreateRequest) -> Result<Self, BackendError> {
        let agent = request.agent;
        let Recipe::DockerMachine(recipe) = &*request.recipe else {
            let wrong = format!("{agent} is not to be made by docker-machine; please report this");
            return Err(BackendError::Invalid(wrong));
        };
        let options = &core.options;
        let told = options.call_back.tell(recipe.agent_url.as_deref())?;
        let own = environment::of_agent(recipe);
        let given = options.forwarded.iter().chain(&own);
        Ok(Plan {
            request,
            recipe,
            name: core.ours.name(&recipe.name, agent)?,
            variables: agent::variables(request, told, given)?,
        })
    }
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
    let earlier = core.deeds.of(agent).map_err(BackendError::Unknown)?;
    core.watched().left.remove(&agent);
    let plan = Plan::of(core, request);
    let (plan, made) = match (plan, earlier) {
        (Ok(mut plan), Some(deed)) => {
            // Whatever a new machine would be called now.
            plan.name.clone_from(&deed.name);
            let made = meet(core, &plan, deed).await?;
            (plan, made)
        }
        (Ok(plan), None) => {
            make(core, &plan).await?;
            (plan, false)
        }
        (Err(error), None) => return Err(error),
        (Err(error), Some(_)) => return Err(undo(core, agent, error).await),
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
        Err(error) => Err(undo(core, agent, error).await),
    }
}

/// It was asked for before. True when its agent was started then.
async fn meet(core: &Arc<Core>, plan: &Plan<'_>, deed: Deed) -> Result<bool, BackendError> {
    let agent = plan.request.agent;
    let waited = toolwork::ended(core, agent, &deed, Duration::MAX).await;
    if let Waited::Late(why) = waited.map_err(BackendError::Unknown)? {
        return Err(undo(core, agent, BackendError::Transient(why)).await);
    }
    let seen = deed.clone();
    let found = core.aside(move |core| {
        look::check_store(core)?;
        let record = core.store.record(&seen.name);
        let record = record.map_err(|error| look::unread(core, &error))?;
        Ok((record, core.deeds.progress(agent, &seen)))
    });
    let (record, progress) = found.await.flatten().map_err(BackendError::Unknown)?;
    match (deed.phase, record) {
        (Phase::Made, Record::Machine(_)) => Ok(true),
        (Phase::Settling, Record::Machine(_)) => Ok(false),
        (Phase::Removing | Phase::Kept, _) => Err(BackendError::Unknown(format!(
            "the machine `{}` is being removed",
            deed.name
        ))),
        (Phase::Making, Record::None) if progress == Progress::NotBegun => {
            make(core, plan).await.map(|()| false)
        }
        (Phase::Making, Record::Bare) if progress == Progress::NotBegun => {
            let removed = core.aside(move |core| core.store.remove_bare(&deed.name));
            let removed = removed.await.map_err(BackendError::Unknown)?;
            removed.map_err(unwritten)?;
            make(core, plan).await.map(|()| false)
        }
        (Phase::Making, Record::Machine(_)) => finish(core, plan, progress).await.map(|()| false),
        (Phase::Settling | Phase::Made | Phase::Unsure | Phase::Making, _) => {
            Err(BackendError::Unknown(ending::lost(core, agent, &deed)))
        }
    }
}

/// What the tool left when nobody listened any more becomes a machine, or nothing.
async fn finish(core: &Arc<Core>, plan: &Plan<'_>, progress: Progress) -> Result<(), BackendError> {
    let agent = plan.request.agent;
    if progress != Progress::Told {
        let words = core.aside(move |core| last_words(&core.deeds.log(agent)));
        let words = words.await.map_err(BackendError::Unknown)?;
        let words = fault::words_of(words, Some(plan.recipe));
        return Err(undo(core, agent, fault::not_finished(&words)).await);
    }
    if core.tool.reach(&plan.name).await.is_err()
        && let Err(why) = core.tool.provision(&plan.name).await
    {
        return Err(undo(core, agent, BackendError::Transient(why)).await);
    }
    note_whose(core, plan).await
}

/// Has the tool make it.
async fn make(core: &Arc<Core>, plan: &Plan<'_>) -> Result<(), BackendError> {
    let (agent, name) = (plan.request.agent, plan.name.as_str());
    let deed = Deed {
        name: name.to_owned(),
        pool: plan.request.pool.as_str().to_owned(),
        driver: plan.recipe.driver.clone(),
        phase: Phase::Making,
        maker: None,
        boot: core.deeds.boot(),
        engine: None,
    };
    let begun = core.aside(move |core| begin(core, agent, deed)).await;
    begun.map_err(BackendError::Unknown)??;
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
    let noted = |maker| note_maker(core, agent, maker);
    let calling = core.tool.create(words, secrets, &log, noted);
    let called = core.gate.pass(&core.store, calling, |called| {
        called.as_ref().is_ok_and(|said| said.code == Some(0))
    });
    let error = match called.await {
        Ok(said) if said.code == Some(0) => return note_whose(core, plan).await,
        Ok(said) => fault::not_made(&said, &fault::words(&said, Some(plan.recipe))),
        Err(error @ CallError::NotStarted { .. }) => {
            let crossed = core.aside(move |core| core.deeds.cross_out(agent)).await;
            crossed.map_err(BackendError::Unknown)?.map_err(unwritten)?;
            return Err(BackendError::Transient(error.to_string()));
        }
        Err(error) => BackendError::Transient(error.to_string()),
    };
    Err(undo(core, agent, error).await)
}

/// Writes it down, where a machine may be made.
fn begin(core: &Core, agent: AgentId, deed: Deed) -> Result<(), BackendError> {
    check_free(core, &deed.name)?;
    enter_store(core)?;
    core.deeds.put(agent, deed).map_err(unwritten)
}

/// So that the next daemon finds the tool at work.
async fn note_maker(core: &Arc<Core>, agent: AgentId, maker: Maker) -> std::io::Result<()> {
    let noting = core.aside(move |core| {
        let maker = maker.to_string();
        core.deeds.change(agent, |deed| deed.maker = Some(maker))
    });
    noting.await.map_err(std::io::Error::other)?
}

/// Nobody else's machine has the name.
fn check_free(core: &Core, name: &str) -> Result<(), BackendError> {
    match core.store.record(name).map_err(unwritten)? {
        Record::Machine(Some(mark)) if mark.owner != core.ours.owner => {
            Err(BackendError::Invalid(format!(
                "a machine of another owner has the name `{name}`; write another `machineName`"
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
async fn note_whose(core: &Arc<Core>, plan: &Plan<'_>) -> Result<(), BackendError> {
    let mark = Mark {
        owner: core.ours.owner.clone(),
        agent: plan.request.agent,
        pool: Some(plan.request.pool.clone()),
    };
    let name = plan.name.clone();
    let noting = core.aside(move |core| {
        let backend = core.ours.backend.as_str();
        if let Err(error) = core.store.mark(&name, &mark, backend) {
            tracing::warn!(machine = name, %error, "no note beside its record");
        }
    });
    noting.await.map_err(BackendError::Unknown)
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
    // Written first: from its start on, it may be given a job before we hear of it.
    note_engine(core, plan.request.agent, Phase::Settling, &endpoint).await?;
    agent::start(&engine, &seat, credentials, core.tool.pace.engine).await?;
    note_engine(core, plan.request.agent, Phase::Made, &endpoint).await?;
    watch::begin(core, plan.request.agent, &endpoint, Absence::IsAnEnd);
    Ok(())
}

/// The tool has made it: this is how far it is, and where.
async fn note_engine(
    core: &Arc<Core>,
    agent: AgentId,
    phase: Phase,
    endpoint: &Endpoint,
) -> Result<(), BackendError> {
    let engine = endpoint.clone();
    let noting = core.aside(move |core| {
        core.deeds.change(agent, |deed| {
            deed.phase = phase;
            deed.maker = None;
            deed.engine = Some(engine);
        })
    });
    let noted = noting.await.map_err(BackendError::Unknown)?;
    noted.map_err(unwritten)
}

/// Removes what was made. The error says whether that is certain.
async fn undo(core: &Arc<Core>, agent: AgentId, error: BackendError) -> BackendError {
    match ending::remove(core, agent).await {
        Ok(_) => error,
        Err(left) => BackendError::Unknown(format!("{error}; and then {left}")),
    }
}

fn unwritten(error: std::io::Error) -> BackendError {
    BackendError::Transient(format!("what machines there are cannot be noted: {error}"))
}
