//! How fresh our facts are: what backends and sources have told, and when not.

use alloc::collections::BTreeMap;
use alloc::string::String;

use headcount_model::{AgentId, BackendId, PoolName, SourceId, Timestamp};

use crate::Effect;

/// What is known of a backend.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Which.
    pub id: BackendId,
    /// Whether it has listed everything since start, and nothing was missed since.
    pub fresh: bool,
    /// The list that is under way or waits for its next try.
    pub(crate) listing: Effect,
    /// The round in which the list under way was asked for.
    pub(crate) listed_in: u64,
    /// Its last error, while it has not answered since.
    pub trouble: Option<String>,
    /// Instances of ours that the ledger does not know.
    pub strangers: BTreeMap<AgentId, Stranger>,
}

/// An instance of ours that the ledger does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stranger {
    /// The pool its mark names.
    pub pool: PoolName,
    /// When it was first listed.
    pub seen_at: Timestamp,
    /// Its removal.
    pub effect: Effect,
}

/// What is known of a source.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    /// Which.
    pub id: SourceId,
    /// Whether it has answered since start and not fallen silent since.
    pub fresh: bool,
    /// The newest sample known.
    pub(crate) sample: u64,
    /// The refresh that is under way or waits for its next try.
    pub(crate) refreshing: Effect,
    /// Its last error, while it has not answered since.
    pub trouble: Option<String>,
}

impl Backend {
    pub(crate) const fn new(id: BackendId) -> Self {
        Self {
            id,
            fresh: false,
            listing: Effect::None,
            listed_in: 0,
            trouble: None,
            strangers: BTreeMap::new(),
        }
    }
}

impl SourceFacts {
    pub(crate) const fn new(id: SourceId) -> Self {
        Self {
            id,
            fresh: false,
            sample: 0,
            refreshing: Effect::None,
            trouble: None,
        }
    }
}
