//! The mappings of `scalers.yaml`, as they are written: the tables of their keys.
//!
//! Promise: every key of the format stands in exactly one table here, with its shape,
//! its default and its description; nothing else knows the names of keys. Leaves what
//! keys mean together to [`crate::check`].

mod docker_machine;
mod kubernetes;
mod label_set;
mod limits;
mod patience;
mod program;
mod queue;
mod readiness;
mod scaler;
mod shapes;
mod source;
mod top;
mod trigger;

pub(crate) use docker_machine::{
    DEFAULT_MACHINE_NAME, MACHINE_NAME, MACHINE_OPTION, NAMED_OPTION, SecretOption, SecretVariable,
    WrittenOption, check_option_name, is_secret_option,
};
pub(crate) use kubernetes::{HISTORY, NAMESPACE, PROPAGATION, ROLLOUT, Rollout};
pub(crate) use label_set::{AgentPlace, LabelSet, NetworkPolicy};
pub(crate) use limits::{Amount, Cap, Resources};
pub(crate) use patience::{Retry, Timeouts};
pub(crate) use program::{HOST_PATH, PROGRAM_PATH};
pub(crate) use queue::{COMBINE, CompatWord, POLLING, QUEUE_COMPAT, STRATEGY, StrategyWord};
pub(crate) use readiness::{Policy, PolicyKind, Schedule, WarmPool};
pub(crate) use scaler::{RoleWord, Scaler};
pub(crate) use shapes::{ARGUMENT, BackendKind, NAME, TEXT, labels, parse_network};
pub(crate) use source::{EntryJob, Source};
pub(crate) use top::{Defaults, DropIn, Firecracker, MachinePool, Top};
pub(crate) use trigger::{RedisForm, TRIGGER_TYPE, Trigger, TriggerMetadata, TriggerWord};

use crate::read::{Key, Object};

/// Spellings of earlier releases and of other formats, and what to write instead of each.
const REMOVED: [(&str, &str); 8] = [
    ("concurrent", "write `globalMaxJobs`"),
    ("dockerHost", "write `host`"),
    ("dockerSocket", "write `socketPath`"),
    (
        "cleanable",
        "remove it: what is left of agents is always cleaned up",
    ),
    (
        "cleanupScript",
        "remove it: what is left of agents is always cleaned up",
    ),
    (
        "authenticationRef",
        "name secrets in `metadata`: `passwordFile` or `passwordFromEnv`",
    ),
    (
        "metricType",
        "remove it: a trigger always counts the average for each agent",
    ),
    (
        "useCachedMetrics",
        "remove it: a trigger is read whenever something changed",
    ),
];

/// Every mapping: how sentences call it, what it is for, its keys.
pub(crate) const OBJECTS: [(&str, &str, &[Key]); 23] = [
    described::<Top>(),
    described::<MachinePool>(),
    described::<Defaults>(),
    described::<Firecracker>(),
    described::<Scaler>(),
    described::<WarmPool>(),
    described::<Policy>(),
    described::<Schedule>(),
    described::<Timeouts>(),
    described::<Retry>(),
    described::<LabelSet>(),
    described::<NetworkPolicy>(),
    described::<Resources>(),
    described::<Amount>(),
    described::<Cap>(),
    described::<DropIn>(),
    described::<Rollout>(),
    described::<Trigger>(),
    described::<TriggerMetadata>(),
    described::<Source>(),
    described::<EntryJob>(),
    described::<SecretOption>(),
    described::<SecretVariable>(),
];

const fn described<T: Object>() -> (&'static str, &'static str, &'static [Key]) {
    (T::NOUN, T::ABOUT, T::KEYS)
}

/// What to say of a key that is unknown where it stands, if it is known at all.
pub(crate) fn remark_on(key: &str) -> Option<String> {
    if let Some((_, hint)) = REMOVED.iter().find(|(name, _)| *name == key) {
        return Some((*hint).to_owned());
    }
    let knows = |keys: &[Key]| keys.iter().any(|known| known.name == key);
    let (noun, ..) = OBJECTS.iter().find(|(.., keys)| knows(keys))?;
    Some(format!("`{key}` is a key of {noun}"))
}
