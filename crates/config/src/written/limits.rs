//! Caps, and what agents ask for.

use crate::read::{CpuCap, Cpus, Memory, Nested, default, object, optional};

object! {
    /// An upper bound on summed requests; reaching it exactly is allowed.
    Cap, "a cap" {
        /// Number of CPUs.
        max_cpu: u64 = "maxCpu", CpuCap, default("no limit");
        /// Amount of memory.
        max_memory: u64 = "maxMemory", Memory, default("no limit");
    }
}

object! {
    /// CPUs and memory of an agent: either `cpus` and `memory`, which are both request
    /// and limit, or `requests` and `limits`. Where only one of these is written, the
    /// other equals it.
    Resources, "`resources`" {
        /// Number of CPUs, as request and as limit.
        cpus: u64 = "cpus", Cpus, optional();
        /// Amount of memory, as request and as limit.
        memory: u64 = "memory", Memory, optional();
        /// What counts against caps.
        requests: Amount = "requests", Nested::<Amount>::NEW, optional();
        /// What the backend enforces.
        limits: Amount = "limits", Nested::<Amount>::NEW, optional();
    }
}

object! {
    /// An amount of CPUs and memory; what is left out is said by the next layer.
    Amount, "an amount of resources" {
        /// Number of CPUs.
        cpus: u64 = "cpus", Cpus, optional();
        /// Amount of memory; `0m` is none.
        memory: u64 = "memory", Memory, optional();
    }
}
