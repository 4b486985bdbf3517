//! One login file: `config.json` of Docker or `auth.json` of Podman, which share a format.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use headcount_model::Secret;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use super::LoginError;
use super::host_login::Login;
use super::reference::{Repository, normal_key};

/// The longest login file.
const MAX_BYTES: u64 = 1 << 20;
/// With or without padding: both are found in files written by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a login file says, its secrets still encoded.
#[derive(Default, Deserialize)]
pub(crate) struct ConfigFile {
    #[serde(skip)]
    path: PathBuf,
    #[serde(default)]
    auths: Option<BTreeMap<String, Entry>>,
    #[serde(default, rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

/// One registry's login. Any part may be missing or empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl ConfigFile {
    /// `None` where there is no such file.
    pub async fn read(path: &Path) -> Result<Option<Self>, LoginError> {
        let unreadable = |error: std::io::Error| LoginError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        };
        let file = match tokio::fs::File::open(path).await {
            Err(error) if is_absent(error.kind()) => return Ok(None),
            file => file.map_err(unreadable)?,
        };
        let mut text = Vec::new();
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut text).await;
        if read.map_err(unreadable)? as u64 > MAX_BYTES {
            return Err(LoginError::TooLong {
                path: path.to_owned(),
                max: MAX_BYTES,
            });
        }
        Self::parse(path, &text).map(Some)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, LoginError> {
        // `podman logout` and mounts of /dev/null leave an empty file.
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let malformed = |line, column| LoginError::Malformed {
            path: path.to_owned(),
            line,
            column,
        };
        // A list would be taken for its fields in order.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(malformed(1, 1));
        }
        let parsed: Result<Self, _> = serde_json::from_slice(text);
        let mut file = parsed.map_err(|error| malformed(error.line(), error.column()))?;
        path.clone_into(&mut file.path);
        Ok(file)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The helper that alone is asked for this registry: what follows
    /// `docker-credential-` in its name.
    pub fn own_helper(&self, repository: &Repository) -> Option<&str> {
        let mut helpers = self.helpers.iter().flatten();
        let own = helpers.find(|(key, _)| normal_key(key) == repository.host());
        own.map(|(_, name)| name.as_str())
            .filter(|name| !name.is_empty())
    }

    /// The helper that is asked for every other registry.
    pub fn store(&self) -> Option<&str> {
        self.store.as_deref().filter(|name| !name.is_empty())
    }

    /// The narrowest entry for this image that holds anything.
    pub fn login(&self, repository: &Repository) -> Result<Option<Login>, LoginError> {
        for scope in repository.scopes() {
            let entries = self.auths.iter().flatten();
            for (key, entry) in entries.filter(|(key, _)| normal_key(key) == scope) {
                if let Some(login) = self.entry_login(key, entry)? {
                    return Ok(Some(login));
                }
            }
        }
        Ok(None)
    }

    fn entry_login(&self, key: &str, entry: &Entry) -> Result<Option<Login>, LoginError> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&entry.identitytoken) {
            return Ok(Some(Login::IdentityToken(Secret::new(token))));
        }
        if let Some(token) = filled(&entry.registrytoken) {
            return Ok(Some(Login::RegistryToken(Secret::new(token))));
        }
        if let Some(encoded) = filled(&entry.auth) {
            let bad = || LoginError::BadEntry {
                path: self.path.clone(),
                key: key.to_owned(),
            };
            return decode(&encoded).ok_or_else(bad).map(Some);
        }
        let password = filled(&entry.password);
        Ok(filled(&entry.username)
            .zip(password)
            .map(|(user, password)| Login::Password {
                user,
                password: Secret::new(password),
            }))
    }
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// `user:password` in base64; a colon in the password is its own.
fn decode(encoded: &str) -> Option<Login> {
    let bytes = BASE64.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    // Some programs pad what they encode.
    let password = password.trim_matches('\0');
    (!user.is_empty()).then(|| Login::of(user, password))
}

#[cfg(test)]
mod tests;
