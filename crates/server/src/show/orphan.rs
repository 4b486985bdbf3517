//! Orphans: instances with our mark that the ledger does not know.

use headcount_api::OrphanState;
use headcount_controller::Stranger;

/// What becomes of one.
pub(crate) fn orphan_state(stranger: &Stranger) -> OrphanState {
    match (stranger.is_quarantined(), stranger.is_being_removed()) {
        (true, _) => OrphanState::Quarantined,
        (false, true) => OrphanState::Removing,
        (false, false) => OrphanState::Waiting,
    }
}
