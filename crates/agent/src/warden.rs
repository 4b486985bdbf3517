//! The one thread that starts, signals and reaps processes.
//!
//! Promise: a signal never hits a process that is not the job's: only this thread reaps
//! children, so between looking and signalling no pid of a child is given to another
//! process; deeper descendants are signalled through a descriptor that is checked. Every
//! orphan of a job comes back to the agent (it is a subreaper) and is found, whatever
//! session it moved to. Jobs die with this thread, and it lives as long as the agent.
//!
//! Leaves to others: what to start and when to signal (`run`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use headcount_api::agent::AttemptRef;
use headcount_api::agent::files::JOB_MARK;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process_group, pidfd_open,
    pidfd_send_signal,
};
use tokio::signal::unix::SignalKind;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::proc::{self, Mark, Stat};

/// Requests that wait for the thread; a sender waits when they are this many.
const MAX_ASKS: usize = 256;

/// The handle of the thread.
#[derive(Clone)]
pub(crate) struct Warden {
    asks: mpsc::Sender<Ask>,
    deaths: watch::Receiver<u64>,
    _forwarder: Arc<Forwarder>,
}

/// A started job.
pub(crate) struct Started {
    pub(crate) pid: i32,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// How the main process ended. Closed without a value: nobody saw it.
    pub(crate) exit: oneshot::Receiver<WaitStatus>,
}

enum Ask {
    Spawn(Box<Spawn>),
    Signal(AttemptRef, Signal, oneshot::Sender<usize>),
    Forget(AttemptRef),
    Reap,
}

struct Spawn {
    attempt: AttemptRef,
    mark: String,
    command: Command,
    note: Note,
    answer: oneshot::Sender<io::Result<Started>>,
}

/// Told pid and start time of a main process before anything else happens.
pub(crate) type Note = Box<dyn FnOnce(i32, u64) + Send>;

/// Ends the forwarding of child signals with the last handle.
struct Forwarder(AbortHandle);

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Warden {
    /// Makes this process the reaper of its descendants and starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let mut children = tokio::signal::unix::signal(SignalKind::child())?;
        let (asks, inbox) = mpsc::channel(MAX_ASKS);
        let (died, deaths) = watch::channel(0);
        let keeper = Keeper::new(died);
        thread::Builder::new()
            .name("warden".to_owned())
            .spawn(move || keeper.serve(inbox))?;
        let reap = asks.clone();
        let forwarder = tokio::spawn(async move {
            while children.recv().await.is_some() && reap.send(Ask::Reap).await.is_ok() {}
        });
        Ok(Self {
            asks,
            deaths,
            _forwarder: Arc::new(Forwarder(forwarder.abort_handle())),
        })
    }

    /// Starts the main process of an attempt. `mark` is what its environment carries;
    /// `note` is called on the thread, at once.
    pub(crate) async fn spawn(
        &self,
        attempt: AttemptRef,
        mark: String,
        command: Command,
        note: Note,
    ) -> io::Result<Started> {
        let (answer, started) = oneshot::channel();
        let spawn = Box::new(Spawn {
            attempt,
            mark,
            command,
            note,
            answer,
        });
        self.asks
            .send(Ask::Spawn(spawn))
            .await
            .map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }

    /// Signals everything that is left of an attempt and says how many processes that were.
    /// With nothing left it is zero.
    pub(crate) async fn signal(&self, attempt: AttemptRef, signal: Signal) -> usize {
        let (answer, count) = oneshot::channel();
        // A thread that is gone took its children along: nothing is left.
        if self
            .asks
            .send(Ask::Signal(attempt, signal, answer))
            .await
            .is_err()
        {
            return 0;
        }
        count.await.unwrap_or(0)
    }

    /// Nothing is left of an attempt.
    pub(crate) async fn forget(&self, attempt: AttemptRef) {
        // A thread that is gone has forgotten it.
        let _ = self.asks.send(Ask::Forget(attempt)).await;
    }

    /// Changes whenever a child was reaped.
    pub(crate) fn deaths(&self) -> watch::Receiver<u64> {
        self.deaths.clone()
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes is gone")
}

/// What the thread knows.
struct Keeper {
    own: i32,
    jobs: BTreeMap<AttemptRef, Job>,
    /// Children this process had before it was an agent: not ours to touch.
    strangers: BTreeSet<i32>,
    died: watch::Sender<u64>,
}

struct Job {
    main: Pid,
    mark: Vec<u8>,
    /// Taken when the main process is reaped.
    exit: Option<oneshot::Sender<WaitStatus>>,
}

impl Job {
    const fn main_is_alive(&self) -> bool {
        self.exit.is_some()
    }
}

impl Keeper {
    fn new(died: watch::Sender<u64>) -> Self {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        Self {
            own,
            jobs: BTreeMap::new(),
            strangers: proc::children(own).into_iter().collect(),
            died,
        }
    }

    fn serve(mut self, mut inbox: mpsc::Receiver<Ask>) {
        while let Some(ask) = inbox.blocking_recv() {
            match ask {
                Ask::Spawn(spawn) => self.spawn(*spawn),
                Ask::Signal(attempt, signal, answer) => {
                    self.reap();
                    // Whoever asked may be gone; the signal counts.
                    let _ = answer.send(self.signal(attempt, signal));
                }
                Ask::Forget(attempt) => {
                    self.jobs.remove(&attempt);
                }
                Ask::Reap => self.reap(),
            }
        }
    }

    fn spawn(&mut self, spawn: Spawn) {
        let Spawn {
            attempt,
            mark,
            mut command,
            note,
            answer,
        } = spawn;
        let (told, exit) = oneshot::channel();
        let started = start(&mut command, exit).inspect(|started| {
            // It is not reaped yet, so it is there even if it has ended.
            note(
                started.pid,
                proc::stat(started.pid).map_or(0, |stat| stat.start_time),
            );
            if let Some(main) = Pid::from_raw(started.pid) {
                let mark = mark.into_bytes();
                let exit = Some(told);
                self.jobs.insert(attempt, Job { main, mark, exit });
            }
        });
        if answer.send(started).is_err() {
            // Nobody waits for it any more: it must not run on its own.
            self.signal(attempt, Signal::KILL);
        }
    }

    /// Takes the status of every child that ended.
    fn reap(&mut self) {
        let mut reaped = false;
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            reaped = true;
            self.strangers.remove(&pid.as_raw_nonzero().get());
            let job = self
                .jobs
                .values_mut()
                .find(|job| job.main == pid && job.main_is_alive());
            if let Some(exit) = job.and_then(|job| job.exit.take()) {
                // A run that was dropped does not want to know.
                let _ = exit.send(status);
            }
        }
        if reaped {
            self.died
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Signals what is left of an attempt; returns how many processes that were.
    fn signal(&self, attempt: AttemptRef, signal: Signal) -> usize {
        let Some(job) = self.jobs.get(&attempt) else {
            return 0;
        };
        let left = self.left_of(job);
        // A living member proves that the group is still the job's.
        if left.iter().any(|stat| stat.group == raw(job.main)) {
            ignore_gone(kill_process_group(job.main, signal));
        }
        for stat in left.iter().filter(|stat| stat.group != raw(job.main)) {
            signal_checked(stat, signal);
        }
        left.len()
    }

    /// The living processes of a job: its main process, everything below it, and orphans
    /// that came back to the agent with everything below them.
    fn left_of(&self, job: &Job) -> Vec<Stat> {
        let mains: BTreeSet<i32> = self
            .jobs
            .values()
            .filter(|job| job.main_is_alive())
            .map(|job| raw(job.main))
            .collect();
        let orphans = proc::children(self.own)
            .into_iter()
            .filter(|pid| !mains.contains(pid) && !self.strangers.contains(pid))
            .filter(|pid| self.belongs(*pid, job));
        let main = job.main_is_alive().then_some(raw(job.main));
        main.into_iter()
            .chain(orphans)
            .flat_map(proc::family)
            .filter(|stat| !stat.ended)
            .collect()
    }

    /// Whether an orphan is this job's: by its mark, else by its session, else because no
    /// other job runs that it could be of.
    fn belongs(&self, pid: i32, job: &Job) -> bool {
        if let Mark::Is(mark) = proc::mark(pid, JOB_MARK)
            && self.jobs.values().any(|any| any.mark == mark)
        {
            return mark == job.mark;
        }
        let session = proc::stat(pid).map(|stat| stat.session);
        let by_session = |job: &Job| session == Some(raw(job.main));
        by_session(job) || (self.jobs.len() == 1 && !self.jobs.values().any(by_session))
    }
}

fn start(command: &mut Command, exit: oneshot::Receiver<WaitStatus>) -> io::Result<Started> {
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("the job was started without its pipes"));
    };
    Ok(Started {
        pid,
        stdout: stdout.into(),
        stderr: stderr.into(),
        exit,
    })
}

/// Signals one process, if it is still the one that was seen.
fn signal_checked(seen: &Stat, signal: Signal) {
    let Some(pid) = Pid::from_raw(seen.pid) else {
        return;
    };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    if proc::stat(seen.pid).is_some_and(|now| now.start_time == seen.start_time) {
        ignore_gone(pidfd_send_signal(handle, signal));
    }
}

/// A process that is gone needs no signal; anything else is worth a line.
fn ignore_gone(result: rustix::io::Result<()>) {
    if let Err(error) = result
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, "a process of the job cannot be signalled");
    }
}

fn raw(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}
