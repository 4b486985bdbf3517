//! The published view: an immutable picture of the world with the report of a plan for
//! it. Everything that shows something reads this and nothing else.
//!
//! Promise: every waiting job, agent and taken job in it has exactly one reason. Leaves
//! to others: why a class waits pool by pool (`explanation`).

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentId, AgentPhase, AgentRecord, BackendId, ClassCount, ClassKey, Fleet, InForce, JobId, Name,
    PoolName, PoolSpec, QueueRule, Reason, Sample, SourceId, Timestamp,
};
use headcount_planner::{
    Agent, Backoff, Effect, Link, Other, Pool, PoolCounts, PoolId, PoolReport, Report, Signal,
    Stranger, Wake, World, plan,
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
    /// Launches that failed within the last five minutes.
    pub failures_lately: u32,
    /// Its agents by what they do.
    pub counts: PoolCounts,
    /// New agents that demand and idle rule ask for beyond what is on its way.
    pub wanted: u32,
    /// Why they are not made.
    pub limited_by: Option<Reason>,
    /// The numbers behind that, where there are some.
    pub limited_by_detail: Option<String>,
    /// What its triggers say, if it has any.
    pub signal: Option<SignalView>,
    /// Which of its schedules is in force, if it has any and that is known.
    pub in_force: Option<InForce>,
}

/// What the triggers of a pool say, and what is made of it.
#[derive(Clone, Debug)]
pub struct SignalView {
    /// The rule.
    pub rule: Arc<QueueRule>,
    /// The last sample; absent before the first one.
    pub sample: Option<Sample>,
    /// Whether a plan was made by that sample.
    pub spent: bool,
    /// Why nothing, or not everything, could be read.
    pub trouble: Option<String>,
    /// Samples since the start of which not everything could be read.
    pub unread: u64,
    /// Of each trigger, in order, the samples in which it could not be read.
    pub failures: Vec<u64>,
    /// How long the last reading that was asked for waited to be begun.
    pub begun_late: Duration,
    /// Agents that there should be; absent while nothing could be read, and while the pool
    /// takes no new work.
    pub desired: Option<u32>,
}

/// One agent.
#[derive(Clone, Debug)]
pub struct AgentView {
    /// What is written down of it.
    pub record: AgentRecord,
    /// Its one reason.
    pub reason: Reason,
    /// Why its instance does not execute yet, while it starts and its backend knows.
    pub waits_for: Option<String>,
    /// What was said of its creation, while it starts and nobody knows how that creation
    /// went.
    pub unclear: Option<String>,
    /// Why its backend did not remove it when that was tried last, while it is to go.
    pub stays_for: Option<String>,
    /// Whether it can be spoken to.
    pub link: Link,
    /// How often its removal failed in a row.
    pub removals_failed: u32,
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
    /// These, in order of id.
    pub orphans: Vec<(AgentId, Stranger)>,
    /// When it last said what exists.
    pub listed_at: Option<Timestamp>,
    /// Instances of other owners, where a policy asks for them.
    pub others: Option<OthersView>,
}

/// What a backend says of other owners.
#[derive(Clone, Debug)]
pub struct OthersView {
    /// Whether the last list was answered, and nobody has asked for another since.
    pub fresh: bool,
    /// Why the last list failed, while none has arrived since.
    pub trouble: Option<String>,
    /// When the last list arrived.
    pub listed_at: Option<Timestamp>,
    /// In order of owner and agent.
    pub known: Vec<OtherView>,
}

/// An instance of another owner.
#[derive(Clone, Debug)]
pub struct OtherView {
    /// What is known of it.
    pub other: Other,
    /// From when on a person may have it removed: its lease and the policy are over.
    pub over_at: Timestamp,
    /// About when it is removed, if nobody renews its lease until then.
    pub left_until: Timestamp,
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

/// Failed launches of so long ago are still worth showing.
const LATELY: Duration = Duration::from_secs(300);

impl View {
    /// The world at `now`, with a report made for just this.
    pub(crate) fn of(world: &World, ledger_trouble: Option<String>, now: Timestamp) -> Self {
        let plan = plan(world, now);
        let mut pools: Vec<PoolView> = plan
            .report
            .pools
            .iter()
            .filter_map(|report| pool(world, report, now))
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
            backends: world.backends().map(|it| backend(world, it)).collect(),
            sources: world.sources().map(source).collect(),
            wake_at: plan.wake_at,
        }
    }
}

fn pool(world: &World, report: &PoolReport, now: Timestamp) -> Option<PoolView> {
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
        failures_lately: world.failures().lately(pool.id, LATELY, now),
        counts: report.counts,
        wanted: report.wanted,
        limited_by: report.limited_by,
        limited_by_detail: report
            .limited_by
            .and_then(|reason| detail(world, pool, reason)),
        signal: pool.signal.as_ref().map(|told| signal(told, report)),
        in_force: pool.in_force(now),
    })
}

fn detail(world: &World, pool: &Pool, reason: Reason) -> Option<String> {
    match reason {
        Reason::SignalUnknown => pool.signal.as_ref()?.trouble().map(str::to_owned),
        _ => crate::shared::detail(world, pool.id, reason),
    }
}

fn signal(signal: &Signal, report: &PoolReport) -> SignalView {
    SignalView {
        rule: signal.rule().clone(),
        sample: signal.sample().cloned(),
        spent: signal.is_spent(),
        trouble: signal.trouble().map(str::to_owned),
        unread: signal.unread(),
        failures: signal.failures().to_vec(),
        begun_late: signal.begun_late(),
        desired: report.queue.and_then(|queue| queue.desired),
    }
}

fn agents(world: &World, report: &Report) -> Vec<AgentView> {
    let agents = world.agents().zip(&report.agents);
    let agents = agents.map(|(agent, (_, reason))| AgentView {
        record: agent.record().clone(),
        reason: *reason,
        waits_for: agent.waits_for().map(str::to_owned),
        unclear: agent.unclear().map(str::to_owned),
        stays_for: agent.stays_for().map(str::to_owned),
        link: agent.link(),
        removals_failed: removals_failed(agent),
        idle_since: agent.idle_since(),
        jobs: agent.jobs().to_vec(),
    });
    agents.collect()
}

fn removals_failed(agent: &Agent) -> u32 {
    match agent.effect() {
        Effect::RetryAt(_, tries) | Effect::InFlight(tries)
            if agent.phase() == AgentPhase::Destroying =>
        {
            tries
        }
        _ => 0,
    }
}

pub(crate) fn classes(world: &World, report: &Report) -> Vec<ClassView> {
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

fn backend(world: &World, backend: &headcount_planner::Backend) -> BackendView {
    BackendView {
        id: backend.id.clone(),
        fresh: backend.fresh,
        trouble: backend.trouble.clone(),
        strangers: backend.strangers.len(),
        orphans: backend
            .strangers
            .iter()
            .map(|(agent, stranger)| (*agent, stranger.clone()))
            .collect(),
        listed_at: backend.listed_at(),
        others: world
            .watches_others(&backend.id)
            .then(|| others(world, backend)),
    }
}

fn others(world: &World, backend: &headcount_planner::Backend) -> OthersView {
    let listed_at = backend.others.listed_at();
    let seen_at = listed_at.unwrap_or(Timestamp::ZERO);
    let known = backend.others.known.values().filter_map(|other| {
        let after = world.reaps_others_after(&backend.id, &other.instance.pool)?;
        let over_at = other.left_until(after);
        Some(OtherView {
            other: other.clone(),
            over_at,
            left_until: over_at.max(seen_at.after(other.to_watch(after))),
        })
    });
    OthersView {
        fresh: backend.others.fresh,
        trouble: backend.others.trouble.clone(),
        listed_at,
        known: known.collect(),
    }
}

fn source(source: &headcount_planner::SourceFacts) -> SourceView {
    SourceView {
        id: source.id.clone(),
        fresh: source.fresh,
        trouble: source.trouble.clone(),
    }
}
