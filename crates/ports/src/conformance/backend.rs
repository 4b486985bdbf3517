//! What every [`Backend`] must pass.
//!
//! Promise: a backend that passes can be driven by the controller: it makes one instance
//! an agent, shows all it made, ends what it is told to, tells of deaths, and leaves other
//! owners alone. Leaves to others: crashes of the daemon process itself, speed, and what
//! only one kind of backend has (limits, networks), which its own crate tests.
#![allow(clippy::expect_used, reason = "a conformance suite is a test")]

mod events;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{AgentId, BackendEvent, Exit, Instance, InstanceState, OwnerId};

use crate::{Backend, BackendInbox, CreateRequest, DestroyRequest};
pub use events::Events;

/// Nothing a suite waits for takes longer, or it is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The code with which a short-lived instance ends.
pub const SHORT_EXIT: i32 = 3;
/// Between asking and forcing, in the suite.
const GRACE: Duration = Duration::from_secs(2);

/// How long an instance lives by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// Until it is ended.
    Long,
    /// It ends by itself at once, with [`SHORT_EXIT`].
    Short,
}

/// One place for instances (a host, an engine, a cloud account), empty at first.
#[async_trait]
pub trait Rig: Send + Sync {
    /// A backend over this place for one owner. Called again for the same owner it stands
    /// for the restarted daemon; the earlier backend has been dropped by then.
    async fn backend(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<dyn Backend>;

    /// What to ask for.
    fn request(&self, owner: &OwnerId, agent: AgentId, life: Life) -> CreateRequest;

    /// How many instances of this agent run, looked at from outside the backend.
    async fn running(&self, agent: AgentId) -> usize;
}

/// Runs every check, each in a place of its own.
///
/// # Panics
/// With a sentence, when a promise is broken.
pub async fn check_all<R: Rig>(new_rig: impl Fn() -> R) {
    create_is_idempotent(&new_rig()).await;
    concurrent_creates_make_one_instance(&new_rig()).await;
    list_is_complete_and_in_order(&new_rig()).await;
    destroy_is_confirmed_and_idempotent(&new_rig()).await;
    destroy_beside_create_leaves_nothing(&new_rig()).await;
    abandoned_create_can_be_destroyed(&new_rig()).await;
    death_is_reported_once(&new_rig()).await;
    restarted_backend_finds_its_own(&new_rig()).await;
    other_owners_are_left_alone(&new_rig()).await;
    unknown_agents_have_no_output(&new_rig()).await;
}

async fn create_is_idempotent(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    let agent = agent(1);
    home.create(agent, Life::Long).await;
    home.create(agent, Life::Long).await;
    assert_eq!(
        rig.running(agent).await,
        1,
        "a second create must not make another instance"
    );
    home.events.wait_for(BackendEvent::Running(agent)).await;
    home.destroy(agent).await;
    assert_eq!(rig.running(agent).await, 0, "destroy must end the instance");
}

async fn concurrent_creates_make_one_instance(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    let agent = agent(1);
    tokio::join!(
        home.create(agent, Life::Long),
        home.create(agent, Life::Long),
        home.create(agent, Life::Long),
    );
    assert_eq!(
        rig.running(agent).await,
        1,
        "creates of one agent at once must make one instance"
    );
    home.destroy(agent).await;
}

async fn list_is_complete_and_in_order(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    assert_eq!(home.list().await, [], "an empty place lists nothing");
    for number in [2, 10, 1] {
        home.create(agent(number), Life::Long).await;
    }
    let expected: Vec<Instance> = [1, 2, 10]
        .into_iter()
        .map(|number| home.instance(agent(number), InstanceState::Running))
        .collect();
    assert_eq!(
        home.list().await,
        expected,
        "list must show all, with pool and state, in order of agent"
    );
    assert_eq!(home.list().await, expected, "listing must change nothing");
    for number in [1, 2, 10] {
        home.destroy(agent(number)).await;
    }
}

async fn destroy_is_confirmed_and_idempotent(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    let agent = agent(1);
    home.destroy(agent).await;
    home.create(agent, Life::Long).await;
    tokio::join!(home.destroy(agent), home.destroy(agent));
    assert_eq!(
        rig.running(agent).await,
        0,
        "destroy must return only once the instance is absent"
    );
    assert_eq!(home.list().await, [], "a destroyed instance leaves nothing");
    home.destroy(agent).await;
}

async fn destroy_beside_create_leaves_nothing(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    let agent = agent(1);
    let request = rig.request(&home.owner, agent, Life::Long);
    let (_, ()) = tokio::join!(home.backend.create(request), home.destroy(agent));
    home.destroy(agent).await;
    assert_eq!(
        rig.running(agent).await,
        0,
        "a destroy after both have answered must leave nothing"
    );
    assert_eq!(home.list().await, [], "and nothing may be listed");
}

async fn abandoned_create_can_be_destroyed(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    let agent = agent(1);
    let request = rig.request(&home.owner, agent, Life::Long);
    let abandoned = tokio::time::timeout(Duration::ZERO, home.backend.create(request)).await;
    drop(abandoned);
    home.destroy(agent).await;
    assert_eq!(
        rig.running(agent).await,
        0,
        "what a dropped create still does must not outlive a destroy"
    );
    assert_eq!(home.list().await, [], "and nothing may be listed");
}

async fn death_is_reported_once(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    if !home.backend.promises().reports_death {
        return;
    }
    let agent = agent(1);
    home.create(agent, Life::Short).await;
    let gone = BackendEvent::Gone(agent, Exit::Code(SHORT_EXIT));
    home.events.wait_for(gone.clone()).await;
    assert_eq!(
        home.events.all(),
        [BackendEvent::Running(agent), gone],
        "first that it runs, then that it is gone, each once"
    );
    assert_eq!(home.list().await, [], "gone means that nothing is left");
    home.destroy(agent).await;
}

async fn restarted_backend_finds_its_own(rig: &impl Rig) {
    let before = Home::open(rig, "one").await;
    let (kept, dying) = (agent(1), agent(2));
    before.create(kept, Life::Long).await;
    before.create(dying, Life::Long).await;
    drop(before);

    let home = Home::open(rig, "one").await;
    let expected = [kept, dying].map(|agent| home.instance(agent, InstanceState::Running));
    assert_eq!(home.list().await, expected, "a restart must find its own");
    home.create(kept, Life::Long).await;
    assert_eq!(
        rig.running(kept).await,
        1,
        "a create repeated after a restart must not make another"
    );
    home.destroy(dying).await;
    assert_eq!(rig.running(dying).await, 0, "an adopted instance must end");
    home.destroy(kept).await;
    assert_eq!(home.list().await, [], "and leave nothing");
}

async fn other_owners_are_left_alone(rig: &impl Rig) {
    let ours = Home::open(rig, "one").await;
    let theirs = Home::open(rig, "two").await;
    let (mine, foreign) = (agent(1), agent(2));
    ours.create(mine, Life::Long).await;
    theirs.create(foreign, Life::Long).await;
    let expected = [ours.instance(mine, InstanceState::Running)];
    assert_eq!(ours.list().await, expected, "list shows our own only");
    ours.destroy(foreign).await;
    assert_eq!(
        rig.running(foreign).await,
        1,
        "another owner's instance must not be touched"
    );
    ours.destroy(mine).await;
    theirs.destroy(foreign).await;
    assert_eq!(rig.running(foreign).await, 0, "its owner can end it");
}

async fn unknown_agents_have_no_output(rig: &impl Rig) {
    let home = Home::open(rig, "one").await;
    let lines = within(home.backend.last_output(agent(7), 10)).await;
    assert_eq!(lines, Vec::<String>::new(), "nobody, no output");
}

/// One owner's backend, with what it tells.
struct Home<'a, R> {
    rig: &'a R,
    owner: OwnerId,
    backend: Arc<dyn Backend>,
    events: Arc<Events>,
}

impl<'a, R: Rig> Home<'a, R> {
    async fn open(rig: &'a R, owner: &str) -> Self {
        let owner = OwnerId::new(owner);
        let events = Arc::new(Events::default());
        let backend = rig.backend(&owner, events.clone()).await;
        Self {
            rig,
            owner,
            backend,
            events,
        }
    }

    async fn create(&self, agent: AgentId, life: Life) {
        let request = self.rig.request(&self.owner, agent, life);
        let created = within(self.backend.create(request)).await;
        assert_eq!(created, Ok(()), "create of {agent}");
    }

    async fn destroy(&self, agent: AgentId) {
        let request = DestroyRequest {
            agent,
            grace: GRACE,
        };
        let destroyed = within(self.backend.destroy(request)).await;
        assert_eq!(destroyed, Ok(()), "destroy of {agent}");
    }

    async fn list(&self) -> Vec<Instance> {
        let listing = within(self.backend.list()).await;
        listing.expect("list answers").instances
    }

    fn instance(&self, agent: AgentId, state: InstanceState) -> Instance {
        let pool = self.rig.request(&self.owner, agent, Life::Long).pool;
        Instance { agent, pool, state }
    }
}

fn agent(number: u32) -> AgentId {
    AgentId { epoch: 7, number }
}

async fn within<T>(effect: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(PATIENCE, effect).await;
    answer.expect("a backend answers within the suite's patience")
}
