//! Looking: what was asked for, and what the store has.
//!
//! Promise: reading only; a machine that was asked for is listed until the tool has said
//! that it removed it, whatever became of its record; a store that is not the one in which
//! machines were made is an error. Machines of ours that nobody wrote down are found by
//! their names.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use headcount_model::{AgentId, Exit, Instance, InstanceState, Listing, PoolName};
use headcount_ports::BackendError;

use super::{Core, toolwork};
use crate::deeds::{Deed, Phase};
use crate::progress::Progress;
use crate::store::Record;

/// The pool of a machine of which nothing but the name is left.
const UNKNOWN_POOL: &str = "unknown";

/// See the port.
pub(super) async fn list(core: &Arc<Core>) -> Result<Listing, BackendError> {
    let mut in_making = core.turns.in_making();
    let listing = core.aside(move |core| {
        let (deeds, strays) = survey(core)?;
        in_making.extend(core.turns.in_making());
        Ok(judge(core, deeds, strays, &in_making))
    });
    listing.await.map_err(BackendError::Unknown)?
}

fn judge(
    core: &Core,
    deeds: BTreeMap<AgentId, Seen>,
    strays: Vec<(AgentId, PoolName)>,
    in_making: &HashSet<AgentId>,
) -> Listing {
    let mut instances = BTreeMap::new();
    for (agent, seen) in deeds {
        if let Some(state) = state(core, agent, &seen, in_making) {
            let pool = PoolName::new(&seen.deed.pool);
            instances.insert(agent, Instance { agent, pool, state });
        }
    }
    for (agent, pool) in strays {
        let state = match in_making.contains(&agent) {
            true => InstanceState::Starting,
            false => InstanceState::Running,
        };
        let stray = Instance { agent, pool, state };
        instances.entry(agent).or_insert(stray);
    }
    Listing {
        instances: instances.into_values().collect(),
    }
}

/// What is written of a machine, and whether the store has it.
struct Seen {
    deed: Deed,
    has_record: bool,
}

type Survey = (BTreeMap<AgentId, Seen>, Vec<(AgentId, PoolName)>);

fn survey(core: &Core) -> Result<Survey, BackendError> {
    core.deeds.forget_removed();
    let deeds = core.deeds.all().map_err(BackendError::Unknown)?;
    if !deeds.is_empty() {
        check_store(core).map_err(BackendError::Unknown)?;
    }
    let unread = |error: std::io::Error| BackendError::Unknown(unread(core, &error));
    let names = core.store.names().map_err(unread)?;
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();
    let seen = deeds.into_iter().map(|(agent, deed)| {
        let has_record = known.contains(deed.name.as_str());
        (agent, Seen { deed, has_record })
    });
    let seen: BTreeMap<_, _> = seen.collect();
    let mut strays = Vec::new();
    for name in &names {
        let Some(agent) = core.ours.read_name(name) else {
            continue;
        };
        if seen.contains_key(&agent) {
            continue;
        }
        let mark = match core.store.record(name).map_err(unread)? {
            Record::None => continue,
            Record::Bare => None,
            Record::Machine(mark) => mark,
        };
        if mark
            .as_ref()
            .is_some_and(|mark| mark.owner != core.ours.owner)
        {
            continue;
        }
        let pool = mark.and_then(|mark| mark.pool);
        let pool = pool.or_else(|| core.options.known.get(&agent).cloned());
        strays.push((agent, pool.unwrap_or_else(|| PoolName::new(UNKNOWN_POOL))));
    }
    Ok((seen, strays))
}

/// Whether the store is the one in which machines were made. Called where there are any.
/// The error is a sentence.
pub(super) fn check_store(core: &Core) -> Result<(), String> {
    let root = core.store.root().display();
    let unread = |error: std::io::Error| unread(core, &error);
    let expected = core.deeds.store().map_err(unread)?;
    let found = core.store.identity().map_err(unread)?;
    if expected.is_none() || found == expected {
        return Ok(());
    }
    let folder = core.deeds.path(AgentId {
        epoch: 0,
        number: 0,
    });
    let folder = folder.parent().unwrap_or(&folder).display();
    let what = match found {
        None => "is gone",
        Some(_) => "is another one",
    };
    Err(format!(
        "the store `{root}`, in which this daemon's machines were made, {what}; put it back or \
         mount it; if its machines are gone for certain, stop the daemon and remove `{folder}`"
    ))
}

/// How a machine stands; `None` when nothing is left of it.
fn state(
    core: &Core,
    agent: AgentId,
    seen: &Seen,
    in_making: &HashSet<AgentId>,
) -> Option<InstanceState> {
    let deed = &seen.deed;
    match deed.phase {
        Phase::Making | Phase::Settling if in_making.contains(&agent) => {
            Some(InstanceState::Starting)
        }
        Phase::Making | Phase::Settling if is_unfinished(core, agent, seen) => {
            Some(InstanceState::Unfinished)
        }
        Phase::Making if was_never_made(core, agent, seen) => None,
        Phase::Making => {
            if !core.turns.is_taken(agent) {
                warn_of_lost(core, agent, seen);
            }
            Some(InstanceState::Ended(Exit::Unknown))
        }
        // An agent that was started may have a job by now, whoever did not see it start.
        Phase::Settling | Phase::Made => Some(match core.watched().ended.get(&agent) {
            Some(exit) => InstanceState::Ended(*exit),
            None => {
                warn_of_lost(core, agent, seen);
                InstanceState::Running
            }
        }),
        Phase::Removing if seen.has_record || core.turns.is_taken(agent) => {
            Some(InstanceState::Ended(Exit::Unknown))
        }
        Phase::Kept | Phase::Unsure => {
            warn_of_lost(core, agent, seen);
            Some(InstanceState::Ended(Exit::Unknown))
        }
        // `rm` takes the record away last: the daemon died before it could cross it out.
        Phase::Removing => {
            cross_out(core, agent);
            None
        }
    }
}

/// A former daemon was having it made, and a creation would carry on with it.
fn is_unfinished(core: &Core, agent: AgentId, seen: &Seen) -> bool {
    let watched = core.watched();
    if !watched.left.contains(&agent) || watched.ended.contains_key(&agent) {
        return false;
    }
    drop(watched);
    match seen.deed.phase {
        Phase::Settling => seen.has_record,
        _ if toolwork::is_at_work(core, agent, &seen.deed) => true,
        _ => seen.has_record && core.deeds.progress(agent, &seen.deed) == Progress::Told,
    }
}

/// The tool has ended, and left nothing.
fn was_never_made(core: &Core, agent: AgentId, seen: &Seen) -> bool {
    let left = seen.has_record || core.turns.is_taken(agent);
    let never = !left
        && !toolwork::is_at_work(core, agent, &seen.deed)
        && super::ending::was_never_made(core, agent, &seen.deed);
    if never {
        cross_out(core, agent);
    }
    never
}

fn cross_out(core: &Core, agent: AgentId) {
    if let Err(error) = core.deeds.cross_out(agent) {
        tracing::warn!(%agent, %error, "what is written of it stays");
    }
}

fn warn_of_lost(core: &Core, agent: AgentId, seen: &Seen) {
    if !seen.has_record {
        let why = super::ending::lost(core, agent, &seen.deed);
        tracing::warn!(%agent, machine = seen.deed.name, "{why}");
    }
}

/// A sentence.
pub(super) fn unread(core: &Core, error: &std::io::Error) -> String {
    let root = core.store.root().display();
    format!("the store `{root}` cannot be read: {error}")
}
