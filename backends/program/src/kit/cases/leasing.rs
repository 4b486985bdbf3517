//! Cases of leases, which a program need not have: not to offer them is no failure, to
//! offer them and to do it wrong is.

use std::time::Instant;

use headcount_model::AgentId;
use jiff::Timestamp;
use tokio::time::sleep;

use super::super::stage::{LEASE, PAUSE, Stage, by_name};
use super::{Outcome, why};
use crate::fault::Verdict;
use crate::marks;
use crate::native::{self, MachineSaid};
use crate::provisioner::Target;

const NOT_OFFERED: &str = "not offered: no other daemon can ever remove its machines";

pub(super) async fn renew(stage: &Stage) -> Outcome {
    let (leased, plain) = (stage.agent(), stage.agent());
    stage.create_leased(&stage.one, leased).await.map_err(why)?;
    stage
        .create(&stage.one, plain, "kit/a")
        .await
        .map_err(why)?;
    let renewed = renewed(stage, leased, plain).await;
    for agent in [leased, plain] {
        stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    }
    renewed
}

async fn renewed(stage: &Stage, leased: AgentId, plain: AgentId) -> Outcome {
    // Later than what the machine was made with, and another than that.
    let until = marks::lease_until(Timestamp::now(), 2 * LEASE);
    match native::renew(&stage.one, &until, LEASE).await {
        Err(fault) if fault.verdict == Verdict::Invalid => return Ok(NOT_OFFERED.to_owned()),
        other => other.map_err(why)?,
    }
    let machine = await_lease(stage, leased, &until).await?;
    if machine.lease_seconds != Some(LEASE.as_secs()) {
        return Err("`leaseSeconds` is not what the machine was made with".to_owned());
    }
    let said = native::said(&stage.one, &by_name(leased)).await;
    if said.map_err(why)?.lease_until != Some(until) {
        return Err("list shows the new `leaseUntil`, and status another".to_owned());
    }
    let said = native::said(&stage.one, &by_name(plain)).await;
    match said.map_err(why)?.lease_seconds {
        None => Ok(String::new()),
        Some(_) => Err("a machine that was made without `leaseSeconds` has some".to_owned()),
    }
}

/// Waits until a list shows it with this lease.
async fn await_lease(stage: &Stage, agent: AgentId, until: &str) -> Result<MachineSaid, String> {
    let started = Instant::now();
    let name = stage.one.name(agent);
    loop {
        let machines = stage.list(&stage.one, None).await.map_err(why)?;
        let machine = machines.into_iter().find(|machine| machine.name == name);
        let shown = machine.as_ref().and_then(|it| it.lease_until.clone());
        if let Some(machine) = machine.filter(|_| shown.as_deref() == Some(until)) {
            return Ok(machine);
        }
        if started.elapsed() >= stage.options.patience {
            let seconds = stage.options.patience.as_secs();
            let shown = shown.unwrap_or_default();
            return Err(format!(
                "{seconds} s after `renew`, list shows `leaseUntil` `{}` instead of `{until}`",
                shown.escape_debug()
            ));
        }
        sleep(PAUSE).await;
    }
}

pub(super) async fn others(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    stage.create_leased(&stage.one, agent).await.map_err(why)?;
    let _ = stage.await_shown(&stage.one, agent, 1).await.map_err(why)?;
    let seen = seen(stage, agent).await;
    let target = Target {
        owner: Some(stage.one.options.owner.clone()),
        ..by_name(agent)
    };
    let ended = match &seen {
        // As the daemon does it that removes another's machine.
        Ok(true) => stage.end(&stage.two, &target).await,
        _ => stage.end(&stage.one, &by_name(agent)).await,
    };
    let offered = seen?;
    ended.map_err(|fault| format!("in the name of its owner: {}", fault.message))?;
    match offered {
        true => Ok(String::new()),
        false => Ok(NOT_OFFERED.to_owned()),
    }
}

/// Whether the other owner sees it when it asks for others, and only then.
async fn seen(stage: &Stage, agent: AgentId) -> Result<bool, String> {
    let name = stage.one.name(agent);
    let asked = native::all_others(&stage.two).await.map_err(why)?;
    let Some(machine) = asked.iter().find(|machine| machine.name == name) else {
        return Ok(false);
    };
    if native::leased(&stage.two.options.owner, machine).is_none() {
        return Err(format!(
            "`{name}` lacks a mark, or has another one than it was made with; it needs owner, \
             pool, agent, leaseUntil, leaseSeconds and generation"
        ));
    }
    let unasked = stage.list(&stage.two, None).await.map_err(why)?;
    match unasked.iter().any(|machine| machine.name == name) {
        true => Err(format!("list shows `{name}` of another owner unasked")),
        false => Ok(true),
    }
}
