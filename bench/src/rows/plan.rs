//! One `plan` over large worlds, labels, caps and reasons included, and how it grows.
//!
//! Two worlds of each size. *Serving*: half of the agents are free and connected, so most
//! of the work is giving them jobs. *Waiting*: the same agents all run a job, so the work
//! is to find out why nobody else gets one. In both a quarter of the agents is starting
//! and a quarter leaving.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use headcount_model::{AgentPhase, AttemptRecord, Demand, Held, LinkEvent, Listing};
use headcount_planner::{Action, Answered, News, Restored, World, observe, plan};

use crate::fleet::{self, NOW, SESSION, Size};
use crate::stats::{Sample, ms};
use crate::table::Line;

/// Each plan is repeated this often; the median counts.
const REPEATS: usize = 25;
/// Ten times the world may take this many times as long and still count as near-linear:
/// ten, one more level of every tree, and caches that no longer hold everything.
const NEAR_LINEAR: f64 = 15.0;

const MEDIUM: Size = Size {
    agents: 10_000,
    jobs: 10_000,
    classes: 100,
    pools: 100,
};
const LARGE: Size = Size {
    agents: 100_000,
    jobs: 1_000_000,
    classes: 1_000,
    pools: 1_000,
};

/// What the ready agents do.
#[derive(Clone, Copy)]
enum Mood {
    /// Nothing yet.
    Serving,
    /// Each runs a job.
    Waiting,
}

impl Mood {
    const fn words(self) -> &'static str {
        match self {
            Self::Serving => "half of the agents free",
            Self::Waiting => "no agent free",
        }
    }
}

pub(crate) fn measure() -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for mood in [Mood::Serving, Mood::Waiting] {
        let medium = sample(&MEDIUM, mood)?;
        let large = sample(&LARGE, mood)?;
        let growth = large.median().as_secs_f64() / medium.median().as_secs_f64();
        lines.push(line(
            "10,000 agents, 10,000 jobs, 100 pools",
            mood,
            &medium,
            5,
        ));
        let what = "100,000 agents, 1,000,000 jobs in 1,000 classes, 1,000 pools";
        lines.push(line(what, mood, &large, 50));
        lines.push(Line {
            what: format!("growth of a plan for ten times the world, {}", mood.words()),
            budget: "near 10".into(),
            measured: format!("{growth:.1}"),
            holds: (growth < NEAR_LINEAR).into(),
        });
    }
    Ok(lines)
}

fn line(what: &str, mood: Mood, took: &Sample, budget_ms: u64) -> Line {
    Line {
        what: format!("one plan: {what}; {}", mood.words()),
        budget: format!("≤ {budget_ms} ms"),
        measured: format!(
            "{} (best {}, p99 {})",
            ms(took.median()),
            ms(took.percentile(0)),
            ms(took.percentile(99))
        ),
        holds: (took.median() <= Duration::from_millis(budget_ms)).into(),
    }
}

fn sample(size: &Size, mood: Mood) -> Result<Sample> {
    let world = world(size, mood);
    let mut times = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let started = Instant::now();
        let plan = plan(&world, NOW);
        times.push(started.elapsed());
        // What is timed must be the real work.
        let waits = !plan.report.classes.is_empty();
        let takes = plan
            .actions
            .iter()
            .any(|action| matches!(action, Action::Take { .. }));
        ensure!(
            waits && takes == matches!(mood, Mood::Serving),
            "not the world that was meant"
        );
    }
    Ok(Sample::new(times))
}

/// A world in the middle of its day: restored, listed, its agents connected.
fn world(size: &Size, mood: Mood) -> World {
    let mut world = World::new();
    let agents = fleet::records(size, |n| match n % 4 {
        0 | 1 => AgentPhase::Ready,
        2 => AgentPhase::Starting,
        _ => AgentPhase::Draining,
    });
    let ready = agents
        .iter()
        .filter(|agent| agent.phase == AgentPhase::Ready);
    let attempts: Vec<AttemptRecord> = match mood {
        Mood::Serving => Vec::new(),
        Mood::Waiting => ready.map(|agent| fleet::attempt(agent.id)).collect(),
    };
    let connected = agents.iter().filter(|agent| agent.session.is_some());
    let connected: Vec<_> = connected.map(|agent| agent.id).collect();
    let mut held: std::collections::BTreeMap<_, _> = attempts
        .iter()
        .map(|a| {
            (
                a.agent,
                Held {
                    job: a.job,
                    attempt: a.attempt,
                    granted: true,
                },
            )
        })
        .collect();
    let restored = Restored {
        owner: "bench".into(),
        epoch: 2,
        sources: vec![fleet::source().into()],
        agents,
        attempts,
        drained_pools: Vec::new(),
    };
    observe(&mut world, News::Restored(Box::new(restored)), NOW);
    observe(
        &mut world,
        News::Configured(Box::new(fleet::configured(size))),
        NOW,
    );
    round(&mut world);
    for agent in connected {
        let held = held.remove(&agent).into_iter().collect();
        let resumed = LinkEvent::Resumed {
            agent,
            session: SESSION,
            held,
        };
        observe(&mut world, News::Link(resumed), NOW);
    }
    let listing = Listing {
        instances: fleet::instances(size),
    };
    let listed = Answered::List(fleet::backend(), Ok(listing));
    observe(&mut world, News::Answered(listed), NOW);
    let demand = Demand {
        sample: 1,
        classes: fleet::classes(size),
    };
    let refreshed = Answered::Refresh(fleet::source(), Ok(demand));
    observe(&mut world, News::Answered(refreshed), NOW);
    world
}

/// One plan takes effect.
fn round(world: &mut World) {
    let plan = plan(world, NOW);
    let planned = News::Planned(Box::new((plan.actions, plan.report)));
    observe(world, planned, NOW);
}
