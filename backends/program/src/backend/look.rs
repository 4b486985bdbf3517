//! Looking at all machines.
//!
//! Promise: one list at a time, whoever asks; who waits for one that was begun after they
//! asked does not begin another. A provisioner that asks to be left alone is. Whom lists do
//! not show is asked for by name (by id, where a contract knows no names: `by_id`) before anybody believes that they are gone: a list that
//! loses a machine for a while ends nobody.

use std::time::Instant;

use futures_util::future::join_all;
use headcount_model::{AgentId, BackendEvent, LeasedInstance};
use tokio::sync::Mutex;

use super::{Core, by_id};
use crate::fault::{Fault, Verdict};
use crate::provisioner::{Machine, Target};

/// Machines that are asked for by name after one list; the others wait for the next.
const MOST_ASKED: usize = 128;

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
    let begun = last.may_begin()?;
    let machines = last.noted(begun, core.provisioner.list().await)?;
    last.begun = Some(begun);
    let patience = by_id::patience(core);
    let busy = |agent| core.turns.is_taken(agent);
    let mut events = core.census().survey(&machines, begun, patience, busy);
    events.extend(ask_for_the_unseen(core).await);
    if core.census().misses_somebody() {
        core.changed.notify_one();
    }
    core.leases.look_again();
    Ok(events)
}

/// The same, and whom it concerns is told.
pub(super) async fn look(core: &Core) -> Result<(), Fault> {
    for event in refresh(core).await? {
        core.tell(event).await;
    }
    Ok(())
}

/// Machines of other owners that carry a lease.
pub(super) async fn others(core: &Core) -> Result<Vec<LeasedInstance>, Fault> {
    let mut last = core.desk.last.lock().await;
    let begun = last.may_begin()?;
    last.noted(begun, core.provisioner.list_others().await)
}

impl Last {
    /// This moment, unless the program wants no list.
    fn may_begin(&self) -> Result<Instant, Fault> {
        let now = Instant::now();
        let Some(rest) = self.rest_until.filter(|rest| *rest > now) else {
            return Ok(now);
        };
        let mut fault = Fault::new(Verdict::Throttled, "throttled: it asked to be left alone");
        fault.retry_after = Some(rest.duration_since(now));
        Err(fault)
    }

    /// What a list that was begun then came to.
    fn noted<T>(&mut self, begun: Instant, listed: Result<T, Fault>) -> Result<T, Fault> {
        let rest = listed.as_ref().err().and_then(|fault| fault.retry_after);
        if let Some(rest) = rest {
            self.rest_until = begun.checked_add(rest);
        }
        listed
    }
}

/// Asks for each machine that no list has shown for a while. Who answers is there; of whom
/// the program says that there is none is gone; whoever else is looked for again.
async fn ask_for_the_unseen(core: &Core) -> Vec<BackendEvent> {
    let unseen = core.census().unseen(MOST_ASKED);
    let mut events = Vec::new();
    for group in unseen.chunks(core.provisioner.options.pace.calls.max(1)) {
        let asked = Instant::now();
        let asking = group.iter().map(|agent| ask(core, *agent));
        for (agent, answer) in join_all(asking).await {
            let now = Instant::now();
            match answer {
                Ok(machine) => events.extend(core.census().shown(&machine, now)),
                Err(fault) if fault.verdict == Verdict::NotFound => {
                    events.extend(core.census().absent(agent, asked, now));
                }
                // Nobody can tell.
                Err(_) => {}
            }
        }
    }
    events
}

async fn ask(core: &Core, agent: AgentId) -> (AgentId, Result<Machine, Fault>) {
    if core.provisioner.contract().is_garm() {
        return (agent, by_id::ask(core, agent).await);
    }
    let pool = core.census().pool(agent);
    let target = Target {
        agent,
        pool,
        id: None,
        owner: None,
    };
    (agent, core.provisioner.status(&target).await)
}
