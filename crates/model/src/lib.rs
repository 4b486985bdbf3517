//! The nouns of the house: plain data that every other crate speaks in.
//!
//! Promise: nothing here reads a clock, draws a random number, does IO or knows a
//! wire format; the crate is `no_std + alloc` so that the compiler holds it to that.
//! Leaves to others: how nouns change (`planner`), how they are written down
//! (`store`), how they look outside (`api`), where they come from (`config`).
#![no_std]

extern crate alloc;

mod account;
pub mod amount;
mod container;
mod demand;
mod docker_machine;
mod fingerprint;
mod fleet;
mod idle;
mod ids;
mod instance;
mod job;
mod kubernetes;
mod labels;
mod lease;
mod network;
mod news;
mod price;
mod program;
mod reason;
mod record;
mod resources;
mod secret;
mod selectors;
mod shutdown;
mod signal;
mod stream_source;
mod time;
mod trigger;

pub use account::{Account, TimeSpent, Usage};
pub use container::{
    ContainerNetwork, ContainerProgram, ContainerRecipe, EngineAddress, EngineKind, PullPolicy,
};
pub use demand::{ClassCount, ClassKey};
pub use docker_machine::{
    DockerMachineAddress, DockerMachineRecipe, MACHINE_NAME_PLACE, MAX_MACHINE_NAME, MachineOption,
    SecretVariable, UNIQUE_BYTES,
};
pub use fingerprint::fingerprint;
pub use fleet::{
    AgentKind, Fleet, Layers, MachinePool, PoolSpec, ProcessProgram, Recipe, Retry, Role, Roles,
    ScalerSpec, Timeouts,
};
pub use idle::{IdleCompat, IdleRule, IdleScale, InForce, Schedule, Timetable};
pub use ids::{AgentId, BackendId, JobId, Name, OwnerId, ParseIdError, PoolName, SourceId};
pub use instance::{Exit, Instance, InstanceState};
pub use job::{Command, JobEnd, JobWork, LogPressure, Outcome};
pub use kubernetes::{ClusterAccess, ClusterAddress, HistoryLimits, KubernetesRecipe, Rollout};
pub use labels::{Label, Labels};
pub use lease::{LeasedInstance, OtherEnd};
pub use network::{Cidr, NetworkPolicy, ParseCidrError};
pub use news::{
    Answer, BackendEvent, Demand, Held, LinkEvent, Listing, Refusal, SourceEvent, Taken, TakenJob,
    Trouble, TroubleKind, Unreserved,
};
pub use price::{Money, Price};
pub use program::{
    CONTROLLER_VARIABLES, CreateBatch, ProgramRecipe, ProvisionerAddress, ProvisionerContract,
};
pub use reason::Reason;
pub use record::{AgentPhase, AgentRecord, AttemptPhase, AttemptRecord, Changes, Settlement};
pub use resources::{Cap, Granted, Layer, Partial, Resources};
pub use secret::{Digest, Secret};
pub use selectors::{Pattern, PatternKind, Selectors};
pub use shutdown::Shutdown;
pub use signal::{Backlog, Level, Measure, Reading, Sample, Timing};
pub use stream_source::{JobTemplate, StreamSource};
pub use time::Timestamp;
pub use trigger::{
    Combine, Compat, CronWindow, QueueRule, RedisConnection, RedisServers, RedisTls, Strategy,
    StreamMeasure, Trigger, TriggerKind,
};
