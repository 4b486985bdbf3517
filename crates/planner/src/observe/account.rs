//! What the time of agents goes into: one account for each, turned over when that changes.
//!
//! Promise: the pieces of an agent's time follow each other without gap or overlap from the
//! order of its creation to its confirmed absence; what it goes into follows from its phase and its jobs alone, but for
//! one that never became ready, which is known by what its account says so far.

use alloc::vec::Vec;

use headcount_model::{
    Account, AgentId, AgentKind, AgentPhase, Answer, Price, Refusal, TimeSpent, Timestamp, Usage,
};

use crate::{Agent, JobPhase, Pool, World};

/// Pieces of one agent's time that are remembered until its price is told.
const MAX_UNPRICED: usize = 8;

/// Something about the agent has changed: its account is what it is now.
pub(super) fn turn(world: &mut World, id: AgentId, now: Timestamp) {
    let Some(agent) = world.agents.get(&id) else {
        return;
    };
    let (before, usage) = (agent.record.account, usage(world, agent));
    if before.map(|account| account.usage) == usage {
        return;
    }
    match (before, usage) {
        (None, Some(usage)) => open(world, id, usage, now),
        // It will never have been ready: what it took until now was in vain, too.
        (Some(_), Some(Usage::Failed)) => relabel(world, id, Usage::Failed),
        (Some(_), Some(usage)) => {
            close(world, id, now);
            relabel(world, id, usage);
        }
        (Some(account), None) => {
            if account.usage == Usage::Booting {
                relabel(world, id, Usage::Failed);
            }
            close(world, id, now);
            if let Some(agent) = world.agents.get_mut(&id) {
                agent.record.account = None;
            }
        }
        (None, None) => {}
    }
    world.touched.agents.insert(id);
}

fn open(world: &mut World, id: AgentId, usage: Usage, now: Timestamp) {
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    let pool = world.pools.get(&agent.pool).and_then(Pool::open);
    agent.record.account = Some(Account {
        usage,
        since: now,
        price: pool.and_then(|pool| pool.spec.price),
        price_told: false,
    });
}

fn relabel(world: &mut World, id: AgentId, usage: Usage) {
    let agent = world.agents.get_mut(&id);
    if let Some(account) = agent.and_then(|agent| agent.record.account.as_mut()) {
        account.usage = usage;
    }
}

/// Its backend says what it costs; that goes before what its pool says.
pub(super) fn told(world: &mut World, id: AgentId, price: Price, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    let known = |account: Account| account.price_told && account.price == Some(price);
    if agent.record.account.is_none_or(known) {
        return Answer::Known;
    }
    set_price(world, id, Some(price), true, now);
    Answer::Applied
}

/// The configuration says what agents cost whose backends do not.
pub(super) fn configured(world: &mut World, now: Timestamp) {
    let agents = world.agents.values();
    let other = agents.filter_map(|agent| {
        let account = agent.record.account.filter(|it| !it.price_told)?;
        let pool = world.pools.get(&agent.pool)?.configured.as_ref()?;
        let price = pool.spec.price;
        (account.price != price).then_some((agent.record.id, price))
    });
    for (agent, price) in other.collect::<Vec<_>>() {
        set_price(world, agent, price, false, now);
    }
}

/// What it has cost since its order without a price had this one, as far as that is
/// remembered; what had another keeps it, but for a launch: no machine was there before.
fn set_price(world: &mut World, id: AgentId, price: Option<Price>, told: bool, now: Timestamp) {
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    let Some(account) = agent.record.account else {
        return;
    };
    let unpriced = core::mem::take(&mut agent.unpriced);
    let launching = matches!(account.usage, Usage::Booting | Usage::Failed);
    if account.price.is_some() && account.price != price && !launching {
        close(world, id, now);
    }
    let agent = world.agents.get_mut(&id);
    if let Some(account) = agent.and_then(|agent| agent.record.account.as_mut()) {
        account.price = price;
        account.price_told = told;
    }
    world.touched.agents.insert(id);
    let spent = unpriced
        .into_iter()
        .map(|spent| TimeSpent { price, ..spent });
    world.touched.time_spent.extend(spent);
}

/// Whether an agent's account says what it does, for whoever checks worlds.
pub(crate) fn is_true(world: &World, agent: &Agent) -> bool {
    agent.record.account.map(|account| account.usage) == usage(world, agent)
}

/// What it is doing is over; the next begins.
fn close(world: &mut World, id: AgentId, now: Timestamp) {
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    let Some(account) = &mut agent.record.account else {
        return;
    };
    // A clock that was set back between two runs takes no time away.
    let until = now.max(account.since);
    let from = core::mem::replace(&mut account.since, until);
    let spent = TimeSpent {
        agent: id,
        pool: agent.record.pool.clone(),
        usage: account.usage,
        from,
        until,
        price: account.price,
    };
    if spent.until == spent.from {
        return;
    }
    if spent.price.is_none() && agent.unpriced.len() < MAX_UNPRICED {
        agent.unpriced.push(spent.clone());
    }
    world.touched.time_spent.push(spent);
}

/// What its time goes into from now on; nothing where no machine can be.
fn usage(world: &World, agent: &Agent) -> Option<Usage> {
    let before = agent.record.account.map(|account| account.usage);
    Some(match agent.record.phase {
        AgentPhase::Reserving | AgentPhase::Releasing => return None,
        AgentPhase::Creating | AgentPhase::Starting => Usage::Booting,
        AgentPhase::Ready if agent.record.kind == AgentKind::Worker => Usage::Useful,
        _ if works(world, agent) => Usage::Useful,
        AgentPhase::Ready => Usage::Idle,
        // What stays against our will is paid for as well.
        AgentPhase::Draining | AgentPhase::Destroying | AgentPhase::Quarantined => match before {
            Some(Usage::Booting | Usage::Failed) => Usage::Failed,
            _ => Usage::Draining,
        },
    })
}

fn works(world: &World, agent: &Agent) -> bool {
    let mut jobs = agent.jobs.iter().filter_map(|job| world.jobs.get(job));
    jobs.any(|job| job.phase == JobPhase::Running)
}
