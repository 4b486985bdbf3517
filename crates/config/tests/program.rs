//! Scalers of a provisioner: what is understood, and what is refused or warned of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts};
use headcount_model::{ProgramRecipe, ProvisionerContract, Recipe};
use serde_json::json;

fn load(scaler: &str, set: &str) -> Result<Loaded, Problems> {
    let text = format!(
        "version: 1\nscalers:\n- name: s\n  type: program\n  maxAgents: 5\n{scaler}  labelSets:\n  \
         - labels: [a]\n{set}"
    );
    let platform = Platform {
        os: "linux".into(),
        arch: "x86_64".into(),
    };
    load_texts(ConfigTexts::single("c", text), &platform)
}

fn recipe(scaler: &str, set: &str) -> (ProgramRecipe, Loaded) {
    let loaded = load(scaler, set).unwrap_or_else(|p| panic!("{p}"));
    let text = effective_yaml(&loaded.settings);
    let platform = Platform::current();
    let again = load_texts(ConfigTexts::single("c", text), &platform).unwrap();
    assert_eq!(again.settings, loaded.settings);
    let Recipe::Program(recipe) = &*loaded.fleet.scalers[0].pools[0].recipe else {
        panic!("no program");
    };
    (recipe.clone(), loaded)
}

fn told(scaler: &str, set: &str) -> String {
    match load(scaler, set) {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn a_program_alone_is_enough() {
    let (recipe, loaded) = recipe("  program: /opt/p\n", "");
    assert_eq!(recipe.provisioner.program, "/opt/p");
    assert_eq!(recipe.provisioner.contract, ProvisionerContract::Native);
    assert_eq!((recipe.options.as_str(), recipe.agent_binary), ("{}", None));
    let scaler = &loaded.fleet.scalers[0];
    assert_eq!(scaler.backend.as_str(), "program:/opt/p");
    let labels = scaler.pools[0].system_labels.join(" ");
    assert!(labels.contains("headcount:agent:program"), "{labels}");
    assert!(
        !labels.contains(":os:") && !labels.contains(":arch:"),
        "{labels}"
    );
}

#[test]
fn everything_that_can_be_said() {
    let (recipe, loaded) = recipe(
        "  program: /opt/p\n  contract: garm/v0.1.0\n  config: /etc/p.toml\n  environment: [AWS_, \
         REGION]\n  orchestratorUrl: wss://ci.example.com:4873\n",
        "    agentBinary: /usr/local/bin/headcount\n    env: {A: b}\n    options:\n      image: \
         ubuntu\n      flavor: small\n      extra_specs: {disk: 5, tags: [x, y]}\n",
    );
    assert_eq!(
        loaded.fleet.scalers[0].backend.as_str(),
        "program:/opt/p?contract=garm/v0.1.0&environment=AWS_,REGION&config=/etc/p.toml"
    );
    let options: serde_json::Value = serde_json::from_str(&recipe.options).unwrap();
    assert_eq!(
        options,
        json!({"image": "ubuntu", "flavor": "small", "extra_specs": {"disk": 5, "tags": ["x", "y"]}})
    );
    assert_eq!(
        recipe.agent_url.as_deref(),
        Some("wss://ci.example.com:4873")
    );
    assert_eq!(
        recipe.agent_binary.as_deref(),
        Some("/usr/local/bin/headcount")
    );
    assert_eq!(recipe.env["A"], "b");
}

#[test]
fn one_call_may_ask_for_several_machines() {
    let machines = |scaler: &str| recipe(scaler, "").0.batch.machines();
    assert_eq!(machines("  program: /opt/p\n"), 1);
    assert_eq!(machines("  program: /opt/p\n  createBatch: 20\n"), 20);
    let garm = "  program: /p\n  config: /c\n  contract: garm/v0.1.1\n";
    let set = "    options: {image: i, flavor: f}\n";
    let (one, _) = recipe(&format!("{garm}  createBatch: 1\n"), set);
    assert_eq!(one.batch.machines(), 1);
    for (scaler, set, expected) in [
        (
            "  program: /p\n  createBatch: 101\n".to_owned(),
            "",
            "c:7:16: error: `createBatch` must be from 1 to 100 (write for example `10`)",
        ),
        (
            format!("{garm}  createBatch: 2\n"),
            set,
            "c:9:16: error: a provider of GARM makes one machine a call (remove `createBatch`, or \
             write a provisioner of the contract `headcount/v1`)",
        ),
    ] {
        assert_eq!(told(&scaler, set), expected);
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let mut wrong = Vec::new();
    for (scaler, set, expected) in [
        (
            "",
            "",
            "c:3:3: error: a scaler of type `program` needs the key `program` (add `program: ...` \
             (the provisioner, or another `docker-machine` than the one on the `PATH`: an executable, \
             without arguments))",
        ),
        (
            "  program: ./p --flag\n",
            "",
            "c:6:12: error: `program`: `./p --flag` is no absolute path (write the whole path, from `/` on, and \
             no arguments)",
        ),
        (
            "  program: /opt/p?x\n",
            "",
            "c:6:12: error: `program`: a provisioner's path cannot have a `?` in it (rename it, or name a link \
             to it)",
        ),
        (
            "  program: /p\n  contract: v0.1.1\n",
            "",
            "c:7:13: error: `contract` cannot be `v0.1.1` (write `garm/v0.1.1`)",
        ),
        (
            "  program: /p\n  environment: [HEADCOUNT_X, 'A B']\n",
            "",
            "c:7:17: error: `environment[0]`: variables that start with `HEADCOUNT_` never reach a provisioner (take it \
             out, or give the value another name)\nc:7:30: error: `environment[1]`: `A B` cannot name a variable (write \
             letters, digits and `_`; a prefix ends in `_`)",
        ),
        (
            "  program: /p\n  contract: garm/v0.1.1\n",
            "    options: {image: 5}\n",
            "c:3:3: error: a provider of GARM needs its configuration file (add `config`, with the \
             path of the file)\nc:10:14: error: a provider of GARM needs `image` in `options` (add \
             `options.image`, a text)\nc:10:14: error: a provider of GARM needs `flavor` in `options` \
             (add `options.flavor`, a text)",
        ),
        (
            "  program: /p\n",
            "    options: [a]\n",
            "c:9:14: error: `options` must be a mapping (write `key: value` pairs)",
        ),
        (
            "  program: /p\n  namespace: x\n",
            "    image: x\n",
            "c:7:3: warning: `namespace` has no effect on a scaler of type `program` (remove it: it is \
             for the type `kubernetes`)\nc:10:5: warning: `image` has no effect on a scaler of type \
             `program` (remove it: it is for the type `container` or `docker-machine`)",
        ),
    ] {
        if told(scaler, set) != expected {
            wrong.push(format!("{scaler}{set}{}", told(scaler, set)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_a_provider_of_garm_cannot_be_told_is_refused() {
    let scaler = "  program: /p\n  config: /c\n  contract: garm/v0.1.1\n";
    let every = "image: i, flavor: f, os_type: linux, arch: i386, extra_specs: {a: [1]}, \
                 disable_updates_on_boot: false, extra_packages: [jq], enable_boot_debug: true, \
                 proxy_config: {http_proxy: p, https_proxy: p, no_proxy: n}";
    assert_eq!(told(scaler, &format!("    options: {{{every}}}\n")), "");
    let mut wrong = Vec::new();
    for (option, expected) in [
        (
            "os_type: windows",
            "c:11:45: error: `options.os_type` can only be `linux` (agents are started on Linux alone)",
        ),
        (
            "os_typ: linux",
            "c:11:36: error: a provider of GARM has no key `os_typ` in `options` (write `os_type`)",
        ),
        (
            "zone: b",
            "c:11:36: error: a provider of GARM has no key `zone` in `options` (there are `image`, \
             `flavor`, `os_type`, `arch`, `extra_specs`, `disable_updates_on_boot`, \
             `extra_packages`, `enable_boot_debug` and `proxy_config`; what is the provider's own \
             goes into `extra_specs`)",
        ),
        (
            "arch: sparc",
            "c:11:42: error: `options.arch` must be `amd64`, `i386`, `arm64` or `arm` (write the \
             architecture of the machine in GARM's words)",
        ),
        (
            "extra_specs: [1]",
            "c:11:49: error: `options.extra_specs` must be a mapping (write `key: value` pairs)",
        ),
        (
            "enable_boot_debug: 1",
            "c:11:55: error: `options.enable_boot_debug` must be true or false (write `true` or \
             `false`)",
        ),
        (
            "extra_packages: [1]",
            "c:11:52: error: `options.extra_packages` must be a list of texts (write `[a, b]`)",
        ),
        (
            "proxy_config: {http: p}",
            "c:11:51: error: a provider of GARM has no key `http` in `options.proxy_config` (there \
             are `http_proxy`, `https_proxy` and `no_proxy`)",
        ),
        (
            "proxy_config: {no_proxy: 5}",
            "c:11:61: error: `options.proxy_config.no_proxy` must be a text (put it into quotes)",
        ),
    ] {
        let said = told(
            scaler,
            &format!("    options: {{image: i, flavor: f, {option}}}\n"),
        );
        if said != expected {
            wrong.push(format!("{option}\n{said}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn leases_are_the_scalers_and_make_no_machine_outdated() {
    let (plain, before) = recipe("  program: /opt/p\n", "");
    let (leased, after) = recipe(
        "  program: /opt/p\n  leaseTime: 1h\n  reapOthersAfter: 30m\n",
        "",
    );
    assert_eq!(plain.lease_time, None);
    assert_eq!(leased.lease_time, Some(Duration::from_secs(3600)));
    let (before, after) = (&before.fleet.scalers[0], &after.fleet.scalers[0]);
    assert_eq!(before.reap_others_after, None);
    assert_eq!(after.reap_others_after, Some(Duration::from_secs(1800)));
    assert_eq!(
        before.pools[0].fingerprint(),
        after.pools[0].fingerprint(),
        "no machine is outdated by it"
    );
    assert_eq!(before.backend, after.backend);
}

#[test]
fn leases_that_cannot_be_are_refused() {
    for (scaler, expected) in [
        (
            "  program: /opt/p\n  leaseTime: 9s\n",
            "must be from 10s to 30d",
        ),
        (
            "  program: /opt/p\n  reapOthersAfter: 31d\n",
            "must be from 1s to 30d",
        ),
        (
            "  program: /opt/p\n  config: /c\n  contract: garm/v0.1.1\n  leaseTime: 1h\n",
            "`leaseTime` needs leases, which `garm/v0.1.1` has not",
        ),
        (
            "  program: /opt/p\n  config: /c\n  contract: garm/v0.1.1\n  reapOthersAfter: 1h\n",
            "take `reapOthersAfter` out, or run a provisioner that speaks `headcount/v1` and knows \
             `renew`",
        ),
    ] {
        let told = told(scaler, "");
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    let text = "version: 1\nscalers:\n- name: s\n  type: container\n  maxAgents: 5\n  leaseTime: 1h\n  \
                labelSets:\n  - {labels: [a], image: i}\n";
    let refused = load_texts(ConfigTexts::single("c", text), &Platform::current());
    let told = refused.unwrap_err().to_string();
    for expected in [
        "`leaseTime` needs leases, which instances of type `container` have not",
        "take `leaseTime` out: it is for the type `program`",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    assert!(!told.contains("has no effect"), "said once: {told}");
}
