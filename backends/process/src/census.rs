//! All living processes of the host at about one moment, with the marks they carry.
//!
//! Promise: a process that carried a mark before the census began, and still lives, is in
//! it; what cannot be read is an error, except the environment of other users' processes,
//! which is closed to us and cannot be ours. Scans are shared: whoever asks gets one that
//! began after asking, and any number of askers costs one scan at a time. Leaves to others:
//! whose a process is (`sweep`, `table`).

mod scans;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};

use headcount_ports::agent_env::{INSTANCE_MARK, JOB_MARK, ORIGIN};
use rustix::io::Errno;

use crate::procfs::{ProcessKey, Stat, is_gone};
pub(crate) use scans::Scans;

/// How often a process is looked at again that shows no environment, which it does for a
/// moment while it executes another program.
const LOOKS: u32 = 4;
/// The kernel accepts no larger environment (three quarters of an 8 MiB stack).
const MAX_ENVIRONMENT: u64 = 6 * 1024 * 1024;
/// Longer values are nobody's mark.
const MAX_MARK: usize = 16 * 1024;

/// A living process.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) stat: Stat,
    pub(crate) marks: Marks,
}

/// What a process carries in its environment.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Marks {
    pub(crate) instance: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) job: Option<String>,
}

/// All living processes.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) seen: Vec<Seen>,
}

impl Census {
    /// Looks at every process once.
    pub(crate) fn take() -> io::Result<Self> {
        let mut census = Self::default();
        let mut buffer = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let pid = name.to_str().and_then(|name| name.parse::<i32>().ok());
            if let Some(pid) = pid
                && let Some(seen) = look(pid, &mut buffer)?
            {
                census.seen.push(seen);
            }
        }
        Ok(census)
    }

    /// The processes by pid.
    pub(crate) fn by_pid(&self) -> HashMap<i32, &Seen> {
        let keyed = self.seen.iter().map(|seen| (seen.stat.key.pid, seen));
        keyed.collect()
    }

    /// Everything that descends from `root`, itself left out.
    pub(crate) fn descendants(&self, root: ProcessKey) -> Vec<ProcessKey> {
        let alive = self.seen.iter().any(|seen| seen.stat.key == root);
        let mut found: Vec<ProcessKey> = alive.then_some(root).into_iter().collect();
        self.close_over_children(&mut found);
        found.retain(|key| *key != root);
        found
    }

    /// Adds the children of all that is in `found`, and theirs.
    pub(crate) fn close_over_children(&self, found: &mut Vec<ProcessKey>) {
        let mut children: HashMap<i32, Vec<ProcessKey>> = HashMap::new();
        for seen in &self.seen {
            let siblings = children.entry(seen.stat.parent).or_default();
            siblings.push(seen.stat.key);
        }
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            for child in children.remove(&parent.pid).unwrap_or_default() {
                if !found.contains(&child) {
                    found.push(child);
                }
            }
            next += 1;
        }
    }
}

/// One process; `None` when it does not live or is a part of the kernel.
fn look(pid: i32, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    for look in 1..=LOOKS {
        let Some(stat) = Stat::read(pid)?.filter(|stat| stat.lives() && !stat.is_kernel()) else {
            return Ok(None);
        };
        match read_environment(pid, buffer) {
            Ok(()) if buffer.is_empty() && look < LOOKS => std::thread::yield_now(),
            Ok(()) => {
                let marks = Marks::find(buffer);
                return Ok(Some(Seen { stat, marks }));
            }
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) if is_closed(&error) => {
                let marks = Marks::default();
                return Ok(Some(Seen { stat, marks }));
            }
            // Its memory is just being taken down or replaced.
            Err(error) if is_in_motion(&error) && look < LOOKS => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn read_environment(pid: i32, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let file = File::open(format!("/proc/{pid}/environ"))?;
    file.take(MAX_ENVIRONMENT).read_to_end(buffer)?;
    Ok(())
}

fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

fn is_in_motion(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::IO)
}

impl Marks {
    /// Reads `NAME=value` pieces separated by NUL; the first of a name counts.
    fn find(environment: &[u8]) -> Self {
        let mut marks = Self::default();
        for piece in environment.split(|byte| *byte == 0) {
            // Almost every piece stops here, which keeps a scan cheap.
            if !piece.starts_with(b"HEADCOUNT_") || piece.len() > MAX_MARK {
                continue;
            }
            let Some((name, value)) = std::str::from_utf8(piece)
                .ok()
                .and_then(|p| p.split_once('='))
            else {
                continue;
            };
            let slot = match name {
                INSTANCE_MARK => &mut marks.instance,
                ORIGIN => &mut marks.origin,
                JOB_MARK => &mut marks.job,
                _ => continue,
            };
            slot.get_or_insert_with(|| value.to_owned());
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn marks_are_found_between_other_variables() {
        let text = b"PATH=/bin\0HEADCOUNT_ORIGIN=o/a-1-1\0HEADCOUNT_ORIGIN=x\0\
                     XHEADCOUNT_INSTANCE_MARK=no\0HEADCOUNT_INSTANCE_MARK=o/p/q/a-1-1\0bad\xff\0";
        let expected = Marks {
            instance: Some("o/p/q/a-1-1".into()),
            origin: Some("o/a-1-1".into()),
            job: None,
        };
        assert_eq!(Marks::find(text), expected);
        assert_eq!(Marks::find(b""), Marks::default());
    }

    #[test]
    fn a_marked_process_and_its_children_are_seen() {
        let mark = format!("census-test/pool/a-{:x}-1", std::process::id());
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60 & echo ready; wait"])
            .env(INSTANCE_MARK, &mark)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();

        let census = Census::take().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let root = census.by_pid()[&pid].stat.key;
        let below = census.descendants(root);
        let marked: Vec<_> = census
            .seen
            .iter()
            .filter(|seen| seen.marks.instance.as_ref() == Some(&mark))
            .map(|seen| seen.stat.key)
            .collect();
        assert_eq!(marked.len(), 2, "the shell and its sleep: {marked:?}");
        assert_eq!(below.len(), 1, "only the sleep: {below:?}");
        assert!(marked.contains(&root) && marked.contains(&below[0]));

        for pid in [below[0].pid, pid] {
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        child.wait().unwrap();
    }
}
