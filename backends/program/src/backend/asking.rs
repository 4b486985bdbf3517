//! Asking by name (by id, where a contract knows no names) for whom no list shows.
//!
//! Promise: nobody is believed to be gone before it was asked for by name and the program says
//! that there is none: a list that loses a machine for a while ends nobody. No list waits for
//! that; a few are asked at once, and a program that does not answer for some keeps the others
//! waiting for a bounded time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use headcount_model::AgentId;

use super::{Core, by_id};
use crate::fault::Verdict;
use crate::provisioner::Target;

/// Asked for at the same moment.
const AT_ONCE: usize = 16;
/// After so long the next list is awaited, and the others are asked for first.
const ROUND: Duration = Duration::from_secs(60);

/// Asks after each list that lacks somebody, for as long as the backend lives.
pub(super) async fn keep_asking(core: Arc<Core>) {
    let mut last = None;
    loop {
        core.unseen.notified().await;
        last = ask_all(&core, last).await;
    }
}

/// Asks for everybody, those first who come after this one; the last who was asked.
async fn ask_all(core: &Core, after: Option<AgentId>) -> Option<AgentId> {
    let begun = Instant::now();
    let mut last = after;
    let unseen = core.census().unseen(usize::MAX);
    for group in in_turn(unseen, after).chunks(AT_ONCE) {
        if begun.elapsed() >= ROUND {
            break;
        }
        join_all(group.iter().map(|agent| ask(core, *agent))).await;
        last = group.last().copied();
    }
    last
}

/// The same, beginning with the first after this one.
fn in_turn(mut agents: Vec<AgentId>, after: Option<AgentId>) -> Vec<AgentId> {
    let before = agents.partition_point(|agent| Some(*agent) <= after);
    agents.rotate_left(before);
    agents
}

/// Who answers is there; of whom the program says that there is none is gone; whoever else is
/// looked for again.
async fn ask(core: &Core, agent: AgentId) {
    let asked = Instant::now();
    let answer = match core.provisioner.contract().is_garm() {
        true => by_id::ask(core, agent).await,
        false => core.provisioner.status(&by_name(core, agent)).await,
    };
    let now = Instant::now();
    let events = match answer {
        Ok(machine) => core.census().shown(&machine, now),
        Err(fault) if fault.verdict == Verdict::NotFound => {
            let gone = core.census().absent(agent, asked, now);
            gone.into_iter().collect()
        }
        // Nobody can tell.
        Err(_) => Vec::new(),
    };
    for event in events {
        core.tell(event).await;
    }
}

fn by_name(core: &Core, agent: AgentId) -> Target {
    Target {
        agent,
        pool: core.census().pool(agent),
        id: None,
        owner: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waited_longest_is_asked_first() {
        let agent = |number| AgentId { epoch: 1, number };
        let order = |after: Option<u32>| -> Vec<u32> {
            let agents = (1..=4).map(agent).collect();
            let turned = in_turn(agents, after.map(agent));
            turned.into_iter().map(|agent| agent.number).collect()
        };
        assert_eq!(order(None), [1, 2, 3, 4]);
        assert_eq!(order(Some(2)), [3, 4, 1, 2]);
        assert_eq!(order(Some(4)), [1, 2, 3, 4]);
        assert_eq!(order(Some(9)), [1, 2, 3, 4]);
        assert_eq!(in_turn(Vec::new(), Some(agent(1))), []);
    }
}
