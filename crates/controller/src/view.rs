//! The published view: an immutable picture of the world with the report of a plan for
//! it. Everything that shows something reads this and nothing else.

use std::sync::Arc;

use headcount_model::{
    AgentId, AgentRecord, BackendId, ClassCount, ClassKey, Fleet, Granted, JobId, Labels, Name,
    PoolName, PoolSpec, Reason, SourceEvent, SourceId, Timestamp,
};
use headcount_planner::{
    Backoff, Impossible, Link, News, PoolCounts, PoolId, PoolReport, Report, Verdict, Wake, World,
    explain, observe, plan,
};

/// The world at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// When it was taken.
    pub at: Timestamp,
    /// What is configured.
    pub fleet: Arc<Fleet>,
    /// Whether the daemon is stopping.
    pub stopping: bool,
    /// Why nothing can be written at present, if so.
    pub ledger_trouble: Option<String>,
    /// In order of name.
    pub pools: Vec<PoolView>,
    /// In order of id.
    pub agents: Vec<AgentView>,
    /// In the order they are served.
    pub classes: Vec<ClassView>,
    /// Taken jobs, in order of id.
    pub jobs: Vec<TakenJobView>,
    /// What is known of each backend.
    pub backends: Vec<BackendView>,
    /// What is known of each source.
    pub sources: Vec<SourceView>,
    /// When the planner looks again although nothing is told.
    pub wake_at: Option<Wake>,
}

/// One pool.
#[derive(Clone, Debug)]
pub struct PoolView {
    /// Its name.
    pub name: PoolName,
    /// Its scaler.
    pub scaler: Name,
    /// What is configured; absent once it has left the configuration.
    pub spec: Option<Arc<PoolSpec>>,
    /// Cap on the agents of its scaler.
    pub max_agents: Option<u32>,
    /// Where its agents live.
    pub backend: Option<BackendId>,
    /// Whether an operator drains it.
    pub drained: bool,
    /// How its launches go.
    pub backoff: Backoff,
    /// Its agents by what they do.
    pub counts: PoolCounts,
    /// New agents that demand and idle rule ask for beyond what is on its way.
    pub wanted: u32,
    /// Why they are not made.
    pub limited_by: Option<Reason>,
}

/// One agent.
#[derive(Clone, Debug)]
pub struct AgentView {
    /// What is written down of it.
    pub record: AgentRecord,
    /// Its one reason.
    pub reason: Reason,
    /// Whether it can be spoken to.
    pub link: Link,
    /// Since when it has had nothing to do; meaningful while ready and without jobs.
    pub idle_since: Timestamp,
    /// Jobs given to it.
    pub jobs: Vec<JobId>,
}

/// One class.
#[derive(Clone, Debug)]
pub struct ClassView {
    /// What its jobs want.
    pub key: Arc<ClassKey>,
    /// How many wait.
    pub count: ClassCount,
    /// Why, oldest first; the shares add up to the number that waits.
    pub shares: Vec<ShareView>,
}

/// Some jobs of a class with the same reason.
#[derive(Clone, Debug)]
pub struct ShareView {
    /// How many.
    pub jobs: u64,
    /// Why they wait.
    pub reason: Reason,
    /// In which pool, where one is meant.
    pub pool: Option<PoolName>,
}

/// One taken job.
#[derive(Clone, Debug)]
pub struct TakenJobView {
    /// Which.
    pub job: JobId,
    /// Which attempt.
    pub attempt: u32,
    /// Who has it.
    pub agent: AgentId,
    /// Its one reason.
    pub reason: Reason,
}

/// One backend.
#[derive(Clone, Debug)]
pub struct BackendView {
    /// Which.
    pub id: BackendId,
    /// Whether it has listed everything and nothing was missed since.
    pub fresh: bool,
    /// Its last error, while it has not answered since.
    pub trouble: Option<String>,
    /// Instances of ours that the ledger does not know.
    pub strangers: usize,
}

/// One source.
#[derive(Clone, Debug)]
pub struct SourceView {
    /// Which.
    pub id: SourceId,
    /// Whether it has answered and not fallen silent since.
    pub fresh: bool,
    /// Its last error, while it has not answered since.
    pub trouble: Option<String>,
}

/// Why jobs of a class wait, pool by pool.
#[derive(Clone, Debug)]
pub struct ExplanationView {
    /// When it was made.
    pub at: Timestamp,
    /// The class as it stands, if jobs of it wait.
    pub class: Option<ClassView>,
    /// What one more job would wait for; absent where an agent would take it or start for
    /// it at once. Found by planning on a copy of the world in which one such job waits.
    pub would_wait_for: Option<Reason>,
    /// Candidates first, then all other pools.
    pub pools: Vec<ExplainedPool>,
    /// The cap that refuses such jobs for ever, if every candidate does.
    pub impossible: Option<Impossible>,
    /// For each label that no pool has, the nearest one that some pool has.
    pub nearest: Vec<(String, String)>,
}

/// One pool's answer to a class.
#[derive(Clone, Debug)]
pub struct ExplainedPool {
    /// Which.
    pub pool: PoolName,
    /// Its labels as declared.
    pub labels: Labels,
    /// What it says.
    pub verdict: ExplainedVerdict,
}

/// What a pool says to a class; see [`Verdict`].
#[derive(Clone, Debug)]
pub enum ExplainedVerdict {
    /// It can serve it.
    Candidate {
        /// What an agent made for it is granted.
        granted: Granted,
        /// What stands in the way, and since when.
        blocked: Option<(Reason, Timestamp)>,
    },
    /// It cannot.
    Unfit {
        /// Labels asked for that it lacks.
        missing: Labels,
        /// Labels excluded that it has.
        excluded: Labels,
        /// Labels it insists on that were not asked for.
        gate: Labels,
        /// It runs workers, which feed themselves.
        worker: bool,
    },
}

/// How similar a label must be to be worth naming, from 0 to 1.
const NEAR: f64 = 0.8;

impl View {
    /// The world at `now`, with a report made for just this.
    pub(crate) fn of(world: &World, ledger_trouble: Option<String>, now: Timestamp) -> Self {
        let plan = plan(world, now);
        let mut pools: Vec<PoolView> = plan
            .report
            .pools
            .iter()
            .filter_map(|report| pool(world, report))
            .collect();
        pools.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            at: now,
            fleet: world.fleet().clone(),
            stopping: world.is_stopping(),
            ledger_trouble,
            pools,
            agents: agents(world, &plan.report),
            classes: classes(world, &plan.report),
            jobs: jobs(world, &plan.report),
            backends: world.backends().map(backend).collect(),
            sources: world.sources().map(source).collect(),
            wake_at: plan.wake_at,
        }
    }
}

fn pool(world: &World, report: &PoolReport) -> Option<PoolView> {
    let pool = world.pool(report.pool)?;
    let configured = pool.configured.as_ref();
    let scaler = configured.and_then(|c| world.fleet().scalers.get(c.scaler_index));
    Some(PoolView {
        name: pool.name.clone(),
        scaler: pool.scaler.clone(),
        spec: configured.map(|c| c.spec.clone()),
        max_agents: scaler.map(|scaler| scaler.max_agents),
        backend: scaler.map(|scaler| scaler.backend.clone()),
        drained: pool.drained,
        backoff: pool.backoff.clone(),
        counts: report.counts,
        wanted: report.wanted,
        limited_by: report.limited_by,
    })
}

fn agents(world: &World, report: &Report) -> Vec<AgentView> {
    let agents = world.agents().zip(&report.agents);
    let agents = agents.map(|(agent, (_, reason))| AgentView {
        record: agent.record().clone(),
        reason: *reason,
        link: agent.link(),
        idle_since: agent.idle_since(),
        jobs: agent.jobs().to_vec(),
    });
    agents.collect()
}

fn classes(world: &World, report: &Report) -> Vec<ClassView> {
    let classes = report.classes.iter().filter_map(|report| {
        let class = world.class(report.class)?;
        let shares = report.shares.iter().map(|share| ShareView {
            jobs: share.jobs,
            reason: share.reason,
            pool: share.pool.and_then(|pool| name_of(world, pool)),
        });
        Some(ClassView {
            key: class.key.clone(),
            count: class.count,
            shares: shares.collect(),
        })
    });
    classes.collect()
}

fn name_of(world: &World, pool: PoolId) -> Option<PoolName> {
    world.pool(pool).map(|pool| pool.name.clone())
}

fn jobs(world: &World, report: &Report) -> Vec<TakenJobView> {
    let jobs = world
        .jobs()
        .zip(&report.jobs)
        .map(|(job, (_, reason))| TakenJobView {
            job: job.info().job,
            attempt: job.attempt(),
            agent: job.agent(),
            reason: *reason,
        });
    jobs.collect()
}

fn backend(backend: &headcount_planner::Backend) -> BackendView {
    BackendView {
        id: backend.id.clone(),
        fresh: backend.fresh,
        trouble: backend.trouble.clone(),
        strangers: backend.strangers.len(),
    }
}

fn source(source: &headcount_planner::SourceFacts) -> SourceView {
    SourceView {
        id: source.id.clone(),
        fresh: source.fresh,
        trouble: source.trouble.clone(),
    }
}

impl ExplanationView {
    pub(crate) fn of(world: &World, key: &ClassKey, now: Timestamp) -> Self {
        let known = world.class_keyed(key).is_some();
        let supposed = (!known).then(|| with_one_waiting(world, key, now));
        let world = supposed.as_ref().unwrap_or(world);
        let explanation = explain(world, key);
        let mut report = plan(world, now).report;
        let class = world.class_keyed(key).map(|class| class.id);
        report.classes.retain(|report| Some(report.class) == class);
        let class = classes(world, &report).pop();
        let last = class.as_ref().and_then(|class| class.shares.last());
        let reason = last.map(|share| share.reason);
        let served = |reason: &Reason| matches!(reason, Reason::Assigning | Reason::AgentStarting);
        let pools = explanation.pools.into_iter().filter_map(|answer| {
            let pool = world.pool(answer.pool)?;
            Some(ExplainedPool {
                pool: pool.name.clone(),
                labels: pool.configured.as_ref()?.spec.labels.clone(),
                verdict: verdict(answer.verdict),
            })
        });
        Self {
            at: now,
            would_wait_for: reason.filter(|reason| !served(reason)),
            class: class.filter(|_| known),
            pools: pools.collect(),
            impossible: explanation.impossible,
            nearest: nearest(world, key),
        }
    }
}

/// A copy of the world in which one job of this class waits, planned once.
fn with_one_waiting(world: &World, key: &ClassKey, now: Timestamp) -> World {
    let mut copy = world.clone();
    let count = ClassCount {
        waiting: 1,
        oldest: Some(now),
        next_expiry: None,
    };
    let demand = SourceEvent::Demand {
        sample: u64::MAX,
        class: key.clone(),
        count,
    };
    observe(&mut copy, News::Source(key.source.clone(), demand), now);
    let report = plan(&copy, now).report;
    observe(
        &mut copy,
        News::Planned(Box::new((Vec::new(), report))),
        now,
    );
    copy
}

fn verdict(verdict: Verdict) -> ExplainedVerdict {
    match verdict {
        Verdict::Candidate { granted, blocked } => ExplainedVerdict::Candidate { granted, blocked },
        Verdict::Unfit {
            missing,
            excluded,
            gate,
            worker,
        } => ExplainedVerdict::Unfit {
            missing,
            excluded,
            gate,
            worker,
        },
    }
}

/// For each label that no pool has, the most similar one that some pool has.
fn nearest(world: &World, key: &ClassKey) -> Vec<(String, String)> {
    let specs = world
        .fleet()
        .scalers
        .iter()
        .flat_map(|scaler| &scaler.pools);
    let known: Vec<_> = specs
        .flat_map(|spec| [spec.labels.clone(), spec.system_labels.clone()])
        .collect();
    let strange = key
        .runs_on
        .iter()
        .filter(|label| !known.iter().any(|set| set.contains(label)));
    let near = strange.filter_map(|label| {
        let all = known.iter().flat_map(|set| set.iter());
        let scored = all.map(|k| (strsim::jaro_winkler(label.as_str(), k.as_str()), k));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
        (best.0 > NEAR).then(|| (label.to_string(), best.1.to_string()))
    });
    near.collect()
}
