//! What the agent is told by its environment, checked.
//!
//! Promise: what is accepted here can be used; every error names the variable, what is
//! wrong with it and what it should look like. Leaves to others: reading the token file.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::Duration;

use headcount_api::agent::{HEARTBEAT_SECONDS, Pin, SILENCE_SECONDS, env};
use rustls::pki_types::ServerName;

use crate::trust::Trust;

/// The most jobs one agent runs at once.
const MAX_SLOTS: usize = 1024;
/// Of `wss://` without one.
const TLS_PORT: u16 = 443;

/// Everything an agent needs to start.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// Where the daemon listens.
    pub address: Address,
    /// Its id, as the daemon gave it.
    pub agent: String,
    /// The file with the one-time token; removed once it is used.
    pub token_file: PathBuf,
    /// Its labels, for its log only: the daemon knows them.
    pub labels: String,
    /// Jobs it runs at once, at least 1.
    pub slots: usize,
    /// A directory of its own, which exists.
    pub dir: PathBuf,
    /// How long it waits for what.
    pub timing: Timing,
}

/// Where the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// `host:port` on this host.
    Loopback(String),
    /// Another host, with TLS.
    Remote(Remote),
}

/// A daemon on another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// `host:port`.
    pub authority: String,
    /// The host, as a certificate names it.
    pub name: ServerName<'static>,
    /// How it is known.
    pub trust: Trust,
}

/// How long the agent waits for what. The defaults are what is documented; tests shorten.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Between two pings.
    pub heartbeat: Duration,
    /// A connection on which nothing arrives for this long is given up.
    pub silence: Duration,
    /// Without a daemon and without a job it ends after this long.
    pub idle_patience: Duration,
    /// Without a daemon and with results that are not recorded it ends after this long; a
    /// job that runs goes on, however long the daemon stays away.
    pub result_patience: Duration,
    /// Told to end at once, it waits this long for its results to be recorded.
    pub last_words: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(HEARTBEAT_SECONDS),
            silence: Duration::from_secs(SILENCE_SECONDS),
            idle_patience: Duration::from_secs(10 * 60),
            result_patience: Duration::from_secs(24 * 60 * 60),
            last_words: Duration::from_secs(10),
        }
    }
}

/// A variable that cannot be used. Mend the environment; trying again cannot help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It must be there.
    #[error("{0} is not set; the daemon sets it for every agent it starts")]
    Missing(&'static str),
    /// It is not UTF-8.
    #[error("{0} is not UTF-8 text")]
    NotText(&'static str),
    /// The address has no known form.
    #[error("{name} is `{0}`; it should look like `unix:/path/agents.sock`, `ws://127.0.0.1:7118` or `wss://ci.example.com:7118`", name = env::URL)]
    Address(String),
    /// Plain text over a network.
    #[error("{name} is `{0}`, but plain `ws://` is for loopback addresses only: anybody on the network could read the token; use the `wss://` address of the daemon's --agent-listen", name = env::URL)]
    PlainRemote(String),
    /// The pins cannot be read.
    #[error("{name} is `{0}`; it should look like `sha256:` and 64 hexadecimal digits, with commas between several", name = env::PIN)]
    Pin(String),
    /// Not a number of slots.
    #[error("{name} is `{0}`; it should be a number from 1 to {MAX_SLOTS}", name = env::SLOTS)]
    Slots(String),
    /// The directory cannot be used.
    #[error("{name} is `{path}`, which {problem}", name = env::DIR)]
    Dir {
        /// As given.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl AgentSettings {
    /// Reads the settings from variables, usually `|name| std::env::var_os(name)`.
    ///
    /// # Errors
    /// The first variable that cannot be used.
    pub fn from_env(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let text = |name| required(&lookup, name);
        let labels = lookup(env::LABELS).map(|labels| labels.to_string_lossy().into_owned());
        Ok(Self {
            address: parse_address(&text(env::URL)?, lookup(env::PIN))?,
            agent: text(env::ID)?,
            token_file: text(env::TOKEN_FILE)?.into(),
            labels: labels.unwrap_or_default(),
            slots: parse_slots(lookup(env::SLOTS))?,
            dir: parse_dir(&text(env::DIR)?)?,
            timing: Timing::default(),
        })
    }
}

fn required(
    lookup: &impl Fn(&str) -> Option<OsString>,
    name: &'static str,
) -> Result<String, SettingsError> {
    let value = lookup(name).filter(|value| !value.is_empty());
    let value = value.ok_or(SettingsError::Missing(name))?;
    value
        .into_string()
        .map_err(|_| SettingsError::NotText(name))
}

fn parse_address(url: &str, pins: Option<OsString>) -> Result<Address, SettingsError> {
    let wrong = || SettingsError::Address(url.to_owned());
    if let Some(path) = url.strip_prefix("unix:") {
        let absolute = path.starts_with('/');
        return absolute
            .then(|| Address::Unix(path.into()))
            .ok_or_else(wrong);
    }
    if let Some(rest) = url.strip_prefix("wss://") {
        return Ok(Address::Remote(Remote {
            trust: parse_trust(pins)?,
            ..parse_remote(rest).ok_or_else(wrong)?
        }));
    }
    let authority = url.strip_prefix("ws://").and_then(parse_authority);
    let authority = authority.ok_or_else(wrong)?;
    if is_loopback(authority) {
        Ok(Address::Loopback(authority.to_owned()))
    } else {
        Err(SettingsError::PlainRemote(url.to_owned()))
    }
}

/// A host and perhaps a port, and nothing else.
fn parse_authority(rest: &str) -> Option<&str> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let alone = !authority.is_empty() && !authority.contains(['/', '@', '?', '#']);
    alone.then_some(authority)
}

/// Of whom it is not known yet how it is known.
fn parse_remote(rest: &str) -> Option<Remote> {
    let authority = parse_authority(rest)?;
    let bare = authority.ends_with(']') || !authority.contains(':');
    let (host, port) = match bare {
        true => (authority, TLS_PORT),
        false => {
            let (host, port) = authority.rsplit_once(':')?;
            (host, port.parse().ok()?)
        }
    };
    let name = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => ServerName::IpAddress(address.parse::<Ipv6Addr>().ok()?.into()),
        None => ServerName::try_from(host.to_owned()).ok()?,
    };
    Some(Remote {
        authority: format!("{host}:{port}"),
        name,
        trust: Trust::Host,
    })
}

fn parse_trust(pins: Option<OsString>) -> Result<Trust, SettingsError> {
    let Some(pins) = pins.filter(|pins| !pins.is_empty()) else {
        return Ok(Trust::Host);
    };
    let text = pins.to_string_lossy();
    let pins = Pin::parse_all(&text);
    pins.map(Trust::Pins)
        .map_err(|_| SettingsError::Pin(text.into_owned()))
}

fn is_loopback(authority: &str) -> bool {
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let port = authority.strip_prefix("localhost:");
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

fn parse_slots(value: Option<OsString>) -> Result<usize, SettingsError> {
    let Some(value) = value else { return Ok(1) };
    let text = value.to_string_lossy();
    let slots = text.parse().ok();
    slots
        .filter(|slots| (1..=MAX_SLOTS).contains(slots))
        .ok_or_else(|| SettingsError::Slots(text.into_owned()))
}

fn parse_dir(text: &str) -> Result<PathBuf, SettingsError> {
    let refuse = |problem| SettingsError::Dir {
        path: text.to_owned(),
        problem,
    };
    let path = PathBuf::from(text);
    if !path.is_absolute() {
        return Err(refuse("is not an absolute path"));
    }
    // In a container nobody else may have made it.
    if !path.is_dir() && DirBuilder::new().mode(0o700).create(&path).is_err() {
        return Err(refuse("is not a directory and cannot be made one"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read(changes: &[(&'static str, &str)]) -> Result<AgentSettings, SettingsError> {
        let mut vars: BTreeMap<_, _> = [
            (env::URL, "unix:/run/headcount/agents.sock"),
            (env::ID, "a-1-1"),
            (env::TOKEN_FILE, "/tmp/token"),
            (env::DIR, "/tmp"),
        ]
        .into();
        vars.extend(changes.iter().copied());
        AgentSettings::from_env(|name| vars.get(name).map(OsString::from))
    }

    #[test]
    fn a_plain_environment_is_accepted() {
        let settings = read(&[(env::SLOTS, "3")]).unwrap();
        assert_eq!(settings.slots, 3);
        assert_eq!(
            settings.address,
            Address::Unix("/run/headcount/agents.sock".into())
        );
        assert_eq!(read(&[]).unwrap().slots, 1);
    }

    #[test]
    fn loopback_addresses_are_accepted() {
        for (url, authority) in [
            ("ws://127.0.0.1:80", "127.0.0.1:80"),
            ("ws://[::1]:80/", "[::1]:80"),
            ("ws://localhost:80", "localhost:80"),
        ] {
            let address = read(&[(env::URL, url)]).unwrap().address;
            assert_eq!(address, Address::Loopback(authority.to_owned()));
        }
    }

    #[test]
    fn other_hosts_are_reached_with_tls_and_known_by_pins_or_authorities() {
        let pin = Pin([7; 32]);
        for (url, authority, name) in [
            (
                "wss://ci.example.com:7118",
                "ci.example.com:7118",
                "ci.example.com",
            ),
            (
                "wss://ci.example.com/",
                "ci.example.com:443",
                "ci.example.com",
            ),
            ("wss://192.0.2.7:7118", "192.0.2.7:7118", "192.0.2.7"),
            (
                "wss://[2001:db8::1]:7118",
                "[2001:db8::1]:7118",
                "2001:db8::1",
            ),
            ("wss://[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::1"),
        ] {
            let remote = |trust| {
                let name = ServerName::try_from(name.to_owned()).unwrap();
                let authority = authority.to_owned();
                Address::Remote(Remote {
                    authority,
                    name,
                    trust,
                })
            };
            let pinned = [(env::URL, url), (env::PIN, &*pin.to_string())];
            assert_eq!(
                read(&pinned).unwrap().address,
                remote(Trust::Pins(vec![pin]))
            );
            assert_eq!(read(&pinned[..1]).unwrap().address, remote(Trust::Host));
        }
        let wrong = [(env::URL, "wss://h:1"), (env::PIN, "sha256:00")];
        assert_eq!(
            read(&wrong).unwrap_err().to_string(),
            "HEADCOUNT_AGENT_PIN is `sha256:00`; it should look like `sha256:` and 64 hexadecimal digits, with commas between several"
        );
    }

    #[test]
    fn everything_else_is_refused_with_a_sentence() {
        for (name, value, text) in [
            (
                env::ID,
                "",
                "HEADCOUNT_AGENT_ID is not set; the daemon sets it for every agent it starts",
            ),
            (
                env::URL,
                "http://127.0.0.1:80",
                "HEADCOUNT_AGENT_URL is `http://127.0.0.1:80`; it should look like `unix:/path/agents.sock`, `ws://127.0.0.1:7118` or `wss://ci.example.com:7118`",
            ),
            (
                env::URL,
                "unix:relative",
                "HEADCOUNT_AGENT_URL is `unix:relative`; it should look like `unix:/path/agents.sock`, `ws://127.0.0.1:7118` or `wss://ci.example.com:7118`",
            ),
            (
                env::URL,
                "ws://ci.example.com:80",
                "HEADCOUNT_AGENT_URL is `ws://ci.example.com:80`, but plain `ws://` is for loopback addresses only: anybody on the network could read the token; use the `wss://` address of the daemon's --agent-listen",
            ),
            (
                env::URL,
                "ws://localhost.example.com:80",
                "HEADCOUNT_AGENT_URL is `ws://localhost.example.com:80`, but plain `ws://` is for loopback addresses only: anybody on the network could read the token; use the `wss://` address of the daemon's --agent-listen",
            ),
            (
                env::URL,
                "wss://ci.example.com/agent",
                "HEADCOUNT_AGENT_URL is `wss://ci.example.com/agent`; it should look like `unix:/path/agents.sock`, `ws://127.0.0.1:7118` or `wss://ci.example.com:7118`",
            ),
            (
                env::URL,
                "wss://ci.example.com:many",
                "HEADCOUNT_AGENT_URL is `wss://ci.example.com:many`; it should look like `unix:/path/agents.sock`, `ws://127.0.0.1:7118` or `wss://ci.example.com:7118`",
            ),
            (
                env::SLOTS,
                "0",
                "HEADCOUNT_AGENT_SLOTS is `0`; it should be a number from 1 to 1024",
            ),
            (
                env::SLOTS,
                "many",
                "HEADCOUNT_AGENT_SLOTS is `many`; it should be a number from 1 to 1024",
            ),
            (
                env::DIR,
                "here",
                "HEADCOUNT_AGENT_DIR is `here`, which is not an absolute path",
            ),
            (
                env::DIR,
                "/nowhere/at/all",
                "HEADCOUNT_AGENT_DIR is `/nowhere/at/all`, which is not a directory and cannot be made one",
            ),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err().to_string(), text);
        }
    }
}
