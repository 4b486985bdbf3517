//! Orphans: instances with our mark that the ledger does not know, and those of others.

use headcount_api::OrphanState;
use headcount_controller::{Removal, Stranger};

/// What becomes of one of ours.
pub(crate) fn orphan_state(stranger: &Stranger) -> OrphanState {
    removal_state(&stranger.removal).unwrap_or(OrphanState::Waiting)
}

/// `None` while nobody removes it.
pub(crate) fn removal_state(removal: &Removal) -> Option<OrphanState> {
    match (removal.is_quarantined(), removal.is_under_way()) {
        (true, _) => Some(OrphanState::Quarantined),
        (false, true) => Some(OrphanState::Removing),
        (false, false) => None,
    }
}
