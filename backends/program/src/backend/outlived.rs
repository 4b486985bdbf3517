//! Creations that a killed daemon left behind: their programs go on without it.
//!
//! Promise: while such a program may still make its machine, the machine counts as present,
//! no absence of it is believed, and whoever would end it waits; the program has the rest of
//! the time that it was given, and is then ended. Leaves to others what is written
//! ([`crate::underway`]).

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use headcount_model::AgentId;
use tokio::time::sleep;

use super::{Core, look};
use crate::underway::Left;

/// Takes the turns of all of them, before anybody else can ask for one.
pub(super) fn wait_for_all(core: &Arc<Core>) {
    for (agent, left) in core.provisioner.left() {
        tracing::info!(%agent, "a daemon before this one left its creation behind");
        core.census().expect(agent, &left.pool, Instant::now());
        let place = core.turns.enter_to_make(agent);
        // Nobody else can have it, so it is there without waiting.
        let turn = place.turn().now_or_never();
        let core = core.clone();
        tokio::spawn(async move {
            end(&core, agent, &left).await;
            drop((turn, place));
            // What became of it is seen soon, and not with the next usual look.
            drop(look::refresh(&core).await);
        });
    }
}

async fn end(core: &Core, agent: AgentId, left: &Left) {
    match left.maker {
        Some(maker) => {
            if let Err(error) = maker.end_within(left.wait).await {
                tracing::warn!(%agent, %error, "its creation was left behind and cannot be ended");
                sleep(left.wait).await;
            }
        }
        // Nobody knows who makes it, or whether it was begun.
        None => sleep(left.wait).await,
    }
    // Lists that were begun before prove nothing.
    core.census().expect(agent, &left.pool, Instant::now());
    core.provisioner.forget(agent);
}
