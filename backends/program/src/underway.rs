//! Creations that are under way, as files: a program that a killed daemon leaves behind may
//! make its machine long after that, and the next daemon must know.
//!
//! Promise: a creation is noted before its program is started, and its note is there until
//! the program has ended or was told to; a note that says less than it should, or cannot be
//! read, stands for a creation that is under way for as long as it may take. Only a killed
//! daemon leaves notes behind, so nothing is forced onto the disk: who survives that does not
//! survive the end of the host. Leaves what follows to the backend. See decision 23.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use headcount_calls::Maker;
use headcount_model::{AgentId, BackendId, PoolName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Below the state directory.
const FOLDER: &str = "provisioner-calls";

/// Where one backend's creations are noted.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    folder: PathBuf,
    backend: BackendId,
}

/// One note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    backend: String,
    pool: String,
    /// Who makes it; not known before it is started, nor by a daemon that died just then.
    maker: Option<String>,
    /// When it was noted, in milliseconds of Unix time.
    noted: i64,
    /// How long it may take from then on, in milliseconds.
    deadline: u64,
}

/// A creation that another daemon may have left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Left {
    pub(crate) pool: PoolName,
    /// Who makes it, if that was noted.
    pub(crate) maker: Option<Maker>,
    /// How much longer it may take, as far as the clock tells; never longer than it was given.
    pub(crate) wait: Duration,
}

/// A creation that is noted; dropped, it is over.
#[derive(Debug)]
pub(crate) struct Noted {
    at: UnderWay,
    agents: Vec<(AgentId, Note)>,
}

impl UnderWay {
    pub(crate) fn new(state_dir: &Path, backend: BackendId) -> Self {
        Self {
            folder: state_dir.join(FOLDER),
            backend,
        }
    }

    /// From now on these may be made.
    ///
    /// # Errors
    /// They are not noted, so they must not be made.
    pub(crate) fn note(
        &self,
        agents: impl IntoIterator<Item = (AgentId, PoolName)>,
        deadline: Duration,
    ) -> io::Result<Noted> {
        fs::create_dir_all(&self.folder)?;
        let mut noted = Noted {
            at: self.clone(),
            agents: Vec::new(),
        };
        for (agent, pool) in agents {
            let note = Note {
                backend: self.backend.to_string(),
                pool: pool.to_string(),
                maker: None,
                noted: Timestamp::now().as_millisecond(),
                deadline: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            };
            noted.agents.push((agent, note.clone()));
            self.write(agent, &note)?;
        }
        Ok(noted)
    }

    /// What a daemon before this one left behind: of the agents that are known, and of any
    /// other that was to be made here. `longest` is how long a creation may take where nobody
    /// can tell.
    pub(crate) fn left(
        &self,
        known: &[(AgentId, PoolName)],
        longest: Duration,
    ) -> BTreeMap<AgentId, Left> {
        let unclear = |pool: &PoolName| Left {
            pool: pool.clone(),
            maker: None,
            wait: longest,
        };
        let files = match fs::read_dir(&self.folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return BTreeMap::new(),
            Err(error) => {
                let folder = self.folder.display();
                tracing::warn!(%folder, %error, "creations may be under way, and nobody can tell");
                let all = known.iter();
                return all.map(|(agent, pool)| (*agent, unclear(pool))).collect();
            }
        };
        let mut left = BTreeMap::new();
        for file in files {
            let name = file.file_name();
            let Some(agent) = name.to_str().and_then(|it| it.parse::<AgentId>().ok()) else {
                continue;
            };
            let pool = known
                .iter()
                .find(|(it, _)| *it == agent)
                .map(|(_, pool)| pool);
            match (self.read(agent), pool) {
                (Ok(note), _) if note.backend == self.backend.as_str() => {
                    left.insert(agent, note.left());
                }
                (Ok(_), _) => {}
                (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {}
                (Err(error), Some(pool)) => {
                    tracing::warn!(%agent, %error, "its creation may be under way");
                    left.insert(agent, unclear(pool));
                }
                (Err(error), None) => {
                    tracing::warn!(%agent, %error, "a note of an agent that nobody knows");
                }
            }
        }
        left
    }

    /// A creation that was left behind is over.
    pub(crate) fn forget(&self, agent: AgentId) {
        match fs::remove_file(self.file(agent)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%agent, %error, "the note of its creation stays");
            }
            _ => {}
        }
    }

    fn read(&self, agent: AgentId) -> io::Result<Note> {
        Ok(serde_json::from_slice(&fs::read(self.file(agent))?)?)
    }

    /// Whole, or as it was.
    fn write(&self, agent: AgentId, note: &Note) -> io::Result<()> {
        let new = self.folder.join(format!("{agent}.new"));
        fs::write(&new, serde_json::to_vec(note)?)?;
        fs::rename(new, self.file(agent))
    }

    fn file(&self, agent: AgentId) -> PathBuf {
        self.folder.join(agent.to_string())
    }
}

impl Note {
    fn left(&self) -> Left {
        let since = Timestamp::now().as_millisecond().saturating_sub(self.noted);
        // A clock that was set back gives it its whole time again.
        let since = u64::try_from(since).unwrap_or(0);
        Left {
            pool: PoolName::new(&self.pool),
            maker: self.maker.as_ref().and_then(|text| text.parse().ok()),
            wait: Duration::from_millis(self.deadline.saturating_sub(since)),
        }
    }
}

impl Noted {
    /// Who makes them. What cannot be written leaves it open.
    pub(crate) fn made_by(&mut self, maker: Maker) {
        for (agent, note) in &mut self.agents {
            note.maker = Some(maker.to_string());
            if let Err(error) = self.at.write(*agent, note) {
                tracing::warn!(%agent, %error, "who makes it is not noted");
            }
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        for (agent, _) in &self.agents {
            self.at.forget(*agent);
        }
    }
}

#[cfg(test)]
mod tests;
