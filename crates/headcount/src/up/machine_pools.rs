//! The ledger of machine pools, as far as this daemon needs one.
//!
//! Promise: a configuration whose scalers are in machine pools is taken only where their
//! ledger can be kept; without such scalers no file of it is touched.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use headcount_machine_pools::{Host, MachineLedger, Options, Places};
use headcount_model::{Fleet, OwnerId};
use headcount_ports::{MachinePools, NoMachinePools};

/// Where the ledger is kept, and for how long what is in it counts.
#[derive(Clone, Debug)]
pub(crate) struct LedgerSettings {
    /// Unset takes the first of the usual places that can be written to.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) lease: Duration,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            dir: None,
            lease: headcount_machine_pools::DEFAULT_LEASE,
        }
    }
}

/// The ledger, or why this host can have none.
pub(crate) enum Ledger {
    Kept(MachineLedger),
    Impossible(String),
}

impl Ledger {
    pub(super) fn open(owner: OwnerId, settings: LedgerSettings) -> Self {
        let places = match settings.dir {
            Some(dir) => Places::only(dir),
            None => Places::from_environment(|name| std::env::var_os(name)),
        };
        match Host::current() {
            Err(error) => Self::Impossible(error.to_string()),
            Ok(host) => Self::Kept(MachineLedger::open(Options {
                lease: settings.lease,
                ..Options::new(owner, host, places)
            })),
        }
    }

    /// What the controller reserves in.
    pub(super) fn pools(&self) -> Arc<dyn MachinePools> {
        match self {
            Self::Kept(ledger) => Arc::new(ledger.clone()),
            Self::Impossible(_) => Arc::new(NoMachinePools),
        }
    }

    /// What stands in the way of the machine pools that this fleet uses.
    pub(super) async fn missing(&self, fleet: &Fleet) -> Option<String> {
        let used = fleet.scalers.iter().any(|it| it.machine_pool.is_some());
        match self {
            Self::Kept(_) | Self::Impossible(_) if !used => None,
            Self::Kept(ledger) => ledger.check().await.err().map(|error| error.to_string()),
            Self::Impossible(why) => Some(why.clone()),
        }
    }

    /// The caps of this fleet hold from now on.
    pub(super) async fn configure(&self, fleet: &Fleet) {
        let told = self.pools().configure(fleet.machine_pools.clone()).await;
        if let Err(error) = told {
            tracing::warn!(%error, "other daemons do not know yet of the caps of machine pools here");
        }
    }
}
