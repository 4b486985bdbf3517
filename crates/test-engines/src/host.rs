//! What this machine can run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `dockerd`.
    Docker,
    /// `podman system service`.
    Podman,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Docker, Self::Podman];

    const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["dockerd", "containerd", "runc"],
            Self::Podman => &["podman", "conmon", "runc"],
        }
    }
}

/// Needed for either: namespaces, an interface, and what the image is made of.
const ALWAYS: [&str; 4] = ["unshare", "ip", "mount", "busybox"];

/// Whether a test that needs this engine must be skipped; says so on standard error.
#[must_use]
pub fn skip(kind: Kind) -> bool {
    let Some(why) = obstacle(kind) else {
        return false;
    };
    eprintln!("skipped: no test with {kind:?}: {why}");
    true
}

fn obstacle(kind: Kind) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can start an engine of its own".into());
    }
    let missing = ALWAYS.iter().chain(kind.programs());
    let missing: Vec<&str> = missing.copied().filter(|p| find(p).is_none()).collect();
    if !missing.is_empty() {
        return Some(format!("missing: {}", missing.join(", ")));
    }
    let mut trial = Command::new("unshare");
    trial.args([
        "--pid",
        "--fork",
        "--mount",
        "--mount-proc",
        "--net",
        "true",
    ]);
    trial.stdin(Stdio::null()).stderr(Stdio::null());
    let may = trial.status().is_ok_and(|status| status.success());
    (!may).then(|| "this machine gives us no namespaces".into())
}

/// The program, on the path or where administrators' programs are.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(usual);
    let mut candidates = folders.map(|folder| folder.join(program));
    candidates.find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file()
}
