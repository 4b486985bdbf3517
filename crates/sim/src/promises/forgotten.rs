//! Promise 2: nothing we made is forgotten.
//!
//! Judged at every moment: each instance with our mark has a durable record, from before
//! it exists until it is gone. (That nothing is left over in the end is promise 8's.)

use super::{Found, broken};
use crate::options::Promise;
use crate::stage::Stage;

pub(super) fn every_moment(stage: &Stage) -> Found {
    for (backend, place) in &stage.backends {
        for (agent, made) in place.of(stage.owner()) {
            if !made.stray && !stage.ledger.agents.contains_key(&agent) {
                let what = format!(
                    "instance {agent} exists in {backend} ({:?}) and no record says so",
                    made.state
                );
                return broken(Promise::Forgotten, what);
            }
        }
    }
    None
}
