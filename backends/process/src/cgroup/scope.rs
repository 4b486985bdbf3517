//! Scopes of a systemd manager.
//!
//! Promise: the argument mapping of the `scalers.yaml` reference (15), as a pure function.
//! `systemd-run --scope` executes the program in its own place: the process keeps its pid,
//! its session and its environment.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use headcount_model::Resources;
use rustix::process::Signal;

use super::{Manager, limits_something};
use crate::procfs::{Handle, Stat};

/// How long the manager may take to end a scope.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// All agents' scopes live in this slice.
const SLICE: &str = "headcount";

/// What to put in front of a program so that its limits are enforced by a scope of systemd;
/// empty when it is to be executed directly: not asked for, not Linux, or no limit set.
#[must_use]
pub fn scope_prefix(
    enforce: bool,
    linux: bool,
    manager: Manager,
    unit: &str,
    limits: Resources,
) -> Vec<String> {
    if !enforce || !linux || !limits_something(limits) {
        return Vec::new();
    }
    let mut prefix = vec!["systemd-run".to_owned()];
    if manager == Manager::User {
        prefix.push("--user".into());
    }
    prefix.extend(["--scope", "--quiet", "--collect"].map(str::to_owned));
    prefix.push(format!("--slice={SLICE}"));
    prefix.push(format!("--unit={unit}"));
    if limits.cpu_millis > 0 {
        let percent = limits.cpu_millis.saturating_add(5) / 10;
        prefix.push(format!("--property=CPUQuota={}%", percent.max(1)));
    }
    if limits.memory_bytes > 0 {
        prefix.push(format!("--property=MemoryMax={}", limits.memory_bytes));
    }
    prefix.push("--".into());
    prefix
}

/// Ends everything inside a scope. Best effort: an unknown scope is an empty one, and the
/// marks find the rest.
pub(crate) fn kill_scope(manager: Manager, unit: &str) {
    let mut command = Command::new("systemctl");
    if manager == Manager::User {
        command.arg("--user");
    }
    command
        .args(["kill", "--signal=SIGKILL"])
        .arg(format!("{unit}.scope"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.spawn() {
        Ok(child) => collect(child),
        Err(error) => tracing::warn!(unit, %error, "systemctl cannot be executed"),
    }
}

/// Waits for the command, and ends it if it hangs.
fn collect(mut child: std::process::Child) {
    let handle = i32::try_from(child.id())
        .ok()
        .and_then(|pid| Stat::read(pid).ok().flatten())
        .and_then(|stat| Handle::open(stat.key).ok().flatten());
    let deadline = Instant::now() + KILL_WAIT;
    if let Some(handle) = handle
        && !handle.wait_until(deadline).unwrap_or(false)
        && let Err(error) = handle.signal(Signal::KILL)
    {
        tracing::warn!(%error, "a hanging systemctl cannot be ended");
    }
    if let Err(error) = child.wait() {
        tracing::warn!(%error, "systemctl cannot be collected");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn prefix(enforce: bool, linux: bool, cpu_millis: u64, memory_bytes: u64) -> Vec<String> {
        let limits = Resources {
            cpu_millis,
            memory_bytes,
        };
        scope_prefix(enforce, linux, Manager::User, "headcount-o-a-1-1", limits)
    }

    #[test]
    fn b1_cpu_and_memory() {
        let expected = [
            "systemd-run",
            "--user",
            "--scope",
            "--quiet",
            "--collect",
            "--slice=headcount",
            "--unit=headcount-o-a-1-1",
            "--property=CPUQuota=200%",
            "--property=MemoryMax=4294967296",
            "--",
        ];
        assert_eq!(prefix(true, true, 2000, 4 * GIB), expected);
    }

    #[test]
    fn b2_one_side_or_nothing() {
        let half = prefix(true, true, 500, 0);
        let properties: Vec<_> = half.iter().filter(|a| a.starts_with("--prop")).collect();
        assert_eq!(properties, ["--property=CPUQuota=50%"]);
        for direct in [
            prefix(true, true, 0, 0),
            prefix(true, false, 2000, GIB),
            prefix(false, true, 2000, GIB),
        ] {
            assert_eq!(direct, Vec::<String>::new());
        }
    }

    #[test]
    fn the_smallest_quota_is_one_percent() {
        let tiny = prefix(true, true, 4, 0);
        assert!(tiny.contains(&"--property=CPUQuota=1%".to_owned()));
        let rounded = prefix(true, true, 1256, 0);
        assert!(rounded.contains(&"--property=CPUQuota=126%".to_owned()));
    }
}
