//! What is broken, on purpose.
//!
//! Promise: a fault meets the requests it is for and no others, as often as it is told to.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::path::Asked;
use crate::status::Refusal;

/// A fault: what goes wrong, for which requests, and how often.
#[derive(Clone, Debug)]
pub struct Fault {
    verb: Option<&'static str>,
    resource: Option<&'static str>,
    left: usize,
    trouble: Trouble,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// 403: the account may not.
    Forbidden,
    /// 401: nobody is known.
    Unauthorized,
    /// 403: a quota is used up, with what it says behind `exceeded quota: `.
    Quota(&'static str),
    /// 403: an admission check refuses, in these words.
    Denied(&'static str),
    /// 429, with a time to wait in seconds.
    TooMany(u64),
    /// 500.
    Internal,
    /// 503 in the words of a server that starts.
    Unavailable,
    /// 504: it may or may not have happened.
    Timeout,
    /// The connection is cut before anything is done.
    Cut,
    /// It is done, and the connection is cut before the answer.
    LostAnswer,
    /// It is done once this is notified.
    Held(Arc<Notify>),
}

impl Fault {
    /// Meets every request until it is taken back.
    #[must_use]
    pub const fn always(trouble: Trouble) -> Self {
        Self {
            verb: None,
            resource: None,
            left: usize::MAX,
            trouble,
        }
    }

    /// Meets the next request only.
    #[must_use]
    pub const fn once(trouble: Trouble) -> Self {
        let mut fault = Self::always(trouble);
        fault.left = 1;
        fault
    }

    /// Only requests of this verb for this resource (`jobs`, `pods/log`).
    #[must_use]
    pub const fn on(mut self, verb: &'static str, resource: &'static str) -> Self {
        self.verb = Some(verb);
        self.resource = Some(resource);
        self
    }

    fn meets(&self, asked: &Asked) -> bool {
        self.left > 0
            && self.verb.is_none_or(|verb| verb == asked.verb)
            && self.resource.is_none_or(|it| it == asked.full_resource())
    }
}

/// All faults that are in force.
#[derive(Default, Debug)]
pub(crate) struct Faults {
    all: Vec<Fault>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.all.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }

    /// What goes wrong with this request.
    pub(crate) fn meet(&mut self, asked: &Asked) -> Option<Trouble> {
        let fault = self.all.iter_mut().find(|fault| fault.meets(asked))?;
        fault.left = fault.left.saturating_sub(1);
        Some(fault.trouble.clone())
    }
}

impl Trouble {
    /// The answer, where there is one.
    pub(crate) fn refusal(&self, asked: &Asked, name: &str) -> Option<Refusal> {
        let resource = asked.resource;
        Some(match self {
            Self::Forbidden => {
                let (verb, group, namespace) = (asked.verb, asked.group, &asked.namespace);
                let full = asked.full_resource();
                let why = format!(
                    "User \"system:serviceaccount:{namespace}:headcount\" cannot {verb} resource \
                     \"{full}\" in API group \"{group}\" in the namespace \"{namespace}\""
                );
                Refusal::forbidden(resource, &asked.name, &why)
            }
            Self::Unauthorized => Refusal::new(401, "Unauthorized", "Unauthorized"),
            Self::Quota(what) => {
                Refusal::forbidden(resource, name, &format!("exceeded quota: {what}"))
            }
            Self::Denied(why) => {
                let message =
                    format!("admission webhook \"policy.example.com\" denied the request: {why}");
                Refusal::new(403, "Forbidden", &message)
            }
            Self::TooMany(seconds) => Refusal::too_many(*seconds),
            Self::Internal => Refusal::internal("etcdserver: leader changed"),
            Self::Unavailable => Refusal::new(
                503,
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ),
            Self::Timeout => Refusal::new(
                504,
                "Timeout",
                "Timeout: request did not complete within requested timeout - context deadline \
                 exceeded",
            ),
            Self::Cut | Self::LostAnswer | Self::Held(_) => return None,
        })
    }
}
