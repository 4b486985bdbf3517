//! Reads what the kernel says of processes.
//!
//! Promise: reading only; a process that went away meanwhile is absent, never an error.
//! Leaves to others: what to do with them (`warden`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;

/// The most of an environment that is looked at, in bytes: the kernel's bound for
/// arguments and environment together on usual stack limits.
const MAX_ENVIRON_BYTES: u64 = 8 * 1024 * 1024;
/// The most processes below one that are looked at in one go; the rest follows in the
/// next go.
const MAX_DESCENDANTS: usize = 65_536;

/// What `/proc/<pid>/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    /// It ended; only its status is left.
    pub(crate) ended: bool,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// In clock ticks since boot: with the pid it names a process for good.
    pub(crate) start_time: u64,
}

/// What an environment says about a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Its value.
    Is(Vec<u8>),
    /// It is not set, or the environment cannot be read.
    Absent,
}

/// One process; `None` when it is not there.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The children of a process, those of all of its threads.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    match children_files(pid) {
        Some(children) => children,
        None => scan()
            .into_values()
            .filter(|stat| stat.parent == pid)
            .map(|stat| stat.pid)
            .collect(),
    }
}

/// A process and everything below it, ended ones included.
pub(crate) fn family(pid: i32) -> Vec<Stat> {
    let mut found: Vec<Stat> = stat(pid).into_iter().collect();
    let mut next = 0;
    while next < found.len() && found.len() < MAX_DESCENDANTS {
        let parent = found[next].pid;
        found.extend(children(parent).into_iter().filter_map(stat));
        next += 1;
    }
    found
}

/// The value of a variable in the environment a process was started with.
pub(crate) fn mark(pid: i32, name: &str) -> Mark {
    let mut bytes = Vec::new();
    let read = File::open(format!("/proc/{pid}/environ"))
        .and_then(|file| file.take(MAX_ENVIRON_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return Mark::Absent;
    }
    find_variable(&bytes, name).map_or(Mark::Absent, |value| Mark::Is(value.to_vec()))
}

fn find_variable<'a>(environ: &'a [u8], name: &str) -> Option<&'a [u8]> {
    environ.split(|byte| *byte == 0).find_map(|variable| {
        variable
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
    })
}

/// `None` when this kernel has no such files (a process without children has empty ones).
fn children_files(pid: i32) -> Option<Vec<i32>> {
    let mut found = Vec::new();
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Some(found);
    };
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(text.split_ascii_whitespace().flat_map(str::parse::<i32>)),
            Err(_) if thread.path().join("stat").exists() => return None,
            Err(_) => {}
        }
    }
    Some(found)
}

/// All processes, by pid.
fn scan() -> BTreeMap<i32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect()
}

/// The name in the second field may hold anything, so fields are counted from its end.
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Stat {
        pid: head.split_once(' ')?.0.parse().ok()?,
        ended: matches!(*fields.first()?, "Z" | "X"),
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_whatever_the_name_holds() {
        let text = "42 (a) b (c) S 7 40 39 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 977 1000 10 1 1\n";
        assert_eq!(
            parse_stat(text),
            Some(Stat {
                pid: 42,
                ended: false,
                parent: 7,
                group: 40,
                session: 39,
                start_time: 977,
            })
        );
        assert_eq!(parse_stat("42 (short) S 7"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn variables_are_found_by_their_whole_name() {
        let environ = b"XMARK=1\0MARKS=2\0MARK=a/b\0";
        assert_eq!(find_variable(environ, "MARK"), Some(&b"a/b"[..]));
        assert_eq!(find_variable(environ, "MAR"), None);
    }

    #[test]
    fn children_are_seen_by_file_and_by_scan() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let by_scan: Vec<i32> = scan()
            .into_values()
            .filter(|stat| stat.parent == own)
            .map(|stat| stat.pid)
            .collect();
        assert!(children(own).contains(&pid));
        assert!(by_scan.contains(&pid));
        assert!(family(own).iter().any(|stat| stat.pid == pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(stat(pid).map(|stat| stat.start_time), None);
    }
}
