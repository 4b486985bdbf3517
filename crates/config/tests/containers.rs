//! Scalers of container engines: what reaches the fleet, and what is refused or warned of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use headcount_config::{ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts};
use headcount_model::{
    AgentKind, ContainerNetwork, ContainerProgram, ContainerRecipe, PoolSpec, PullPolicy, Recipe,
};

fn load(scaler: &str, set: &str) -> Result<Loaded, Problems> {
    let platform = Platform {
        os: "linux".to_owned(),
        arch: "x86_64".to_owned(),
    };
    let text = format!(
        "version: 1\nscalers:\n- name: box\n  type: container\n  maxAgents: 5\n{scaler}  \
         labelSets:\n  - labels: [a]\n    image: busybox:1\n{set}"
    );
    load_texts(ConfigTexts::single("c", text), &platform)
}

fn good(scaler: &str, set: &str) -> (String, PoolSpec) {
    let loaded = load(scaler, set).unwrap_or_else(|p| panic!("{p}"));
    // What is printed as effective means the same.
    let again = ConfigTexts::single("c", effective_yaml(&loaded.settings));
    let again = load_texts(again, &Platform::current()).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(again.settings, loaded.settings);
    let scaler = loaded.fleet.scalers.into_iter().next().unwrap();
    let pool = scaler.pools.into_iter().next().unwrap();
    (scaler.backend.to_string(), pool)
}

fn recipe(pool: &PoolSpec) -> &ContainerRecipe {
    match &*pool.recipe {
        Recipe::Container(recipe) => recipe,
        other => panic!("not a container: {other:?}"),
    }
}

#[test]
fn each_engine_is_a_backend_of_its_own() {
    for (scaler, backend) in [
        ("", "container"),
        ("  runtime: docker\n", "container:docker"),
        ("  runtime: podman\n", "container:podman"),
        (
            "  socketPath: /run/user/7/podman/podman.sock\n",
            "container:/run/user/7/podman/podman.sock",
        ),
    ] {
        assert_eq!(good(scaler, "").0, backend);
    }
    let remote = "  host: tcp://192.0.2.7:2376\n  orchestratorUrl: ws://192.0.2.1:4000\n  \
                  networkIsolation: false\n";
    let (backend, pool) = good(remote, "    agent: image\n");
    assert_eq!(backend, "container:tcp://192.0.2.7:2376");
    let program = ContainerProgram::ImageAgent {
        orchestrator_url: Some("ws://192.0.2.1:4000".to_owned()),
    };
    assert_eq!(recipe(&pool).program, program);
    assert_eq!(pool.kind, AgentKind::Managed);
}

#[test]
fn what_a_container_is_made_of_reaches_the_fleet() {
    let (_, pool) = good(
        "  extraHosts: [\"db:host-gateway\"]\n  networkIsolation: false\n",
        "    imagePullPolicy: IfNotPresent\n    volumes: [\"/a:/b:ro\"]\n    env: {A: b}\n    \
         command: [work, -x]\n",
    );
    assert_eq!((pool.kind, pool.max_jobs), (AgentKind::Worker, None));
    let recipe = recipe(&pool);
    assert_eq!(recipe.pull, PullPolicy::IfNotPresent);
    assert_eq!(recipe.volumes, ["/a:/b:ro"]);
    assert_eq!(recipe.extra_hosts, ["db:host-gateway"]);
    assert_eq!(recipe.env["A"], "b");
    assert_eq!(recipe.network, ContainerNetwork::Open);
    let argv = vec!["work".to_owned(), "-x".to_owned()];
    assert_eq!(recipe.program, ContainerProgram::Worker(argv));
}

#[test]
fn containers_are_isolated_unless_the_file_says_otherwise() {
    let (_, pool) = good(
        "",
        "    networkPolicy: {allowlist: [10.1.0.0/16], denyAll: true}\n",
    );
    let ContainerNetwork::Isolated(rules) = &recipe(&pool).network else {
        panic!("not isolated");
    };
    assert!(rules.deny_all);
    assert_eq!(rules.allow.len(), 1);
}

#[test]
fn contradictions_are_refused() {
    for (scaler, set, expected) in [
        (
            "  networkIsolation: false\n  host: tcp://h:1\n  socketPath: /s\n",
            "    command: [x]\n",
            "c:8:15: error: `host` and `socketPath` cannot stand together (keep `host` for an \
             engine of another machine, `socketPath` for one of this)",
        ),
        (
            "  networkIsolation: false\n  host: tcp://h:1\n",
            "",
            "c:9:5: error: this program cannot be mounted into containers of a remote engine \
             (write `agent: image` for an image that has the agent in it, and `orchestratorUrl` \
             on the scaler)",
        ),
        (
            "  networkIsolation: false\n  host: tcp://h:1\n",
            "    agent: image\n",
            "c:11:12: error: an agent on a remote engine is not told where this daemon is (write \
             `orchestratorUrl` on the scaler)",
        ),
        (
            "  networkIsolation: false\n  host: tcp://h:1\n  orchestratorUrl: ws://h:2\n",
            "    agent: image\n    containerSocket: true\n",
            "c:13:22: error: a remote engine has no socket to share (remove `containerSocket`, \
             or use an engine of this host)",
        ),
        (
            "  host: tcp://h:1\n  orchestratorUrl: ws://h:2\n",
            "    agent: image\n",
            "c:6:9: error: containers of a remote engine cannot be isolated from here (write \
             `networkIsolation: false`, and guard that host's network yourself)",
        ),
        (
            "",
            "    agent: image\n    command: [x]\n",
            "c:9:12: error: `agent` and `command` cannot stand together (keep `command` for a \
             program that finds its work by itself, `agent` for one that is given jobs)",
        ),
    ] {
        let refused = load(scaler, set).unwrap_err().to_string();
        let first = refused.lines().next().unwrap();
        assert_eq!(first, expected);
    }
}

#[test]
fn what_gives_much_away_or_has_no_effect_is_warned_of() {
    for (scaler, set, expected) in [
        (
            "",
            "    containerSocket: true\n",
            "c:9:22: warning: `containerSocket` gives every job of this label set this host (use \
             it for trusted jobs only)",
        ),
        (
            "  orchestratorUrl: ws://h:2\n",
            "",
            "c:6:20: warning: `orchestratorUrl` has no effect on a mounted agent (remove it, or \
             write `agent: image`: a mounted agent uses the daemon's socket)",
        ),
    ] {
        let warned = load(scaler, set).unwrap().warnings.to_string();
        assert_eq!(warned, expected);
    }
}
