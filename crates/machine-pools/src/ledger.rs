//! The ledger as the daemon sees it: orders in a queue, and leases renewed while anything
//! is held.
//!
//! Promise: orders take effect in the order in which they were given, also those whose
//! callers no longer wait; what waits together for one pool shares one write. With
//! nothing held no timer is set.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{AgentId, MachinePool, Name, OwnerId};
use headcount_ports::{Booking, MachinePoolError, MachinePools};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::keeper::{Answer, Keeper, Order};
use crate::own::Own;
use crate::{DEFAULT_LEASE, Host, LONGEST_LEASE, Places, SHORTEST_LEASE};

/// Orders that wait; beyond that whoever gives one waits.
const CAPACITY: usize = 1024;
/// Renewals in the time of one lease: two may be missed.
const RENEWALS_PER_LEASE: u32 = 3;

/// How a ledger is kept.
#[derive(Clone)]
pub struct Options {
    /// Where the files are.
    pub places: Places,
    /// Whose rows are ours.
    pub owner: OwnerId,
    /// The host and its clock.
    pub host: Host,
    /// How long our rows count without being renewed; kept between [`SHORTEST_LEASE`] and
    /// [`LONGEST_LEASE`].
    pub lease: Duration,
}

impl Options {
    /// With the usual lease.
    #[must_use]
    pub const fn new(owner: OwnerId, host: Host, places: Places) -> Self {
        Self {
            places,
            owner,
            host,
            lease: DEFAULT_LEASE,
        }
    }
}

/// The ledger of machine pools, kept in files. Cheap to clone; what serves it ends with
/// the last clone, and what is held then lapses with its lease.
#[derive(Clone)]
pub struct MachineLedger {
    requests: mpsc::Sender<Request>,
}

/// What the ledger is asked.
enum Request {
    One(Name, Order, oneshot::Sender<Answer>),
    Configure(Vec<MachinePool>, oneshot::Sender<Answer>),
    Adopt(Vec<Booking>, oneshot::Sender<Answer>),
    Held(oneshot::Sender<Vec<Booking>>),
    Check(oneshot::Sender<Answer>),
}

impl MachineLedger {
    /// A ledger that touches no file before it is asked something. Called within a runtime.
    #[must_use]
    pub fn open(options: Options) -> Self {
        let (requests, waiting) = mpsc::channel(CAPACITY);
        let lease = options.lease.clamp(SHORTEST_LEASE, LONGEST_LEASE);
        let keeper = Keeper {
            owner: options.owner.as_str().to_owned(),
            host: options.host,
            lease,
            places: options.places,
            dir: None,
            own: Own::default(),
        };
        tokio::spawn(serve(keeper, waiting, lease / RENEWALS_PER_LEASE));
        Self { requests }
    }

    /// Whether the files can be kept at all.
    ///
    /// # Errors
    /// They cannot, and why.
    pub async fn check(&self) -> Result<(), MachinePoolError> {
        self.ask(Request::Check).await?
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, MachinePoolError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(request(reply)).await;
        sent.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

#[async_trait]
impl MachinePools for MachineLedger {
    async fn configure(&self, pools: Vec<MachinePool>) -> Result<(), MachinePoolError> {
        self.ask(|reply| Request::Configure(pools, reply)).await?
    }

    async fn adopt(&self, bookings: Vec<Booking>) -> Result<(), MachinePoolError> {
        self.ask(|reply| Request::Adopt(bookings, reply)).await?
    }

    async fn reserve(&self, booking: Booking) -> Result<(), MachinePoolError> {
        let order = Order::Reserve(booking.agent, booking.amount);
        self.ask(|reply| Request::One(booking.pool, order, reply))
            .await?
    }

    async fn release(&self, pool: &Name, agent: AgentId) -> Result<(), MachinePoolError> {
        let order = Order::Release(agent);
        self.ask(|reply| Request::One(pool.clone(), order, reply))
            .await?
    }

    async fn held(&self) -> Vec<Booking> {
        self.ask(Request::Held).await.unwrap_or_default()
    }
}

fn ended() -> MachinePoolError {
    MachinePoolError::Unavailable("the ledger of machine pools has ended".into())
}

/// Serves requests until nobody can ask any more.
async fn serve(mut keeper: Keeper, mut waiting: mpsc::Receiver<Request>, every: Duration) {
    let mut renew_at: Option<Instant> = None;
    loop {
        let due = renew_at;
        let renewal = async move {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let work = tokio::select! {
            request = waiting.recv() => match request {
                Some(first) => Work::Requests(gather(first, &mut waiting)),
                None => return,
            },
            () = renewal => Work::Renew,
        };
        let renewed = matches!(work, Work::Renew);
        let done = tokio::task::spawn_blocking(move || {
            work.carry_out(&mut keeper);
            keeper
        });
        keeper = match done.await {
            Ok(keeper) => keeper,
            Err(error) => {
                tracing::error!(%error, "the ledger of machine pools ends");
                return;
            }
        };
        renew_at = match keeper.own.in_use().next() {
            None => None,
            Some(_) if renewed || renew_at.is_none() => Some(Instant::now() + every),
            Some(_) => renew_at,
        };
    }
}

fn gather(first: Request, waiting: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut requests = vec![first];
    while requests.len() < CAPACITY
        && let Ok(next) = waiting.try_recv()
    {
        requests.push(next);
    }
    requests
}

enum Work {
    Requests(Vec<Request>),
    Renew,
}

/// Orders for one pool that follow each other, with who waits for each.
type Batch = (Vec<Order>, Vec<oneshot::Sender<Answer>>);

impl Work {
    fn carry_out(self, keeper: &mut Keeper) {
        match self {
            Self::Renew => renew(keeper),
            Self::Requests(requests) => requests_in_order(keeper, requests),
        }
    }
}

/// Orders are gathered by pool; anything else comes after those before it.
fn requests_in_order(keeper: &mut Keeper, requests: Vec<Request>) {
    let mut batches: BTreeMap<Name, Batch> = BTreeMap::new();
    for request in requests {
        match request {
            Request::One(pool, order, reply) => {
                let batch = batches.entry(pool).or_default();
                batch.0.push(order);
                batch.1.push(reply);
            }
            other => {
                settle(keeper, std::mem::take(&mut batches));
                one(keeper, other);
            }
        }
    }
    settle(keeper, batches);
    keeper.own.tidy();
}

fn settle(keeper: &mut Keeper, batches: BTreeMap<Name, Batch>) {
    for (pool, (orders, replies)) in batches {
        let answers = keeper.settle(&pool, &orders);
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Who asked may have given up; the order stands all the same.
            drop(reply.send(answer));
        }
    }
}

fn one(keeper: &mut Keeper, request: Request) {
    match request {
        Request::One(..) => {}
        Request::Check(reply) => drop(reply.send(keeper.directory().map(drop))),
        Request::Held(reply) => drop(reply.send(keeper.own.bookings())),
        Request::Configure(pools, reply) => {
            let caps = pools.into_iter().map(|pool| (pool.name, pool.cap));
            keeper.own.configure(caps.collect());
            let used: Vec<Name> = keeper.own.in_use().cloned().collect();
            drop(reply.send(assert(keeper, used)));
        }
        Request::Adopt(bookings, reply) => {
            keeper.own.adopt(bookings);
            // What an earlier life held in other pools goes as well.
            let concerned = keeper.own.names().next().is_some();
            let mut pools = if concerned {
                keeper.on_disk()
            } else {
                BTreeSet::new()
            };
            pools.extend(keeper.own.in_use().cloned());
            drop(reply.send(assert(keeper, pools)));
        }
    }
}

/// Says again what is held in these pools; the first trouble counts.
fn assert(keeper: &mut Keeper, pools: impl IntoIterator<Item = Name>) -> Answer {
    let mut answer = Ok(());
    for pool in pools {
        answer = answer.and(keeper.settle(&pool, &[Order::Assert]).remove(0));
    }
    answer
}

fn renew(keeper: &mut Keeper) {
    let pools: Vec<Name> = keeper.own.in_use().cloned().collect();
    for pool in pools {
        if let Err(error) = assert(keeper, [pool.clone()]) {
            tracing::warn!(%pool, %error, "a lease in a machine pool could not be renewed");
        }
    }
}
