//! Limits on CPU and memory, and a fence nothing leaves.
//!
//! Promise: an instance whose limits are enforced is inside its cgroup before its program
//! executes, and whatever is inside can be found, ended and the cgroup removed, by this
//! daemon or a later one (the record names it). Leaves to others: when (`make`, `sweep`).
//!
//! Used only where `enforceCgroups` asks for it. A cgroup for every agent, merely to find
//! escapees, would cost a cold start about 8 ms: after a pause, moving a process makes the
//! kernel wait for all processors.

mod detect;
mod group;
mod scope;

use std::path::PathBuf;

use headcount_model::Resources;

pub(crate) use group::Group;
pub(crate) use scope::kill_scope;
pub use scope::scope_prefix;

/// How limits may be enforced.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum CgroupMode {
    /// By what the host offers; see [`CgroupSupport::detect`].
    #[default]
    Detect,
    /// By exactly this.
    Use(CgroupSupport),
}

impl CgroupMode {
    /// What it comes to on this host.
    #[must_use]
    pub fn support(&self) -> CgroupSupport {
        match self {
            Self::Detect => CgroupSupport::detect(),
            Self::Use(support) => support.clone(),
        }
    }
}

/// What a host offers to enforce limits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CgroupSupport {
    /// A systemd manager makes scopes.
    Systemd(Manager),
    /// A version 2 cgroup we may make children of, with the controllers handed down.
    Unified {
        /// Where children are made.
        base: PathBuf,
    },
    /// Version 1 cgroups, one for each controller, that we may make children of.
    Legacy {
        /// Where children are made under the `cpu` controller.
        cpu: PathBuf,
        /// Where children are made under the `memory` controller.
        memory: PathBuf,
    },
    /// Limits cannot be enforced.
    Missing {
        /// Why, as the middle of a sentence.
        why: String,
    },
}

/// Which systemd manager.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manager {
    /// The system's.
    System,
    /// The user's own.
    User,
}

/// Whether anything at all is to be enforced.
#[must_use]
pub(crate) const fn limits_something(limits: Resources) -> bool {
    limits.cpu_millis > 0 || limits.memory_bytes > 0
}
