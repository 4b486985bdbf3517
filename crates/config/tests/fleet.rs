//! What the planner gets of a configuration, and what is refused or warned of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{ConfigTexts, Loaded, Platform, Problems, load_texts};
use headcount_model::{
    AgentKind, Cap, Fleet, IdleRule, LogPressure, Name, ProcessProgram, Recipe, Retry, Timeouts,
};

fn load(text: &str) -> Result<Loaded, Problems> {
    let platform = Platform {
        os: "linux".to_owned(),
        arch: "x86_64".to_owned(),
    };
    load_texts(ConfigTexts::single("c", text), &platform)
}

fn fleet(text: &str) -> Fleet {
    load(text).unwrap_or_else(|p| panic!("{p}")).fleet
}

fn scaler(lines: &str) -> String {
    format!("version: 1\nscalers:\n- name: Main\n  type: bare-metal\n  maxAgents: 5\n{lines}\n")
}

fn refusal(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

fn warning(text: &str) -> String {
    load(text)
        .unwrap_or_else(|p| panic!("{p}"))
        .warnings
        .to_string()
}

#[test]
fn a_plain_scaler_gets_every_default() {
    let fleet = fleet(&scaler("  labelSets: [{labels: [Linux, docker, linux]}]"));
    assert_eq!((fleet.max_agents, fleet.scalers.len()), (50, 1));
    let scaler = &fleet.scalers[0];
    assert_eq!(
        (scaler.backend.as_str(), scaler.priority),
        ("bare-metal", 0)
    );
    let pool = &scaler.pools[0];
    assert_eq!(pool.name.as_str(), "Main/docker+linux");
    assert_eq!(pool.labels.join(","), "docker,linux");
    assert_eq!(
        (pool.kind, pool.slots, pool.max_jobs),
        (AgentKind::Managed, 1, Some(1))
    );
    assert_eq!(
        (pool.timeouts, pool.retry),
        (Timeouts::default(), Retry::default())
    );
    assert_eq!(pool.log_pressure, LogPressure::Pause);
    let on_demand = IdleRule {
        keep: 0,
        idle_time: Duration::ZERO,
        max_idle_age: None,
        ..IdleRule::default()
    };
    assert_eq!(pool.idle, on_demand);
    let recipe = Recipe::Process {
        program: ProcessProgram::OwnAgent,
        env: [].into(),
        enforce_cgroups: false,
    };
    assert_eq!(*pool.recipe, recipe);
    assert_eq!(
        pool.system_labels.join(" "),
        "headcount:agent:bare-metal headcount:arch:amd64 headcount:arch:x64 headcount:os:linux \
         headcount:role:builder headcount:role:init-runner headcount:scaler:main \
         kici:agent:bare-metal kici:arch:amd64 kici:arch:x64 kici:os:linux kici:role:builder \
         kici:role:init-runner kici:scaler:main"
    );
}

#[test]
fn new_keys_reach_the_fleet() {
    let fleet = fleet(&scaler(
        "  priority: -3\n  policy: {kind: idle, idleCount: 1, idleTime: 30m, maxIdleAge: 1d}\n  \
         timeouts: {create: 5s, launch: 1m, claim: 2s, recovery: 40s, retire: 3s, destroy: 4s, lifetime: 8h}\n  \
         retry: {firstDelay: 2s, maxDelay: 4s, openAfter: 3}\n  enforceCgroups: true\n  \
         labelSets:\n  - labels: [a]\n    slots: 2\n    maxJobs: 8\n    binaryPath: /bin/agent\n    \
         backpressureMode: drop\n    env: {A: \"1\"}",
    ));
    let pool = &fleet.scalers[0].pools[0];
    assert_eq!(fleet.scalers[0].priority, -3);
    assert_eq!((pool.slots, pool.max_jobs), (2, Some(8)));
    assert_eq!(pool.idle.keep, 1);
    assert_eq!(pool.idle.max_idle_age, Some(Duration::from_secs(86_400)));
    assert_eq!(pool.timeouts.recovery, Duration::from_secs(40));
    assert_eq!(pool.timeouts.lifetime, Some(Duration::from_secs(8 * 3600)));
    assert_eq!(pool.retry.open_after, 3);
    assert_eq!(pool.log_pressure, LogPressure::Drop);
    let recipe = Recipe::Process {
        program: ProcessProgram::Agent("/bin/agent".to_owned()),
        env: [("A".to_owned(), "1".to_owned())].into(),
        enforce_cgroups: true,
    };
    assert_eq!(*pool.recipe, recipe);
}

#[test]
fn a_disabled_warm_pool_is_on_demand() {
    let pool = "  warmPool: {enabled: false, size: 2}\n  labelSets: [{labels: [a]}]";
    assert_eq!(fleet(&scaler(pool)).scalers[0].pools[0].idle.keep, 0);
}

#[test]
fn of_repeated_label_sets_the_first_wins() {
    let sets = "  labelSets: [{labels: [a], slots: 1}, {labels: [A], env: {B: c}}]";
    let fleet = fleet(&scaler(sets));
    assert_eq!(fleet.scalers[0].pools.len(), 1);
    assert!(
        matches!(&*fleet.scalers[0].pools[0].recipe, Recipe::Process { env, .. } if env.is_empty())
    );
}

#[test]
fn machine_pools_and_who_is_in_them_reach_the_fleet() {
    let pools = "machinePools: [{name: host, cap: {maxCpu: 4, maxMemory: 8g}}, {name: p, cap: {}}]";
    let fleet = fleet(&scaler(&format!(
        "  machinePool: host\n  labelSets: [{{labels: [a]}}]\n{pools}"
    )));
    assert_eq!(fleet.scalers[0].machine_pool, Some(Name::new("host")));
    let caps: Vec<_> = fleet.machine_pools.iter().map(|pool| pool.cap).collect();
    let host = Cap {
        max_cpu_millis: Some(4000),
        max_memory_bytes: Some(8 << 30),
    };
    assert_eq!(caps, [host, Cap::default()]);
    assert_eq!(
        fleet.machine_pool(&Name::new("p")).unwrap().name.as_str(),
        "p"
    );
    assert_eq!(fleet.machine_pool(&Name::new("other")), None);
}

#[test]
fn what_is_not_built_yet_is_refused() {
    let sets = "  labelSets: [{labels: [a]}]";
    for (lines, expected) in [
        (
            format!("  policy: {{kind: ratio}}\n{sets}"),
            "c:6:18: error: `kind` cannot be `ratio` (that policy is not built yet in this \
             version: only `idle` and `queue` are)",
        ),
        (
            format!("  triggers: []\n{sets}"),
            "c:6:13: error: `triggers` needs at least one item",
        ),
    ] {
        assert_eq!(refusal(&scaler(&lines)), expected);
    }
}

#[test]
fn contradictions_are_refused() {
    let sets = "  labelSets: [{labels: [a]}]";
    for (lines, expected) in [
        (
            "  labelSets: [{labels: [a], slots: 4}]".to_owned(),
            "c:6:36: error: an agent of one job in its life cannot run 4 at once (write \
             `maxJobs: unlimited`, or a number of at least 4)",
        ),
        (
            "  labelSets: [{labels: [a], slots: 4, maxJobs: 3}]".to_owned(),
            "c:6:48: error: an agent of 3 jobs in its life cannot run 4 at once (write \
             `maxJobs: unlimited`, or a number of at least 4)",
        ),
        (
            "  labelSets: [{labels: [a], command: [x], binaryPath: /y}]\n  policy: {kind: idle, \
             idleCount: 1}"
                .to_owned(),
            "c:6:55: error: `binaryPath` and `command` cannot stand together (keep `command` for \
             a program that finds its work by itself, `binaryPath` for an agent that is given \
             jobs)",
        ),
        (
            format!("  policy: {{kind: idle}}\n  warmPool: {{}}\n{sets}"),
            "c:7:13: error: `policy` and `warmPool` cannot stand together (keep `policy`: \
             `idleCount` is `size`, `idleTime` is `idleTimeoutSeconds`)",
        ),
        (
            format!("  retry: {{firstDelay: 10m}}\n{sets}"),
            "c:6:23: error: `firstDelay` (10m) is longer than `maxDelay` (5m) (write a longer \
             `maxDelay`, or a shorter `firstDelay`)",
        ),
        (
            format!("  timeouts: {{recovery: 30s}}\n{sets}"),
            "c:6:24: error: `recovery` must be from 31s to 31d",
        ),
        (
            "  labelSets: [{labels: [a, b]}, {labels: [a+b]}]".to_owned(),
            "c:6:42: error: the labels `a+b` and `a,b` would both name the pool `a+b` (write the \
             `+` in the label as another character)",
        ),
        (
            "  labelSets: [{labels: [a], env: {HEADCOUNT_AGENT_TOKEN_FILE: x}}]".to_owned(),
            "c:6:35: error: the variable `HEADCOUNT_AGENT_TOKEN_FILE` tells an agent who it is \
             (remove it: the daemon sets it)",
        ),
        (
            "  labelSets: [{labels: [a], env: {PORT: 80}}]".to_owned(),
            "c:6:41: error: the value of `PORT` must be a text (put it in quotes: \"80\")",
        ),
    ] {
        assert_eq!(refusal(&scaler(&lines)), expected);
    }
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let sets = "  labelSets: [{labels: [a]}]";
    for (lines, expected) in [
        (
            "  labelSets: [{labels: [a], image: x}]".to_owned(),
            "c:6:29: warning: `image` has no effect on a scaler of type `bare-metal` (remove it: \
             it is for the type `container` or `docker-machine`)",
        ),
        (
            "  labelSets: [{labels: [a], networkPolicy: {}}]".to_owned(),
            "c:6:29: warning: `networkPolicy` has no effect on a scaler of type `bare-metal` \
             (remove it: it is for the type `container` or `firecracker`)",
        ),
        (
            format!("  orchestratorUrl: ws://x\n{sets}"),
            "c:6:20: warning: `orchestratorUrl` has no effect on a scaler of this host (remove \
             it: agents of this host call the daemon's own listener)",
        ),
        (
            "  labelSets: [{labels: [a], command: [x]}]".to_owned(),
            "c:6:38: warning: nothing starts this program: no agent of it is kept (add `policy: \
             {kind: idle, idleCount: 1}` or `triggers` to the scaler)",
        ),
        (
            "  policy: {kind: idle, idleCount: 3}\n  labelSets: [{labels: [a]}, {labels: [b]}]"
                .to_owned(),
            "c:6:35: warning: 3 for each of 2 label sets is 6, more than `maxAgents` (5) (raise \
             `maxAgents` to 6 to keep all of them)",
        ),
        (
            "  resourceCap: {maxCpu: 2}\n  labelSets: [{labels: [a], resources: {cpus: 4}}]"
                .to_owned(),
            "c:7:40: warning: an agent of `labelSets[0]` asks for 4 CPUs, but `resourceCap` has 2 \
             (such an agent never starts; ask for less, or raise the cap)",
        ),
    ] {
        assert_eq!(warning(&scaler(&lines)), expected);
    }
}

/// A file with this policy of kind `idle`.
fn with_policy(policy: &str) -> String {
    format!(
        "version: 1\nscalers:\n- name: Main\n  type: bare-metal\n  maxAgents: 5\n  policy: \
         {{kind: idle, {policy}}}\n  labelSets: [{{labels: [a]}}]\n"
    )
}

fn told(policy: &str) -> String {
    let texts = headcount_config::ConfigTexts::single("c", with_policy(policy));
    match headcount_config::parse_texts(texts) {
        Ok(parsed) => parsed.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn a_price_is_a_number_that_is_not_negative_and_bounded() {
    let told = |price: &str| {
        let text = with_policy("idleCount: 0");
        let text = text.replace(
            "labels: [a]",
            &format!("labels: [a], pricePerHour: {price}"),
        );
        assert!(text.contains("pricePerHour"), "{text}");
        match headcount_config::parse_texts(headcount_config::ConfigTexts::single("c", text)) {
            Ok(parsed) => format!("{:?}", parsed.settings.scalers[0].label_sets[0].price),
            Err(problems) => problems.to_string(),
        }
    };
    assert_eq!(told("0.12"), "Some(Price(120000))");
    assert_eq!(told("0"), "Some(Price(0))");
    assert_eq!(told("3"), "Some(Price(3000000))");
    for wrong in ["-1", ".nan", ".inf", "1000000.1"] {
        assert_eq!(
            told(wrong).trim_end(),
            "c:7:43: error: `pricePerHour` must be a number from 0 to 1000000 (write for example \
             `0.12`)",
            "{wrong}"
        );
    }
}

#[test]
fn what_cannot_be_an_idle_rule_is_refused_where_it_stands() {
    for (policy, expected) in [
        (
            "maxGrowthRate: 0",
            "c:6:39: error: `maxGrowthRate` must be at least 1 (write for example `10`)",
        ),
        (
            "paidPeriod: 59s",
            "c:6:36: error: `paidPeriod` must be from 1m to 31d",
        ),
        (
            "compat: gitlab, paidPeriod: 1h",
            "c:6:52: error: `paidPeriod` and `compat: gitlab` cannot stand together (remove one of \
             them: that arithmetic knows no paid periods)",
        ),
        (
            "idleScaleFactor: -1",
            "c:6:41: error: `idleScaleFactor` must be a number of at least 0 (write for example \
             `0.5`)",
        ),
        (
            "idleScaleFactor: .nan",
            "c:6:41: error: `idleScaleFactor` must be a number of at least 0 (write for example \
             `0.5`)",
        ),
        (
            "idleCount: 2, idleScaleFactor: 1, idleCountMin: 3",
            "c:6:72: error: `idleCountMin` (3) is more than `idleCount` (2) (write at most 2)",
        ),
        (
            "idleCount: 2, compat: gitlab, idleScaleFactor: 1, idleCountMin: 3",
            "c:6:88: warning: `idleCountMin` (3) is more than `idleCount` (2) (write at most 2)",
        ),
        (
            "idleCount: 2, idleCountMin: 1",
            "c:6:52: warning: `idleCountMin` has no effect without `idleScaleFactor` (remove it, \
             or write how many are to be ready for each one in use)",
        ),
        (
            "compat: keda",
            "c:6:32: error: `compat: keda` is for a policy of kind `queue` (write `headcount` or \
             `gitlab`)",
        ),
        (
            "schedules: [{periods: ['* * 30 feb *']}]",
            "c:6:47: error: `periods[0]` never comes (write a day that exists)",
        ),
        (
            "schedules: [{periods: ['* * *']}]",
            "c:6:48: error: `periods[0]`: missing field(s): a pattern has 5 to 7 fields \
             ([second,] minute, hour, day of month, month, day of week [, year]), this has 3",
        ),
        (
            "schedules: [{periods: ['* 25 * * *']}]",
            "c:6:50: error: `periods[0]`: \"25\" is no hour: write a number from 0 to 23",
        ),
        (
            "schedules: [{periods: ['* 9 * * *'], timezone: Mars/Olympus}]",
            "c:6:71: error: there is no time zone `Mars/Olympus` (write an IANA name such as \
             `Europe/Berlin`, `UTC`, or `local`)",
        ),
        (
            "schedules: [{periods: []}]",
            "c:6:46: error: `periods` needs at least one item",
        ),
        (
            "schedules: [{periods: ['* 9 * * *'], idleCount: 6}]",
            "c:6:72: error: `idleCount` (6) is more than `maxAgents` (5) (write at most 5, or \
             raise `maxAgents`)",
        ),
    ] {
        assert_eq!(told(policy).trim_end(), expected, "{policy}");
    }
    let texts = "version: 1\nconcurrent: 4\nscalers: []\n";
    let texts = headcount_config::ConfigTexts::single("c", texts);
    let problems = headcount_config::parse_texts(texts)
        .unwrap_err()
        .to_string();
    assert!(problems.contains("write `globalMaxJobs`"), "{problems}");
}

/// What a schedule leaves out is as the policy says; the effective form says all of it.
#[test]
fn a_schedule_says_what_is_other_at_its_times() {
    let text = with_policy(
        "idleCount: 1, idleTime: 30m, idleScaleFactor: 0.5, compat: gitlab, maxGrowthRate: 3, \
         schedules: [{periods: ['* 9-17 * * mon-fri'], timezone: local, idleCount: 4}, \
         {periods: ['@daily'], idleTime: 1m, idleScaleFactor: 0}]",
    );
    let read = |text: &str| {
        let texts = headcount_config::ConfigTexts::single("c", text);
        headcount_config::parse_texts(texts).unwrap().settings
    };
    let settings = read(&text);
    let policy = &settings.scalers[0].readiness;
    let (rule, schedules) = (policy.idle_rule(), policy.schedules());
    assert_eq!((rule.keep, policy.max_growth()), (1, Some(3)));
    assert_eq!(schedules[0].timezone, "local");
    let first = schedules[0].rule;
    assert_eq!(first, headcount_model::IdleRule { keep: 4, ..rule });
    let second = schedules[1].rule;
    assert_eq!((second.keep, second.scale), (1, None));
    assert_eq!(second.idle_time, Duration::from_secs(60));
    let effective = headcount_config::effective_yaml(&settings);
    assert_eq!(read(&effective), settings, "{effective}");
}
