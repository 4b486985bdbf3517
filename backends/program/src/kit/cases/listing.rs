//! Cases of showing machines.

use std::time::Duration;

use super::super::stage::{Stage, by_name};
use super::{Outcome, why};
use crate::fault::Verdict;
use crate::marks::LEASE;
use crate::native::{self, MachineSaid};
use crate::provisioner::Provisioner;

/// A list that takes longer to show what is there is told of.
const SETTLED: Duration = Duration::from_millis(500);

pub(super) async fn empty(stage: &Stage) -> Outcome {
    let machines = stage.list(&stage.one, None).await.map_err(why)?;
    match machines.first() {
        None => Ok(String::new()),
        Some(machine) => Err(format!(
            "it shows {} of an owner that has none, such as `{}` of owner `{}`",
            machines.len(),
            machine.name,
            machine.owner
        )),
    }
}

pub(super) async fn listed(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    let shown = stage.await_shown(&stage.one, agent, 1).await.map_err(why)?;
    let machines = stage.list(&stage.one, None).await.map_err(why)?;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    let Ok(after) = shown else {
        let seconds = stage.options.patience.as_secs();
        return Err(format!("{seconds} s after `create`, list does not show it"));
    };
    let name = stage.one.name(agent);
    let machine = machines.iter().find(|machine| machine.name == name);
    let machine = machine.ok_or("it was shown once, and then no more")?;
    marks(&stage.one, machine, agent)?;
    match after > SETTLED {
        true => Ok(format!("the list was behind by {} ms", after.as_millis())),
        false => Ok(String::new()),
    }
}

/// Whether everything is as it was given.
fn marks(
    owner: &Provisioner,
    machine: &MachineSaid,
    agent: headcount_model::AgentId,
) -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut text = |key: &str, said: &str, given: &str| {
        if said != given {
            wrong.push(format!("`{key}` is `{said}` instead of `{given}`"));
        }
    };
    text("owner", &machine.owner, owner.options.owner.as_str());
    text("pool", &machine.pool, "kit/a");
    text("agent", &machine.agent, &agent.to_string());
    let generation = machine
        .generation
        .map(|it| it.to_string())
        .unwrap_or_default();
    text("generation", &generation, &agent.epoch.to_string());
    let until = machine.lease_until.as_deref().unwrap_or_default();
    let until = until.parse::<jiff::Timestamp>().ok();
    let left = until.map(|until| until.duration_since(jiff::Timestamp::now()).as_secs());
    let lease = i64::try_from(LEASE.as_secs()).unwrap_or(i64::MAX);
    if !left.is_some_and(|left| (lease - 3600..=lease).contains(&left)) {
        wrong.push("`leaseUntil` is not what it was".to_owned());
    }
    if machine
        .price_per_hour
        .is_some_and(|price| headcount_model::Price::per_hour(price).is_none())
    {
        wrong.push("`pricePerHour` is not a number from 0 to 1000000".to_owned());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("; ")),
    }
}

pub(super) async fn pools(stage: &Stage) -> Outcome {
    let (first, second) = (stage.agent(), stage.agent());
    stage
        .create(&stage.one, first, "kit/a")
        .await
        .map_err(why)?;
    stage
        .create(&stage.one, second, "kit/b+c \"d\"")
        .await
        .map_err(why)?;
    for agent in [first, second] {
        let _ = stage.await_shown(&stage.one, agent, 1).await.map_err(why)?;
    }
    let machines = stage
        .list(&stage.one, Some("kit/b+c \"d\""))
        .await
        .map_err(why)?;
    for agent in [first, second] {
        stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    }
    let names: Vec<&str> = machines
        .iter()
        .map(|machine| machine.name.as_str())
        .collect();
    match names == [stage.one.name(second)] {
        true => Ok(String::new()),
        false => Err(format!("of a pool with one machine it shows {names:?}")),
    }
}

pub(super) async fn owners(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    let _ = stage.await_shown(&stage.one, agent, 1).await.map_err(why)?;
    let seen = stage.list(&stage.two, None).await.map_err(why)?;
    // The same agent number: another owner's name for it differs.
    let status = native::status(&stage.two, &by_name(agent)).await;
    let ended = native::destroy(&stage.two, &by_name(agent), Duration::ZERO).await;
    let still = native::status(&stage.one, &by_name(agent)).await;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    if let Some(machine) = seen.first() {
        return Err(format!("the other owner's list shows `{}`", machine.name));
    }
    match status {
        Err(fault) if fault.verdict == Verdict::NotFound => {}
        Err(fault) => return Err(fault.message),
        Ok(machine) => return Err(format!("the other owner's status shows `{}`", machine.id)),
    }
    ended.map_err(why)?;
    still
        .map(|_| String::new())
        .map_err(|fault| format!("the other owner ended it: {}", fault.message))
}
