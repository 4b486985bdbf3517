//! One daemon's core with everything around it.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use headcount_controller::{Clock, Controller, Handle, Inbox, View, Wiring, digest};
use headcount_model::{
    AgentId, Answer, Digest, Exit, Fleet, Held, JobId, LinkEvent, Outcome, Secret,
};
use headcount_ports::{Ledger, LinkInbox};
use tokio::task::JoinHandle;

use super::{TestBackend, TestLedger, TestLink, TestPools, TestSignals, TestSource, class};

/// The `number`th agent of the first daemon of a test.
pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

pub struct House {
    pub handle: Handle,
    pub inbox: Inbox,
    pub clock: Clock,
    pub ledger: Arc<TestLedger>,
    pub source: Arc<TestSource>,
    pub backend: Arc<TestBackend>,
    pub link: Arc<TestLink>,
    pub pools: Arc<TestPools>,
    pub signals: Arc<TestSignals>,
    hall: JoinHandle<()>,
}

impl House {
    /// A daemon that just started; nothing has answered yet.
    pub async fn start(fleet: Fleet) -> Self {
        let (ledger, source) = (TestLedger::new(), TestSource::new());
        let parts = (
            Arc::new(ledger),
            Arc::new(source),
            Arc::new(TestBackend::new()),
        );
        Self::among(fleet, Controller::new(), parts).await
    }

    /// A daemon that knows what exists and what waits.
    pub async fn settled(fleet: Fleet) -> Self {
        let house = Self::start(fleet).await;
        house.quiet().await;
        house
    }

    pub async fn among(
        fleet: Fleet,
        controller: Controller,
        parts: (Arc<TestLedger>, Arc<TestSource>, Arc<TestBackend>),
    ) -> Self {
        Self::sharing(fleet, controller, parts, Arc::default(), Arc::default()).await
    }

    async fn sharing(
        fleet: Fleet,
        controller: Controller,
        (ledger, source, backend): (Arc<TestLedger>, Arc<TestSource>, Arc<TestBackend>),
        pools: Arc<TestPools>,
        signals: Arc<TestSignals>,
    ) -> Self {
        let link = Arc::new(TestLink::default());
        let clock = Clock::start();
        let inbox = controller.inbox();
        let (handle, hall) = controller.start(Wiring {
            backlog_warning: NonZeroU64::new(3),
            clock,
            fleet,
            recovered: ledger.load().await.unwrap(),
            ledger: ledger.clone(),
            sources: vec![source.clone()],
            backends: vec![backend.clone()],
            link: link.clone(),
            machine_pools: pools.clone(),
            signals: signals.clone(),
        });
        Self {
            handle,
            inbox,
            clock,
            ledger,
            source,
            backend,
            link,
            pools,
            signals,
            hall: tokio::spawn(hall),
        }
    }

    /// The daemon is gone from one moment to the next.
    pub async fn crash(&self) {
        self.hall.abort();
        self.quiet().await;
        assert!(self.hall.is_finished());
    }

    /// The next daemon on the same ledger, queue and host.
    pub async fn again(self, fleet: Fleet) -> Self {
        self.crash().await;
        let parts = (self.ledger, self.source, self.backend);
        Self::sharing(fleet, Controller::new(), parts, self.pools, self.signals).await
    }

    /// Returns once nothing more can happen without time passing: the paused clock
    /// reaches the next millisecond only then.
    pub async fn quiet(&self) {
        // Longer than an agent that is only to be ready waits for jobs to start.
        self.pass(Duration::from_millis(21)).await;
    }

    /// Lets this much time pass, with everything that becomes due in it.
    pub async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    pub async fn view(&self) -> Arc<View> {
        self.handle.view().await.unwrap()
    }

    pub async fn submit(&self, labels: &str, n: u64) {
        self.source.submit(&self.inbox, &class(labels), n).await;
        self.quiet().await;
    }

    pub async fn tell(&self, event: LinkEvent) -> Answer {
        LinkInbox::post(&self.inbox, event).await
    }

    /// The same without waiting for the answer.
    pub fn telling(&self, event: LinkEvent) -> JoinHandle<Answer> {
        let inbox = self.inbox.clone();
        tokio::spawn(async move { LinkInbox::post(&inbox, event).await })
    }

    pub fn registered(&self, agent: AgentId) -> LinkEvent {
        LinkEvent::Registered {
            agent,
            token: digest(&self.backend.token(agent)),
            session: session(agent),
        }
    }

    /// An agent that was made shows its token.
    pub async fn register(&self, agent: AgentId) {
        let event = self.registered(agent);
        assert_eq!(self.tell(event).await, Answer::Applied);
        self.quiet().await;
    }

    pub async fn resume(&self, agent: AgentId, held: &[u64]) -> Answer {
        let held = held.iter().map(|job| Held {
            job: JobId(*job),
            attempt: 1,
            granted: true,
        });
        let event = LinkEvent::Resumed {
            agent,
            session: session(agent),
            held: held.collect(),
        };
        self.tell(event).await
    }

    pub async fn claim(&self, agent: AgentId, job: u64) -> Answer {
        let event = LinkEvent::Claimed {
            agent,
            job: JobId(job),
            attempt: 1,
        };
        self.tell(event).await
    }

    pub async fn succeed(&self, agent: AgentId, job: u64) -> Answer {
        let event = LinkEvent::Finished {
            agent,
            job: JobId(job),
            attempt: 1,
            outcome: Outcome::Exited(Exit::Code(0)),
        };
        let answer = self.tell(event).await;
        self.quiet().await;
        answer
    }

    /// One job of these labels, submitted and running on the first agent.
    pub async fn run_first(&self, labels: &str) {
        self.submit(labels, 1).await;
        self.register(agent(1)).await;
        assert_eq!(self.claim(agent(1), 1).await, Answer::Applied);
    }
}

fn session(agent: AgentId) -> Digest {
    digest(&Secret::new(format!("session of {agent}")))
}
