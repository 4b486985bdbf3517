//! How removals went: what is gone, what stays, and what is quarantined for it.

use headcount_model::{AgentId, AgentPhase, Answer, Timestamp, Trouble};

use super::moves::move_agent;
use crate::lifecycle::agent::AgentInput;
use crate::{Effect, World};

/// A destruction was answered: nothing is left of it.
pub(super) fn destroyed(world: &mut World, id: AgentId, now: Timestamp) -> Answer {
    if let Some(agent) = world.agents.get_mut(&id)
        && agent.record.phase == AgentPhase::Quarantined
    {
        agent.effect = Effect::RetryAt(now, agent.effect.tries());
    }
    absent(world, id, now)
}

/// Its backend says that nothing is left of it.
pub(super) fn absent(world: &mut World, id: AgentId, now: Timestamp) -> Answer {
    let agent = world.agents.get_mut(&id);
    match agent.is_none_or(|agent| agent.is_gone(now)) {
        true => move_agent(world, id, AgentInput::Absent, now),
        false => Answer::Applied,
    }
}

/// Its backend shows it.
pub(super) fn still_there(world: &mut World, id: AgentId) {
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.absent_since = None;
    }
}

/// Its backend did not remove it.
pub(super) fn refused(world: &mut World, id: AgentId, trouble: Trouble, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Known;
    };
    if !matches!(
        agent.record.phase,
        AgentPhase::Destroying | AgentPhase::Quarantined
    ) {
        return Answer::Known;
    }
    if agent.not_removed(trouble, now) {
        move_agent(world, id, AgentInput::GiveUp, now);
    }
    Answer::Applied
}
