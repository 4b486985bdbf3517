//! KEDA's `ScaledJob`, with the objects it refers to in the same file.
//!
//! Promise: one `ScaledJob` becomes one scaler of type `kubernetes` whose arithmetic is
//! KEDA's; values point to where they stand in the manifest. What must come from elsewhere,
//! such as a Secret that is only in the cluster, is refused with what to add to the file.
//! Source: the KEDA `ScaledJob` reference, sections 1 and 3.

mod annotations;
mod authentication;
mod environment;
mod job;
mod parameters;
mod spec;
mod triggers;

use crate::manifest::{Object, objects};
use crate::problem::{Draft, Problems};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written::{Scaler, Top};
use crate::yaml::Node;

/// The documents of one file.
pub(super) struct Manifest<'f> {
    /// How the file is called.
    pub file: &'f str,
    pub objects: Vec<Object>,
}

/// The file as if it were native; `None` once a problem has been noted.
pub(crate) fn read(file: &str, documents: Vec<Node>, problems: &mut Problems) -> Option<Top> {
    let (objects, others) = objects(documents);
    for place in others {
        let draft = Draft::warning("this document is no Kubernetes object, and is left out")
            .hint("an object has `apiVersion` and `kind`");
        problems.at(place, draft);
    }
    warn_of_others(&objects, problems);
    let manifest = Manifest { file, objects };
    let jobs = manifest.objects.iter();
    let jobs: Vec<&Object> = jobs.filter(|object| object.kind == "ScaledJob").collect();
    let Some(first) = jobs.first() else {
        let draft = Draft::error("there is no ScaledJob among these Kubernetes objects")
            .hint("give a file with one, or a native file");
        problems.in_file(file, draft);
        return None;
    };
    let place = first.node.place;
    let scalers = jobs.iter().map(|job| Spanned {
        value: job::scaler(&manifest, job, problems),
        place: job.node.place,
    });
    Some(top(place, scalers.collect()))
}

/// All of them together may have as many agents as each of them.
fn top(place: Place, scalers: Vec<Spanned<Scaler>>) -> Top {
    let caps = scalers
        .iter()
        .filter_map(|scaler| scaler.value.max_agents.as_ref());
    let all = caps.fold(0_u32, |sum, cap| sum.saturating_add(cap.value));
    Top {
        place,
        written: vec![("scalers", place)],
        global_max_agents: (all > 0).then_some(Spanned { value: all, place }),
        scalers: Some(Spanned {
            value: scalers,
            place,
        }),
        ..Top::default()
    }
}

/// Names objects that nothing is made of.
fn warn_of_others(objects: &[Object], problems: &mut Problems) {
    const USED: &[&str] = &[
        "ScaledJob",
        "TriggerAuthentication",
        "ClusterTriggerAuthentication",
        "Secret",
        "ConfigMap",
    ];
    for object in objects {
        if USED.contains(&object.kind.as_str()) {
            check_version(object, problems);
            continue;
        }
        let hint = match object.kind.as_str() {
            "ScaledObject" => "a ScaledObject scales a Deployment; only a ScaledJob is read here",
            _ => "create it with `kubectl` where it is needed",
        };
        let message = format!(
            "the {} {} is left out: nothing is made of it here",
            object.kind,
            quoted(&object.name)
        );
        problems.at(place_of(object, "kind"), Draft::warning(message).hint(hint));
    }
}

fn check_version(object: &Object, problems: &mut Problems) {
    let known = match object.kind.as_str() {
        "Secret" | "ConfigMap" => "v1",
        _ => "keda.sh/v1alpha1",
    };
    if object.api_version != known {
        let version = quoted(&object.api_version);
        let message = format!("the version {version} of {} is not known", object.kind);
        let draft = Draft::warning(message).label(format!("read as `{known}`"));
        problems.at(place_of(object, "apiVersion"), draft);
    }
}

fn place_of(object: &Object, key: &str) -> Place {
    let entry = crate::manifest::entries(&object.node)
        .iter()
        .find(|entry| entry.key == key);
    entry.map_or(object.node.place, crate::yaml::Entry::place)
}
