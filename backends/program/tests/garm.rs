//! GARM's contract, with a provider of ours that keeps it as the public ones do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_model::ProvisionerContract::{GarmV010, GarmV011};
use headcount_model::{InstanceState, ProvisionerContract};
use headcount_ports::conformance::backend::check_all;
use headcount_ports::{Backend, BackendError, DestroyRequest};
use serde_json::{Value, json};
use support::{Place, agent};

/// Instances are processes in folders; what the contract says is checked on each call.
const PROVIDER: &str = r#"PATH=/usr/local/bin:/usr/bin:/bin
env | grep '^GARM_' | sort | tr '\n' ' ' >>$here/env; echo >>$here/env
[ -n "$GARM_CONTROLLER_ID" ] && [ -n "$GARM_PROVIDER_CONFIG_FILE" ] || { echo missing >&2; exit 1; }
[ $# = 0 ] || exit 1
home=$here/m/$GARM_CONTROLLER_ID; mkdir -p $home
find_it() { for d in $home/*/; do [ "$(cat $d/id 2>/dev/null)" = "$GARM_INSTANCE_ID" ] || [ "${d%/}" = "$home/$GARM_INSTANCE_ID" ] && { box=${d%/}; [ -e $box/id ] && return 0; }; done; return 1; }
show() { s=stopped; [ -e "/proc/$(cat $1/pid 2>/dev/null || echo none)" ] && s=running
  jq -nc --arg i "$(cat $1/id)" --arg n "${1##*/}" --arg s $s '{provider_id: $i, name: $n, os_type: "linux", os_arch: "amd64", status: $s, addresses: []}'; }
case $GARM_COMMAND in
CreateInstance) cat >$here/stdin; [ -s $here/stdin ] || exit 1; [ -n "$GARM_POOL_ID" ] || exit 1
  box=$home/$(jq -r .name $here/stdin); exec 9>$home.lock; flock 9
  [ -e $box/id ] && { echo exists >&2; exit 31; }
  mkdir -p $box; echo $GARM_POOL_ID >$box/pool; echo "id-$$" >$box/id.new
  HEADCOUNT_MACHINE_DIR=$box setsid sh -c 'echo $$ >$0/pid; exec sleep 600' $box </dev/null >/dev/null 2>&1 9>&- &
  until [ -s $box/pid ]; do sleep 0.01; done
  mv $box/id.new $box/id; show $box;;
DeleteInstance) find_it || exit 30
  kill -9 $(cat $box/pid) 2>/dev/null; while [ -e /proc/$(cat $box/pid) ] && ! grep -q ') Z' /proc/$(cat $box/pid)/stat 2>/dev/null; do sleep 0.01; done; rm -rf $box;;
GetInstance) find_it || exit 30; show $box;;
ListInstances) [ -n "$GARM_POOL_ID" ] || exit 1
  for d in $home/*/; do [ "$(cat $d/pool 2>/dev/null)" = "$GARM_POOL_ID" ] && [ -e $d/id ] && show ${d%/}; done | jq -sc 'if . == [] then null else . end';;
*) exit 1;;
esac"#;

fn place(contract: ProvisionerContract, text: &str) -> Place {
    let mut place = Place::script(&format!("{text}\n{PROVIDER}"));
    place.contract = contract;
    place.options = json!({
        "image": "ubuntu", "flavor": "small", "extra_specs": {"disk_size": 20},
    })
    .to_string();
    place
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_of_the_older_version_keeps_the_ports_promises() {
    check_all(|| known(place(GarmV010, ""))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_of_the_newer_version_keeps_the_ports_promises() {
    check_all(|| known(place(GarmV011, ""))).await;
}

/// A restarted daemon knows its pools from its configuration.
fn known(mut place: Place) -> Place {
    place.pools = [("tests/linux+x".into(), place.options.clone())].into();
    place
}

fn last_call(place: &Place) -> String {
    let text = fs::read_to_string(place.path("env")).unwrap();
    text.lines().last().unwrap_or_default().trim().to_owned()
}

#[tokio::test]
async fn each_version_gets_the_variables_it_knows() {
    let pool = "GARM_POOL_ID=";
    for (contract, version, everywhere) in [(GarmV010, "v0.1.0", false), (GarmV011, "v0.1.1", true)]
    {
        let place = place(contract, "");
        let (backend, _) = place.open();
        backend.create(place.request(1)).await.unwrap();
        let call = last_call(&place);
        let config = place.path("machines");
        assert!(
            call.contains(&format!("GARM_INTERFACE_VERSION={version}")),
            "{call}"
        );
        assert!(
            call.contains("GARM_COMMAND=CreateInstance GARM_CONTROLLER_ID=one"),
            "{call}"
        );
        assert!(call.contains(&format!("GARM_PROVIDER_CONFIG_FILE={}", config.display())));
        assert!(call.contains(pool), "{call}");
        let specs = STANDARD.encode(r#"{"disk_size":20}"#);
        assert_eq!(
            call.contains(&format!("GARM_POOL_EXTRASPECS={specs}")),
            everywhere
        );
        backend.list().await.unwrap();
        assert!(last_call(&place).contains(pool), "a list is of one pool");
        let request = DestroyRequest {
            agent: agent(1),
            grace: Duration::ZERO,
        };
        backend.destroy(request).await.unwrap();
        let call = last_call(&place);
        assert!(call.contains("GARM_COMMAND=GetInstance"), "{call}");
        assert!(
            call.contains("GARM_INSTANCE_ID=headcount-one-a-7-1"),
            "{call}"
        );
        assert_eq!(call.contains(pool), everywhere, "{call}");
    }
}

#[tokio::test]
async fn the_bootstrap_document_has_every_key_and_our_start_in_the_template() {
    let place = place(GarmV011, "");
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    let text = fs::read_to_string(place.path("stdin")).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let template = document["extra_specs"]["runner_install_template"].take();
    let template = STANDARD.decode(template.as_str().unwrap()).unwrap();
    let template = String::from_utf8(template).unwrap();
    assert!(
        template.starts_with("#!/bin/sh\n") && template.contains("setsid"),
        "{template}"
    );
    let script = template
        .split_whitespace()
        .find_map(|word| STANDARD.decode(word).ok().filter(|it| it.len() > 100));
    let script = String::from_utf8(script.unwrap()).unwrap();
    assert!(
        script.contains("printf %s 's3cret' >\"$folder/token\""),
        "{script}"
    );
    let context = document["extra_specs"]["extra_context"].take();
    assert_eq!(context["HEADCOUNT_AGENT_URL"], "unix:/run/agents.sock");
    assert!(!context.to_string().contains("s3cret"));
    let pool = document["pool_id"].take();
    assert_eq!(pool.as_str().unwrap().len(), 36);
    assert_eq!(
        document,
        json!({
            "name": "headcount-one-a-7-1",
            "tools": [{"os": "linux", "architecture": "x64", "filename": "headcount",
                       "download_url": "https://headcount.invalid/agent"}],
            "repo_url": "", "callback-url": "unix:/run/agents.sock",
            "metadata-url": "unix:/run/agents.sock", "instance-token": "s3cret", "ssh-keys": [],
            "extra_specs": {"disk_size": 20, "runner_install_template": null, "extra_context": null},
            "github-runner-group": "", "ca-cert-bundle": "", "arch": "amd64", "os_type": "linux",
            "flavor": "small", "image": "ubuntu", "labels": ["linux", "x"], "pool_id": null,
            "user_data_options": {"disable_updates_on_boot": true, "extra_packages": [],
                                  "enable_boot_debug": false},
            "jit_config_enabled": false,
        })
    );
}

#[tokio::test]
async fn a_failed_create_is_followed_by_a_deletion_by_name() {
    let place = place(
        GarmV010,
        "[ $GARM_COMMAND = CreateInstance ] && { cat >/dev/null; echo '{\"status\":\"error\"}'; echo quota >&2; exit 1; }",
    );
    let (backend, _) = place.open();
    assert_eq!(
        backend.create(place.request(1)).await,
        Err(BackendError::Transient(
            "`CreateInstance` ended with code 1: quota {\"status\":\"error\"}".into()
        ))
    );
    let call = last_call(&place);
    assert!(call.contains("GARM_COMMAND=DeleteInstance"), "{call}");
    assert!(
        call.contains("GARM_INSTANCE_ID=headcount-one-a-7-1"),
        "{call}"
    );
    assert_eq!(backend.list().await.unwrap().instances, []);
}

#[tokio::test]
async fn a_failed_deletion_after_it_leaves_the_outcome_unknown() {
    let place = place(
        GarmV010,
        "case $GARM_COMMAND in CreateInstance|DeleteInstance) echo no >&2; exit 1;; esac",
    );
    let (backend, _) = place.open();
    let unknown =
        "`CreateInstance` ended with code 1: no; and then `DeleteInstance` ended with code 1: no";
    assert_eq!(
        backend.create(place.request(1)).await,
        Err(BackendError::Unknown(unknown.into()))
    );
    assert_eq!(
        backend.list().await.unwrap().instances.len(),
        1,
        "it counts as present"
    );
}

#[tokio::test]
async fn states_of_instances_are_never_read_as_absence() {
    for (status, expected) in [
        ("running", Some(InstanceState::Running)),
        ("unknown", Some(InstanceState::Starting)),
        (
            "stopped",
            Some(InstanceState::Ended(headcount_model::Exit::Unknown)),
        ),
        ("deleting", None),
    ] {
        let place = place(
            GarmV010,
            &format!(
                "[ $GARM_COMMAND = ListInstances ] && {{ echo '[{{\"provider_id\":\"i\",\"name\":\"headcount-one-a-7-1\",\"status\":\"{status}\"}},{{\"provider_id\":\"j\",\"name\":\"garm-x\",\"status\":\"running\"}}]'; exit; }}"
            ),
        );
        let (backend, _) = place.open_with(|options| {
            options.pools = [("tests/linux+x".into(), String::new())].into();
        });
        let listed = backend.list().await.map(|listing| {
            let states = listing.instances.into_iter().map(|it| it.state);
            states.collect::<Vec<_>>()
        });
        match expected {
            Some(state) => assert_eq!(listed.unwrap(), [state]),
            None => assert!(listed.is_err(), "only the controller says so"),
        }
    }
}

#[tokio::test]
async fn what_a_provider_cannot_do_without_is_asked_for() {
    let mut place = place(GarmV010, "");
    place.options = "{\"image\":\"x\"}".to_owned();
    let (backend, _) = place.open();
    assert_eq!(
        backend.create(place.request(1)).await,
        Err(BackendError::Invalid(
            "a GARM provider needs `options.flavor`; write it into the label set".into()
        ))
    );
}
