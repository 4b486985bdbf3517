//! The loop: hears the line, the runs and the signals; sends what is due.
//!
//! Promise: one task owns all of the agent's state, and each thing that happens is
//! handled whole before the next. Leaves to others: everything that takes time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use headcount_api::agent::{AttemptRef, FromAgent, Outcome, ToAgent, Work};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::{Notify, mpsc};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use crate::capture::SharedOutbox;
use crate::desk::{Desk, Todo};
use crate::dial::Dialer;
use crate::exit::Exit;
use crate::identity::Identity;
use crate::lifecycle::Input;
use crate::line::{Event, Line};
use crate::outbox::Due;
use crate::place::Place;
use crate::run::{Finished, Run, remove_leftover};
use crate::settings::{AgentSettings, Timing};
use crate::warden::Warden;

/// Events of the line that wait for the loop.
const MAX_EVENTS: usize = 64;
/// The line has this long to send what it was given before the agent ends.
const GOODBYE_LIMIT: std::time::Duration = std::time::Duration::from_secs(3);

/// Runs an agent until it leaves; called once in a process of its own, from a Tokio
/// runtime with IO and time.
///
/// TERM or INT make it leave once its jobs have ended; a second one ends the jobs. It
/// also leaves when the daemon drains it. See [`Exit`] for the other ways to end.
pub async fn run(settings: AgentSettings) -> Exit {
    let identity = match Identity::load(settings.agent.clone(), settings.token_file.clone()) {
        Ok(identity) => identity,
        Err(error) => {
            tracing::error!(%error, "agent cannot start");
            return Exit::Settings;
        }
    };
    match Agent::start(settings, identity) {
        Ok(agent) => agent.serve().await,
        Err(error) => {
            tracing::error!(%error, "agent cannot start: its directory, child processes or signals cannot be set up");
            Exit::Host
        }
    }
}

struct Agent {
    desk: Desk,
    identity: Identity,
    timing: Timing,
    place: Place,
    warden: Warden,
    line: JoinHandle<()>,
    events: mpsc::Receiver<Event>,
    /// There while the line is up.
    outgoing: Option<mpsc::Sender<FromAgent>>,
    down_since: Instant,
    runs: JoinSet<Finished>,
    running: BTreeMap<AttemptRef, Running>,
    removals: JoinSet<()>,
    /// Woken when an outbox has something to send.
    work: Arc<Notify>,
    course: Course,
    term: Signal,
    interrupt: Signal,
}

struct Running {
    id: Id,
    stop: Arc<Notify>,
}

/// Where the agent is heading.
#[derive(Clone, Copy)]
enum Course {
    /// It stays, or leaves once its jobs have ended.
    Normal,
    /// Its jobs are being ended; results may be recorded until then.
    Hurrying(Option<Instant>),
    /// Its jobs are being ended, and nobody wants the results.
    Ending(Exit),
}

impl Agent {
    fn start(settings: AgentSettings, identity: Identity) -> std::io::Result<Self> {
        let place = Place::open(&settings.dir)?;
        let warden = Warden::start()?;
        let term = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let line = Line {
            dialer: Dialer::new(settings.address),
            timing: settings.timing.clone(),
            events: sender,
        };
        let work = Arc::new(Notify::new());
        tracing::info!(
            agent = settings.agent,
            labels = settings.labels,
            slots = settings.slots,
            "agent started"
        );
        Ok(Self {
            desk: Desk::new(settings.slots, Arc::clone(&work)),
            identity,
            timing: settings.timing,
            place,
            warden,
            line: tokio::spawn(line.run()),
            events,
            outgoing: None,
            down_since: Instant::now(),
            runs: JoinSet::new(),
            running: BTreeMap::new(),
            removals: JoinSet::new(),
            work,
            course: Course::Normal,
            term,
            interrupt,
        })
    }

    async fn serve(mut self) -> Exit {
        let exit = loop {
            if let Some(exit) = self.end() {
                break exit;
            }
            self.next().await;
        };
        self.close().await;
        tracing::info!(%exit, code = exit.code(), "agent ends");
        exit
    }

    /// Waits for one thing to happen and handles it.
    async fn next(&mut self) {
        let due = self.desk.due(Instant::now().into_std());
        let sender = self.outgoing.clone().filter(|_| due == Due::Now);
        let wake = self.wake_at(due);
        tokio::select! {
            permit = reserve(sender) => self.send(permit),
            event = self.events.recv() => self.on_event(event),
            Some(joined) = self.runs.join_next_with_id() => self.on_run_ended(joined),
            Some(_) = self.removals.join_next() => {}
            () = self.work.notified() => {}
            _ = self.term.recv() => self.on_signal(),
            _ = self.interrupt.recv() => self.on_signal(),
            () = until(wake) => self.on_time(),
        }
    }

    fn send(&mut self, permit: Option<OwnedPermit<FromAgent>>) {
        let message = self.desk.next_message(Instant::now().into_std());
        if let (Some(permit), Some(message)) = (permit, message) {
            permit.send(message);
        }
    }

    fn on_event(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Greet(reply)) => {
                // A line that does not wait for it any more will ask again.
                let _ = reply.send(
                    self.identity
                        .greeting(self.desk.granted(), self.desk.claiming()),
                );
            }
            Some(Event::Up(outgoing)) => {
                self.identity.welcomed();
                self.desk.reconnected();
                self.outgoing = Some(outgoing);
                tracing::info!("daemon welcomed the agent");
            }
            Some(Event::Heard(message)) => self.on_message(message),
            Some(Event::Down) => self.on_down(),
            Some(Event::Refused) | None => {
                self.on_down();
                self.give_up(Exit::Refused);
            }
        }
    }

    fn on_message(&mut self, message: ToAgent) {
        let todo = match message {
            ToAgent::Assign { attempt, work } => {
                let attempt = AttemptRef {
                    job: work.job,
                    attempt,
                };
                self.desk.assigned(attempt, work);
                Todo::Nothing
            }
            ToAgent::Granted(attempt) => self.desk.apply(attempt, Input::Granted),
            ToAgent::Denied { attempt, code } => {
                tracing::info!(
                    job = attempt.job,
                    attempt = attempt.attempt,
                    code,
                    "daemon denies the attempt"
                );
                self.desk.apply(attempt, Input::Denied)
            }
            ToAgent::Cancel(attempt) => self.desk.apply(attempt, Input::Cancelled),
            ToAgent::Recorded(attempt) => self.desk.apply(attempt, Input::Recorded),
            ToAgent::Stored { attempt, through } => {
                self.desk.stored(attempt, through);
                Todo::Nothing
            }
            ToAgent::Drain => {
                self.desk.leave();
                Todo::Nothing
            }
            // The line handles these.
            ToAgent::Welcome { .. } | ToAgent::Refused { .. } => Todo::Nothing,
        };
        match todo {
            Todo::Start(attempt, work, outbox) => self.start_run(attempt, work, outbox),
            Todo::Stop(attempt) => self.stop_run(attempt),
            Todo::Nothing => {}
        }
    }

    fn start_run(&mut self, attempt: AttemptRef, work: Work, outbox: Arc<SharedOutbox>) {
        let stop = Arc::new(Notify::new());
        let run = Run {
            attempt,
            work,
            place: self.place.clone(),
            warden: self.warden.clone(),
            outbox,
            stop: Arc::clone(&stop),
        };
        let id = self.runs.spawn(run.run()).id();
        self.running.insert(attempt, Running { id, stop });
    }

    fn stop_run(&self, attempt: AttemptRef) {
        if let Some(running) = self.running.get(&attempt) {
            running.stop.notify_one();
        }
    }

    fn stop_all_runs(&self) {
        for running in self.running.values() {
            running.stop.notify_one();
        }
    }

    fn on_run_ended(&mut self, joined: Result<(Id, Finished), JoinError>) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let attempt = self.running.iter().find(|(_, running)| running.id == id);
        let Some(attempt) = attempt.map(|(attempt, _)| *attempt) else {
            return;
        };
        self.running.remove(&attempt);
        let outcome = match joined {
            Ok((_, finished)) => {
                self.remove(finished.leftover);
                finished.outcome
            }
            Err(error) => {
                tracing::error!(%error, "a run broke off");
                self.end_abandoned(attempt);
                Outcome::Unseen
            }
        };
        self.desk.run_ended(attempt, outcome);
    }

    /// Nobody attends the job any more: it must not go on.
    fn end_abandoned(&mut self, attempt: AttemptRef) {
        let warden = self.warden.clone();
        self.removals.spawn(async move {
            warden.signal(attempt, rustix::process::Signal::KILL).await;
            warden.forget(attempt).await;
        });
    }

    fn remove(&mut self, leftover: Option<PathBuf>) {
        if let Some(dir) = leftover {
            self.removals.spawn_blocking(move || remove_leftover(&dir));
        }
    }

    fn on_signal(&mut self) {
        if !self.desk.is_leaving() {
            tracing::info!("told to leave once the jobs have ended");
            self.desk.leave();
        } else if matches!(self.course, Course::Normal) {
            tracing::info!("told to leave at once: jobs are ended");
            self.course = Course::Hurrying(None);
            self.stop_all_runs();
        }
    }

    fn on_down(&mut self) {
        if self.outgoing.take().is_some() {
            self.down_since = Instant::now();
        }
    }

    fn give_up(&mut self, exit: Exit) {
        if !matches!(self.course, Course::Ending(_)) {
            self.course = Course::Ending(exit);
            self.stop_all_runs();
        }
    }

    /// A moment came at which time alone changes something.
    fn on_time(&mut self) {
        if self
            .patience_ends()
            .is_some_and(|end| end <= Instant::now())
        {
            tracing::error!("daemon was out of reach for too long");
            self.give_up(Exit::Unreachable);
        }
    }

    /// When being without a daemon becomes too long; never while a job runs.
    fn patience_ends(&self) -> Option<Instant> {
        let ending = matches!(self.course, Course::Ending(_));
        if ending || self.outgoing.is_some() || !self.running.is_empty() {
            return None;
        }
        let patience = if self.desk.granted().is_empty() {
            self.timing.idle_patience
        } else {
            self.timing.result_patience
        };
        Some(self.down_since + patience)
    }

    fn wake_at(&self, due: Due) -> Option<Instant> {
        let flush = match due {
            Due::At(at) if self.outgoing.is_some() => Some(Instant::from_std(at)),
            _ => None,
        };
        let last_words = match self.course {
            Course::Hurrying(until) if self.removals.is_empty() => until,
            _ => None,
        };
        [flush, last_words, self.patience_ends()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether it is over, and how.
    fn end(&mut self) -> Option<Exit> {
        if !self.running.is_empty() || !self.removals.is_empty() {
            return None;
        }
        match self.course {
            Course::Ending(exit) => Some(exit),
            Course::Normal | Course::Hurrying(_) if self.has_left() => Some(Exit::Left),
            Course::Normal => None,
            Course::Hurrying(None) => {
                let until = Instant::now() + self.timing.last_words;
                self.course = Course::Hurrying(Some(until));
                None
            }
            Course::Hurrying(Some(until)) => (until <= Instant::now()).then_some(Exit::Interrupted),
        }
    }

    fn has_left(&self) -> bool {
        let said = self.outgoing.is_none() || !self.desk.has_last_words();
        self.desk.is_leaving() && self.desk.is_empty() && said
    }

    /// Lets the line say what it was given, then ends it.
    async fn close(mut self) {
        if self.outgoing.take().is_some() {
            let goodbye = async {
                // Events are taken in so that the line is never held up by them.
                while self.events.recv().await.is_some() {}
            };
            // What could not be said in time is noticed by the daemon all the same.
            let _ = timeout(GOODBYE_LIMIT, goodbye).await;
        }
        self.line.abort();
    }
}

async fn reserve(sender: Option<mpsc::Sender<FromAgent>>) -> Option<OwnedPermit<FromAgent>> {
    match sender {
        Some(sender) => match sender.reserve_owned().await {
            Ok(permit) => Some(permit),
            // The line is down and will say so.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
