//! Where a parameter of a trigger may come from, and which of them wins.

use crate::settings::ManifestPlace;
use crate::source::Place;

/// A value that was found, and both places: of the text, and of what refers to it.
#[derive(Clone)]
pub(super) struct Found {
    pub text: String,
    /// Where the text is, to name it as a secret.
    pub home: ManifestPlace,
    /// Where the trigger says so.
    pub place: Place,
}

/// Who may give a parameter, in the order in which they are asked. Those of a place that
/// gives nothing are passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Giver {
    Metadata,
    Environment,
    Authentication,
}

/// A parameter of KEDA's Redis triggers or its cron trigger.
pub(super) struct Parameter {
    pub name: &'static str,
    pub givers: &'static [Giver],
    /// Only its place is kept.
    pub secret: bool,
}

use Giver::{Authentication, Environment, Metadata};

const ANY_ENV_LAST: &[Giver] = &[Metadata, Authentication, Environment];
const ANY_AUTH_LAST: &[Giver] = &[Metadata, Environment, Authentication];
const TRIGGER: &[Giver] = &[Metadata];
const AUTH: &[Giver] = &[Authentication];

/// Source: the KEDA `ScaledJob` reference, section 3.1.
pub(super) const PARAMETERS: &[Parameter] = &[
    plain("address", ANY_ENV_LAST),
    plain("addresses", ANY_ENV_LAST),
    plain("host", ANY_AUTH_LAST),
    plain("hosts", ANY_AUTH_LAST),
    plain("port", ANY_AUTH_LAST),
    plain("ports", ANY_AUTH_LAST),
    plain("username", ANY_AUTH_LAST),
    secret("password", ANY_AUTH_LAST),
    plain("sentinelMaster", ANY_ENV_LAST),
    plain("sentinelUsername", ANY_ENV_LAST),
    secret("sentinelPassword", ANY_ENV_LAST),
    plain("databaseIndex", TRIGGER),
    plain("stream", TRIGGER),
    plain("consumerGroup", TRIGGER),
    plain("pendingEntriesCount", TRIGGER),
    plain("streamLength", TRIGGER),
    plain("lagCount", TRIGGER),
    plain("activationLagCount", TRIGGER),
    // Ours: KEDA passes over what it does not know.
    plain("claimAfter", TRIGGER),
    plain("listName", TRIGGER),
    plain("listLength", TRIGGER),
    plain("activationListLength", TRIGGER),
    plain("enableTLS", TRIGGER),
    plain("unsafeSsl", TRIGGER),
    plain("tls", AUTH),
    secret("ca", AUTH),
    secret("cert", AUTH),
    secret("key", AUTH),
    secret("keyPassword", AUTH),
    plain("timezone", TRIGGER),
    plain("start", TRIGGER),
    plain("end", TRIGGER),
    plain("desiredReplicas", TRIGGER),
];

const fn plain(name: &'static str, givers: &'static [Giver]) -> Parameter {
    Parameter {
        name,
        givers,
        secret: false,
    }
}

const fn secret(name: &'static str, givers: &'static [Giver]) -> Parameter {
    Parameter {
        name,
        givers,
        secret: true,
    }
}

/// The parameter of this name, if this giver may give it.
pub(super) fn parameter(name: &str, giver: Giver) -> Option<&'static Parameter> {
    let mut all = PARAMETERS.iter();
    all.find(|parameter| parameter.name == name && parameter.givers.contains(&giver))
}

/// Names that this giver may give, for a hint.
pub(super) fn names(giver: Giver) -> impl Iterator<Item = &'static str> {
    let all = PARAMETERS.iter();
    all.filter(move |parameter| parameter.givers.contains(&giver))
        .map(|parameter| parameter.name)
}

/// What was found for the parameters of one trigger.
#[derive(Default)]
pub(super) struct Given {
    found: Vec<(&'static str, Giver, Found)>,
    untold: Vec<(&'static str, Place)>,
}

impl Given {
    /// `None` is a parameter of which it has been noted that it cannot be told,
    /// `Some(None)` one that is not set. An empty text is as good as none.
    #[expect(clippy::option_option, reason = "unknown is not the same as none")]
    pub fn add(
        &mut self,
        parameter: &'static Parameter,
        giver: Giver,
        place: Place,
        found: Option<Option<Found>>,
    ) {
        match found {
            None => self.untold.push((parameter.name, place)),
            Some(Some(found)) if !found.text.is_empty() => {
                self.found.push((parameter.name, giver, found));
            }
            Some(_) => {}
        }
    }

    /// Parameters that are set to what cannot be told.
    pub fn untold(&self) -> impl Iterator<Item = (&'static str, Place)> {
        self.untold.iter().copied()
    }

    /// The one that wins.
    pub fn get(&self, parameter: &Parameter) -> Option<(Giver, &Found)> {
        parameter.givers.iter().find_map(|giver| {
            let mut all = self.found.iter();
            let found = all.find(|(name, by, _)| *name == parameter.name && by == giver);
            found.map(|(_, _, found)| (*giver, found))
        })
    }
}
