//! Shapes that several tables share.

use std::net::Ipv4Addr;
use std::time::Duration;

use headcount_model::Cidr;

use crate::read::{Choice, List, SpanText, Text};
use crate::suggest::quoted;
use crate::value::{ValueError, check_own_label};

/// The longest wait that can be configured.
pub(super) const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// The same in seconds.
pub(super) const LONGEST_SECONDS: i64 = 31 * 24 * 60 * 60;
/// The longest name of a scaler or a machine pool, in bytes.
const MAX_NAME_BYTES: usize = 64;

pub(super) const CONTAINER: &[&str] = &["container"];
pub(super) const BARE_METAL: &[&str] = &["bare-metal"];
pub(super) const HOST_OR_CONTAINER: &[&str] = &["bare-metal", "container"];
pub(super) const FIRECRACKER: &[&str] = &["firecracker"];
pub(super) const KUBERNETES: &[&str] = &["kubernetes"];
pub(super) const PROGRAM: &[&str] = &["program"];
pub(super) const MACHINE: &[&str] = &["docker-machine"];
pub(super) const PROGRAM_OR_MACHINE: &[&str] = &["program", "docker-machine"];
pub(super) const CONTAINER_OR_MACHINE: &[&str] = &["container", "docker-machine"];
pub(super) const OWN_OR_OTHER_AGENT: &[&str] = &["container", "kubernetes", "docker-machine"];
pub(super) const ISOLATED: &[&str] = &["container", "firecracker"];

/// Where the agents of a scaler live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BackendKind {
    Container,
    BareMetal,
    Firecracker,
    Kubernetes,
    Program,
    DockerMachine,
}

impl BackendKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::BareMetal => "bare-metal",
            Self::Firecracker => "firecracker",
            Self::Kubernetes => "kubernetes",
            Self::Program => "program",
            Self::DockerMachine => "docker-machine",
        }
    }
}

pub(super) const TYPE: Choice<BackendKind> = Choice {
    words: &[
        ("container", BackendKind::Container),
        ("bare-metal", BackendKind::BareMetal),
        ("firecracker", BackendKind::Firecracker),
        ("kubernetes", BackendKind::Kubernetes),
        ("program", BackendKind::Program),
        ("docker-machine", BackendKind::DockerMachine),
    ],
    others: &[
        (
            "docker",
            "write `container`: it serves Docker and Podman alike",
        ),
        (
            "podman",
            "write `container`, and `runtime: podman` to take no other",
        ),
        ("k8s", "write `kubernetes`"),
        ("docker+machine", "write `docker-machine`"),
    ],
};

/// Anything but nothing.
pub(crate) const TEXT: Text = Text {
    words: "text",
    check: |text| match (text.is_empty(), text.chars().any(char::is_control)) {
        (true, _) => refuse("it must not be empty", "remove the key, or write a text"),
        (_, true) => refuse("it holds a control character", "remove that"),
        _ => Ok(()),
    },
    pattern: None,
};

/// An argument of a command: may be empty, may have several lines.
pub(crate) const ARGUMENT: Text = Text {
    words: "text",
    check: |text| match text.contains('\0') {
        true => refuse("it holds a zero byte", "remove that"),
        false => Ok(()),
    },
    pattern: Some("^[^\\u0000]*$"),
};

/// Part of labels, file names and pool names.
pub(crate) const NAME: Text = Text {
    words: "name: letters, digits, `.`, `_`, `-`, at most 64",
    check: |text| {
        let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        match !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(usual) {
            true => Ok(()),
            false => refuse(
                &format!("{} cannot be a name", quoted(text)),
                "write letters, digits, `.`, `_` and `-`, at most 64 of them",
            ),
        }
    },
    pattern: Some("^[A-Za-z0-9._-]{1,64}$"),
};

pub(super) const LABEL: Text = Text {
    words: "label",
    check: check_own_label,
    pattern: Some("^(?!([Kk][Ii][Cc][Ii]|[Hh][Ee][Aa][Dd][Cc][Oo][Uu][Nn][Tt]):)[^,]{1,128}$"),
};

pub(super) const IPV4: Text = Text {
    words: "IPv4 address",
    check: |text| match text.parse::<Ipv4Addr>() {
        Ok(_) => Ok(()),
        Err(_) => refuse(
            &format!("{} is not an IPv4 address", quoted(text)),
            "write for example `10.0.0.1`",
        ),
    },
    pattern: Some("^[0-9]{1,3}(\\.[0-9]{1,3}){3}$"),
};

/// A network of any size, of either family.
pub(super) const NETWORK: Text = Text {
    words: "network in CIDR form",
    check: |text| match text.parse::<Cidr>() {
        Ok(_) => Ok(()),
        Err(why) => refuse(
            &format!("{} is not a network: {why}", quoted(text)),
            "write an address and a prefix length, for example `10.0.1.0/24` or `fd00:1::/64`",
        ),
    },
    pattern: Some("^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/[0-9]{1,3})?$"),
};

/// An IPv4 network that has room for at least a gateway and one agent.
pub(super) const AGENT_NETWORK: Text = Text {
    words: "IPv4 network in CIDR form",
    check: |text| match parse_network(text) {
        Some((_, 1..=30)) => Ok(()),
        _ => refuse(
            &format!("{} is not an IPv4 network for agents", quoted(text)),
            "write an address and a prefix length from 1 to 30, for example `10.0.0.0/24`",
        ),
    },
    pattern: Some("^[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}$"),
};

/// Any label of agents.
pub(crate) const fn labels(filled: bool) -> List<Text> {
    List { of: LABEL, filled }
}

/// A span that may be zero.
pub(super) const SPAN: SpanText = SpanText {
    min: Duration::ZERO,
    max: LONGEST,
};

/// A wait or a deadline: long enough to be one.
pub(super) const WAIT: SpanText = SpanText {
    min: Duration::from_millis(100),
    max: LONGEST,
};

/// What machines are paid for at once: so long that leaving within a part of it is possible.
pub(super) const PAID_PERIOD: SpanText = SpanText {
    min: Duration::from_secs(60),
    max: LONGEST,
};

/// The address and prefix length of an IPv4 text such as `10.0.0.0/24`.
pub(crate) fn parse_network(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
    let prefix: u8 = prefix.parse().ok().filter(|p| digits && *p <= 32)?;
    Some((address.parse().ok()?, prefix))
}

fn refuse(message: &str, hint: &str) -> Result<(), ValueError> {
    Err(ValueError::new(message, hint))
}
