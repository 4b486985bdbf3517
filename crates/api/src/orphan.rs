//! Orphans: instances with our mark that the ledger does not know, and those of other
//! daemons whose leases this one watches.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// What backends show that nobody knows, and how far they can be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Orphans {
    /// In order of backend and agent, those of other daemons last.
    pub orphans: Vec<Orphan>,
    /// Every backend, in order of name.
    pub backends: Vec<Looked>,
}

/// An instance with our mark that the ledger does not know, or one of another daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// The agent that its mark names.
    #[schema(example = "a-65f1c2a0-7")]
    pub agent: String,
    /// The daemon that made it, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0123456789abcdef")]
    pub owner: Option<String>,
    /// When its lease ends or ended, where another daemon made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Moment>,
    /// The pool that its mark names.
    #[schema(example = "builders/linux")]
    pub pool: String,
    /// Where it is.
    #[schema(example = "bare-metal")]
    pub backend: String,
    /// When it was first listed; one of another daemon, with this lease.
    pub seen_at: Moment,
    /// What becomes of it.
    pub state: OrphanState,
    /// When it is removed by itself, while it waits for that; one whose lease is over, if
    /// nobody renews it until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_until: Option<Moment>,
    /// Why it was not removed when that was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What becomes of an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrphanState {
    /// It is left alone for a grace period.
    Waiting,
    /// Another daemon vouches for it: its lease is not over.
    Leased,
    /// Another daemon has not renewed its lease, which is over.
    Lapsed,
    /// It is being removed.
    Removing,
    /// Its backend did not remove it, again and again: it is tried on, ever more seldom.
    Quarantined,
}

impl OrphanState {
    /// What becomes of those with our own mark, in the order in which it comes.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Removing, Self::Quarantined];

    /// What becomes of those of other daemons, in the order in which it comes.
    pub const OF_OTHERS: [Self; 4] = [
        Self::Leased,
        Self::Lapsed,
        Self::Removing,
        Self::Quarantined,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Lapsed => "lapsed",
            Self::Removing => "removing",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What a backend has said of what exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// Which backend.
    pub backend: String,
    /// Whether what it said is of now; otherwise there may be orphans that are not shown.
    pub fresh: bool,
    /// When it last said what exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<Moment>,
    /// Its last error, while it has not answered since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What a wish to remove orphans did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reaping {
    /// Agents whose instances are removed now.
    pub removing: Vec<String>,
    /// Those of other daemons that are removed now: their leases, and the time that
    /// `reapOthersAfter` leaves them, are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removing_others: Vec<OtherOrphan>,
    /// Backends that did not say what exists: what they have was not looked at.
    pub unknown: Vec<Looked>,
}

/// An instance of another daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtherOrphan {
    /// The daemon that made it.
    #[schema(example = "0123456789abcdef")]
    pub owner: String,
    /// The agent that its mark names.
    #[schema(example = "a-65f1c2a0-7")]
    pub agent: String,
}
