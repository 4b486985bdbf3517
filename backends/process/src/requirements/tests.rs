use super::*;
use crate::cgroup::CgroupMode;
use headcount_model::{
    AgentKind, BackendId, Cap, IdleRule, Labels, Layer, Layers, LogPressure, OwnerId, Partial,
    Retry, Roles, Timeouts,
};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn scaler(program: ProcessProgram, env: &[(&str, &str)], enforce_cgroups: bool) -> ScalerSpec {
    let owned = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    let pool = PoolSpec {
        name: "x/linux".into(),
        labels: Labels::new(["linux"]),
        system_labels: Labels::default(),
        kind: AgentKind::Managed,
        slots: 1,
        max_jobs: Some(1),
        layers: Layers {
            label_set: Layer {
                limits: Partial {
                    cpu_millis: Some(500),
                    memory_bytes: None,
                },
                ..Layer::default()
            },
            defaults: Layer::default(),
        },
        idle: IdleRule {
            keep: 0,
            idle_time: Duration::ZERO,
            max_idle_age: None,
            ..IdleRule::default()
        },
        schedules: Arc::default(),
        max_growth: None,
        queue: None,
        timeouts: Timeouts::default(),
        retry: Retry::default(),
        price: None,
        log_pressure: LogPressure::Pause,
        recipe: Arc::new(Recipe::Process {
            program,
            env: owned.collect(),
            enforce_cgroups,
        }),
    };
    ScalerSpec {
        name: "x".into(),
        backend: BackendId::new("bare-metal"),
        max_agents: 1,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::Unrestricted,
        priority: 0,
        reap_others_after: None,
        pools: vec![pool],
    }
}

fn options(path: &Path, forwarded: &[(&str, &str)]) -> ProcessOptions {
    let owned = forwarded
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    ProcessOptions {
        state_dir: path.to_owned(),
        owner: OwnerId::new("o"),
        own_binary: path.join("none"),
        agent_url: String::new(),
        forwarded: owned.collect(),
        host_env: BTreeMap::from([("PATH".to_owned(), path.display().to_string())]),
        output_limit: 4096,
        cgroups: CgroupMode::Detect,
    }
}

fn missing(why: &str) -> CgroupSupport {
    CgroupSupport::Missing { why: why.into() }
}

fn check(scaler: &ScalerSpec, options: &ProcessOptions) -> Vec<String> {
    check_requirements([scaler], options, &missing("no cgroup can be made"))
}

#[test]
fn b4_the_sandbox_is_needed_for_exactly_true() {
    let dir = tempfile::tempdir().unwrap();
    let plain = options(dir.path(), &[]);
    let at = dir.path().display();
    let expected = format!(
        "scaler `x`: `KICI_SANDBOX` is `true`, but program `bwrap` not found in PATH ({at}); \
         install it or write its full path"
    );
    let own = || ProcessProgram::OwnAgent;
    let wanted = scaler(own(), &[("KICI_SANDBOX", "true")], false);
    assert_eq!(check(&wanted, &plain), std::slice::from_ref(&expected));
    for other in ["1", "yes", "", "True"] {
        let scaler = scaler(own(), &[("KICI_SANDBOX", other)], false);
        assert_eq!(check(&scaler, &plain), Vec::<String>::new(), "{other}");
    }
    let forwarded = options(dir.path(), &[("KICI_SANDBOX", "true")]);
    assert_eq!(check(&scaler(own(), &[], false), &forwarded), [expected]);

    let bwrap = dir.path().join("bwrap");
    std::fs::write(&bwrap, "").unwrap();
    std::fs::set_permissions(&bwrap, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(check(&wanted, &plain), Vec::<String>::new());
}

#[test]
fn programs_must_be_executable() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), &[]);
    let binary = scaler(ProcessProgram::Agent("/none/agent".into()), &[], false);
    assert_eq!(
        check(&binary, &options),
        ["scaler `x`: program `/none/agent` not found; check the path"]
    );
    let worker = scaler(ProcessProgram::Worker(vec!["tool".into()]), &[], false);
    assert_eq!(
        check(&worker, &options),
        [format!(
            "scaler `x`: program `tool` not found in PATH ({}); install it or write its full path",
            dir.path().display()
        )]
    );
    let path = scaler(
        ProcessProgram::Worker(vec!["sh".into()]),
        &[("PATH", "/bin")],
        false,
    );
    assert_eq!(check(&path, &options), Vec::<String>::new());
}

#[test]
fn limits_that_cannot_be_enforced_are_told_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), &[]);
    let scaler = scaler(ProcessProgram::OwnAgent, &[], true);
    assert_eq!(
        check(&scaler, &options),
        [
            "scaler `x`: `enforceCgroups` needs cgroups for its limits, but no cgroup can be made; \
          run the daemon under systemd, give it a cgroup it may write to, or set \
          `enforceCgroups: false`"
        ]
    );
    let unified = CgroupSupport::Unified { base: "/x".into() };
    assert_eq!(
        check_requirements([&scaler], &options, &unified),
        Vec::<String>::new()
    );
}
