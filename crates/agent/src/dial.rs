//! Opens a stream to the daemon and speaks the WebSocket handshake over it.
//!
//! Promise: never leaves this host, whatever a name resolves to; bounded by the caller's
//! deadline. Leaves to others: when to try again.

use std::io;

use headcount_api::agent::{MAX_FRAME_BYTES, PATH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::settings::Address;

/// A stream of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection to the daemon.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens a connection. Safe to cancel.
pub(crate) async fn dial(address: &Address) -> Result<Socket, Error> {
    let (stream, host): (Box<dyn Stream>, &str) = match address {
        Address::Unix(path) => (Box::new(UnixStream::connect(path).await?), "localhost"),
        Address::Loopback(authority) => (Box::new(connect_loopback(authority).await?), authority),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    let url = format!("ws://{host}{PATH}");
    let (socket, _) =
        tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await?;
    Ok(socket)
}

/// `localhost` is a name like any other to the resolver, so its answer is checked.
async fn connect_loopback(authority: &str) -> io::Result<TcpStream> {
    let mut refused = io::Error::other(format!("`{authority}` has no loopback address"));
    for address in lookup_host(authority).await? {
        if !address.ip().is_loopback() {
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
