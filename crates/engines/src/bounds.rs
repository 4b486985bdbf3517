//! What a container may not exceed.

use std::collections::HashMap;

use bollard::models::{HostConfig, HostConfigLogConfig};
use headcount_model::{EngineKind, Granted, Resources};

/// Capabilities that are not dropped: what jobs that run as root need to own files, to
/// become another user (package managers do) and to signal their own processes. Nothing
/// that reaches the network below TCP, devices, or the host.
pub const KEPT_CAPABILITIES: [&str; 7] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
];
/// Processes and threads of one container.
pub const MAX_PROCESSES: i64 = 4096;

/// Output kept by the engine: one file of so much, twice.
const LOG_SIZE: &str = "1m";
const NANOS_PER_MILLI_CPU: u64 = 1_000_000;

/// Of a container with these grants: what is not granted is not there.
#[must_use]
pub fn bounds(granted: &Granted, kind: EngineKind) -> HostConfig {
    let Resources {
        cpu_millis,
        memory_bytes,
    } = granted.limits;
    let some = |amount: u64| i64::try_from(amount).ok().filter(|amount| *amount > 0);
    let memory = some(memory_bytes);
    HostConfig {
        memory,
        // The same: no swap on top of it.
        memory_swap: memory,
        nano_cpus: some(cpu_millis.saturating_mul(NANOS_PER_MILLI_CPU)),
        pids_limit: Some(MAX_PROCESSES),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(KEPT_CAPABILITIES.map(str::to_owned).to_vec()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        auto_remove: Some(false),
        log_config: Some(log_config(kind)),
        ..HostConfig::default()
    }
}

/// A file of bounded size, which survives the engine.
fn log_config(kind: EngineKind) -> HostConfigLogConfig {
    let (driver, files) = match kind {
        EngineKind::Podman => ("k8s-file", None),
        EngineKind::Docker | EngineKind::Any => ("json-file", Some("2")),
    };
    let size = Some(("max-size", LOG_SIZE));
    let options = [size, files.map(|files| ("max-file", files))];
    let options = options.into_iter().flatten();
    HostConfigLogConfig {
        typ: Some(driver.to_owned()),
        config: Some(
            options
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<HashMap<_, _>>(),
        ),
    }
}
