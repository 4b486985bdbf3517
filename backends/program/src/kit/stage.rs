//! Where cases are played: two owners of one program, and machines that do nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headcount_model::{
    AgentId, AgentKind, CreateBatch, Granted, LogPressure, OwnerId, PoolName, ProgramRecipe,
    ProvisionerAddress, ProvisionerContract, Recipe,
};
use headcount_ports::CreateRequest;
use headcount_ports::agent_env::CallBack;
use jiff::Timestamp;
use tokio::time::sleep;

use super::KitOptions;
use super::witness::Witness;
use crate::fault::{Fault, Verdict};
use crate::native::{self, MachineSaid};
use crate::options::{Pace, ProgramOptions};
use crate::provisioner::{Machine, Order, Provisioner, Target};
use crate::start_up::StartUp;

/// Between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// What a machine of the kit does for an hour, unless it is ended.
const IDLE: [&str; 2] = ["sleep", "3600"];

/// The same as a command.
pub(super) fn idle() -> Vec<String> {
    IDLE.map(str::to_owned).to_vec()
}

/// How long leases of the kit last.
pub(super) const LEASE: Duration = Duration::from_secs(600);

/// The stage.
pub(super) struct Stage {
    pub(super) options: KitOptions,
    pub(super) one: Provisioner,
    pub(super) two: Provisioner,
    pub(super) witness: Arc<Witness>,
    epoch: u64,
    next: AtomicU32,
    /// Whom the first owner has asked for and not seen the end of.
    made: Mutex<BTreeSet<AgentId>>,
}

impl Stage {
    pub(super) fn new(options: KitOptions) -> Self {
        let mark = random();
        let witness = Arc::new(Witness::new(format!("secret{:016x}", random())));
        let owner = |end: &str| OwnerId::new(&format!("kit{:08x}{end}", mark & 0xffff_ffff));
        let play = |end: &str| {
            let options = program_options(&options, owner(end));
            Provisioner::observed(options, witness.clone())
        };
        Self {
            one: play("a"),
            two: play("b"),
            witness,
            epoch: u64::try_from(Timestamp::now().as_second()).unwrap_or_default(),
            next: AtomicU32::new(1),
            made: Mutex::default(),
            options,
        }
    }

    /// An agent that never was.
    pub(super) fn agent(&self) -> AgentId {
        AgentId {
            epoch: self.epoch,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Whom the first owner has asked for and not seen the end of.
    pub(super) fn made(&self) -> MutexGuard<'_, BTreeSet<AgentId>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes its machine, in this pool.
    pub(super) async fn create(
        &self,
        owner: &Provisioner,
        agent: AgentId,
        pool: &str,
    ) -> Result<Machine, Fault> {
        let request = self.request(owner, agent, pool);
        self.made().insert(agent);
        native::create(owner, &self.order(&request)).await
    }

    /// The same with a lease.
    pub(super) async fn create_leased(
        &self,
        owner: &Provisioner,
        agent: AgentId,
    ) -> Result<Machine, Fault> {
        let request = self.request(owner, agent, "kit/a");
        self.made().insert(agent);
        let order = Order {
            lease: Some(LEASE),
            ..self.order(&request)
        };
        native::create(owner, &order).await
    }

    /// What a `create` says, for whoever runs it themselves.
    pub(super) fn creation(&self, owner: &Provisioner, agent: AgentId) -> Result<Vec<u8>, Fault> {
        let request = self.request(owner, agent, "kit/a");
        self.made().insert(agent);
        let order = self.order(&request);
        let options = native::options(&order)?;
        Ok(native::creation(owner, &order, &options).document())
    }

    /// Agents that never were, as many as one call is to be asked for.
    pub(super) fn agents(&self) -> Vec<AgentId> {
        let batch = self.options.batch.unwrap_or_default();
        (0..batch).map(|_| self.agent()).collect()
    }

    /// Makes their machines in one call. `become_of` says what the machine of the n-th does,
    /// from 0 on.
    pub(super) async fn create_all(
        &self,
        agents: &[AgentId],
        become_of: impl Fn(usize) -> Vec<String>,
    ) -> Vec<Result<Machine, Fault>> {
        let requests = self.requests(agents);
        let mut orders = self.orders(&requests);
        for (n, order) in orders.iter_mut().enumerate() {
            order.start_up.command = become_of(n);
        }
        native::batch::create(&self.one, &orders).await
    }

    /// What a `create` of several says, for whoever runs it themselves.
    pub(super) fn creation_of_all(&self, agents: &[AgentId]) -> Result<Vec<u8>, Fault> {
        let requests = self.requests(agents);
        let orders = self.orders(&requests);
        let none = || Fault::new(Verdict::Invalid, "a batch of none");
        let options = native::options(orders.first().ok_or_else(none)?)?;
        let asked = native::batch::creation(&self.one, &orders, &options);
        Ok(asked.ok_or_else(none)?.document())
    }

    fn requests(&self, agents: &[AgentId]) -> Vec<CreateRequest> {
        self.made().extend(agents);
        let each = agents.iter();
        each.map(|agent| self.request(&self.one, *agent, "kit/a"))
            .collect()
    }

    fn orders<'a>(&'a self, requests: &'a [CreateRequest]) -> Vec<Order<'a>> {
        requests.iter().map(|request| self.order(request)).collect()
    }

    /// All of this owner, as they are told; whoever else is in the list as well.
    pub(super) async fn list(
        &self,
        owner: &Provisioner,
        pool: Option<&str>,
    ) -> Result<Vec<MachineSaid>, Fault> {
        native::list_all(owner, pool).await
    }

    /// Waits until a list shows as many machines of this agent; the last number it saw if
    /// it never does.
    pub(super) async fn await_shown(
        &self,
        owner: &Provisioner,
        agent: AgentId,
        wanted: usize,
    ) -> Result<Result<Duration, usize>, Fault> {
        let started = Instant::now();
        loop {
            let shown = self.list(owner, None).await?;
            let name = owner.name(agent);
            let n = shown.iter().filter(|machine| machine.name == name).count();
            if n == wanted {
                return Ok(Ok(started.elapsed()));
            }
            // More than one never becomes one by waiting.
            if started.elapsed() >= self.options.patience || n > wanted.max(1) {
                return Ok(Err(n));
            }
            sleep(PAUSE).await;
        }
    }

    /// Tells it to go and waits until it is gone.
    pub(super) async fn end(&self, owner: &Provisioner, target: &Target) -> Result<(), Fault> {
        native::destroy(owner, target, Duration::from_secs(1)).await?;
        let started = Instant::now();
        loop {
            match native::status(owner, target).await {
                Err(fault) if fault.verdict == Verdict::NotFound => {
                    self.made().remove(&target.agent);
                    return Ok(());
                }
                Err(fault) => return Err(fault),
                Ok(_) if started.elapsed() >= self.options.patience => {
                    let seconds = self.options.patience.as_secs();
                    let late = format!("{seconds} s after `destroy`, `status` still shows it");
                    return Err(Fault::unknown(late));
                }
                Ok(_) => sleep(PAUSE).await,
            }
        }
    }

    fn request(&self, owner: &Provisioner, agent: AgentId, pool: &str) -> CreateRequest {
        CreateRequest {
            agent,
            owner: owner.options.owner.clone(),
            pool: PoolName::new(pool),
            scaler: "kit".into(),
            kind: AgentKind::Managed,
            labels: "kit".to_owned(),
            granted: Granted::default(),
            slots: 1,
            log_pressure: LogPressure::Pause,
            deadline: self.options.deadline,
            recipe: Arc::new(Recipe::Program(ProgramRecipe {
                provisioner: owner.options.provisioner.clone(),
                options: self.options.options.clone(),
                env: BTreeMap::new(),
                agent_binary: None,
                agent_url: None,
                batch: CreateBatch::default(),
                lease_time: None,
            })),
            token: None,
        }
    }

    fn order<'a>(&'a self, request: &'a CreateRequest) -> Order<'a> {
        let secret = self.witness.secret.clone();
        Order {
            request,
            options: &self.options.options,
            start_up: StartUp {
                environment: vec![("HEADCOUNT_KIT".to_owned(), secret)],
                token: None,
                command: idle(),
            },
            url: "unix:/nowhere",
            token: None,
            lease: None,
        }
    }
}

/// A target that is known by its name alone.
pub(super) fn by_name(agent: AgentId) -> Target {
    Target {
        agent,
        pool: None,
        id: None,
        owner: None,
    }
}

fn program_options(options: &KitOptions, owner: OwnerId) -> ProgramOptions {
    let deadline = options.deadline;
    ProgramOptions {
        provisioner: ProvisionerAddress {
            program: options.program.display().to_string(),
            contract: ProvisionerContract::Native,
            environment: options.environment.clone(),
            config: options.config.clone(),
        },
        owner,
        state_dir: None,
        host_env: options.host_env.clone(),
        call_back: CallBack::default(),
        own_url: None,
        forwarded: BTreeMap::new(),
        known: Vec::new(),
        pools: BTreeMap::new(),
        pace: Pace {
            list: deadline,
            status: deadline,
            renew: deadline,
            destroy: deadline,
            ..Pace::default()
        },
    }
}

/// Another one for each run. Without the system's randomness time must do.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => {
            u64::try_from(Timestamp::now().as_nanosecond() & i128::from(u64::MAX)).unwrap_or(1)
        }
    }
}
