//! What this host offers to enforce limits.
//!
//! Promise: support that is reported has been tried: a child was made and removed. The
//! reason of a missing support is for people. Order: a systemd manager (it owns the tree),
//! version 2, version 1.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{CgroupSupport, Manager};
use crate::program;

/// The daemon's own place on version 2, so that its cgroup holds no process itself and may
/// hand controllers down.
const OWN_LEAF: &str = "headcount-daemon";
/// A child made to see whether children can be made.
const PROBE: &str = "headcount-probe";

impl CgroupSupport {
    /// What this host offers to this process. On version 2 this may move the daemon into a
    /// child of its own cgroup. Called once, at start.
    #[must_use]
    pub fn detect() -> Self {
        if let Some(manager) = running_manager() {
            return Self::Systemd(manager);
        }
        let mounts = match fs::read_to_string("/proc/self/mountinfo") {
            Ok(mounts) => mounts,
            Err(error) => return missing(format!("/proc/self/mountinfo cannot be read: {error}")),
        };
        let own = match fs::read_to_string("/proc/self/cgroup") {
            Ok(own) => own,
            Err(error) => return missing(format!("/proc/self/cgroup cannot be read: {error}")),
        };
        let legacy = (
            mounted_at(&mounts, &own, Some("cpu")),
            mounted_at(&mounts, &own, Some("memory")),
        );
        if let (Some(cpu), Some(memory)) = legacy {
            return legacy_support(cpu, memory);
        }
        match mounted_at(&mounts, &own, None) {
            Some(base) => unified_support(without_leaf(base)),
            None => missing("no systemd manager runs and no cgroup filesystem is mounted".into()),
        }
    }
}

/// The manager that would take a scope of ours.
fn running_manager() -> Option<Manager> {
    let path = std::env::var("PATH").ok();
    let booted = Path::new("/run/systemd/system").is_dir();
    if !booted || program::find("systemd-run", path.as_deref()).is_err() {
        return None;
    }
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        return Some(Manager::System);
    }
    let runtime = std::env::var("XDG_RUNTIME_DIR");
    let runtime = runtime.unwrap_or_else(|_| format!("/run/user/{}", uid.as_raw()));
    let socket = Path::new(&runtime).join("systemd/private");
    socket.exists().then_some(Manager::User)
}

/// Our own cgroup under a version 1 controller, or under version 2 (`None`), as a path.
///
/// `mounts` is `/proc/self/mountinfo`, `own` is `/proc/self/cgroup`.
fn mounted_at(mounts: &str, own: &str, controller: Option<&str>) -> Option<PathBuf> {
    let place = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, place) = (parts.next()?, parts.next()?);
        let matches = match controller {
            Some(name) => controllers.split(',').any(|one| one == name),
            None => controllers.is_empty(),
        };
        matches.then_some(place)
    })?;
    mounts.lines().find_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let head: Vec<&str> = head.split(' ').collect();
        let tail: Vec<&str> = tail.split(' ').collect();
        let (root, point) = (head.get(3)?, head.get(4)?);
        let matches = match controller {
            Some(name) => {
                let options = tail.get(2).copied().unwrap_or_default();
                tail.first() == Some(&"cgroup") && options.split(',').any(|one| one == name)
            }
            None => tail.first() == Some(&"cgroup2"),
        };
        // The mount may show only a part of the tree, as in a container.
        let below = place.strip_prefix(root.trim_end_matches('/')).unwrap_or("");
        matches.then(|| Path::new(point).join(below.trim_start_matches('/')))
    })
}

fn legacy_support(cpu: PathBuf, memory: PathBuf) -> CgroupSupport {
    for dir in [&cpu, &memory] {
        if let Err(error) = try_child(dir) {
            return cannot_make(dir, &error);
        }
    }
    CgroupSupport::Legacy { cpu, memory }
}

fn unified_support(base: PathBuf) -> CgroupSupport {
    let offered = match fs::read_to_string(base.join("cgroup.controllers")) {
        Ok(offered) => offered,
        Err(error) => return missing(format!("`{}` cannot be read: {error}", base.display())),
    };
    for controller in ["cpu", "memory"] {
        if !offered.split_whitespace().any(|one| one == controller) {
            return missing(format!(
                "the {controller} controller is not available in `{}`",
                base.display()
            ));
        }
    }
    match hand_down(&base).and_then(|()| try_child(&base)) {
        Ok(()) => CgroupSupport::Unified { base },
        Err(error) => cannot_make(&base, &error),
    }
}

/// Enables the controllers for children. A cgroup that holds processes may not: then the
/// daemon moves into a child first.
fn hand_down(base: &Path) -> io::Result<()> {
    let enable = || fs::write(base.join("cgroup.subtree_control"), "+cpu +memory");
    match enable() {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let leaf = base.join(OWN_LEAF);
            match fs::create_dir(&leaf) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => fs::write(leaf.join("cgroup.procs"), "0")?,
            }
            enable()
        }
        other => other,
    }
}

fn without_leaf(base: PathBuf) -> PathBuf {
    match base.parent() {
        Some(parent) if base.ends_with(OWN_LEAF) => parent.to_owned(),
        _ => base,
    }
}

fn try_child(dir: &Path) -> io::Result<()> {
    let probe = dir.join(format!("{PROBE}-{}", std::process::id()));
    fs::create_dir(&probe)?;
    fs::remove_dir(&probe)
}

fn cannot_make(dir: &Path, error: &io::Error) -> CgroupSupport {
    missing(format!(
        "no systemd manager runs and no cgroup can be made in `{}` ({error})",
        dir.display()
    ))
}

fn missing(why: String) -> CgroupSupport {
    CgroupSupport::Missing { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
31 29 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
33 29 0:29 /docker/ab /cg rw - cgroup none rw,pids
";
    const OWN: &str = "5:pids:/docker/ab/sub\n4:memory:/process/7\n3:cpu,cpuacct:/\n0::/x/y\n";

    #[test]
    fn own_cgroups_are_found_below_their_mounts() {
        let at = |controller| mounted_at(HYBRID, OWN, controller);
        let expected = |path: &str| Some(PathBuf::from(path));
        assert_eq!(at(Some("cpu")), expected("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(
            at(Some("memory")),
            expected("/sys/fs/cgroup/memory/process/7")
        );
        assert_eq!(at(None), expected("/sys/fs/cgroup/unified/x/y"));
        assert_eq!(at(Some("pids")), expected("/cg/sub"));
        assert_eq!(at(Some("freezer")), None);
        assert_eq!(mounted_at("", OWN, None), None);
    }

    #[test]
    fn the_daemons_own_leaf_is_not_nested() {
        let at = |path: &str| without_leaf(PathBuf::from(path));
        assert_eq!(at("/cg/headcount-daemon"), PathBuf::from("/cg"));
        assert_eq!(at("/cg/other"), PathBuf::from("/cg/other"));
    }

    #[test]
    fn a_tree_without_controllers_is_refused_with_its_reason() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("cgroup.controllers"), "cpu pids\n").unwrap();
        assert_eq!(
            unified_support(base.path().to_owned()),
            CgroupSupport::Missing {
                why: format!(
                    "the memory controller is not available in `{}`",
                    base.path().display()
                )
            }
        );
    }

    #[test]
    fn a_tree_we_may_not_write_to_is_refused_with_its_reason() {
        let none = PathBuf::from("/proc/none");
        assert_eq!(
            legacy_support(none.clone(), none),
            CgroupSupport::Missing {
                why: "no systemd manager runs and no cgroup can be made in `/proc/none` \
                      (No such file or directory (os error 2))"
                    .into()
            }
        );
    }
}
