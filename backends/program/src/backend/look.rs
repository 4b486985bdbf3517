//! Looking at all machines.
//!
//! Promise: one list at a time, whoever asks; who waits for one that was begun after they
//! asked does not begin another. A provisioner that asks to be left alone is.

use std::time::Instant;

use headcount_model::BackendEvent;
use tokio::sync::Mutex;

use super::Core;
use crate::fault::{Fault, Verdict};

/// Where lists are made.
#[derive(Default)]
pub(super) struct Desk {
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    /// When the last list that was answered was begun.
    begun: Option<Instant>,
    /// Before that the program wants no list.
    rest_until: Option<Instant>,
}

/// Brings the census up to a moment after this was called. Returns what is to be told.
pub(super) async fn refresh(core: &Core) -> Result<Vec<BackendEvent>, Fault> {
    let asked = Instant::now();
    let mut last = core.desk.last.lock().await;
    if last.begun.is_some_and(|begun| begun >= asked) {
        return Ok(Vec::new());
    }
    let begun = Instant::now();
    if let Some(rest) = last.rest_until.filter(|rest| *rest > begun) {
        let mut fault = Fault::new(Verdict::Throttled, "throttled: it asked to be left alone");
        fault.retry_after = Some(rest.duration_since(begun));
        return Err(fault);
    }
    let listed = core.provisioner.list().await;
    if let Err(Fault {
        retry_after: Some(rest),
        ..
    }) = &listed
    {
        last.rest_until = begun.checked_add(*rest);
    }
    let machines = listed?;
    last.begun = Some(begun);
    let confirm = core.provisioner.options.pace.confirm;
    let busy = |agent| core.turns.is_taken(agent);
    let events = core.census().survey(&machines, begun, confirm, busy);
    if core.census().misses_somebody() {
        core.changed.notify_one();
    }
    Ok(events)
}
