//! The cgroup of one instance, made by us.
//!
//! Promise: either all of it is made or nothing is left; ending it is complete once
//! [`Group::members`] is empty. Leaves to others: pid safety of what it lists (`sweep`).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use headcount_model::Resources;

use super::{CgroupSupport, limits_something};

/// Over which a CPU quota is counted, in microseconds.
const PERIOD: u64 = 100_000;
/// The kernel refuses smaller quotas, in microseconds.
const MIN_QUOTA: u64 = 1_000;
/// How long an emptied cgroup may take to become removable.
const REMOVE_WAIT: Duration = Duration::from_secs(1);
/// Between two looks; the kernel gives no event for it on version 1.
const REMOVE_STEP: Duration = Duration::from_millis(2);

/// One directory (version 2) or one for each controller (version 1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    pub(crate) dirs: Vec<PathBuf>,
}

impl Group {
    /// What will be made for these limits, so that it can be recorded first. Empty where
    /// cgroups are not ours to make, or nothing is limited.
    pub(crate) fn plan(support: &CgroupSupport, name: &str, limits: Resources) -> Self {
        let dirs = match support {
            CgroupSupport::Unified { base } if limits_something(limits) => vec![base.join(name)],
            CgroupSupport::Legacy { cpu, memory } => {
                let cpu = (limits.cpu_millis > 0).then(|| cpu.join(name));
                let memory = (limits.memory_bytes > 0).then(|| memory.join(name));
                let mut dirs: Vec<PathBuf> = cpu.into_iter().chain(memory).collect();
                dirs.dedup();
                dirs
            }
            _ => Vec::new(),
        };
        Self { dirs }
    }

    /// Makes it, limited. On an error nothing of it is left.
    pub(crate) fn make(
        &self,
        support: &CgroupSupport,
        name: &str,
        limits: Resources,
    ) -> io::Result<()> {
        let made = self.dirs.iter().try_for_each(|dir| make_dir(dir));
        let limited = made.and_then(|()| match support {
            CgroupSupport::Unified { base } => limit_unified(&base.join(name), limits),
            CgroupSupport::Legacy { cpu, memory } => {
                limit_legacy(&cpu.join(name), &memory.join(name), limits)
            }
            CgroupSupport::Systemd(_) | CgroupSupport::Missing { .. } => Ok(()),
        });
        if limited.is_err()
            && let Err(error) = self.remove()
        {
            tracing::warn!(%error, "a half-made cgroup is left");
        }
        limited
    }

    /// Open doors: a process that writes `0` into each of them is inside.
    pub(crate) fn doors(&self) -> io::Result<Vec<File>> {
        let open = |dir: &PathBuf| OpenOptions::new().write(true).open(dir.join(PROCS));
        self.dirs.iter().map(open).collect()
    }

    /// The pids inside, cgroups below included; none once it is removed.
    pub(crate) fn members(&self) -> io::Result<Vec<i32>> {
        let mut members = Vec::new();
        for dir in self.with_children()? {
            match fs::read_to_string(dir.join(PROCS)) {
                Ok(text) => members.extend(text.lines().filter_map(|pid| pid.parse::<i32>().ok())),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        members.sort_unstable();
        members.dedup();
        Ok(members)
    }

    /// Asks the kernel to end all inside at once, where it can (version 2, Linux 5.14).
    pub(crate) fn kill(&self) {
        for dir in &self.dirs {
            let door = dir.join("cgroup.kill");
            if door.exists()
                && let Err(error) = write(&door, "1")
            {
                tracing::debug!(path = %door.display(), %error, "cgroup.kill refused");
            }
        }
    }

    /// Removes it, cgroups below included. Success when it is not there.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let deadline = Instant::now() + REMOVE_WAIT;
        let mut dirs = self.with_children()?;
        // Deepest first.
        dirs.sort_by_key(|dir| std::cmp::Reverse(dir.components().count()));
        for dir in dirs {
            remove_dir(&dir, deadline)?;
        }
        Ok(())
    }

    /// A job may have made cgroups of its own inside.
    fn with_children(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut next = self.dirs.clone();
        while let Some(dir) = next.pop() {
            match fs::read_dir(&dir) {
                Ok(entries) => {
                    for entry in entries {
                        let entry = entry?;
                        if entry.file_type()?.is_dir() {
                            next.push(entry.path());
                        }
                    }
                    found.push(dir);
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Where the pids of a cgroup are read and written.
const PROCS: &str = "cgroup.procs";

fn limit_unified(dir: &Path, limits: Resources) -> io::Result<()> {
    if limits.cpu_millis > 0 {
        let quota = quota(limits.cpu_millis);
        write(&dir.join("cpu.max"), &format!("{quota} {PERIOD}"))?;
    }
    if limits.memory_bytes > 0 {
        write(&dir.join("memory.max"), &limits.memory_bytes.to_string())?;
    }
    Ok(())
}

fn limit_legacy(cpu: &Path, memory: &Path, limits: Resources) -> io::Result<()> {
    if limits.cpu_millis > 0 {
        write(&cpu.join("cpu.cfs_period_us"), &PERIOD.to_string())?;
        let quota = quota(limits.cpu_millis).to_string();
        write(&cpu.join("cpu.cfs_quota_us"), &quota)?;
    }
    if limits.memory_bytes > 0 {
        let limit = limits.memory_bytes.to_string();
        write(&memory.join("memory.limit_in_bytes"), &limit)?;
    }
    Ok(())
}

fn quota(cpu_millis: u64) -> u64 {
    (cpu_millis.saturating_mul(PERIOD) / 1000).max(MIN_QUOTA)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        // Left by a create that was cut short: names are never used twice.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|error| in_context(dir, &error)),
    }
}

fn remove_dir(dir: &Path, deadline: Instant) -> io::Result<()> {
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline =>
            {
                std::thread::sleep(REMOVE_STEP);
            }
            Err(error) => return Err(in_context(dir, &error)),
        }
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let written = OpenOptions::new()
        .write(true)
        .open(file)
        .and_then(|mut open| io::Write::write_all(&mut open, text.as_bytes()));
    written.map_err(|error| in_context(file, &error))
}

fn is_absent(error: &io::Error) -> bool {
    // ENODEV: read after it was removed.
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

fn in_context(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(cpu_millis: u64, memory_bytes: u64) -> Resources {
        Resources {
            cpu_millis,
            memory_bytes,
        }
    }

    fn make(support: &CgroupSupport, limits: Resources) -> io::Result<()> {
        Group::plan(support, "x", limits).make(support, "x", limits)
    }

    #[test]
    fn a_group_that_cannot_be_limited_leaves_nothing() {
        // Plain directories have no cgroup files to write to.
        let home = tempfile::tempdir().unwrap();
        let base = home.path().to_owned();
        let unified = CgroupSupport::Unified { base: base.clone() };
        let file = base.join("x/cpu.max");
        assert_eq!(
            make(&unified, limits(500, 0)).unwrap_err().to_string(),
            format!(
                "`{}`: No such file or directory (os error 2)",
                file.display()
            )
        );
        assert_eq!(fs::read_dir(&base).unwrap().count(), 0);
        let (cpu, memory) = (base.clone(), base.clone());
        let legacy = CgroupSupport::Legacy { cpu, memory };
        assert!(make(&legacy, limits(0, 1 << 20)).is_err());
        assert_eq!(fs::read_dir(&base).unwrap().count(), 0);
    }

    #[test]
    fn version_2_files_get_the_kernels_notation() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("x");
        fs::create_dir(&dir).unwrap();
        for file in ["cpu.max", "memory.max"] {
            fs::write(dir.join(file), "").unwrap();
        }
        let base = home.path().to_owned();
        make(&CgroupSupport::Unified { base }, limits(1500, 64 << 20)).unwrap();
        let read = |file: &str| fs::read_to_string(dir.join(file)).unwrap();
        assert_eq!(read("cpu.max"), "150000 100000");
        assert_eq!(read("memory.max"), "67108864");
    }

    #[test]
    fn only_what_limits_is_planned() {
        let legacy = CgroupSupport::Legacy {
            cpu: "/c".into(),
            memory: "/m".into(),
        };
        let plan = |limits| Group::plan(&legacy, "x", limits).dirs;
        assert_eq!(plan(limits(1, 0)), [PathBuf::from("/c/x")]);
        assert_eq!(plan(limits(0, 1)), [PathBuf::from("/m/x")]);
        assert_eq!(plan(limits(1, 1)).len(), 2);
        assert_eq!(plan(limits(0, 0)), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_removed_group_is_empty_and_can_be_removed_again() {
        let group = Group {
            dirs: vec!["/none/x".into()],
        };
        assert_eq!(group.members().unwrap(), Vec::<i32>::new());
        group.remove().unwrap();
    }
}
