//! How soon after a write to a stream an agent's creation is begun: through everything a
//! daemon has between the two, with a backend that only notes the moment.
//!
//! Real are Redis, the reader of triggers, the controller, the planner and the ledger with
//! its durable round before every creation. One entry at a time: its worker takes it,
//! acknowledges it and ends before the next one is written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use headcount_controller::{Clock, Controller, Handle, Inbox, Wiring};
use headcount_model::{AgentId, BackendEvent, BackendId, Exit, JobId, Listing, QueueRule};
use headcount_ports::{
    AgentLink, AssignRequest, Backend, BackendError, BackendInbox, BackendPromises, CreateRequest,
    DestroyRequest, Ledger, LinkError, NoMachinePools,
};
use headcount_source_redis::{RedisSignals, SPACING};
use headcount_store::{Options, SqliteStore, StateDir};
use headcount_test_redis::{Client, Server, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fleet;
use crate::machine;
use crate::stats::{Sample, ms};
use crate::table::Line;

/// Writes that are waited for, one after the other, and those before them.
const WRITES: usize = 1_000;
const WARM_UP: usize = 20;
const P50: Duration = Duration::from_millis(2);
const P99: Duration = Duration::from_millis(10);
/// Where nobody tells of writes: so many, spread evenly over one interval.
const POLLED: u32 = 12;
/// The shortest that a pool may be given.
const POLLING: Duration = Duration::from_secs(1);
/// For one creation to be begun.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who may read and is told of nothing.
const UNTOLD: &str = "user untold on >secret ~* +@read";

pub(super) async fn told() -> Result<Vec<Line>> {
    let server = server();
    let plain = plain(&mut server.client());
    let house = House::start(super::rule(&server, "g"))?;
    let mut writer = Writer::new(&server, house);
    let mut times = Vec::with_capacity(WRITES);
    for n in 0..WRITES + WARM_UP {
        // Longer than what bounds a stream that is written without pause.
        tokio::time::sleep(SPACING * 2).await;
        let took = writer.write().await?;
        if n >= WARM_UP {
            times.push(took);
        }
    }
    let times = Sample::new(times);
    let what = format!("XADD → create call, told of the write, p50 of {WRITES}");
    let least = Least {
        round_trip: plain.median(),
        flush: machine::flushes()?.median(),
    };
    Ok(vec![
        least.line(what, times.median(), P50),
        least.line("the same, p99".into(), times.percentile(99), P99),
    ])
}

/// What no daemon that keeps its promises is quicker than: the entry is written, its stream
/// is read, and the decision is durable before it is carried out. Each at the median.
struct Least {
    round_trip: Duration,
    flush: Duration,
}

impl Least {
    fn line(&self, what: String, measured: Duration, budget: Duration) -> Line {
        let least = self.round_trip * 2 + self.flush;
        let ratio = measured.as_secs_f64() / least.as_secs_f64().max(1e-9);
        Line {
            what,
            budget: format!("≤ {} ms", budget.as_millis()),
            measured: format!(
                "{} ({ratio:.1} times two round trips to Redis of {} and one page made durable in {})",
                ms(measured),
                ms(self.round_trip),
                ms(self.flush),
            ),
            holds: (measured <= budget).into(),
        }
    }
}

pub(super) async fn polled() -> Result<Line> {
    let server = server();
    let rule = QueueRule {
        polling: POLLING,
        ..(*super::rule_of(&server, "g", Some(("untold", "secret")))).clone()
    };
    let house = House::start(Arc::new(rule))?;
    let mut writer = Writer::new(&server, house);
    let mut times = Vec::new();
    for n in 0..POLLED {
        tokio::time::sleep(POLLING * n / POLLED).await;
        times.push(writer.write().await?);
    }
    let times = Sample::new(times);
    let worst = times.percentile(100);
    Ok(Line {
        what: format!(
            "XADD → create call, found by polling every {} s, the longest of {POLLED}",
            POLLING.as_secs()
        ),
        budget: "≤ the interval + 10 ms".into(),
        measured: format!("{} (p50 {})", ms(worst), ms(times.median())),
        holds: (worst <= POLLING + P99).into(),
    })
}

fn server() -> Server {
    // Redis' own default; how long its disk takes for each write is not measured here.
    Server::with(&["appendfsync everysec", UNTOLD])
}

/// Writes that nobody waits for: what a round trip alone takes.
fn plain(client: &mut Client) -> Sample {
    let times = (0..WRITES).map(|_| {
        let begun = Instant::now();
        client.say(&["XADD", "other", "*", "job", "x"]);
        begun.elapsed()
    });
    Sample::new(times.collect())
}

/// Everything a daemon has between a stream and its backend.
struct House {
    handle: Handle,
    inbox: Arc<Inbox>,
    made: mpsc::UnboundedReceiver<(AgentId, Instant)>,
    /// Its threads: none of them is the writer's. The last to go, without being waited for.
    runtime: Option<Runtime>,
    _home: TempDir,
}

impl House {
    fn start(rule: Arc<QueueRule>) -> Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("headcount-bench-")
            .tempdir()?;
        let store = SqliteStore::open(&StateDir::open(home.path())?, Options::default())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let (notes, made) = mpsc::unbounded_channel();
        let controller = Controller::new();
        let inbox = Arc::new(controller.inbox());
        let _inside = runtime.enter();
        let clock = Clock::start();
        let signals = RedisSignals::new(inbox.clone()).with_clock(Arc::new(move || clock.now()));
        let loaded = store.clone();
        let recovered = std::thread::scope(|scope| {
            let loading = scope.spawn(|| runtime.block_on(loaded.load()));
            loading.join()
        });
        let recovered = recovered.map_err(|_| anyhow!("the ledger cannot be read"))??;
        let (handle, hall) = controller.start(Wiring {
            clock,
            fleet: fleet::fed_by(rule),
            recovered,
            ledger: Arc::new(store),
            backlog_warning: None,
            sources: Vec::new(),
            backends: vec![Arc::new(Notes(notes))],
            link: Arc::new(Nobody),
            machine_pools: Arc::new(NoMachinePools),
            signals: Arc::new(signals),
        });
        runtime.spawn(hall);
        Ok(Self {
            handle,
            inbox,
            made,
            runtime: Some(runtime),
            _home: home,
        })
    }

    /// Waits until nobody lives and what the triggers said was used.
    async fn rest(&self) -> Result<()> {
        let resting = async {
            loop {
                let view = self.handle.view().await?;
                let signals = view.pools.iter().filter_map(|pool| pool.signal.as_ref());
                let mut signals = signals.filter(|signal| signal.spent);
                if view.agents.is_empty() && signals.next().is_some() {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, resting).await?
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Who writes, and does what workers would.
struct Writer {
    client: Client,
    house: House,
}

impl Writer {
    fn new(server: &Server, house: House) -> Self {
        let mut client = server.client();
        client.say(&["XGROUP", "CREATE", "jobs", "g", "0", "MKSTREAM"]);
        Self { client, house }
    }

    /// From just before one entry is written to the creation that it brings about.
    async fn write(&mut self) -> Result<Duration> {
        self.house.rest().await?;
        let begun = Instant::now();
        let entry = self.client.say(&["XADD", "jobs", "*", "job", "x"]);
        let made = timeout(PATIENCE, self.house.made.recv()).await?;
        let (agent, at) = made.ok_or_else(|| anyhow!("nobody makes agents any more"))?;
        self.serve(agent, &entry).await?;
        Ok(at.duration_since(begun))
    }

    async fn serve(&mut self, agent: AgentId, entry: &Value) -> Result<()> {
        let id = match entry {
            Value::BulkString(id) => String::from_utf8(id.clone())?,
            other => return Err(anyhow!("not an id: {other:?}")),
        };
        let read = ["XREADGROUP", "GROUP", "g", "c", "COUNT", "1"];
        self.client
            .say(&[&read[..], &["STREAMS", "jobs", ">"]].concat());
        let acknowledged = self.client.say(&["XACK", "jobs", "g", &id]);
        ensure!(acknowledged == Value::Int(1), "it was somebody else's");
        let backend = fleet::backend();
        for event in [
            BackendEvent::Running(agent),
            BackendEvent::Gone(agent, Exit::Code(0)),
        ] {
            BackendInbox::post(&*self.house.inbox, &backend, event).await;
        }
        Ok(())
    }
}

/// Makes nothing, and tells when it was to.
struct Notes(mpsc::UnboundedSender<(AgentId, Instant)>);

#[async_trait]
impl Backend for Notes {
    fn id(&self) -> BackendId {
        fleet::backend()
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: true,
            enforces_limits: false,
        }
    }

    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        // Once nobody waits for it, nobody wants to know.
        let _ = self.0.send((request.agent, Instant::now()));
        Ok(())
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        Ok(Listing {
            instances: Vec::new(),
        })
    }

    async fn destroy(&self, _: DestroyRequest) -> Result<(), BackendError> {
        Ok(())
    }

    async fn last_output(&self, _: AgentId, _: usize) -> Vec<String> {
        Vec::new()
    }
}

/// Workers are never spoken to.
struct Nobody;

#[async_trait]
impl AgentLink for Nobody {
    async fn assign(&self, _: AssignRequest) -> Result<(), LinkError> {
        Err(LinkError::NotConnected)
    }

    async fn cancel(&self, _: AgentId, _: JobId, _: u32) -> Result<(), LinkError> {
        Err(LinkError::NotConnected)
    }

    async fn drain(&self, _: AgentId) -> Result<(), LinkError> {
        Err(LinkError::NotConnected)
    }

    async fn forget(&self, _: AgentId) {}
}
