//! The daemon's own listener, as an image's agent reaches it: allowed under every policy.

use std::net::SocketAddr;
use std::time::Duration;

use headcount_ports::BackendError;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// For the name in a URL to be found.
const LOOKUP_WAIT: Duration = Duration::from_secs(5);

/// Where a URL such as `ws://host:4000/ws` leads; nowhere without one, or when it is a
/// Unix socket.
pub(super) async fn endpoints(url: Option<&str>) -> Result<Vec<SocketAddr>, BackendError> {
    let Some(authority) = url.and_then(authority) else {
        return Ok(Vec::new());
    };
    match timeout(LOOKUP_WAIT, lookup_host(&authority)).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(unfound(&authority, &error.to_string())),
        Err(_) => Err(unfound(&authority, "no answer")),
    }
}

fn unfound(authority: &str, why: &str) -> BackendError {
    BackendError::Transient(format!(
        "`{authority}`, where agents call back, cannot be found: {why}; see `orchestratorUrl`"
    ))
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "ws" | "http" => 80,
        "wss" | "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let host_ends = authority.rfind(']').map_or(0, |at| at + 1);
    let has_port = authority.get(host_ends..)?.contains(':');
    (!authority.is_empty()).then(|| match has_port {
        true => authority.to_owned(),
        false => format!("{authority}:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_and_port() {
        for (url, expected) in [
            ("ws://host:4000/ws", Some("host:4000")),
            ("wss://host", Some("host:443")),
            ("ws://[::1]", Some("[::1]:80")),
            ("ws://[::1]:7/x", Some("[::1]:7")),
            ("unix:/run/agents.sock", None),
            ("ftp://x", None),
            ("ws:///", None),
        ] {
            assert_eq!(authority(url).as_deref(), expected, "{url}");
        }
    }
}
