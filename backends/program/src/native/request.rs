//! What a provisioner is asked.

use std::fmt;
use std::time::Duration;

use headcount_model::{AgentId, Granted};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::CONTRACT;
use super::batch::MachineToMake;
use crate::marks;
use crate::provisioner::{Order, Provisioner, Target};
use crate::start_up::StartUp;
use headcount_calls::Call;

/// What is to be done: the program's only argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Create,
    List,
    Status,
    Destroy,
    Renew,
}

impl Verb {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::List => "list",
            Self::Status => "status",
            Self::Destroy => "destroy",
            Self::Renew => "renew",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One document on standard input.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request<'a> {
    pub(crate) contract: &'static str,
    pub(crate) verb: Verb,
    pub(crate) deadline_seconds: u64,
    pub(crate) owner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<&'a str>,
    /// Whether machines of other owners are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) others: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_until: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<MachineAsked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grace_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Resources>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) options: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_up: Option<StartUpData>,
    /// In place of `machine` and `start_up`, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) machines: Option<Vec<MachineToMake>>,
}

/// At least one, and never less than there is.
const fn whole_seconds(deadline: Duration) -> u64 {
    let rest = deadline.subsec_nanos() > 0;
    match deadline.as_secs().saturating_add(rest as u64) {
        0 => 1,
        seconds => seconds,
    }
}

/// The machine it is about, with its marks where it is to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MachineAsked {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    pub(crate) agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scaler: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<u64>,
}

/// What a machine should have at least, and what bounds its agent; 0 is not said.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resources {
    requests: Amount,
    limits: Amount,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    cpu_millis: u64,
    memory_bytes: u64,
}

/// What the machine runs when it is there. Secret.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartUpData {
    pub(crate) script: String,
    pub(crate) cloud_init: String,
}

impl<'a> Request<'a> {
    pub(crate) fn new(verb: Verb, to: &'a Provisioner, deadline: Duration) -> Self {
        Self {
            contract: CONTRACT,
            verb,
            deadline_seconds: whole_seconds(deadline),
            owner: to.options.owner.as_str(),
            config: to.options.provisioner.config.as_deref(),
            pool: None,
            others: None,
            lease_until: None,
            lease_seconds: None,
            machine: None,
            grace_seconds: None,
            labels: None,
            resources: None,
            options: None,
            start_up: None,
            machines: None,
        }
    }

    /// About this machine, in the name of its owner.
    pub(crate) fn about(
        verb: Verb,
        to: &'a Provisioner,
        deadline: Duration,
        target: &'a Target,
    ) -> Self {
        Self {
            owner: target.owner(to).as_str(),
            machine: Some(MachineAsked::target(to, target)),
            ..Self::new(verb, to, deadline)
        }
    }

    /// One line of JSON.
    pub(crate) fn document(&self) -> Vec<u8> {
        // Only maps with keys that are no texts cannot be written.
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Makes a call ask this.
    pub(crate) fn set(&self, call: &mut Call) {
        call.arguments = vec![self.verb.word().to_owned()];
        call.input = self.document();
    }
}

impl MachineAsked {
    /// By its name alone.
    pub(crate) fn of(to: &Provisioner, agent: AgentId) -> Self {
        Self {
            name: to.name(agent),
            id: None,
            owner: to.options.owner.to_string(),
            pool: None,
            agent: agent.to_string(),
            scaler: None,
            lease_until: None,
            lease_seconds: None,
            generation: None,
        }
    }

    /// With all its marks.
    pub(crate) fn to_make(to: &Provisioner, order: &Order<'_>) -> Self {
        let asked = order.request;
        let lease = order.lease.unwrap_or(marks::LEASE);
        Self {
            pool: Some(asked.pool.to_string()),
            scaler: Some(asked.scaler.to_string()),
            lease_until: Some(marks::lease_until(Timestamp::now(), lease)),
            lease_seconds: order.lease.map(|lease| lease.as_secs()),
            generation: Some(asked.agent.epoch),
            ..Self::of(to, asked.agent)
        }
    }

    /// As far as it is known.
    pub(crate) fn target(to: &Provisioner, target: &Target) -> Self {
        Self {
            name: target.name(to),
            owner: target.owner(to).to_string(),
            id: target.id.clone(),
            pool: target.pool.as_ref().map(ToString::to_string),
            ..Self::of(to, target.agent)
        }
    }
}

impl Resources {
    pub(crate) fn of(granted: &Granted) -> Self {
        let amount = |of: headcount_model::Resources| Amount {
            cpu_millis: of.cpu_millis,
            memory_bytes: of.memory_bytes,
        };
        Self {
            requests: amount(granted.requests),
            limits: amount(granted.limits),
        }
    }
}

impl StartUpData {
    pub(crate) fn of(start_up: &StartUp) -> Self {
        Self {
            script: start_up.script(),
            cloud_init: start_up.cloud_init(),
        }
    }
}

impl fmt::Debug for StartUpData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
