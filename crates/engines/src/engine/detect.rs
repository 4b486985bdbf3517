//! Which engine this host has. Facts: the `scalers.yaml` reference, 13.
//!
//! Promise: looks at the sockets in the documented order and takes the first that may be
//! read and written; a refusal names every place that was looked at and why it was not
//! taken. Leaves to others: whether an engine answers there.

use std::fmt;
use std::path::{Path, PathBuf};

use headcount_model::EngineKind;
use rustix::fs::{Access, access};
use rustix::io::Errno;

const DOCKER: &str = "/var/run/docker.sock";
const PODMAN: &str = "/run/podman/podman.sock";
/// Below the user's own runtime directory.
const OWN_PODMAN: &str = "podman/podman.sock";

/// No socket of an engine can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoEngine {
    looked_at: Vec<(PathBuf, Errno)>,
}

impl fmt::Display for NoEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no container engine was found: ")?;
        for (path, why) in &self.looked_at {
            let why = match *why {
                Errno::NOENT => "does not exist",
                Errno::ACCESS => "may not be used by this user",
                _ => "cannot be used",
            };
            write!(f, "`{}` {why}, ", path.display())?;
        }
        f.write_str("start Docker or Podman's service, or name one with `socketPath` or `host`")
    }
}

impl std::error::Error for NoEngine {}

/// The socket of the first engine of this kind that this user may use. `runtime_dir` is
/// the user's own, where a user's Podman is.
///
/// # Errors
/// With everything that was looked at.
pub fn find_engine(kind: EngineKind, runtime_dir: Option<&Path>) -> Result<PathBuf, NoEngine> {
    first(candidates(kind, runtime_dir), |path| {
        access(path, Access::READ_OK | Access::WRITE_OK)
    })
}

fn candidates(kind: EngineKind, runtime_dir: Option<&Path>) -> Vec<PathBuf> {
    let own = runtime_dir.map(|dir| dir.join(OWN_PODMAN));
    let podman = || [PathBuf::from(PODMAN)].into_iter().chain(own);
    match kind {
        EngineKind::Docker => vec![DOCKER.into()],
        EngineKind::Podman => podman().collect(),
        EngineKind::Any => [PathBuf::from(DOCKER)]
            .into_iter()
            .chain(podman())
            .collect(),
    }
}

fn first(
    candidates: Vec<PathBuf>,
    may_use: impl Fn(&Path) -> Result<(), Errno>,
) -> Result<PathBuf, NoEngine> {
    let mut looked_at = Vec::new();
    for path in candidates {
        match may_use(&path) {
            Ok(()) => return Ok(path),
            Err(why) => looked_at.push((path, why)),
        }
    }
    Err(NoEngine { looked_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(kind: EngineKind, usable: &[&str]) -> Result<PathBuf, String> {
        let candidates = candidates(kind, Some(Path::new("/run/user/7")));
        let found = first(candidates, |path| {
            match usable.contains(&path.to_str().unwrap()) {
                true => Ok(()),
                false if path.starts_with("/var") => Err(Errno::ACCESS),
                false => Err(Errno::NOENT),
            }
        });
        found.map_err(|error| error.to_string())
    }

    /// Vector D1.
    #[test]
    fn d1_sockets_are_taken_in_the_documented_order() {
        let all = [DOCKER, PODMAN, "/run/user/7/podman/podman.sock"];
        let any = |usable| find(EngineKind::Any, usable).unwrap();
        assert_eq!(any(&all), Path::new(DOCKER));
        assert_eq!(any(&all[1..]), Path::new(PODMAN));
        assert_eq!(any(&all[2..]), Path::new(all[2]));
        let podman = find(EngineKind::Podman, &all).unwrap();
        assert_eq!(podman, Path::new(PODMAN), "docker's path is not looked at");
        assert!(find(EngineKind::Docker, &all[1..]).is_err());
    }

    #[test]
    fn d1_a_refusal_says_what_was_looked_at() {
        assert_eq!(
            find(EngineKind::Any, &[]).unwrap_err(),
            "no container engine was found: `/var/run/docker.sock` may not be used by this user, \
             `/run/podman/podman.sock` does not exist, `/run/user/7/podman/podman.sock` does not \
             exist, start Docker or Podman's service, or name one with `socketPath` or `host`"
        );
    }
}
