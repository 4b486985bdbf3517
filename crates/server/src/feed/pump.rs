//! From the loop's events to the feed, and to what is measured over time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use headcount_api::Event as Wire;
use headcount_controller::Event;
use headcount_model::{AgentId, AgentPhase, JobId, PoolName, Reason};
use headcount_ports::JobBook;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::feed::Feed;
use crate::metrics::Happened;
use crate::show;

/// Passes on what the loop tells, until the loop is gone.
pub(crate) async fn pump(feed: Feed, book: Arc<dyn JobBook>, mut events: Receiver<Arc<Event>>) {
    let mut seen = Seen::default();
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(job) = seen.note(&feed, &event, Instant::now()) {
                    measure_wait(&feed, &*book, job).await;
                }
                if let Some(wire) = wire(&event) {
                    feed.tell(&wire);
                }
            }
            Err(RecvError::Lagged(count)) => {
                // What was under way may have ended unseen.
                seen = Seen::default();
                feed.tell(&Wire::Missed { count: Some(count) });
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// How long a job waited from acceptance to its first claim.
async fn measure_wait(feed: &Feed, book: &dyn JobBook, job: JobId) {
    let Ok(Some(record)) = book.get(job).await else {
        return;
    };
    let claimed = record.latest.and_then(|attempt| attempt.claimed_at);
    if let Some(claimed) = claimed {
        feed.metrics().waited(claimed.since(record.accepted_at));
    }
}

/// What is under way, for measuring. Bounded by the agents and jobs that exist.
#[derive(Default)]
struct Seen {
    launching: HashMap<AgentId, Launch>,
    /// Agents that were seen to be made, until they are gone.
    made: HashMap<AgentId, Made>,
    /// Agents whose leaving has been counted.
    leaving: HashMap<AgentId, Leaving>,
    running: HashMap<JobId, u32>,
}

struct Launch {
    pool: PoolName,
    began: Instant,
}

/// Since when an agent leaves.
#[derive(Clone, Copy)]
struct Leaving {
    /// Told to.
    drained: Option<Instant>,
    /// By force.
    destroyed: Option<Instant>,
    /// Whether it never became ready.
    failed: bool,
}

impl Leaving {
    /// What is told once it is gone.
    fn ended(self, now: Instant) -> impl Iterator<Item = Happened> {
        let span = |from: Instant, until: Instant| until.saturating_duration_since(from);
        let stopped = self
            .drained
            .map(|from| Happened::Stopped(span(from, self.destroyed.unwrap_or(now))));
        let removed = Happened::Removed(self.destroyed.map(|from| span(from, now)));
        let counts = !self.failed;
        stopped.into_iter().chain([removed]).filter(move |_| counts)
    }
}

struct Made {
    pool: PoolName,
    /// Whether the next job it takes did not have to wait for it.
    ready_made: bool,
    bound: bool,
}

impl Seen {
    /// Measures one event; names a job that has just been claimed for the first time.
    fn note(&mut self, feed: &Feed, event: &Event, now: Instant) -> Option<JobId> {
        match event {
            Event::Agent {
                agent,
                pool,
                phase,
                reason,
            } => self.agent(feed, *agent, pool, (*phase, *reason), now),
            Event::AgentGone { agent } => self.gone(feed, *agent, now),
            Event::Job {
                job,
                attempt,
                agent,
                stage: "running",
            } => {
                let new = self.running.insert(*job, *attempt) != Some(*attempt);
                if new {
                    feed.metrics().machine(Happened::Used);
                    self.served(feed, *agent);
                }
                return (new && *attempt == 1).then_some(*job);
            }
            Event::JobSettled { job, .. } => drop(self.running.remove(job)),
            Event::Detected { pool, after } => feed.metrics().detected(pool, *after),
            Event::Reaped { backend, .. } => feed.metrics().reaped(backend),
            Event::Backlog {
                sustained: true, ..
            } => feed.metrics().backlogged(),
            Event::Job { .. } | Event::Backlog { .. } => {}
        }
        None
    }

    /// Of agents made before this daemon started nobody knows what for.
    fn served(&mut self, feed: &Feed, agent: AgentId) {
        if let Some(made) = self.made.get_mut(&agent) {
            feed.metrics().served(&made.pool, made.ready_made);
            made.ready_made = true;
        }
    }

    fn agent(
        &mut self,
        feed: &Feed,
        agent: AgentId,
        pool: &PoolName,
        (phase, reason): (AgentPhase, Reason),
        now: Instant,
    ) {
        let metrics = feed.metrics();
        match phase {
            AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => {
                self.launching.entry(agent).or_insert_with(|| {
                    if phase != AgentPhase::Starting {
                        metrics.decided(pool, "create", reason);
                    }
                    let bound = reason == Reason::DemandWaiting;
                    let made = Made {
                        pool: pool.clone(),
                        ready_made: !bound,
                        bound,
                    };
                    self.made.insert(agent, made);
                    Launch {
                        pool: pool.clone(),
                        began: now,
                    }
                });
            }
            AgentPhase::Ready => {
                if let Some(launch) = self.launching.remove(&agent) {
                    let took = now.saturating_duration_since(launch.began);
                    metrics.launched(pool, took);
                    metrics.machine(Happened::Created(took));
                }
            }
            AgentPhase::Draining
            | AgentPhase::Destroying
            | AgentPhase::Quarantined
            | AgentPhase::Releasing => {
                let launch = self.launching.remove(&agent);
                if let Some(launch) = launch.as_ref().filter(|_| is_failure(reason)) {
                    metrics.launch_failed(pool, reason, self.is_bound(agent));
                    let took = now.saturating_duration_since(launch.began);
                    metrics.machine(Happened::CreationFailed(took));
                }
                let leaving = self.leaving.entry(agent).or_insert_with(|| {
                    metrics.decided(pool, "remove", reason);
                    Leaving {
                        drained: None,
                        destroyed: None,
                        failed: launch.is_some(),
                    }
                });
                match phase {
                    AgentPhase::Draining => leaving.drained.get_or_insert(now),
                    _ => leaving.destroyed.get_or_insert(now),
                };
            }
        }
    }

    /// One that was never seen to leave is gone because it was not made.
    fn gone(&mut self, feed: &Feed, agent: AgentId, now: Instant) {
        let metrics = feed.metrics();
        if let Some(launch) = self.launching.remove(&agent) {
            let (reason, bound) = (Reason::CreateFailed, self.is_bound(agent));
            metrics.launch_failed(&launch.pool, reason, bound);
            let took = now.saturating_duration_since(launch.began);
            metrics.machine(Happened::CreationFailed(took));
        } else {
            // One that was ready and vanished was never seen to leave.
            let leaving = self.leaving.remove(&agent).unwrap_or(Leaving {
                drained: None,
                destroyed: None,
                failed: false,
            });
            leaving.ended(now).for_each(|it| metrics.machine(it));
        }
        self.made.remove(&agent);
    }

    fn is_bound(&self, agent: AgentId) -> bool {
        self.made.get(&agent).is_some_and(|made| made.bound)
    }
}

/// Whether a launch that ends for this reason has failed; others are taken back.
const fn is_failure(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::CreateFailed | Reason::LaunchDeadline | Reason::EndedItself
    )
}

/// The event as clients see it. Ends of jobs are told by the book, where all of them pass.
fn wire(event: &Event) -> Option<Wire> {
    Some(match event {
        Event::Agent {
            agent,
            pool,
            phase,
            reason,
        } => Wire::Agent {
            agent: agent.to_string(),
            pool: pool.to_string(),
            state: show::agent_state(*phase, false),
            reason: reason.code().to_owned(),
        },
        Event::AgentGone { agent } => Wire::AgentGone {
            agent: agent.to_string(),
        },
        Event::Job {
            job,
            attempt,
            agent,
            stage,
        } => Wire::Job {
            job: job.to_string(),
            state: show::stage_state(stage)?,
            attempt: Some(*attempt),
            agent: Some(agent.to_string()),
        },
        Event::Backlog {
            sustained,
            depth,
            threshold,
            largest,
        } => Wire::Backlog {
            sustained: *sustained,
            queued: *depth,
            threshold: *threshold,
            by_labels: largest.iter().cloned().collect(),
        },
        Event::JobSettled { .. } | Event::Reaped { .. } | Event::Detected { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use headcount_model::BackendId;

    use super::*;

    fn agent(number: u32, phase: AgentPhase, reason: Reason) -> Event {
        Event::Agent {
            agent: AgentId { epoch: 1, number },
            pool: PoolName::new("s/linux"),
            phase,
            reason,
        }
    }

    fn metrics_of(events: &[Event]) -> String {
        let feed = Feed::new();
        let mut seen = Seen::default();
        let mut now = Instant::now();
        for event in events {
            seen.note(&feed, event, now);
            now += Duration::from_secs(2);
        }
        feed.metrics().text_of_counters().unwrap()
    }

    #[test]
    fn a_launch_is_measured_from_intent_to_ready() {
        let made = Reason::DemandWaiting;
        let text = metrics_of(&[
            agent(1, AgentPhase::Creating, made),
            agent(1, AgentPhase::Starting, made),
            agent(1, AgentPhase::Ready, made),
            agent(1, AgentPhase::Ready, made),
        ]);
        for line in [
            r#"headcount_agent_launch_seconds_sum{pool="s/linux"} 4.0"#,
            r#"headcount_agent_launch_seconds_count{pool="s/linux"} 1"#,
            r#"headcount_agent_decisions_total{pool="s/linux",decision="create",reason="demand_waiting"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn failed_launches_are_counted_and_withdrawn_ones_are_not() {
        let made = Reason::DemandWaiting;
        let text = metrics_of(&[
            agent(1, AgentPhase::Creating, made),
            agent(1, AgentPhase::Destroying, Reason::LaunchDeadline),
            agent(1, AgentPhase::Destroying, Reason::LaunchDeadline),
            agent(2, AgentPhase::Creating, made),
            Event::AgentGone {
                agent: AgentId {
                    epoch: 1,
                    number: 2,
                },
            },
            agent(3, AgentPhase::Creating, made),
            agent(3, AgentPhase::Destroying, Reason::SurplusIdle),
        ]);
        for line in [
            r#"headcount_agent_launch_failures_total{pool="s/linux",reason="launch_deadline"} 1"#,
            r#"headcount_agent_launch_failures_total{pool="s/linux",reason="create_failed"} 1"#,
            r#"headcount_agent_decisions_total{pool="s/linux",decision="remove",reason="launch_deadline"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        let withdrawn = r#"failures_total{pool="s/linux",reason="surplus_idle"}"#;
        assert!(!text.contains(withdrawn), "{text}");
    }

    #[test]
    fn a_job_hits_a_ready_agent_or_misses() {
        let running = |job, number| Event::Job {
            job: JobId(job),
            attempt: 1,
            agent: AgentId { epoch: 1, number },
            stage: "running",
        };
        let text = metrics_of(&[
            agent(1, AgentPhase::Creating, Reason::KeepReady),
            agent(2, AgentPhase::Creating, Reason::DemandWaiting),
            running(1, 1),
            running(1, 1),
            running(2, 2),
            running(3, 2),
            running(4, 9),
        ]);
        for line in [
            r#"headcount_ready_hits_total{pool="s/linux"} 2"#,
            r#"headcount_ready_misses_total{pool="s/linux"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn detections_are_measured_by_pool() {
        let detected = |millis| Event::Detected {
            pool: PoolName::new("s/queue"),
            after: Duration::from_millis(millis),
        };
        let text = metrics_of(&[detected(0), detected(2)]);
        for line in [
            r#"headcount_signal_detection_seconds_sum{pool="s/queue"} 0.002"#,
            r#"headcount_signal_detection_seconds_bucket{le="0.0005",pool="s/queue"} 1"#,
            r#"headcount_signal_detection_seconds_bucket{le="0.0025",pool="s/queue"} 2"#,
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert_eq!(wire(&detected(1)), None, "clients are not told");
    }

    #[test]
    fn orphans_are_counted_by_backend() {
        let reaped = |number| Event::Reaped {
            agent: AgentId { epoch: 1, number },
            backend: BackendId::new("container:docker"),
        };
        let text = metrics_of(&[reaped(1), reaped(2)]);
        let line = r#"headcount_orphans_reaped_total{backend="container:docker"} 2"#;
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn jobs_that_pile_up_are_counted_when_they_begin_to() {
        let backlog = |sustained| Event::Backlog {
            sustained,
            depth: 7,
            threshold: 5,
            largest: vec![("linux".to_owned(), 7)],
        };
        let text = metrics_of(&[backlog(true), backlog(false)]);
        assert!(text.contains("headcount_queue_backlogs_total 1"), "{text}");
        let wire = serde_json::to_string(&wire(&backlog(true)).unwrap()).unwrap();
        assert_eq!(
            wire,
            r#"{"type":"backlog","sustained":true,"queued":7,"threshold":5,"byLabels":{"linux":7}}"#
        );
    }

    #[test]
    fn only_the_first_claim_of_a_job_is_a_wait() {
        let feed = Feed::new();
        let mut seen = Seen::default();
        let job = JobId(1);
        let running = |attempt| Event::Job {
            job,
            attempt,
            agent: AgentId {
                epoch: 1,
                number: 1,
            },
            stage: "running",
        };
        let mut note = |event| seen.note(&feed, &event, Instant::now());
        assert_eq!(note(running(1)), Some(job));
        assert_eq!(note(running(1)), None, "a change of a running attempt");
        assert_eq!(note(running(2)), None, "a further attempt");
    }
}
