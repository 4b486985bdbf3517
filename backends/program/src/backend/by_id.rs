//! Machines of a contract that knows them by id alone: GARM's.
//!
//! Promise: a machine is asked for, and told to go, by the provider's own ids, which the
//! answer to its creation or a list has told. By its name it is told to go only where no id is
//! known, and that proves nothing. Gone is who is not there twice:
//! - one that a list or a look has shown: lists lack it, and it is not there by its ids; or it
//!   was told to go and is twice not there by its ids;
//! - one that was asked for and never shown: complete lists have lacked it for
//!   [`Pace::settle`], and it is not there by its ids, if any is known. Clouds list what was
//!   made, and know it by its id, only after a while.
//!
//! An answer to a name says that a machine is there, or nothing. See decision 22.
//!
//! [`Pace::settle`]: crate::options::Pace::settle

use std::sync::Arc;
use std::time::{Duration, Instant};

use headcount_model::AgentId;
use headcount_ports::DestroyRequest;
use headcount_ports::census::Patience;
use headcount_ports::turns::Place;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::ending::{FIRST_PAUSE, LONGEST_PAUSE, TURN_WAIT, confirm, is_useless};
use super::{Core, look};
use crate::fault::{Fault, Verdict};
use crate::provisioner::{Machine, Target};

/// Lists that look for one nobody has shown, within the time they must lack it.
const LOOKS_PER_SETTLE: u32 = 8;

/// How far apart lists that lack a machine must be.
pub(super) fn patience(core: &Core) -> Patience {
    let pace = core.provisioner.options.pace;
    match core.provisioner.contract().is_garm() {
        true => Patience {
            shown: pace.confirm,
            unshown: pace.settle.max(pace.confirm),
        },
        false => pace.confirm.into(),
    }
}

/// How long to wait for the next list while somebody is missing.
pub(super) fn pause(core: &Core) -> Duration {
    let patience = patience(core);
    match core.census().misses_one_shown() {
        true => patience.shown,
        false => patience.shown.max(patience.unshown / LOOKS_PER_SETTLE),
    }
}

/// Looks for a machine that lists have lacked for long enough. [`Verdict::NotFound`] only
/// where nothing is left to ask.
pub(super) async fn ask(core: &Core, agent: AgentId) -> Result<Machine, Fault> {
    let mut absent = Fault::new(Verdict::NotFound, format!("nobody shows {agent}"));
    let targets = targets(core, agent);
    for target in targets {
        match core.provisioner.status(&target).await {
            Err(fault) if fault.verdict == Verdict::NotFound => absent = fault,
            // A name may be none of its words; lists have told.
            Err(fault) if fault.verdict == Verdict::Transient && target.id.is_none() => {}
            answer => return answer,
        }
    }
    Err(absent)
}

/// A provider says that the machine is there already: lists must show it.
pub(super) async fn adopt(core: &Arc<Core>, agent: AgentId, said: &Fault) -> Result<(), Fault> {
    let said = &said.message;
    if let Err(fault) = look::refresh(core).await {
        let message = fault.message;
        return Err(Fault::unknown(format!("{said}; and then {message}")));
    }
    match core.census().is_shown(agent) {
        true => Ok(()),
        false => Err(Fault::unknown(format!("{said}; and no list shows it yet"))),
    }
}

/// Tells a machine to go and sees that it is gone; as [`super::ending`] has it.
pub(super) async fn end<T>(
    core: &Arc<Core>,
    place: Place,
    request: DestroyRequest,
    asker: &oneshot::Sender<T>,
) -> Result<(), Fault> {
    let until = Instant::now() + request.grace + core.provisioner.options.pace.gone;
    let mut place = place;
    loop {
        if tell(core, place, request, asker).await? == Sight::Gone
            || watch(core, request.agent, until, asker).await? == Sight::Gone
        {
            return Ok(());
        }
        // What it was told before it could be found by its id may not have reached it.
        place = core.turns.enter(request.agent);
    }
}

/// What is to be seen of a machine that was told to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sight {
    /// Nothing is left.
    Gone,
    /// A list or a look has shown it.
    Shown,
    /// Nobody has shown it since it was asked for.
    Unshown,
}

/// Tells it to go, and asks for one that was shown until it is gone. Lists prove nothing of
/// it meanwhile.
async fn tell<T>(
    core: &Arc<Core>,
    place: Place,
    request: DestroyRequest,
    asker: &oneshot::Sender<T>,
) -> Result<Sight, Fault> {
    let agent = request.agent;
    let Ok(_turn) = timeout(TURN_WAIT, place.turn()).await else {
        return Err(Fault::unknown(format!(
            "the machine of {agent} is still being made or removed"
        )));
    };
    if core.census().ids(agent).is_empty() {
        let looked = look::refresh(core).await;
        if !core.census().expects(agent) {
            // Nobody asked for it, and no list shows it.
            return looked.map(|()| Sight::Gone);
        }
    }
    let targets = targets(core, agent);
    for target in &targets {
        core.provisioner.destroy(target, request.grace).await?;
    }
    if !core.census().is_shown(agent) {
        return Ok(Sight::Unshown);
    }
    for target in &targets {
        confirm(core, target, request.grace, asker).await?;
    }
    core.census().gone(agent, Instant::now());
    Ok(Sight::Gone)
}

/// Looks at lists until the census believes that it is gone, or somebody shows it.
async fn watch<T>(
    core: &Arc<Core>,
    agent: AgentId,
    until: Instant,
    asker: &oneshot::Sender<T>,
) -> Result<Sight, Fault> {
    let mut pause = FIRST_PAUSE;
    loop {
        let why = match (look::refresh(core).await, sight(core, agent)) {
            (Err(fault), _) => fault,
            (Ok(()), Sight::Unshown) => Fault::unknown(format!(
                "no list shows the machine of {agent}; that is believed once none has for {} s",
                patience(core).unshown.as_secs()
            )),
            (Ok(()), seen) => return Ok(seen),
        };
        if Instant::now() >= until || is_useless(&why) || asker.is_closed() {
            return Err(Fault::unknown(why.message));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn sight(core: &Core, agent: AgentId) -> Sight {
    let census = core.census();
    match (census.expects(agent), census.is_shown(agent)) {
        (false, _) => Sight::Gone,
        (true, true) => Sight::Shown,
        (true, false) => Sight::Unshown,
    }
}

/// By each of its ids, or by its name where none is known.
fn targets(core: &Core, agent: AgentId) -> Vec<Target> {
    let census = core.census();
    let by_name = Target {
        agent,
        pool: census.pool(agent),
        id: None,
        owner: None,
    };
    let ids = census.ids(agent).into_iter();
    let by_id: Vec<Target> = ids
        .map(|id| Target {
            id: Some(id),
            ..by_name.clone()
        })
        .collect();
    match by_id.is_empty() {
        true => vec![by_name],
        false => by_id,
    }
}
