//! How a cap stands, in one sentence with numbers: for whoever asks why a job waits behind
//! it. Caps that only ever count what works need none.

use headcount_model::amount::{cpus, memory};
use headcount_model::{AgentPhase, MachinePool, Name, Reason, Resources};
use headcount_planner::{PoolId, World};

/// The numbers behind a reason that has to do with a cap of this pool, where there are some.
pub(crate) fn detail(world: &World, pool: PoolId, reason: Reason) -> Option<String> {
    let scaler = world.pool(pool)?.scaler.clone();
    match reason {
        Reason::ScalerAtMaxAgents | Reason::ScalerCpuCap | Reason::ScalerMemoryCap => {
            quarantined(world, Some(&scaler))
        }
        Reason::FleetAtMaxAgents | Reason::FleetCpuCap | Reason::FleetMemoryCap => {
            quarantined(world, None)
        }
        _ => machine_pool(world, pool, reason),
    }
}

/// Who fills a cap and cannot be removed, of one scaler or of all.
fn quarantined(world: &World, scaler: Option<&Name>) -> Option<String> {
    let mut there = world.agents().filter(|agent| {
        agent.phase() == AgentPhase::Quarantined
            && scaler.is_none_or(|scaler| agent.record().scaler == *scaler)
    });
    let first = there.next()?;
    let n = there.count() + 1;
    let why = first.stays_for().unwrap_or("not tried since the start");
    let them = match n {
        1 => "1 agent counts that cannot be removed".to_owned(),
        n => format!("{n} agents count that cannot be removed"),
    };
    Some(format!("{them} ({}: {why})", first.id()))
}

fn machine_pool(world: &World, pool: PoolId, reason: Reason) -> Option<String> {
    let shared = matches!(
        reason,
        Reason::MachinePoolRefused | Reason::MachinePoolCpuCap | Reason::MachinePoolMemoryCap
    );
    let configured = world.pool(pool).filter(|_| shared)?.configured.as_ref()?;
    let scaler = world.fleet().scalers.get(configured.scaler_index)?;
    let machine_pool = world.fleet().machine_pool(scaler.machine_pool.as_ref()?)?;
    let told = world.machine_pool(&machine_pool.name);
    let last = told.and_then(|facts| facts.last.clone());
    Some(match last {
        Some((_, message)) => message,
        None => own_part(world, machine_pool),
    })
}

/// While its ledger has refused nothing, only our own agents are in the way.
fn own_part(world: &World, pool: &MachinePool) -> String {
    let mine = world
        .agents()
        .map(headcount_planner::Agent::record)
        .filter(|agent| agent.machine_pool.as_ref() == Some(&pool.name));
    let held = mine.fold(Resources::ZERO, |sum, agent| {
        sum.plus(agent.granted.requests.times(u64::from(agent.slots)))
    });
    let of = |held: String, cap: Option<String>| match cap {
        Some(cap) => format!("{held} of {cap}"),
        None => held,
    };
    let cap = pool.cap;
    format!(
        "agents of this daemon reserve {} CPUs and {} of memory in machine pool `{}`",
        of(cpus(held.cpu_millis), cap.max_cpu_millis.map(cpus)),
        of(memory(held.memory_bytes), cap.max_memory_bytes.map(memory)),
        pool.name
    )
}
