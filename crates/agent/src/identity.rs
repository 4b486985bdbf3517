//! Who the agent is to the daemon: a one-time token once, then a session of its own.
//!
//! Promise: the token's file and its copy in memory are gone once the daemon has welcomed
//! the agent; neither token nor session is ever printed. Until then the same token is
//! shown with the same session, so that a lost answer is recognised as such.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use headcount_api::agent::{AttemptRef, Credential, FromAgent, PROTOCOL};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A token is far shorter; a longer file is not one.
const MAX_TOKEN_BYTES: u64 = 4096;

/// Who the agent is.
pub(crate) struct Identity {
    agent: String,
    token_file: PathBuf,
    token: Option<Zeroizing<String>>,
    session: Zeroizing<String>,
}

/// The token cannot be had; the agent cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// Reading failed.
    #[error("token file `{}` cannot be read: {cause}; a token is good for one agent and is removed once it is used", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// There is no token in it.
    #[error("token file `{}` holds no token: {problem}", path.display())]
    NoToken {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for a session secret: {0}")]
    Random(getrandom::Error),
}

impl Identity {
    /// Reads the token and chooses a session secret of 256 bits.
    pub(crate) fn load(agent: String, token_file: PathBuf) -> Result<Self, IdentityError> {
        let token = read_token(&token_file)?;
        Ok(Self {
            agent,
            token_file,
            token: Some(token),
            session: Zeroizing::new(random_hex::<32>().map_err(IdentityError::Random)?),
        })
    }

    /// The first message of a connection: `register` until it is welcomed, then `resume`.
    pub(crate) fn greeting(&self, held: Vec<AttemptRef>, claiming: Vec<AttemptRef>) -> FromAgent {
        match &self.token {
            Some(token) => FromAgent::Register {
                protocol: PROTOCOL,
                agent: self.agent.clone(),
                token: Credential::new(token.to_string()),
                session_digest: hex(&Sha256::digest(self.session.as_bytes())),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                hostname: hostname(),
            },
            None => FromAgent::Resume {
                protocol: PROTOCOL,
                agent: self.agent.clone(),
                session: Credential::new(self.session.to_string()),
                held,
                claiming,
            },
        }
    }

    /// The daemon knows the session: the token is of no more use to anybody.
    pub(crate) fn welcomed(&mut self) {
        if self.token.take().is_none() {
            return;
        }
        if let Err(error) = discard(&self.token_file) {
            tracing::warn!(file = %self.token_file.display(), %error, "used token file cannot be removed");
        }
    }
}

/// Removes the file; one that is mounted cannot be removed and is emptied.
fn discard(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            File::options().write(true).truncate(true).open(file)?;
            Ok(())
        }
        removed => removed,
    }
}

fn read_token(path: &Path) -> Result<Zeroizing<String>, IdentityError> {
    let unreadable = |cause| IdentityError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let no_token = |problem| IdentityError::NoToken {
        path: path.to_owned(),
        problem,
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "token file can be read by others; its mode should be 0600");
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_TOKEN_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_TOKEN_BYTES {
        return Err(no_token("it is larger than any token"));
    }
    let token = text.trim();
    if token.is_empty() {
        return Err(no_token("it is empty"));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

/// `N` random bytes as lower-case hex.
pub(crate) fn random_hex<const N: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = Zeroizing::new([0_u8; N]);
    getrandom::fill(&mut bytes[..])?;
    Ok(hex(&bytes[..]))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(text: &str) -> (tempfile::TempDir, Result<Identity, IdentityError>) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, text).unwrap();
        let identity = Identity::load("a-1-1".to_owned(), file);
        (dir, identity)
    }

    #[test]
    fn registers_with_one_session_until_welcomed_then_resumes() {
        let (dir, identity) = identity("secret-token\n");
        let mut identity = identity.unwrap();
        let first = identity.greeting(Vec::new(), Vec::new());
        assert_eq!(first, identity.greeting(Vec::new(), Vec::new()));
        let FromAgent::Register {
            token,
            session_digest,
            ..
        } = first
        else {
            panic!("not a registration: {first:?}");
        };
        assert_eq!(token.expose(), "secret-token");
        identity.welcomed();
        assert!(!dir.path().join("token").exists());
        let FromAgent::Resume { session, .. } = identity.greeting(Vec::new(), Vec::new()) else {
            panic!("not a resumption");
        };
        assert_eq!(hex(&Sha256::digest(session.expose())), session_digest);
        assert_eq!(session.expose().len(), 64);
    }

    #[test]
    fn files_without_a_token_are_refused() {
        for (text, problem) in [
            (" \n", "it is empty"),
            (&*"x".repeat(5000), "it is larger than any token"),
        ] {
            let error = identity(text).1.err().unwrap().to_string();
            assert!(
                error.ends_with(&format!("holds no token: {problem}")),
                "{error}"
            );
        }
        let error = Identity::load(String::new(), "/nowhere/token".into());
        assert_eq!(
            error.err().unwrap().to_string(),
            "token file `/nowhere/token` cannot be read: No such file or directory (os error 2); \
             a token is good for one agent and is removed once it is used"
        );
    }
}
