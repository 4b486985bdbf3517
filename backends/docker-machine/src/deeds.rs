//! What this daemon has asked the tool for: one file for each machine, in the state
//! directory.
//!
//! Promise: a machine is written down before the tool is called, and crossed out only after
//! the tool has said that it removed it; so a record that is missing from the store is
//! missed. A note that cannot be read is an error until somebody mends it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use headcount_calls::Writer;
use headcount_model::AgentId;
use serde::{Deserialize, Serialize};

use crate::progress::{Log, Progress};

/// Below the daemon's state directory.
const FOLDER: &str = "docker-machine";
/// Which store the machines are in.
const STORE: &str = "store";
/// Tells this start of the host from every other.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// One machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deed {
    pub(crate) name: String,
    pub(crate) pool: String,
    pub(crate) driver: String,
    pub(crate) phase: Phase,
    /// The process of the tool that makes it, `<pid> <start>`, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maker: Option<String>,
    /// Since which start of the host it is made; `None` where that was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot: Option<String>,
    /// Where its engine is, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<Endpoint>,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Phase {
    /// It may have been begun.
    Making,
    /// It is there, and its agent may have been started.
    Settling,
    /// Its agent was started.
    Made,
    /// `rm` may have been called, and may have been successful.
    Removing,
    /// `rm` has failed: the machine is to go and is still there.
    Kept,
    /// The tool was ended before the record said what the cloud calls the machine, so that
    /// `rm` says nothing of whether there is one.
    Unsure,
}

/// The engine of a machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// `tcp://host:port`.
    pub(crate) url: String,
    /// A folder with `ca.pem`, `cert.pem` and `key.pem`.
    pub(crate) certificates: PathBuf,
}

/// All machines of one backend. Whoever changes anything waits for the disk, and keeps
/// nobody from reading meanwhile.
pub(crate) struct Deeds {
    folder: PathBuf,
    boot: Option<String>,
    changing: Mutex<()>,
    all: Mutex<Result<BTreeMap<AgentId, Deed>, String>>,
}

impl Deeds {
    /// Those that a former run has left. What is wrong with them is told by [`all`](Self::all).
    pub(crate) fn load(state_dir: &Path, fingerprint: u64) -> Self {
        let folder = state_dir.join(FOLDER).join(format!("{fingerprint:016x}"));
        let all = load(&folder).map_err(|(path, why)| {
            format!(
                "`{}`, which says what machine an agent has, cannot be read: {why}; mend it",
                path.display()
            )
        });
        let boot = fs::read_to_string(BOOT_ID).map(|id| id.trim().to_owned());
        Self {
            folder,
            boot: boot.ok().filter(|id| !id.is_empty()),
            changing: Mutex::default(),
            all: Mutex::new(all),
        }
    }

    /// This start of the host, where the kernel tells it.
    pub(crate) fn boot(&self) -> Option<String> {
        self.boot.clone()
    }

    /// Whether the host was certainly started anew since: nothing of then runs.
    pub(crate) fn is_of_another_boot(&self, deed: &Deed) -> bool {
        deed.boot.is_some() && self.boot.is_some() && deed.boot != self.boot
    }

    /// Everything that may be there.
    pub(crate) fn all(&self) -> Result<BTreeMap<AgentId, Deed>, String> {
        self.lock().clone()
    }

    pub(crate) fn of(&self, agent: AgentId) -> Result<Option<Deed>, String> {
        match &*self.lock() {
            Ok(all) => Ok(all.get(&agent).cloned()),
            Err(why) => Err(why.clone()),
        }
    }

    /// Writes it down. It is on the disk when this returns.
    pub(crate) fn put(&self, agent: AgentId, deed: Deed) -> io::Result<()> {
        let _alone = self.alone();
        self.keep(agent, deed)
    }

    /// Changes what is written of an agent, if anything is.
    pub(crate) fn change(&self, agent: AgentId, change: impl FnOnce(&mut Deed)) -> io::Result<()> {
        let _alone = self.alone();
        let found = self.of(agent).map_err(io::Error::other)?;
        let Some(mut deed) = found else {
            return Ok(());
        };
        change(&mut deed);
        self.keep(agent, deed)
    }

    fn keep(&self, agent: AgentId, deed: Deed) -> io::Result<()> {
        self.of(agent).map_err(io::Error::other)?;
        fs::create_dir_all(&self.folder)?;
        let text = serde_json::to_vec(&deed)?;
        write(&self.folder, &file_name(agent), &text)?;
        if let Ok(all) = &mut *self.lock() {
            all.insert(agent, deed);
        }
        Ok(())
    }

    /// Its machine is gone, as the tool says.
    pub(crate) fn cross_out(&self, agent: AgentId) -> io::Result<()> {
        let _alone = self.alone();
        self.of(agent).map_err(io::Error::other)?;
        for path in [self.path(agent), self.log(agent)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Ok(all) = &mut *self.lock() {
            all.remove(&agent);
        }
        Ok(())
    }

    /// Drops what somebody has removed by hand: a person who says that a machine is gone.
    /// The tool's words go with it, unless the tool is still at it.
    pub(crate) fn forget_removed(&self) {
        let _alone = self.alone();
        let known = self.all().unwrap_or_default().into_keys();
        let is_there = |agent: &AgentId| self.path(*agent).try_exists().unwrap_or(true);
        let removed: Vec<AgentId> = known.filter(|agent| !is_there(agent)).collect();
        for agent in &removed {
            let log = self.log(*agent);
            if Writer::of(&log).is_ok_and(|writer| writer == Writer::None) {
                let _ = fs::remove_file(log);
            }
        }
        if let Ok(all) = &mut *self.lock() {
            all.retain(|agent, _| !removed.contains(agent));
        }
    }

    /// Where a machine is written down.
    pub(crate) fn path(&self, agent: AgentId) -> PathBuf {
        self.folder.join(file_name(agent))
    }

    /// Where the tool's words about a creation go.
    pub(crate) fn log(&self, agent: AgentId) -> PathBuf {
        self.folder.join(format!("{agent}.log"))
    }

    /// How far the creation of a machine came, once it has ended.
    pub(crate) fn progress(&self, agent: AgentId, deed: &Deed) -> Progress {
        let kept = match deed.boot.is_some() && deed.boot == self.boot {
            true => Log::Whole,
            false => Log::Torn,
        };
        Progress::of(&self.log(agent), kept, &deed.driver)
    }

    /// The store in which machines were made last, as it called itself.
    pub(crate) fn store(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(self.folder.join(STORE)) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn put_store(&self, identity: &str) -> io::Result<()> {
        let _alone = self.alone();
        if self.store()?.as_deref() == Some(identity) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        write(&self.folder, STORE, format!("{identity}\n").as_bytes())
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Result<BTreeMap<AgentId, Deed>, String>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_name(agent: AgentId) -> String {
    format!("{agent}.json")
}

fn load(folder: &Path) -> Result<BTreeMap<AgentId, Deed>, (PathBuf, String)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| (path.clone(), error.to_string())
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(at(folder)(error)),
    };
    let mut all = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let agent = name.strip_suffix(".json").and_then(|id| id.parse().ok());
        let Some(agent) = agent else { continue };
        let text = fs::read(&path).map_err(at(&path))?;
        let deed = serde_json::from_slice(&text).map_err(|why| (path.clone(), why.to_string()))?;
        all.insert(agent, deed);
    }
    Ok(all)
}

/// Whole or not at all.
fn write(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.new"));
    let mut file = File::create(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 2,
    };

    fn deed() -> Deed {
        Deed {
            name: "m".into(),
            pool: "p".into(),
            driver: "d".into(),
            phase: Phase::Making,
            maker: None,
            boot: None,
            engine: None,
        }
    }

    #[test]
    fn what_is_written_is_there_after_a_restart_until_it_is_crossed_out() {
        let dir = tempfile::tempdir().unwrap();
        let deeds = Deeds::load(dir.path(), 7);
        deeds.put(AGENT, deed()).unwrap();
        deeds
            .change(AGENT, |deed| deed.phase = Phase::Made)
            .unwrap();
        deeds.put_store("x").unwrap();
        let again = Deeds::load(dir.path(), 7);
        let expected = Deed {
            phase: Phase::Made,
            ..deed()
        };
        assert_eq!(again.of(AGENT), Ok(Some(expected)));
        assert_eq!(again.store().unwrap().as_deref(), Some("x"));
        assert_eq!(Deeds::load(dir.path(), 8).all(), Ok(BTreeMap::new()));
        again.cross_out(AGENT).unwrap();
        assert_eq!(Deeds::load(dir.path(), 7).all(), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let deeds = Deeds::load(dir.path(), 7);
        deeds.put(AGENT, deed()).unwrap();
        fs::write(deeds.path(AGENT), "{").unwrap();
        let again = Deeds::load(dir.path(), 7);
        let why = again.all().unwrap_err();
        assert!(
            why.contains("a-1-2.json") && why.ends_with("mend it"),
            "{why}"
        );
        assert!(again.put(AGENT, deed()).is_err());
    }

    #[test]
    fn the_words_of_before_a_power_loss_are_not_all_there() {
        let dir = tempfile::tempdir().unwrap();
        let deeds = Deeds::load(dir.path(), 7);
        let of = |boot: Option<&str>| Deed {
            boot: boot.map(str::to_owned),
            ..deed()
        };
        let now = deeds.boot().unwrap();
        for (boot, progress, other) in [
            (Some(now.as_str()), Progress::NotBegun, false),
            (Some("another"), Progress::Unsaved, true),
            (None, Progress::Unsaved, false),
        ] {
            assert_eq!(deeds.progress(AGENT, &of(boot)), progress, "{boot:?}");
            assert_eq!(deeds.is_of_another_boot(&of(boot)), other, "{boot:?}");
        }
    }

    #[test]
    fn a_note_that_somebody_removes_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let deeds = Deeds::load(dir.path(), 7);
        deeds.put(AGENT, deed()).unwrap();
        deeds.forget_removed();
        assert!(deeds.of(AGENT).unwrap().is_some());
        fs::remove_file(deeds.path(AGENT)).unwrap();
        deeds.forget_removed();
        assert_eq!(deeds.of(AGENT), Ok(None));
    }
}
