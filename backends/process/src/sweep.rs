//! Ends everything that belongs to an agent.
//!
//! Promise: after a sweep that succeeds, nothing lives that carries the agent's marks, was
//! seen to descend from it, sits in its session or in one of its jobs', or is inside its
//! cgroup; and nothing else was signalled. Processes are found, held by pidfd, killed and
//! waited for until a look finds none. Leaves to others: directories (`remove`).
//!
//! A session or group number says whose a process is only while it cannot have gone round:
//! while its leader lives, or just after we saw it end. A sweep long after (the agent ended
//! while no daemon watched) goes by marks alone.

mod kin;

use std::io;
use std::time::{Duration, Instant};

use headcount_model::{AgentId, OwnerId};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::census::{Census, Scans};
use crate::cgroup::{Group, Manager, kill_scope};
use crate::procfs::{Handle, ProcessKey};
use crate::record::{AgentDir, Record};
use crate::table::Body;
use kin::{Kin, job_leaders, job_mark};

/// A sweep that takes longer has failed.
const SWEEP_WAIT: Duration = Duration::from_secs(10);
/// Killed processes are waited for this long before the next look.
const KILL_WAIT: Duration = Duration::from_secs(2);
/// Processes held by a descriptor at once.
const HELD_AT_ONCE: usize = 128;
/// For the pump to write down the last words, once nobody can add to them.
const PUMP_WAIT: Duration = Duration::from_millis(500);

/// What is to be swept.
pub(crate) struct Target<'a> {
    pub(crate) owner: &'a OwnerId,
    pub(crate) agent: AgentId,
    pub(crate) dir: &'a AgentDir,
    pub(crate) main: Option<ProcessKey>,
    pub(crate) captured: Vec<ProcessKey>,
    pub(crate) group: &'a Group,
    pub(crate) scope: Option<&'a (Manager, String)>,
    pub(crate) pump: Option<ProcessKey>,
    /// Whether the main process lives, or was just seen to end.
    pub(crate) just_died: bool,
}

impl<'a> Target<'a> {
    /// All that is known of a body that is watched.
    pub(crate) fn of_body(owner: &'a OwnerId, body: &'a Body, just_died: bool) -> Self {
        Self {
            main: Some(body.main.key()),
            captured: body.captured().clone(),
            just_died,
            ..Self::of_record(owner, &body.dir, &body.record)
        }
    }

    /// All that is known of a leftover.
    pub(crate) fn of_record(owner: &'a OwnerId, dir: &'a AgentDir, record: &'a Record) -> Self {
        Self {
            owner,
            agent: record.mark.agent,
            dir,
            main: record.process,
            captured: Vec::new(),
            group: &record.group,
            scope: record.scope.as_ref(),
            pump: record.pump,
            just_died: false,
        }
    }
}

/// Ends all of it and removes its cgroup.
///
/// # Errors
/// Something may still live.
pub(crate) fn sweep(scans: &Scans, target: &Target<'_>) -> io::Result<()> {
    let deadline = Instant::now() + SWEEP_WAIT;
    if let Some((manager, unit)) = target.scope {
        kill_scope(*manager, unit);
    }
    loop {
        let left = strike(scans, target)?;
        if left == 0 {
            break;
        }
        if Instant::now() >= deadline {
            return Err(io::Error::other(format!(
                "{left} processes of {} do not end, although they were killed; look for \
                 processes in state D",
                target.agent
            )));
        }
    }
    if let Some(pump) = target.pump {
        end_pump(pump)?;
    }
    target.group.remove()
}

/// Kills all that is found in one look, and waits for it. Returns how many there were.
///
/// # Errors
/// One may not be signalled, or processes cannot be seen.
pub(crate) fn strike(scans: &Scans, target: &Target<'_>) -> io::Result<usize> {
    target.group.kill();
    let before = target.group.members()?;
    let census = scans.fresh()?;
    let mut members = target.group.members()?;
    // Inside before and after the look: then the pid was the same process throughout.
    members.retain(|pid| before.contains(pid));
    let victims = kin(target, members)?.find(&census);
    kill(&victims, target)?;
    Ok(victims.len())
}

/// What descends from a process just now.
pub(crate) fn descendants(scans: &Scans, main: ProcessKey) -> io::Result<Vec<ProcessKey>> {
    let census: &Census = &*scans.fresh()?;
    Ok(census.descendants(main))
}

fn kin(target: &Target<'_>, members: Vec<i32>) -> io::Result<Kin> {
    let jobs = target.dir.jobs();
    let mut leaders = job_leaders(&jobs)?;
    leaders.extend(target.main);
    let mut keys = target.captured.clone();
    keys.extend(target.main);
    Ok(Kin {
        owner: target.owner.clone(),
        agent: target.agent,
        keys,
        leaders,
        numbers_hold: target.just_died,
        job_mark: job_mark(&jobs)?,
        members,
        pump: target.pump,
        own_pid: std::process::id().try_into().map_err(io::Error::other)?,
    })
}

/// Kills and waits, a bounded number at a time, and tells of a refusal once all others
/// have been killed.
fn kill(victims: &[ProcessKey], target: &Target<'_>) -> io::Result<()> {
    let mut refused = None;
    for some in victims.chunks(HELD_AT_ONCE) {
        let mut held = Vec::new();
        for victim in some {
            let Some(handle) = Handle::open(*victim)? else {
                continue;
            };
            match handle.signal(Signal::KILL) {
                Ok(()) => held.push(handle),
                Err(error) => refused = Some((*victim, error)),
            }
        }
        let deadline = Instant::now() + KILL_WAIT;
        for handle in held {
            let ended = handle.wait_until(deadline)?;
            // Orphans come to us when we are the first process of a container. The main
            // process is collected by whoever watches it.
            if ended && Some(handle.key()) != target.main {
                handle.collect();
            }
        }
    }
    match refused {
        Some((victim, error)) => Err(cannot_kill(victim, target.agent, &error)),
        None => Ok(()),
    }
}

fn cannot_kill(victim: ProcessKey, agent: AgentId, error: &io::Error) -> io::Error {
    let why = match Errno::from_io_error(error) {
        Some(Errno::PERM) => "it runs as another user; end it by hand".to_owned(),
        _ => error.to_string(),
    };
    io::Error::other(format!(
        "process {} of {agent} cannot be killed: {why}",
        victim.pid
    ))
}

/// Gives a pump the time to write down the last words; ends it if somebody still holds its
/// other end.
pub(crate) fn end_pump(pump: ProcessKey) -> io::Result<()> {
    let Some(handle) = Handle::open(pump)? else {
        return Ok(());
    };
    if !handle.wait_until(Instant::now() + PUMP_WAIT)? {
        handle.signal(Signal::KILL)?;
        handle.wait_until(Instant::now() + KILL_WAIT)?;
    }
    handle.collect();
    Ok(())
}
