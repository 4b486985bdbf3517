//! One label set.

use headcount_model::ProcessProgram;

use super::backend::{container_template, firecracker_template, warn_of_others};
use super::resources::layer;
use super::{docker_machine, kubernetes, program as machine};
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::settings::{LabelSet, Template};
use crate::source::Spanned;
use crate::written::{self, AgentPlace, BackendKind};

/// The label set; `None` only when a problem forbids it, or its scaler's type is unknown.
pub(super) fn label_set(
    kind: Option<BackendKind>,
    index: usize,
    written: &written::LabelSet,
    problems: &mut Problems,
) -> Option<LabelSet> {
    let resources = layer(written.resources.as_ref(), problems);
    let slots = value(written.slots.as_ref()).unwrap_or(1);
    let max_jobs = max_jobs(kind, written, slots, problems);
    let template = kind.and_then(|kind| {
        warn_of_others::<written::LabelSet>(kind, &written.written, problems);
        template(kind, index, written, problems)
    });
    Some(LabelSet {
        labels: written
            .labels
            .as_ref()
            .map(|_| values(written.labels.as_ref()))?,
        resources,
        env: value(written.env.as_ref()).unwrap_or_default(),
        log_pressure: value(written.backpressure_mode.as_ref()).unwrap_or_default(),
        slots,
        max_jobs,
        price: value(written.price_per_hour.as_ref()),
        template: template?,
    })
}

/// An agent cannot run more jobs at once than in its life. A worker counts its jobs
/// itself.
fn max_jobs(
    kind: Option<BackendKind>,
    written: &written::LabelSet,
    slots: u32,
    problems: &mut Problems,
) -> Option<u32> {
    let own = match &written.agent {
        Some(agent)
            if kind == Some(BackendKind::Kubernetes) && agent.value == AgentPlace::Image =>
        {
            None
        }
        _ if kind == Some(BackendKind::Kubernetes) => Some("a Job of Kubernetes"),
        _ if written.command.is_some() => Some("`command`"),
        Some(agent) if agent.value == AgentPlace::Nobody => Some("`agent: none`"),
        _ => None,
    };
    if let (Some(own), Some(max)) = (own, &written.max_jobs) {
        let draft = Draft::warning(format!("`maxJobs` has no effect together with {own}"))
            .hint("remove it: such a program ends by itself");
        problems.at(max.place, draft);
    }
    let empty = |text: Option<&Spanned<String>>| text.is_none_or(|text| text.value.is_empty());
    if let Some(command) = written
        .command
        .as_ref()
        .filter(|argv| empty(argv.value.first()))
    {
        let draft = Draft::error("`command` starts with an empty text")
            .hint("write the program first, then its arguments");
        problems.at(command.place, draft);
    }
    if own.is_some() {
        return None;
    }
    let max_jobs = match &written.max_jobs {
        Some(max) => max.value,
        None => Some(1),
    };
    if max_jobs.is_some_and(|max| max < slots) {
        let places = [
            written.max_jobs.as_ref().map(|max| max.place),
            written.slots.as_ref().map(|slots| slots.place),
        ];
        let place = places.into_iter().flatten().next().unwrap_or(written.place);
        let jobs = match max_jobs {
            Some(1) => "one job".to_owned(),
            max => format!("{} jobs", max.unwrap_or(0)),
        };
        let message = format!("an agent of {jobs} in its life cannot run {slots} at once");
        let hint = format!("write `maxJobs: unlimited`, or a number of at least {slots}");
        problems.at(place, Draft::error(message).hint(hint));
    }
    max_jobs
}

fn template(
    kind: BackendKind,
    index: usize,
    written: &written::LabelSet,
    problems: &mut Problems,
) -> Option<Template> {
    match kind {
        BackendKind::BareMetal => Some(Template::BareMetal(program(written, problems))),
        BackendKind::Container => container_template(index, written, problems),
        BackendKind::Firecracker => firecracker_template(index, written, problems),
        BackendKind::Kubernetes => kubernetes::template(index, written, problems),
        BackendKind::Program => machine::template(written, problems),
        BackendKind::DockerMachine => docker_machine::template(index, written, problems),
    }
}

fn program(written: &written::LabelSet, problems: &mut Problems) -> ProcessProgram {
    match (&written.command, &written.binary_path) {
        (Some(_), Some(binary)) => {
            let draft = Draft::error("`binaryPath` and `command` cannot stand together").hint(
                "keep `command` for a program that finds its work by itself, `binaryPath` \
                       for an agent that is given jobs",
            );
            problems.at(binary.place, draft);
            ProcessProgram::OwnAgent
        }
        (Some(_), None) => ProcessProgram::Worker(values(written.command.as_ref())),
        (None, Some(binary)) => ProcessProgram::Agent(binary.value.clone()),
        (None, None) => ProcessProgram::OwnAgent,
    }
}
