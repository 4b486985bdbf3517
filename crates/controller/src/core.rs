//! The loop's logic without IO: observe, plan, and what must be written before anything
//! is done.

use std::time::Duration;

use headcount_model::{AgentId, AgentKind, Answer, Changes, Fleet, PoolName, Secret, Timestamp};
use headcount_planner::{
    Action, News, Plan, Report, Restored, Wake, WiredSource, World, observe, plan,
};
use headcount_ports::{DecisionRow, Recovered};

use crate::schedules::Schedules;
use crate::{Mint, digest};

/// Lines of decisions kept back until a round has something to write anyway.
const MAX_PENDING_LINES: usize = 1000;

/// The world and what is waiting to be written of it.
pub struct Core {
    world: World,
    mint: Box<dyn Mint>,
    schedules: Schedules,
    pending: Vec<String>,
    pending_since: Timestamp,
}

/// What one round decided. The caller writes `changes` and `decision` first, in one
/// transaction, and only then answers and carries out `orders`.
#[derive(Debug)]
pub struct Round {
    /// What must be durable before anything else happens; may be empty.
    pub changes: Changes,
    /// For people to read later; written with the changes.
    pub decision: Option<DecisionRow>,
    /// What to carry out, in order.
    pub orders: Vec<Order>,
    /// When to plan again although nothing was told.
    pub wake_at: Option<Wake>,
    /// Pools whose triggers told of something new that this plan is the first to use, and
    /// how long ago it arrived.
    pub detected: Vec<(PoolName, Duration)>,
}

/// An action with the secret it needs, which no plan ever holds.
#[derive(Clone, Debug)]
pub struct Order {
    /// What to do.
    pub action: Action,
    /// The agent's one-time token, for a creation that needs one.
    pub token: Option<Secret>,
}

impl Core {
    /// The world as the ledger kept it, under this configuration.
    #[must_use]
    pub fn recover(
        recovered: Recovered,
        sources: Vec<WiredSource>,
        fleet: Fleet,
        mint: Box<dyn Mint>,
        now: Timestamp,
    ) -> Self {
        let mut world = World::new();
        let restored = Restored {
            owner: recovered.owner,
            epoch: recovered.epoch,
            sources,
            agents: recovered.agents,
            attempts: recovered.attempts,
            drained_pools: recovered.drained_pools,
        };
        observe(&mut world, News::Restored(Box::new(restored)), now);
        observe(&mut world, News::Configured(Box::new(fleet)), now);
        Self {
            world,
            mint,
            schedules: Schedules::default(),
            pending: Vec::new(),
            pending_since: now,
        }
    }

    /// What we believe.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Takes in one piece of news. The answer may be given once the next round is durable.
    pub fn observe(&mut self, news: News, now: Timestamp) -> Answer {
        observe(&mut self.world, news, now)
    }

    /// Works out the timetables that a plan of this moment needs. A round does it itself; this
    /// is for whoever wants to see the world that it plans by.
    pub fn look_ahead(&mut self, now: Timestamp) {
        self.schedules.renew(&mut self.world, now);
    }

    /// One plan, taken into effect.
    pub fn round(&mut self, now: Timestamp) -> Round {
        self.look_ahead(now);
        let Plan {
            actions,
            report,
            wake_at,
        } = plan(&self.world, now);
        // Reading triggers decides nothing, and would crowd out what does.
        let decisions = actions
            .iter()
            .filter(|action| !matches!(action, Action::Sample { .. }));
        let lines: Vec<String> = decisions.map(ToString::to_string).collect();
        let orders = actions.clone();
        let detected = self.detected(&report, now).collect();
        observe(
            &mut self.world,
            News::Planned(Box::new((actions, report))),
            now,
        );
        let orders = orders
            .into_iter()
            .map(|action| self.order(action, now))
            .collect();
        let changes = self.world.take_changes();
        let decision = self.decide(lines, changes.is_empty(), now);
        Round {
            changes,
            decision,
            orders,
            wake_at,
            detected,
        }
    }

    fn detected(
        &self,
        report: &Report,
        now: Timestamp,
    ) -> impl Iterator<Item = (PoolName, Duration)> {
        let used = report.pools.iter().filter(|pool| {
            let queue = pool.queue.as_ref();
            queue.is_some_and(|queue| queue.spends.is_some())
        });
        used.filter_map(move |used| {
            let pool = self.world.pool(used.pool)?;
            let signal = pool.signal.as_ref().filter(|signal| !signal.is_spent())?;
            Some((pool.name.clone(), now.since(signal.arrived()?)))
        })
    }

    fn order(&mut self, action: Action, now: Timestamp) -> Order {
        let token = match &action {
            Action::Create(order) if order.kind == AgentKind::Managed => {
                Some(self.mint_for(order.agent, now))
            }
            _ => None,
        };
        Order { action, token }
    }

    fn mint_for(&mut self, agent: AgentId, now: Timestamp) -> Secret {
        let token = self.mint.token();
        observe(&mut self.world, News::Minted(agent, digest(&token)), now);
        token
    }

    /// Decisions alone are no reason to write: they wait for the next change.
    fn decide(
        &mut self,
        lines: Vec<String>,
        nothing_else: bool,
        now: Timestamp,
    ) -> Option<DecisionRow> {
        if self.pending.is_empty() {
            self.pending_since = now;
        }
        let room = MAX_PENDING_LINES.saturating_sub(self.pending.len());
        self.pending.extend(lines.into_iter().take(room));
        if nothing_else || self.pending.is_empty() {
            return None;
        }
        Some(DecisionRow {
            at: self.pending_since,
            lines: std::mem::take(&mut self.pending),
        })
    }
}
