//! What a managed agent of another machine needs, wherever that machine is: variables, and
//! a file with its one-time token.
//!
//! Promise: identity beats the label set, which beats what is forwarded; what may be secret
//! is marked. Pure: the same request is told the same. Leaves to others: how it gets there
//! (a Secret of a cluster, start-up data of a machine).

use std::collections::BTreeMap;

use headcount_model::Secret;

use super::call_back::Told;
use super::{
    DIR, ID, INSTANCE_MARK, LABELS, LOG_PRESSURE, ORIGIN, PIN, SLOTS, TOKEN_FILE, URL, log_pressure,
};
use crate::{BackendError, CreateRequest};

/// Where an agent finds its own things on its machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The file with its token, which it removes.
    pub token_file: String,
    /// A directory of its own, which exists when it starts.
    pub dir: String,
}

/// One variable.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// Whether the value came from outside of this program, where secrets may be in it.
    pub is_secret: bool,
}

/// Everything one agent needs.
#[derive(Clone, Debug)]
pub struct RemoteAgent {
    /// By name.
    pub variables: BTreeMap<String, Variable>,
    /// Its one-time token, for a file of its own.
    pub token: Option<Secret>,
    /// Where things are.
    pub places: Places,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.is_secret {
            true => "[secret]",
            false => &self.value,
        })
    }
}

impl RemoteAgent {
    /// For this request. `given` are the variables that it is given besides, the weaker
    /// first: what is forwarded, the label set's.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] for a name or value no process can be given.
    pub fn new<'a>(
        request: &CreateRequest,
        told: Told,
        places: Places,
        given: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<Self, BackendError> {
        let given = super::given(given)?.into_iter().map(|(name, value)| {
            let is_secret = true;
            (name, Variable { value, is_secret })
        });
        let mut variables: BTreeMap<_, _> = given.collect();
        let identity = identity(request, told, &places).map(|(name, value)| {
            let is_secret = false;
            (name.to_owned(), Variable { value, is_secret })
        });
        variables.extend(identity);
        Ok(Self {
            variables,
            token: request.token.clone(),
            places,
        })
    }
}

fn identity(
    request: &CreateRequest,
    told: Told,
    places: &Places,
) -> impl Iterator<Item = (&'static str, String)> + use<> {
    let (owner, agent) = (&request.owner, request.agent);
    let mark = format!("{owner}/{}/{agent}", request.pool);
    let pressure = log_pressure(request.log_pressure).to_owned();
    let always = [
        (URL, told.url),
        (TOKEN_FILE, places.token_file.clone()),
        (LOG_PRESSURE, pressure),
        (INSTANCE_MARK, mark),
        (ORIGIN, format!("{owner}/{agent}")),
        (ID, agent.to_string()),
        (LABELS, request.labels.clone()),
        (SLOTS, request.slots.to_string()),
        (DIR, places.dir.clone()),
    ];
    let pins = told.pins.map(|pins| (PIN, pins));
    always.into_iter().chain(pins)
}
