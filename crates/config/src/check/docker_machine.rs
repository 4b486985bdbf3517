//! Scalers of `docker-machine`.

use std::collections::BTreeSet;

use super::backend::need;
use super::redis::of_manifest;
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::read::{List, Shape, Slot};
use crate::settings::{
    DockerMachine, DockerMachineTemplate, MachineOption, SecretFrom, SecretRef, SecretVariable,
    Template, TomlPlace,
};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written::{
    self, AgentPlace, DEFAULT_MACHINE_NAME, MACHINE_OPTION, SecretOption, WrittenOption,
};
use crate::yaml::Node;

/// Options of one machine; a command line has an end.
const MAX_OPTIONS: usize = 512;

/// Which tool and which store.
pub(super) fn docker_machine(written: &written::Scaler) -> DockerMachine {
    DockerMachine {
        program: value(written.program.as_ref()),
        store: value(written.store.as_ref()),
    }
}

/// What a machine is made of; `None` only when a problem forbids it.
pub(super) fn template(
    index: usize,
    written: &written::LabelSet,
    problems: &mut Problems,
) -> Option<Template> {
    let who = format!("`labelSets[{index}]` of type `docker-machine`");
    for key in ["driver", "image"] {
        need(written, &who, key, written.place, problems);
    }
    let options = options(written.options.as_ref(), problems);
    let agent_of_image = agent_of_image(written, problems);
    let secret_env = secret_env(written, problems);
    Some(Template::DockerMachine(DockerMachineTemplate {
        driver: value(written.driver.as_ref())?,
        machine_name: value(written.machine_name.as_ref())
            .unwrap_or_else(|| DEFAULT_MACHINE_NAME.to_owned()),
        options: options?,
        options_with_name: values(written.options_with_name.as_ref()),
        image: value(written.image.as_ref())?,
        image_pull_policy: value(written.image_pull_policy.as_ref()).unwrap_or_default(),
        agent_of_image,
        volumes: values(written.volumes.as_ref()),
        secret_env: secret_env?,
        privileged: value(written.privileged.as_ref()).unwrap_or(false),
    }))
}

fn agent_of_image(written: &written::LabelSet, problems: &mut Problems) -> bool {
    match &written.agent {
        Some(agent) if agent.value == AgentPlace::Nobody => {
            let draft = Draft::error("agents on machines of `docker-machine` are given jobs")
                .label("`none` is for programs that find their work by themselves")
                .hint("remove it, or write `agent: image` for an image that has the agent in it");
            problems.at(agent.place, draft);
            false
        }
        Some(agent) => agent.value == AgentPlace::Image,
        None => false,
    }
}

/// All options; `None` only when a problem forbids it.
fn options(written: Option<&Spanned<Node>>, problems: &mut Problems) -> Option<Vec<MachineOption>> {
    let Some(written) = written else {
        return Some(Vec::new());
    };
    let slot = Slot {
        name: "options",
        node: &written.value,
        place: written.place,
    };
    let list = List {
        of: MACHINE_OPTION,
        filled: false,
    };
    let items = list.read(&slot, problems)?;
    if items.len() > MAX_OPTIONS {
        let draft = Draft::error(format!("more than {MAX_OPTIONS} options for one machine"));
        problems.at(written.place, draft.hint("remove some"));
        return None;
    }
    let options = items.into_iter().map(|item| match item.value {
        WrittenOption::Plain(text) => Some(MachineOption::Plain(text)),
        WrittenOption::Secret(secret) => secret_option(&secret, item.place, problems),
    });
    let options: Vec<_> = options.collect();
    options.into_iter().collect()
}

fn secret_option(
    written: &SecretOption,
    place: Place,
    problems: &mut Problems,
) -> Option<MachineOption> {
    let name = value(written.name.as_ref())?;
    let stands = Stands {
        file: written.value_file.as_ref(),
        env: written.value_from_env.as_ref(),
        manifest: written.value_from_manifest.as_ref(),
        toml: written.value_from_toml.as_ref(),
    };
    let value = secret(&name, &stands, place, problems)?;
    Some(MachineOption::Secret { name, value })
}

/// All variables; `None` only when a problem forbids it.
fn secret_env(written: &written::LabelSet, problems: &mut Problems) -> Option<Vec<SecretVariable>> {
    let plain = written.env.as_ref().map(|env| &env.value);
    let mut seen = BTreeSet::new();
    let listed = written.secret_env.iter().flat_map(|list| &list.value);
    let found = listed.map(|item| {
        let found = secret_variable(&item.value, item.place, problems)?;
        let is_plain = plain.is_some_and(|env| env.contains_key(&found.name));
        if is_plain || !seen.insert(found.name.clone()) {
            let message = format!("the variable {} is set twice", quoted(&found.name));
            let hint = "keep it in one of `env` and `secretEnv`, once";
            problems.at(item.place, Draft::error(message).hint(hint));
            return None;
        }
        Some(found)
    });
    // All of them are looked at, so that all that is wrong is told.
    let found: Vec<_> = found.collect();
    found.into_iter().collect()
}

fn secret_variable(
    written: &written::SecretVariable,
    place: Place,
    problems: &mut Problems,
) -> Option<SecretVariable> {
    let name = value(written.name.as_ref())?;
    let stands = Stands {
        file: written.value_file.as_ref(),
        env: written.value_from_env.as_ref(),
        manifest: written.value_from_manifest.as_ref(),
        toml: written.value_from_toml.as_ref(),
    };
    let value = secret(&name, &stands, place, problems)?;
    Some(SecretVariable { name, value })
}

/// The ways of saying where a value is.
struct Stands<'w> {
    file: Option<&'w Spanned<String>>,
    env: Option<&'w Spanned<String>>,
    manifest: Option<&'w Spanned<String>>,
    toml: Option<&'w Spanned<String>>,
}

/// The one that is written.
fn secret(
    name: &str,
    stands: &Stands<'_>,
    place: Place,
    problems: &mut Problems,
) -> Option<SecretRef> {
    let mut found = Vec::new();
    let at = |it: &Spanned<String>, from| SecretRef::new(from, it.place);
    found.extend(
        stands
            .file
            .map(|it| at(it, SecretFrom::File(it.value.clone()))),
    );
    found.extend(
        stands
            .env
            .map(|it| at(it, SecretFrom::Env(it.value.clone()))),
    );
    if let Some(text) = stands.manifest {
        found.push(of_manifest(text, problems)?);
    }
    if let Some(text) = stands.toml {
        found.push(of_toml(text, problems)?);
    }
    if let [_, second, ..] = found.as_slice() {
        let message = format!("the value of {} is written in two ways", quoted(name));
        problems.at(second.place, Draft::error(message).hint("keep one of them"));
        return None;
    }
    if found.is_empty() {
        let message = format!("nothing says where the value of {} is", quoted(name));
        let hint = "add `valueFile: PATH` or `valueFromEnv: VARIABLE`";
        problems.at(place, Draft::error(message).hint(hint));
    }
    found.pop()
}

fn of_toml(text: &Spanned<String>, problems: &mut Problems) -> Option<SecretRef> {
    let Some(place) = TomlPlace::parse(&text.value) else {
        let message = format!("{} is not a place in a TOML file", quoted(&text.value));
        let hint = "write for example \
                    `config.toml#/runners/0/machine/MachineOptions/digitalocean-access-token`";
        problems.at(text.place, Draft::error(message).hint(hint));
        return None;
    };
    Some(SecretRef::new(SecretFrom::Toml(place), text.place))
}
