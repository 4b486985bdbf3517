//! Destroying: tell the machine to go, and see that it is gone.
//!
//! Promise: success means that the program has said twice, some time apart, that there is no
//! such machine; whatever could not be confirmed is an unknown outcome. Leaves machines that
//! are known by id alone to `by_id`, and trying again to the planner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headcount_ports::turns::Place;
use headcount_ports::{BackendError, DestroyRequest};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{Core, by_id};
use crate::fault::{Fault, Verdict};
use crate::provisioner::Target;

/// For a creation or destruction that is under way.
pub(super) const TURN_WAIT: Duration = Duration::from_secs(150);
/// Between two looks at a machine that goes; doubles up to the longest.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// See the port. The program is not cut short when this is dropped.
pub(super) async fn destroy(core: &Arc<Core>, request: DestroyRequest) -> Result<(), BackendError> {
    let place = core.turns.enter(request.agent);
    place.unwant();
    let (tell, done) = oneshot::channel();
    let core = core.clone();
    tokio::spawn(async move {
        let ended = match core.provisioner.contract().is_garm() {
            true => by_id::end(&core, place, request, &tell).await,
            false => in_turn(&core, &place, request, &tell).await,
        };
        // Nobody may be waiting any more; the machine shows in `list`, or does not.
        drop(tell.send(ended.map_err(|fault| fault.as_not_ended())));
    });
    let cut_short = |_| Err(BackendError::Unknown("the daemon is ending".into()));
    done.await.unwrap_or_else(cut_short)
}

async fn in_turn(
    core: &Core,
    place: &Place,
    request: DestroyRequest,
    asker: &oneshot::Sender<Result<(), BackendError>>,
) -> Result<(), Fault> {
    let agent = request.agent;
    let Ok(_turn) = timeout(TURN_WAIT, place.turn()).await else {
        return Err(Fault::unknown(format!(
            "the machine of {agent} is still being made or removed"
        )));
    };
    let (pool, ids) = {
        let census = core.census();
        (census.pool(agent), census.ids(agent))
    };
    let by_name = Target {
        agent,
        pool,
        id: None,
        owner: None,
    };
    if ids.is_empty() {
        core.provisioner.destroy(&by_name, request.grace).await?;
    }
    for id in ids {
        let target = Target {
            id: Some(id),
            ..by_name.clone()
        };
        core.provisioner.destroy(&target, request.grace).await?;
    }
    confirm(core, &by_name, request.grace, asker).await?;
    core.census().gone(agent, Instant::now());
    Ok(())
}

/// Returns once it is said twice that there is none.
pub(super) async fn confirm<T>(
    core: &Core,
    target: &Target,
    grace: Duration,
    asker: &oneshot::Sender<T>,
) -> Result<(), Fault> {
    let pace = core.provisioner.options.pace;
    let until = Instant::now() + grace + pace.gone;
    let mut pause = FIRST_PAUSE;
    let mut absent_since: Option<Instant> = None;
    loop {
        let why = match core.provisioner.status(target).await {
            Err(fault) if fault.verdict == Verdict::NotFound => {
                let since = *absent_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= pace.confirm {
                    return Ok(());
                }
                sleep(pace.confirm.saturating_sub(since.elapsed())).await;
                continue;
            }
            Err(fault) => fault,
            Ok(machine) => {
                absent_since = None;
                let id = machine.id.escape_debug();
                Fault::unknown(format!(
                    "the machine `{id}` of {} is still there",
                    target.agent
                ))
            }
        };
        if why.rest().is_some() {
            return Err(why);
        }
        if Instant::now() >= until || is_useless(&why) || asker.is_closed() {
            return Err(Fault::unknown(why.message));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether asking again soon cannot help.
pub(super) const fn is_useless(fault: &Fault) -> bool {
    matches!(
        fault.verdict,
        Verdict::NotStarted | Verdict::Auth | Verdict::Invalid
    )
}
