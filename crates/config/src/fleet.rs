//! From settings to the fleet that the planner decides by.
//!
//! Promise: a fleet holds only what this version can run; everything else has been
//! refused by [`check_runnable`], each with a sentence and its place.

mod container;
mod docker_machine;
mod kubernetes;
mod program;
mod queue;
mod source;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Fleet, Labels, Layer, Layers, MachinePool, Name, PoolName, PoolSpec,
    QueueRule, Recipe, ScalerSpec,
};

pub(crate) use self::source::lower_sources;
use crate::platform::{Platform, system_labels};
use crate::problem::{Draft, Problems};
use crate::secrets::Secrets;
use crate::settings::{self, Backend, LabelSet, Scaler, Settings, Template};
use crate::suggest::quoted;
use crate::written::{self, BackendKind};

/// Scalers of host processes share this one backend.
pub const BARE_METAL: &str = "bare-metal";
/// What exists is compared with what is known so often while agents exist: what somebody
/// else left at a backend under our mark is found by looking only.
const RECHECK_EVERY: Duration = Duration::from_secs(5 * 60);

/// Notes what is understood and cannot be run.
pub(crate) fn check_runnable(top: &written::Top, problems: &mut Problems) {
    for scaler in top.scalers.iter().flat_map(|scalers| &scalers.value) {
        let scaler = &scaler.value;
        let name = match &scaler.name {
            Some(name) => format!("scaler {}", quoted(&name.value)),
            None => "this scaler".to_owned(),
        };
        match &scaler.kind {
            Some(kind) if kind.value == BackendKind::Firecracker => {
                let word = kind.value.word();
                let message =
                    format!("{name} has type `{word}`, which this version cannot run yet");
                let hint = "write `type: bare-metal`, or leave this scaler out until that \
                            backend is built";
                problems.at(kind.place, Draft::error(message).hint(hint));
            }
            // Its agents are always given jobs; `none` has been refused.
            Some(kind) if kind.value == BackendKind::DockerMachine => {}
            Some(kind) => {
                check_workers(scaler, problems);
                match kind.value {
                    BackendKind::BareMetal => check_bare_metal(scaler, problems),
                    BackendKind::Kubernetes => kubernetes::check(scaler, problems),
                    BackendKind::Program => {}
                    _ => container::check(scaler, problems),
                }
            }
            None => {}
        }
    }
}

fn check_workers(scaler: &written::Scaler, problems: &mut Problems) {
    let sets = scaler.label_sets.iter().flat_map(|sets| &sets.value);
    let programs = sets.filter_map(|set| {
        let nobody = set.value.agent.as_ref();
        let nobody = nobody.filter(|agent| agent.value == written::AgentPlace::Nobody);
        let command = set.value.command.as_ref().map(|command| command.place);
        command.or(nobody.map(|agent| agent.place))
    });
    for place in programs {
        if !keeps_any(scaler) {
            let draft = Draft::warning("nothing starts this program: no agent of it is kept")
                .label("finds its work by itself, so no job calls for it")
                .hint("add `policy: {kind: idle, idleCount: 1}` or `triggers` to the scaler");
            problems.at(place, draft);
        }
    }
}

fn check_bare_metal(scaler: &written::Scaler, problems: &mut Problems) {
    if let Some(url) = &scaler.orchestrator_url {
        let draft = Draft::warning("`orchestratorUrl` has no effect on a scaler of this host")
            .hint("remove it: agents of this host call the daemon's own listener");
        problems.at(url.place, draft);
    }
}

fn keeps_any(scaler: &written::Scaler) -> bool {
    let kind = scaler.policy.as_ref().and_then(|p| p.value.kind.as_ref());
    let by_triggers = kind.is_some_and(|kind| kind.value == written::PolicyKind::Queue);
    if by_triggers || scaler.written.iter().any(|(key, _)| *key == "triggers") {
        return true;
    }
    let policy = scaler
        .policy
        .as_ref()
        .and_then(|p| p.value.idle_count.as_ref());
    let pool = scaler.warm_pool.as_ref().and_then(|p| {
        let enabled = p.value.enabled.as_ref().is_some_and(|on| on.value);
        p.value.size.as_ref().filter(|_| enabled)
    });
    let schedules = scaler
        .policy
        .as_ref()
        .and_then(|p| p.value.schedules.as_ref());
    let schedules = schedules.into_iter().flat_map(|list| &list.value);
    let scheduled = schedules.filter_map(|schedule| schedule.value.idle_count.as_ref());
    let counts = [policy, pool].into_iter().flatten().chain(scheduled);
    counts.into_iter().any(|n| n.value > 0)
}

/// The fleet of settings that can run.
/// Secrets that cannot be read are problems; the fleet is not to be used then.
pub(crate) fn lower(settings: &Settings, platform: &Platform, secrets: &mut Secrets<'_>) -> Fleet {
    let scalers = settings.scalers.iter();
    Fleet {
        max_jobs: settings.global_max_jobs,
        recheck_every: RECHECK_EVERY,
        max_agents: settings.global_max_agents,
        resource_cap: settings.global_resource_cap,
        machine_pools: settings.machine_pools.iter().map(machine_pool).collect(),
        scalers: scalers
            .filter_map(|scaler| {
                let queue = queue::rule(scaler, secrets).map(Arc::new);
                lower_scaler(scaler, settings.default_resources, queue, platform, secrets)
            })
            .collect(),
    }
}

fn machine_pool(pool: &settings::MachinePool) -> MachinePool {
    MachinePool {
        name: Name::new(&pool.name),
        cap: pool.cap,
    }
}

fn lower_scaler(
    scaler: &Scaler,
    defaults: Layer,
    queue: Option<Arc<QueueRule>>,
    platform: &Platform,
    secrets: &mut Secrets<'_>,
) -> Option<ScalerSpec> {
    let backend = match &scaler.backend {
        Backend::BareMetal { .. } => BackendId::new(BARE_METAL),
        Backend::Container(engine) => container::address(engine).backend_id(),
        Backend::Kubernetes(cluster) => kubernetes::address(cluster).backend_id(),
        Backend::Program(program) => program::address(program).backend_id(),
        Backend::DockerMachine(tool) => docker_machine::address(tool).backend_id(),
        Backend::Firecracker(_) => return None,
    };
    let system_labels = system_labels(&scaler.name, &scaler.backend, &scaler.roles, platform);
    let mut seen = BTreeSet::new();
    let pools = scaler.label_sets.iter().filter_map(|set| {
        let labels = Labels::new(&set.labels);
        // Of repeats the first wins; a warning has said so.
        if !seen.insert(labels.clone()) {
            return None;
        }
        let made = Made {
            labels,
            system_labels: system_labels.clone(),
            defaults,
            queue: queue.clone(),
            recipe: recipe(scaler, set, secrets)?,
        };
        Some(lower_pool(scaler, set, made))
    });
    let pools = pools.collect();
    Some(ScalerSpec {
        name: Name::new(&scaler.name),
        backend,
        max_agents: scaler.max_agents,
        resource_cap: scaler.resource_cap,
        machine_pool: scaler.machine_pool.as_deref().map(Name::new),
        mandatory: Labels::new(&scaler.mandatory_labels),
        roles: scaler.roles.clone(),
        priority: scaler.priority,
        reap_others_after: match &scaler.backend {
            Backend::Program(program) => program.reap_others_after,
            _ => None,
        },
        pools,
    })
}

/// What a pool has from elsewhere than its scaler and its label set.
struct Made {
    labels: Labels,
    system_labels: Labels,
    defaults: Layer,
    queue: Option<Arc<QueueRule>>,
    recipe: Recipe,
}

/// What its agents are made from; `None` for what cannot be run.
fn recipe(scaler: &Scaler, set: &LabelSet, secrets: &mut Secrets<'_>) -> Option<Recipe> {
    match (&scaler.backend, &set.template) {
        (Backend::BareMetal { enforce_cgroups }, Template::BareMetal(program)) => {
            Some(Recipe::Process {
                program: program.clone(),
                env: set.env.clone(),
                enforce_cgroups: *enforce_cgroups,
            })
        }
        (Backend::Container(engine), Template::Container(template)) => Some(Recipe::Container(
            container::recipe(scaler, engine, set, template),
        )),
        (Backend::Kubernetes(cluster), Template::Kubernetes(template)) => Some(Recipe::Kubernetes(
            kubernetes::recipe(scaler, cluster, template),
        )),
        (Backend::Program(program), Template::Program(template)) => Some(Recipe::Program(
            program::recipe(scaler, program, set, template),
        )),
        (Backend::DockerMachine(tool), Template::DockerMachine(template)) => {
            docker_machine::recipe(scaler, tool, set, template, secrets).map(Recipe::DockerMachine)
        }
        _ => None,
    }
}

fn lower_pool(scaler: &Scaler, set: &LabelSet, made: Made) -> PoolSpec {
    let name = format!("{}/{}", scaler.name, made.labels.join("+"));
    PoolSpec {
        name: PoolName::new(&name),
        labels: made.labels,
        system_labels: made.system_labels,
        kind: match set.template.is_worker() {
            true => AgentKind::Worker,
            false => AgentKind::Managed,
        },
        slots: set.slots,
        max_jobs: set.max_jobs,
        layers: Layers {
            label_set: set.resources,
            defaults: made.defaults,
        },
        idle: scaler.readiness.idle_rule(),
        schedules: scaler.readiness.schedules().into(),
        max_growth: scaler.readiness.max_growth(),
        queue: made.queue,
        timeouts: scaler.timeouts,
        retry: scaler.retry,
        price: set.price,
        log_pressure: set.log_pressure,
        recipe: Arc::new(made.recipe),
    }
}
