//! What the kernel says of processes: memory, wake-ups, time used, marks.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// What a process holds in memory, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// At present.
    pub(crate) resident: u64,
    /// At its highest.
    pub(crate) peak: u64,
}

/// The memory of a process.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    Ok(Memory {
        resident: number(&status, "VmRSS:")?,
        peak: number(&status, "VmHWM:")?,
    })
}

/// What a process did, all of its threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// Times a thread gave up its CPU or lost it: a timer that fires shows here.
    pub(crate) switches: u64,
    /// Time used, in the kernel's ticks.
    pub(crate) ticks: u64,
}

impl Activity {
    /// What was added since.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            switches: self.switches.saturating_sub(earlier.switches),
            ticks: self.ticks.saturating_sub(earlier.ticks),
        }
    }
}

/// What a process did so far.
pub(crate) fn activity(pid: u32) -> Result<Activity> {
    let mut sum = Activity::default();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).context("the daemon is gone")?;
    for thread in threads {
        let thread = thread?.path();
        let status = fs::read_to_string(thread.join("status"))?;
        sum.switches += number(&status, "voluntary_ctxt_switches:")?;
        sum.switches += number(&status, "nonvoluntary_ctxt_switches:")?;
        sum.ticks += ticks(&fs::read_to_string(thread.join("stat"))?)?;
    }
    Ok(sum)
}

/// Threads of a process, by name.
pub(crate) fn threads(pid: u32) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let name = fs::read_to_string(thread?.path().join("comm"))?;
        names.push(name.trim().to_owned());
    }
    names.sort();
    Ok(names)
}

/// Living processes whose environment or arguments contain this text, ours left out.
pub(crate) fn mentioning(text: &str) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let mentions = ["environ", "cmdline"].iter().any(|file| {
            // A process may end while it is looked at; then it mentions nothing.
            let bytes = fs::read(PathBuf::from(format!("/proc/{pid}/{file}"))).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        });
        if mentions && pid != std::process::id() {
            found.push(pid);
        }
    }
    Ok(found)
}

fn read(pid: u32, file: &str) -> Result<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}"))
        .with_context(|| format!("process {pid} is gone"))
}

/// The number after `key` in a file of `key: number` lines.
fn number(text: &str, key: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    let word = word.with_context(|| format!("the kernel does not say `{key}`"))?;
    Ok(word.parse()?)
}

/// User and system time of a `stat` line; the name in it may hold blanks and brackets.
fn ticks(stat: &str) -> Result<u64> {
    let (_, rest) = stat.rsplit_once(')').context("a strange stat line")?;
    // After the name: state is field 3, utime 14, stime 15.
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || -> Result<u64> { Ok(fields.next().context("a short stat line")?.parse()?) };
    Ok(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        assert_eq!(
            number("VmHWM:\t  12 kB\nVmRSS:\t  7 kB\n", "VmRSS:").unwrap(),
            7
        );
        assert!(number("VmHWM: 12 kB", "VmRSS:").is_err());
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0 1 0 5";
        assert_eq!(ticks(stat).unwrap(), 42);
    }

    #[test]
    fn this_process_has_memory_and_did_something() {
        let me = std::process::id();
        let memory = memory(me).unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        assert!(activity(me).unwrap().switches > 0);
        assert!(!threads(me).unwrap().is_empty());
        assert!(!mentioning("cargo").unwrap().contains(&me));
    }
}
