//! The layout of a store, as the tool documents it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// One store.
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// The one that a call names.
    pub(crate) fn new(root: &str) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn certs(&self) -> PathBuf {
        self.root.join("certs")
    }

    pub(crate) fn has_authority(&self) -> bool {
        let files = ["ca.pem", "ca-key.pem", "cert.pem", "key.pem"];
        files.iter().all(|name| self.certs().join(name).exists())
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join("machines").join(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder(name).join("config.json").exists()
    }

    /// Writes the record of a machine.
    pub(crate) fn write(&self, name: &str, driver: &str, port: u16, options: &Options) {
        let folder = self.folder(name);
        fs::create_dir_all(&folder).expect("a folder");
        let record = json!({
            "ConfigVersion": 3,
            "DriverName": driver,
            "Name": name,
            "Driver": {
                "IPAddress": "127.0.0.1",
                "MachineName": name,
                "StandIn": true,
                "EnginePort": port,
                "StorePath": self.root,
            },
            "HostOptions": {
                "Driver": "",
                "EngineOptions": {
                    "Labels": options.labels,
                    "RegistryMirror": options.mirrors,
                    "InsecureRegistry": [],
                    "TlsVerify": true,
                },
                "AuthOptions": {
                    "CertDir": self.certs(),
                    "CaCertPath": self.certs().join("ca.pem"),
                    "StorePath": folder,
                },
            },
        });
        let text = serde_json::to_string_pretty(&record).expect("a record");
        fs::write(folder.join("config.json"), text).expect("a file");
    }

    /// What clients need to reach a machine's engine.
    pub(crate) fn copy_certificates(&self, name: &str) {
        for file in ["ca.pem", "cert.pem", "key.pem"] {
            fs::copy(self.certs().join(file), self.folder(name).join(file)).expect("a copy");
        }
    }

    /// A part of a machine's record, by the names of its fields.
    pub(crate) fn look_up(&self, name: &str, path: &str) -> Option<Value> {
        let text = fs::read_to_string(self.folder(name).join("config.json")).ok()?;
        let record: Value = serde_json::from_str(&text).ok()?;
        record.pointer(path).cloned()
    }

    pub(crate) fn remove(&self, name: &str) {
        let _ = fs::remove_dir_all(self.folder(name));
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Options of `create` that end up in a record.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) labels: Vec<String>,
    pub(crate) mirrors: Vec<String>,
}
