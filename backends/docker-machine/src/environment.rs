//! What the tool finds in its environment.
//!
//! Promise: all that the daemon has, since drivers look for much there, but nothing that
//! tells of this daemon or another controller; secrets of options where the driver reads a
//! variable for them, so that they stand in no argument.

use std::collections::BTreeMap;
use std::path::Path;

use headcount_model::{CONTROLLER_VARIABLES, DockerMachineRecipe, MachineOption};

/// Where the tool keeps what it knows.
const STORE: &str = "MACHINE_STORAGE_PATH";

/// Options whose values drivers also read from a variable. Source: the drivers' own lists
/// of flags.
const VARIABLES: [(&str, &str); 15] = [
    ("amazonec2-access-key", "AWS_ACCESS_KEY_ID"),
    ("amazonec2-secret-key", "AWS_SECRET_ACCESS_KEY"),
    ("amazonec2-session-token", "AWS_SESSION_TOKEN"),
    ("azure-client-secret", "AZURE_CLIENT_SECRET"),
    ("digitalocean-access-token", "DIGITALOCEAN_ACCESS_TOKEN"),
    ("exoscale-api-key", "EXOSCALE_API_KEY"),
    ("exoscale-api-secret-key", "EXOSCALE_API_SECRET"),
    ("hetzner-api-token", "HETZNER_API_TOKEN"),
    ("linode-token", "LINODE_TOKEN"),
    ("openstack-password", "OS_PASSWORD"),
    ("packet-api-key", "PACKET_API_KEY"),
    ("rackspace-api-key", "OS_API_KEY"),
    ("softlayer-api-key", "SOFTLAYER_API_KEY"),
    ("vmwarevsphere-password", "VSPHERE_PASSWORD"),
    ("vultr-api-key", "VULTR_API_KEY"),
];

/// The variables of every call.
pub(crate) fn environment(
    host: &BTreeMap<String, String>,
    store: &Path,
) -> BTreeMap<String, String> {
    let passes = |name: &str| !CONTROLLER_VARIABLES.iter().any(|own| name.starts_with(own));
    let passed = host.iter().filter(|(name, _)| passes(name));
    let mut all: BTreeMap<_, _> = passed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    all.insert(STORE.to_owned(), store.display().to_string());
    all
}

/// The variables that an agent is given by its label set.
pub(crate) fn of_agent(recipe: &DockerMachineRecipe) -> BTreeMap<String, String> {
    let secret = recipe.secret_env.iter();
    let secret = secret.map(|it| (it.name.clone(), it.value.expose().to_owned()));
    let plain = recipe
        .env
        .iter()
        .map(|(name, it)| (name.clone(), it.clone()));
    plain.chain(secret).collect()
}

/// The variable that stands for an option, if its driver has one.
pub(crate) fn variable_of(option: &str) -> Option<&'static str> {
    let found = VARIABLES.iter().find(|(name, _)| *name == option);
    found.map(|(_, variable)| *variable)
}

/// The variables that hold the secrets of a machine.
pub(crate) fn secrets(recipe: &DockerMachineRecipe) -> BTreeMap<String, String> {
    let secrets = recipe.options.iter().filter_map(|option| match option {
        MachineOption::Secret { name, value } => {
            Some((variable_of(name)?.to_owned(), value.expose().to_owned()))
        }
        MachineOption::Plain(_) => None,
    });
    secrets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_gets_what_the_daemon_has_but_for_what_is_the_daemons_own() {
        let host = [
            ("PATH", "/bin"),
            ("AWS_REGION", "eu"),
            ("HEADCOUNT_ADMIN_TOKEN", "x"),
            ("KICI_AGENT_TOKEN", "x"),
            ("MACHINE_STORAGE_PATH", "/elsewhere"),
        ];
        let host = host.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let told = environment(&host, Path::new("/store"));
        let lines: Vec<String> = told.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(
            lines,
            ["AWS_REGION=eu", "MACHINE_STORAGE_PATH=/store", "PATH=/bin"]
        );
    }
}
