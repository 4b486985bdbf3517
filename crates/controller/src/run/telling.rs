//! What those who watch are told once a round is durable: its changes, how launches go,
//! jobs that pile up, and who cannot be asked.
//!
//! Promise: told once each, after the round that brought it is written. Leaves to others:
//! what is kept of it (`launches`), when jobs pile up (`backlog`), and which trouble is new (`troubles`).

use std::collections::BTreeMap;
use std::sync::Arc;

use headcount_model::{
    AgentId, AgentPhase, BackendEvent, OtherEnd, Timestamp, Trouble, TroubleKind,
};
use headcount_planner::{Answered, News};

use super::Hall;
use crate::backlog::{self, MAX_CLASSES, SUSTAINED};
use crate::troubles::{Turn, Whose};
use crate::{Event, Round, events};

impl Hall {
    /// Notes what is told to those who watch and changes no record.
    pub(super) fn listen(&mut self, news: &News) {
        match news {
            News::Backend(_, BackendEvent::Fenced(agent)) => self.fenced.push(*agent),
            News::Answered(Answered::Destroy(agent, Err(trouble))) => {
                self.warn_of_refusal(*agent, trouble);
            }
            News::Answered(Answered::Reap(backend, agent, Ok(()))) => {
                self.reaped.push(Event::Reaped {
                    agent: *agent,
                    backend: backend.clone(),
                });
            }
            News::Answered(Answered::ReapOther(backend, owner, agent, Ok(end))) => match end {
                OtherEnd::Gone => {
                    tracing::info!(%backend, %owner, %agent, "of another owner; it is removed");
                }
                OtherEnd::Spared => tracing::info!(
                    %backend,
                    %owner,
                    %agent,
                    "of another owner; it is left alone: its lease was renewed, or its marks changed"
                ),
            },
            _ => {}
        }
    }

    /// Everything that this round has to tell.
    pub(super) fn tell(&mut self, round: &Round, now: Timestamp) {
        let reaped = std::mem::take(&mut self.reaped);
        let backlog = self.look_at_backlog(now);
        let detected = round.detected.iter().cloned();
        let detected = detected.map(|(pool, after)| Event::Detected { pool, after });
        let events = events::of(&round.changes).chain(reaped).chain(backlog);
        for event in detected.chain(events) {
            // Nobody may be watching.
            drop(self.events.send(Arc::new(event)));
        }
        self.warn_of_quarantines(round, now);
        self.note_launches(round, now);
        self.look_at_troubles();
    }

    /// Says who cannot be asked, or answers again.
    fn look_at_troubles(&mut self) {
        for turn in self.troubles.look(self.core.world()) {
            match turn {
                Turn::Begun(Whose::Triggers(pool), trouble) => tracing::warn!(
                    %pool,
                    "a trigger cannot be read, and nothing is made or removed because of it: {trouble}"
                ),
                Turn::Begun(Whose::Source(source), trouble) => {
                    tracing::warn!(%source, "what waits there is unknown: {trouble}");
                }
                Turn::Begun(Whose::Others(backend), trouble) => tracing::warn!(
                    %backend,
                    "whether other owners renew their leases there is unknown: {trouble}"
                ),
                Turn::Over(Whose::Others(backend)) => {
                    tracing::info!(%backend, "it shows machines of other owners again");
                }
                Turn::Begun(Whose::Backend(backend), trouble) => {
                    tracing::warn!(%backend, "what exists there is unknown: {trouble}");
                }
                Turn::Begun(Whose::Launches(pool), trouble) => {
                    tracing::warn!(%pool, "launches fail: {trouble}");
                }
                Turn::Over(Whose::Launches(pool)) => {
                    tracing::info!(%pool, "launches work again");
                }
                Turn::Begun(Whose::Orphans(backend), how_many) => tracing::warn!(
                    %backend,
                    "instances of ours that the ledger does not know, {how_many}, count in all \
                     caps until they are gone: `headcount orphans` lists them, `--reap` removes \
                     them at once"
                ),
                Turn::Over(Whose::Orphans(backend)) => {
                    tracing::info!(%backend, "no instance is there that the ledger does not know");
                }
                Turn::Over(Whose::Triggers(pool)) => {
                    tracing::info!(%pool, "all triggers are read again");
                }
                Turn::Over(Whose::Source(source)) => tracing::info!(%source, "it answers again"),
                Turn::Over(Whose::Backend(backend)) => {
                    tracing::info!(%backend, "it answers again");
                }
            }
        }
    }

    /// Says why an agent could not be removed, the first time: it is tried again, at last for
    /// a person to look at.
    fn warn_of_refusal(&self, id: AgentId, trouble: &Trouble) {
        let agent = self.core.world().agent(id);
        let first = agent.filter(|agent| agent.stays_for().is_none());
        let Some(agent) = first.filter(|_| trouble.kind != TroubleKind::Gone) else {
            return;
        };
        tracing::warn!(
            agent = %id,
            pool = %agent.record().pool,
            "it could not be removed, and is tried again: {}",
            trouble.message
        );
    }

    fn warn_of_quarantines(&self, round: &Round, now: Timestamp) {
        let new =
            round.changes.agents.iter().filter(|record| {
                record.phase == AgentPhase::Quarantined && record.phase_since == now
            });
        for record in new {
            let agent = self.core.world().agent(record.id);
            let why = agent.and_then(|agent| agent.stays_for());
            tracing::warn!(
                agent = %record.id,
                pool = %record.pool,
                backend = %record.backend,
                why,
                "quarantined: it cannot be removed, and counts until it is confirmed gone twice"
            );
        }
    }

    /// Remembers how launches went, and asks for the last words of those that failed.
    fn note_launches(&mut self, round: &Round, now: Timestamp) {
        self.launches.note(&round.changes.agents, now);
        let fenced = std::mem::take(&mut self.fenced);
        self.launches.fenced(&fenced, now);
        let failures = self.core.world().failures();
        for failure in failures.after(self.failures_seen) {
            self.launches
                .failed(failure.agent, failure.at, &failure.message);
            self.executor
                .last_words(failure.agent, &failure.backend, &self.launches);
        }
        self.failures_seen = failures.count();
    }

    /// Says that jobs pile up, or no longer do.
    fn look_at_backlog(&mut self, now: Timestamp) -> Option<Event> {
        let threshold = self.backlog.threshold()?.get();
        let classes = self.core.world().classes();
        let depth = classes.map(|class| class.count.waiting).sum();
        let sustained = self.backlog.look(depth, now)? == backlog::Turn::Sustained;
        let largest = self.largest_classes();
        if sustained {
            // The name under which users of the KiCI auto-scaler look for it.
            let event = "queue.backpressure.sustained";
            let (span, by_labels) = (SUSTAINED.as_secs(), spelled(&largest));
            tracing::warn!(
                event,
                depth,
                threshold,
                by_labels,
                "at least {threshold} jobs have been waiting for {span} s"
            );
        } else {
            tracing::info!(depth, threshold, "fewer than {threshold} jobs wait again");
        }
        Some(Event::Backlog {
            sustained,
            depth,
            threshold,
            largest,
        })
    }

    /// Jobs that wait, by what they run on; the largest numbers first, bounded.
    fn largest_classes(&self) -> Vec<(String, u64)> {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for class in self.core.world().classes() {
            if class.count.waiting > 0 {
                *sums.entry(class.key.runs_on.join(",")).or_default() += class.count.waiting;
            }
        }
        let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
        sums.sort_by_key(|(_, jobs)| std::cmp::Reverse(*jobs));
        sums.truncate(MAX_CLASSES);
        sums
    }
}

/// Such as `linux,docker: 120; mac: 3`.
fn spelled(largest: &[(String, u64)]) -> String {
    let one = |(labels, jobs): &(String, u64)| format!("{labels}: {jobs}");
    largest.iter().map(one).collect::<Vec<_>>().join("; ")
}
