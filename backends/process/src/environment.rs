//! What an agent finds in its environment. Facts: the `scalers.yaml` reference, 9.2 and 9.3.
//!
//! Promise: nothing of the daemon's own environment reaches an agent but the allow-list and
//! what is forwarded by name; precedence is one map, and no value replaces what the agent is
//! told about itself. Leaves to others: starting it (`make`).

use std::collections::BTreeMap;
use std::path::Path;

use headcount_model::AgentKind;
use headcount_ports::{BackendError, CreateRequest, agent_env};

use crate::marks::Mark;

/// Variables of the host that reach an agent.
const ALLOWED: [&str; 10] = [
    "PATH",
    "HOME",
    "USER",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "NODE_PATH",
    "TZ",
];
/// Variables that name the agents' call-back URL, ours first.
const URL_VARIABLES: [&str; 2] = ["HEADCOUNT_ORCHESTRATOR_URL", "KICI_ORCHESTRATOR_URL"];

/// Where an agent's environment comes from, lowest first.
pub(crate) struct Sources<'a> {
    pub(crate) host: &'a BTreeMap<String, String>,
    pub(crate) forwarded: &'a BTreeMap<String, String>,
    pub(crate) label_set: &'a BTreeMap<String, String>,
    pub(crate) identity: BTreeMap<&'static str, String>,
}

impl Sources<'_> {
    /// One map.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] for a name or value no process can be given.
    pub(crate) fn merge(self) -> Result<BTreeMap<String, String>, BackendError> {
        let allowed = ALLOWED.iter().filter_map(|name| {
            let value = self.host.get(*name)?;
            Some(((*name).to_owned(), value.clone()))
        });
        let mut merged: BTreeMap<String, String> = allowed.collect();
        merged.extend(agent_env::given(
            self.forwarded.iter().chain(self.label_set),
        )?);
        let identity = self.identity.into_iter();
        merged.extend(identity.map(|(name, value)| (name.to_owned(), value)));
        Ok(merged)
    }
}

/// What an agent is told about itself. A worker feeds itself: it is not told where the
/// daemon is.
pub(crate) fn identity(
    request: &CreateRequest,
    dir: &Path,
    url: &str,
    host: &BTreeMap<String, String>,
) -> BTreeMap<&'static str, String> {
    let mark = Mark {
        owner: request.owner.clone(),
        pool: request.pool.clone(),
        agent: request.agent,
    };
    let outer = host.get(agent_env::ORIGIN).map(String::as_str);
    let mut identity = BTreeMap::from([
        (agent_env::INSTANCE_MARK, mark.instance()),
        (agent_env::ORIGIN, mark.origin(outer)),
        (agent_env::ID, request.agent.to_string()),
        (agent_env::LABELS, request.labels.clone()),
        (agent_env::SLOTS, request.slots.to_string()),
        (agent_env::DIR, dir.display().to_string()),
    ]);
    if request.kind != AgentKind::Worker {
        let pressure = agent_env::log_pressure(request.log_pressure);
        identity.insert(agent_env::URL, url.to_owned());
        identity.insert(agent_env::LOG_PRESSURE, pressure.to_owned());
    }
    identity
}

/// The variables forwarded to agents: `HEADCOUNT_AGENT_ENV_<name>`, or
/// `KICI_AGENT_ENV_<name>` where ours does not say otherwise, as `<name>`. A bare prefix is
/// skipped.
#[must_use]
pub fn forwarded(host: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut forwarded = BTreeMap::new();
    for prefix in [agent_env::FORWARD_PREFIX_ALIAS, agent_env::FORWARD_PREFIX] {
        for (name, value) in host {
            if let Some(name) = name.strip_prefix(prefix)
                && !name.is_empty()
            {
                forwarded.insert(name.to_owned(), value.clone());
            }
        }
    }
    forwarded
}

/// Where agents call back: what the scaler configures, else `HEADCOUNT_ORCHESTRATOR_URL`
/// (or `KICI_ORCHESTRATOR_URL`), else the daemon's own listener.
#[must_use]
pub fn call_back_url(
    configured: Option<&str>,
    host: &BTreeMap<String, String>,
    own: &str,
) -> String {
    let from_host = || {
        let values = URL_VARIABLES.iter().filter_map(|name| host.get(*name));
        values.map(String::as_str).find(|value| !value.is_empty())
    };
    configured.or_else(from_host).unwrap_or(own).to_owned()
}

#[cfg(test)]
mod tests;
