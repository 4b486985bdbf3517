//! Scalers of `docker-machine`: what they come to.

use headcount_model::{DockerMachineAddress, DockerMachineRecipe, MachineOption, SecretVariable};

use crate::secrets::Secrets;
use crate::settings::{self, DockerMachine, DockerMachineTemplate, LabelSet, Scaler};

/// Which tool and store a scaler has.
pub(super) fn address(tool: &DockerMachine) -> DockerMachineAddress {
    DockerMachineAddress {
        program: tool.program.clone(),
        store: tool.store.clone(),
    }
}

/// `None` once a secret that cannot be read has been noted.
pub(super) fn recipe(
    scaler: &Scaler,
    tool: &DockerMachine,
    set: &LabelSet,
    template: &DockerMachineTemplate,
    secrets: &mut Secrets<'_>,
) -> Option<DockerMachineRecipe> {
    // All of them are read, so that all that is wrong is told.
    let options = template.options.iter().map(|it| option(it, secrets));
    let options: Vec<_> = options.collect();
    let variables = template.secret_env.iter().map(|it| variable(it, secrets));
    let variables: Vec<_> = variables.collect();
    Some(DockerMachineRecipe {
        tool: address(tool),
        driver: template.driver.clone(),
        name: template.machine_name.clone(),
        options: options.into_iter().collect::<Option<_>>()?,
        options_with_name: template.options_with_name.clone(),
        image: template.image.clone(),
        pull: template.image_pull_policy,
        agent_of_image: template.agent_of_image,
        env: set.env.clone(),
        secret_env: variables.into_iter().collect::<Option<_>>()?,
        volumes: template.volumes.clone(),
        privileged: template.privileged,
        agent_url: scaler.orchestrator_url.clone(),
    })
}

fn variable(
    variable: &settings::SecretVariable,
    secrets: &mut Secrets<'_>,
) -> Option<SecretVariable> {
    Some(SecretVariable {
        name: variable.name.clone(),
        value: secrets.of_variable(&variable.name, &variable.value)?,
    })
}

fn option(option: &settings::MachineOption, secrets: &mut Secrets<'_>) -> Option<MachineOption> {
    Some(match option {
        settings::MachineOption::Plain(text) => MachineOption::Plain(text.clone()),
        settings::MachineOption::Secret { name, value } => MachineOption::Secret {
            name: name.clone(),
            value: secrets.read(value)?,
        },
    })
}
