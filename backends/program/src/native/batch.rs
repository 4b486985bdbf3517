//! Several machines in one `create`, and what the answer says of each of them.
//!
//! Promise: of each machine that was asked for there is one answer. A machine is believed
//! to be made only when it stands in `machines` once, with the marks it was given; not to be
//! made only when it stands in `errors` once with a kind that is known, or when the whole
//! was refused. Of every other nobody knows. Leaves to others which machines go together
//! (`backend`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::ErrorSaid;
use super::{Answer, MachineAsked, MachineSaid, Request, StartUpData, Verb};
use crate::fault::{Fault, Verdict};
use crate::provisioner::{Machine, Order, Provisioner};
use headcount_calls::Said;

/// What a person may have to do when a whole batch is refused as `invalid`.
const HINT: &str =
    "; if it does not know `machines` in a `create`, take `createBatch` out of its scaler";

/// One of several machines that are asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MachineToMake {
    machine: MachineAsked,
    start_up: StartUpData,
}

/// One of `errors`.
#[derive(Debug, Deserialize)]
struct NotMade {
    name: String,
    #[serde(flatten)]
    error: ErrorSaid,
}

/// See [`Provisioner::create_all`]. All orders want the same but for marks and start-up.
pub(crate) async fn create(to: &Provisioner, orders: &[Order<'_>]) -> Vec<Result<Machine, Fault>> {
    match ask(to, orders).await {
        Ok(mut told) => {
            let answers = orders.iter().map(|order| told.of(to, order)).collect();
            told.warn_of_the_rest();
            answers
        }
        Err(fault) => vec![Err(fault); orders.len()],
    }
}

/// What is asked when they are to be made; `None` without any.
pub(crate) fn creation<'a>(
    to: &'a Provisioner,
    orders: &[Order<'a>],
    options: &'a Value,
) -> Option<Request<'a>> {
    let mut request = super::order(to, orders.first()?, options);
    let machines = orders.iter().map(|order| MachineToMake {
        machine: MachineAsked::to_make(to, order),
        start_up: StartUpData::of(&order.start_up),
    });
    request.machines = Some(machines.collect());
    Some(request)
}

async fn ask(to: &Provisioner, orders: &[Order<'_>]) -> Result<Told, Fault> {
    let Some(first) = orders.first() else {
        return Ok(Told::default());
    };
    let options = super::options(first)?;
    let Some(request) = creation(to, orders, &options) else {
        return Ok(Told::default());
    };
    let mut call = to.call(Duration::from_secs(request.deadline_seconds));
    request.set(&mut call);
    Told::read(heard(to.make(call, orders).await?)?)
}

/// The answer of a call that has ended. What tells of single machines is believed of a call
/// that succeeded: one that failed may have been cut short after it had written that.
pub(super) fn heard(said: Said) -> Result<Answer, Fault> {
    let code = said.code.filter(|code| *code != 0);
    let tells = |answer: Answer| {
        let errors = answer.errors.as_ref().and_then(Value::as_array);
        answer.machines.is_some_and(|it| !it.is_empty()) || errors.is_some_and(|it| !it.is_empty())
    };
    if let (Some(code), Ok(true)) = (code, Answer::parse(&said.output).map(tells)) {
        return Err(Fault::unknown(format!(
            "`create` ended with code {code} and tells of single machines; end with code 0 where \
             `machines` and `errors` say what became of each"
        )));
    }
    let answer = super::heard(Verb::Create, said);
    answer.map_err(|mut fault| {
        if fault.verdict == Verdict::Invalid {
            fault.message.push_str(HINT);
        }
        fault
    })
}

/// What an answer says, by the names of machines.
#[derive(Debug, Default)]
pub(super) struct Told {
    made: BTreeMap<String, Vec<MachineSaid>>,
    not_made: BTreeMap<String, Vec<ErrorSaid>>,
    /// Ids that stand on more than one machine.
    shared: BTreeSet<String>,
}

impl Told {
    /// Of an answer that is not a refusal of the whole.
    pub(super) fn read(answer: Answer) -> Result<Self, Fault> {
        if answer.machines.is_none() && answer.errors.is_none() {
            return Err(Fault::unknown(format!(
                "its answer to a `create` of several machines has neither `machines` nor `errors`{HINT}"
            )));
        }
        let mut told = Self::default();
        let mut ids = BTreeSet::new();
        for machine in answer.machines.into_iter().flatten() {
            if !ids.insert(machine.id.clone()) {
                told.shared.insert(machine.id.clone());
            }
            let of_name = told.made.entry(machine.name.clone()).or_default();
            of_name.push(machine);
        }
        let errors: Option<Vec<NotMade>> =
            serde_json::from_value(answer.errors.unwrap_or_default()).map_err(|error| {
                Fault::unknown(format!("`errors` in its answer cannot be read: {error}"))
            })?;
        for refused in errors.into_iter().flatten() {
            let of_name = told.not_made.entry(refused.name).or_default();
            of_name.push(refused.error);
        }
        Ok(told)
    }

    /// What it says of this one.
    pub(super) fn of(&mut self, to: &Provisioner, order: &Order<'_>) -> Result<Machine, Fault> {
        let name = to.name(order.request.agent);
        let made = self.made.remove(&name).unwrap_or_default();
        let not_made = self.not_made.remove(&name).unwrap_or_default();
        match (made.as_slice(), not_made.as_slice()) {
            ([machine], []) => self.believed(to, order, machine),
            ([], [error]) => Err(refused(&name, error)),
            ([], []) => Err(Fault::unknown(format!(
                "its answer has `{name}` neither in `machines` nor in `errors`"
            ))),
            _ => Err(Fault::unknown(format!(
                "its answer has `{name}` more than once"
            ))),
        }
    }

    fn believed(
        &self,
        to: &Provisioner,
        order: &Order<'_>,
        said: &MachineSaid,
    ) -> Result<Machine, Fault> {
        let (name, asked) = (&said.name, order.request);
        if self.shared.contains(&said.id) {
            let id = said.id.escape_debug();
            return Err(Fault::unknown(format!(
                "its answer has the id `{id}` on `{name}` and on another machine"
            )));
        }
        let generation = said.generation.unwrap_or(asked.agent.epoch);
        let other = match super::read(&to.options.owner, said.clone())? {
            None => "owner",
            Some(made) if made.agent != asked.agent => "agent",
            Some(made) if made.pool != asked.pool => "pool",
            Some(_) if generation != asked.agent.epoch => "generation",
            Some(made) => return Ok(made),
        };
        Err(Fault::unknown(format!(
            "its answer has `{name}` with another `{other}` than was asked for"
        )))
    }

    /// Machines nobody asked for are for the next list, where a mark of ours shows.
    fn warn_of_the_rest(&self) {
        for name in self.made.keys().chain(self.not_made.keys()) {
            let name = name.escape_debug().to_string();
            tracing::warn!(
                machine = name,
                "a create was answered with one not asked for"
            );
        }
    }
}

/// Of one that was not made, if that is what its kind says.
fn refused(name: &str, error: &ErrorSaid) -> Fault {
    let mut fault = error.fault().unwrap_or_else(|| {
        Fault::unknown(format!(
            "its answer refuses `{name}` with a kind that there is not: {}",
            error.text()
        ))
    });
    if fault.message.is_empty() {
        fault.message = format!("`{name}` was refused with no message");
    }
    fault
}

#[cfg(test)]
mod tests;
