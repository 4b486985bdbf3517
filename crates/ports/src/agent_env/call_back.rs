//! Where agents of other machines reach the daemon, and how they know that it is it.
//!
//! Promise: nobody is made who could not come, or whose token would cross a network in the
//! clear: that is said before it is made. What agents trust may change while the daemon
//! runs; whoever is made after that is told the new.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use crate::BackendError;

/// Where agents of other machines reach the daemon. Copies share what is trusted.
#[derive(Clone, Debug)]
pub struct CallBack {
    url: Result<String, CallBackError>,
    pins: Arc<RwLock<Option<String>>>,
}

/// What one agent is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Where the daemon is.
    pub url: String,
    /// Whose keys it may have, as text; `None` for an address without TLS, or where the
    /// agent's host must know.
    pub pins: Option<String>,
}

/// Why an agent of another machine cannot be told where the daemon is. Told to people:
/// changing the configuration or the arguments of the daemon helps.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallBackError {
    /// It awaits nobody from elsewhere.
    #[error(
        "agents of other machines cannot find this daemon; start it with --agent-listen ADDRESS, \
         or write `orchestratorUrl` at the scaler"
    )]
    NoListener,
    /// It awaits them on every address, and nobody said which one they reach.
    #[error(
        "agents of other machines cannot find this daemon, which awaits them on every address \
         ({0}); say with --agent-url which one they reach, or write `orchestratorUrl` at the scaler"
    )]
    EveryAddress(SocketAddr),
    /// Anybody on the way could read the token.
    #[error(
        "`{0}` is no address for agents of other machines: without TLS anybody on the network \
         could read their tokens; write `wss://` and start the daemon with --agent-listen"
    )]
    Plain(String),
    /// It has no form that agents know.
    #[error(
        "`{0}` is no address for agents; it should look like `wss://ci.example.com:7118`, without \
         a path"
    )]
    Form(String),
}

impl From<CallBackError> for BackendError {
    fn from(error: CallBackError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl Default for CallBack {
    /// A daemon that awaits nobody from elsewhere.
    fn default() -> Self {
        Self::new(Err(CallBackError::NoListener))
    }
}

impl CallBack {
    /// At this URL, unless a scaler names another; or why at none.
    #[must_use]
    pub fn new(url: Result<String, CallBackError>) -> Self {
        Self {
            url,
            pins: Arc::default(),
        }
    }

    /// From now on agents are told these pins, with commas between.
    pub fn trust(&self, pins: Option<String>) {
        *self.pins.write().unwrap_or_else(PoisonError::into_inner) = pins;
    }

    /// What an agent is told; `configured` is what its scaler says.
    ///
    /// # Errors
    /// It could not come.
    pub fn tell(&self, configured: Option<&str>) -> Result<Told, CallBackError> {
        let url = match configured {
            Some(url) => url,
            None => self.url.as_deref().map_err(Clone::clone)?,
        };
        check_url(url)?;
        Ok(Told {
            url: url.to_owned(),
            pins: self.pins_at(url),
        })
    }

    /// Where agents find the daemon, unless a scaler says otherwise.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref().ok()
    }

    /// What agents are told to trust at this address: what stands before the daemon must
    /// pass TLS on.
    #[must_use]
    pub fn pins_at(&self, url: &str) -> Option<String> {
        let pins = self.pins.read().unwrap_or_else(PoisonError::into_inner);
        pins.clone().filter(|_| url.starts_with("wss://"))
    }
}

/// Whether agents can use such an address: with TLS anywhere, without it on their own host
/// (a proxy beside them) or through a socket that is mounted there.
///
/// # Errors
/// They cannot.
pub fn check_url(url: &str) -> Result<(), CallBackError> {
    let form = || CallBackError::Form(url.to_owned());
    if let Some(path) = url.strip_prefix("unix:") {
        return path.starts_with('/').then_some(()).ok_or_else(form);
    }
    if let Some(rest) = url.strip_prefix("wss://") {
        return host(rest).map(drop).ok_or_else(form);
    }
    let rest = url.strip_prefix("ws://").ok_or_else(form)?;
    match host(rest).ok_or_else(form)? {
        "localhost" => Ok(()),
        host => match bare(host).parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Ok(()),
            _ => Err(CallBackError::Plain(url.to_owned())),
        },
    }
}

/// The host that a URL of this daemon names, without port and brackets.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("wss://").or(url.strip_prefix("ws://"))?;
    host(rest).map(bare)
}

fn host(rest: &str) -> Option<&str> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '@', '?', '#', ' ']) {
        return None;
    }
    let host = match authority.rsplit_once(':') {
        _ if is_v6(authority) => authority,
        None => authority,
        Some((host, port)) if is_port(port) && (is_v6(host) || !host.contains(':')) => host,
        Some(_) => return None,
    };
    (!host.is_empty()).then_some(host)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_v6(host: &str) -> bool {
    host.starts_with('[') && bare(host).parse::<Ipv6Addr>().is_ok()
}

fn bare(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_agents_can_use_are_told_from_others() {
        for (url, host) in [
            ("wss://ci.example.com:7118", "ci.example.com"),
            ("wss://ci.example.com/", "ci.example.com"),
            ("wss://[2001:db8::1]:7118", "2001:db8::1"),
            ("wss://[2001:db8::1]", "2001:db8::1"),
            ("ws://127.0.0.1:7118", "127.0.0.1"),
            ("ws://[::1]:7118", "::1"),
            ("ws://localhost:1", "localhost"),
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
            assert_eq!(host_of(url), Some(host));
        }
        assert_eq!(check_url("unix:/run/agents.sock"), Ok(()));
        for url in [
            "ws://ci.example.com:7118",
            "ws://localhost.example.com",
            "ws://[2001:db8::1]:1",
        ] {
            assert_eq!(check_url(url), Err(CallBackError::Plain(url.into())));
        }
        for url in [
            "",
            "wss://",
            "wss://h:x",
            "wss://h:0",
            "wss://h/agent",
            "https://h",
            "unix:x",
            "h:1",
            "wss://2001:db8::1:7118",
            "wss://u@h",
        ] {
            assert_eq!(check_url(url), Err(CallBackError::Form(url.into())));
        }
    }

    #[test]
    fn pins_go_with_tls_and_change() {
        let own = CallBack::new(Ok("wss://h:1".into()));
        own.clone().trust(Some("sha256:aa".into()));
        let told = |url: &str, pins: Option<&str>| {
            Ok(Told {
                url: url.into(),
                pins: pins.map(str::to_owned),
            })
        };
        assert_eq!(own.tell(None), told("wss://h:1", Some("sha256:aa")));
        assert_eq!(
            own.tell(Some("wss://other")),
            told("wss://other", Some("sha256:aa"))
        );
        assert_eq!(own.tell(Some("ws://[::1]:9")), told("ws://[::1]:9", None));
        own.trust(None);
        assert_eq!(own.tell(None), told("wss://h:1", None));
    }

    #[test]
    fn who_could_not_come_is_told_why() {
        let every = CallBackError::EveryAddress(([0, 0, 0, 0], 7118).into());
        for (call_back, configured, text) in [
            (
                CallBack::default(),
                None,
                "agents of other machines cannot find this daemon; start it with --agent-listen \
                 ADDRESS, or write `orchestratorUrl` at the scaler",
            ),
            (
                CallBack::new(Err(every)),
                None,
                "agents of other machines cannot find this daemon, which awaits them on every \
                 address (0.0.0.0:7118); say with --agent-url which one they reach, or write \
                 `orchestratorUrl` at the scaler",
            ),
            (
                CallBack::default(),
                Some("ws://ci:1"),
                "`ws://ci:1` is no address for agents of other machines: without TLS anybody on \
                 the network could read their tokens; write `wss://` and start the daemon with \
                 --agent-listen",
            ),
            (
                CallBack::default(),
                Some("wss://ci/x"),
                "`wss://ci/x` is no address for agents; it should look like \
                 `wss://ci.example.com:7118`, without a path",
            ),
        ] {
            assert_eq!(call_back.tell(configured).unwrap_err().to_string(), text);
        }
    }
}
