//! Cases of one call that asks for several machines.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use headcount_model::{AgentId, Exit, InstanceState};
use tokio::time::{sleep, timeout};

use super::super::stage::{PAUSE, Stage, by_name, idle};
use super::creating::alive;
use super::{Outcome, why};
use crate::fault::{Fault, Verdict};
use crate::native;
use crate::provisioner::Machine;

/// Moments after the start at which a create is killed.
const KILLS: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(200),
    Duration::from_millis(1000),
];

pub(super) async fn whole(stage: &Stage) -> Outcome {
    let agents = stage.agents();
    let first = made(stage, &agents).await?;
    stage.witness.look_at_arguments();
    first.iter().try_for_each(alive)?;
    let again = made(stage, &agents).await?;
    each_once(stage, &agents).await?;
    end(stage, &agents).await?;
    same_ids(&first, &again)?;
    Ok(format!("{} machines", agents.len()))
}

pub(super) async fn rest(stage: &Stage) -> Outcome {
    let agents = stage.agents();
    let (some, _) = agents.split_at(agents.len().div_ceil(2));
    let mut first = Vec::new();
    for agent in some {
        let machine = stage.create(&stage.one, *agent, "kit/a").await;
        first.push(machine.map_err(why)?);
    }
    let all = made(stage, &agents).await?;
    each_once(stage, &agents).await?;
    end(stage, &agents).await?;
    same_ids(&first, &all)?;
    Ok(format!("{} of {} were there", some.len(), agents.len()))
}

/// Each machine ends with a code of its own, where the program tells codes.
pub(super) async fn own(stage: &Stage) -> Outcome {
    let agents = stage.agents();
    let command = |n: usize| ["sh", "-c", &format!("exit {}", code(n))].map(str::to_owned);
    let made = stage
        .create_all(&agents, |n| command(n).to_vec())
        .await
        .into_iter();
    made.collect::<Result<Vec<_>, _>>().map_err(why)?;
    let started = Instant::now();
    let (mut told, mut wrong) = (0, Vec::new());
    for (n, agent) in agents.iter().enumerate() {
        let Some(seen) = exit_code(stage, *agent, started).await? else {
            continue;
        };
        told += 1;
        if seen != code(n) {
            let (name, own) = (stage.one.name(*agent), code(n));
            wrong.push(format!(
                "`{name}` ended with the code {seen} of another instead of its own {own}"
            ));
        }
    }
    end(stage, &agents).await?;
    match (wrong.is_empty(), told == agents.len()) {
        (false, _) => Err(wrong.join("; ")),
        (true, true) => Ok(String::new()),
        (true, false) => Ok(format!(
            "seen of {told} of {}: the others show no `exitCode` of their start-up script",
            agents.len()
        )),
    }
}

/// What the script of the n-th machine ends with.
fn code(n: usize) -> i32 {
    i32::try_from(n).unwrap_or_default() + 1
}

/// The code that its machine is shown to have ended with; `None` when it shows none.
async fn exit_code(stage: &Stage, agent: AgentId, started: Instant) -> Result<Option<i32>, String> {
    loop {
        match native::status(&stage.one, &by_name(agent)).await {
            Ok(machine) => match machine.state {
                InstanceState::Ended(Exit::Code(code)) => return Ok(Some(code)),
                InstanceState::Ended(_) => return Ok(None),
                InstanceState::Starting | InstanceState::Unfinished | InstanceState::Running => {}
            },
            Err(fault) if fault.verdict == Verdict::NotFound => return Ok(None),
            Err(fault) => return Err(fault.message),
        }
        if started.elapsed() >= stage.options.patience {
            return Ok(None);
        }
        sleep(PAUSE).await;
    }
}

/// Whatever is left half-made becomes one machine each, and then none.
pub(super) async fn killed(stage: &Stage) -> Outcome {
    let mut cut = 0;
    for moment in KILLS {
        let agents = stage.agents();
        let mut call = stage.one.call(stage.options.deadline);
        call.arguments = vec!["create".to_owned()];
        call.input = stage.creation_of_all(&agents).map_err(why)?;
        // Dropping a call kills its group.
        cut += usize::from(timeout(moment, call.run()).await.is_err());
        let told = |why: String| format!("killed after {} ms: {why}", moment.as_millis());
        made(stage, &agents).await.map_err(told)?;
        each_once(stage, &agents).await.map_err(told)?;
        end(stage, &agents).await.map_err(told)?;
    }
    Ok(format!(
        "{cut} of {} were still running when they were killed",
        KILLS.len()
    ))
}

/// All of them, made in one call.
async fn made(stage: &Stage, agents: &[AgentId]) -> Result<Vec<Machine>, String> {
    let made: Vec<Result<Machine, Fault>> = stage.create_all(agents, |_| idle()).await;
    made.into_iter().map(|made| made.map_err(why)).collect()
}

/// Whether a list shows each of them, once, within the patience there is.
async fn each_once(stage: &Stage, agents: &[AgentId]) -> Result<(), String> {
    let started = Instant::now();
    loop {
        let shown = stage.list(&stage.one, None).await.map_err(why)?;
        let wrong = agents.iter().filter_map(|agent| {
            let name = stage.one.name(*agent);
            let n = shown.iter().filter(|machine| machine.name == name).count();
            (n != 1).then(|| format!("list shows {n} of `{name}`"))
        });
        let wrong: Vec<String> = wrong.collect();
        if wrong.is_empty() {
            return Ok(());
        }
        if started.elapsed() >= stage.options.patience {
            return Err(wrong.join("; "));
        }
        sleep(PAUSE).await;
    }
}

/// All at once, as far as calls go.
async fn end(stage: &Stage, agents: &[AgentId]) -> Result<(), String> {
    let targets: Vec<_> = agents.iter().map(|agent| by_name(*agent)).collect();
    let ending = targets.iter().map(|target| stage.end(&stage.one, target));
    let ended = join_all(ending).await.into_iter();
    ended.collect::<Result<Vec<()>, _>>().map(drop).map_err(why)
}

/// Whether those that were there are the ones that are there.
fn same_ids(before: &[Machine], after: &[Machine]) -> Result<(), String> {
    let mut pairs = before.iter().zip(after);
    match pairs.find(|(before, after)| before.id != after.id) {
        None => Ok(()),
        Some((before, after)) => Err(format!(
            "`{}` was first `{}`, then `{}`",
            before.name, before.id, after.id
        )),
    }
}
