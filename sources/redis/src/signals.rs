//! The port: which pools there are, and their samples.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use headcount_model::{PoolName, RedisConnection, Sample, Timestamp, Trouble, TroubleKind};
use headcount_ports::{SignalInbox, Signals, TriggersOf};

use crate::link::Link;
use crate::pool::Pool;
use crate::trigger::Reader;
use crate::watch::{Listeners, Listening};

/// Tells what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Signals from Redis and from windows of time. Give it up by dropping it: nothing it
/// started outlives it.
pub struct RedisSignals {
    inbox: Arc<dyn SignalInbox>,
    clock: Clock,
    samples: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pools: BTreeMap<PoolName, Arc<Pool>>,
    /// One per distinct server.
    links: Vec<Arc<Link>>,
    /// Hears of changes and posts samples.
    listening: Listening,
}

impl RedisSignals {
    /// Without pools until it is configured, within a tokio runtime.
    #[must_use]
    pub fn new(inbox: Arc<dyn SignalInbox>) -> Self {
        Self {
            inbox,
            clock: Arc::new(system_clock),
            samples: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// By another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    fn apply(&self, rules: TriggersOf) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut state.links);
        let mut links = Vec::new();
        let mut link = |to: &Arc<RedisConnection>| link_to(&mut links, &before, to);
        let mut pools = BTreeMap::new();
        for (name, rule) in rules {
            let readers = rule.triggers.iter();
            let readers = readers.map(|trigger| Reader::new(&rule, trigger, &mut link));
            let readers = readers.collect();
            let pool = match state.pools.get(&name) {
                Some(known) if known.rule == rule => Arc::clone(known),
                _ => {
                    let samples = Arc::clone(&self.samples);
                    Arc::new(Pool::new(name.clone(), rule, readers, samples))
                }
            };
            pools.insert(name, pool);
        }
        let listeners = Listeners {
            inbox: Arc::clone(&self.inbox),
            clock: Arc::clone(&self.clock),
        };
        let listened: Vec<Arc<Pool>> = pools.values().cloned().collect();
        state.listening = listeners.listen(&mut state.listening, &listened, &links);
        state.pools = pools;
        state.links = links;
    }

    fn pool(&self, name: &PoolName) -> Option<Arc<Pool>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.pools.get(name).map(Arc::clone)
    }
}

/// The open way to a server, also from before a reload.
fn link_to(
    links: &mut Vec<Arc<Link>>,
    before: &[Arc<Link>],
    to: &Arc<RedisConnection>,
) -> Arc<Link> {
    if let Some(link) = links.iter().find(|link| link.to == *to) {
        return Arc::clone(link);
    }
    let link = match before.iter().find(|link| link.to == *to) {
        Some(link) => Arc::clone(link),
        None => Arc::new(Link::new(Arc::clone(to))),
    };
    links.push(Arc::clone(&link));
    link
}

#[async_trait]
impl Signals for RedisSignals {
    async fn configure(&self, rules: TriggersOf) {
        self.apply(rules);
    }

    async fn sample(&self, pool: &PoolName) -> Result<Sample, Trouble> {
        let Some(pool) = self.pool(pool) else {
            return Err(Trouble {
                kind: TroubleKind::Gone,
                message: format!("pool {pool} has no triggers"),
            });
        };
        Ok(pool.sample(&self.clock).await)
    }
}

fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
