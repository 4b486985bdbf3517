//! What went wrong while reading, in words for whoever runs the server.

use std::time::Duration;

use headcount_model::{Trouble, TroubleKind};

use crate::reply::Refusal;

/// Why something could not be read. No text holds a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Fault {
    // Try again later.
    #[error("redis at {server} cannot be reached: {why}; is it running, and is the address right?")]
    Unreachable { server: String, why: String },
    #[error("redis at {server} does not answer within {}; it is overloaded, or the network is", shown(*.after))]
    Slow { server: String, after: Duration },
    #[error("redis at {server} does not answer to TLS within {}; does it speak TLS at this address, and is the trigger to use it?", shown(*.after))]
    SlowTls { server: String, after: Duration },
    #[error("redis at {server} is not ready: {line}; nothing to do unless it lasts")]
    NotReady { server: String, line: String },
    #[error(
        "redis at {server} moves keys between its servers: {line}; nothing to do unless it lasts"
    )]
    Moved { server: String, line: String },
    #[error(
        "redis at {server} takes no writes: {line}; is it a replica, or is its disk or memory full?"
    )]
    NoWrites { server: String, line: String },
    #[error("redis at {server} refuses: {line}")]
    Refused { server: String, line: String },
    #[error("redis at {server} answers {command} with something else than expected")]
    Strange {
        server: String,
        command: &'static str,
    },
    #[error(
        "no sentinel of {servers} can be reached: {why}; are they running, and are the addresses right?"
    )]
    NoSentinel { servers: String, why: String },

    // A person must mend something.
    #[error(
        "redis at {server} wants a password: {line}; set the password of the trigger, and the username if it is not the default user's"
    )]
    NoAuth { server: String, line: String },
    #[error(
        "redis at {server} does not accept the password of user {user:?}; check username and password of the trigger"
    )]
    WrongPassword { server: String, user: String },
    #[error(
        "redis at {server} does not allow it to user {user:?}: {line}; allow that command and the key in the user's ACL"
    )]
    Denied {
        server: String,
        user: String,
        line: String,
    },
    #[error("{key:?} of redis at {server} is not a stream: {line}; check the name in the trigger")]
    NotStream {
        server: String,
        key: String,
        line: String,
    },
    #[error(
        "{key:?} of redis at {server} cannot be counted: ERR unsupported key type: {kind}; a list, set, sorted set or hash can"
    )]
    UnsupportedType {
        server: String,
        key: String,
        kind: String,
    },
    #[error(
        "redis at {server} has no such database: {line}; check the database index of the trigger"
    )]
    NoDatabase { server: String, line: String },
    #[error(
        "redis at {server} is part of a cluster: {line}; use the cluster spelling of the trigger"
    )]
    IsCluster { server: String, line: String },
    #[error(
        "no secure connection to redis at {server}: {why}; check the certificates of the trigger, and whether the server speaks TLS at this address"
    )]
    Tls { server: String, why: String },
    #[error("{address:?} is not an address; write host:port, an IPv6 host in brackets")]
    BadAddress { address: String },
    #[error("no sentinel of {servers} knows a master {master:?}; check its name in the trigger")]
    NoSuchMaster { servers: String, master: String },
    #[error("redis at {server}: {why}; the mode backlog counts on older servers too")]
    Version { server: String, why: &'static str },

    #[error("redis at {server} does not tell of changes: {why}; servers from 6 on do")]
    NoPush { server: String, why: String },

    // It is not there (any more).
    #[error(
        "no group {group:?} on stream {key:?} of redis at {server}: {line}; it counts once the group exists"
    )]
    NoGroup {
        server: String,
        key: String,
        group: String,
        line: String,
    },
}

impl Fault {
    /// For the planner and for people.
    pub(crate) fn trouble(&self) -> Trouble {
        Trouble {
            kind: self.kind(),
            message: self.to_string(),
        }
    }

    fn kind(&self) -> TroubleKind {
        match self {
            Self::Unreachable { .. }
            | Self::Slow { .. }
            | Self::SlowTls { .. }
            | Self::NotReady { .. }
            | Self::Moved { .. }
            | Self::NoWrites { .. }
            | Self::Refused { .. }
            | Self::Strange { .. }
            | Self::NoSentinel { .. } => TroubleKind::Transient,
            Self::NoAuth { .. }
            | Self::WrongPassword { .. }
            | Self::Denied { .. }
            | Self::NotStream { .. }
            | Self::UnsupportedType { .. }
            | Self::NoDatabase { .. }
            | Self::IsCluster { .. }
            | Self::Tls { .. }
            | Self::BadAddress { .. }
            | Self::NoSuchMaster { .. }
            | Self::Version { .. }
            | Self::NoPush { .. } => TroubleKind::Invalid,
            Self::NoGroup { .. } => TroubleKind::Gone,
        }
    }
}

/// Who was asked, as whom: what texts about a refusal need.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `host:port`, or several.
    pub(crate) server: String,
    /// The ACL user.
    pub(crate) user: String,
    /// Whether a cluster is what we take it for.
    pub(crate) cluster: bool,
}

impl Asked {
    /// What a refusal means, whatever was asked.
    pub(crate) fn refusal(&self, refusal: &Refusal) -> Fault {
        let (server, line) = (self.server.clone(), refusal.line.clone());
        let user = self.user.clone();
        match refusal.code.as_str() {
            "NOAUTH" => Fault::NoAuth { server, line },
            "WRONGPASS" => Fault::WrongPassword { server, user },
            "NOPERM" => Fault::Denied { server, user, line },
            "LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" => {
                Fault::NotReady { server, line }
            }
            "READONLY" | "OOM" | "MISCONF" | "NOREPLICAS" => Fault::NoWrites { server, line },
            "MOVED" | "ASK" if self.cluster => Fault::Moved { server, line },
            "MOVED" | "ASK" => Fault::IsCluster { server, line },
            _ if line.contains("DB index is out of range") => Fault::NoDatabase { server, line },
            _ => Fault::Refused { server, line },
        }
    }

    /// What a refusal means that is about a stream.
    pub(crate) fn about_stream(&self, refusal: &Refusal, key: &str) -> Fault {
        if refusal.code == "WRONGTYPE" {
            return Fault::NotStream {
                server: self.server.clone(),
                key: key.to_owned(),
                line: refusal.line.clone(),
            };
        }
        self.refusal(refusal)
    }

    /// What a refusal means that is about a group of a stream.
    pub(crate) fn about_group(&self, refusal: &Refusal, key: &str, group: &str) -> Fault {
        if refusal.code == "NOGROUP" {
            return Fault::NoGroup {
                server: self.server.clone(),
                key: key.to_owned(),
                group: group.to_owned(),
                line: refusal.line.clone(),
            };
        }
        self.about_stream(refusal, key)
    }

    /// An answer that no server of the kind gives.
    pub(crate) fn strange(&self, command: &'static str) -> Fault {
        Fault::Strange {
            server: self.server.clone(),
            command,
        }
    }
}

/// Whole seconds where it is that, else milliseconds.
fn shown(span: Duration) -> String {
    if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{} ms", span.as_millis())
    }
}
