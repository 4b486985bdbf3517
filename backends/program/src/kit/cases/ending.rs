//! Cases of ending machines.

use std::time::Duration;

use super::super::stage::{Stage, by_name};
use super::{Outcome, why};
use crate::native;
use crate::provisioner::Target;

pub(super) async fn destroy(stage: &Stage) -> Outcome {
    let (named, numbered) = (stage.agent(), stage.agent());
    stage
        .create(&stage.one, named, "kit/a")
        .await
        .map_err(why)?;
    let made = stage
        .create(&stage.one, numbered, "kit/a")
        .await
        .map_err(why)?;
    stage
        .end(&stage.one, &by_name(named))
        .await
        .map_err(|fault| format!("by its name: {}", fault.message))?;
    let target = Target {
        id: Some(made.id),
        pool: Some(made.pool),
        ..by_name(numbered)
    };
    stage
        .end(&stage.one, &target)
        .await
        .map_err(|fault| format!("by its id: {}", fault.message))?;
    for agent in [named, numbered] {
        if let Err(n) = stage.await_shown(&stage.one, agent, 0).await.map_err(why)? {
            return Err(format!("status shows it no more, and list shows {n}"));
        }
    }
    Ok(String::new())
}

pub(super) async fn twice(stage: &Stage) -> Outcome {
    let agent = stage.agent();
    stage
        .create(&stage.one, agent, "kit/a")
        .await
        .map_err(why)?;
    stage.end(&stage.one, &by_name(agent)).await.map_err(why)?;
    let again = native::destroy(&stage.one, &by_name(agent), Duration::ZERO).await;
    again.map(|()| String::new()).map_err(why)
}
