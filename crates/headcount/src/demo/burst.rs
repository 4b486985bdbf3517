//! The burst: real commands of different lengths, one of which fails on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::{Command, Layer, Selectors, SourceId};
use headcount_ports::NewJob;
use headcount_source_queue::{DEFAULT_GRACE, DEFAULT_LOG_LIMIT_BYTES, SOURCE};

/// Commands that any host has, as name and script.
const WORK: &[(&str, &str)] = &[
    ("checksum", "head -c 4000000 /dev/urandom | cksum"),
    ("compile", "echo compiling; sleep 0.9; echo linked"),
    (
        "unit tests",
        "for n in 1 2 3 4 5; do echo test $n ok; sleep 0.2; done",
    ),
    ("lint", "ls / | sort | wc -l; sleep 0.4"),
    (
        "package",
        "d=$(mktemp -d); head -c 200000 /dev/zero > $d/a; wc -c < $d/a; rm -r $d; sleep 0.6",
    ),
    (
        "integration",
        "echo waiting for nothing; sleep 1.4; echo done",
    ),
];

/// The jobs of the demo.
pub(super) fn jobs(n: u32) -> Vec<NewJob> {
    (0..n).map(|n| job(n as usize)).collect()
}

fn job(n: usize) -> NewJob {
    let (name, script) = if n == WORK.len() {
        (
            "flaky (fails on purpose)",
            "echo this one fails on purpose >&2; exit 7",
        )
    } else {
        WORK[n % WORK.len()]
    };
    NewJob {
        source: SourceId::new(SOURCE),
        key: None,
        name: Some(name.to_owned()),
        runs_on: Selectors::new(["linux"]),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
        command: Command::Script(script.to_owned()),
        env: BTreeMap::new(),
        working_dir: None,
        timeout: Some(Duration::from_secs(60)),
        grace: DEFAULT_GRACE,
        retries: 0,
        expires_at: None,
        log_limit_bytes: DEFAULT_LOG_LIMIT_BYTES,
        log_pressure: None,
    }
}
