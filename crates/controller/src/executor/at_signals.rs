//! Orders to the reader of triggers.
//!
//! Promise: configurations reach it one after the other, the last one in any case, and a
//! sample is asked for only once it knows the configuration that the order was made under.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{PoolName, Sample, Trouble, TroubleKind};
use headcount_planner::{Action, Answered};
use headcount_ports::{Signals, TriggersOf};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Executor, late};

/// The reader returns soon; one that does not is told again.
const CONFIGURE_WITHIN: Duration = Duration::from_secs(5);

/// The reader of triggers, and which configuration it knows.
pub(crate) struct Reader {
    signals: Arc<dyn Signals>,
    wanted: watch::Sender<Told>,
    known: watch::Receiver<u64>,
}

/// A configuration by number.
#[derive(Clone, Default)]
struct Told {
    number: u64,
    rules: TriggersOf,
}

impl Reader {
    /// The second is a loop that tells the reader of configurations; it ends with the
    /// first.
    pub(crate) fn new(
        signals: Arc<dyn Signals>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (wanted, to_tell) = watch::channel(Told::default());
        let (told, known) = watch::channel(0);
        let teller = tell(Arc::clone(&signals), to_tell, told);
        let reader = Self {
            signals,
            wanted,
            known,
        };
        (reader, teller)
    }

    /// These rules hold from now on.
    pub(crate) fn configure(&self, rules: TriggersOf) {
        self.wanted.send_modify(|told| {
            told.number += 1;
            told.rules = rules;
        });
    }

    /// Number of the configuration that holds now.
    pub(crate) fn number(&self) -> u64 {
        self.wanted.borrow().number
    }

    async fn sample(&self, pool: &PoolName, under: u64) -> Result<Sample, Trouble> {
        let mut known = self.known.clone();
        if known.wait_for(|number| *number >= under).await.is_err() {
            return Err(Trouble {
                kind: TroubleKind::Transient,
                message: "the daemon is stopping".to_owned(),
            });
        }
        self.signals.sample(pool).await
    }
}

async fn tell(
    signals: Arc<dyn Signals>,
    mut to_tell: watch::Receiver<Told>,
    told: watch::Sender<u64>,
) {
    while to_tell.changed().await.is_ok() {
        loop {
            let Told { number, rules } = to_tell.borrow_and_update().clone();
            if timeout(CONFIGURE_WITHIN, signals.configure(rules))
                .await
                .is_ok()
            {
                told.send_replace(number);
                break;
            }
            tracing::warn!("the reader of triggers takes long to take a configuration");
        }
    }
}

impl Executor {
    /// Absent when the order is not one to the reader of triggers.
    pub(super) async fn at_signals(&self, action: Action, under: u64) -> Option<Answered> {
        let Action::Sample { pool, deadline, .. } = action else {
            return None;
        };
        let asked = timeout(deadline, self.reader.sample(&pool, under)).await;
        let result = asked.unwrap_or_else(|_| late("read the triggers", deadline));
        Some(Answered::Sample(pool, result))
    }
}
