//! Stale facts: nothing is removed for being too many until the pool's backend and every
//! source that could send it jobs have answered since start, or while one is silent.

use headcount_model::BackendId;

use crate::World;

/// Whether facts are fresh enough to remove agents of this backend.
pub(crate) fn may_remove(world: &World, backend: &BackendId) -> bool {
    let backend_fresh = world.backends.get(backend).is_some_and(|facts| facts.fresh);
    backend_fresh && world.sources.values().all(|source| source.fresh)
}
