//! Orphans: instances with our mark that the ledger does not know, and those of others.

use headcount_api::OrphanState;
use headcount_controller::{OtherView, Removal, Stranger};
use headcount_model::Timestamp;

/// What becomes of one of ours.
pub(crate) fn orphan_state(stranger: &Stranger) -> OrphanState {
    removal_state(&stranger.removal).unwrap_or(OrphanState::Waiting)
}

/// What becomes of one of another daemon.
pub(crate) fn other_state(it: &OtherView, now: Timestamp) -> OrphanState {
    removal_state(&it.other.removal).unwrap_or(match it.other.instance.lease_until > now {
        true => OrphanState::Leased,
        false => OrphanState::Lapsed,
    })
}

/// `None` while nobody removes it.
fn removal_state(removal: &Removal) -> Option<OrphanState> {
    match (removal.is_quarantined(), removal.is_under_way()) {
        (true, _) => Some(OrphanState::Quarantined),
        (false, true) => Some(OrphanState::Removing),
        (false, false) => None,
    }
}
