//! One `plan` over ten thousand machines in one pool, kept by the idle rule in either
//! arithmetic: most are ready without a job, the others run one, and none may leave yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use headcount_model::{
    AgentPhase, Demand, Fleet, Held, IdleCompat, IdleRule, IdleScale, Level, LinkEvent, Listing,
    Schedule, Timestamp, Timetable,
};
use headcount_planner::{Answered, News, Restored, World, observe, plan};

use crate::fleet::{self, NOW, SESSION, Size};
use crate::stats::{Sample, ms};
use crate::table::Line;

const SIZE: Size = Size {
    agents: 10_000,
    jobs: 0,
    classes: 0,
    pools: 1,
};
/// One machine in four runs a job.
const USED: u32 = 4;
/// Ready machines to keep; all beyond are too many.
const KEPT: u32 = 2_000;
const REPEATS: usize = 25;
const BUDGET: Duration = Duration::from_millis(5);

pub(crate) fn measure() -> Result<Vec<Line>> {
    [
        (IdleCompat::Headcount, "a schedule in force"),
        (IdleCompat::Gitlab, "`compat: gitlab`"),
    ]
    .into_iter()
    .map(|(compat, words)| line(words, &sample(compat)?))
    .collect()
}

fn line(words: &str, took: &Sample) -> Result<Line> {
    Ok(Line {
        what: format!("one plan: 10,000 machines in one pool, policy `idle`, {words}"),
        budget: format!("≤ {} ms", BUDGET.as_millis()),
        measured: format!(
            "{} (best {}, p99 {})",
            ms(took.median()),
            ms(took.percentile(0)),
            ms(took.percentile(99))
        ),
        holds: (took.median() <= BUDGET).into(),
    })
}

fn sample(compat: IdleCompat) -> Result<Sample> {
    let world = world(compat);
    let mut times = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let started = Instant::now();
        let plan = plan(&world, NOW);
        times.push(started.elapsed());
        // What is timed must be the real work, and change nothing.
        let told = plan.report.agents.len() == SIZE.agents as usize;
        let actions = &plan.actions;
        ensure!(told && actions.is_empty(), "not the world that was meant");
    }
    Ok(Sample::new(times))
}

fn rule(compat: IdleCompat) -> IdleRule {
    IdleRule {
        keep: KEPT,
        scale: Some(IdleScale {
            factor: Level(0.5),
            min: 1,
        }),
        idle_time: Duration::from_secs(3600),
        max_idle_age: None,
        paid_period: (compat == IdleCompat::Headcount).then_some(Duration::from_secs(3600)),
        compat,
    }
}

fn configured(compat: IdleCompat) -> Fleet {
    let mut fleet = fleet::configured(&SIZE);
    for pool in fleet.scalers.iter_mut().flat_map(|it| &mut it.pools) {
        pool.max_jobs = None;
        pool.idle = rule(compat);
        if compat == IdleCompat::Headcount {
            pool.idle.keep = 0;
            pool.schedules = Arc::from([Schedule {
                periods: vec!["* * * * *".to_owned()],
                timezone: "UTC".to_owned(),
                rule: rule(compat),
            }]);
        }
    }
    fleet
}

/// Restored, listed, every machine connected.
fn world(compat: IdleCompat) -> World {
    let mut world = World::new();
    let mut tell = |news| observe(&mut world, news, NOW);
    let agents = fleet::records(&SIZE, |_| AgentPhase::Ready);
    let used = agents.iter().filter(|agent| agent.id.number % USED == 0);
    let attempts: Vec<_> = used.map(|agent| fleet::attempt(agent.id)).collect();
    let ids: Vec<_> = agents.iter().map(|agent| agent.id).collect();
    let held: std::collections::BTreeMap<_, _> =
        attempts.iter().map(|it| (it.agent, it.job)).collect();
    let pool = agents.first().map(|agent| agent.pool.clone());
    tell(News::Restored(Box::new(Restored {
        owner: "bench".into(),
        epoch: 2,
        sources: vec![fleet::source().into()],
        agents,
        attempts,
        drained_pools: Vec::new(),
    })));
    tell(News::Configured(Box::new(configured(compat))));
    let table = Timetable {
        turns: vec![(Timestamp::ZERO, Some(0))],
        ends: Timestamp::MAX,
    };
    if let (IdleCompat::Headcount, Some(pool)) = (compat, pool) {
        tell(News::Timetable(pool, table));
    }
    for agent in ids {
        let held = held.get(&agent).map(|job| Held {
            job: *job,
            attempt: 1,
            granted: true,
        });
        tell(News::Link(LinkEvent::Resumed {
            agent,
            session: SESSION,
            held: held.into_iter().collect(),
        }));
    }
    round(&mut world);
    let listing = Listing {
        instances: fleet::instances(&SIZE),
    };
    let listed = Answered::List(fleet::backend(), Ok(listing));
    observe(&mut world, News::Answered(listed), NOW);
    let demand = Demand {
        sample: 1,
        classes: Vec::new(),
    };
    let refreshed = Answered::Refresh(fleet::source(), Ok(demand));
    observe(&mut world, News::Answered(refreshed), NOW);
    // What the first facts ask for is done; then nothing is left to do.
    round(&mut world);
    world
}

/// One plan takes effect.
fn round(world: &mut World) {
    let plan = plan(world, NOW);
    let planned = News::Planned(Box::new((plan.actions, plan.report)));
    observe(world, planned, NOW);
}
