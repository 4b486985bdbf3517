//! The metric names of GitLab Runner's autoscaling with `docker+machine`, for dashboards that
//! exist already.
//!
//! Promise: its names, labels, states and buckets with their meaning, for the agents of all
//! pools. What only its driver for Google Cloud fills (`target_…`) is empty, as it is there
//! for every other driver. Source: the machine autoscaling reference, 10.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use headcount_controller::{AgentView, View};
use headcount_model::{AgentPhase, Reason};
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::count::Labels;
use super::gauges::Page;

const PREFIX: &str = "gitlab_runner_autoscaling";
const EXECUTOR: (&str, &str) = ("executor", "docker+machine");
const TARGETS: [&str; 4] = [
    "target_zone",
    "target_region",
    "target_project",
    "target_machine_type",
];
const STATES: [&str; 6] = [
    "acquired",
    "creating",
    "idle",
    "used",
    "removing",
    "stuck-on-removing",
];
/// Seconds.
const FAILURES: [f64; 10] = [1.0, 3.0, 5.0, 10.0, 30.0, 50.0, 60.0, 80.0, 90.0, 120.0];

type Counters = Family<Labels, Counter>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// What happens to a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happened {
    /// It became ready, so long after its order.
    Created(Duration),
    /// It never did, and was given up so long after its order.
    CreationFailed(Duration),
    /// It was given a job.
    Used,
    /// It was told to leave, and had so long later left by itself or was ended.
    Stopped(Duration),
    /// It is gone, so long after it was ended; `None` where it left by itself.
    Removed(Option<Duration>),
}

/// What is counted as it happens, shown only when asked for.
pub(crate) struct Machines {
    registry: Registry,
    actions: Counters,
    creation: Histograms,
    failed_creation: Histograms,
    stopping: Histograms,
    removal: Histograms,
}

impl Machines {
    pub(crate) fn new() -> Self {
        let usual = || Histograms::new_with_constructor(long);
        let machines = Self {
            registry: Registry::with_prefix(PREFIX),
            actions: Counters::default(),
            creation: usual(),
            failed_creation: Histograms::new_with_constructor(|| Histogram::new(FAILURES)),
            stopping: usual(),
            removal: usual(),
        };
        machines.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "actions",
            "What happened to machines since the daemon started",
            self.actions.clone(),
        );
        registry.register(
            "machine_creation_duration_seconds",
            "From the order of a machine to its being ready",
            self.creation.clone(),
        );
        registry.register(
            "machine_failed_creation_duration_seconds",
            "From the order of a machine to its being given up",
            self.failed_creation.clone(),
        );
        registry.register(
            "machine_stopping_duration_seconds",
            "From a machine being told to leave to its having left or being ended",
            self.stopping.clone(),
        );
        registry.register(
            "machine_removal_duration_seconds",
            "From a machine being ended to its confirmed absence",
            self.removal.clone(),
        );
        self
    }

    pub(crate) fn note(&self, happened: Happened) {
        match happened {
            Happened::Created(took) => {
                self.count("created");
                observe(&self.creation, took);
            }
            Happened::CreationFailed(took) => {
                self.count("creation-failed");
                observe(&self.failed_creation, took);
            }
            Happened::Used => self.count("used"),
            Happened::Stopped(took) => observe(&self.stopping, took),
            Happened::Removed(took) => {
                self.count("removed");
                if let Some(took) = took {
                    observe(&self.removal, took);
                }
            }
        }
    }

    fn count(&self, action: &str) {
        self.actions.get_or_create(&labels("action", action)).inc();
    }

    /// Adds all of them to a text.
    ///
    /// # Errors
    /// Never, into a text.
    pub(super) fn write(&self, view: &View, text: &mut String) -> fmt::Result {
        encode_registry(text, &self.registry)?;
        let mut states: BTreeMap<&str, u32> = STATES.map(|state| (state, 0)).into();
        for agent in &view.agents {
            *states.entry(state(agent)).or_default() += 1;
        }
        let mut page = Page::new(PREFIX);
        let rows = states.into_iter();
        let rows = rows.map(|(state, n)| (labels("state", state), f64::from(n)));
        page.gauges("machine_states", "Machines by state", rows);
        page.write(text)
    }
}

fn state(agent: &AgentView) -> &'static str {
    match agent.record.phase {
        AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => "creating",
        AgentPhase::Ready | AgentPhase::Draining if agent.reason == Reason::RunningJob => "used",
        AgentPhase::Ready if !agent.jobs.is_empty() || agent.reason == Reason::Promised => {
            "acquired"
        }
        AgentPhase::Ready => "idle",
        AgentPhase::Quarantined => "stuck-on-removing",
        AgentPhase::Destroying if agent.removals_failed > 0 => "stuck-on-removing",
        AgentPhase::Draining if !agent.jobs.is_empty() => "used",
        AgentPhase::Draining | AgentPhase::Destroying | AgentPhase::Releasing => "removing",
    }
}

fn labels(name: &'static str, value: &str) -> Labels {
    let (executor, word) = EXECUTOR;
    let mut labels = vec![(executor, word.to_owned()), (name, value.to_owned())];
    labels.extend(TARGETS.map(|target| (target, String::new())));
    labels
}

fn observe(histograms: &Histograms, took: Duration) {
    let (executor, word) = EXECUTOR;
    let labels = vec![(executor, word.to_owned())];
    histograms
        .get_or_create(&labels)
        .observe(took.as_secs_f64());
}

/// Ten buckets from half a minute on, each a quarter longer than the one before.
fn long() -> Histogram {
    Histogram::new(exponential_buckets(30.0, 1.25, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_labels_are_those_of_the_original() {
        let machines = Machines::new();
        machines.note(Happened::Created(Duration::from_secs(40)));
        machines.note(Happened::CreationFailed(Duration::from_secs(4)));
        machines.note(Happened::Used);
        machines.note(Happened::Stopped(Duration::from_secs(1)));
        machines.note(Happened::Removed(None));
        let mut text = String::new();
        encode_registry(&mut text, &machines.registry).unwrap();
        let prefix = "gitlab_runner_autoscaling_";
        let targets = r#"target_zone="",target_region="",target_project="",target_machine_type="""#;
        for (name, labels, value) in [
            (
                "actions_total",
                format!(r#"action="created",{targets}"#),
                "1",
            ),
            (
                "actions_total",
                format!(r#"action="creation-failed",{targets}"#),
                "1",
            ),
            ("actions_total", format!(r#"action="used",{targets}"#), "1"),
            (
                "actions_total",
                format!(r#"action="removed",{targets}"#),
                "1",
            ),
        ] {
            let line = format!("{prefix}{name}{{executor=\"docker+machine\",{labels}}} {value}\n");
            assert!(text.contains(&line), "{line} in\n{text}");
        }
        for line in [
            r#"machine_creation_duration_seconds_bucket{le="37.5",executor="docker+machine"} 0"#,
            r#"machine_creation_duration_seconds_bucket{le="46.875",executor="docker+machine"} 1"#,
            r#"machine_failed_creation_duration_seconds_bucket{le="5.0",executor="docker+machine"} 1"#,
            r#"machine_stopping_duration_seconds_count{executor="docker+machine"} 1"#,
        ] {
            assert!(
                text.contains(&format!("{prefix}{line}\n")),
                "{line} in\n{text}"
            );
        }
        assert!(!text.contains("removal_duration_seconds_count{"), "{text}");
    }
}
