//! Removes an agent's directory, whatever a job made of it.
//!
//! Promise: read-only files and folders do not stop it; links are removed, never followed.
//! What another user owns is put aside with a warning, so that one job's leftovers do not
//! keep an agent on the books for ever. Called once nothing of the agent lives.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Directories put aside start so; the next start tries them again.
pub(crate) const ASIDE: &str = ".left-";

/// Removes `dir` and all in it; success when it is not there.
///
/// # Errors
/// It is still there under its name.
pub(crate) fn remove_dir(dir: &Path) -> io::Result<()> {
    let error = match remove_all(dir) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let aside = aside(dir);
    if aside.exists() || fs::rename(dir, &aside).is_err() {
        return Err(error);
    }
    tracing::warn!(
        path = %aside.display(), %error,
        "an agent's directory cannot be removed and was put aside; remove it by hand"
    );
    Ok(())
}

/// Removes what it can of a directory, making folders writable where that is what stops it.
pub(crate) fn remove_all(dir: &Path) -> io::Result<()> {
    match absent_is_fine(fs::remove_dir_all(dir)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(dir);
            absent_is_fine(fs::remove_dir_all(dir))
        }
        other => other,
    }
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Best effort: what stays closed is told by the removal that follows.
fn open_up(dir: &Path) {
    let mut next = vec![dir.to_owned()];
    while let Some(dir) = next.pop() {
        let _ = fs::set_permissions(&dir, fs::Permissions::from_mode(0o700));
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            // Of the entry itself: a link to a folder is a link.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                next.push(entry.path());
            }
        }
    }
}

fn aside(dir: &Path) -> PathBuf {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    dir.with_file_name(format!("{ASIDE}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn read_only_trees_go_and_links_are_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let kept = home.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        let dir = home.path().join("a-1-1");
        fs::create_dir_all(dir.join("deep/er")).unwrap();
        fs::write(dir.join("deep/er/file"), "x").unwrap();
        symlink(&kept, dir.join("deep/link")).unwrap();
        for folder in ["deep/er", "deep"] {
            let mode = fs::Permissions::from_mode(0o500);
            fs::set_permissions(dir.join(folder), mode).unwrap();
        }
        open_up(&dir);
        let mode = fs::metadata(dir.join("deep/er")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o700, "folders are made writable");
        remove_dir(&dir).unwrap();
        assert!(!dir.exists() && kept.join("file").exists());
        remove_dir(&dir).unwrap();
    }

    #[test]
    fn names_put_aside_stay_beside() {
        assert_eq!(
            aside(Path::new("/s/agents/a-1-1")),
            PathBuf::from("/s/agents/.left-a-1-1")
        );
    }
}
