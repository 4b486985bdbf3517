use std::sync::Arc;

use headcount_model::{AgentKind, Labels, Name, PoolName, ProcessProgram, Recipe};

use super::*;
use crate::sample::{fleet, pool, scaler};

const GIB: u64 = 1 << 30;

fn one() -> Fleet {
    fleet([scaler("d", "linux", 4)])
}

/// What is said when this is done to the one scaler of a fleet.
fn said(mend: impl FnOnce(&mut ScalerSpec)) -> Vec<String> {
    let mut new = one();
    mend(&mut new.scalers[0]);
    match compare(&one(), &new).as_slice() {
        [] => Vec::new(),
        [PoolChange::Changed(pool, words)] if *pool == PoolName::new("d/linux") => words.clone(),
        other => panic!("{other:?}"),
    }
}

fn said_of_pool(mend: impl FnOnce(&mut PoolSpec)) -> Vec<String> {
    said(|scaler| mend(&mut scaler.pools[0]))
}

#[test]
fn the_same_twice_is_no_difference() {
    assert_eq!(compare(&one(), &one()), []);
}

#[test]
fn pools_come_and_go_and_the_fleet_comes_last() {
    let old = fleet([scaler("a", "linux", 1), scaler("b", "linux", 1)]);
    let mut new = fleet([scaler("b", "linux", 2), scaler("c", "linux", 1)]);
    new.max_agents = 60;
    assert_eq!(
        compare(&old, &new),
        [
            PoolChange::Added(PoolName::new("c/linux")),
            PoolChange::Removed(PoolName::new("a/linux")),
            PoolChange::Changed(
                PoolName::new("b/linux"),
                vec!["maxAgents: 1 -> 2".to_owned()]
            ),
            PoolChange::Fleet(vec!["globalMaxAgents: 500 -> 60".to_owned()]),
        ]
    );
}

#[test]
fn a_scaler_that_changes_changes_each_of_its_pools() {
    let two = |max| {
        let mut scaler = scaler("d", "linux", max);
        scaler.pools.push(pool("d", "arm"));
        fleet([scaler])
    };
    let words = vec!["maxAgents: 1 -> 2".to_owned()];
    assert_eq!(
        compare(&two(1), &two(2)),
        [
            PoolChange::Changed(PoolName::new("d/arm"), words.clone()),
            PoolChange::Changed(PoolName::new("d/linux"), words),
        ]
    );
}

#[test]
fn of_jobs_their_history_and_rollout_change_none() {
    let recipe = |template: &str, rollout, successful| KubernetesRecipe {
        cluster: headcount_model::ClusterAddress::default(),
        template: template.to_owned(),
        container: None,
        agent_url: None,
        pending_conditions: Vec::new(),
        history: headcount_model::HistoryLimits {
            successful,
            failed: 100,
        },
        rollout,
        labels: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
    };
    let of = |recipe| {
        let mut scaler = scaler("d", "linux", 4);
        scaler.pools[0].kind = AgentKind::Worker;
        scaler.pools[0].recipe = Arc::new(Recipe::Kubernetes(recipe));
        fleet([scaler])
    };
    for (template, rollout, expected) in [
        (
            "{}",
            Rollout::Immediate,
            &[
                "successfulJobsHistoryLimit: 100 -> 3",
                "rollout.strategy: gradual -> immediate",
            ][..],
        ),
        (
            "{\"backoffLimit\":0}",
            Rollout::Gradual,
            &[
                "successfulJobsHistoryLimit: 100 -> 3",
                "what its agents are made from: its agents end by themselves",
            ],
        ),
        (
            "{\"backoffLimit\":0}",
            Rollout::Immediate,
            &[
                "successfulJobsHistoryLimit: 100 -> 3",
                "rollout.strategy: gradual -> immediate",
                "what its agents are made from: its agents are ended and replaced",
            ],
        ),
    ] {
        let (old, new) = (
            recipe("{}", Rollout::Gradual, 100),
            recipe(template, rollout, 3),
        );
        let words = expected.iter().map(|word| (*word).to_owned()).collect();
        let changed = PoolChange::Changed(PoolName::new("d/linux"), words);
        assert_eq!(compare(&of(old), &of(new)), [changed]);
    }
}

fn program(machines: u8, lease: Option<u64>) -> Arc<Recipe> {
    Arc::new(Recipe::Program(headcount_model::ProgramRecipe {
        provisioner: headcount_model::ProvisionerAddress {
            program: "/opt/p".into(),
            contract: headcount_model::ProvisionerContract::Native,
            environment: Vec::new(),
            config: None,
        },
        options: "{}".into(),
        env: std::collections::BTreeMap::new(),
        agent_binary: None,
        agent_url: None,
        batch: headcount_model::CreateBatch::new(machines),
        lease_time: lease.map(Duration::from_secs),
    }))
}

#[test]
fn how_many_machines_a_call_asks_for_replaces_nobody() {
    let of = |machines| {
        let mut scaler = scaler("d", "linux", 4);
        scaler.pools[0].recipe = program(machines, None);
        fleet([scaler])
    };
    let words = vec!["createBatch: 1 -> 20".to_owned()];
    let changed = PoolChange::Changed(PoolName::new("d/linux"), words);
    assert_eq!(compare(&of(1), &of(20)), [changed]);
}

#[test]
fn leases_are_named_and_replace_nobody() {
    let of = |lease: Option<u64>, after: Option<u64>| {
        let mut scaler = scaler("d", "linux", 4);
        scaler.reap_others_after = after.map(Duration::from_secs);
        scaler.pools[0].recipe = program(1, lease);
        fleet([scaler])
    };
    let words = ["reapOthersAfter: never -> 1m30s", "leaseTime: none -> 1h"];
    let words = words.map(str::to_owned).to_vec();
    let changed = PoolChange::Changed(PoolName::new("d/linux"), words);
    assert_eq!(
        compare(&of(None, None), &of(Some(3600), Some(90))),
        [changed]
    );
}

#[test]
fn label_sets_in_another_order_are_the_same() {
    let ordered = |labels: [&str; 2]| {
        let mut scaler = scaler("d", labels[0], 1);
        scaler.pools.push(pool("d", labels[1]));
        fleet([scaler])
    };
    let (old, new) = (ordered(["linux", "arm"]), ordered(["arm", "linux"]));
    assert_eq!(compare(&old, &new), []);
}

#[test]
fn caps_are_in_cpus_and_units() {
    let mut old = one();
    old.resource_cap.max_memory_bytes = Some(6 * GIB);
    let mut new = old.clone();
    new.resource_cap = Cap {
        max_cpu_millis: Some(2500),
        max_memory_bytes: Some(GIB * 3 / 2),
    };
    assert_eq!(
        compare(&old, &new),
        [PoolChange::Fleet(vec![
            "globalResourceCap.maxCpu: no limit -> 2.5".to_owned(),
            "globalResourceCap.maxMemory: 6g -> 1536m".to_owned(),
        ])]
    );
}

#[test]
fn what_a_scaler_says() {
    let words = said(|scaler| {
        scaler.priority = 5;
        scaler.mandatory = Labels::new(["gpu", "cuda"]);
        scaler.roles = Roles::Only(vec![Role::Builder, Role::InitRunner]);
        scaler.backend = headcount_model::BackendId::new("elsewhere");
        scaler.machine_pool = Some(Name::new("shared"));
        scaler.resource_cap.max_cpu_millis = Some(16_000);
    });
    assert_eq!(
        words,
        [
            "priority: 0 -> 5",
            "mandatoryLabels: none -> cuda,gpu",
            "roles: all -> builder,init-runner",
            "backend: bare-metal -> elsewhere",
            "machinePool: none -> shared",
            "where its agents are reserved: idle agents are replaced",
            "resourceCap.maxCpu: no limit -> 16",
        ]
    );
    assert_eq!(
        said(|scaler| scaler.roles = Roles::Only(Vec::new())),
        ["roles: all -> none"]
    );
}

#[test]
fn the_idle_rule_and_the_number_of_jobs() {
    let words = said_of_pool(|pool| {
        pool.idle.keep = 2;
        pool.idle.idle_time = Duration::from_secs(30);
        pool.idle.max_idle_age = Some(Duration::from_secs(5400));
        pool.max_jobs = None;
    });
    assert_eq!(
        words,
        [
            "idleCount: 0 -> 2",
            "idleTime: 0s -> 30s",
            "maxIdleAge: never -> 1h30m",
            "maxJobs: 1 -> unlimited",
        ]
    );
}

#[test]
fn resources_name_the_layer_and_the_amount() {
    let words = said_of_pool(|pool| {
        pool.layers.label_set.requests.cpu_millis = Some(500);
        pool.layers.label_set.limits.memory_bytes = Some(2 * GIB);
        pool.layers.defaults.requests.memory_bytes = Some(1000);
    });
    assert_eq!(
        words,
        [
            "resources.requests.cpus: unset -> 0.5",
            "resources.limits.memory: unset -> 2g",
            "defaults.resources.requests.memory: unset -> 1000 bytes",
        ]
    );
}

#[test]
fn timeouts_and_retry_name_only_what_differs() {
    let words = said_of_pool(|pool| {
        pool.timeouts.launch = Duration::from_secs(600);
        pool.timeouts.retire = Duration::from_millis(1500);
        pool.timeouts.lifetime = Some(Duration::from_secs(7200));
        pool.retry.first_delay = Duration::from_millis(500);
        pool.retry.max_delay = Duration::from_secs(86_400);
        pool.retry.open_after = 3;
    });
    assert_eq!(
        words,
        [
            "timeouts.launch: 5m -> 10m",
            "timeouts.retire: 10s -> 1s500ms",
            "timeouts.lifetime: never -> 2h",
            "retry.firstDelay: 1s -> 500ms",
            "retry.maxDelay: 5m -> 1d",
            "retry.openAfter: 5 -> 3",
        ]
    );
}

#[test]
fn agents_are_replaced_where_they_would_be_made_otherwise() {
    let replaced = ["what its agents are made from: idle agents are replaced"];
    assert_eq!(said_of_pool(|pool| pool.slots = 2), replaced);
    assert_eq!(
        said_of_pool(|pool| pool.kind = AgentKind::Sidecar),
        replaced
    );
    let recipe = Recipe::Process {
        program: ProcessProgram::Agent("/other".to_owned()),
        env: std::collections::BTreeMap::new(),
        enforce_cgroups: false,
    };
    assert_eq!(
        said_of_pool(|pool| pool.recipe = Arc::new(recipe)),
        replaced
    );
}
