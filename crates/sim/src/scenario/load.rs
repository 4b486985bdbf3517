//! Jobs: what they want, how long they take, how they end.

use std::time::Duration;

use headcount_model::{
    ClassKey, Exit, Fleet, Labels, Layer, Outcome, Partial, Selectors, SourceId, Timestamp,
};

use super::START;
use crate::random::Random;

/// A job that somebody will submit.
#[derive(Clone, Debug)]
pub(crate) struct JobSpec {
    /// Chosen by the client; the same key is the same job.
    pub(crate) key: u64,
    pub(crate) class: ClassKey,
    pub(crate) submit_at: Timestamp,
    /// How long it runs, each time.
    pub(crate) takes: Duration,
    /// How its attempts end, the last one again and again.
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) retries: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) expires_after: Option<Duration>,
}

impl JobSpec {
    /// How this attempt ends, counted from 1.
    pub(crate) fn outcome(&self, attempt: u32) -> Outcome {
        let n = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let told = self.outcomes.get(n).or(self.outcomes.last()).cloned();
        told.unwrap_or(Outcome::Exited(Exit::Code(0)))
    }

    /// Whether it ends well when nothing comes between.
    pub(crate) fn succeeds(&self) -> bool {
        let attempts = 1..=self.retries + 1;
        attempts.into_iter().any(|n| self.outcome(n).is_success())
    }
}

/// A few bursts over the time of the story.
pub(super) fn draw(random: &mut Random, fleets: &[Fleet], seconds: u64) -> Vec<JobSpec> {
    let classes = classes(random, fleets);
    let most = random.pick(&[3, 6, 12, 30]).unwrap_or(6);
    let n_jobs = random.between(1, most);
    let n_bursts = random.between(1, 4);
    let bursts: Vec<u64> = (0..n_bursts).map(|_| random.below(seconds * 900)).collect();
    let jobs = (0..n_jobs).filter_map(|key| {
        let burst = random.pick(&bursts)?;
        let class = random.pick(&classes)?;
        Some(job(random, key, class, burst))
    });
    jobs.collect()
}

fn job(random: &mut Random, key: u64, class: ClassKey, burst: u64) -> JobSpec {
    let longest = random.pick(&[100, 2000, 20_000, 90_000]).unwrap_or(100);
    let takes = random.millis(1, longest);
    let spread = random.pick(&[0, 50, 3000]).unwrap_or(0);
    let attempts = random.between(1, 3);
    JobSpec {
        key,
        class,
        submit_at: START.after(random.millis(burst, burst + spread)),
        takes,
        outcomes: (0..attempts).map(|_| outcome(random)).collect(),
        retries: random.pick(&[0, 0, 1, 2]).unwrap_or(0),
        timeout: random.chance(100).then(|| takes + Duration::from_secs(1)),
        expires_after: random.chance(100).then(|| random.millis(1000, 120_000)),
    }
}

fn outcome(random: &mut Random) -> Outcome {
    match random.below(12) {
        0 => Outcome::Exited(Exit::Code(7)),
        1 => Outcome::Exited(Exit::Signal(9)),
        2 => Outcome::TimedOut,
        3 => Outcome::NotStarted("no such program".into()),
        _ => Outcome::Exited(Exit::Code(0)),
    }
}

/// Classes that some pool serves, one that none serves, one that is too large.
fn classes(random: &mut Random, fleets: &[Fleet]) -> Vec<ClassKey> {
    let pools = fleets.iter().flat_map(|fleet| &fleet.scalers);
    let sets: Vec<Labels> = pools
        .flat_map(|scaler| scaler.pools.iter().map(|pool| pool.labels.clone()))
        .collect();
    let mut classes: Vec<ClassKey> = (0..random.between(1, 4))
        .filter_map(|_| {
            let labels = random.pick(&sets)?;
            Some(class(random, labels))
        })
        .collect();
    if random.chance(150) {
        classes.push(class(random, Labels::new(["sparc"])));
    }
    if random.chance(150) {
        let mut large = class(random, Labels::default());
        large.resources.requests.cpu_millis = Some(900_000);
        classes.push(large);
    }
    classes
}

fn class(random: &mut Random, labels: Labels) -> ClassKey {
    let fewer = random.chance(400);
    let all: Vec<&str> = labels.iter().map(headcount_model::Label::as_str).collect();
    let runs_on = if fewer { &all[..all.len() / 2] } else { &all };
    let exclude: &[&str] = if random.chance(100) { &["gpu"] } else { &[] };
    ClassKey {
        source: SourceId::new("queue"),
        runs_on: Selectors::new(runs_on),
        exclude: Selectors::new(exclude),
        resources: Layer {
            requests: Partial {
                cpu_millis: random.pick(&[None, None, Some(500), Some(2000)]).flatten(),
                memory_bytes: random.pick(&[None, None, Some(2 << 30)]).flatten(),
            },
            limits: Partial::default(),
        },
        priority: random.pick(&[0, 0, 0, 10]).unwrap_or(0),
    }
}
