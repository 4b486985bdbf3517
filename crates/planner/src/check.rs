//! A linter for worlds and plans, written apart from the code that makes them: runs on
//! every round in tests and in simulation.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use headcount_model::{AgentId, AgentPhase, Cap, Compat, Granted, Resources};

use crate::{Action, JobPhase, Link, Plan, World};

/// A broken rule, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

/// What must hold in any world.
#[must_use]
pub fn check_world(world: &World) -> Vec<Violation> {
    let mut found = Vec::new();
    for (id, agent) in &world.agents {
        let ids_agree = agent.record.id == *id;
        require(&mut found, ids_agree, || {
            format!("agent {id} is filed under another id")
        });
        let slots = agent.record.slots as usize;
        require(&mut found, agent.jobs.len() <= slots, || {
            format!("agent {id} has {} jobs in {slots} slots", agent.jobs.len())
        });
        for job in &agent.jobs {
            let agrees = world.jobs.get(job).is_some_and(|job| job.agent == *id);
            require(&mut found, agrees, || {
                format!("agent {id} holds {job}, which is not its")
            });
        }
        let pool_known = world.pools.contains_key(&agent.pool);
        require(&mut found, pool_known, || format!("agent {id} has no pool"));
        let accounted = crate::observe::account_is_true(world, agent);
        require(&mut found, accounted, || {
            format!("the time of agent {id} does not go into what it does")
        });
        let registered = agent.record.session.is_some() || agent.link == Link::Never;
        require(&mut found, registered, || {
            format!("agent {id} is linked without a session")
        });
    }
    for (id, job) in &world.jobs {
        let settling = matches!(job.phase, JobPhase::Settling(_));
        let held = world
            .agents
            .get(&job.agent)
            .is_some_and(|agent| agent.jobs.contains(id));
        require(&mut found, settling != held, || {
            format!(
                "{id} is {:?} and its agent {} it",
                job.phase,
                if held { "holds" } else { "lacks" }
            )
        });
    }
    found
}

/// What must hold of a plan for this world.
#[must_use]
pub fn check_plan(world: &World, plan: &Plan) -> Vec<Violation> {
    let mut found = Vec::new();
    caps(world, plan, &mut found);
    others(world, plan, &mut found);
    removals(world, plan, &mut found);
    reasons(world, plan, &mut found);
    found
}

/// What counts against one cap: what is there, and what is ordered.
#[derive(Clone, Copy, Default)]
struct Used {
    agents: u64,
    new_agents: u64,
    reserved: Resources,
    newly_reserved: Resources,
}

impl Used {
    fn there(&mut self, size: Resources) {
        self.agents += 1;
        self.reserved = self.reserved.plus(size);
    }

    fn ordered(&mut self, size: Resources) {
        self.new_agents += 1;
        self.newly_reserved = self.newly_reserved.plus(size);
    }

    /// What is there may lie above a cap that was lowered; what is ordered must not.
    fn within(&self, agents: u32, cap: Cap) -> bool {
        let fits = |old: u64, new: u64, cap: Option<u64>| {
            new == 0 || cap.is_none_or(|cap| old.saturating_add(new) <= cap)
        };
        let (old, new) = (self.reserved, self.newly_reserved);
        fits(self.agents, self.new_agents, Some(agents.into()))
            && fits(old.cpu_millis, new.cpu_millis, cap.max_cpu_millis)
            && fits(old.memory_bytes, new.memory_bytes, cap.max_memory_bytes)
    }
}

/// Promise 1: what exists, what may exist and what is ordered stays under every cap, or
/// nothing is ordered.
fn caps(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    let mut scalers: BTreeMap<&str, Used> = BTreeMap::new();
    let mut shared: BTreeMap<&str, Used> = BTreeMap::new();
    let mut fleet = Used::default();
    let size = |granted: &Granted, slots: u32| granted.requests.times(u64::from(slots));
    for agent in world.agents.values() {
        let size = size(&agent.record.granted, agent.record.slots);
        let scaler = agent.record.scaler.as_str();
        scalers.entry(scaler).or_default().there(size);
        fleet.there(size);
        if let Some(pool) = &agent.record.machine_pool {
            shared.entry(pool.as_str()).or_default().there(size);
        }
    }
    for backend in world.backends.values() {
        fleet.agents += backend.strangers.len() as u64;
    }
    for action in &plan.actions {
        if let Action::Create(order) | Action::Reserve(order) = action
            && !world.agents.contains_key(&order.agent)
        {
            let size = size(&order.granted, order.slots);
            let scaler = order.scaler.as_str();
            scalers.entry(scaler).or_default().ordered(size);
            fleet.ordered(size);
            if let Some(pool) = &order.machine_pool {
                shared.entry(pool.as_str()).or_default().ordered(size);
            }
        }
    }
    let (agents, caps) = (world.fleet.max_agents, world.fleet.resource_cap);
    require(found, fleet.within(agents, caps), || {
        "a fleet cap is passed".into()
    });
    for pool in &world.fleet.machine_pools {
        let used = shared.get(pool.name.as_str()).copied().unwrap_or_default();
        require(found, used.within(u32::MAX, pool.cap), || {
            format!("the cap of machine pool {} is passed", pool.name)
        });
    }
    queues(world, plan, found);
    growth(world, plan, found);
    jobs_at_once(world, plan, found);
    for spec in &world.fleet.scalers {
        let used = scalers.get(spec.name.as_str()).copied().unwrap_or_default();
        let within = used.within(spec.max_agents, spec.resource_cap);
        require(found, within, || {
            format!("a cap of scaler {} is passed", spec.name)
        });
    }
}

/// Promise 3: of others nothing is touched whose lease is not over by policy, was not seen
/// to stand still, or was never listed.
fn others(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    for action in &plan.actions {
        let Action::ReapOther { seen, backend, .. } = action else {
            continue;
        };
        let facts = world.backends.get(backend);
        let known = facts.map(|facts| &facts.others.known);
        let other = known.and_then(|known| known.get(&(seen.owner.clone(), seen.agent)));
        let after = world.reaps_others_after(backend, &seen.pool);
        let may = other.zip(after).is_some_and(|(other, after)| {
            let long = other.instance.lease_for.saturating_add(after);
            let stood_still = other.watched >= long || other.removal.wanted;
            other.instance == *seen && stood_still && world.owner.as_ref() != Some(&seen.owner)
        });
        require(found, may, || format!("{action}: it may live"));
    }
}

/// No more launches of a pool are under way than may be, or nobody is ordered.
fn growth(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    let given_up: BTreeSet<AgentId> = plan
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Destroy { agent, .. } | Action::Release { agent, .. } => Some(*agent),
            _ => None,
        })
        .collect();
    let pools = world.fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    for (spec, most) in pools.filter_map(|spec| Some((spec, spec.max_growth?))) {
        let launching = world.agents.values().filter(|agent| {
            let phase = agent.record.phase;
            let launches = matches!(
                phase,
                AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting
            );
            agent.record.pool == spec.name && launches && !given_up.contains(&agent.record.id)
        });
        let ordered = plan.actions.iter().filter(|action| match action {
            Action::Create(order) | Action::Reserve(order) => {
                order.pool == spec.name && !world.agents.contains_key(&order.agent)
            }
            _ => false,
        });
        let (launching, ordered) = (launching.count(), ordered.count());
        let within = ordered == 0 || launching + ordered <= most as usize;
        require(found, within, || {
            format!("pool {} grows faster than it may", spec.name)
        });
    }
}

/// Agents have no more jobs than they may have together, or none is taken.
fn jobs_at_once(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    let Some(most) = world.fleet.max_jobs else {
        return;
    };
    let settled = |id| {
        let settles = |action: &&Action| matches!(action, Action::Settle { job, .. } if job == id);
        plan.actions.iter().any(|action| settles(&action))
    };
    let held = world
        .jobs
        .iter()
        .filter(|(id, job)| !matches!(job.phase, JobPhase::Settling(_)) && !settled(*id));
    let taking: usize = world.takes.values().map(|take| take.agents.len()).sum();
    let taken: usize = plan
        .actions
        .iter()
        .map(|action| match action {
            Action::Take { agents, .. } => agents.len(),
            _ => 0,
        })
        .sum();
    let within = taken == 0 || held.count() + taking + taken <= most as usize;
    require(found, within, || "the cap on jobs is passed".into());
}

/// A pool with triggers has at most as many agents as its rule says, or nobody is ordered.
/// What the other arithmetic proposes may be more, as it is there.
fn queues(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    for pool in world.pools.values() {
        let rule = pool.signal.as_ref().map(|signal| &signal.rule);
        let Some(rule) = rule.filter(|rule| rule.compat == Compat::Headcount) else {
            continue;
        };
        let there = world.agents.values();
        let there = there.filter(|a| a.pool == pool.id && a.phase() != AgentPhase::Releasing);
        let ordered = plan.actions.iter().filter(|action| match action {
            Action::Create(order) | Action::Reserve(order) => {
                order.pool == pool.name && !world.agents.contains_key(&order.agent)
            }
            _ => false,
        });
        let (there, ordered) = (there.count(), ordered.count());
        let most = rule.max.unwrap_or(100) as usize;
        require(found, ordered == 0 || there + ordered <= most, || {
            format!("the queue policy of pool {} is passed", pool.name)
        });
    }
}

/// Promise 4: an agent with a job that runs is not destroyed for being too many, and
/// nobody leaves for that while facts are stale.
fn removals(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    use headcount_model::Reason as R;
    for action in &plan.actions {
        let (agent, reason) = match action {
            Action::Destroy { agent, reason, .. } | Action::Drain { agent, reason } => {
                (agent, *reason)
            }
            _ => continue,
        };
        let scale_down = matches!(
            reason,
            R::SurplusIdle
                | R::RoomWanted
                | R::IdleTooOld
                | R::Outdated
                | R::RolledOut
                | R::PoolRemoved
                | R::PoolDrained
        );
        let Some(agent) = world.agents.get(agent) else {
            found.push(Violation(format!("{action}: no such agent")));
            continue;
        };
        let new = matches!(
            agent.record.phase,
            AgentPhase::Ready | AgentPhase::Starting | AgentPhase::Creating
        );
        if scale_down && new {
            require(found, agent.jobs.is_empty(), || {
                format!("{action}: it has a job")
            });
            let fresh = crate::guard::stale::may_remove(world, &agent.record.backend);
            require(found, fresh, || format!("{action}: facts are stale"));
        }
    }
}

/// Promise 6: every waiting job and every agent has exactly one reason.
fn reasons(world: &World, plan: &Plan, found: &mut Vec<Violation>) {
    for report in &plan.report.classes {
        let told: u64 = report.shares.iter().map(|share| share.jobs).sum();
        require(found, told == report.waiting, || {
            format!(
                "class {:?}: {told} reasons for {} jobs",
                report.class, report.waiting
            )
        });
    }
    let classes = world.classes.len() == plan.report.classes.len();
    require(found, classes, || "a class has no report".into());
    let agents = world.agents.len() == plan.report.agents.len();
    require(found, agents, || "an agent has no reason".into());
    let jobs = world.jobs.len() == plan.report.jobs.len();
    require(found, jobs, || "a taken job has no reason".into());
}

fn require(found: &mut Vec<Violation>, holds: bool, words: impl FnOnce() -> String) {
    if !holds {
        found.push(Violation(words()));
    }
}
