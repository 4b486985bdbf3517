//! The sockets on which agents are awaited.
//!
//! Promise: a Unix socket is the owner's alone from its first moment and replaces what a
//! dead daemon left, never a living one's; TCP without TLS is for this host only.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net as std_unix;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::time::sleep;

use crate::tls::{HandshakeError, Handshaker, ShownCertificate};

/// The longest path the kernel takes for a socket, without its end mark.
const MAX_PATH_BYTES: usize = 107;
/// After a failed accept (usually too many open files) there is a pause.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A socket on which agents are awaited.
pub struct AgentListener(Kind);

/// Debug shows where it listens.
impl fmt::Debug for AgentListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentListener")
            .field(&self.url().ok())
            .finish()
    }
}

enum Kind {
    Unix(UnixListener, SocketFile),
    Loopback(TcpListener),
    Tls(TcpListener, Handshaker),
}

/// Why agents cannot be awaited. The daemon must not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon has it.
    #[error("agent socket `{}` is in use by another daemon; give each daemon a state directory of its own", .0.display())]
    InUse(PathBuf),
    /// The kernel does not take it.
    #[error("agent socket path `{}` is too long: {} bytes, the system takes {MAX_PATH_BYTES}; use a shorter state directory", .0.display(), .0.as_os_str().len())]
    TooLong(PathBuf),
    /// The address is not this host's alone.
    #[error(
        "agents cannot be awaited on {0}: without TLS only loopback addresses are possible, like 127.0.0.1:7118"
    )]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("agents cannot be awaited on `{address}`: {cause}")]
    System {
        /// Path or address.
        address: String,
        /// Why.
        cause: io::Error,
    },
}

impl AgentListener {
    /// Listens on a Unix socket with mode 0600. A file that a dead daemon left is replaced;
    /// so is any other file of that name. The socket is removed when the listener is dropped.
    ///
    /// Call it from within a Tokio runtime with IO.
    ///
    /// # Errors
    /// Somebody listens there already, or the path cannot be used.
    pub fn unix(path: &Path) -> Result<Self, BindError> {
        let fresh = fresh_name(path);
        if fresh.as_os_str().len() > MAX_PATH_BYTES {
            return Err(BindError::TooLong(path.to_owned()));
        }
        if std_unix::UnixStream::connect(path).is_ok() {
            return Err(BindError::InUse(path.to_owned()));
        }
        bind_private(&fresh, path).map_err(|cause| BindError::System {
            address: path.display().to_string(),
            cause,
        })
    }

    /// Listens on a loopback address; port 0 picks a free one.
    ///
    /// # Errors
    /// The address is not a loopback address, or cannot be used.
    pub async fn loopback(address: SocketAddr) -> Result<Self, BindError> {
        if !address.ip().is_loopback() {
            return Err(BindError::NotLoopback(address));
        }
        let bound = TcpListener::bind(address).await;
        let bound = bound.map_err(|cause| BindError::System {
            address: address.to_string(),
            cause,
        })?;
        Ok(Self(Kind::Loopback(bound)))
    }

    /// Listens with TLS on any address; port 0 picks a free one.
    ///
    /// # Errors
    /// The address cannot be used.
    pub async fn tls(address: SocketAddr, shown: Arc<ShownCertificate>) -> Result<Self, BindError> {
        let bound = TcpListener::bind(address).await;
        let bound = bound.map_err(|cause| BindError::System {
            address: address.to_string(),
            cause,
        })?;
        Ok(Self(Kind::Tls(bound, Handshaker::new(shown))))
    }

    /// What agents of this host are told: `unix:/path`, `ws://address` or `wss://address`.
    ///
    /// # Errors
    /// The system does not say where it listens.
    pub fn url(&self) -> io::Result<String> {
        match &self.0 {
            Kind::Unix(_, file) => Ok(format!("unix:{}", file.path.display())),
            Kind::Loopback(listener) => Ok(format!("ws://{}", listener.local_addr()?)),
            Kind::Tls(listener, _) => Ok(format!("wss://{}", listener.local_addr()?)),
        }
    }

    /// The next connection. Safe to cancel.
    pub(crate) async fn accept(&self) -> Accepted {
        loop {
            let accepted = match &self.0 {
                Kind::Unix(listener, _) => listener.accept().await.map(|(it, _)| plain(it)),
                Kind::Loopback(listener) => accept_tcp(listener).await.map(plain),
                Kind::Tls(listener, handshaker) => accept_tcp(listener)
                    .await
                    .map(|stream| Accepted::Tls(stream, handshaker.clone())),
            };
            match accepted {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, "an agent's connection cannot be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn plain(stream: impl Stream + 'static) -> Accepted {
    Accepted::Plain(Box::new(stream))
}

/// A connection that came in.
pub(crate) enum Accepted {
    /// From this host.
    Plain(Box<dyn Stream>),
    /// From anywhere; TLS is not agreed on yet.
    Tls(TcpStream, Handshaker),
}

impl Accepted {
    /// The stream on which requests come. The caller sets the deadline.
    pub(crate) async fn open(self) -> Result<Box<dyn Stream>, HandshakeError> {
        match self {
            Self::Plain(stream) => Ok(stream),
            Self::Tls(stream, handshaker) => Ok(Box::new(handshaker.shake(stream).await?)),
        }
    }
}

/// A connection of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Removes the socket's file at the end, unless another daemon has put its own there.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|there| there == self.identity) {
            // What is left is replaced by the next daemon.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds under another name and moves it into place, so that the name never leads to a
/// socket that others may open.
fn bind_private(fresh: &Path, path: &Path) -> io::Result<AgentListener> {
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(fresh)?;
    fs::set_permissions(fresh, Permissions::from_mode(0o600))?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(fresh)?,
    };
    fs::rename(fresh, path)?;
    Ok(AgentListener(Kind::Unix(listener, file)))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn fresh_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("~");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_living_daemons_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agents.sock");
        let listener = AgentListener::unix(&path).unwrap();
        assert_eq!(listener.url().unwrap(), format!("unix:{}", path.display()));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = AgentListener::unix(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "agent socket `{}` is in use by another daemon; give each daemon a state directory of its own",
                path.display()
            )
        );
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_dead_daemon_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agents.sock");
        drop(std_unix::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let first = AgentListener::unix(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = AgentListener::unix(&path).unwrap();
        drop(first);
        assert!(path.exists(), "the first must not remove the second's");
        drop(second);
    }

    #[tokio::test]
    async fn unusable_places_are_named() {
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(120)));
        let error = AgentListener::unix(&long).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "is too long: 125 bytes, the system takes 107; use a shorter state directory"
            ),
            "{error}"
        );
        let error = AgentListener::unix(Path::new("/nowhere/agents.sock")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "agents cannot be awaited on `/nowhere/agents.sock`: No such file or directory (os error 2)"
        );
        let error = AgentListener::loopback("0.0.0.0:0".parse().unwrap())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "agents cannot be awaited on 0.0.0.0:0: without TLS only loopback addresses are possible, like 127.0.0.1:7118"
        );
    }
}
