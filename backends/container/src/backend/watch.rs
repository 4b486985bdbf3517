//! Watching: what the engine tells of our containers, and what it could not tell while it
//! was away.
//!
//! Promise: a container that ended is removed and its end is told once; one that was
//! removed by hand is told of at once; after every gap all of ours is looked at and a list
//! is asked for. Nothing polls while the engine is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::{Stream, StreamExt};
use headcount_model::{AgentId, BackendEvent, Exit, InstanceState};
use tokio::time::{sleep, timeout};

use super::look::{self, Found, look};
use super::{Core, ending};
use headcount_engines::{ANSWER_WAIT, Client, Fault, within};
use headcount_engines::{REMEMBERED_LINES, last_words};

/// Between two tries to reach an engine that is away; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After so long without an event a remote engine is asked whether it is there.
const REMOTE_QUIET: Duration = Duration::from_secs(60);
/// What stands under a container's last words when it had too little memory.
const OUT_OF_MEMORY: &str =
    "(ended by the kernel: it needed more memory than its limit; raise `resources.limits.memory`)";

/// Follows the engine for as long as the backend lives.
pub(super) async fn watch(core: Arc<Core>) {
    let mut pause = FIRST_PAUSE;
    // Whoever starts asks for a list anyway.
    let mut gap = false;
    loop {
        let mut connected = false;
        let fault = follow(&core, gap, &mut connected).await;
        gap = true;
        core.engine.forget().await;
        if connected {
            pause = FIRST_PAUSE;
            tracing::warn!(backend = %core.ours.backend, error = fault, "the engine is away");
            core.tell(BackendEvent::Missed).await;
        } else {
            tracing::debug!(backend = %core.ours.backend, error = fault, "no engine yet");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Returns why it cannot go on.
async fn follow(core: &Arc<Core>, gap: bool, connected: &mut bool) -> String {
    let (client, mut events) = match open(core).await {
        Ok(opened) => opened,
        Err(fault) => return fault.message,
    };
    // What happened before the first event: events from then on come twice at worst.
    if let Err(fault) = catch_up(core).await {
        return fault.message;
    }
    *connected = true;
    tracing::info!(backend = %core.ours.backend, kind = ?client.kind, "the engine is there");
    if gap {
        core.tell(BackendEvent::Missed).await;
    }
    loop {
        match next(&client, &mut events).await {
            Some(Ok(event)) => take_in(core, &event),
            Some(Err(fault)) => return fault.message,
            None => return "the engine ended".to_owned(),
        }
    }
}

type Events =
    std::pin::Pin<Box<dyn Stream<Item = Result<EventMessage, bollard::errors::Error>> + Send>>;

/// The next event. A remote engine that is silent for long is asked whether it is there:
/// a network can lose a connection without a word, a socket of this host cannot.
async fn next(client: &Client, events: &mut Events) -> Option<Result<EventMessage, Fault>> {
    loop {
        let quiet = match client.socket {
            Some(_) => Duration::MAX,
            None => REMOTE_QUIET,
        };
        if let Ok(event) = timeout(quiet, events.next()).await {
            let told = |error| Fault::new("go on telling events", error);
            return event.map(|event| event.map_err(told));
        }
        let asking = client.docker.ping();
        if let Err(fault) = within("answer", ANSWER_WAIT, asking).await {
            return Some(Err(fault));
        }
    }
}

/// Events of our containers from now on, by the engine's own clock.
async fn open(core: &Core) -> Result<(Arc<Client>, Events), Fault> {
    let client = core.engine.client().await?;
    let info = within("tell of itself", ANSWER_WAIT, client.docker.info()).await?;
    let filters = HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("label".to_owned(), core.ours.filters()),
    ]);
    let options = EventsOptionsBuilder::default().filters(&filters);
    let options = match info.system_time.as_deref().and_then(seconds) {
        Some(now) => options.since(&now),
        None => options,
    };
    let events = client.docker.events(Some(options.build()));
    Ok((client, Box::pin(events)))
}

/// A moment as every engine reads it.
fn seconds(moment: &str) -> Option<String> {
    let moment: jiff::Timestamp = moment.parse().ok()?;
    Some(moment.as_second().to_string())
}

/// Buries what ended while nobody watched, and takes back what was admitted for nothing.
async fn catch_up(core: &Arc<Core>) -> Result<(), Fault> {
    let client = core.engine.client().await?;
    let mut idle = core.fence.admitted(&client).await?;
    // Whoever is about to be made is admitted before it can be listed.
    idle.retain(|agent| !core.turns.is_taken(*agent));
    let instances = look::list(core).await?.instances;
    for instance in &instances {
        if matches!(instance.state, InstanceState::Ended(_)) {
            bury_later(core, instance.agent);
        }
    }
    for agent in idle {
        if !instances.iter().any(|instance| instance.agent == agent) {
            core.fence.withdraw(&client, agent).await?;
        }
    }
    Ok(())
}

fn take_in(core: &Arc<Core>, event: &EventMessage) {
    let actor = event.actor.as_ref();
    let labels = actor.and_then(|actor| actor.attributes.as_ref());
    let Some(mark) = labels.and_then(|labels| core.ours.read(labels)) else {
        return;
    };
    // Docker says `die` and `destroy`, Podman also `died` and `remove`.
    let ends = ["die", "died", "destroy", "remove"];
    if event.action.as_deref().is_some_and(|it| ends.contains(&it)) {
        bury_later(core, mark.agent);
    }
}

/// Buries it once it is its turn.
pub(super) fn bury_later(core: &Arc<Core>, agent: AgentId) {
    let core = core.clone();
    let place = core.turns.enter(agent);
    tokio::spawn(async move {
        let _turn = place.turn().await;
        if let Err(fault) = bury(&core, agent).await {
            tracing::warn!(%agent, error = fault.message, "has ended and is still there");
            core.tell(BackendEvent::Missed).await;
        }
    });
}

/// Removes a container that ended, keeps its last words, and tells.
async fn bury(core: &Core, agent: AgentId) -> Result<(), Fault> {
    if core.turns.over(agent).is_some() {
        return Ok(());
    }
    let client = core.engine.client().await?;
    let (exit, words) = match look(core, &client, agent).await? {
        Found::Created | Found::Running | Found::Foreign => return Ok(()),
        // Somebody else removed it.
        Found::Nothing => {
            core.fence.withdraw(&client, agent).await?;
            (Exit::Unknown, Vec::new())
        }
        Found::Ended {
            exit,
            out_of_memory,
        } => {
            let name = core.ours.name(agent);
            let mut words = last_words(&client, &name, REMEMBERED_LINES).await;
            words.extend(out_of_memory.then(|| OUT_OF_MEMORY.to_owned()));
            ending::remove(core, &client, agent).await?;
            (exit, words)
        }
    };
    if core.turns.note_over(agent, exit, words) {
        core.tell(BackendEvent::Gone(agent, exit)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds() {
        let told = "2026-11-22T08:09:46.746369446Z";
        assert_eq!(seconds(told).as_deref(), Some("1795334986"));
        assert_eq!(seconds("2026-11-22T09:09:46+01:00"), seconds(told));
        assert_eq!(seconds(""), None);
    }
}
