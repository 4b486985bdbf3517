//! The closed list of reasons. Every waiting job, every agent that stays, every action
//! and every end has exactly one; each is a page of `docs/reasons/`, made from here.

use core::fmt;

macro_rules! reasons {
    ($( $(#[$doc:meta])* $variant:ident = $code:literal, $sentence:literal, $advice:literal; )*) => {
        /// Why something is as it is, or is done.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Reason {
            $( $(#[$doc])* $variant, )*
        }

        impl Reason {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The word used in JSON, metrics, logs and as the name of the page.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }

            /// One sentence for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $( Self::$variant => $sentence, )* }
            }

            /// What a person can do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $( Self::$variant => $advice, )* }
            }

            /// The reason with this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $( $code => Some(Self::$variant), )* _ => None }
            }
        }
    };
}

reasons! {
    // Why a job waits.
    /// A free slot is being filled.
    Assigning = "assigning", "an agent has a free slot and is being given the job",
        "Nothing: this lasts milliseconds.";
    /// An agent that will take it is coming up.
    AgentStarting = "agent_starting", "an agent for it is starting",
        "Nothing, unless it lasts: then look at `headcount agents` and at the output file of the starting agent.";
    /// A slot that fits will be free when earlier work is done, and no cap allows more.
    ScalerAtMaxAgents = "scaler_at_max_agents", "the scaler runs as many agents as its maxAgents allows",
        "Raise `maxAgents` of the scaler, or wait for running jobs to end.";
    /// The fleet is full.
    FleetAtMaxAgents = "fleet_at_max_agents", "the fleet runs as many agents as globalMaxAgents allows",
        "Raise `globalMaxAgents`, or wait for running jobs to end.";
    /// As many jobs run as may.
    FleetAtMaxJobs = "fleet_at_max_jobs", "agents have as many jobs at once as globalMaxJobs allows",
        "Raise `globalMaxJobs`, or wait for running jobs to end.";
    /// As many launches are under way as may be.
    GrowthRate = "growth_rate", "as many agents of the pool are starting as maxGrowthRate allows at once",
        "Raise `maxGrowthRate`, or wait: the next ones start when these are ready.";
    /// Nobody is made for the job itself.
    ReadyAgentsOnly = "ready_agents_only", "with `compat: gitlab` and an `idleCount` jobs are given to ready agents alone, and none is made for the job itself",
        "Raise `idleCount` or `maxGrowthRate`, or write `compat: headcount`, which makes agents for jobs that wait.";
    /// The scaler's CPU is taken.
    ScalerCpuCap = "scaler_cpu_cap", "the scaler's resourceCap.maxCpu is taken",
        "Raise `resourceCap.maxCpu` of the scaler, lower the requests of jobs or label sets, or wait.";
    /// The scaler's memory is taken.
    ScalerMemoryCap = "scaler_memory_cap", "the scaler's resourceCap.maxMemory is taken",
        "Raise `resourceCap.maxMemory` of the scaler, lower the requests of jobs or label sets, or wait.";
    /// The fleet's CPU is taken.
    FleetCpuCap = "fleet_cpu_cap", "globalResourceCap.maxCpu is taken",
        "Raise `globalResourceCap.maxCpu`, lower requests, or wait.";
    /// The fleet's memory is taken.
    FleetMemoryCap = "fleet_memory_cap", "globalResourceCap.maxMemory is taken",
        "Raise `globalResourceCap.maxMemory`, lower requests, or wait.";
    /// The machine pool's CPU is taken.
    MachinePoolCpuCap = "machine_pool_cpu_cap", "the machine pool's cap.maxCpu is taken, by this daemon and the others that share it",
        "Wait for agents of this host to end, lower requests, or raise `cap.maxCpu` of the pool in every daemon that shares it.";
    /// The machine pool's memory is taken.
    MachinePoolMemoryCap = "machine_pool_memory_cap", "the machine pool's cap.maxMemory is taken, by this daemon and the others that share it",
        "Wait for agents of this host to end, lower requests, or raise `cap.maxMemory` of the pool in every daemon that shares it.";
    /// The shared ledger gave nothing.
    MachinePoolRefused = "machine_pool_refused", "the ledger of the machine pool gave nothing when it was last asked, and is asked again soon",
        "Read why in `headcount explain`: another daemon may hold the room or have another cap, or the ledger's file may be damaged. It is asked again by itself.";
    /// A failed launch is waiting for its next try.
    LaunchBackoff = "launch_backoff", "launches in the pool failed and wait before the next try",
        "Read the last failure in `headcount pools` and mend its cause; the next try comes by itself.";
    /// Too many failures in a row; one probe at a time.
    CircuitOpen = "circuit_open", "launches in the pool failed many times in a row; only one is tried at a time",
        "Read the last failure in `headcount pools` and mend its cause; the first launch that works closes the circuit.";
    /// The pool takes no new work.
    PoolDraining = "pool_draining", "the pool is draining and takes no new jobs",
        "End the drain with `headcount drain --undo POOL`, or put the scaler back into the configuration.";
    /// The backend could not say what exists.
    BackendUnknown = "backend_unknown", "the backend has not said what exists, and caps count every unconfirmed agent as alive",
        "Read the backend's last error in `headcount pools`; nothing is removed until it answers.";
    /// No label set serves these labels.
    NoMatchingPool = "no_matching_pool", "no pool has the labels the job asks for",
        "Compare `runsOn` and `exclude` with the label sets; `headcount explain` names the nearest one and what it lacks.";
    /// Too large for every pool that has the labels.
    NeverFits = "never_fits", "the job asks for more than any matching pool's caps could ever allow",
        "Lower the job's requests, or raise the cap that `headcount explain` names.";
    /// The daemon is stopping.
    Stopping = "stopping", "the daemon is stopping and takes no new jobs",
        "Start the daemon again; accepted jobs are kept.";
    /// The queue policy's own maximum is reached.
    QueueAtMax = "queue_at_max", "the pool runs as many agents as its queue policy's maxReplicaCount allows",
        "Raise `maxReplicaCount`, or wait for agents to end.";
    /// A trigger could not be read.
    SignalUnknown = "signal_unknown", "a trigger of the pool could not be read, and nothing is made or removed because of it",
        "Read the trigger's last error in `headcount pools`; it is read again by itself.";
    /// The source could not be asked.
    SourceUnknown = "source_unknown", "the source could not say what waits",
        "Read the source's last error in `headcount pools`; it is asked again by itself.";

    // Why an agent is as it is.
    /// It works.
    RunningJob = "running_job", "it runs a job",
        "Nothing.";
    /// A waiting job is meant for it.
    Promised = "promised", "a waiting job is meant for it",
        "Nothing.";
    /// The idle rule keeps it.
    KeptReady = "kept_ready", "the idle rule keeps it ready",
        "Lower `idleCount` or `warmPool.size` if it should not stay.";
    /// It takes its work from its queue.
    FeedsItself = "feeds_itself", "it takes its work from its queue and ends by itself",
        "Nothing.";
    /// Its idle time is not over.
    IdleTime = "idle_time", "it is idle, and its idle time is not over",
        "Lower `idleTime` if it should leave sooner.";
    /// The time it is paid for is not over.
    PaidPeriod = "paid_period", "it is one too many, and the period it is paid for is not nearly over",
        "Nothing: it may still be of use, and leaves before the next period begins. Without `paidPeriod` it would leave at once.";
    /// It would leave, but removal needs fresh facts.
    FactsStale = "facts_stale", "it would be removed, but backend or source have not answered since",
        "Read the last error in `headcount pools`; removal waits for an answer.";
    /// Which idle rule holds is not known.
    ScheduleUnknown = "schedule_unknown", "which of its pool's schedules is in force could not be worked out, and nobody is made or removed by them",
        "Read the daemon's log: it names the schedule. `headcount periods` tells of each what it means.";
    /// A person wants it to take no new jobs.
    Cordoned = "cordoned", "it was cordoned: it is given no new jobs, and the idle rule neither counts nor removes it",
        "Give it jobs again with `headcount uncordon AGENT`. Its lifetime, a changed configuration and a drained pool still end it.";
    /// The daemon lost sight of it.
    ConnectionLost = "connection_lost", "its connection broke; it has time to come back",
        "Look at the agent's output file if it does not come back.";

    // Why an agent is made.
    /// A job waits for it.
    DemandWaiting = "demand_waiting", "jobs wait that it can run",
        "Nothing.";
    /// The pool's triggers ask for it.
    QueueDemand = "queue_demand", "the pool's triggers or its minReplicaCount ask for it",
        "Nothing.";
    /// The idle rule asks for it.
    KeepReady = "keep_ready", "the idle rule asks for another ready agent",
        "Nothing.";

    // Why an agent leaves.
    /// It has run as many jobs as it may.
    JobsDone = "jobs_done", "it has run as many jobs as it may",
        "Raise `maxJobs` of the label set if agents should be used again.";
    /// More are idle than the rule keeps.
    SurplusIdle = "surplus_idle", "it was idle, and more were ready than the idle rule keeps",
        "Raise `idleCount` or `idleTime` if agents should stay longer.";
    /// Its room is needed more elsewhere.
    RoomWanted = "room_wanted", "it was idle, and waiting jobs or a lowered cap want its room",
        "Raise the cap that jobs wait behind, or lower `idleCount` or `warmPool.size`.";
    /// It is replaced by a fresh one.
    IdleTooOld = "idle_too_old", "it was ready for longer than maxIdleAge",
        "Nothing: a fresh one takes its place.";
    /// It lived as long as it may.
    LifetimeOver = "lifetime_over", "it has lived for as long as timeouts.lifetime allows",
        "Nothing: a fresh one takes its place. A job that runs is not ended by it.";
    /// Its configuration changed.
    Outdated = "outdated", "its pool's configuration changed since it was made",
        "Nothing: a fresh one takes its place.";
    /// Its recipe changed, and agents of another one are not to stay.
    RolledOut = "rolled_out", "what its Job is made from changed, and `rollout` is `immediate`",
        "Nothing: others take its place. What it took from its queue waits there until it may be claimed. With `rollout: {strategy: gradual}` such agents end by themselves.";
    /// Its pool left the configuration.
    PoolRemoved = "pool_removed", "its pool is no longer configured",
        "Nothing, unless the scaler was removed by mistake.";
    /// Somebody drains the pool.
    PoolDrained = "pool_drained", "its pool was drained",
        "End the drain with `headcount drain --undo POOL`.";
    /// It never became ready.
    LaunchDeadline = "launch_deadline", "it was not ready within the launch deadline",
        "Look at the agent's output file; raise `timeouts.launch` if it needs longer.";
    /// The backend could not make it.
    CreateFailed = "create_failed", "the backend could not make it",
        "Read the failure in `headcount pools`; it is tried again with growing delays.";
    /// It ended on its own.
    EndedItself = "ended_itself", "it ended by itself",
        "Look at the agent's output file if that was not expected.";
    /// It did not come back.
    AgentLost = "agent_lost", "its connection broke and it did not come back in time, or it ended while it ran the job",
        "Look at the agent's output file; give the job `retries` if it may run again.";
    /// It did not claim a job it was given.
    Unresponsive = "unresponsive", "it did not claim the job it was given",
        "Look at the agent's output file.";
    /// Its backend does not remove it.
    Quarantined = "quarantined", "its backend did not remove it, again and again: it counts as there until its absence is confirmed twice",
        "Read in `headcount agents` what the backend says, and mend it, or remove the machine by hand. It is tried again every five minutes, and forgotten only when it was confirmed twice, some time apart, that it is gone.";
    /// It is ours, but the ledger does not know it.
    Unknown = "unknown_instance", "it carries our mark but the ledger does not know it",
        "Nothing: it is removed after a grace period; `headcount orphans --reap` does not wait for that. It appears after a ledger was restored from a backup.";
    /// Another owner has stopped renewing the lease of it.
    LeaseEnded = "lease_ended", "the daemon that made it has not renewed its lease for as long as the lease and `reapOthersAfter` last",
        "Nothing, where that daemon is gone for good. Where it lives it cannot renew its leases, and its log says why; take `reapOthersAfter` out, or raise it, until it can.";
    /// The daemon ends and takes its agents along.
    Shutdown = "shutdown", "the daemon was told to end its agents",
        "Nothing.";

    // Why a job ended as it did.
    /// It returned something other than 0.
    CommandFailed = "command_failed", "its command did not return 0",
        "Read its output with `headcount logs`.";
    /// Its time was up.
    TimedOut = "timed_out", "it ran longer than its timeout",
        "Raise its timeout, or find out why it takes so long.";
    /// It could not be started.
    NotStarted = "not_started", "the agent could not start its command",
        "Read the message of the attempt: program missing, directory missing, or no permission.";
    /// Five agents in a row did not take it.
    Undeliverable = "undeliverable", "five agents in a row did not claim it",
        "Look at the output files of the agents that were given it.";
    /// The agent it ran on may still be there.
    AgentQuarantined = "agent_quarantined", "the agent it ran on was lost and cannot be removed, so that it may still run",
        "Mend what keeps the backend from removing the agent: `headcount agents` says what it is. Nothing runs the job again before the agent is confirmed gone.";
    /// Its message can never run, or was tried too often before it came here.
    Poisoned = "poisoned", "its message cannot run, or was delivered too often",
        "Read the message of the job; the entry lies among the dead letters of its stream.";
    /// Its message was taken over by another consumer, and ended there.
    TakenOver = "taken_over", "another consumer took its message over and ended it",
        "Nothing, where several consumers share a group: this daemon was away for longer than `minIdle`.";
    /// Somebody cancelled it.
    CancelRequested = "cancel_requested", "somebody cancelled it",
        "Nothing.";
    /// It waited too long.
    Expired = "expired", "it waited longer than it may",
        "Raise its expiry, or find out with `headcount explain` why jobs like it wait.";
    /// It will be run again.
    RetryAsked = "retry_asked", "the attempt failed and the job asks for another",
        "Nothing.";
    /// The agent it was meant for is no longer free.
    SlotGone = "slot_gone", "the agent it was meant for is no longer free",
        "Nothing: it goes back to its place in the queue.";
    /// The job ended as it should.
    Done = "done", "it is done",
        "Nothing.";

    // Why facts are asked for.
    /// What exists must be known before anything is removed.
    FactsMissing = "facts_missing", "what exists must be known before anything is removed",
        "Nothing.";
    /// Triggers are read at least this often.
    PollingInterval = "polling_interval", "the triggers were not read for as long as pollingInterval says",
        "Raise `pollingInterval` if that is too often.";
    /// An agent ended, and the queue may have changed by it.
    AgentEnded = "agent_ended", "an agent of the pool ended, so its triggers are read again",
        "Nothing.";
    /// Time changes what a trigger says.
    TriggerChange = "trigger_change", "a window of time opens or closes, or an entry may be claimed from now on",
        "Nothing.";
    /// Leases of other owners may end.
    LeaseWatch = "lease_watch", "other daemons may have stopped renewing the leases of their machines",
        "Nothing: it is asked for while a scaler has `reapOthersAfter`.";
    /// An answer must be confirmed.
    Confirm = "confirm", "an ended or doubtful agent must be confirmed absent",
        "Nothing.";
    /// It is time to look again.
    Recheck = "recheck", "what exists is compared with what is known, every five minutes while agents exist, once after the last has left, and every hour while there are none",
        "Nothing: instances of ours that nobody knows are found and removed.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_read_back() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        assert_eq!(Reason::from_code("because"), None);
    }
}
