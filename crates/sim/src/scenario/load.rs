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
    let submit_at = START.after(random.millis(burst, burst + spread));
    with(random, key, class, (submit_at, takes), attempts)
}

/// A job of some week.
pub(super) fn job_of(
    random: &mut Random,
    key: u64,
    class: ClassKey,
    submit_at: Timestamp,
    takes: Duration,
) -> JobSpec {
    let attempts = random.between(1, 3);
    with(random, key, class, (submit_at, takes), attempts)
}

fn with(
    random: &mut Random,
    key: u64,
    class: ClassKey,
    (submit_at, takes): (Timestamp, Duration),
    attempts: u64,
) -> JobSpec {
    JobSpec {
        key,
        class,
        submit_at,
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
pub(super) fn classes(random: &mut Random, fleets: &[Fleet]) -> Vec<ClassKey> {
    let pools = fleets.iter().flat_map(|fleet| &fleet.scalers);
    let sets: Vec<Labels> = pools
        .flat_map(|scaler| scaler.pools.iter().map(|pool| pool.labels.clone()))
        .collect();
    // A stream of its own: stories that were written down before there were patterns stay
    // as they were but for that.
    let mut patterns = random.clone().fork();
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
    for class in &mut classes {
        ask_by_pattern(&mut patterns, class);
    }
    classes
}

/// Now and then a label is asked for, or excluded, by a pattern; some patterns match more
/// than the label they are made of, some match less.
fn ask_by_pattern(random: &mut Random, class: &mut ClassKey) {
    if !random.chance(250) {
        return;
    }
    let mut texts: Vec<String> = class.runs_on.iter().map(str::to_owned).collect();
    if random.chance(300) {
        let unwanted = random.pick(&["g*", "/doc.*|node[0-9]+/", "*:s1", "x?"]);
        let exclude = class.exclude.iter().chain(unwanted);
        class.exclude = Selectors::new(exclude.map(str::to_owned).collect::<Vec<_>>());
    }
    let at = usize::try_from(random.below(texts.len() as u64)).unwrap_or(0);
    if let Some(text) = texts.get_mut(at) {
        *text = pattern_of(random, text);
    } else if random.chance(500) {
        texts.push("*".to_owned());
    }
    class.runs_on = Selectors::new(texts);
}

fn pattern_of(random: &mut Random, label: &str) -> String {
    let most = &label[..label.len().saturating_sub(1)];
    match random.below(5) {
        0 => format!("{most}*"),
        1 => format!("{most}?"),
        2 => format!("/{label}|gpu/"),
        3 => format!("/{most}./"),
        _ => format!("{label}?"),
    }
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
