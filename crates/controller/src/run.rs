//! The loop itself, with real channels, effects and time.

mod telling;
mod writing;

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{AgentId, AgentKind, Answer, Fleet, Refusal, SourceId, Timestamp};
use headcount_planner::{Action, Wake, WiredSource};
use headcount_ports::{
    AgentLink, Backend, Booking, Ledger, MachinePools, Recovered, Signals, Source, TriggersOf,
};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::backlog::Backlog;
use crate::bookings::bookings;
use crate::executor::at_signals::Reader;
use crate::executor::{Executor, bounded};
use crate::explanation::ExplanationView;
use crate::handle::Admission;
use crate::inbox::{Ask, Inbox, Mail};
use crate::launches::Launches;
use crate::troubles::Troubles;
use crate::{Clock, Core, Handle, Mint, Preview, RandomMint, View};

/// Mails taken in by one round at most, so that one round stays short.
const MAX_MAILS: usize = 1024;
/// Events kept for a reader that is slow.
const MAX_EVENTS: usize = 4096;
/// What retention no longer keeps is removed this often, while there is activity.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// A ledger of machine pools that does not answer holds a start up for no longer.
const ADOPT_WITHIN: Duration = Duration::from_secs(10);

/// Everything a controller is built from.
pub struct Wiring {
    /// The clock of this daemon.
    pub clock: Clock,
    /// What the configuration says.
    pub fleet: Fleet,
    /// What the ledger kept, as [`Ledger::load`] gave it.
    pub recovered: Recovered,
    /// Where decisions are kept.
    pub ledger: Arc<dyn Ledger>,
    /// When so many jobs wait for long it is said; `None` for never.
    pub backlog_warning: Option<NonZeroU64>,
    /// Where jobs come from.
    pub sources: Vec<Arc<dyn Source>>,
    /// Where agents live.
    pub backends: Vec<Arc<dyn Backend>>,
    /// How managed agents are spoken to.
    pub link: Arc<dyn AgentLink>,
    /// Where agents of machine pools are reserved; its caps are set by whoever holds the
    /// configuration.
    pub machine_pools: Arc<dyn MachinePools>,
    /// Who reads the triggers of pools.
    pub signals: Arc<dyn Signals>,
}

/// A controller that has not started yet: its inbox exists, so that sources, backends
/// and links can be built around it.
pub struct Controller {
    inbox: Inbox,
    mails: mpsc::Receiver<Mail>,
}

type Replies = Vec<(oneshot::Sender<Answer>, Answer)>;

impl Controller {
    /// An empty hall.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "making one starts something")]
    pub fn new() -> Self {
        let (inbox, mails) = Inbox::new();
        Self { inbox, mails }
    }

    /// Where edges post what they see.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Goes on from what the ledger kept. The first round asks every backend and source;
    /// the future is the loop. It has no end of its own: a daemon ends it by dropping it,
    /// and whoever waits for an answer then is told
    /// [`Refusal::Stopping`](headcount_model::Refusal::Stopping).
    pub fn start(self, wiring: Wiring) -> (Handle, impl Future<Output = ()> + Send + use<>) {
        let mint: Box<dyn Mint> = Box::new(RandomMint);
        let recovered = wiring.recovered;
        let owner = recovered.owner.clone();
        let sources: BTreeMap<SourceId, Arc<dyn Source>> = wiring
            .sources
            .into_iter()
            .map(|source| (source.id(), source))
            .collect();
        let backends = wiring.backends.into_iter();
        let now = wiring.clock.now();
        let adopted = bookings(&recovered.agents);
        let wired = sources.values().map(|source| wired(&**source)).collect();
        let core = Core::recover(recovered, wired, wiring.fleet.clone(), mint, now);
        let (reader, teller) = Reader::new(wiring.signals);
        let executor = Executor {
            owner,
            clock: wiring.clock,
            inbox: self.inbox.clone(),
            sources,
            backends: backends
                .map(|backend| (backend.id(), bounded(backend)))
                .collect(),
            link: wiring.link,
            machine_pools: wiring.machine_pools,
            reader,
        };
        let (events, _) = broadcast::channel(MAX_EVENTS);
        let launches = Arc::new(Launches::default());
        let handle = Handle {
            launches: Arc::clone(&launches),
            inbox: self.inbox,
            door: Arc::new(Admission::new(wiring.fleet)),
            events: events.clone(),
        };
        let hall = Hall {
            core,
            clock: wiring.clock,
            ledger: wiring.ledger,
            executor: Arc::new(executor),
            events,
            launches,
            fenced: Vec::new(),
            reaped: Vec::new(),
            backlog: Backlog::new(wiring.backlog_warning),
            troubles: Troubles::default(),
            failures_seen: 0,
            mails: self.mails,
            kept: Vec::new(),
            view: None,
            pruned_at: now,
            pruning: None,
            told: None,
        };
        (handle, hall.run(adopted, teller))
    }
}

/// The running loop.
struct Hall {
    core: Core,
    clock: Clock,
    ledger: Arc<dyn Ledger>,
    executor: Arc<Executor>,
    events: broadcast::Sender<Arc<crate::Event>>,
    launches: Arc<Launches>,
    /// Agents of which this round tells that what they may reach is settled.
    fenced: Vec<AgentId>,
    /// Orphans of which this round tells that they are gone.
    reaped: Vec<crate::Event>,
    /// Whether jobs pile up.
    backlog: Backlog,
    /// Who cannot be asked.
    troubles: Troubles,
    /// Failed launches that were noted.
    failures_seen: u64,
    mails: mpsc::Receiver<Mail>,
    /// News that arrived while nothing could be written; taken in first.
    kept: Vec<Mail>,
    /// The last view, until something changes.
    view: Option<Arc<View>>,
    pruned_at: Timestamp,
    pruning: Option<JoinHandle<()>>,
    /// The fleet whose triggers the reader was told of.
    told: Option<Arc<Fleet>>,
}

impl Hall {
    /// Runs until it is dropped.
    async fn run(
        mut self,
        adopted: Vec<Booking>,
        teller: impl Future<Output = ()> + Send + 'static,
    ) {
        tokio::spawn(teller);
        adopt(Arc::clone(&self.executor.machine_pools), adopted).await;
        let mut wake = self.round(Vec::new()).await;
        while let Some(mails) = self.next(wake).await {
            wake = self.round(mails).await;
        }
    }

    /// Waits for mail or for `wake`, whichever comes first; nothing else wakes the loop.
    async fn next(&mut self, wake: Option<Wake>) -> Option<Vec<Mail>> {
        if !self.kept.is_empty() {
            return Some(std::mem::take(&mut self.kept));
        }
        let first = match wake {
            None => Some(self.mails.recv().await?),
            Some(wake) => {
                let span = wake.at.since(self.clock.now());
                match timeout(span, self.mails.recv()).await {
                    Ok(mail) => Some(mail?),
                    Err(_) => {
                        tracing::debug!(reason = wake.reason.code(), "time to look again");
                        // What time alone changes shows in it too.
                        self.view = None;
                        None
                    }
                }
            }
        };
        let mut mails: Vec<Mail> = first.into_iter().collect();
        while mails.len() < MAX_MAILS {
            match self.mails.try_recv() {
                Ok(mail) => mails.push(mail),
                Err(_) => break,
            }
        }
        Some(mails)
    }

    async fn round(&mut self, mails: Vec<Mail>) -> Option<Wake> {
        let now = self.clock.now();
        let (replies, asks) = self.take_in(mails, now);
        let round = self.core.round(now);
        let asks = self.make_durable(&round, asks).await;
        for (reply, answer) in replies {
            // Who asked may have gone; the news stands all the same.
            let _ = reply.send(answer);
        }
        self.tell(&round, now);
        for agent in &round.changes.agents_gone {
            self.executor.forget(*agent);
        }
        self.tell_reader();
        for order in round.orders {
            log_order(&order.action);
            self.executor.start(order);
        }
        self.answer(asks, now);
        self.prune(now);
        [round.wake_at, self.backlog.wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The reader of triggers hears of a new configuration before it is asked under it.
    fn tell_reader(&mut self) {
        let fleet = self.core.world().fleet();
        if self
            .told
            .as_ref()
            .is_some_and(|told| Arc::ptr_eq(told, fleet))
        {
            return;
        }
        let rules = triggers(fleet);
        if self.told.as_deref().map(triggers).unwrap_or_default() != rules {
            self.executor.reader.configure(rules);
        }
        self.told = Some(Arc::clone(fleet));
    }

    fn take_in(&mut self, mails: Vec<Mail>, now: Timestamp) -> (Replies, Vec<Ask>) {
        let mut replies = Vec::new();
        let mut asks = Vec::new();
        for mail in mails {
            match mail {
                Mail::Ask(ask) => asks.push(ask),
                Mail::News(news, reply) => {
                    self.view = None;
                    self.listen(&news);
                    let answer = self.core.observe(*news, now);
                    if let Answer::Refused(refusal) = answer {
                        log_refusal(refusal);
                    }
                    replies.extend(reply.map(|reply| (reply, answer)));
                }
            }
        }
        (replies, asks)
    }

    fn answer(&mut self, asks: Vec<Ask>, now: Timestamp) {
        for ask in asks {
            self.answer_one(ask, None, now);
        }
    }

    fn answer_one(&mut self, ask: Ask, trouble: Option<String>, now: Timestamp) {
        let world = self.core.world();
        match ask {
            Ask::View(reply) => {
                let fresh = self
                    .view
                    .clone()
                    .filter(|view| view.ledger_trouble == trouble);
                let view = fresh.unwrap_or_else(|| Arc::new(View::of(world, trouble, now)));
                self.view = Some(Arc::clone(&view));
                drop(reply.send(view));
            }
            Ask::Explain(key, reply) => drop(reply.send(ExplanationView::of(world, &key, now))),
            Ask::Preview(fleet, reply) => drop(reply.send(Preview::of(world, *fleet, now))),
        }
    }

    fn prune(&mut self, now: Timestamp) {
        let busy = self.pruning.as_ref().is_some_and(|it| !it.is_finished());
        if busy || now.since(self.pruned_at) < PRUNE_EVERY {
            return;
        }
        self.pruned_at = now;
        let ledger = Arc::clone(&self.ledger);
        self.pruning = Some(tokio::spawn(async move {
            if let Err(error) = ledger.prune(now).await {
                tracing::warn!(%error, "old records could not be removed");
            }
        }));
    }
}

fn wired(source: &dyn Source) -> WiredSource {
    WiredSource {
        id: source.id(),
        keeps_hopeless: source.keeps_hopeless(),
    }
}

/// The triggers that matter: agents that take jobs from us are made for jobs alone.
fn triggers(fleet: &Fleet) -> TriggersOf {
    let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    let pools = pools.filter(|pool| pool.kind == AgentKind::Worker);
    pools
        .filter_map(|pool| Some((pool.name.clone(), pool.queue.clone()?)))
        .collect()
}

/// Before anything is reserved: what still exists is booked, whatever an earlier life
/// booked beside it is given back.
async fn adopt(machine_pools: Arc<dyn MachinePools>, adopted: Vec<Booking>) {
    match timeout(ADOPT_WITHIN, machine_pools.adopt(adopted)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "other daemons do not know yet what is reserved here in machine pools");
        }
        Err(_) => tracing::warn!("the ledger of machine pools takes long to answer; going on"),
    }
}

/// What makes or ends something is for people to read; the rest is for looking closely.
fn log_order(action: &Action) {
    let text = action.to_string();
    match action {
        Action::Create(_)
        | Action::Destroy { .. }
        | Action::Reap { .. }
        | Action::ReapOther { .. } => {
            tracing::info!(action = text, "order");
        }
        Action::EndWaiting { .. } => tracing::warn!(action = text, "order"),
        _ => tracing::debug!(action = text, "order"),
    }
}

fn log_refusal(refusal: Refusal) {
    match refusal {
        // Answers that arrive after an agent is gone are everyday.
        Refusal::UnknownAgent | Refusal::NotYours => {
            tracing::debug!(refusal = refusal.code(), "news refused");
        }
        _ => tracing::warn!(refusal = refusal.code(), "news refused"),
    }
}
