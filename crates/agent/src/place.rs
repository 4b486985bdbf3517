//! The agent's own directory: fresh working directories, pid files, the mark.
//!
//! Promise: the files look as [`headcount_api::agent::files`] says; a working directory is
//! empty at the start of its job and gone afterwards, whatever modes the job left behind.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use headcount_api::agent::AttemptRef;
use headcount_api::agent::files::{JOBS, MARK, WORK, format_pid, pid_file, stem};

use crate::identity::random_hex;

/// Folders deeper than this are not opened up for removal.
const MAX_DEPTH: usize = 4096;

/// The agent's own directory.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    jobs: PathBuf,
    work: PathBuf,
    mark: String,
}

impl Place {
    /// Makes the folders and a new mark.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let place = Self {
            jobs: dir.join(JOBS),
            work: dir.join(WORK),
            mark: random_hex::<16>().map_err(io::Error::other)?,
        };
        for folder in [&place.jobs, &place.work] {
            private_dirs().recursive(true).create(folder)?;
        }
        write_private(&place.jobs.join(MARK), &format!("{}\n", place.mark))?;
        Ok(place)
    }

    /// What every process of an attempt carries in its environment.
    pub(crate) fn mark_of(&self, attempt: AttemptRef) -> String {
        format!("{}/{}", self.mark, stem(attempt))
    }

    /// An empty directory for an attempt.
    pub(crate) fn make_work_dir(&self, attempt: AttemptRef) -> io::Result<PathBuf> {
        let dir = self.work.join(stem(attempt));
        match private_dirs().create(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_tree(&dir)?;
                private_dirs().create(&dir)?;
            }
            other => other?,
        }
        Ok(dir)
    }

    /// Notes the main process of an attempt. Best effort: it only serves those who clean up
    /// after a killed agent.
    pub(crate) fn write_pid(&self, attempt: AttemptRef, pid: i32, start_time: u64) {
        let path = self.jobs.join(pid_file(attempt));
        if let Err(error) = write_private(&path, &format_pid(pid, start_time)) {
            tracing::warn!(file = %path.display(), %error, "pid file cannot be written");
        }
    }

    /// Nothing of the attempt is left.
    pub(crate) fn remove_pid(&self, attempt: AttemptRef) {
        let path = self.jobs.join(pid_file(attempt));
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %path.display(), %error, "pid file cannot be removed");
        }
    }
}

/// Removes a directory with everything in it. Blocks; may take long.
pub(crate) fn remove_tree(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(dir)?;
            fs::remove_dir_all(dir)
        }
        other => other,
    }
}

/// Gives the owner every right on all folders below: a job may have taken them away, as
/// package caches do. Links are not followed.
fn open_up(dir: &Path) -> io::Result<()> {
    let mut folders = vec![(dir.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)?.flatten() {
            if depth < MAX_DEPTH && entry.file_type()?.is_dir() {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(())
}

fn private_dirs() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: AttemptRef = AttemptRef { job: 7, attempt: 2 };

    #[test]
    fn files_look_as_documented() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::open(dir.path()).unwrap();
        let mark = fs::read_to_string(dir.path().join("jobs/mark")).unwrap();
        assert_eq!(mark.trim_end().len(), 32);
        assert_eq!(place.mark_of(ATTEMPT), format!("{}/7-2", mark.trim_end()));
        place.write_pid(ATTEMPT, 42, 977);
        let pid = dir.path().join("jobs/7-2.pid");
        assert_eq!(fs::read_to_string(&pid).unwrap(), "42 977\n");
        place.remove_pid(ATTEMPT);
        place.remove_pid(ATTEMPT);
        assert!(!pid.exists());
    }

    #[test]
    fn a_working_directory_is_fresh_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::open(dir.path()).unwrap();
        let work = place.make_work_dir(ATTEMPT).unwrap();
        fs::write(work.join("left"), "over").unwrap();
        let again = place.make_work_dir(ATTEMPT).unwrap();
        assert_eq!(again, dir.path().join("work/7-2"));
        assert_eq!(fs::read_dir(&again).unwrap().count(), 0);
        let mode = fs::metadata(&again).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn closed_folders_are_opened_for_removal_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o555)).unwrap();
        let tree = dir.path().join("tree");
        let inner = tree.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("file"), "").unwrap();
        std::os::unix::fs::symlink(&outside, inner.join("link")).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o500)).unwrap();
        fs::set_permissions(tree.join("a"), Permissions::from_mode(0o500)).unwrap();
        open_up(&tree).unwrap();
        assert_eq!(
            fs::metadata(&inner).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            fs::metadata(&outside).unwrap().permissions().mode() & 0o777,
            0o555
        );
        remove_tree(&tree).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists() && outside.exists());
    }
}
