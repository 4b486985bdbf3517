//! The table: every key, its class, and two spellings of its line.

/// What a reload does with a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Holds at once, for agents that live as well; nobody is replaced.
    Live,
    /// Holds for new agents; idle old ones are replaced, those that work end their work.
    NewAgents,
    /// Makes another pool of it; the old one drains.
    AnotherPool,
    /// Needs another backend; backends are made when the daemon starts, so the reload is
    /// refused with the words "restart required" unless the daemon has that one too.
    AnotherBackend,
    /// Is read when the daemon starts: the reload is refused with the words "restart
    /// required".
    Restart,
    /// Changes nothing on this host, and a warning says so.
    NoEffect,
    /// The only value there is, or a backend that this version refuses to run.
    Refused,
}

use Class::{AnotherBackend, AnotherPool, Live, NewAgents, NoEffect, Refused};

/// Key, class, and two spellings of its line. Lines of a scaler and of a label set are
/// told apart by the key.
pub type Row = (&'static str, Class, &'static str, &'static str);

pub const ROWS: &[Row] = &[
    ("version", Refused, "version: 1", "version: 2"),
    (
        "globalMaxAgents",
        Live,
        "globalMaxAgents: 5",
        "globalMaxAgents: 6",
    ),
    (
        "globalMaxJobs",
        Live,
        "globalMaxJobs: 5",
        "globalMaxJobs: 6",
    ),
    (
        "globalResourceCap.maxCpu",
        Live,
        "globalResourceCap: {maxCpu: 5}",
        "globalResourceCap: {maxCpu: 6}",
    ),
    (
        "globalResourceCap.maxMemory",
        Live,
        "globalResourceCap: {maxMemory: 5g}",
        "globalResourceCap: {maxMemory: 6g}",
    ),
    (
        "machinePools[].name",
        Live,
        "machinePools: [{name: m, cap: {}}, {name: a, cap: {}}]",
        "machinePools: [{name: m, cap: {}}, {name: b, cap: {}}]",
    ),
    (
        "machinePools[].cap.maxCpu",
        Live,
        "machinePools: [{name: m, cap: {maxCpu: 4}}]",
        "machinePools: [{name: m, cap: {maxCpu: 5}}]",
    ),
    (
        "machinePools[].cap.maxMemory",
        Live,
        "machinePools: [{name: m, cap: {maxMemory: 4g}}]",
        "machinePools: [{name: m, cap: {maxMemory: 5g}}]",
    ),
    (
        "defaults.resources.cpus",
        Live,
        "defaults: {resources: {cpus: 1}}",
        "defaults: {resources: {cpus: 2}}",
    ),
    (
        "defaults.resources.memory",
        Live,
        "defaults: {resources: {memory: 1g}}",
        "defaults: {resources: {memory: 2g}}",
    ),
    (
        "defaults.resources.requests.cpus",
        Live,
        "defaults: {resources: {requests: {cpus: 1}}}",
        "defaults: {resources: {requests: {cpus: 2}}}",
    ),
    (
        "defaults.resources.requests.memory",
        Live,
        "defaults: {resources: {requests: {memory: 1g}}}",
        "defaults: {resources: {requests: {memory: 2g}}}",
    ),
    (
        "defaults.resources.limits.cpus",
        Live,
        "defaults: {resources: {limits: {cpus: 1}}}",
        "defaults: {resources: {limits: {cpus: 2}}}",
    ),
    (
        "defaults.resources.limits.memory",
        Live,
        "defaults: {resources: {limits: {memory: 1g}}}",
        "defaults: {resources: {limits: {memory: 2g}}}",
    ),
    ("scalers[].name", AnotherPool, "name: s", "name: t"),
    (
        "scalers[].type",
        Refused,
        "type: bare-metal",
        "type: firecracker",
    ),
    ("scalers[].maxAgents", Live, "maxAgents: 3", "maxAgents: 4"),
    ("scalers[].priority", Live, "priority: 1", "priority: 2"),
    (
        "scalers[].mandatoryLabels",
        Live,
        "mandatoryLabels: []",
        "mandatoryLabels: [linux]",
    ),
    (
        "scalers[].roles",
        NewAgents,
        "roles: [all]",
        "roles: [builder]",
    ),
    (
        "scalers[].resourceCap.maxCpu",
        Live,
        "resourceCap: {maxCpu: 5}",
        "resourceCap: {maxCpu: 6}",
    ),
    (
        "scalers[].resourceCap.maxMemory",
        Live,
        "resourceCap: {maxMemory: 5g}",
        "resourceCap: {maxMemory: 6g}",
    ),
    ("scalers[].machinePool", NewAgents, "", "machinePool: m"),
    (
        "scalers[].orchestratorUrl",
        NoEffect,
        "orchestratorUrl: a",
        "orchestratorUrl: b",
    ),
    (
        "scalers[].enforceCgroups",
        NewAgents,
        "enforceCgroups: false",
        "enforceCgroups: true",
    ),
    (
        "scalers[].policy.kind",
        Refused,
        "policy: {kind: idle}",
        "policy: {kind: ratio}",
    ),
    (
        "scalers[].policy.idleCount",
        Live,
        "policy: {kind: idle, idleCount: 1}",
        "policy: {kind: idle, idleCount: 2}",
    ),
    (
        "scalers[].policy.idleTime",
        Live,
        "policy: {kind: idle, idleTime: 1s}",
        "policy: {kind: idle, idleTime: 2s}",
    ),
    (
        "scalers[].policy.maxIdleAge",
        Live,
        "policy: {kind: idle, maxIdleAge: 1h}",
        "policy: {kind: idle, maxIdleAge: 2h}",
    ),
    (
        "scalers[].policy.paidPeriod",
        Live,
        "policy: {kind: idle, paidPeriod: 1h}",
        "policy: {kind: idle, paidPeriod: 2h}",
    ),
    (
        "scalers[].policy.idleScaleFactor",
        Live,
        "policy: {kind: idle, idleCount: 3, idleScaleFactor: 0.5}",
        "policy: {kind: idle, idleCount: 3, idleScaleFactor: 2}",
    ),
    (
        "scalers[].policy.idleCountMin",
        Live,
        "policy: {kind: idle, idleCount: 3, idleScaleFactor: 1, idleCountMin: 1}",
        "policy: {kind: idle, idleCount: 3, idleScaleFactor: 1, idleCountMin: 2}",
    ),
    (
        "scalers[].policy.maxGrowthRate",
        Live,
        "policy: {kind: idle, idleCount: 3, maxGrowthRate: 1}",
        "policy: {kind: idle, idleCount: 3, maxGrowthRate: 2}",
    ),
    (
        "scalers[].policy.schedules[].periods",
        Live,
        "policy: {kind: idle, schedules: [{periods: ['* 9 * * *']}]}",
        "policy: {kind: idle, schedules: [{periods: ['* 8 * * *']}]}",
    ),
    (
        "scalers[].policy.schedules[].timezone",
        Live,
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], timezone: UTC}]}",
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], timezone: Europe/Berlin}]}",
    ),
    (
        "scalers[].policy.schedules[].idleCount",
        Live,
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleCount: 1}]}",
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleCount: 2}]}",
    ),
    (
        "scalers[].policy.schedules[].idleTime",
        Live,
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleTime: 1m}]}",
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleTime: 2m}]}",
    ),
    (
        "scalers[].policy.schedules[].idleScaleFactor",
        Live,
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleScaleFactor: 1}]}",
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleScaleFactor: 2}]}",
    ),
    (
        "scalers[].policy.schedules[].idleCountMin",
        Live,
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleScaleFactor: 1, idleCountMin: 1}]}",
        "policy: {kind: idle, idleCount: 3, schedules: [{periods: ['* 9 * * *'], idleScaleFactor: 1, idleCountMin: 2}]}",
    ),
    (
        "scalers[].warmPool.enabled",
        Live,
        "warmPool: {enabled: false, size: 2}",
        "warmPool: {enabled: true, size: 2}",
    ),
    (
        "scalers[].warmPool.size",
        Live,
        "warmPool: {enabled: true, size: 1}",
        "warmPool: {enabled: true, size: 2}",
    ),
    (
        "scalers[].warmPool.idleTimeoutSeconds",
        Live,
        "warmPool: {enabled: true, size: 1, idleTimeoutSeconds: 10}",
        "warmPool: {enabled: true, size: 1, idleTimeoutSeconds: 20}",
    ),
    (
        "scalers[].timeouts.create",
        Live,
        "timeouts: {create: 10s}",
        "timeouts: {create: 20s}",
    ),
    (
        "scalers[].timeouts.launch",
        Live,
        "timeouts: {launch: 100s}",
        "timeouts: {launch: 200s}",
    ),
    (
        "scalers[].timeouts.claim",
        Live,
        "timeouts: {claim: 10s}",
        "timeouts: {claim: 20s}",
    ),
    (
        "scalers[].timeouts.recovery",
        Live,
        "timeouts: {recovery: 100s}",
        "timeouts: {recovery: 200s}",
    ),
    (
        "scalers[].timeouts.retire",
        Live,
        "timeouts: {retire: 10s}",
        "timeouts: {retire: 20s}",
    ),
    (
        "scalers[].timeouts.destroy",
        Live,
        "timeouts: {destroy: 10s}",
        "timeouts: {destroy: 20s}",
    ),
    (
        "scalers[].timeouts.lifetime",
        Live,
        "timeouts: {lifetime: 1h}",
        "timeouts: {lifetime: 2h}",
    ),
    (
        "scalers[].retry.firstDelay",
        Live,
        "retry: {firstDelay: 1s}",
        "retry: {firstDelay: 2s}",
    ),
    (
        "scalers[].retry.maxDelay",
        Live,
        "retry: {maxDelay: 100s}",
        "retry: {maxDelay: 200s}",
    ),
    (
        "scalers[].retry.openAfter",
        Live,
        "retry: {openAfter: 3}",
        "retry: {openAfter: 4}",
    ),
    (
        "scalers[].labelSets[].labels",
        AnotherPool,
        "labels: [linux]",
        "labels: [linux, b]",
    ),
    (
        "scalers[].labelSets[].resources.cpus",
        Live,
        "resources: {cpus: 1}",
        "resources: {cpus: 2}",
    ),
    (
        "scalers[].labelSets[].resources.memory",
        Live,
        "resources: {memory: 1g}",
        "resources: {memory: 2g}",
    ),
    (
        "scalers[].labelSets[].resources.requests.cpus",
        Live,
        "resources: {requests: {cpus: 1}}",
        "resources: {requests: {cpus: 2}}",
    ),
    (
        "scalers[].labelSets[].resources.requests.memory",
        Live,
        "resources: {requests: {memory: 1g}}",
        "resources: {requests: {memory: 2g}}",
    ),
    (
        "scalers[].labelSets[].resources.limits.cpus",
        Live,
        "resources: {limits: {cpus: 1}}",
        "resources: {limits: {cpus: 2}}",
    ),
    (
        "scalers[].labelSets[].resources.limits.memory",
        Live,
        "resources: {limits: {memory: 1g}}",
        "resources: {limits: {memory: 2g}}",
    ),
    (
        "scalers[].labelSets[].env",
        NewAgents,
        "env: {A: b}",
        "env: {A: c}",
    ),
    (
        "scalers[].labelSets[].backpressureMode",
        NewAgents,
        "backpressureMode: pause",
        "backpressureMode: drop",
    ),
    (
        "scalers[].labelSets[].slots",
        NewAgents,
        "{slots: 2, maxJobs: 4}",
        "{slots: 3, maxJobs: 4}",
    ),
    (
        "scalers[].labelSets[].maxJobs",
        Live,
        "maxJobs: 2",
        "maxJobs: 3",
    ),
    (
        "scalers[].labelSets[].pricePerHour",
        Live,
        "pricePerHour: 0.12",
        "pricePerHour: 0.13",
    ),
    (
        "scalers[].labelSets[].binaryPath",
        NewAgents,
        "binaryPath: /bin/a",
        "binaryPath: /bin/b",
    ),
    (
        "scalers[].labelSets[].command",
        NewAgents,
        "command: [/bin/a]",
        "command: [/bin/b]",
    ),
];

/// Keys that only containers have.
pub const CONTAINER_ROWS: &[Row] = &[
    (
        "scalers[].socketPath",
        AnotherBackend,
        "socketPath: /run/a.sock",
        "socketPath: /run/b.sock",
    ),
    (
        "scalers[].runtime",
        AnotherBackend,
        "runtime: docker",
        "runtime: podman",
    ),
    (
        "scalers[].extraHosts",
        NewAgents,
        "",
        "extraHosts: ['cache:192.0.2.9']",
    ),
    (
        "scalers[].networkIsolation",
        NewAgents,
        "",
        "networkIsolation: false",
    ),
    (
        "scalers[].labelSets[].image",
        NewAgents,
        "image: a:1",
        "image: a:2",
    ),
    (
        "scalers[].labelSets[].imagePullPolicy",
        NewAgents,
        "",
        "imagePullPolicy: Never",
    ),
    ("scalers[].labelSets[].agent", NewAgents, "", "agent: image"),
    (
        "scalers[].labelSets[].volumes",
        NewAgents,
        "",
        "volumes: ['/a:/b']",
    ),
    (
        "scalers[].labelSets[].containerSocket",
        NewAgents,
        "",
        "containerSocket: true",
    ),
    (
        "scalers[].labelSets[].networkPolicy.allowlist",
        NewAgents,
        "",
        "networkPolicy: {allowlist: ['10.0.0.0/8']}",
    ),
    (
        "scalers[].labelSets[].networkPolicy.denyAll",
        NewAgents,
        "",
        "networkPolicy: {denyAll: true}",
    ),
];

/// Keys that only containers of a remote engine have.
pub const REMOTE_ROWS: &[Row] = &[(
    "scalers[].host",
    AnotherBackend,
    "host: tcp://192.0.2.7:2376",
    "host: tcp://192.0.2.8:2376",
)];

/// Keys of a backend that this version refuses to run.
pub const OF_OTHER_BACKENDS: &[&str] = &[
    "firecracker.cidr",
    "firecracker.bridgeName",
    "firecracker.gateway",
    "firecracker.netmask",
    "firecracker.table",
    "scalers[].firecrackerPath",
    "scalers[].jailerPath",
    "scalers[].kernelPath",
    "scalers[].uid",
    "scalers[].gid",
    "scalers[].chrootBaseDir",
    "scalers[].vcpuCount",
    "scalers[].memSizeMib",
    "scalers[].requireSudo",
    "scalers[].labelSets[].rootfsPath",
    "scalers[].labelSets[].kernelPath",
    "scalers[].labelSets[].vcpuCount",
    "scalers[].labelSets[].memSizeMib",
    "scalers[].labelSets[].overlayDriveSizeMib",
];
