//! Looking at all machines.
//!
//! Promise: one list at a time, whoever asks; who waits for one that was begun after they
//! asked does not begin another. What a list shows is told, also when nobody waits for it any
//! more. Leaves whom no list shows to [`super::asking`].

use std::sync::Arc;
use std::time::Instant;

use headcount_model::{BackendEvent, LeasedInstance};
use tokio::sync::Mutex;

use super::{Core, by_id};
use crate::fault::Fault;

/// Where lists are made: when the last one that was answered was begun.
#[derive(Default)]
pub(super) struct Desk {
    last: Mutex<Option<Instant>>,
}

/// Brings the census up to a moment after this was called, and tells what is new. Goes on
/// when this is dropped: what the census takes for told must be.
pub(super) async fn refresh(core: &Arc<Core>) -> Result<(), Fault> {
    let (core, asked) = (core.clone(), Instant::now());
    let looking = tokio::spawn(async move {
        for event in look(&core, asked).await? {
            core.tell(event).await;
        }
        Ok(())
    });
    let cut_short = |_| Err(Fault::unknown("the daemon is ending"));
    looking.await.unwrap_or_else(cut_short)
}

/// What is new since it was looked last.
async fn look(core: &Core, asked: Instant) -> Result<Vec<BackendEvent>, Fault> {
    let mut last = core.desk.last.lock().await;
    if last.is_some_and(|begun| begun >= asked) {
        return Ok(Vec::new());
    }
    let begun = Instant::now();
    let machines = core.provisioner.list().await?;
    *last = Some(begun);
    let patience = by_id::patience(core);
    let busy = |agent| core.turns.is_taken(agent);
    let events = core.census().survey(&machines, begun, patience, busy);
    if core.census().misses_somebody() {
        core.changed.notify_one();
        core.unseen.notify_one();
    }
    core.leases.look_again();
    Ok(events)
}

/// Machines of other owners that carry a lease.
pub(super) async fn others(core: &Core) -> Result<Vec<LeasedInstance>, Fault> {
    let _turn = core.desk.last.lock().await;
    core.provisioner.list_others().await
}
