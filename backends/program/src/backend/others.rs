//! Ending a machine of another owner that has stopped renewing its lease.
//!
//! Promise: it is asked for by its name right before, and left alone unless its marks and
//! its lease are still what they were when that was decided; between that look and the end
//! lies one call. Success means what it means for our own. Leaves the decision to the
//! planner.

use std::sync::Arc;

use headcount_model::OtherEnd;
use headcount_ports::{BackendError, ReapOtherRequest};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Core;
use super::ending::{TURN_WAIT, confirm};
use crate::fault::{Fault, Verdict};
use crate::native;
use crate::provisioner::Target;

/// See the port. The program is not cut short when this is dropped.
pub(super) async fn reap(
    core: &Arc<Core>,
    request: ReapOtherRequest,
) -> Result<OtherEnd, BackendError> {
    let agent = request.seen.agent;
    if core.provisioner.contract().is_garm() {
        let wrong = format!("{agent} has no lease: GARM's contract has none; please report this");
        return Err(BackendError::Invalid(wrong));
    }
    let place = core.other_turns.enter(agent);
    let (tell, done) = oneshot::channel();
    let core = core.clone();
    tokio::spawn(async move {
        let ended = match timeout(TURN_WAIT, place.turn()).await {
            Ok(_turn) => end(&core, &request, &tell).await,
            Err(_) => Err(Fault::unknown(format!(
                "the machine `{}` is still being removed",
                request.seen.name
            ))),
        };
        // Nobody may be waiting any more; the machine shows in lists, or does not.
        drop(tell.send(ended.map_err(|fault| fault.as_not_ended())));
    });
    let cut_short = |_| Err(BackendError::Unknown("the daemon is ending".into()));
    done.await.unwrap_or_else(cut_short)
}

async fn end<T>(
    core: &Core,
    request: &ReapOtherRequest,
    asker: &oneshot::Sender<T>,
) -> Result<OtherEnd, Fault> {
    let seen = &request.seen;
    let target = Target {
        agent: seen.agent,
        pool: Some(seen.pool.clone()),
        id: None,
        owner: Some(seen.owner.clone()),
    };
    match core.provisioner.said(&target).await {
        Ok(said) => {
            let now = native::leased(&core.provisioner.options.owner, &said);
            let same = now.is_some_and(|now| {
                let state = seen.state;
                headcount_model::LeasedInstance { state, ..now } == *seen
            });
            if !same {
                return Ok(OtherEnd::Spared);
            }
            let target = Target {
                id: Some(said.id),
                ..target.clone()
            };
            core.provisioner.destroy(&target, request.grace).await?;
        }
        Err(fault) if fault.verdict == Verdict::NotFound => {}
        Err(fault) => return Err(fault),
    }
    confirm(core, &target, request.grace, asker).await?;
    Ok(OtherEnd::Gone)
}
