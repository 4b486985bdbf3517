//! The triggers of a `ScaledJob`.

use super::Manifest;
use super::authentication::authentication;
use super::environment::Environment;
use super::job::{find, spanned, unknown};
use super::parameters::{Found, Given, Giver, PARAMETERS, names, parameter};
use crate::manifest::{Object, entries, field, items, scalar};
use crate::problem::{Draft, Problems};
use crate::read::{Object as _, go_boolean, read_entry};
use crate::source::{Place, Spanned};
use crate::suggest::{nearest, quoted};
use crate::written::{NAME, TRIGGER_TYPE, Trigger, TriggerMetadata};
use crate::yaml::{Entry, Kind, Node, Plain, Scalar};

const KEYS: &[&str] = &["type", "name", "metadata", "authenticationRef"];

/// The triggers; `None` once it has been noted that there is none.
pub(super) fn triggers(
    manifest: &Manifest<'_>,
    job: &Object,
    problems: &mut Problems,
) -> Option<Spanned<Vec<Spanned<Trigger>>>> {
    let spec = field(&job.node, "spec").map_or(&[][..], entries);
    let list = find(spec, "triggers");
    let nodes = list.map_or(&[][..], |list| items(&list.value));
    let Some(list) = list.filter(|_| !nodes.is_empty()) else {
        let draft = Draft::error("a ScaledJob needs at least one trigger")
            .hint("add `spec.triggers`: what its number of Jobs comes from");
        problems.at(list.map_or(job.node.place, |list| list.key_place), draft);
        return None;
    };
    let environment = Environment::new(manifest, job, problems);
    let reader = Reader {
        manifest,
        job,
        environment,
    };
    let triggers = nodes.iter().enumerate();
    let triggers =
        triggers.map(|(at, node)| spanned(reader.trigger(at, node, problems), node.place));
    Some(spanned(triggers.collect(), list.key_place))
}

struct Reader<'m> {
    manifest: &'m Manifest<'m>,
    job: &'m Object,
    environment: Environment<'m>,
}

impl Reader<'_> {
    fn trigger(&self, at: usize, node: &Node, problems: &mut Problems) -> Trigger {
        let own = entries(node);
        let mut trigger = Trigger {
            place: node.place,
            ..Trigger::default()
        };
        for entry in own.iter().filter(|entry| !entry.value.is_null()) {
            match entry.key.as_str() {
                "type" => trigger.kind = read_entry(&TRIGGER_TYPE, entry, problems),
                "name" if scalar(&entry.value) == Some("") => {}
                "name" => trigger.name = read_entry(&NAME, entry, problems),
                "metadata" | "authenticationRef" => {}
                "metricType" if scalar(&entry.value) == Some("") => {}
                "metricType" => {
                    let draft = Draft::error("KEDA rejects a ScaledJob with `metricType`")
                        .hint("remove it: the number of Jobs comes from the value itself");
                    problems.at(entry.key_place, draft);
                }
                "useCachedMetrics" => {
                    let draft = Draft::warning("`useCachedMetrics` has no effect on a ScaledJob")
                        .hint("remove it");
                    problems.at(entry.key_place, draft);
                }
                _ => unknown("a trigger", entry, KEYS, problems),
            }
        }
        if find(own, "type").is_none_or(|kind| kind.value.is_null()) {
            let draft = Draft::error("a trigger needs a `type`").label("it is missing here");
            problems.at(
                node.place,
                draft.hint("write for example `type: redis-streams`"),
            );
        }
        let given = self.given(at, own, problems);
        let place = find(own, "metadata").map_or(node.place, |metadata| metadata.key_place);
        let metadata = metadata(&given, place, problems);
        trigger.metadata = Some(spanned(metadata, place));
        trigger
    }

    /// What all places give, each parameter with its giver.
    fn given(&self, at: usize, trigger: &[Entry], problems: &mut Problems) -> Given {
        let mut given = Given::default();
        let metadata = find(trigger, "metadata").map_or(&[][..], |entry| entries(&entry.value));
        for entry in metadata {
            self.add(at, entry, &mut given, problems);
        }
        if let Some(reference) = find(trigger, "authenticationRef") {
            authentication(
                self.manifest,
                self.job,
                &self.environment,
                reference,
                &mut given,
                problems,
            );
        }
        given
    }

    fn add(&self, at: usize, entry: &Entry, given: &mut Given, problems: &mut Problems) {
        let Some(text) = scalar(&entry.value) else {
            let draft = Draft::error(format!("{} must be a text", quoted(&entry.key)))
                .label(format!("this is {}", entry.value.describe()));
            problems.at(entry.place(), draft);
            return;
        };
        let of_env = entry.key.strip_suffix("FromEnv");
        let of_env = of_env.and_then(|name| parameter(name, Giver::Environment));
        if let Some(known) = of_env {
            let found = self.environment.variable(text, entry.place(), problems);
            given.add(known, Giver::Environment, entry.place(), found);
            return;
        }
        let Some(known) = parameter(&entry.key, Giver::Metadata) else {
            warn_of_unknown(entry, problems);
            return;
        };
        if known.secret {
            let draft = Draft::warning(format!("a plain `{}` stands in the manifest", known.name))
                .label("whoever may read the ScaledJob has it")
                .hint("put it into a Secret, and name that by a TriggerAuthentication");
            problems.at(entry.place(), draft);
        }
        let pointer = format!("/spec/triggers/{at}/metadata/{}", entry.key);
        let found = Found {
            text: text.to_owned(),
            home: self.manifest.place_in(self.job, pointer),
            place: entry.place(),
        };
        given.add(known, Giver::Metadata, entry.place(), Some(Some(found)));
    }
}

fn warn_of_unknown(entry: &Entry, problems: &mut Problems) {
    let hint = match nearest(&entry.key, names(Giver::Metadata)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove it".to_owned(),
    };
    let message = format!(
        "there is no parameter {}: it has no effect",
        quoted(&entry.key)
    );
    problems.at(entry.key_place, Draft::warning(message).hint(hint));
}

/// The parameters in the native spelling; of a secret only the place.
fn metadata(given: &Given, place: Place, problems: &mut Problems) -> TriggerMetadata {
    let mut metadata = TriggerMetadata::default();
    metadata.start(place);
    metadata.written.extend(given.untold());
    for parameter in PARAMETERS {
        let Some((_, found)) = given.get(parameter) else {
            continue;
        };
        let (key, text) = match (parameter.name, parameter.secret) {
            ("keyPassword", _) => {
                let draft = Draft::error("an encrypted key is not taken")
                    .hint("put the key into the Secret as it is, and remove `keyPassword`");
                problems.at(found.place, draft);
                continue;
            }
            ("tls", _) => {
                tls(found, &mut metadata, problems);
                continue;
            }
            (name, true) => (format!("{name}FromManifest"), found.home.to_string()),
            (name, false) => (name.to_owned(), found.text.clone()),
        };
        set(&mut metadata, key, text, found.place, problems);
    }
    metadata
}

/// `tls` of an authentication says what `enableTLS` of a trigger says.
fn tls(found: &Found, metadata: &mut TriggerMetadata, problems: &mut Problems) {
    if let Some(flag) = &metadata.enable_tls {
        let draft = Draft::error("`enableTLS` and the parameter `tls` cannot stand together")
            .hint("remove `enableTLS`");
        problems.at(flag.place, draft);
    }
    let enabled = match found.text.as_str() {
        "enable" => true,
        "disable" => false,
        other => {
            let message = format!("`tls` cannot be {}", quoted(other));
            let draft = Draft::error(message).hint("write `enable` or `disable`");
            problems.at(found.place, draft);
            return;
        }
    };
    set(
        metadata,
        "enableTLS".to_owned(),
        enabled.to_string(),
        found.place,
        problems,
    );
}

/// As if it were written there.
fn set(
    metadata: &mut TriggerMetadata,
    key: String,
    text: String,
    place: Place,
    problems: &mut Problems,
) {
    let means = match key.as_str() {
        "enableTLS" | "unsafeSsl" => go_boolean(&text).map_or(Plain::Text, Plain::Bool),
        _ => Plain::Text,
    };
    let entry = Entry {
        key,
        key_place: place,
        value: Node {
            place,
            kind: Kind::Scalar(Scalar { text, means }),
        },
    };
    metadata.set(&entry, problems);
}
