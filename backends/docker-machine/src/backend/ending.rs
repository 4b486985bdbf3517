//! Destroying: stop, remove, and believe only the tool's own word that it is gone.
//!
//! Promise: success means that `rm -y` has ended well and the record is gone, or that there
//! never was a machine. A record that is missing although nobody here removed it proves
//! nothing, and neither does `rm` of a record that never said which machine it was. `rm -f`
//! is never called: it forgets what it could not remove. Leaves trying again to the planner.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{AgentId, Exit};
use headcount_ports::{BackendError, DestroyRequest};
use tokio::time::timeout;

use super::{Core, look, toolwork, watch};
use crate::agent;
use crate::deeds::{Deed, Phase};
use crate::progress::Progress;
use crate::store::Record;

/// For a creation or removal that is under way.
const TURN_WAIT: Duration = Duration::from_secs(150);

/// See the port. A removal goes on when this is dropped.
pub(super) async fn destroy(core: &Arc<Core>, request: DestroyRequest) -> Result<(), BackendError> {
    let agent = request.agent;
    let place = core.turns.enter(agent);
    place.unwant();
    let core = core.clone();
    let ending = tokio::spawn(async move {
        let Ok(_turn) = timeout(TURN_WAIT, place.turn()).await else {
            return Err(format!(
                "the machine of {agent} is still being made or removed"
            ));
        };
        end(&core, request).await
    });
    match ending.await {
        Ok(ended) => ended.map_err(BackendError::Unknown),
        Err(_) => Err(BackendError::Unknown("the daemon is ending".into())),
    }
}

async fn end(core: &Arc<Core>, request: DestroyRequest) -> Result<(), String> {
    let agent = request.agent;
    core.watched().left.remove(&agent);
    let deed = core.deeds.of(agent)?;
    if let Some(deed) = &deed
        && let (Phase::Settling | Phase::Made, Some(endpoint)) = (deed.phase, &deed.engine)
    {
        let name = agent::name(&core.ours, agent);
        agent::stop(&agent::engine(endpoint), &name, request.grace).await;
    }
    if remove(core, agent).await? {
        core.turns.note_over(agent, Exit::Unknown, Vec::new());
    }
    Ok(())
}

/// Removes the machine of an agent; false when there was none. The error is a sentence; the
/// machine may be there then.
pub(super) async fn remove(core: &Arc<Core>, agent: AgentId) -> Result<bool, String> {
    let Some(deed) = core.deeds.of(agent)? else {
        return remove_strays(core, agent).await;
    };
    core.aside(|core| look::check_store(core)).await??;
    // One that was late and was ended now has left what one that ended by itself leaves.
    toolwork::ended(core, agent, &deed, TURN_WAIT).await?;
    let of = deed.clone();
    match core.aside(move |core| left(core, agent, &of)).await?? {
        Left::Doubt => return Err(try_unsure(core, agent, &deed).await),
        Left::Machine => {
            // Written first: a record that is gone after this was taken away by `rm`.
            note_phase(core, agent, Phase::Removing).await?;
            if let Err(why) = remove_named(core, &deed.name).await {
                note_kept(core, agent, &deed.name).await?;
                return Err(why);
            }
        }
        Left::Folder => {
            let removed = core.aside(move |core| core.store.remove_bare(&deed.name));
            removed.await?.map_err(|e| look::unread(core, &e))?;
        }
        Left::Nothing => {}
        Left::Lost => return Err(lost(core, agent, &deed)),
    }
    let crossed = core.aside(move |core| core.deeds.cross_out(agent)).await?;
    crossed.map_err(|e| unnoted(&e))?;
    watch::cease(core, agent);
    Ok(true)
}

/// What there is to remove.
enum Left {
    /// A machine that its record names.
    Machine,
    /// A record that may not say which machine it is.
    Doubt,
    /// A folder without a record, for which no driver was called.
    Folder,
    /// Nothing, for certain.
    Nothing,
    /// No record, although there was one.
    Lost,
}

fn left(core: &Core, agent: AgentId, deed: &Deed) -> Result<Left, String> {
    let record = core.store.record(&deed.name);
    Ok(match record.map_err(|e| look::unread(core, &e))? {
        Record::Machine(_) if is_unsure(core, agent, deed) => Left::Doubt,
        Record::Machine(_) => Left::Machine,
        Record::Bare if was_never_made(core, agent, deed) => Left::Folder,
        Record::None if deed.phase == Phase::Removing => Left::Nothing,
        Record::None if was_never_made(core, agent, deed) => Left::Nothing,
        Record::Bare | Record::None => Left::Lost,
    })
}

/// Whether the record of a machine may not say which machine it is.
fn is_unsure(core: &Core, agent: AgentId, deed: &Deed) -> bool {
    match deed.phase {
        Phase::Unsure => true,
        Phase::Making => core.deeds.progress(agent, deed) == Progress::Unsaved,
        Phase::Settling | Phase::Made | Phase::Removing | Phase::Kept => false,
    }
}

/// Whether a machine of which there is no record was never begun: the tool writes the record
/// before its driver makes anything. For one that no tool makes any more.
pub(super) fn was_never_made(core: &Core, agent: AgentId, deed: &Deed) -> bool {
    deed.phase == Phase::Making && core.deeds.progress(agent, deed) == Progress::NotBegun
}

/// Has the tool remove what the record tells, which may be nothing. What it says of that
/// proves nothing.
async fn try_unsure(core: &Arc<Core>, agent: AgentId, deed: &Deed) -> String {
    if let Err(why) = note_phase(core, agent, Phase::Unsure).await {
        return why;
    }
    let unsure = Deed {
        phase: Phase::Unsure,
        ..deed.clone()
    };
    let unsure = lost(core, agent, &unsure);
    match remove_named(core, &deed.name).await {
        Ok(()) => unsure,
        Err(why) => format!("{why}; and {unsure}"),
    }
}

async fn note_phase(core: &Arc<Core>, agent: AgentId, phase: Phase) -> Result<(), String> {
    let noting = core.aside(move |core| core.deeds.change(agent, |deed| deed.phase = phase));
    noting.await?.map_err(|error| unnoted(&error))
}

/// From now on a record that is missing was not taken away by `rm`.
async fn note_kept(core: &Arc<Core>, agent: AgentId, name: &str) -> Result<(), String> {
    if record_of(core, name).await? == Record::None {
        return Ok(());
    }
    note_phase(core, agent, Phase::Kept).await
}

async fn record_of(core: &Arc<Core>, name: &str) -> Result<Record, String> {
    let name = name.to_owned();
    let found = core.aside(move |core| core.store.record(&name)).await?;
    found.map_err(|e| look::unread(core, &e))
}

/// Machines that nobody wrote down, by their names.
async fn remove_strays(core: &Arc<Core>, agent: AgentId) -> Result<bool, String> {
    // A person may have crossed one out while the tool was at it.
    toolwork::ended_unnoted(core, agent, TURN_WAIT).await?;
    let mut removed = false;
    let names = core.aside(|core| core.store.names()).await?;
    for name in names.map_err(|e| look::unread(core, &e))? {
        if core.ours.read_name(&name) != Some(agent) {
            continue;
        }
        match record_of(core, &name).await? {
            Record::None => {}
            Record::Machine(Some(mark)) if mark.owner != core.ours.owner => {}
            Record::Machine(_) => {
                remove_named(core, &name).await?;
                removed = true;
            }
            // Of whom nothing is known: not even whether there was a machine.
            Record::Bare => {
                let folder = core.store.folder(&name).display().to_string();
                return Err(format!(
                    "`{folder}` has no record in it; look whether there is a machine `{name}`, \
                     then remove the folder"
                ));
            }
        }
    }
    Ok(removed)
}

async fn remove_named(core: &Arc<Core>, name: &str) -> Result<(), String> {
    core.tool.stop(name).await;
    core.tool.remove(name).await?;
    match record_of(core, name).await? {
        Record::None => Ok(()),
        _ => Err(format!(
            "`docker-machine rm` ended well, but the record of `{name}` is still there"
        )),
    }
}

/// What is to be done about a machine of which no record tells any more, or ever did.
pub(super) fn lost(core: &Core, agent: AgentId, deed: &Deed) -> String {
    let Deed { name, driver, .. } = deed;
    if deed.phase == Phase::Unsure {
        return format!(
            "the creation of the machine `{name}` was ended before the tool had noted what its \
             cloud calls it, so nobody can tell whether there is one; look for `{name}` where the \
             driver `{driver}` makes machines and remove it there, then remove `{}`",
            core.deeds.path(agent).display()
        );
    }
    format!(
        "the store has no record of the machine `{name}` any more, so nobody can tell whether it \
         is gone; look for it where the driver `{driver}` makes machines and remove it there, then \
         remove `{}`",
        core.deeds.path(agent).display()
    )
}

fn unnoted(error: &std::io::Error) -> String {
    format!("what machines there are cannot be noted: {error}")
}
