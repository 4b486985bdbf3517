//! How fresh our facts are: what backends and sources have told, and when not.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use headcount_model::{AgentId, BackendId, ClassKey, JobId, PoolName, SourceId, Timestamp};

use super::{Others, Removal};
use crate::{Effect, WiredSource};

/// Backends where nothing of ours should be are looked at so many times less often.
const UNUSED: u32 = 12;

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
    /// When its last list arrived.
    pub(crate) listed_at: Option<Timestamp>,
    /// Something of ours was there when the last list was asked for, or has been since.
    pub(crate) used: bool,
    /// Since when; what was last compared before that may be long ago.
    pub(crate) used_since: Timestamp,
    /// Events were missed since the list under way was asked for.
    pub(crate) missed: bool,
    /// Agents that ended since the list under way was asked for: it may still show them.
    pub(crate) ended: BTreeSet<AgentId>,
    /// Its last error, while it has not answered since.
    pub trouble: Option<String>,
    /// Instances of ours that the ledger does not know.
    pub strangers: BTreeMap<AgentId, Stranger>,
    /// Instances of other owners, while a policy asks for them.
    pub others: Others,
}

/// An instance of ours that the ledger does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stranger {
    /// The pool its mark names.
    pub pool: PoolName,
    /// When it was first listed.
    pub seen_at: Timestamp,
    /// Its removal.
    pub removal: Removal,
}

/// What is known of a source.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    /// Which.
    pub id: SourceId,
    /// Whether its jobs that no pool could ever serve stay where they are.
    pub(crate) keeps_hopeless: bool,
    /// Whether it has answered since start and not fallen silent since.
    pub fresh: bool,
    /// The refresh that is under way or waits for its next try.
    pub(crate) refreshing: Effect,
    /// It fell silent since the refresh under way was asked for.
    pub(crate) doubted: bool,
    /// Classes that emptied since the refresh under way was asked for, with their last
    /// sample: its answer may be older.
    pub(crate) emptied: BTreeMap<Arc<ClassKey>, u64>,
    /// After takings that failed: when jobs may be taken again.
    pub(crate) taking: Effect,
    /// Jobs whose end is wanted and that may be on their way to us.
    pub(crate) early_cancels: BTreeSet<JobId>,
    /// Its last error, while it has not answered since.
    pub trouble: Option<String>,
}

impl Stranger {
    /// When it is removed, unless that was tried before or a person does not wait for it.
    #[must_use]
    pub fn left_until(&self) -> Timestamp {
        self.seen_at.after(crate::plan::REAP_GRACE)
    }
}

impl Backend {
    /// When its last list arrived.
    #[must_use]
    pub const fn listed_at(&self) -> Option<Timestamp> {
        self.listed_at
    }

    /// When what exists is compared with what is known although nothing says that they
    /// differ. After the last agent has left it is done once more at the usual pace. While
    /// nothing of ours should be there it is done seldom, as an idle daemon sleeps; but it
    /// is done: the list that showed nothing may have been an old one.
    pub(crate) fn recheck_at(&self, every: Duration) -> Option<Timestamp> {
        let listed_at = self.listed_at?;
        Some(match self.used {
            true => listed_at.max(self.used_since).after(every),
            false => listed_at.after(every.saturating_mul(UNUSED)),
        })
    }

    /// An agent of ours may be there from now on.
    pub(crate) const fn is_used(&mut self, now: Timestamp) {
        if !self.used {
            self.used = true;
            self.used_since = now;
        }
    }

    /// Something of ours ended: a list under way may have been made before that.
    pub(crate) fn note_end(&mut self, id: AgentId) {
        if self.listing.is_in_flight() {
            self.ended.insert(id);
        }
    }

    pub(crate) const fn new(id: BackendId) -> Self {
        Self {
            id,
            fresh: false,
            listing: Effect::None,
            listed_in: 0,
            listed_at: None,
            used: false,
            used_since: Timestamp::ZERO,
            missed: false,
            ended: BTreeSet::new(),
            trouble: None,
            strangers: BTreeMap::new(),
            others: Others::new(),
        }
    }
}

impl SourceFacts {
    pub(crate) fn new(source: WiredSource) -> Self {
        Self {
            id: source.id,
            keeps_hopeless: source.keeps_hopeless,
            fresh: false,
            refreshing: Effect::None,
            doubted: false,
            emptied: BTreeMap::new(),
            taking: Effect::None,
            early_cancels: BTreeSet::new(),
            trouble: None,
        }
    }
}
