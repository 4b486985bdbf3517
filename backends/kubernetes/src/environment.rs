//! What a managed agent is told, through its Secret.
//!
//! Promise: identity beats what is forwarded; a worker is told nothing.

use std::collections::BTreeMap;

use headcount_model::{AgentKind, KubernetesRecipe};
use headcount_ports::agent_env::{Places, RemoteAgent};
use headcount_ports::{BackendError, CreateRequest};

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
    if request.kind == AgentKind::Worker {
        return Ok(BTreeMap::new());
    }
    let told = options.call_back.tell(recipe.agent_url.as_deref())?;
    let places = Places {
        token_file: format!("{SECRET_FOLDER}/{TOKEN}"),
        dir: WORK.to_owned(),
    };
    let agent = RemoteAgent::new(request, told, places, &options.forwarded)?;
    for name in agent.variables.keys() {
        check(name)?;
    }
    let variables = agent.variables.into_iter();
    Ok(variables.map(|(name, it)| (name, it.value)).collect())
}

/// A Secret has fewer names to give than a process.
fn check(name: &str) -> Result<(), BackendError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name == TOKEN || name.len() > 253 || !name.chars().all(fine) {
        return Err(BackendError::Invalid(format!(
            "environment variable `{name}` cannot be given to an agent in a cluster: its name may \
             have letters, digits, `-`, `_` and `.` only; do not forward it"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::{options, recipe, request};
    use headcount_model::AgentId;
    use headcount_ports::agent_env::CallBack;

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
                "HEADCOUNT_AGENT_PIN=sha256:aa",
                "HEADCOUNT_AGENT_SLOTS=1",
                "HEADCOUNT_AGENT_TOKEN_FILE=/headcount/secret/token",
                "HEADCOUNT_AGENT_URL=wss://headcount:7118",
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
        lost.call_back = CallBack::default();
        assert_eq!(
            environment(&request, &recipe(), &lost)
                .unwrap_err()
                .to_string(),
            "agents of other machines cannot find this daemon; start it with --agent-listen \
             ADDRESS, or write `orchestratorUrl` at the scaler"
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
