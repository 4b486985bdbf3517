//! One small file, read and replaced as a whole.
//!
//! Promise: whoever reads sees the old or the new content, never half of it, also when the
//! writer is killed between any two steps or the power fails. Callers hold the pool's
//! lock, so there is one writer.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A pool's file is far smaller; what is larger is not one.
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// Steps of a replacement, in order; a test may end the process at each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Written,
    Synced,
    Renamed,
}

/// The content; absent when there is no file.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces the content, durably.
///
/// # Errors
/// The old or the new content is there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by_steps(path, bytes, |_| ())
}

fn replace_by_steps(path: &Path, bytes: &[u8], mut after: impl FnMut(Step)) -> io::Result<()> {
    // What a killed writer left of it is overwritten.
    let fresh = beside(path, "new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    after(Step::Written);
    file.sync_all()?;
    after(Step::Synced);
    fs::rename(&fresh, path)?;
    after(Step::Renamed);
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// Moves a damaged file out of the way, for a person to look at; the last one is kept.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = beside(path, "damaged");
    fs::rename(path, &aside)?;
    Ok(aside)
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const PATH: &str = "HEADCOUNT_TEST_FILE";
    const STEP: &str = "HEADCOUNT_TEST_STEP";
    const STEPS: [Step; 3] = [Step::Written, Step::Synced, Step::Renamed];

    /// Not a test of its own: the writer that is killed.
    #[test]
    #[ignore = "started by the test below"]
    fn writes_and_is_killed() {
        let (Ok(path), Ok(step)) = (std::env::var(PATH), std::env::var(STEP)) else {
            return;
        };
        let kill = |after: Step| {
            if format!("{after:?}") == step {
                let own = rustix::process::getpid();
                rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
            }
        };
        replace_by_steps(Path::new(&path), b"new", kill).unwrap();
    }

    #[test]
    fn a_writer_killed_between_any_two_steps_leaves_the_old_or_the_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host.json");
        for (step, left) in STEPS.into_iter().zip(["old", "old", "new"]) {
            replace(&path, b"old").unwrap();
            let killed = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "file::tests::writes_and_is_killed"])
                .env(PATH, &path)
                .env(STEP, format!("{step:?}"))
                .output()
                .unwrap();
            assert_eq!(killed.status.code(), None, "{step:?}: it was to be killed");
            let found = read(&path).unwrap().unwrap();
            assert_eq!(found, left.as_bytes(), "{step:?}");
            replace(&path, b"next").unwrap();
            assert_eq!(read(&path).unwrap().unwrap(), b"next", "after {step:?}");
        }
    }

    #[test]
    fn no_file_is_told_apart_from_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host.json");
        assert_eq!(read(&path).unwrap(), None);
        fs::write(&path, "").unwrap();
        assert_eq!(read(&path).unwrap(), Some(Vec::new()));
    }
}
