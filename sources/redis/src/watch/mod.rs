//! Being told at once when what a pool reads has changed.
//!
//! Per server one connection of its own listens for changes of all keys that pools read
//! there ([`tracking`]); a change wakes the pools of that key, each of which reads all its
//! triggers and posts the sample. While a sample is being read or posted, any number of
//! further changes is one more sample. What is not told of is found by polling.

mod prefixes;
mod tracking;

use std::sync::Arc;
use std::time::Duration;

use headcount_ports::SignalInbox;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::link::Link;
use crate::pool::Pool;
use crate::signals::Clock;
use crate::trigger::Reader;

pub use tracking::WATCH_HEARTBEAT;
pub(crate) use tracking::{Wakes, listen};

/// Between two samples of a pool that nobody asked for, at least. Bounds what a stream that
/// is written without pause costs.
pub const SPACING: Duration = Duration::from_millis(5);

/// What pools need to post samples.
pub(crate) struct Listeners {
    pub(crate) inbox: Arc<dyn SignalInbox>,
    pub(crate) clock: Clock,
}

/// Everything that listens. Dropping it ends that.
#[derive(Default)]
pub(crate) struct Listening {
    servers: Vec<Server>,
    pools: Vec<Posting>,
}

/// A server that is listened to, for these pools.
struct Server {
    link: Arc<Link>,
    pools: Vec<Arc<Pool>>,
    _running: Running,
}

/// A pool that posts when it is woken.
struct Posting {
    pool: Arc<Pool>,
    _running: Running,
}

/// Ends with its owner.
pub(crate) struct Running(pub(crate) JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listeners {
    /// Listens for these pools at these servers; what listened for the same already stays.
    pub(crate) fn listen(
        self,
        before: &mut Listening,
        pools: &[Arc<Pool>],
        links: &[Arc<Link>],
    ) -> Listening {
        let this = Arc::new(self);
        let mut now = Listening::default();
        for pool in pools.iter().filter(|pool| pool.links().next().is_some()) {
            now.pools.push(before.posting(pool, &this));
        }
        for link in links {
            let reads = |pool: &&Arc<Pool>| pool.links().any(|own| Arc::ptr_eq(own, link));
            let pools: Vec<Arc<Pool>> = pools.iter().filter(reads).cloned().collect();
            now.servers.push(before.server(link, pools));
        }
        now
    }

    /// Posts a sample each time something changed.
    async fn post(self: Arc<Self>, pool: Arc<Pool>) {
        loop {
            pool.changed.notified().await;
            let begun = Instant::now();
            let sample = pool.sample(&self.clock).await;
            self.inbox.post(&pool.name, sample).await;
            tokio::time::sleep_until(begun + SPACING).await;
        }
    }
}

impl Listening {
    fn posting(&mut self, pool: &Arc<Pool>, listeners: &Arc<Listeners>) -> Posting {
        let same = |posting: &Posting| Arc::ptr_eq(&posting.pool, pool);
        if let Some(place) = self.pools.iter().position(same) {
            return self.pools.swap_remove(place);
        }
        let posting = Arc::clone(listeners).post(Arc::clone(pool));
        Posting {
            pool: Arc::clone(pool),
            _running: Running(tokio::spawn(posting)),
        }
    }

    fn server(&mut self, link: &Arc<Link>, pools: Vec<Arc<Pool>>) -> Server {
        let same = |server: &Server| {
            let both = server.pools.iter().zip(&pools);
            Arc::ptr_eq(&server.link, link)
                && server.pools.len() == pools.len()
                && both.into_iter().all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if let Some(place) = self.servers.iter().position(same) {
            return self.servers.swap_remove(place);
        }
        let listening = listen(Arc::clone(link), wakes(link, &pools));
        Server {
            link: Arc::clone(link),
            pools,
            _running: Running(tokio::spawn(listening)),
        }
    }
}

/// Whom a change of a key concerns.
pub(crate) struct Wake {
    pub(crate) key: String,
    pub(crate) whom: Whom,
}

/// Who is woken.
pub(crate) enum Whom {
    /// The trigger at this place of a pool.
    Trigger(Arc<Pool>, usize),
    /// Whoever takes entries.
    Taker(Arc<Notify>),
}

impl Wake {
    /// Its key has changed.
    fn told(&self) {
        match &self.whom {
            Whom::Trigger(pool, place) => pool.wake(*place),
            Whom::Taker(changed) => changed.notify_one(),
        }
    }

    /// Something may have changed: what, and since when, is not told.
    fn perhaps(&self) {
        match &self.whom {
            Whom::Trigger(pool, _) => pool.changed.notify_one(),
            Whom::Taker(changed) => changed.notify_one(),
        }
    }
}

/// The keys that are read at a server, each with whom to wake.
fn wakes(link: &Arc<Link>, pools: &[Arc<Pool>]) -> Wakes {
    let mut wakes = Vec::new();
    for pool in pools {
        for (place, reader) in pool.readers.iter().enumerate() {
            if let Reader::Redis(reader) = reader
                && Arc::ptr_eq(&reader.link, link)
            {
                wakes.push(Wake {
                    key: reader.what.key().to_owned(),
                    whom: Whom::Trigger(Arc::clone(pool), place),
                });
            }
        }
    }
    wakes
}
