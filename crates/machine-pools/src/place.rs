//! Where the files of the pools lie: daemons share a pool only if they share the directory.
//!
//! Promise: an explicit directory is used or refused, never replaced by another one; of
//! the others, the first in which this user may write.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use headcount_ports::MachinePoolError;

/// Spellings of the directory's variable, the first that is set wins.
pub const DIRECTORY: [&str; 2] = ["HEADCOUNT_MACHINE_LEDGER_DIR", "KICI_MACHINE_LEDGER_DIR"];
/// Our own, so that the files of the KiCI auto-scaler, which mean something else, are
/// never read as ours.
const FOLDER: &str = "headcount/machine-pools";

/// Where the directory may be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    explicit: Option<PathBuf>,
    candidates: Vec<PathBuf>,
    /// Anybody may write there, so what is there already must be ours.
    shared: PathBuf,
}

impl Places {
    /// This directory and no other.
    pub fn only(dir: impl Into<PathBuf>) -> Self {
        Self {
            explicit: Some(dir.into()),
            candidates: Vec::new(),
            shared: PathBuf::new(),
        }
    }

    /// What the environment says, empty values counting as unset; otherwise the places of
    /// the system, of the user, and for temporary files. Called with `std::env::var_os`.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let explicit = DIRECTORY.into_iter().find_map(get).map(PathBuf::from);
        let home = || get("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let state = get("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
        let system = Path::new("/var/lib").join(FOLDER);
        let user = state.map(|state| state.join(FOLDER));
        let temporary = get("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        Self {
            explicit,
            candidates: [system].into_iter().chain(user).collect(),
            shared: temporary.join("headcount-machine-pools"),
        }
    }

    /// The directory, made if need be.
    ///
    /// # Errors
    /// Nobody may write where it is to be.
    pub(crate) fn open(&self) -> Result<PathBuf, MachinePoolError> {
        if let Some(dir) = &self.explicit {
            return match usable(dir) {
                Ok(()) => Ok(dir.clone()),
                Err(error) => Err(refused(dir, &error)),
            };
        }
        let found = self.candidates.iter().find(|dir| usable(dir).is_ok());
        if let Some(dir) = found {
            return Ok(dir.clone());
        }
        match usable(&self.shared).and_then(|()| ours(&self.shared)) {
            Ok(()) => Ok(self.shared.clone()),
            Err(error) => Err(refused(&self.shared, &error)),
        }
    }
}

fn refused(dir: &Path, error: &io::Error) -> MachinePoolError {
    MachinePoolError::Invalid(format!(
        "the ledger of machine pools cannot be kept in `{}`: {error}; set {} to a directory \
         that every daemon of this host may write to",
        dir.display(),
        DIRECTORY[0]
    ))
}

/// Makes it if need be, and tries to write there.
fn usable(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    let probe = dir.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"")?;
    fs::remove_file(&probe)
}

fn ours(dir: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(dir)?;
    let user = rustix::process::geteuid().as_raw();
    if found.is_dir() && found.uid() == user {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "it belongs to another user",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(set: &[(&str, &str)]) -> Places {
        Places::from_environment(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn own_spelling_wins_over_the_alias_and_both_over_everything_else() {
        let both = [(DIRECTORY[0], "/own"), (DIRECTORY[1], "/alias")];
        assert_eq!(places(&both).explicit, Some("/own".into()));
        let alias = [(DIRECTORY[0], ""), both[1], ("HOME", "/home/u")];
        assert_eq!(places(&alias).explicit, Some("/alias".into()));
    }

    #[test]
    fn system_user_and_temporary_places_come_in_this_order() {
        let home = places(&[("HOME", "/home/u"), ("TMPDIR", "/t")]);
        let expected = [
            "/var/lib/headcount/machine-pools",
            "/home/u/.local/state/headcount/machine-pools",
        ];
        assert_eq!(home.candidates, expected.map(PathBuf::from));
        assert_eq!(home.shared, PathBuf::from("/t/headcount-machine-pools"));
        let xdg = places(&[("HOME", "/home/u"), ("XDG_STATE_HOME", "/x")]);
        assert_eq!(
            xdg.candidates[1],
            PathBuf::from("/x/headcount/machine-pools")
        );
    }

    #[test]
    fn a_place_that_cannot_be_used_is_passed_over_unless_it_was_named() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        fs::write(&blocked, "").unwrap();
        let good = dir.path().join("good");
        let two = Places {
            explicit: None,
            candidates: vec![blocked.join("pools"), good.clone()],
            shared: PathBuf::new(),
        };
        assert_eq!(two.open().unwrap(), good);
        let named = Places::only(blocked.join("pools"));
        let error = named.open().unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "the ledger of machine pools cannot be kept in `{}`: Not a directory (os error \
                 20); set HEADCOUNT_MACHINE_LEDGER_DIR to a directory that every daemon of this \
                 host may write to",
                blocked.join("pools").display()
            )
        );
    }
}
