//! Why the daemon could not be reached, in a sentence that says what to do.
//!
//! Promise: none of it is for ever: certificates are replaced and daemons restarted, so
//! the caller tries again; what it says is the same every time.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use tokio_tungstenite::tungstenite::Error;

use crate::trust::{NoAuthorities, NotPinned};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
    /// This host cannot tell who is the daemon.
    #[error(transparent)]
    NoAuthorities(#[from] NoAuthorities),
    /// No TLS is spoken there.
    #[error(
        "`{0}` does not speak TLS: it is another program's port, or a proxy that speaks plain; an agent of another machine needs the address of --agent-listen"
    )]
    NotTls(String),
    /// It went away.
    #[error(
        "`{0}` closed the connection before TLS was agreed on: it speaks no TLS, or takes no further connections"
    )]
    Closed(String),
    /// The certificate proves nothing.
    #[error("`{address}` is not taken for the daemon: {problem}")]
    NotTheDaemon {
        /// Host and port.
        address: String,
        /// What is wrong with its certificate, and what to do.
        problem: String,
    },
    /// TLS failed otherwise.
    #[error("no TLS with `{address}`: {problem}")]
    Tls {
        /// Host and port.
        address: String,
        /// What the library says.
        problem: String,
    },
    /// Something else than the agents' listener answers.
    #[error("{}", answered(*.0))]
    Answered(u16),
    /// The WebSocket handshake broke off.
    #[error("{0}")]
    Handshake(Box<Error>),
}

impl DialError {
    /// Of the handshake of the WebSocket.
    pub(crate) fn of_handshake(error: Error) -> Self {
        match error {
            Error::Http(response) => Self::Answered(response.status().as_u16()),
            other => Self::Handshake(Box::new(other)),
        }
    }

    /// Of the handshake of TLS.
    pub(crate) fn of_tls(error: io::Error, address: &str) -> Self {
        let address = address.to_owned();
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        let Some(cause) = cause else {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => Self::Closed(address),
                _ => Self::Unreachable(error),
            };
        };
        match cause {
            TlsError::InvalidMessage(_)
            | TlsError::AlertReceived(AlertDescription::ProtocolVersion) => Self::NotTls(address),
            TlsError::InvalidCertificate(cause) => Self::NotTheDaemon {
                address,
                problem: certificate_problem(cause),
            },
            cause => Self::Tls {
                address,
                problem: cause.to_string(),
            },
        }
    }
}

fn certificate_problem(error: &CertificateError) -> String {
    match error {
        CertificateError::Other(other) => match other.0.downcast_ref::<NotPinned>() {
            Some(NotPinned(key)) => format!(
                "its certificate has the key {key}, which is not one of HEADCOUNT_AGENT_PIN, nor \
                 did one of them sign it; another program answers there, or the daemon's key was \
                 replaced"
            ),
            None => format!("its certificate cannot be used: {error}"),
        },
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; renew it and reload the daemon, or set this machine's \
             clock"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; set this machine's clock".to_owned()
        }
        CertificateError::NotValidForName => {
            "its certificate is for another name; use a name that stands in it".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "its certificate is for {}; use one of these names, or a certificate for this one",
            names(presented)
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by nobody that is trusted here; set HEADCOUNT_AGENT_PIN, or \
             SSL_CERT_FILE to a file with its authority"
                .to_owned()
        }
        other => format!("its certificate cannot be used: {other}"),
    }
}

/// As people write them: `DnsName("h")` is `h`.
fn names(presented: &[String]) -> String {
    let bare = presented.iter().map(|name| {
        let inner = name.split_once('(').map_or(&**name, |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"')
    });
    bare.collect::<Vec<_>>().join(", ")
}

fn answered(status: u16) -> String {
    match status {
        400 => "the daemon answers with HTTP status 400; if TLS is spoken there, write `wss://` \
                instead of `ws://`"
            .to_owned(),
        503 => "the daemon has as many agent connections as it can hold".to_owned(),
        status => format!(
            "something answers with HTTP status {status} that is not the agents' listener; use \
             the address of --agent-listen"
        ),
    }
}
