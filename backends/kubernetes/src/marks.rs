//! What a Job and its pods carry, and how it is read back.
//!
//! Promise: what [`Ours::labels`] and [`Ours::annotations`] write, [`Ours::read`] reads; an
//! object without all of it is nobody's. Labels are what the server selects by and have
//! room for little, so whole names stand in annotations. Owner and backend are part of the
//! mark, so that daemons that share a namespace, and two backends of one daemon that reach
//! the same one, leave each other alone.

use std::collections::BTreeMap;

use headcount_model::{
    AgentId, BackendId, HistoryLimits, KubernetesRecipe, OwnerId, PoolName, fingerprint,
};
use headcount_ports::CreateRequest;
use kube::api::ObjectMeta;

const OWNER: &str = "headcount.owner";
const BACKEND: &str = "headcount.backend";
const POOL: &str = "headcount.pool";
/// The agent an object is of.
const AGENT: &str = "headcount.agent";
const SCALER: &str = "headcount.scaler";
/// Fingerprint of the recipe.
const MADE_FROM: &str = "headcount.made-from";
/// Conditions its pods must have to count as running.
const CONDITIONS: &str = "headcount.pending-pod-conditions";
/// How many finished Jobs of its pool stay.
const KEEP_SUCCESSFUL: &str = "headcount.keep-successful";
const KEEP_FAILED: &str = "headcount.keep-failed";
/// The container that is the agent.
const CONTAINER: &str = "headcount.container";

/// Longest value of a label, and longest name of a Job whose pods can be named after it.
const MAX_LABEL: usize = 63;
/// Characters of the pool in a Job's name: what is left beside twelve digits and the
/// longest agent id.
const POOL_IN_NAME: usize = 20;

/// Whose Jobs these are.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) owner: OwnerId,
    pub(crate) backend: BackendId,
}

/// What an object of ours says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) agent: AgentId,
    pub(crate) pool: PoolName,
}

impl Ours {
    /// The name of an agent's Job: the pool, for who reads it; who made it; which agent.
    pub(crate) fn name(&self, pool: &PoolName, agent: AgentId) -> String {
        let by = self.fingerprint() & 0xffff_ffff_ffff;
        let name = format!("{}-{by:012x}-{agent}", slug(pool.as_str()));
        debug_assert!(name.len() <= MAX_LABEL, "{name}");
        name
    }

    /// What is written where the server selects.
    pub(crate) fn labels(&self, request: &CreateRequest) -> BTreeMap<String, String> {
        let labels = [
            (OWNER, value(self.owner.as_str())),
            (BACKEND, value(self.backend.as_str())),
            (POOL, value(request.pool.as_str())),
            (SCALER, value(request.scaler.as_str())),
            (AGENT, request.agent.to_string()),
            ("app.kubernetes.io/managed-by", "headcount".to_owned()),
        ];
        labels
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// What is written in full, and by what the next daemon judges the Job.
    pub(crate) fn annotations(
        &self,
        request: &CreateRequest,
        recipe: &KubernetesRecipe,
        container: &str,
    ) -> BTreeMap<String, String> {
        let keep = recipe.history;
        let annotations = [
            (OWNER, self.owner.to_string()),
            (BACKEND, self.backend.to_string()),
            (POOL, request.pool.to_string()),
            (AGENT, request.agent.to_string()),
            (MADE_FROM, format!("{:016x}", fingerprint(recipe))),
            (CONDITIONS, recipe.pending_conditions.join(",")),
            (KEEP_SUCCESSFUL, keep.successful.to_string()),
            (KEEP_FAILED, keep.failed.to_string()),
            (CONTAINER, container.to_owned()),
        ];
        annotations
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// What the server selects all of ours by.
    pub(crate) fn selector(&self) -> String {
        let (owner, backend) = (value(self.owner.as_str()), value(self.backend.as_str()));
        format!("{OWNER}={owner},{BACKEND}={backend}")
    }

    /// What the server selects all of one agent by.
    pub(crate) fn selector_of(&self, agent: AgentId) -> String {
        format!("{},{AGENT}={agent}", self.selector())
    }

    /// The mark of a Job or pod, if it is one of these.
    pub(crate) fn read(&self, meta: &ObjectMeta) -> Option<Mark> {
        let annotations = meta.annotations.as_ref()?;
        let says = |name: &str, value: &str| annotations.get(name).is_some_and(|it| it == value);
        if !says(OWNER, self.owner.as_str()) || !says(BACKEND, self.backend.as_str()) {
            return None;
        }
        Some(Mark {
            agent: annotations.get(AGENT)?.parse().ok()?,
            pool: PoolName::new(annotations.get(POOL)?),
        })
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(self.owner.as_str(), self.backend.as_str()))
    }
}

/// By what a Job of ours is judged.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Terms {
    /// See `KubernetesRecipe::pending_conditions`.
    pub(crate) conditions: Vec<String>,
    pub(crate) keep: HistoryLimits,
    /// The container that is the agent.
    pub(crate) container: String,
}

/// As [`Ours::annotations`] wrote them; what somebody spoiled is as if nothing was said.
pub(crate) fn terms(meta: &ObjectMeta) -> Terms {
    let said = |name: &str| meta.annotations.as_ref()?.get(name).cloned();
    let number = |name: &str| said(name)?.parse().ok();
    let default = HistoryLimits::default();
    let conditions = said(CONDITIONS).unwrap_or_default();
    let conditions = conditions.split(',').filter(|name| !name.is_empty());
    Terms {
        conditions: conditions.map(str::to_owned).collect(),
        keep: HistoryLimits {
            successful: number(KEEP_SUCCESSFUL).unwrap_or(default.successful),
            failed: number(KEEP_FAILED).unwrap_or(default.failed),
        },
        container: said(CONTAINER).unwrap_or_default(),
    }
}

/// A text as the value of a label: itself where that can be, else what tells it apart.
fn value(text: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let fits = text.len() <= MAX_LABEL && text.chars().all(fine);
    match fits && edge(text.chars().next()) && edge(text.chars().last()) {
        true => text.to_owned(),
        false => format!("{}-{:016x}", slug(text), fingerprint(&text)),
    }
}

/// What is left of a text in a name that DNS allows; never empty.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c.is_ascii_lowercase() || c.is_ascii_digit() {
            true => slug.push(c),
            false if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            false => {}
        }
    }
    slug.truncate(POOL_IN_NAME);
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => "agent".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::{recipe, request};

    const AGENT_3: AgentId = AgentId {
        epoch: 0x10,
        number: 3,
    };

    fn ours(owner: &str, backend: &str) -> Ours {
        Ours {
            owner: OwnerId::new(owner),
            backend: BackendId::new(backend),
        }
    }

    #[test]
    fn marks_read_back_and_others_are_nobodys() {
        let ours_ = ours("0a1b", "kubernetes:ci");
        let request = request(AGENT_3);
        let mut meta = ObjectMeta {
            annotations: Some(ours_.annotations(&request, &recipe(), "main")),
            ..ObjectMeta::default()
        };
        let mark = Mark {
            agent: AGENT_3,
            pool: request.pool.clone(),
        };
        assert_eq!(ours_.read(&meta), Some(mark));
        assert_eq!(ours("0a1b", "kubernetes").read(&meta), None);
        assert_eq!(ours("0a1", "kubernetes:ci").read(&meta), None);
        assert_eq!(terms(&meta).keep, recipe().history);
        assert_eq!(terms(&meta).container, "main");
        let annotations = meta.annotations.as_mut().unwrap();
        annotations.insert(AGENT.into(), "a-zz-1".into());
        assert_eq!(ours_.read(&meta), None);
    }

    #[test]
    fn a_name_has_room_for_any_pool_and_agent() {
        let longest = AgentId {
            epoch: u64::MAX,
            number: u32::MAX,
        };
        for (pool, agent, start, end) in [
            ("ci/linux+x", AGENT_3, "ci-linux-x-", "-a-10-3"),
            (
                "Builders/linux+container+docker",
                longest,
                "builders-linux-conta-",
                "-a-ffffffffffffffff-4294967295",
            ),
            ("é/+", AGENT_3, "agent-", "-a-10-3"),
        ] {
            let made = ours("0a1b", "kubernetes:ci").name(&pool.into(), agent);
            let by = made.strip_prefix(start).and_then(|it| it.strip_suffix(end));
            assert_eq!(by.map(str::len), Some(12), "{made}");
            assert!(made.len() <= MAX_LABEL);
            let other = ours("0a1b", "kubernetes").name(&pool.into(), agent);
            assert_ne!(made, other, "another backend's");
        }
    }

    #[test]
    fn values_of_labels_are_what_the_server_takes() {
        assert_eq!(value("0a1b"), "0a1b");
        let long = "x".repeat(64);
        for (text, start) in [
            ("ci/linux+x", "ci-linux-x-"),
            ("", "agent-"),
            ("-x", "x-"),
            (long.as_str(), "xxxxxxxxxxxxxxxxxxxx-"),
        ] {
            let value = value(text);
            assert!(
                value.starts_with(start) && value.len() <= MAX_LABEL,
                "{value}"
            );
        }
        assert_ne!(value("a/b"), value("a+b"));
    }
}
