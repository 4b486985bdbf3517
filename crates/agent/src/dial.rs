//! Opens a stream to the daemon and speaks the WebSocket handshake over it.
//!
//! Promise: what is said without TLS never leaves this host, whatever a name resolves to;
//! with TLS nothing is said before it is certain that the daemon answers; bounded by the
//! caller's deadline. Leaves to others: when to try again.

mod error;

use std::io;
use std::net::SocketAddr;

use headcount_api::agent::{MAX_FRAME_BYTES, PATH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::settings::{Address, Remote};
use crate::trust::client_config;
pub(crate) use error::DialError;

/// A stream of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection to the daemon.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens connections to one address.
pub(crate) struct Dialer {
    address: Address,
    /// Made when it is first needed.
    tls: OnceCell<TlsConnector>,
}

impl Dialer {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            tls: OnceCell::new(),
        }
    }

    /// Opens a connection. Safe to cancel.
    pub(crate) async fn dial(&self) -> Result<Socket, DialError> {
        let (stream, host): (Box<dyn Stream>, &str) = match &self.address {
            Address::Unix(path) => (Box::new(UnixStream::connect(path).await?), "localhost"),
            Address::Loopback(authority) => {
                (Box::new(connect_loopback(authority).await?), authority)
            }
            Address::Remote(remote) => (Box::new(self.secure(remote).await?), &remote.authority),
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let url = format!("ws://{host}{PATH}");
        let handshake = tokio_tungstenite::client_async_with_config(url, stream, Some(config));
        match handshake.await {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(DialError::of_handshake(error)),
        }
    }

    async fn secure(&self, remote: &Remote) -> Result<impl Stream + use<>, DialError> {
        let stream = connect(&remote.authority, |_| true).await?;
        let connector = self.connector(remote).await?;
        let name = remote.name.clone();
        let secured = connector.connect(name, stream).await;
        secured.map_err(|error| DialError::of_tls(error, &remote.authority))
    }

    async fn connector(&self, remote: &Remote) -> Result<&TlsConnector, DialError> {
        let made = self.tls.get_or_try_init(|| async {
            Ok::<_, DialError>(TlsConnector::from(client_config(&remote.trust)?))
        });
        made.await
    }
}

/// `localhost` is a name like any other to the resolver, so its answer is checked.
async fn connect_loopback(authority: &str) -> io::Result<TcpStream> {
    connect(authority, |address| address.ip().is_loopback()).await
}

/// Tries the addresses of a name that are fit, one after the other.
async fn connect(authority: &str, is_fit: impl Fn(&SocketAddr) -> bool) -> io::Result<TcpStream> {
    let mut refused = io::Error::other(format!("`{authority}` has no address that may be used"));
    for address in lookup_host(authority).await? {
        if !is_fit(&address) {
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
