//! GARM's external provider contract, interface versions v0.1.0 and v0.1.1.
//!
//! Promise: the providers that are public for it run as they are: variables in, one
//! instance or a list of them out, exit codes 30 and 31. Our owner is the controller, a
//! pool's fingerprint its pool id; the agent is known by the instance's name. Leaves to the
//! provider what it makes of the start-up data; `docs/provisioners.md` says what that is.
//!
//! A failed creation is followed by a deletion, by id if there was one and by name
//! otherwise, as the contract wants it before the next try: a provider may have left
//! something half-made. Whether that is so nobody knows even then: there are providers that
//! find nothing by name and call that a success, and clouds that do not know yet what they
//! have just made. Exit 31 means that a machine of that name is there, and lists show which.

mod answer;
mod bootstrap;

use std::slice;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use headcount_model::{PoolName, ProvisionerContract};
use tokio::sync::Semaphore;

use crate::fault::{Fault, Verdict};
use crate::marks;
use crate::provisioner::{Machine, Order, Provisioner, Target};
use answer::InstanceSaid;
use bootstrap::{Bootstrap, Specs};
use headcount_calls::{Call, Said};

/// Pools that are listed at once.
const LISTS_AT_ONCE: usize = 8;
/// There is no such instance.
const NOT_FOUND: i32 = 30;
/// There is one of this name already.
const DUPLICATE: i32 = 31;

/// What a provider is told to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Command {
    Create,
    Delete,
    Get,
    List,
}

impl Command {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "CreateInstance",
            Self::Delete => "DeleteInstance",
            Self::Get => "GetInstance",
            Self::List => "ListInstances",
        }
    }
}

/// See [`Provisioner::create`].
pub(crate) async fn create(to: &Provisioner, order: &Order<'_>) -> Result<Machine, Fault> {
    let request = order.request;
    let specs = Specs::parse(order.options)?;
    let mut call = call(to, Command::Create, request.deadline, Some(&request.pool));
    specify(to, &mut call, &request.pool);
    call.input = Bootstrap::new(to, order, &specs).document();
    let target = Target {
        agent: request.agent,
        pool: Some(request.pool.clone()),
        id: None,
        owner: None,
    };
    let made = async {
        let said = to.make(call, slice::from_ref(order)).await?;
        let left = said.code.filter(|code| *code != 0);
        let left = left.and_then(|_| left_behind(to, &said.output, &target));
        let output = heard(Command::Create, said).map_err(|fault| Fault { left, ..fault })?;
        let instance = InstanceSaid::one(&output)?;
        read(to, &request.pool, instance, Some(&target))?
            .ok_or_else(|| Fault::unknown("the instance has another name"))
    };
    match made.await {
        Ok(machine) if !is_fault(&machine) => Ok(machine),
        Ok(machine) => {
            let said = machine.message.as_deref().unwrap_or_default();
            let mut fault = Fault::unknown(format!("the instance failed: {said}"));
            fault.left = Some(Box::new(machine));
            Err(undo(to, target, fault).await)
        }
        Err(fault) if is_clear(&fault) => Err(fault),
        Err(fault) => Err(undo(to, target, fault).await),
    }
}

/// Nothing was made by this call, or nothing was called.
const fn is_clear(fault: &Fault) -> bool {
    matches!(fault.verdict, Verdict::Duplicate | Verdict::NotStarted)
}

/// See [`Provisioner::list`]. The contract lists one pool at a time, so it is several calls,
/// which have the time of one list together.
pub(crate) async fn list(to: &Provisioner) -> Result<Vec<Machine>, Fault> {
    let pools = to.pools();
    let until = Instant::now() + to.options.pace.list;
    let room = Semaphore::new(LISTS_AT_ONCE);
    let lists = pools.iter().map(|pool| list_pool(to, pool, &room, until));
    let machines = try_join_all(lists).await;
    machines.map(|lists| lists.concat()).map_err(|mut fault| {
        let (all, time) = (pools.len(), to.options.pace.list.as_secs());
        if all > 1 {
            let together = format!("; the lists of {all} pools have {time} s together");
            fault.message.push_str(&together);
        }
        fault
    })
}

async fn list_pool(
    to: &Provisioner,
    pool: &PoolName,
    room: &Semaphore,
    until: Instant,
) -> Result<Vec<Machine>, Fault> {
    let _room = room.acquire().await;
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Fault::unknown(format!(
            "there was no time left to list the pool `{pool}`"
        )));
    }
    let mut call = call(to, Command::List, left, Some(pool));
    specify(to, &mut call, pool);
    let output = heard(Command::List, to.run_at_once(call).await?)?;
    let mut machines = Vec::new();
    for instance in InstanceSaid::all(&output)? {
        machines.extend(read(to, pool, instance, None)?);
    }
    Ok(machines)
}

/// See [`Provisioner::status`].
pub(crate) async fn status(to: &Provisioner, target: &Target) -> Result<Machine, Fault> {
    let mut call = call(to, Command::Get, to.options.pace.status, None);
    aim(to, &mut call, target);
    let output = heard(Command::Get, to.run(call).await?)?;
    let instance = InstanceSaid::one(&output)?;
    let pool = target.pool.clone().unwrap_or_else(|| PoolName::new(""));
    read(to, &pool, instance, Some(target))?
        .ok_or_else(|| Fault::unknown("the instance has another name"))
}

/// See [`Provisioner::destroy`].
pub(crate) async fn destroy(to: &Provisioner, target: &Target) -> Result<(), Fault> {
    let mut call = call(to, Command::Delete, to.options.pace.destroy, None);
    aim(to, &mut call, target);
    match heard(Command::Delete, to.run(call).await?) {
        Err(fault) if fault.verdict == Verdict::NotFound => Ok(()),
        answer => answer.map(drop),
    }
}

/// Takes back what a failed creation may have left. Whether anything is there afterwards
/// nobody knows.
async fn undo(to: &Provisioner, target: Target, fault: Fault) -> Fault {
    let id = fault.left.as_ref().map(|machine| machine.id.clone());
    let message = match destroy(to, &Target { id, ..target }).await {
        Ok(()) => fault.message,
        Err(left) => format!("{}; and then {}", fault.message, left.message),
    };
    Fault {
        left: fault.left,
        ..Fault::unknown(message)
    }
}

/// The machine that a provider names beside its failure.
fn left_behind(to: &Provisioner, output: &[u8], target: &Target) -> Option<Box<Machine>> {
    let said = InstanceSaid::one(output).ok()?;
    let pool = target.pool.as_ref()?;
    let machine = read(to, pool, said, Some(target)).ok()?;
    machine.map(Box::new)
}

fn call(to: &Provisioner, command: Command, deadline: Duration, pool: Option<&PoolName>) -> Call {
    let mut call = to.call(deadline);
    let newer = to.contract() == ProvisionerContract::GarmV011;
    let version = if newer { "v0.1.1" } else { "v0.1.0" };
    let mut set = |name: &str, value: &str| {
        call.environment.insert(name.to_owned(), value.to_owned());
    };
    set("GARM_COMMAND", command.word());
    set("GARM_CONTROLLER_ID", to.options.owner.as_str());
    set("GARM_INTERFACE_VERSION", version);
    let config = to.options.provisioner.config.as_deref();
    set("GARM_PROVIDER_CONFIG_FILE", config.unwrap_or_default());
    if let Some(pool) = pool {
        set("GARM_POOL_ID", &marks::pool_id(pool));
    }
    call
}

/// Names the instance; the newer version wants its pool and specs too.
fn aim(to: &Provisioner, call: &mut Call, target: &Target) {
    let id = target.id.clone().unwrap_or_else(|| to.name(target.agent));
    call.environment.insert("GARM_INSTANCE_ID".to_owned(), id);
    if to.contract() == ProvisionerContract::GarmV011
        && let Some(pool) = &target.pool
    {
        let id = marks::pool_id(pool);
        call.environment.insert("GARM_POOL_ID".to_owned(), id);
        specify(to, call, pool);
    }
}

/// The newer version gets the pool's specs with every call, without anything secret.
fn specify(to: &Provisioner, call: &mut Call, pool: &PoolName) {
    if to.contract() == ProvisionerContract::GarmV011 {
        let specs = Specs::parse(&to.options_of(pool));
        let text = specs.map_or_else(|_| "{}".to_owned(), |specs| specs.extra_text());
        let text = STANDARD.encode(text);
        call.environment
            .insert("GARM_POOL_EXTRASPECS".to_owned(), text);
    }
}

/// The output of a call that went well.
fn heard(command: Command, said: Said) -> Result<Vec<u8>, Fault> {
    let verdict = match said.code {
        Some(0) => return Ok(said.output),
        Some(NOT_FOUND) => Verdict::NotFound,
        Some(DUPLICATE) => Verdict::Duplicate,
        // What a failed creation has left is removed after it.
        Some(_) => Verdict::Transient,
        None => Verdict::Unknown,
    };
    let code = said
        .code
        .map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
    let words = format!("{} {}", said.words, answer::of_failure(&said.output));
    let words = headcount_ports::texts::one_line(&words);
    let colon = if words.is_empty() { "" } else { ": " };
    Err(Fault::new(
        verdict,
        format!("`{}` ended with {code}{colon}{words}", command.word()),
    ))
}

/// An instance of ours; `None` has a name that is none of ours, or not the one asked for.
fn read(
    to: &Provisioner,
    pool: &PoolName,
    said: InstanceSaid,
    wanted: Option<&Target>,
) -> Result<Option<Machine>, Fault> {
    if said.provider_id.is_empty() || said.name.is_empty() {
        return Err(Fault::unknown(
            "an instance has no `provider_id` or no `name`",
        ));
    }
    let agent = marks::agent(&to.options.owner, &said.name);
    let agent = agent.filter(|agent| wanted.is_none_or(|target| target.agent == *agent));
    let Some(agent) = agent else {
        tracing::warn!(
            instance = said.name,
            "not of an agent of ours; it is left alone"
        );
        return Ok(None);
    };
    Ok(Some(Machine {
        state: said.status.state(),
        message: said.fault(),
        // That contract has no prices.
        price: None,
        lease: None,
        id: said.provider_id,
        name: said.name,
        agent,
        pool: pool.clone(),
    }))
}

/// Made and of no use; GARM's providers say so in a successful answer.
fn is_fault(machine: &Machine) -> bool {
    matches!(machine.state, headcount_model::InstanceState::Ended(_))
}
