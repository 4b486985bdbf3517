//! Our own contract, `headcount/v1`: see `docs/provisioners.md` and decision 16.
//!
//! Promise: one document in, one document out; an answer is believed only when it is whole,
//! says the version, and is about what was asked.

mod answer;
pub(crate) mod batch;
mod leases;
mod request;

use std::slice;
use std::time::Duration;

use headcount_model::{AgentId, OwnerId, PoolName, Price};
use headcount_ports::texts::one_line;
use serde_json::Value;

use crate::fault::{Fault, Verdict};
use crate::marks;
use crate::provisioner::{Machine, Order, Provisioner, Target};
use headcount_calls::Said;

use answer::refusal;
pub(crate) use answer::{Answer, MachineSaid};
pub(crate) use leases::{all_others, leased, list_others, renew};
pub(crate) use request::{MachineAsked, Request, Resources, StartUpData, Verb};

/// The version that stands in every document.
pub(crate) const CONTRACT: &str = "headcount/v1";

/// See [`Provisioner::create`].
pub(crate) async fn create(to: &Provisioner, order: &Order<'_>) -> Result<Machine, Fault> {
    let asked = order.request;
    let options = options(order)?;
    let request = creation(to, order, &options);
    let mut call = to.call(Duration::from_secs(request.deadline_seconds));
    request.set(&mut call);
    let said = to.make(call, slice::from_ref(order)).await?;
    let answer = heard(Verb::Create, said)?;
    let machine = one(answer, &to.name(asked.agent))?;
    // What was made is what was asked for, or nobody knows what was made.
    let made = read(&to.options.owner, machine)?
        .ok_or_else(|| Fault::unknown("it answered with a machine of another owner"))?;
    match made.agent == asked.agent {
        true => Ok(made),
        false => Err(Fault::unknown(format!(
            "it was asked for {} and answered with {}",
            asked.agent, made.agent
        ))),
    }
}

/// What a label set hands to the program.
pub(crate) fn options(order: &Order<'_>) -> Result<Value, Fault> {
    serde_json::from_str(order.options)
        .map_err(|error| Fault::new(Verdict::Invalid, format!("`options` is no JSON: {error}")))
}

/// What is asked when a machine is to be made.
pub(crate) fn creation<'a>(
    to: &'a Provisioner,
    order: &Order<'a>,
    options: &'a Value,
) -> Request<'a> {
    let mut request = self::order(to, order, options);
    request.machine = Some(MachineAsked::to_make(to, order));
    request.start_up = Some(StartUpData::of(&order.start_up));
    request
}

/// What is the same for all machines that one `create` asks for.
fn order<'a>(to: &'a Provisioner, order: &Order<'a>, options: &'a Value) -> Request<'a> {
    let asked = order.request;
    let mut request = Request::new(Verb::Create, to, asked.deadline);
    request.labels = Some(asked.labels.split(',').collect());
    request.resources = Some(Resources::of(&asked.granted));
    request.options = Some(options);
    request
}

/// See [`Provisioner::list`].
pub(crate) async fn list(to: &Provisioner) -> Result<Vec<Machine>, Fault> {
    let mut ours = Vec::new();
    for machine in list_all(to, None).await? {
        ours.extend(read(&to.options.owner, machine)?);
    }
    Ok(ours)
}

/// All that a complete list shows, of one pool or of all, whoever owns it.
pub(crate) async fn list_all(
    to: &Provisioner,
    pool: Option<&str>,
) -> Result<Vec<MachineSaid>, Fault> {
    let mut request = Request::new(Verb::List, to, to.options.pace.list);
    request.pool = pool;
    all(to, &request).await
}

/// All that a complete list shows.
async fn all(to: &Provisioner, request: &Request<'_>) -> Result<Vec<MachineSaid>, Fault> {
    let mut call = to.call(to.options.pace.list);
    request.set(&mut call);
    let answer = heard(Verb::List, to.run_at_once(call).await?)?;
    if answer.complete != Some(true) {
        return Err(Fault::unknown(
            "its list does not say `\"complete\": true`, so what is missing in it may exist",
        ));
    }
    answer.machines.ok_or_else(|| {
        Fault::unknown("its list has no `machines`; write `\"machines\": []` for none")
    })
}

/// See [`Provisioner::status`].
pub(crate) async fn status(to: &Provisioner, target: &Target) -> Result<Machine, Fault> {
    let machine = said(to, target).await?;
    read(target.owner(to), machine)?
        .ok_or_else(|| Fault::unknown("it answered with a machine of another owner"))
}

/// What a status says, with all marks.
pub(crate) async fn said(to: &Provisioner, target: &Target) -> Result<MachineSaid, Fault> {
    let request = Request::about(Verb::Status, to, to.options.pace.status, target);
    one(ask(to, &request).await?, &target.name(to))
}

/// See [`Provisioner::destroy`].
pub(crate) async fn destroy(
    to: &Provisioner,
    target: &Target,
    grace: Duration,
) -> Result<(), Fault> {
    let deadline = to.options.pace.destroy + grace;
    let mut request = Request::about(Verb::Destroy, to, deadline, target);
    request.grace_seconds = Some(grace.as_secs());
    match ask(to, &request).await {
        Err(fault) if fault.verdict == Verdict::NotFound => Ok(()),
        answer => answer.map(drop),
    }
}

/// One call and its answer.
pub(crate) async fn ask(to: &Provisioner, request: &Request<'_>) -> Result<Answer, Fault> {
    let mut call = to.call(Duration::from_secs(request.deadline_seconds));
    request.set(&mut call);
    heard(request.verb, to.run(call).await?)
}

/// The answer of a call that has ended.
fn heard(verb: Verb, said: Said) -> Result<Answer, Fault> {
    let answer = Answer::parse(&said.output);
    match (said.code, answer) {
        (Some(0), Ok(answer)) if answer.error.is_none() => Ok(answer),
        (Some(0), Ok(_)) => Err(Fault::unknown(format!(
            "`{verb}` ended with code 0 and says that it failed"
        ))),
        (Some(0), Err(why)) => Err(Fault::unknown(format!("the answer to `{verb}` {why}"))),
        (Some(code), answer) => Err(refusal(verb, code, answer.ok(), &said.words)),
        (None, _) => Err(Fault::unknown(format!("`{verb}` was ended by a signal"))),
    }
}

/// The one machine of an answer, which must have the name that was asked about.
fn one(answer: Answer, name: &str) -> Result<MachineSaid, Fault> {
    let machine = answer
        .machine
        .ok_or_else(|| Fault::unknown("its answer has no `machine`"))?;
    match machine.name == name {
        true => Ok(machine),
        false => Err(Fault::unknown(format!(
            "it was asked about the machine `{name}` and answered with `{}`",
            machine.name.escape_debug()
        ))),
    }
}

/// A machine of ours; `None` is nobody's or somebody else's, which is told and left alone.
fn read(owner: &OwnerId, said: MachineSaid) -> Result<Option<Machine>, Fault> {
    let name = said.name.escape_debug().to_string();
    if said.owner != owner.as_str() {
        tracing::warn!(
            machine = name,
            owner = said.owner,
            "of another owner; it is left alone"
        );
        return Ok(None);
    }
    let agent = said.agent.parse().ok();
    let agent: Option<AgentId> = agent.or_else(|| marks::agent(owner, &said.name));
    let Some(agent) = agent else {
        tracing::warn!(
            machine = name,
            mark = said.agent,
            "of no agent; it is left alone"
        );
        return Ok(None);
    };
    if said.id.is_empty() {
        return Err(Fault::unknown(format!(
            "machine `{name}` has an empty `id`"
        )));
    }
    Ok(Some(Machine {
        state: said.status.state(said.exit_code),
        pool: PoolName::new(&said.pool),
        message: said.message.as_deref().map(one_line),
        price: price(&said),
        lease: said
            .lease_seconds
            .map(Duration::from_secs)
            .filter(leases::is_lease),
        id: said.id,
        name: said.name,
        agent,
    }))
}

/// A price that is none is as good as not told; the kit says so to whoever wrote it.
fn price(said: &answer::MachineSaid) -> Option<Price> {
    let units = said.price_per_hour?;
    let price = Price::per_hour(units);
    if price.is_none() {
        tracing::warn!(machine = said.id, "a price of {units} an hour is none");
    }
    price
}

#[cfg(test)]
mod tests;
