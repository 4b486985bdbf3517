//! The vectors C and M of section 18 of the `scalers.yaml` reference that concern
//! loading, named by their numbers; L3 to L5 are in `vectors_labels.rs`.
//!
//! Exceptions, and where the others are:
//! - C3, bare-metal part: `binaryPath` is optional here; the default is this program's
//!   own agent.
//! - C7, `kubernetes`: a type here; `kubernetes.rs` has its tests.
//! - M1 to M3 are also tests of `value/memory.rs`, L1 and L2 of `headcount-model`.
//! - L6 to L20 are about matching, which is the planner's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use headcount_config::settings::{
    Backend, NetworkPolicy, PullPolicy, Readiness, Template, WarmPool,
};
use headcount_config::{ConfigTexts, Settings, parse_memory, parse_texts};
use headcount_model::{EngineKind, LogPressure, Partial, Role, Roles};

fn parse(text: &str) -> Result<Settings, String> {
    match parse_texts(ConfigTexts::single("c", text)) {
        Ok(parsed) => Ok(parsed.settings),
        Err(problems) => Err(problems.to_string()),
    }
}

fn ok(text: &str) -> Settings {
    parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// The text is refused, and its first problem holds these words.
fn refused(text: &str, words: &str) {
    let problems = parse(text).expect_err(text);
    let first = problems.lines().next().unwrap();
    assert!(first.contains(words), "{text}\n{problems}");
}

/// A container scaler with these further lines at the scaler and at its label set.
fn container(scaler: &str, set: &str) -> String {
    format!(
        "version: 1\nscalers:\n- name: main\n  type: container\n  maxAgents: 5\n{scaler}\n  \
         labelSets:\n  - labels: [linux, docker]\n    image: agent:1\n{set}\n"
    )
}

/// A file with this top level before one bare-metal scaler with these lines.
fn bare(top: &str, scaler: &str) -> String {
    format!(
        "version: 1\n{top}\nscalers:\n- name: main\n  type: bare-metal\n  maxAgents: 5\n{scaler}\n"
    )
}

const SETS: &str = "  labelSets: [{labels: [linux]}]";

fn firecracker(left_out: &str) -> String {
    let keys = [
        "firecrackerPath: /fc",
        "jailerPath: /jailer",
        "kernelPath: /kernel",
        "uid: 1000",
        "gid: 1000",
    ];
    let keys = keys
        .iter()
        .filter(|key| !key.starts_with(left_out) || left_out.is_empty());
    let keys: String = keys.map(|key| format!("  {key}\n")).collect();
    format!(
        "version: 1\nscalers:\n- name: vm\n  type: firecracker\n  maxAgents: 5\n{keys}  \
         labelSets: [{{labels: [linux], rootfsPath: /rootfs}}]\n"
    )
}

#[test]
fn c1_container_defaults() {
    let settings = ok(&container("", ""));
    assert_eq!(settings.global_max_agents, 50);
    let scaler = &settings.scalers[0];
    assert_eq!(scaler.roles, Roles::Unrestricted);
    assert!(scaler.mandatory_labels.is_empty());
    let Backend::Container(engine) = &scaler.backend else {
        panic!("{:?}", scaler.backend);
    };
    assert_eq!(
        (engine.runtime, engine.network_isolation),
        (EngineKind::Any, true)
    );
    let Template::Container(template) = &scaler.label_sets[0].template else {
        panic!("{scaler:?}");
    };
    assert!(!template.container_socket);
    assert_eq!(template.image_pull_policy, PullPolicy::Always);
}

#[test]
fn c2_version() {
    refused("version: 2\nscalers: []\n", "`version` must be 1");
    refused("scalers: []\n", "the main file needs the key `version`");
    refused(
        "version: '1'\nscalers: []\n",
        "`version` must be a whole number",
    );
}

#[test]
fn c3_what_agents_are_made_of() {
    let set = "  labelSets: [{labels: [a], image: x}, {labels: [b]}]";
    let text =
        format!("version: 1\nscalers:\n- name: m\n  type: container\n  maxAgents: 1\n{set}\n");
    refused(
        &text,
        "`labelSets[1]` of type `container` needs the key `image`",
    );
    let text = firecracker("").replace(", rootfsPath: /rootfs", "");
    refused(
        &text,
        "`labelSets[0]` of type `firecracker` needs the key `rootfsPath`",
    );
    ok(&bare("", SETS));
}

#[test]
fn c4_firecracker_needs_five_keys() {
    for key in ["firecrackerPath", "jailerPath", "kernelPath", "uid", "gid"] {
        refused(&firecracker(key), &format!("needs the key `{key}`"));
    }
    let none = firecracker("").replace("  firecrackerPath: /fc\n", "");
    let none = none
        .replace("  jailerPath: /jailer\n", "")
        .replace("  kernelPath: /kernel\n", "");
    let none = none
        .replace("  uid: 1000\n", "")
        .replace("  gid: 1000\n", "");
    assert_eq!(parse(&none).unwrap_err().lines().count(), 5);
}

#[test]
fn c5_firecracker_defaults() {
    let settings = ok(&firecracker(""));
    let Backend::Firecracker(host) = &settings.scalers[0].backend else {
        panic!("{settings:?}");
    };
    assert_eq!(host.chroot_base_dir, "/srv/jailer");
    assert_eq!((host.vcpu_count, host.mem_size_mib), (2, 512));
    assert!(!host.require_sudo);
    let Template::Firecracker(template) = &settings.scalers[0].label_sets[0].template else {
        panic!("{settings:?}");
    };
    assert_eq!(template.overlay_drive_size_mib, 2048);
}

#[test]
fn c6_numbers_and_empty_lists() {
    refused(
        &bare("globalMaxAgents: 0", SETS),
        "`globalMaxAgents` must be at least 1",
    );
    let text = bare("", SETS).replace("maxAgents: 5", "maxAgents: 1.5");
    refused(&text, "`maxAgents` must be a whole number");
    refused(
        &bare("", "  labelSets: [{labels: []}]"),
        "`labels` needs at least one item",
    );
    refused(
        &bare("", "  labelSets: []"),
        "`labelSets` needs at least one item",
    );
}

#[test]
fn c7_other_types() {
    let with = |word| container("", "").replace("type: container", &format!("type: {word}"));
    refused(
        &with("docker"),
        "`type` cannot be `docker` (write `container`",
    );
    refused(
        &with("docker+machine"),
        "`type` cannot be `docker+machine` (write `docker-machine`)",
    );
    refused(&with("baremetal"), "(write `bare-metal`)");
}

#[test]
fn c8_unknown_and_removed_keys() {
    for (line, hint) in [
        ("  dockerHost: x", "(write `host`)"),
        ("  dockerSocket: x", "(write `socketPath`)"),
        ("  maxAgent: 3", "(write `maxAgents`)"),
        ("  cleanable: true", "(remove it"),
        ("  image: x", "(`image` is a key of a label set)"),
    ] {
        refused(&container(line, ""), hint);
    }
}

#[test]
fn c9_unknown_keys_are_refused_everywhere() {
    refused(
        &bare("globalMaxAgent: 3", SETS),
        "(write `globalMaxAgents`)",
    );
    refused(&bare("firecracker: {cdir: x}", SETS), "(write `cidr`)");
    refused(
        &bare("defaults: {resource: {}}", SETS),
        "(write `resources`)",
    );
    refused(
        &bare("", &format!("  warmPool: {{siz: 1}}\n{SETS}")),
        "(write `size`)",
    );
    refused(
        &container("", "    networkPolicy: {denyall: true}"),
        "(write `denyAll`)",
    );
}

#[test]
fn c10_reserved_labels() {
    for label in ["KICI:x", "kici:role:builder", "headcount:x"] {
        let own = bare("", &format!("  labelSets: [{{labels: [\"{label}\"]}}]"));
        refused(&own, "which is kept for system labels");
        let gate = bare("", &format!("  mandatoryLabels: [\"{label}\"]\n{SETS}"));
        refused(&gate, "which is kept for system labels");
    }
}

#[test]
fn c11_c13_a_mandatory_label_is_in_every_set() {
    let sets =
        "  mandatoryLabels: [gpu]\n  labelSets: [{labels: [linux, gpu]}, {labels: [linux, cpu]}]";
    refused(
        &bare("", sets),
        "`labelSets[1]` lacks the mandatory label `gpu`",
    );
    let sets =
        "  mandatoryLabels: [m]\n  labelSets: [{labels: [m]}, {labels: [m, b]}, {labels: [c]}]";
    refused(
        &bare("", sets),
        "`labelSets[2]` lacks the mandatory label `m`",
    );
}

#[test]
fn c12_case_of_mandatory_labels_does_not_count() {
    ok(&bare(
        "",
        "  mandatoryLabels: [GPU]\n  labelSets: [{labels: [linux, gpu]}]",
    ));
}

#[test]
fn c14_roles() {
    let roles = |list: &str| {
        ok(&bare("", &format!("  roles: {list}\n{SETS}"))).scalers[0]
            .roles
            .clone()
    };
    assert_eq!(roles("[builder, all]"), Roles::Unrestricted);
    assert_eq!(roles("[all]"), Roles::Unrestricted);
    assert_eq!(roles("[]"), Roles::Only(vec![]));
    assert_eq!(roles("[builder]"), Roles::Only(vec![Role::Builder]));
    let both = Roles::Only(vec![Role::Builder, Role::InitRunner]);
    assert_eq!(roles("[init-runner, builder, builder]"), both);
    refused(
        &bare("", &format!("  roles: [unknown]\n{SETS}")),
        "`roles[0]` cannot be `unknown`",
    );
}

#[test]
fn c15_warm_pool() {
    let pool = |inside: &str| bare("", &format!("  warmPool: {{{inside}}}\n{SETS}"));
    let expected = WarmPool {
        enabled: true,
        size: 0,
        idle_timeout_seconds: 300,
    };
    let settings = ok(&pool("enabled: true"));
    assert_eq!(settings.scalers[0].readiness, Readiness::WarmPool(expected));
    refused(&pool("size: -1"), "`size` must be at least 0");
    refused(&pool("size: 6"), "`size` (6) is more than `maxAgents` (5)");
    refused(
        &pool("idleTimeoutSeconds: -1"),
        "`idleTimeoutSeconds` must be from 0 to 2678400",
    );
}

#[test]
fn c16_backpressure_mode() {
    let mode = |word| {
        bare(
            "",
            &format!("  labelSets: [{{labels: [a], backpressureMode: {word}}}]"),
        )
    };
    let read = |word| ok(&mode(word)).scalers[0].label_sets[0].log_pressure;
    assert_eq!(
        (read("pause"), read("drop")),
        (LogPressure::Pause, LogPressure::Drop)
    );
    refused(&mode("other"), "`backpressureMode` cannot be `other`");
}

#[test]
fn c17_machine_pools() {
    refused(
        &bare("", &format!("  machinePool: nope\n{SETS}")),
        "there is no machine pool `nope`",
    );
    let twice = "machinePools: [{name: p, cap: {}}, {name: p, cap: {}}]";
    refused(&bare(twice, SETS), "a second machine pool has the name `p`");
    let known = bare(
        "machinePools: [{name: p, cap: {}}]",
        &format!("  machinePool: p\n{SETS}"),
    );
    assert_eq!(ok(&known).scalers[0].machine_pool.as_deref(), Some("p"));
    refused(
        &bare("machinePools: [{name: p}]", SETS),
        "a machine pool needs the key `cap`",
    );
}

#[test]
fn c18_caps() {
    let cap = |text: &str| bare(&format!("globalResourceCap: {{maxMemory: {text}}}"), SETS);
    let cap_of = ok(&cap("64g")).global_resource_cap;
    assert_eq!(cap_of.max_memory_bytes, Some(68_719_476_736));
    refused(
        &cap("4gb"),
        "`maxMemory`: `4gb` is not an amount of memory (write `4g`)",
    );
}

fn with_resources(text: &str) -> String {
    bare(
        "",
        &format!("  labelSets: [{{labels: [a], resources: {text}}}]"),
    )
}

#[test]
fn c19_flat_resources_are_both() {
    let layer = ok(&with_resources("{cpus: 2, memory: 4g}")).scalers[0].label_sets[0].resources;
    let both = Partial {
        cpu_millis: Some(2000),
        memory_bytes: Some(4 << 30),
    };
    assert_eq!((layer.requests, layer.limits), (both, both));
}

#[test]
fn c20_mixed_resources() {
    let text = with_resources("{cpus: 1, limits: {cpus: 2}}");
    refused(&text, "`cpus` and `limits` cannot stand together");
}

#[test]
fn c21_cpus() {
    for wrong in ["0", "257"] {
        refused(
            &with_resources(&format!("{{cpus: {wrong}}}")),
            "cannot be asked for",
        );
    }
    ok(&with_resources("{cpus: 256}"));
    ok(&with_resources("{}"));
}

#[test]
fn c22_network_policy() {
    let policy = |text: &str| {
        let settings = ok(&container("", &format!("    networkPolicy: {text}")));
        match &settings.scalers[0].label_sets[0].template {
            Template::Container(template) => template.network_policy.clone().unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let denied = NetworkPolicy {
        allowlist: None,
        deny_all: true,
    };
    assert_eq!(policy("{denyAll: true}"), denied);
    let listed = policy("{allowlist: [10.0.1.0/24, 10.9.9.9, 'fd00:1::/64']}");
    let networks = ["10.0.1.0/24", "10.9.9.9/32", "fd00:1::/64"].map(|text| text.parse().unwrap());
    assert_eq!(listed.allowlist, Some(networks.to_vec()));
    assert!(!listed.deny_all);
    let address = "is not a network: it does not begin with an IPv4 or IPv6 address";
    for (wrong, why) in [
        (
            "10.0.0.0/33",
            "`10.0.0.0/33` is not a network: its prefix length is not a number from 0 to 32",
        ),
        (
            "10.0.0.0/",
            "its prefix length is not a number from 0 to 32",
        ),
        (
            "'fd00::/129'",
            "its prefix length is not a number from 0 to 128",
        ),
        ("10.0.0.256/8", address),
        ("x", address),
    ] {
        let text = container("", &format!("    networkPolicy: {{allowlist: [{wrong}]}}"));
        refused(&text, why);
    }
}

#[test]
fn c23_firecracker_network_defaults() {
    let network = ok(&bare("firecracker: {}", SETS)).firecracker;
    assert_eq!(network.cidr, ([10, 0, 0, 0].into(), 24));
    assert_eq!(
        (network.bridge_name.as_str(), network.table.as_str()),
        ("kici-br0", "kici")
    );
    assert_eq!(network.gateway.to_string(), "10.0.0.1");
    assert_eq!(network.netmask.to_string(), "255.255.255.0");
}

#[test]
fn c24_drop_ins_follow_the_main_file_in_name_order() {
    let dir = tempfile::tempdir().unwrap();
    let one = |name: &str, label: &str| {
        format!(
            "scalers: [{{name: {name}, type: bare-metal, maxAgents: 1, labelSets: [{{labels: [{label}]}}]}}]"
        )
    };
    let files = [
        ("02-arm.yml", one("arm", "arm64")),
        ("README.md", "not: [yaml".to_owned()),
        ("01-gpu.yaml", one("gpu", "gpu")),
    ];
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let main = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(main.path(), format!("version: 1\n{}", one("main", "linux"))).unwrap();
    let paths = headcount_config::ConfigPaths {
        main: main.path().to_owned(),
        dir: Some(dir.path().to_owned()),
    };
    let texts = headcount_config::read_texts(&paths).unwrap();
    let settings = parse_texts(texts).unwrap().settings;
    let names: Vec<&str> = settings.scalers.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["main", "gpu", "arm"]);
}

#[test]
fn c25_duplicates_bad_labels_and_memory() {
    let again = "- {name: MAIN, type: bare-metal, maxAgents: 1, labelSets: [{labels: [b]}]}";
    refused(
        &format!("{}{again}\n", bare("", SETS)),
        "a second scaler has the name `MAIN`",
    );
    refused(
        &bare("", "  labelSets: [{labels: ['']}]"),
        "a label must not be empty",
    );
    refused(
        &bare("", "  labelSets: [{labels: ['a,b']}]"),
        "the label `a,b` holds a comma",
    );
    refused(
        &with_resources("{memory: lots}"),
        "`lots` is not an amount of memory",
    );
    let limits = "{requests: {cpus: 2}, limits: {cpus: 1}}";
    refused(
        &with_resources(limits),
        "the limit of `cpus` (1) is below its request (2)",
    );
}

#[test]
fn m1_m2_m3_in_the_file() {
    let read = |text: &str| {
        let quoted = format!("{{memory: \"{text}\"}}");
        let settings = parse(&with_resources(&quoted))?;
        Ok::<_, String>(
            settings.scalers[0].label_sets[0]
                .resources
                .limits
                .memory_bytes,
        )
    };
    for text in ["512m", "2G", "1024K", "1.5g", "2 g", "0.5k", "0m"] {
        assert_eq!(read(text).unwrap(), parse_memory(text).ok(), "{text}");
    }
    for text in [
        "512", "abc", "", "512b", "2gb", "2Gi", "1t", "-1g", " 2g", "1.g",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}
