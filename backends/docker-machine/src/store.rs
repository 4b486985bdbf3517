//! The folder in which the tool keeps what it knows of machines.
//!
//! Promise: reading only, but for two files of ours: one that tells this store from another
//! that stands in its place, and one beside each record that says whose machine it is. What
//! cannot be read is an error, never an absence.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use crate::marks::Mark;

/// Tells a store from another.
const IDENTITY: &str = ".headcount-store";
/// Ours, beside the tool's own record.
const MARK_FILE: &str = "headcount.json";
const RECORD: &str = "config.json";
/// A record has a few KiB.
const MAX_RECORD: u64 = 1024 * 1024;
/// What all machines of a store share.
const AUTHORITY: [&str; 4] = ["ca.pem", "ca-key.pem", "cert.pem", "key.pem"];

/// One store.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

/// What stands under a machine's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Record {
    /// Nothing.
    None,
    /// A folder that the tool has not yet written to: its driver has made nothing.
    Bare,
    /// A machine, with our mark if it has one.
    Machine(Option<Mark>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    host_options: HostOptions,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HostOptions {
    engine_options: EngineOptions,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct EngineOptions {
    labels: Option<Vec<String>>,
}

impl Store {
    /// The configured one, else where the tool itself looks.
    pub(crate) fn new(configured: Option<&str>, host_env: &BTreeMap<String, String>) -> Self {
        let said = |name: &str| {
            host_env
                .get(name)
                .map(String::as_str)
                .filter(|it| !it.is_empty())
        };
        let root = match (configured, said("MACHINE_STORAGE_PATH"), said("HOME")) {
            (Some(path), ..) | (None, Some(path), _) => PathBuf::from(path),
            (None, None, home) => Path::new(home.unwrap_or("/root")).join(".docker/machine"),
        };
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a machine's record is.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join("machines").join(name)
    }

    /// The names of all machines; none where the folder is not there.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.root.join("machines")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !name.starts_with('.') && entry.path().is_dir() {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// What stands under this name.
    pub(crate) fn record(&self, name: &str) -> io::Result<Record> {
        let folder = self.folder(name);
        if !folder.try_exists()? {
            return Ok(Record::None);
        }
        let text = match read(&folder.join(RECORD)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::Bare),
            Err(error) => return Err(error),
        };
        // The tool may be writing it: a machine is there all the same.
        let config = serde_json::from_str::<Config>(&text).ok();
        let labels = config.and_then(|config| config.host_options.engine_options.labels);
        let labels = labels.unwrap_or_default();
        Ok(Record::Machine(
            labels.iter().find_map(|label| Mark::read(label)),
        ))
    }

    /// Writes whose machine it is beside its record.
    pub(crate) fn mark(&self, name: &str, mark: &Mark, backend: &str) -> io::Result<()> {
        let text = json!({
            "owner": mark.owner.as_str(),
            "backend": backend,
            "agent": mark.agent.to_string(),
            "pool": mark.pool.as_ref().map(headcount_model::PoolName::as_str),
        });
        std::fs::write(self.folder(name).join(MARK_FILE), text.to_string() + "\n")
    }

    /// Removes the folder of a machine that was never begun.
    pub(crate) fn remove_bare(&self, name: &str) -> io::Result<()> {
        std::fs::remove_dir_all(self.folder(name))
    }

    /// The files that the first machine of a store makes for all, by their sizes; `None`
    /// while one of them is missing or empty.
    pub(crate) fn authority(&self) -> Option<[u64; 4]> {
        let sizes = AUTHORITY.map(|name| {
            let meta = std::fs::metadata(self.root.join("certs").join(name));
            meta.map_or(0, |meta| meta.len())
        });
        (!sizes.contains(&0)).then_some(sizes)
    }

    /// What tells this store from another; `None` where it says nothing.
    pub(crate) fn identity(&self) -> io::Result<Option<String>> {
        match read(&self.root.join(IDENTITY)) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same; made if there is none, whoever else makes it at the same time.
    pub(crate) fn identify(&self) -> io::Result<String> {
        if let Some(identity) = self.identity()? {
            return Ok(identity);
        }
        std::fs::create_dir_all(&self.root)?;
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let own: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = self.root.join(format!("{IDENTITY}-{own}"));
        std::fs::write(&draft, format!("{own}\n"))?;
        let linked = std::fs::hard_link(&draft, self.root.join(IDENTITY));
        std::fs::remove_file(&draft)?;
        match linked {
            Ok(()) => Ok(own),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self
                .identity()?
                .ok_or_else(|| io::Error::other(format!("`{IDENTITY}` is empty; remove it"))),
            Err(error) => Err(error),
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_RECORD).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store").display().to_string();
        let store = Store::new(Some(&path), &BTreeMap::new());
        (dir, store)
    }

    #[test]
    fn the_store_is_where_the_tool_looks() {
        let env = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect()
        };
        let home = ("HOME", "/home/ci");
        let path = ("MACHINE_STORAGE_PATH", "/srv/m");
        for (configured, env, expected) in [
            (Some("/x"), env(&[home, path]), "/x"),
            (None, env(&[home, path]), "/srv/m"),
            (None, env(&[home]), "/home/ci/.docker/machine"),
            (
                None,
                env(&[home, ("MACHINE_STORAGE_PATH", "")]),
                "/home/ci/.docker/machine",
            ),
        ] {
            assert_eq!(Store::new(configured, &env).root(), Path::new(expected));
        }
    }

    #[test]
    fn records_are_read_and_what_is_half_made_is_told_apart() {
        let (_dir, store) = store();
        assert_eq!(store.names().unwrap(), Vec::<String>::new());
        assert_eq!(store.record("a").unwrap(), Record::None);
        std::fs::create_dir_all(store.folder("a")).unwrap();
        std::fs::create_dir_all(store.folder(".hidden")).unwrap();
        std::fs::write(store.folder("file"), "").unwrap();
        assert_eq!(store.names().unwrap(), ["a"]);
        assert_eq!(store.record("a").unwrap(), Record::Bare);
        let config = store.folder("a").join(RECORD);
        for (text, mark) in [
            ("{", None),
            ("{}", None),
            (r#"{"HostOptions":{"EngineOptions":{"Labels":null}}}"#, None),
            (
                r#"{"HostOptions":{"EngineOptions":{"Labels":["x=y","headcount.mark=v1.bw.a-1-2.cA"]}}}"#,
                Some(Mark {
                    owner: "o".into(),
                    agent: "a-1-2".parse().unwrap(),
                    pool: Some("p".into()),
                }),
            ),
        ] {
            std::fs::write(&config, text).unwrap();
            assert_eq!(store.record("a").unwrap(), Record::Machine(mark), "{text}");
        }
    }

    #[test]
    fn a_store_knows_itself_once_it_was_asked() {
        let (_dir, store) = store();
        assert_eq!(store.identity().unwrap(), None);
        let first = store.identify().unwrap();
        assert_eq!(store.identify().unwrap(), first);
        assert_eq!(store.identity().unwrap(), Some(first));
    }

    #[test]
    fn an_authority_is_there_once_all_of_it_is() {
        let (_dir, store) = store();
        let certs = store.root().join("certs");
        std::fs::create_dir_all(&certs).unwrap();
        for name in AUTHORITY {
            assert_eq!(store.authority(), None);
            std::fs::write(certs.join(name), "x").unwrap();
        }
        assert_eq!(store.authority(), Some([1; 4]));
    }
}
