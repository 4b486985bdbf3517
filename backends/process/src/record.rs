//! What stands on disk about an agent: its directory and the record in it.
//!
//! ```text
//! agents/<agent id>/      0700
//!   instance              the record, see below; locked until the program executes
//!   token                 0600, the one-time token; the agent removes it
//!   output.log(.1)        output, bounded
//!   jobs/ work/           the agent's own
//! ```
//!
//! The record is one line a fact. The daemon writes all but the last, the child appends
//! `process` itself before it executes:
//!
//! ```text
//! headcount-instance 1
//! owner 4f0c…
//! pool builders/linux
//! cgroup /sys/fs/cgroup/…        any number
//! scope user headcount-4f0c…-a-1-1
//! process <pid> <start> <boot id>
//! pump <pid> <start> <boot id>
//! ```
//!
//! Promise: a record is whole or means that nothing was started; lines of an earlier boot
//! name nobody. Leaves to others: what lives (`procfs`), removing it (`remove`).

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use headcount_model::{AgentId, OwnerId, PoolName, Secret};
use headcount_ports::agent_env;

use crate::cgroup::{Group, Manager};
use crate::marks::Mark;
use crate::procfs::ProcessKey;

/// First word of a record, and the version of the rest.
const HEAD: &str = "headcount-instance";
const VERSION: &str = "1";

/// The directory of one agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AgentDir {
    pub(crate) path: PathBuf,
}

impl AgentDir {
    pub(crate) fn new(agents: &Path, agent: AgentId) -> Self {
        Self {
            path: agents.join(agent.to_string()),
        }
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.path.join("instance")
    }

    pub(crate) fn token(&self) -> PathBuf {
        self.path.join("token")
    }

    pub(crate) fn jobs(&self) -> PathBuf {
        self.path.join(agent_env::JOBS_FOLDER)
    }

    /// Makes it, for our eyes only.
    pub(crate) fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(&self.path)
    }

    /// Writes the token where only this user reads it.
    pub(crate) fn write_token(&self, token: &Secret) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.token())?;
        file.write_all(token.expose().as_bytes())
    }

    /// Removes it if its daemon was killed before it wrote a record: nothing was started.
    /// Where anything else is in it, it stays.
    pub(crate) fn remove_if_unborn(&self) {
        let record = self.record();
        if fs::metadata(&record).is_ok_and(|found| found.len() == 0) {
            let _ = fs::remove_file(record);
        }
        // Refused unless it is empty.
        let _ = fs::remove_dir(&self.path);
    }

    /// Whether a child may still be about to execute: it shares the lock until then.
    pub(crate) fn in_birth(&self) -> io::Result<bool> {
        let file = match File::open(self.record()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// What is known of an instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) mark: Mark,
    /// Its cgroup, if we made one.
    pub(crate) group: Group,
    /// Its systemd scope, if it has one.
    pub(crate) scope: Option<(Manager, String)>,
    /// Its process, once there is one, of this boot.
    pub(crate) process: Option<ProcessKey>,
    /// The process that keeps its output bounded, of this boot.
    pub(crate) pump: Option<ProcessKey>,
}

impl Record {
    /// Writes a new record, locked, in one piece. Returns it open for appending.
    pub(crate) fn write_new(&self, dir: &AgentDir) -> io::Result<File> {
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(dir.record())?;
        file.lock()?;
        file.write_all(self.text().as_bytes())?;
        Ok(file)
    }

    fn text(&self) -> String {
        let mark = &self.mark;
        let mut text = format!(
            "{HEAD} {VERSION}\nowner {}\npool {}\n",
            mark.owner, mark.pool
        );
        for dir in &self.group.dirs {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "cgroup {}", dir.display());
        }
        if let Some((manager, unit)) = &self.scope {
            let manager = match manager {
                Manager::System => "system",
                Manager::User => "user",
            };
            let _ = writeln!(text, "scope {manager} {unit}");
        }
        text
    }

    /// Reads the record of an agent; `None` when there is no whole one, which means that
    /// nothing was started.
    ///
    /// # Errors
    /// It cannot be read, or a newer version wrote it: nothing is known.
    pub(crate) fn read(dir: &AgentDir, agent: AgentId, boot: &str) -> io::Result<Option<Self>> {
        match fs::read(dir.record()) {
            Ok(bytes) => match Self::parse(&String::from_utf8_lossy(&bytes), agent, boot) {
                Ok(record) => Ok(record),
                Err(version) => Err(io::Error::other(format!(
                    "`{}` was written by another headcount (version {version} of the record, \
                     this one knows {VERSION}); run that one, or end its agents first",
                    dir.record().display()
                ))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The error is a version this program does not know.
    fn parse(text: &str, agent: AgentId, boot: &str) -> Result<Option<Self>, String> {
        let mut lines = text
            .split_inclusive('\n')
            .filter_map(|l| l.strip_suffix('\n'));
        let version = lines
            .next()
            .and_then(|l| l.strip_prefix(HEAD)?.strip_prefix(' '));
        match version {
            Some(VERSION) => {}
            Some(other) => return Err(other.to_owned()),
            None => return Ok(None),
        }
        let (mut owner, mut pool) = (None, None);
        let (mut group, mut scope) = (Group::default(), None);
        let (mut process, mut pump) = (None, None);
        for line in lines {
            match line.split_once(' ') {
                Some(("owner", text)) => owner = Some(OwnerId::new(text)),
                Some(("pool", text)) => pool = Some(PoolName::new(text)),
                Some(("cgroup", text)) => group.dirs.push(PathBuf::from(text)),
                Some(("scope", text)) => scope = parse_scope(text),
                // The last one counts: a start that failed may have been tried again.
                Some(("process", text)) => process = parse_process(text, boot).or(process),
                Some(("pump", text)) => pump = parse_process(text, boot).or(pump),
                _ => {}
            }
        }
        Ok(owner.zip(pool).map(|(owner, pool)| Self {
            mark: Mark { owner, pool, agent },
            group,
            scope,
            process,
            pump,
        }))
    }
}

/// The line that names a process.
pub(crate) fn process_line(word: &str, key: ProcessKey, boot: &str) -> String {
    format!("{word} {} {} {boot}\n", key.pid, key.start)
}

fn parse_process(text: &str, boot: &str) -> Option<ProcessKey> {
    let mut words = text.split(' ');
    let pid = words.next()?.parse().ok()?;
    let start = words.next()?.parse().ok()?;
    (words.next()? == boot && words.next().is_none()).then_some(ProcessKey { pid, start })
}

fn parse_scope(text: &str) -> Option<(Manager, String)> {
    let (manager, unit) = text.split_once(' ')?;
    let manager = match manager {
        "system" => Manager::System,
        "user" => Manager::User,
        _ => return None,
    };
    Some((manager, unit.to_owned()))
}

#[cfg(test)]
mod tests;
