//! The engine a backend speaks to: found when it is needed, and again when it is back.
//!
//! Promise: an engine that is away is an error of each call, never of the daemon; every
//! call has a deadline. Leaves to others: what is asked (`backend`, `images`).

mod detect;
mod fault;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use headcount_model::{EngineAddress, EngineKind};
use headcount_ports::BackendError;
use headcount_ports::texts::with_causes;
use tokio::sync::Mutex;
use tokio::time::timeout;

pub use detect::{NoEngine, find_engine};
pub use fault::{Fault, Verdict};

/// For an answer that the engine gives at once.
pub const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// For the client itself, in seconds: longer than anything that is waited for here, because
/// each call has its own deadline.
const CLIENT_SECONDS: u64 = 60 * 60;
/// Names the folder with `ca.pem`, `cert.pem` and `key.pem` for remote engines.
const CERTIFICATES: &str = "DOCKER_CERT_PATH";

/// Where the certificates for a remote engine are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Certificates {
    /// Where `DOCKER_CERT_PATH` says; without it there is no TLS.
    #[default]
    Environment,
    /// In this folder: `ca.pem`, `cert.pem` and `key.pem`.
    Folder(PathBuf),
}

/// One engine.
pub struct Engine {
    address: EngineAddress,
    certificates: Certificates,
    runtime_dir: Option<PathBuf>,
    client: Mutex<Option<Arc<Client>>>,
}

/// A connection to an engine that has answered.
pub struct Client {
    /// Bound to the version both understand.
    pub docker: Docker,
    /// Docker or Podman.
    pub kind: EngineKind,
    /// The socket on this host; `None` for a remote engine.
    pub socket: Option<PathBuf>,
    /// Whether root of a container is root of the engine's host. It is not where a user
    /// runs the engine, nor where the engine gives its containers users of their own.
    pub roots_are_one: bool,
}

impl Engine {
    /// At this address; nothing is asked yet.
    #[must_use]
    pub fn new(address: EngineAddress, runtime_dir: Option<PathBuf>) -> Self {
        Self {
            address,
            certificates: Certificates::Environment,
            runtime_dir,
            client: Mutex::default(),
        }
    }

    /// The engine of another machine, `tcp://host:port`, with these certificates.
    #[must_use]
    pub fn secured(host: &str, folder: PathBuf) -> Self {
        Self {
            certificates: Certificates::Folder(folder),
            ..Self::new(EngineAddress::Remote(host.to_owned()), None)
        }
    }

    /// Which engine.
    #[must_use]
    pub const fn address(&self) -> &EngineAddress {
        &self.address
    }

    /// The connection, made if there is none.
    ///
    /// # Errors
    /// The engine is away, or does not answer.
    pub async fn client(&self) -> Result<Arc<Client>, Fault> {
        let mut held = self.client.lock().await;
        if let Some(client) = &*held {
            return Ok(client.clone());
        }
        let client = Arc::new(self.connect().await?);
        *held = Some(client.clone());
        Ok(client)
    }

    /// Forgets the connection: the next one may be to another version, or another socket.
    pub async fn forget(&self) {
        *self.client.lock().await = None;
    }

    async fn connect(&self) -> Result<Client, Fault> {
        let (docker, socket) = self.open()?;
        let docker = within("answer a greeting", ANSWER_WAIT, docker.negotiate_version()).await?;
        let version = within("tell its version", ANSWER_WAIT, docker.version()).await?;
        let components = version.components.unwrap_or_default();
        let podman = components.iter().any(|part| part.name.contains("Podman"));
        let about = within("tell about itself", ANSWER_WAIT, docker.info()).await?;
        let security = about.security_options.unwrap_or_default();
        Ok(Client {
            roots_are_one: roots_are_one(&security),
            docker,
            kind: if podman {
                EngineKind::Podman
            } else {
                EngineKind::Docker
            },
            socket,
        })
    }

    fn open(&self) -> Result<(Docker, Option<PathBuf>), Fault> {
        let socket = match &self.address {
            EngineAddress::Remote(host) => {
                return Ok((remote(host, &self.certificates)?, None));
            }
            EngineAddress::Socket(path) => PathBuf::from(path),
            EngineAddress::Detected(kind) => {
                let found = find_engine(*kind, self.runtime_dir.as_deref());
                found.map_err(|error| Fault::away(error.to_string()))?
            }
        };
        let docker = Docker::connect_with_unix(
            &socket.to_string_lossy(),
            CLIENT_SECONDS,
            API_DEFAULT_VERSION,
        );
        let docker = docker.map_err(|error| Fault::new("open its socket", error))?;
        Ok((docker, Some(socket)))
    }
}

/// By what an engine says of its security, such as `name=seccomp,profile=builtin`.
fn roots_are_one(security: &[String]) -> bool {
    let apart = ["name=userns", "name=rootless"];
    let mut words = security.iter().flat_map(|option| option.split(','));
    !words.any(|word| apart.contains(&word))
}

/// `tcp://host:port`, with TLS where certificates are named.
fn remote(host: &str, certificates: &Certificates) -> Result<Docker, Fault> {
    let named = std::env::var_os(CERTIFICATES).filter(|folder| !folder.is_empty());
    let folder = match certificates {
        Certificates::Environment => named.as_deref().map(Path::new),
        Certificates::Folder(folder) => Some(folder.as_path()),
    };
    let docker = match folder {
        Some(folder) => Docker::connect_with_ssl(
            host,
            &folder.join("key.pem"),
            &folder.join("cert.pem"),
            &folder.join("ca.pem"),
            CLIENT_SECONDS,
            API_DEFAULT_VERSION,
        ),
        None => Docker::connect_with_http(host, CLIENT_SECONDS, API_DEFAULT_VERSION),
    };
    docker.map_err(|error| Fault::away(no_client(host, folder, certificates, &error)))
}

fn no_client(
    host: &str,
    folder: Option<&Path>,
    certificates: &Certificates,
    error: &Error,
) -> String {
    let cause = with_causes(error);
    let Some(folder) = folder else {
        return format!("no connection to `{host}` can be opened: {cause}");
    };
    let folder = folder.display();
    match certificates {
        Certificates::Environment => format!(
            "no connection to `{host}` can be opened: {cause}; {CERTIFICATES} is `{folder}`, which \
             must hold ca.pem, cert.pem and key.pem"
        ),
        Certificates::Folder(_) => format!(
            "no connection to `{host}` can be opened: {cause}; `{folder}` must hold ca.pem, \
             cert.pem and key.pem"
        ),
    }
}

/// Asks the engine something, for no longer than `wait`.
///
/// # Errors
/// What it answered, or that it did not.
pub async fn within<T>(
    what: &'static str,
    wait: Duration,
    asking: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match timeout(wait, asking).await {
        Ok(answer) => answer.map_err(|error| Fault::new(what, error)),
        Err(_) => Err(Fault::late(what, wait)),
    }
}

impl From<Fault> for BackendError {
    /// For questions that change nothing, and for changes that were not made.
    fn from(fault: Fault) -> Self {
        fault.as_not_done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_are_not_there_are_told_with_where_they_should_be() {
        let missing = Error::CertPathError {
            path: "/certs/ca.pem".into(),
        };
        assert_eq!(
            no_client(
                "tcp://h:2376",
                Some("/certs".as_ref()),
                &Certificates::Environment,
                &missing
            ),
            "no connection to `tcp://h:2376` can be opened: Cannot open/read certificate with \
             path: /certs/ca.pem; DOCKER_CERT_PATH is `/certs`, which must hold ca.pem, cert.pem \
             and key.pem"
        );
    }

    #[test]
    fn an_engine_says_whether_its_root_is_the_hosts() {
        for (security, one) in [
            (&["name=seccomp,profile=builtin"][..], true),
            (&["name=apparmor", "name=userns"], false),
            (&["name=seccomp,profile=default,name=rootless"], false),
            (&[], true),
        ] {
            let security: Vec<_> = security.iter().map(|s| (*s).to_owned()).collect();
            assert_eq!(roots_are_one(&security), one, "{security:?}");
        }
    }
}
