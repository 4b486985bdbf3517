//! Plans as text: actions, what classes wait for, what holds pools back, the alarm.

use headcount_model::Timestamp;
use headcount_planner::{ClassReport, Plan, PoolId, World};

/// One line per action, class that waits, pool that is held back, and the alarm.
pub fn lines(world: &World, plan: &Plan, now: Timestamp) -> String {
    let mut text: Vec<String> = plan.actions.iter().map(ToString::to_string).collect();
    for class in &plan.report.classes {
        text.push(waits(world, class));
    }
    for pool in &plan.report.pools {
        if let Some(reason) = pool.limited_by {
            let name = name(world, pool.pool);
            let (wanted, allowed) = (pool.wanted, pool.allowed);
            text.push(format!("{name} grows by {allowed} of {wanted}: {reason}"));
        }
    }
    if let Some(wake) = plan.wake_at {
        let seconds = wake.at.since(now).as_secs_f64();
        text.push(format!("wake in {seconds}s: {}", wake.reason.code()));
    }
    text.join("\n")
}

fn waits(world: &World, report: &ClassReport) -> String {
    let key = &world.class(report.class).expect("a known class").key;
    let mut shares = Vec::new();
    for share in &report.shares {
        let pool = share.pool.map(|pool| format!(" in {}", name(world, pool)));
        shares.push(format!(
            "{} {}{}",
            share.jobs,
            share.reason,
            pool.unwrap_or_default()
        ));
    }
    format!("{} wait: {}", key.runs_on.join(","), shares.join(", "))
}

/// What was considered for each class, pool by pool.
pub fn considered(world: &World, plan: &Plan) -> String {
    let mut text = Vec::new();
    for class in &plan.report.classes {
        for considered in &class.considered {
            let blocked = considered.blocked.map_or("-", |reason| reason.code());
            text.push(format!(
                "{}: filled {} promised {} created {} blocked {blocked}",
                name(world, considered.pool),
                considered.filled,
                considered.promised,
                considered.created,
            ));
        }
    }
    text.join("\n")
}

fn name(world: &World, pool: PoolId) -> String {
    world.pool(pool).expect("a known pool").name.to_string()
}
