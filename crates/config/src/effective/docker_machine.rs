//! What only scalers of `docker-machine` have.

use super::writer::Writer;
use crate::settings::{
    DockerMachine, DockerMachineTemplate, MachineOption, PullPolicy, SecretFrom, SecretRef,
};

pub(super) fn docker_machine(out: &mut Writer, tool: &DockerMachine) {
    out.optional_text("program", tool.program.as_deref());
    out.optional_text("store", tool.store.as_deref());
}

pub(super) fn template(out: &mut Writer, template: &DockerMachineTemplate) {
    out.text("driver", &template.driver);
    out.text("machineName", &template.machine_name);
    if !template.options.is_empty() {
        out.tree("options", &template.options.iter().map(option).collect());
    }
    out.texts("optionsWithName", &template.options_with_name);
    out.text("image", &template.image);
    let pull = match template.image_pull_policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Never => "Never",
    };
    out.text("imagePullPolicy", pull);
    let agent = if template.agent_of_image {
        "image"
    } else {
        "mounted"
    };
    out.text("agent", agent);
    out.texts("volumes", &template.volumes);
    if !template.secret_env.is_empty() {
        let variables = template.secret_env.iter();
        let variables = variables.map(|variable| reference(&variable.name, &variable.value));
        out.tree("secretEnv", &variables.collect());
    }
    out.plain("privileged", template.privileged);
}

fn option(option: &MachineOption) -> serde_json::Value {
    match option {
        MachineOption::Plain(text) => serde_json::json!(text),
        MachineOption::Secret { name, value } => reference(name, value),
    }
}

fn reference(name: &str, value: &SecretRef) -> serde_json::Value {
    match &value.from {
        SecretFrom::File(path) => serde_json::json!({"name": name, "valueFile": path}),
        SecretFrom::Env(variable) => serde_json::json!({"name": name, "valueFromEnv": variable}),
        SecretFrom::Manifest(place) => {
            serde_json::json!({"name": name, "valueFromManifest": place.to_string()})
        }
        SecretFrom::Toml(place) => {
            serde_json::json!({"name": name, "valueFromToml": place.to_string()})
        }
    }
}
