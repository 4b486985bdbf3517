//! Cases of making machines.

use std::time::Duration;

use headcount_model::InstanceState;
use tokio::time::timeout;

use super::super::stage::{Stage, by_name};
use super::{Outcome, why};
use crate::native;
use crate::provisioner::Machine;

/// Moments after the start at which a create is killed.
const KILLS: [Duration; 5] = [
    Duration::from_millis(3),
    Duration::from_millis(15),
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(500),
];

pub(super) async fn create(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    let machine = stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    stage.witness.look_at_arguments();
    alive(&machine)?;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    Ok(format!("its id was `{}`", machine.id))
}

pub(super) async fn status(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    let made = stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    let shown = native::status(&stage.one, &by_name(agent))
        .await
        .map_err(why)?;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    if (&shown.id, &shown.pool) != (&made.id, &made.pool) {
        return Err(format!(
            "create said id `{}` in pool `{}`, status says `{}` in `{}`",
            made.id, made.pool, shown.id, shown.pool
        ));
    }
    alive(&shown).map(|()| String::new())
}

pub(super) async fn again(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    let first = stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    let second = stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    let shown = stage.await_shown(&stage.one, agent, 1).await.map_err(why)?;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    if first.id != second.id {
        return Err(format!("first it was `{}`, then `{}`", first.id, second.id));
    }
    one(shown)
}

pub(super) async fn at_once(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    let create = || stage.create(&stage.one, agent, "kit/a");
    let made = tokio::join!(create(), create(), create());
    let shown = stage.await_shown(&stage.one, agent, 1).await.map_err(why)?;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    let ids: Vec<String> = [made.0, made.1, made.2]
        .into_iter()
        .map(|made| made.map(|machine| machine.id).map_err(why))
        .collect::<Result<_, _>>()?;
    match ids.iter().find(|id| Some(*id) != ids.first()) {
        Some(other) => Err(format!("two answers name `{}` and `{other}`", ids[0])),
        None => one(shown),
    }
}

pub(super) async fn many(stage: &Stage) -> Outcome {
    let agents: Vec<_> = (0..8).map(|_| stage.agent()).collect();
    let create = |n: usize| stage.create(&stage.one, agents[n], "kit/a");
    let made = tokio::join!(
        create(0),
        create(1),
        create(2),
        create(3),
        create(4),
        create(5),
        create(6),
        create(7)
    );
    let made = [
        made.0, made.1, made.2, made.3, made.4, made.5, made.6, made.7,
    ];
    let mut wrong: Vec<String> = made
        .into_iter()
        .filter_map(|made| made.err().map(why))
        .collect();
    for agent in &agents {
        if let Err(n) = stage
            .await_shown(&stage.one, *agent, 1)
            .await
            .map_err(why)?
        {
            wrong.push(format!("list shows {n} of `{}`", stage.one.name(*agent)));
        }
    }
    for agent in agents {
        stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    }
    match wrong.is_empty() {
        true => Ok(String::new()),
        false => Err(wrong.join("; ")),
    }
}

/// The program is killed with its group at several moments; whatever it left half-made must
/// become one machine, and then none.
pub(super) async fn killed(stage: &Stage) -> Outcome {
    let mut cut = 0;
    for moment in KILLS {
        let agent = stage.agent();
        let mut call = stage.one.call(stage.options.deadline);
        call.arguments = vec!["create".to_owned()];
        call.input = stage.creation(&stage.one, agent).map_err(why)?;
        // Dropping a call kills its group.
        cut += usize::from(timeout(moment, call.run()).await.is_err());
        let at = format!("killed after {} ms", moment.as_millis());
        let told = |why: String| format!("{at}: {why}");
        stage
            .list(&stage.one, None)
            .await
            .map_err(|fault| told(why(fault)))?;
        let made = stage.create(&stage.one, agent, "kit/a").await;
        made.map_err(|fault| told(why(fault)))?;
        let shown = stage.await_shown(&stage.one, agent, 1).await;
        one(shown.map_err(|fault| told(why(fault)))?).map_err(told)?;
        let ended = stage.end(&stage.one, &by_name(agent)).await;
        ended.map_err(|fault| told(why(fault)))?;
    }
    Ok(format!(
        "{cut} of {} were still running when they were killed",
        KILLS.len()
    ))
}

/// Whether a fresh machine is of use.
pub(super) fn alive(machine: &Machine) -> Result<(), String> {
    match machine.state {
        InstanceState::Starting | InstanceState::Unfinished | InstanceState::Running => Ok(()),
        InstanceState::Ended(_) => Err(format!(
            "a fresh machine has the status `ended`{}; its start-up script sleeps for an hour",
            machine
                .message
                .as_ref()
                .map(|it| format!(" ({it})"))
                .unwrap_or_default()
        )),
    }
}

fn one(shown: Result<Duration, usize>) -> Outcome {
    match shown {
        Ok(_) => Ok(String::new()),
        Err(n) => Err(format!("list shows {n} machines of the name")),
    }
}
