//! What backends tell: instances that run, end, and are listed.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, Answer, BackendEvent, BackendId, Exit, Instance, InstanceState,
    Listing, Reason, Refusal, Retry, Timestamp, Trouble,
};

use super::account;
use super::moves::move_agent;
use super::removal;
use crate::lifecycle::agent::AgentInput;
use crate::world::{Backend, LaunchFailure, Removal, Signal, Stranger};
use crate::{Effect, World};

/// A worker that lives no longer than this did not really launch.
const WORKER_LIVES: core::time::Duration = core::time::Duration::from_secs(1);

pub(super) fn event(
    world: &mut World,
    id: &BackendId,
    event: BackendEvent,
    now: Timestamp,
) -> Answer {
    match event {
        BackendEvent::Fenced(agent) => match world.agents.contains_key(&agent) {
            true => Answer::Known,
            false => Answer::Refused(Refusal::UnknownAgent),
        },
        BackendEvent::Running(agent) => running(world, agent, now),
        BackendEvent::Waiting(agent, why) => waiting(world, agent, why),
        BackendEvent::Priced(agent, price) => account::told(world, agent, price, now),
        BackendEvent::Gone(agent, exit) => gone(world, id, agent, exit, now),
        BackendEvent::Missed => {
            let facts = facts(world, id);
            facts.fresh = false;
            facts.missed = true;
            Answer::Applied
        }
    }
}

pub(super) fn facts<'w>(world: &'w mut World, id: &BackendId) -> &'w mut Backend {
    world
        .backends
        .entry(id.clone())
        .or_insert_with(|| Backend::new(id.clone()))
}

pub(super) fn running(world: &mut World, id: AgentId, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    agent.waits_for = None;
    agent.seen = true;
    let input = match agent.record.kind {
        AgentKind::Worker => AgentInput::Ready,
        AgentKind::Managed | AgentKind::Sidecar => AgentInput::Present,
    };
    move_agent(world, id, input, now)
}

/// An instance is made and does not execute yet; that decides nothing, it only explains.
fn waiting(world: &mut World, id: AgentId, why: Option<String>) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    if agent.waits_for == why {
        return Answer::Known;
    }
    agent.waits_for = why;
    Answer::Applied
}

/// An instance ended and nothing is left of it.
fn gone(world: &mut World, backend: &BackendId, id: AgentId, exit: Exit, now: Timestamp) -> Answer {
    let facts = facts(world, backend);
    if facts.strangers.remove(&id).is_some() {
        facts.note_end(id);
    }
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Known;
    };
    // While a creation is under way its own answer decides: this may be an earlier try.
    if agent.effect.is_in_flight() && agent.record.phase == AgentPhase::Creating {
        agent.launch_trouble = Some(end_of_launch(id, exit));
        return Answer::Known;
    }
    judge_launch(world, id, exit, now);
    note_nothing(world, id, exit, now);
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.record.leaves_for.get_or_insert(Reason::EndedItself);
    }
    removal::absent(world, id, now)
}

/// Whether the end of this agent says that launches in its pool do not work.
fn judge_launch(world: &mut World, id: AgentId, exit: Exit, now: Timestamp) {
    let Some(agent) = world.agents.get(&id) else {
        return;
    };
    let lived = now.since(agent.record.phase_since);
    let (failed, worked) = match (agent.record.kind, agent.record.phase) {
        (_, AgentPhase::Creating | AgentPhase::Starting) => (true, false),
        (AgentKind::Worker, AgentPhase::Ready) => {
            let brief = lived < WORKER_LIVES;
            let failed = match signal_of(world, agent) {
                Some(signal) => brief && came_for_nothing(signal, exit),
                None => brief || !exit.is_success(),
            };
            (failed, !failed)
        }
        _ => (false, false),
    };
    if failed {
        // What a creation said when it went wrong tells more than an end nobody saw.
        let said = agent.launch_trouble.as_ref().or(agent.unclear.as_ref());
        let said = said.filter(|_| exit == Exit::Unknown).cloned();
        let message = said.unwrap_or_else(|| end_of_launch(id, exit));
        launch_failed(world, id, message, None, now);
    } else if worked {
        let pool = agent.pool;
        if let Some(pool) = world.pools.get_mut(&pool) {
            pool.backoff.worked();
        }
    }
}

/// A worker that ended well within the time between two samples, while nothing waited, came
/// for nothing.
fn note_nothing(world: &mut World, id: AgentId, exit: Exit, now: Timestamp) {
    let Some(agent) = world.agents.get(&id) else {
        return;
    };
    let lived = now.since(agent.record.phase_since);
    let ran = agent.record.phase == AgentPhase::Ready && exit.is_success();
    let pool = agent.pool;
    let nothing = |signal: &Signal| lived < signal.polling() && !signal.had_work();
    if ran && signal_of(world, agent).is_some_and(nothing) {
        super::signal::note_nothing(world, pool, now);
    }
}

fn signal_of<'w>(world: &'w World, agent: &crate::Agent) -> Option<&'w Signal> {
    world.pools.get(&agent.pool)?.signal.as_ref()
}

/// Whether a worker with a queue that ended at once could not work. One that did its work
/// quickly could; one that only the minimum asked for would come back at once for ever.
fn came_for_nothing(signal: &Signal, exit: Exit) -> bool {
    !exit.is_success() || (signal.rule().min > 0 && !signal.is_active())
}

fn end_of_launch(id: AgentId, exit: Exit) -> String {
    format!("agent {id} {} before it was of use", ended(exit))
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with code {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
        Exit::Unknown => String::from("ended, nobody saw how,"),
    }
}

/// Counts a failed launch against the pool of `id`.
pub(super) fn launch_failed(
    world: &mut World,
    id: AgentId,
    message: String,
    at_least: Option<core::time::Duration>,
    now: Timestamp,
) {
    let Some(agent) = world.agents.get(&id) else {
        return;
    };
    let intended = agent.record.created_at;
    world.failures.record(LaunchFailure {
        at: now,
        pool: agent.pool,
        agent: id,
        backend: agent.record.backend.clone(),
        message: message.clone(),
    });
    if let Some(pool) = world.pools.get_mut(&agent.pool) {
        let retry = pool
            .configured
            .as_ref()
            .map_or_else(Retry::default, |c| c.spec.retry);
        pool.backoff.failed(retry, intended, at_least, message, now);
    }
}

/// The answer to a list: everything of ours that exists, as of when it was asked for.
pub(super) fn listed(
    world: &mut World,
    id: &BackendId,
    result: Result<Listing, Trouble>,
    now: Timestamp,
) -> Answer {
    let facts = facts(world, id);
    let ended = core::mem::take(&mut facts.ended);
    let listing = match result {
        Ok(listing) => listing,
        Err(trouble) => {
            facts.listing = super::answered::retry(facts.listing, now);
            facts.fresh = false;
            facts.trouble = Some(trouble.message);
            return Answer::Applied;
        }
    };
    facts.listing = Effect::None;
    facts.fresh = !facts.missed;
    facts.trouble = None;
    facts.listed_at = Some(now);
    let asked_in = facts.listed_in;
    let instances: BTreeMap<AgentId, Instance> = listing
        .instances
        .into_iter()
        .filter(|instance| !ended.contains(&instance.agent))
        .map(|instance| (instance.agent, instance))
        .collect();
    meet_strangers(world, id, &instances, now);
    compare(world, id, &instances, asked_in, now);
    Answer::Applied
}

fn meet_strangers(
    world: &mut World,
    id: &BackendId,
    instances: &BTreeMap<AgentId, Instance>,
    now: Timestamp,
) {
    let mut known = core::mem::take(&mut facts(world, id).strangers);
    let strangers = instances
        .values()
        .filter(|i| !world.agents.contains_key(&i.agent));
    let met = strangers.map(|instance| {
        let mut stranger = known.remove(&instance.agent).unwrap_or_else(|| Stranger {
            pool: instance.pool.clone(),
            seen_at: now,
            removal: Removal::default(),
        });
        stranger.removal.shown();
        (instance.agent, stranger)
    });
    let mut met: BTreeMap<AgentId, Stranger> = met.collect();
    // Of who was not removed, again and again, one list that lacks it proves nothing.
    let unlisted = known.into_iter().filter_map(|(agent, mut stranger)| {
        let stays = stranger.removal.is_quarantined() && !stranger.removal.is_gone(now);
        stays.then_some((agent, stranger))
    });
    met.extend(unlisted);
    let facts = facts(world, id);
    facts.strangers = met;
    facts.used |= !facts.strangers.is_empty();
}

/// Agents of this backend whose effects had settled before the list was asked for are
/// what the list says they are.
fn compare(
    world: &mut World,
    id: &BackendId,
    instances: &BTreeMap<AgentId, Instance>,
    asked_in: u64,
    now: Timestamp,
) {
    doubt_unlisted(world, id, instances);
    let mine = world.agents.values().filter(|agent| {
        agent.record.backend == *id
            && !agent.effect.is_in_flight()
            && agent.listable_from < asked_in
            && !matches!(
                agent.record.phase,
                AgentPhase::Reserving | AgentPhase::Releasing
            )
    });
    let mine: alloc::vec::Vec<AgentId> = mine.map(|agent| agent.record.id).collect();
    for agent in mine {
        let listed = instances.get(&agent).map(|instance| instance.state);
        if listed.is_some() {
            removal::still_there(world, agent);
            shown(world, agent);
        }
        match listed {
            Some(InstanceState::Running) => {
                settle_unknown(world, agent);
                running(world, agent, now);
            }
            Some(InstanceState::Starting) => {
                settle_unknown(world, agent);
                move_agent(world, agent, AgentInput::Present, now);
            }
            Some(InstanceState::Unfinished) => unfinished(world, agent, now),
            Some(InstanceState::Ended(exit)) => ended_but_listed(world, agent, exit, now),
            None => absent(world, agent, now),
        }
    }
}

fn shown(world: &mut World, id: AgentId) {
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.seen = true;
    }
}

/// While a creation is under way a list decides nothing; but a worker that runs and is not
/// shown alive must be looked for once the creation is answered, because nobody else would.
fn doubt_unlisted(world: &mut World, id: &BackendId, instances: &BTreeMap<AgentId, Instance>) {
    let unlisted = world.agents.values_mut().filter(|agent| {
        agent.record.backend == *id
            && agent.record.kind == AgentKind::Worker
            && agent.record.phase == AgentPhase::Ready
            && agent.effect.is_in_flight()
            && !lives(instances, agent.record.id)
    });
    for agent in unlisted {
        let unseen = || end_of_launch(agent.record.id, Exit::Unknown);
        agent.launch_trouble.get_or_insert_with(unseen);
    }
}

fn lives(instances: &BTreeMap<AgentId, Instance>, id: AgentId) -> bool {
    instances
        .get(&id)
        .is_some_and(|instance| !matches!(instance.state, InstanceState::Ended(_)))
}

fn settle_unknown(world: &mut World, id: AgentId) {
    if let Some(agent) = world.agents.get_mut(&id)
        && agent.effect == Effect::Unknown
    {
        agent.effect = Effect::None;
        agent.launch_trouble = None;
    }
}

/// It was begun for a daemon that is gone. The next plan asks for it again, or gives it up
/// where its pool has no use for it; what this daemon was told of it already stands.
fn unfinished(world: &mut World, id: AgentId, now: Timestamp) {
    let Some(agent) = world.agents.get(&id) else {
        return;
    };
    match agent.record.phase {
        AgentPhase::Creating if agent.launch_trouble.is_none() => settle_unknown(world, id),
        AgentPhase::Creating => ended_but_listed(world, id, Exit::Unknown, now),
        // It was believed to go on by itself. That it does not says nothing of launches.
        AgentPhase::Starting => clean_up(world, id, now),
        _ => {}
    }
}

/// It ended, and what it left is still there: it is destroyed to clean up.
fn ended_but_listed(world: &mut World, id: AgentId, exit: Exit, now: Timestamp) {
    let cut_short = was_cut_short(world, id) && exit == Exit::Unknown;
    settle_unknown(world, id);
    if !cut_short {
        judge_launch(world, id, exit, now);
    }
    clean_up(world, id, now);
}

fn clean_up(world: &mut World, id: AgentId, now: Timestamp) {
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.record.leaves_for.get_or_insert(Reason::EndedItself);
    }
    move_agent(world, id, AgentInput::Destroy, now);
}

/// Whether its creation was under way when the last daemon ended: that it came to nothing
/// says nothing of launches.
fn was_cut_short(world: &World, id: AgentId) -> bool {
    world.agents.get(&id).is_some_and(|agent| {
        agent.record.phase == AgentPhase::Creating
            && agent.effect == Effect::Unknown
            && agent.launch_trouble.is_none()
    })
}

fn absent(world: &mut World, id: AgentId, now: Timestamp) {
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    let vanished = agent.record.phase == AgentPhase::Starting;
    // Who ran was launched, whatever was doubted of it.
    let ran = agent.record.phase == AgentPhase::Ready;
    let trouble = agent.launch_trouble.take().filter(|_| !ran);
    if let Some(message) = trouble.or(vanished.then(|| vanished_launch(agent))) {
        launch_failed(world, id, message, None, now);
    }
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.record.leaves_for.get_or_insert(Reason::EndedItself);
    }
    removal::absent(world, id, now);
}

/// Why a launch failed whose agent is nowhere, although it was believed to start.
fn vanished_launch(agent: &crate::Agent) -> String {
    let id = agent.record.id;
    match (&agent.unclear, agent.seen) {
        (Some(said), _) => said.clone(),
        (None, true) => end_of_launch(id, Exit::Unknown),
        (None, false) => format!("agent {id} was said to be created, and no list shows it"),
    }
}
