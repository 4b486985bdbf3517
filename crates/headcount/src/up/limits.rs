//! Limits of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Every live agent costs a pidfd and a connection. Not higher, because agents and their
/// jobs inherit the limit, and some programs walk all descriptors they could have.
const OPEN_FILES: u64 = 65_536;

/// Raises the number of files this process may open, as far as it may.
pub(super) fn raise_open_files() {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if now.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: now.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit on open files stays; many agents may not fit");
        }
    }
}
