//! The environment of the Job's container, from which triggers take parameters.

use super::Manifest;
use super::job::find;
use super::parameters::Found;
use crate::manifest::{Object, entries, escaped, field, items, look_up, text_at};
use crate::problem::{Draft, Problems};
use crate::settings::ManifestPlace;
use crate::source::Place;
use crate::suggest::quoted;
use crate::yaml::{Entry, Node};

/// The container whose variables count.
pub(super) struct Environment<'m> {
    manifest: &'m Manifest<'m>,
    job: &'m Object,
    container: Option<&'m Node>,
    /// A pointer to it.
    path: String,
}

impl<'m> Environment<'m> {
    /// The container that `envSourceContainerName` names, else the first.
    pub fn new(manifest: &'m Manifest<'m>, job: &'m Object, problems: &mut Problems) -> Self {
        const CONTAINERS: &[&str] = &["spec", "jobTargetRef", "template", "spec", "containers"];
        let containers = job.get(CONTAINERS).map_or(&[][..], items);
        let spec = field(&job.node, "spec").map_or(&[][..], entries);
        let wanted = find(spec, "envSourceContainerName");
        let name = wanted.and_then(|entry| crate::manifest::scalar(&entry.value));
        let at = match name.filter(|name| !name.is_empty()) {
            None => 0,
            Some(name) => {
                let mut all = containers.iter();
                let at = all.position(|node| text_at(node, "name") == Some(name));
                if let (None, Some(entry)) = (at, wanted) {
                    let message = format!("there is no container {}", quoted(name));
                    let hint = "write the name of one in `jobTargetRef`";
                    problems.at(entry.place(), Draft::error(message).hint(hint));
                }
                at.unwrap_or(usize::MAX)
            }
        };
        Self {
            manifest,
            job,
            container: containers.get(at),
            path: format!("/{}/{at}", CONTAINERS.join("/")),
        }
    }

    /// The value of a variable; `None` once it has been noted that it cannot be told,
    /// `Some(None)` once a warning has said that there is none.
    #[expect(clippy::option_option, reason = "unknown is not the same as none")]
    pub fn variable(
        &self,
        name: &str,
        place: Place,
        problems: &mut Problems,
    ) -> Option<Option<Found>> {
        let own = self.container.and_then(|node| field(node, "env"));
        let own = own.map_or(&[][..], items).iter().enumerate();
        // The last of several with one name counts, as in a container.
        let found = own
            .rev()
            .find(|(_, node)| text_at(node, "name") == Some(name));
        if let Some((at, node)) = found {
            return self
                .of_env(node, &format!("{}/env/{at}", self.path), place, problems)
                .map(Some);
        }
        match self.of_sources(name, place, problems) {
            Some(found) => found.map(Some),
            None => {
                let message = format!("the container has no variable {}", quoted(name));
                let draft = Draft::warning(message).label("the parameter is not set");
                problems.at(place, draft.hint("add it to `env` of the container"));
                Some(None)
            }
        }
    }

    fn of_env(
        &self,
        node: &Node,
        path: &str,
        place: Place,
        problems: &mut Problems,
    ) -> Option<Found> {
        let Some(from) = field(node, "valueFrom") else {
            let text = text_at(node, "value").unwrap_or("");
            if text.contains("$(") {
                let message = format!("{} refers to other variables", quoted(text));
                let hint = "write the value out: what it refers to cannot be told from here";
                problems.at(node.place, Draft::error(message).hint(hint));
                return None;
            }
            return Some(Found {
                text: text.to_owned(),
                home: self.manifest.place_in(self.job, format!("{path}/value")),
                place,
            });
        };
        for (key, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
            if let Some(reference) = field(from, key) {
                let [name, key] =
                    ["name", "key"].map(|part| text_at(reference, part).unwrap_or(""));
                let namespace = self.job.namespace.as_deref();
                return self
                    .manifest
                    .value(kind, namespace, name, key, place, problems);
            }
        }
        let draft = Draft::error("this variable is known inside its pod alone")
            .hint("name a value, a Secret or a ConfigMap");
        problems.at(node.place, draft);
        None
    }

    /// From `envFrom`, of which the last counts; `None` when none of them has it,
    /// `Some(None)` when that cannot be told, which has been noted.
    #[expect(clippy::option_option, reason = "unknown is not the same as none")]
    fn of_sources(
        &self,
        name: &str,
        place: Place,
        problems: &mut Problems,
    ) -> Option<Option<Found>> {
        let sources = self.container.and_then(|node| field(node, "envFrom"));
        for source in sources.map_or(&[][..], items).iter().rev() {
            let prefix = text_at(source, "prefix").unwrap_or("");
            let Some(key) = name.strip_prefix(prefix) else {
                continue;
            };
            for (reference, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
                let Some(object) = field(source, reference).and_then(|r| text_at(r, "name")) else {
                    continue;
                };
                let namespace = self.job.namespace.as_deref();
                match self.manifest.find(kind, namespace, object) {
                    None => {
                        self.manifest
                            .missing(kind, namespace, object, place, problems);
                        return Some(None);
                    }
                    Some(found) if data(found, key).is_some() => {
                        let value = self
                            .manifest
                            .value(kind, namespace, object, key, place, problems);
                        return Some(value);
                    }
                    Some(_) => {}
                }
            }
        }
        None
    }
}

/// The field of a Secret or a ConfigMap that has this key; plain text wins.
fn data<'o>(object: &'o Object, key: &str) -> Option<(&'static str, &'o Entry)> {
    ["stringData", "data"].into_iter().find_map(|of| {
        let entries = object.get(&[of]).map_or(&[][..], entries);
        find(entries, key).map(|entry| (of, entry))
    })
}

impl Manifest<'_> {
    pub(super) fn place_in(&self, object: &Object, pointer: String) -> ManifestPlace {
        let name = match &object.namespace {
            Some(namespace) => format!("{}/{namespace}/{}", object.kind, object.name),
            None => format!("{}/{}", object.kind, object.name),
        };
        ManifestPlace {
            file: self.file.to_owned(),
            object: name,
            pointer,
        }
    }

    pub(super) fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Object> {
        // What no cluster takes for a name could not be part of a reference either.
        let named = |text: &str| !text.contains(['/', '#']);
        let mut all = self
            .objects
            .iter()
            .filter(|object| named(&object.name) && object.namespace.as_deref().is_none_or(named));
        all.find(|object| object.kind == kind && object.name == name && object.is_in(namespace))
    }

    /// The value of a key of a Secret or a ConfigMap; `None` once it has been noted that
    /// there is none.
    pub(super) fn value(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        key: &str,
        place: Place,
        problems: &mut Problems,
    ) -> Option<Found> {
        let Some(object) = self.find(kind, namespace, name) else {
            self.missing(kind, namespace, name, place, problems);
            return None;
        };
        let Some((of, _)) = data(object, key).filter(|_| !key.contains('#')) else {
            let message = format!("the {kind} {} has no key {}", quoted(name), quoted(key));
            problems.at(place, Draft::error(message).hint("write one that it has"));
            return None;
        };
        let home = self.place_in(object, format!("/{of}/{}", escaped(key)));
        match look_up(&self.objects, &home.object, &home.pointer) {
            Ok(text) => Some(Found { text, home, place }),
            Err(why) => {
                let draft = Draft::error(why).hint("mend the object in this file");
                problems.at(place, draft);
                None
            }
        }
    }

    /// What is only in the cluster is not asked for: what a fleet is made of must be the
    /// same for whoever checks the file.
    pub(super) fn missing(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        place: Place,
        problems: &mut Problems,
    ) {
        let of = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
        let lower = kind.to_lowercase();
        let draft = Draft::error(format!("there is no {kind} {} in this file", quoted(name)))
            .label("the cluster is not asked for it")
            .hint(format!(
                "add what `kubectl get {lower} {name}{of} -o yaml` prints, after a line `---`"
            ));
        problems.at(place, draft);
    }
}
