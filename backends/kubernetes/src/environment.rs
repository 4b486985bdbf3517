//! What a managed agent is told, through its Secret.
//!
//! Promise: identity beats what is forwarded; a worker is told nothing.

use std::collections::BTreeMap;

use headcount_model::{AgentKind, KubernetesRecipe};
use headcount_ports::{BackendError, CreateRequest, agent_env};

use crate::options::KubernetesOptions;

/// Where the one-time token is mounted, as a file of this name.
pub(crate) const SECRET_FOLDER: &str = "/headcount/secret";
/// The token's name in the Secret, and its file's.
pub(crate) const TOKEN: &str = "token";
/// An empty directory of the agent's own.
pub(crate) const WORK: &str = "/headcount/work";

/// Every variable, or none for a worker.
///
/// # Errors
/// [`BackendError::Invalid`] for a name or value no process can be given, or when the agent
/// could not find the daemon.
pub(crate) fn environment(
    request: &CreateRequest,
    recipe: &KubernetesRecipe,
    options: &KubernetesOptions,
) -> Result<BTreeMap<String, String>, BackendError> {
    let mut merged = BTreeMap::new();
    if request.kind == AgentKind::Worker {
        return Ok(merged);
    }
    for (name, value) in &options.forwarded {
        check(name, value)?;
        if !agent_env::is_identity(name) {
            merged.insert(name.clone(), value.clone());
        }
    }
    let url = recipe.agent_url.as_ref().or(options.agent_url.as_ref());
    let url = url.ok_or_else(no_url)?;
    let (owner, agent) = (&options.owner, request.agent);
    let pressure = agent_env::log_pressure(request.log_pressure);
    let identity = [
        (agent_env::URL, url.clone()),
        (agent_env::TOKEN_FILE, format!("{SECRET_FOLDER}/{TOKEN}")),
        (agent_env::LOG_PRESSURE, pressure.to_owned()),
        (
            agent_env::INSTANCE_MARK,
            format!("{owner}/{}/{agent}", request.pool),
        ),
        (agent_env::ORIGIN, format!("{owner}/{agent}")),
        (agent_env::ID, agent.to_string()),
        (agent_env::LABELS, request.labels.clone()),
        (agent_env::SLOTS, request.slots.to_string()),
        (agent_env::DIR, WORK.to_owned()),
    ];
    merged.extend(identity.map(|(name, value)| (name.to_owned(), value)));
    Ok(merged)
}

/// A Secret has fewer names to give than a process.
fn check(name: &str, value: &str) -> Result<(), BackendError> {
    agent_env::check_variable(name, value)?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name == TOKEN || name.len() > 253 || !name.chars().all(fine) {
        return Err(BackendError::Invalid(format!(
            "environment variable `{name}` cannot be given to an agent in a cluster: its name may \
             have letters, digits, `-`, `_` and `.` only; do not forward it"
        )));
    }
    Ok(())
}

fn no_url() -> BackendError {
    BackendError::Invalid(
        "an agent in a cluster cannot find this daemon; set `orchestratorUrl` of the scaler or \
         HEADCOUNT_ORCHESTRATOR_URL of the daemon to an address that pods reach"
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::{options, recipe, request};
    use headcount_model::AgentId;

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 2,
    };

    #[test]
    fn a_managed_agent_is_told_who_it_is_and_a_worker_nothing() {
        let mut options = options();
        let forwarded = [("A", "x"), ("HEADCOUNT_AGENT_ID", "stolen")];
        options.forwarded = forwarded.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let mut request = request(AGENT);
        request.kind = AgentKind::Managed;
        let told = environment(&request, &recipe(), &options).unwrap();
        let lines: Vec<String> = told.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(
            lines,
            [
                "A=x",
                "HEADCOUNT_AGENT_DIR=/headcount/work",
                "HEADCOUNT_AGENT_ID=a-1-2",
                "HEADCOUNT_AGENT_LABELS=linux,x",
                "HEADCOUNT_AGENT_LOG_PRESSURE=pause",
                "HEADCOUNT_AGENT_SLOTS=1",
                "HEADCOUNT_AGENT_TOKEN_FILE=/headcount/secret/token",
                "HEADCOUNT_AGENT_URL=ws://headcount:4000",
                "HEADCOUNT_INSTANCE_MARK=me/tests/linux+x/a-1-2",
                "HEADCOUNT_ORIGIN=me/a-1-2",
            ]
        );
        request.kind = AgentKind::Worker;
        assert_eq!(environment(&request, &recipe(), &options), Ok([].into()));
    }

    #[test]
    fn what_an_agent_cannot_be_told_is_refused() {
        let mut request = request(AGENT);
        request.kind = AgentKind::Managed;
        let mut lost = options();
        lost.agent_url = None;
        assert_eq!(
            environment(&request, &recipe(), &lost)
                .unwrap_err()
                .to_string(),
            "an agent in a cluster cannot find this daemon; set `orchestratorUrl` of the scaler \
             or HEADCOUNT_ORCHESTRATOR_URL of the daemon to an address that pods reach"
        );
        let mut odd = options();
        odd.forwarded = [("A B".to_owned(), "x".to_owned())].into();
        assert_eq!(
            environment(&request, &recipe(), &odd)
                .unwrap_err()
                .to_string(),
            "environment variable `A B` cannot be given to an agent in a cluster: its name may \
             have letters, digits, `-`, `_` and `.` only; do not forward it"
        );
    }
}
