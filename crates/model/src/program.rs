//! Machines that a program of the user makes, and which program that is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::time::Duration;

use crate::BackendId;

/// How variables start that tell of this daemon or another controller, tokens among them:
/// whoever makes machines never sees them.
pub const CONTROLLER_VARIABLES: [&str; 3] = ["GARM_", "HEADCOUNT_", "KICI_"];

/// One machine: what the program is told of it beside its marks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramRecipe {
    /// Who makes it.
    pub provisioner: ProvisionerAddress,
    /// Handed to the program as they are: JSON text, an object; checked by the edge.
    pub options: String,
    /// Set for its agent on top of what is forwarded to every agent.
    pub env: BTreeMap<String, String>,
    /// The agent program as the machine finds it; `None` is `headcount` on its `PATH`.
    pub agent_binary: Option<String>,
    /// Where its agent calls back; `None` is what the daemon says.
    pub agent_url: Option<String>,
    /// How many of them one call may ask for.
    pub batch: CreateBatch,
    /// How long its owner vouches for it without renewing that; `None` is without a lease.
    pub lease_time: Option<Duration>,
}

/// The lease is left out: it is renewed for all machines of the owner together, so another
/// one makes no living agent outdated.
impl Hash for ProgramRecipe {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.provisioner, &self.options, &self.env).hash(state);
        (&self.agent_binary, &self.agent_url, self.batch).hash(state);
    }
}

/// How many machines one call of a program may ask for: from 1, each machine a call of its
/// own, to [`CreateBatch::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateBatch(u8);

impl CreateBatch {
    /// The most; the configuration says so as well.
    pub const MAX: u8 = 100;

    /// So many, brought into the bounds.
    #[must_use]
    pub const fn new(machines: u8) -> Self {
        match machines {
            0 => Self(1),
            1..=Self::MAX => Self(machines),
            _ => Self(Self::MAX),
        }
    }

    /// How many.
    #[must_use]
    pub const fn machines(self) -> usize {
        self.0 as usize
    }
}

impl Default for CreateBatch {
    fn default() -> Self {
        Self(1)
    }
}

/// Left out: a machine is the same whoever was asked for with it, so another number makes
/// no living agent outdated.
impl Hash for CreateBatch {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}

/// Which program, and how it is spoken to. Each is a backend of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProvisionerAddress {
    /// The program's absolute path; never with arguments, and without `?`.
    pub program: String,
    /// What it understands.
    pub contract: ProvisionerContract,
    /// Variables of the daemon that reach it: names, or prefixes that end in `_`; without
    /// `,` and `&`.
    pub environment: Vec<String>,
    /// A file of the program's own, handed to every call.
    pub config: Option<String>,
}

/// What a provisioner program understands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum ProvisionerContract {
    /// Our own: `headcount/v1`.
    #[default]
    Native,
    /// GARM's external provider, interface version v0.1.0.
    GarmV010,
    /// GARM's external provider, interface version v0.1.1.
    GarmV011,
}

impl ProvisionerContract {
    /// All of them, for tables.
    pub const ALL: [Self; 3] = [Self::Native, Self::GarmV010, Self::GarmV011];

    /// The word of the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "headcount/v1",
            Self::GarmV010 => "garm/v0.1.0",
            Self::GarmV011 => "garm/v0.1.1",
        }
    }

    /// Whether it is one of GARM's.
    #[must_use]
    pub const fn is_garm(self) -> bool {
        matches!(self, Self::GarmV010 | Self::GarmV011)
    }
}

/// What every such backend's id starts with.
const BACKEND: &str = "program:";
const CONTRACT: &str = "contract=";
const ENVIRONMENT: &str = "environment=";
const CONFIG: &str = "config=";

impl ProvisionerAddress {
    /// The backend that runs it: `program:` and its path, then what differs from a program
    /// alone: `?contract=...&environment=...&config=...`, in this order.
    #[must_use]
    pub fn backend_id(&self) -> BackendId {
        let mut parts = Vec::new();
        if self.contract != ProvisionerContract::Native {
            parts.push(format!("{CONTRACT}{}", self.contract.word()));
        }
        if !self.environment.is_empty() {
            parts.push(format!("{ENVIRONMENT}{}", self.environment.join(",")));
        }
        if let Some(path) = &self.config {
            parts.push(format!("{CONFIG}{path}"));
        }
        let mark = if parts.is_empty() { "" } else { "?" };
        let program = &self.program;
        BackendId::new(&format!("{BACKEND}{program}{mark}{}", parts.join("&")))
    }

    /// The program of a backend whose configuration may be gone; `None` for other backends.
    #[must_use]
    pub fn of_backend(id: &BackendId) -> Option<Self> {
        let rest = id.as_str().strip_prefix(BACKEND)?;
        let (program, mut more) = rest.split_once('?').unwrap_or((rest, ""));
        if program.is_empty() {
            return None;
        }
        let mut address = Self {
            program: program.into(),
            contract: ProvisionerContract::Native,
            environment: Vec::new(),
            config: None,
        };
        if let Some((word, rest)) = part(more, CONTRACT) {
            let mut all = ProvisionerContract::ALL.into_iter();
            address.contract = all.find(|contract| contract.word() == word)?;
            more = rest;
        }
        if let Some((names, rest)) = part(more, ENVIRONMENT) {
            address.environment = names.split(',').map(Into::into).collect();
            more = rest;
        }
        if let Some(path) = more.strip_prefix(CONFIG) {
            address.config = Some(path.into());
            more = "";
        }
        more.is_empty().then_some(address)
    }
}

/// The value of this part if it is the next one, and what follows.
fn part<'a>(text: &'a str, key: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(key)?;
    Some(rest.split_once('&').unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn how_many_are_made_at_once_is_bounded_and_no_part_of_what_machines_are_made_from() {
        for (said, machines) in [(0, 1), (1, 1), (7, 7), (100, 100), (255, 100)] {
            assert_eq!(CreateBatch::new(said).machines(), machines, "{said}");
        }
        let (one, ten) = (CreateBatch::default(), CreateBatch::new(10));
        assert_ne!(one, ten);
        assert_eq!(crate::fingerprint(&one), crate::fingerprint(&ten));
    }

    #[test]
    fn a_lease_is_no_part_of_what_machines_are_made_from() {
        let recipe = |options: &str, lease: Option<u64>| ProgramRecipe {
            provisioner: ProvisionerAddress {
                program: "/opt/p".into(),
                contract: ProvisionerContract::Native,
                environment: vec![],
                config: None,
            },
            options: options.into(),
            env: BTreeMap::new(),
            agent_binary: None,
            agent_url: None,
            batch: CreateBatch::default(),
            lease_time: lease.map(Duration::from_secs),
        };
        let plain = crate::fingerprint(&recipe("{}", None));
        assert_ne!(recipe("{}", None), recipe("{}", Some(10)));
        assert_eq!(crate::fingerprint(&recipe("{}", Some(10))), plain);
        assert_ne!(crate::fingerprint(&recipe("[]", None)), plain);
    }

    #[test]
    fn a_backends_id_says_which_program_it_runs() {
        use ProvisionerContract::{GarmV010, GarmV011, Native};
        for (contract, environment, config, id) in [
            (Native, vec![], None, "program:/opt/p"),
            (
                GarmV011,
                vec![],
                None,
                "program:/opt/p?contract=garm/v0.1.1",
            ),
            (
                Native,
                vec!["AWS_", "REGION"],
                None,
                "program:/opt/p?environment=AWS_,REGION",
            ),
            (
                GarmV010,
                vec!["AWS_"],
                Some("/etc/a&b?c"),
                "program:/opt/p?contract=garm/v0.1.0&environment=AWS_&config=/etc/a&b?c",
            ),
            (Native, vec![], Some("/c"), "program:/opt/p?config=/c"),
        ] {
            let address = ProvisionerAddress {
                program: "/opt/p".into(),
                contract,
                environment: environment.into_iter().map(Into::into).collect(),
                config: config.map(Into::into),
            };
            assert_eq!(address.backend_id().as_str(), id);
            assert_eq!(
                ProvisionerAddress::of_backend(&BackendId::new(id)),
                Some(address)
            );
        }
        for other in [
            "bare-metal",
            "program:",
            "program",
            "program:/x?y",
            "program:/x?contract=z",
        ] {
            let id = BackendId::new(other);
            assert_eq!(ProvisionerAddress::of_backend(&id), None, "{other}");
        }
    }
}
