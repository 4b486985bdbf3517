//! `TriggerAuthentication`: parameters of a trigger that are kept apart from it.

use super::Manifest;
use super::environment::Environment;
use super::job::{find, unknown};
use super::parameters::{Found, Given, Giver, names, parameter};
use crate::manifest::{Object, entries, items, scalar, text_at};
use crate::problem::{Draft, Problems};
use crate::source::Place;
use crate::suggest::{nearest, quoted};
use crate::yaml::{Entry, Node};

const KINDS: [&str; 2] = ["TriggerAuthentication", "ClusterTriggerAuthentication"];

/// Adds what the trigger's `authenticationRef` gives.
pub(super) fn authentication(
    manifest: &Manifest<'_>,
    job: &Object,
    environment: &Environment<'_>,
    reference: &Entry,
    given: &mut Given,
    problems: &mut Problems,
) {
    let own = entries(&reference.value);
    for entry in own
        .iter()
        .filter(|e| !matches!(e.key.as_str(), "name" | "kind"))
    {
        unknown("`authenticationRef`", entry, &["name", "kind"], problems);
    }
    let place = reference.place();
    let name = text_at(&reference.value, "name").unwrap_or("");
    let kind = text_at(&reference.value, "kind").unwrap_or(KINDS[0]);
    if !KINDS.contains(&kind) {
        let draft = Draft::error(format!("{} is no kind of authentication", quoted(kind)))
            .hint("write `TriggerAuthentication` or `ClusterTriggerAuthentication`");
        problems.at(place, draft);
        return;
    }
    // One of the whole cluster refers to what is beside KEDA, in a namespace of its own.
    let namespace = job.namespace.as_deref().filter(|_| kind == KINDS[0]);
    let Some(object) = manifest.find(kind, namespace, name) else {
        manifest.missing(kind, namespace, name, place, problems);
        return;
    };
    let reader = Reader {
        manifest,
        environment,
        namespace,
    };
    let spec = object.get(&["spec"]).map_or(&[][..], entries);
    for entry in spec {
        reader.field(entry, given, problems);
    }
}

struct Reader<'a> {
    manifest: &'a Manifest<'a>,
    environment: &'a Environment<'a>,
    namespace: Option<&'a str>,
}

impl Reader<'_> {
    fn field(&self, entry: &Entry, given: &mut Given, problems: &mut Problems) {
        let kind = match entry.key.as_str() {
            "secretTargetRef" => Some("Secret"),
            "configMapTargetRef" => Some("ConfigMap"),
            "env" => None,
            "podIdentity" if text_at(&entry.value, "provider") == Some("none") => return,
            other => {
                let message = format!("{} cannot be asked from here", quoted(other));
                let draft = Draft::error(message)
                    .hint("put what it yields into a Secret of this file, and name that");
                problems.at(entry.key_place, draft);
                return;
            }
        };
        for item in items(&entry.value) {
            let wanted = text_at(item, "parameter").unwrap_or("");
            let Some(known) = parameter(wanted, Giver::Authentication) else {
                warn_of_unknown(wanted, item.place, problems);
                continue;
            };
            let found = self.found(kind, item, problems);
            given.add(known, Giver::Authentication, item.place, found);
        }
    }

    #[expect(clippy::option_option, reason = "unknown is not the same as none")]
    fn found(
        &self,
        kind: Option<&str>,
        item: &Node,
        problems: &mut Problems,
    ) -> Option<Option<Found>> {
        let name = text_at(item, "name").unwrap_or("");
        let place = item.place;
        let Some(kind) = kind else {
            if find(entries(item), "containerName")
                .and_then(|e| scalar(&e.value))
                .is_some_and(|c| !c.is_empty())
            {
                let draft = Draft::warning("`containerName` is not followed")
                    .label("the container of `envSourceContainerName`, else the first, counts")
                    .hint("name the container there");
                problems.at(place, draft);
            }
            return self.environment.variable(name, place, problems);
        };
        let key = text_at(item, "key").unwrap_or("");
        self.manifest
            .value(kind, self.namespace, name, key, place, problems)
            .map(Some)
    }
}

fn warn_of_unknown(name: &str, place: Place, problems: &mut Problems) {
    let hint = match nearest(name, names(Giver::Authentication)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove it".to_owned(),
    };
    let message = format!(
        "{} is no parameter that a trigger takes from here",
        quoted(name)
    );
    problems.at(place, Draft::warning(message).hint(hint));
}
