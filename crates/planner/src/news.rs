//! News: everything that can be told to [`crate::observe`].

use alloc::boxed::Box;
use alloc::vec::Vec;

use headcount_model::{
    AgentId, AgentRecord, AttemptRecord, BackendEvent, BackendId, ClassKey, Demand, Digest, Fleet,
    JobId, LeasedInstance, LinkEvent, Listing, OtherEnd, OwnerId, PoolName, Sample, Shutdown,
    SourceEvent, SourceId, Taken, Timetable, Trouble, Unreserved,
};

use crate::{Action, Report};

/// One thing that is told. A closed list.
#[derive(Clone, Debug)]
pub enum News {
    /// What the ledger kept; the first news of a run.
    Restored(Box<Restored>),
    /// The configuration that holds from now on.
    Configured(Box<Fleet>),
    /// An agent said something.
    Link(LinkEvent),
    /// A backend said something unasked.
    Backend(BackendId, BackendEvent),
    /// A source said something unasked.
    Source(SourceId, SourceEvent),
    /// The triggers of a pool were read, unasked.
    Sampled(PoolName, Sample),
    /// Which schedule of a pool is in force when, for a while ahead.
    Timetable(PoolName, Timetable),
    /// An action was answered.
    Answered(Answered),
    /// A person wants something.
    Operator(Operator),
    /// A plan takes effect: its actions, and what it said stood in the way.
    Planned(Box<(Vec<Action>, Report)>),
    /// A one-time token was minted for an agent about to be created.
    Minted(AgentId, Digest),
}

/// A source of this daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WiredSource {
    /// Which.
    pub id: SourceId,
    /// Whether jobs that no pool could ever serve stay where they are, instead of being
    /// failed: they belong to somebody else, who may have other consumers for them.
    pub keeps_hopeless: bool,
}

impl From<SourceId> for WiredSource {
    fn from(id: SourceId) -> Self {
        Self {
            id,
            keeps_hopeless: false,
        }
    }
}

/// What the ledger kept.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Whose instances are ours.
    pub owner: OwnerId,
    /// New at this start.
    pub epoch: u64,
    /// Every source that is wired.
    pub sources: Vec<WiredSource>,
    /// Agents that are not gone.
    pub agents: Vec<AgentRecord>,
    /// Attempts that are not settled.
    pub attempts: Vec<AttemptRecord>,
    /// Pools that an operator drains.
    pub drained_pools: Vec<PoolName>,
}

/// How an action went.
#[derive(Clone, Debug)]
pub enum Answered {
    /// A creation.
    Create(AgentId, Result<(), Trouble>),
    /// A destruction: success is confirmed absence.
    Destroy(AgentId, Result<(), Trouble>),
    /// The removal of an instance the ledger does not know.
    Reap(BackendId, AgentId, Result<(), Trouble>),
    /// A list.
    List(BackendId, Result<Listing, Trouble>),
    /// A list of instances of other owners.
    ListOthers(BackendId, Result<Vec<LeasedInstance>, Trouble>),
    /// The removal of an instance of another owner.
    ReapOther(BackendId, OwnerId, AgentId, Result<OtherEnd, Trouble>),
    /// A reservation in a shared ledger.
    Reserve(AgentId, Result<(), Unreserved>),
    /// A release in a shared ledger.
    Release(AgentId, Result<(), Trouble>),
    /// An offer of a job: success is "handed to the connection".
    Assign(JobId, u32, Result<(), Trouble>),
    /// A request to end a job: success is "handed to the connection".
    Cancel(JobId, u32, Result<(), Trouble>),
    /// A request to leave: success is "handed to the connection".
    Drain(AgentId, Result<(), Trouble>),
    /// Jobs asked for.
    Take(u64, Result<Taken, Trouble>),
    /// Demand asked for.
    Refresh(SourceId, Result<Demand, Trouble>),
    /// The triggers of a pool. One that cannot be read is unknown in the sample; failure is
    /// that nothing could be asked.
    Sample(PoolName, Result<Sample, Trouble>),
    /// A source told how a job stands.
    Settle(JobId, Result<(), Trouble>),
    /// Waiting jobs of a class ended: expired or impossible.
    EndWaiting(ClassKey, Result<(), Trouble>),
}

/// What a person wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operator {
    /// No new work for these pools; their agents leave once idle.
    Drain(PoolName),
    /// The end of a drain.
    Undrain(PoolName),
    /// No new jobs for this agent, or jobs again; nothing else changes.
    Cordon {
        /// Which.
        agent: AgentId,
        /// Whether jobs are given to it again.
        undo: bool,
    },
    /// Every backend is asked what exists.
    Look,
    /// An instance of ours that the ledger does not know is removed without its grace.
    Reap(BackendId, AgentId),
    /// An instance of another owner whose lease is over by the policy is removed, although
    /// that lease was not seen to stand still for long.
    ReapOther(BackendId, OwnerId, AgentId),
    /// The daemon is stopping: no new jobs are handed out.
    Stop,
    /// It is stopping, and this becomes of its agents.
    Shutdown(Shutdown),
}
