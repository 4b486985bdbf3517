//! The labels a container carries, and how they are read back.
//!
//! Promise: what [`labels`] writes, [`Mark::of`] reads; a container without all of it is
//! nobody's. Owner and backend are part of the mark, so that daemons that share an engine,
//! and two backends of one daemon that reach the same engine, leave each other alone.

use std::collections::HashMap;

use headcount_model::{AgentId, BackendId, OwnerId, PoolName};
use headcount_ports::CreateRequest;

const OWNER: &str = "headcount.owner";
const BACKEND: &str = "headcount.backend";
const POOL: &str = "headcount.pool";
const AGENT: &str = "headcount.agent";
const SCALER: &str = "headcount.scaler";
/// Bytes of the owner that stand in a container's name.
const OWNER_IN_NAME: usize = 12;

/// Whose containers these are.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) owner: OwnerId,
    pub(crate) backend: BackendId,
}

/// What a container of ours says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) pool: PoolName,
    pub(crate) agent: AgentId,
}

impl Ours {
    /// The name of an agent's container. The owner is in it, because agent ids of two
    /// daemons may be equal.
    pub(crate) fn name(&self, agent: AgentId) -> String {
        let owner = self.owner.as_str();
        let end = (0..=OWNER_IN_NAME.min(owner.len())).rev();
        let end = end.into_iter().find(|end| owner.is_char_boundary(*end));
        let owner = owner.get(..end.unwrap_or(0)).unwrap_or_default();
        format!("headcount-{owner}-{agent}")
    }

    /// Tells backends apart where there is no room for names: the same for the same owner
    /// and engine for ever (FNV-1a).
    pub(crate) fn fingerprint(&self) -> u64 {
        let bytes = self.owner.as_str().bytes().chain([0]);
        let bytes = bytes.chain(self.backend.as_str().bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    /// What is written on this backend's network.
    pub(crate) fn network_labels(&self) -> [(String, String); 3] {
        let labels = [
            (OWNER, self.owner.as_str()),
            (BACKEND, self.backend.as_str()),
            ("kici-managed", "true"),
        ];
        labels.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// What the engine filters by.
    pub(crate) fn filters(&self) -> Vec<String> {
        vec![
            format!("{OWNER}={}", self.owner),
            format!("{BACKEND}={}", self.backend),
        ]
    }

    /// The same, for one agent.
    pub(crate) fn filters_of(&self, agent: AgentId) -> Vec<String> {
        let mut filters = self.filters();
        filters.push(format!("{AGENT}={agent}"));
        filters
    }

    /// Everything that is written on a container.
    pub(crate) fn labels(&self, request: &CreateRequest) -> HashMap<String, String> {
        let agent = request.agent.to_string();
        let labels = [
            (OWNER, self.owner.as_str()),
            (BACKEND, self.backend.as_str()),
            (POOL, request.pool.as_str()),
            (AGENT, &agent),
            (SCALER, request.scaler.as_str()),
            // As tools made for the KiCI auto-scaler look for them.
            ("kici-managed", "true"),
            ("kici-scaler-name", request.scaler.as_str()),
            ("kici-agent-id", &agent),
            ("kici-labels", &request.labels),
        ];
        labels
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The mark of a container, if it is one of these.
    pub(crate) fn read(&self, labels: &HashMap<String, String>) -> Option<Mark> {
        let says = |name: &str, value: &str| labels.get(name).is_some_and(|it| it == value);
        if !says(OWNER, self.owner.as_str()) || !says(BACKEND, self.backend.as_str()) {
            return None;
        }
        Some(Mark {
            pool: PoolName::new(labels.get(POOL)?),
            agent: labels.get(AGENT)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(owner: &str, backend: &str) -> Ours {
        Ours {
            owner: OwnerId::new(owner),
            backend: BackendId::new(backend),
        }
    }

    #[test]
    fn marks_read_back_and_others_are_nobodys() {
        let agent = AgentId {
            epoch: 0x10,
            number: 3,
        };
        let request = crate::body::tests::request(agent);
        let labels = ours("0a1b", "container").labels(&request);
        let mark = ours("0a1b", "container").read(&labels);
        assert_eq!(
            mark.map(|mark| (mark.pool, mark.agent)),
            Some((request.pool, agent))
        );
        assert_eq!(ours("0a1b", "container:podman").read(&labels), None);
        assert_eq!(ours("0a1", "container").read(&labels), None);
        let mut broken = labels.clone();
        broken.insert(AGENT.into(), "a-zz-1".into());
        assert_eq!(ours("0a1b", "container").read(&broken), None);
        assert_eq!(labels["kici-managed"], "true");
        assert_eq!(labels["kici-agent-id"], "a-10-3");
    }

    #[test]
    fn a_name_has_room_for_any_owner() {
        let agent = AgentId {
            epoch: 0x10,
            number: 3,
        };
        for (owner, name) in [
            ("0123456789abcdef", "headcount-0123456789ab-a-10-3"),
            ("one", "headcount-one-a-10-3"),
            ("", "headcount--a-10-3"),
            ("ééééééé", "headcount-éééééé-a-10-3"),
        ] {
            assert_eq!(ours(owner, "container").name(agent), name);
        }
    }
}
