//! A provisioner as the backend sees it, whichever contract it speaks.
//!
//! Promise: four verbs, each one bounded call or a few; never more than one list at a time,
//! which in GARM's contract is a call for each pool, several of them at once. Leaves to the
//! contracts (`native`, `garm`) what goes over the wire.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headcount_model::{
    AgentId, Exit, InstanceState, LeasedInstance, OwnerId, PoolName, ProvisionerContract, Secret,
};
use headcount_ports::CreateRequest;
pub(crate) use headcount_ports::census::Machine;
use tokio::sync::Semaphore;

use crate::environment::environment;
use crate::fault::{Fault, Verdict};
use crate::native::MachineSaid;
use crate::options::ProgramOptions;
use crate::start_up::StartUp;
use crate::underway::{Left, UnderWay};
use crate::{garm, marks, native};
use headcount_calls::{Call, CallError, Maker, Said};

/// A list of 10,000 machines has some 4 MiB; whoever says more is not believed.
pub(crate) const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// A creation that a daemon before this one began, and of which nobody can tell how long it
/// may take, is awaited so long.
const UNCLEAR: Duration = Duration::from_secs(20 * 60);

/// One program.
pub(crate) struct Provisioner {
    pub(crate) options: ProgramOptions,
    creations: Semaphore,
    calls: Semaphore,
    /// Before that it wants to be left alone.
    rest_until: Mutex<Option<Instant>>,
    /// Where creations are noted.
    under_way: Option<UnderWay>,
    /// Pools that may have machines here, with their options.
    pools: Mutex<BTreeMap<PoolName, String>>,
    /// Who is told of every call; the kit.
    observer: Option<Arc<dyn Observer>>,
}

/// Somebody who looks at calls themselves.
pub(crate) trait Observer: Send + Sync {
    /// A call has ended.
    fn note(&self, verb: &str, took: Duration, ended: &Result<Said, CallError>);
}

/// The machine something is asked of.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) agent: AgentId,
    pub(crate) pool: Option<PoolName>,
    /// The program's own, where it is known; otherwise the name serves.
    pub(crate) id: Option<String>,
    /// Whose it is; `None` is ours.
    pub(crate) owner: Option<OwnerId>,
}

impl Target {
    /// Whose it is.
    pub(crate) fn owner<'a>(&'a self, to: &'a Provisioner) -> &'a OwnerId {
        self.owner.as_ref().unwrap_or(&to.options.owner)
    }

    /// The machine's name.
    pub(crate) fn name(&self, to: &Provisioner) -> String {
        marks::name(self.owner(to), self.agent)
    }
}

/// What is wanted of a new machine.
pub(crate) struct Order<'a> {
    pub(crate) request: &'a CreateRequest,
    pub(crate) options: &'a str,
    pub(crate) start_up: StartUp,
    pub(crate) url: &'a str,
    pub(crate) token: Option<&'a Secret>,
    /// How long a lease lasts, if ours are renewed.
    pub(crate) lease: Option<Duration>,
}

impl Provisioner {
    pub(crate) fn new(options: ProgramOptions) -> Self {
        let mut pools = options.pools.clone();
        for (_, pool) in &options.known {
            pools.entry(pool.clone()).or_default();
        }
        Self {
            creations: Semaphore::new(options.pace.creations.max(1)),
            calls: Semaphore::new(options.pace.calls.max(1)),
            rest_until: Mutex::default(),
            under_way: under_way(&options),
            pools: Mutex::new(pools),
            observer: None,
            options,
        }
    }

    /// With somebody who looks at every call.
    pub(crate) fn observed(options: ProgramOptions, observer: Arc<dyn Observer>) -> Self {
        Self {
            observer: Some(observer),
            ..Self::new(options)
        }
    }

    /// Makes one machine; one that has the name already is as good.
    pub(crate) async fn create(&self, order: &Order<'_>) -> Result<Machine, Fault> {
        self.may_call()?;
        let pool = order.request.pool.clone();
        self.lock().insert(pool, order.options.to_owned());
        self.heed(match self.contract().is_garm() {
            false => native::create(self, order).await,
            true => garm::create(self, order).await,
        })
    }

    /// The same for several of one kind in one call, which our own contract alone has: what
    /// became of each, in their order.
    pub(crate) async fn create_all(&self, orders: &[Order<'_>]) -> Vec<Result<Machine, Fault>> {
        if let [order] = orders {
            return vec![self.create(order).await];
        }
        if let Err(fault) = self.may_call() {
            return vec![Err(fault); orders.len()];
        }
        for order in orders {
            let pool = order.request.pool.clone();
            self.lock().insert(pool, order.options.to_owned());
        }
        let answers = native::batch::create(self, orders).await;
        answers
            .into_iter()
            .map(|answer| self.heed(answer))
            .collect()
    }

    /// All machines of our owner. Called by one at a time.
    pub(crate) async fn list(&self) -> Result<Vec<Machine>, Fault> {
        self.may_call()?;
        self.heed(match self.contract().is_garm() {
            false => native::list(self).await,
            true => garm::list(self).await,
        })
    }

    /// One machine; [`Verdict::NotFound`](crate::fault::Verdict::NotFound) when there is none.
    pub(crate) async fn status(&self, target: &Target) -> Result<Machine, Fault> {
        self.may_call()?;
        self.heed(match self.contract().is_garm() {
            false => native::status(self, target).await,
            true => garm::status(self, target).await,
        })
    }

    /// Tells a machine to go; that there is none is success.
    pub(crate) async fn destroy(&self, target: &Target, grace: Duration) -> Result<(), Fault> {
        self.may_call()?;
        self.heed(match self.contract().is_garm() {
            false => native::destroy(self, target, grace).await,
            true => garm::destroy(self, target).await,
        })
    }

    /// From now on the leases of all our machines end then. Called by one at a time.
    pub(crate) async fn renew(&self, until: &str, lease: Duration) -> Result<(), Fault> {
        match self.contract().is_garm() {
            false => native::renew(self, until, lease).await,
            true => Err(Fault::new(
                Verdict::Invalid,
                "GARM's contract has no leases",
            )),
        }
    }

    /// Machines of other owners that carry a lease. A list: called by one at a time.
    pub(crate) async fn list_others(&self) -> Result<Vec<LeasedInstance>, Fault> {
        self.may_call()?;
        self.heed(match self.contract().is_garm() {
            false => native::list_others(self).await,
            true => Ok(Vec::new()),
        })
    }

    /// What a status of our own contract says, with all marks.
    pub(crate) async fn said(&self, target: &Target) -> Result<MachineSaid, Fault> {
        self.may_call()?;
        self.heed(native::said(self, target).await)
    }

    /// Unless it wants to be left alone.
    fn may_call(&self) -> Result<(), Fault> {
        let until = *self.rest();
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            None => Ok(()),
            Some(left) => Err(Fault {
                retry_after: Some(left),
                ..Fault::new(Verdict::Throttled, "it asked to be left alone")
            }),
        }
    }

    /// Notes how long it wants to be left alone, if it does.
    fn heed<T>(&self, answer: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &answer
            && let Some(rest) = fault.rest()
        {
            let until = Instant::now().checked_add(rest);
            let mut known = self.rest();
            *known = (*known).max(until);
        }
        answer
    }

    fn rest(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rest_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn contract(&self) -> ProvisionerContract {
        self.options.provisioner.contract
    }

    /// Pools that may have machines here.
    pub(crate) fn pools(&self) -> Vec<PoolName> {
        self.lock().keys().cloned().collect()
    }

    /// What the pool's recipe said last; empty when nobody knows.
    pub(crate) fn options_of(&self, pool: &PoolName) -> String {
        self.lock().get(pool).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PoolName, String>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of an agent's machine.
    pub(crate) fn name(&self, agent: AgentId) -> String {
        marks::name(&self.options.owner, agent)
    }

    /// A call of this program, with the variables any call has.
    pub(crate) fn call(&self, deadline: Duration) -> Call {
        let address = &self.options.provisioner;
        Call {
            program: PathBuf::from(&address.program),
            arguments: Vec::new(),
            environment: environment(address, &self.options.host_env),
            input: Vec::new(),
            deadline,
            max_output: MAX_OUTPUT,
            sees_left: self.observer.is_some(),
        }
    }

    /// Runs a call once there is room for it.
    pub(crate) async fn run(&self, call: Call) -> Result<Said, Fault> {
        let _room = self.calls.acquire().await;
        self.run_at_once(call).await
    }

    /// Runs a call that makes these once there is room for it. It is noted while it runs, so
    /// that it is known of when this daemon is killed.
    pub(crate) async fn make(&self, call: Call, orders: &[Order<'_>]) -> Result<Said, Fault> {
        let _room = self.creations.acquire().await;
        let Some(under_way) = &self.under_way else {
            return self.run_at_once(call).await;
        };
        let agents = orders.iter().map(|order| order.request);
        let agents = agents.map(|request| (request.agent, request.pool.clone()));
        let mut noted = under_way.note(agents, call.deadline).map_err(|error| {
            let why = format!("it cannot be noted in the state directory: {error}");
            Fault::new(Verdict::Transient, why)
        })?;
        let said = self.watched(call, |maker| noted.made_by(maker)).await;
        drop(noted);
        said
    }

    /// What a daemon before this one left behind.
    pub(crate) fn left(&self) -> BTreeMap<AgentId, Left> {
        let known = &self.options.known;
        let left = |it: &UnderWay| it.left(known, UNCLEAR);
        self.under_way.as_ref().map(left).unwrap_or_default()
    }

    /// What was left behind is over.
    pub(crate) fn forget(&self, agent: AgentId) {
        if let Some(under_way) = &self.under_way {
            under_way.forget(agent);
        }
    }

    /// Runs a call that waits for nobody: a list, or a renewal.
    pub(crate) async fn run_at_once(&self, call: Call) -> Result<Said, Fault> {
        self.watched(call, |_| {}).await
    }

    async fn watched(&self, call: Call, told: impl FnOnce(Maker)) -> Result<Said, Fault> {
        let (verb, started) = (
            call.arguments.first().cloned().unwrap_or_default(),
            Instant::now(),
        );
        let ended = call.run_told(told).await;
        if let Some(observer) = &self.observer {
            observer.note(&verb, started.elapsed(), &ended);
        }
        Ok(ended?)
    }
}

fn under_way(options: &ProgramOptions) -> Option<UnderWay> {
    let folder = options.state_dir.as_deref()?;
    Some(UnderWay::new(folder, options.provisioner.backend_id()))
}

/// A machine that ended in a way only its program knows.
pub(crate) const fn ended(code: Option<i32>) -> InstanceState {
    InstanceState::Ended(match code {
        Some(code) => Exit::Code(code),
        None => Exit::Unknown,
    })
}
