//! What is true of every call.

use serde_json::json;

use super::super::stage::{Stage, by_name};
use super::{Outcome, why};
use crate::fault::Verdict;
use crate::native::{self, Request, Verb};

/// What the contract says of something that cannot be.
const INVALID: i32 = 14;

pub(super) async fn unknown_verb(stage: &Stage) -> Outcome {
    refused(stage, "reboot", document(stage, "verb", "reboot")).await
}

pub(super) async fn other_contract(stage: &Stage) -> Outcome {
    let document = document(stage, "contract", "headcount/v999");
    refused(stage, "list", document).await
}

/// What asks for a list, with this one thing wrong in it, so that nothing else is a reason to
/// refuse it.
fn document(stage: &Stage, key: &str, value: &str) -> Vec<u8> {
    let asked = Request::new(Verb::List, &stage.one, stage.options.deadline);
    let mut document = json!(asked);
    document[key] = json!(value);
    document.to_string().into_bytes()
}

async fn refused(stage: &Stage, verb: &'static str, document: Vec<u8>) -> Outcome {
    let mut call = stage.one.call(stage.options.deadline);
    call.arguments = vec![verb.to_owned()];
    call.input = document;
    let said = stage.one.run(call).await.map_err(why)?;
    match said.code {
        Some(INVALID) => Ok(String::new()),
        Some(code) => Err(format!("it ended with code {code}")),
        None => Err("a signal ended it".to_owned()),
    }
}

pub(super) async fn never_status(stage: &Stage) -> Outcome {
    match native::status(&stage.one, &by_name(stage.agent())).await {
        Err(fault) if fault.verdict == Verdict::NotFound => Ok(String::new()),
        Err(fault) => Err(fault.message),
        Ok(machine) => Err(format!("it showed `{}`", machine.id)),
    }
}

pub(super) async fn never_destroy(stage: &Stage) -> Outcome {
    let grace = std::time::Duration::ZERO;
    let ended = native::destroy(&stage.one, &by_name(stage.agent()), grace).await;
    ended.map(|()| String::new()).map_err(why)
}

pub(super) fn in_time(stage: &Stage) -> Outcome {
    let seen = stage.witness.seen();
    let wrong: Vec<String> = seen.late.iter().chain(&seen.loud).cloned().collect();
    match wrong.is_empty() {
        true => Ok(format!(
            "{} calls, the slowest took {} ms",
            seen.calls,
            seen.slowest.as_millis()
        )),
        false => Err(wrong.join("; ")),
    }
}

pub(super) fn nothing_left(stage: &Stage) -> Outcome {
    let left = stage.witness.seen().left.join("; ");
    if left.is_empty() { Ok(left) } else { Err(left) }
}

pub(super) fn secrets(stage: &Stage) -> Outcome {
    let told = stage.witness.seen().told.join("; ");
    if told.is_empty() { Ok(told) } else { Err(told) }
}
