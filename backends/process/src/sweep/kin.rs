//! Which processes of a census belong to an agent.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use headcount_model::{AgentId, OwnerId};
use headcount_ports::agent_env::MARK_FILE;

use crate::census::{Census, Marks, Seen};
use crate::marks::{Mark, descends, origin_of};
use crate::procfs::ProcessKey;

/// Pid files looked at, and bytes of each: an agent runs few jobs, and a job can write here.
const MAX_FILES: usize = 1024;
const MAX_FILE_BYTES: u64 = 256;

/// By what an agent's processes are known.
pub(super) struct Kin {
    pub(super) owner: OwnerId,
    pub(super) agent: AgentId,
    /// These, wherever they are now.
    pub(super) keys: Vec<ProcessKey>,
    /// All in their sessions and groups.
    pub(super) leaders: Vec<ProcessKey>,
    /// Whether the numbers of leaders that have ended still mean them.
    pub(super) numbers_hold: bool,
    /// What its jobs' marks start with.
    pub(super) job_mark: Option<String>,
    /// Pids inside its cgroup.
    pub(super) members: Vec<i32>,
    /// Ended last, by itself.
    pub(super) pump: Option<ProcessKey>,
    /// Never us.
    pub(super) own_pid: i32,
}

impl Kin {
    /// All that belongs to the agent, children of what belongs to it included.
    pub(super) fn find(&self, census: &Census) -> Vec<ProcessKey> {
        let numbers = self.numbers(census);
        let keys: HashSet<ProcessKey> = self.keys.iter().copied().collect();
        let members: HashSet<i32> = self.members.iter().copied().collect();
        let item = origin_of(&self.owner, self.agent);
        let belongs = |seen: &&Seen| {
            let stat = &seen.stat;
            keys.contains(&stat.key)
                || members.contains(&stat.key.pid)
                || numbers.contains(&stat.session)
                || numbers.contains(&stat.group)
                || self.is_marked(&seen.marks, &item)
        };
        let found = census.seen.iter().filter(belongs);
        let mut found: Vec<ProcessKey> = found.map(|seen| seen.stat.key).collect();
        self.spare(&mut found);
        census.close_over_children(&mut found);
        self.spare(&mut found);
        found
    }

    /// Numbers of leaders that still mean what they meant.
    fn numbers(&self, census: &Census) -> HashSet<i32> {
        let by_pid = census.by_pid();
        let holds = |leader: &&ProcessKey| match by_pid.get(&leader.pid) {
            Some(holder) => holder.stat.key == **leader,
            None => self.numbers_hold,
        };
        let held = self.leaders.iter().filter(holds);
        held.map(|leader| leader.pid).collect()
    }

    fn is_marked(&self, marks: &Marks, item: &str) -> bool {
        let instance = || {
            let mark = marks.instance.as_deref().and_then(Mark::parse);
            mark.is_some_and(|mark| mark.agent == self.agent && mark.owner == self.owner)
        };
        let origin = || marks.origin.as_deref().is_some_and(|o| descends(o, item));
        let job = || match (&marks.job, &self.job_mark) {
            (Some(mark), Some(prefix)) => {
                let rest = mark.strip_prefix(prefix.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            _ => false,
        };
        origin() || instance() || job()
    }

    fn spare(&self, found: &mut Vec<ProcessKey>) {
        found.retain(|key| Some(*key) != self.pump && key.pid != self.own_pid && key.pid != 1);
    }
}

/// The main processes of the agent's jobs, each leading a session of its own.
pub(super) fn job_leaders(jobs: &Path) -> io::Result<Vec<ProcessKey>> {
    let entries = match fs::read_dir(jobs) {
        Ok(entries) => entries,
        Err(error) if is_no_folder(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut leaders = Vec::new();
    for entry in entries.take(MAX_FILES) {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "pid") {
            leaders.extend(read_line(&file)?.as_deref().and_then(parse_key));
        }
    }
    Ok(leaders)
}

/// What the marks of the agent's jobs start with, if it wrote that down.
pub(super) fn job_mark(jobs: &Path) -> io::Result<Option<String>> {
    let mark = read_line(&jobs.join(MARK_FILE))?;
    // A job could write an empty one, which would match every job of the host.
    Ok(mark.filter(|mark| mark.len() >= 8))
}

fn read_line(file: &Path) -> io::Result<Option<String>> {
    let is_plain = match fs::symlink_metadata(file) {
        Ok(found) => found.is_file(),
        Err(error) if is_no_folder(&error) => false,
        Err(error) => return Err(error),
    };
    // Opening a pipe somebody put here would wait for its other end.
    if !is_plain {
        return Ok(None);
    }
    let mut text = Vec::new();
    match File::open(file) {
        Ok(open) => open.take(MAX_FILE_BYTES).read_to_end(&mut text)?,
        Err(error) if is_no_folder(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().next().map(str::to_owned))
}

fn is_no_folder(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn parse_key(line: &str) -> Option<ProcessKey> {
    let (pid, start) = line.split_once(' ')?;
    let pid = pid.parse().ok().filter(|pid| *pid > 1)?;
    let start = start.trim_end().parse().ok()?;
    Some(ProcessKey { pid, start })
}

#[cfg(test)]
mod tests;
