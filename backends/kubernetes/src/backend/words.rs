//! The last output of an agent, as its cluster kept it.
//!
//! Promise: bounded whatever the agent wrote; it only explains, so what cannot be read is
//! left out. What goes with a pod is remembered for a while.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use headcount_model::AgentId;
use headcount_ports::texts::last_lines;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::time::timeout;

use super::Core;
use super::look::{self, Found};
use crate::access::Place;

/// Lines that are remembered of an agent that is gone.
const REMEMBERED_LINES: usize = 50;
/// Agents whose words are remembered.
const REMEMBERED: usize = 256;
/// For the cluster to hand over the lines.
const READ_WAIT: Duration = Duration::from_secs(5);
/// Read at most, in bytes.
const MAX_BYTES: i64 = 256 * 1024;

/// What was said by agents whose pods are gone.
#[derive(Default)]
pub(super) struct Words {
    said: Mutex<VecDeque<(AgentId, Vec<String>)>>,
}

impl Words {
    fn keep(&self, agent: AgentId, lines: Vec<String>) {
        let mut said = self.lock();
        said.retain(|(it, _)| *it != agent);
        if said.len() >= REMEMBERED {
            said.pop_front();
        }
        said.push_back((agent, lines));
    }

    fn of(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        let said = self.lock();
        let lines = said
            .iter()
            .find(|(it, _)| *it == agent)
            .map(|(_, lines)| lines);
        let from = lines.map_or(0, |lines| lines.len().saturating_sub(max_lines));
        let last = lines.and_then(|lines| lines.get(from..));
        last.map(<[String]>::to_vec).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(AgentId, Vec<String>)>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last lines of an agent: of its pod while there is one, else as remembered.
pub(super) async fn last(core: &Core, agent: AgentId, max_lines: usize) -> Vec<String> {
    let reading = async {
        let place = core.access.place().await.ok()?;
        let found = look::look(core, &place, agent).await.ok()?;
        read(&place, &found, max_lines).await
    };
    match timeout(READ_WAIT, reading).await.ok().flatten() {
        Some(lines) => lines,
        None => core.words.of(agent, max_lines),
    }
}

/// Remembers what an agent said last, before its pod goes.
pub(super) async fn remember(core: &Core, place: &Place, agent: AgentId, found: &Found) {
    let reading = read(place, found, REMEMBERED_LINES);
    if let Some(lines) = timeout(READ_WAIT, reading).await.ok().flatten() {
        core.words.keep(agent, lines);
    }
}

/// `None` where no pod of it can be asked.
async fn read(place: &Place, found: &Found, max_lines: usize) -> Option<Vec<String>> {
    let pod = found.pods.last()?;
    let container = found.job.as_ref().map(|job| job.terms.container.clone());
    read_pod(place, &pod.name, container, max_lines).await
}

async fn read_pod(
    place: &Place,
    pod: &str,
    container: Option<String>,
    max_lines: usize,
) -> Option<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
    let params = LogParams {
        container: container.filter(|name| !name.is_empty()),
        tail_lines: Some(i64::try_from(max_lines).unwrap_or(i64::MAX)),
        limit_bytes: Some(MAX_BYTES),
        ..LogParams::default()
    };
    let text = pods.logs(pod, &params).await.ok()?;
    Some(last_lines(&text, max_lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_words_is_bounded() {
        let words = Words::default();
        let agent = |number| AgentId { epoch: 1, number };
        words.keep(agent(0), vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(words.of(agent(0), 1), ["b"]);
        for number in 1..=u32::try_from(REMEMBERED).unwrap() {
            words.keep(agent(number), Vec::new());
        }
        assert_eq!(words.of(agent(0), 1), Vec::<String>::new());
        assert_eq!(words.lock().len(), REMEMBERED);
    }
}
