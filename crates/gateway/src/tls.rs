//! TLS for agents of other machines: what the listener shows them, and their handshake.
//!
//! Promise: only TLS 1.3 is spoken, and nothing is answered before it is agreed on but, to
//! whoever speaks plain HTTP, that TLS is spoken here. A handshake has the same deadline and
//! counts against the same bound as a request. What is shown may be replaced while agents
//! are connected: new connections see the new.

mod certificate;
mod files;
mod own;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use certificate::{AgentCertificate, CertificateError, CertificateSource};

/// The type of record that every TLS connection begins with: a handshake.
const HANDSHAKE: u8 = 22;
/// Said to whoever speaks plain HTTP.
const SPEAK_TLS: &str = "TLS is spoken here: write `wss://` instead of `ws://`\n";
/// Of a plain request this much is read, so that its sender gets to read the answer.
const MAX_PLAIN_BYTES: u64 = 16 * 1024;
/// For all of that.
const PLAIN_LIMIT: Duration = Duration::from_secs(1);

/// What a listener shows to whoever connects, now.
#[derive(Debug)]
pub struct ShownCertificate(RwLock<Arc<AgentCertificate>>);

impl ShownCertificate {
    /// Shows this one.
    #[must_use]
    pub fn new(certificate: AgentCertificate) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(certificate))))
    }

    /// New connections see this one.
    pub fn replace(&self, certificate: AgentCertificate) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
    }

    /// The one that is shown.
    #[must_use]
    pub fn current(&self) -> Arc<AgentCertificate> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for ShownCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current().key))
    }
}

/// Why a connection did not get to TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// It began with something else.
    #[error("no TLS was spoken, as with `ws://` instead of `wss://`, or by another program")]
    NotTls,
    /// It did not come to an end.
    #[error("it failed: {0}")]
    Failed(#[from] io::Error),
}

/// Agrees on TLS with those who connect.
#[derive(Clone)]
pub(crate) struct Handshaker(TlsAcceptor);

impl Handshaker {
    #[expect(
        clippy::expect_used,
        reason = "the provider is the one this is built with, and has TLS 1.3"
    )]
    pub(crate) fn new(shown: Arc<ShownCertificate>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("TLS 1.3 is there")
            .with_no_client_auth()
            .with_cert_resolver(shown);
        // Connections are few and long: each is verified anew.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Self(TlsAcceptor::from(Arc::new(config)))
    }

    /// The caller sets the deadline.
    pub(crate) async fn shake(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, HandshakeError> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(HandshakeError::Failed(io::ErrorKind::UnexpectedEof.into()));
        }
        if first[0] != HANDSHAKE {
            if first[0].is_ascii_uppercase() {
                // Whoever does not listen any more misses only the reason.
                let _ = timeout(PLAIN_LIMIT, answer_plain(stream)).await;
            }
            return Err(HandshakeError::NotTls);
        }
        Ok(self.0.accept(stream).await?)
    }
}

/// Tells somebody who speaks HTTP, and waits until it is heard.
async fn answer_plain(mut stream: TcpStream) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\n\r\n{SPEAK_TLS}",
        SPEAK_TLS.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // What is closed while something is unread loses what was said last.
    tokio::io::copy(&mut stream.take(MAX_PLAIN_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
