//! GARM's contract, with a provider of ours that keeps it as the public ones do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_backend_program::{ProgramBackend, ProgramOptions};
use headcount_model::ProvisionerContract::{GarmV010, GarmV011};
use headcount_model::{BackendEvent, Exit, InstanceState, ProvisionerContract};
use headcount_ports::conformance::backend::check_all;
use headcount_ports::{Backend, BackendError, DestroyRequest};
use serde_json::{Value, json};
use support::{Place, agent};

/// Instances are processes in folders; what the contract says is checked on each call. Like a
/// cloud it knows what it made by id alone: by name it finds nothing, and to delete nothing is
/// a success (with a file `names` it knows names too). While there is a file `lag` its lists
/// show nothing, with a file `blind` it does not know its ids either; with a file `dies` a
/// creation makes its instance and fails.
const PROVIDER: &str = r#"PATH=/usr/local/bin:/usr/bin:/bin
env | grep '^GARM_' | sort | tr '\n' ' ' >>$here/env; echo >>$here/env
[ -n "$GARM_CONTROLLER_ID" ] && [ -n "$GARM_PROVIDER_CONFIG_FILE" ] || { echo missing >&2; exit 1; }
[ $# = 0 ] || exit 1
home=$here/m/$GARM_CONTROLLER_ID; mkdir -p $home
is_it() { [ "$(cat $1/id 2>/dev/null)" = "$GARM_INSTANCE_ID" ] || { [ -e $here/names ] && [ "$1" = "$home/$GARM_INSTANCE_ID" ]; }; }
find_it() { [ -e $here/blind ] && return 1; for d in $home/*/; do box=${d%/}; [ -e $box/id ] && is_it $box && return 0; done; return 1; }
show() { s=stopped; [ -e "/proc/$(cat $1/pid 2>/dev/null || echo none)" ] && s=running
  jq -nc --arg i "$(cat $1/id)" --arg n "${1##*/}" --arg s $s '{provider_id: $i, name: $n, os_type: "linux", os_arch: "amd64", status: $s, addresses: []}'; }
case $GARM_COMMAND in
CreateInstance) cat >$here/stdin; [ -s $here/stdin ] || exit 1; [ -n "$GARM_POOL_ID" ] || exit 1
  box=$home/$(jq -r .name $here/stdin); exec 9>$home.lock; flock 9
  [ -e $box/id ] && { echo exists >&2; exit 31; }
  mkdir -p $box; echo $GARM_POOL_ID >$box/pool; echo "id-$$" >$box/id.new
  HEADCOUNT_MACHINE_DIR=$box setsid sh -c 'echo $$ >$0/pid; exec sleep 600' $box </dev/null >/dev/null 2>&1 9>&- &
  until [ -s $box/pid ]; do sleep 0.01; done
  mv $box/id.new $box/id; [ -e $here/dies ] && { echo no answer >&2; exit 1; }; show $box;;
DeleteInstance) find_it || exit 0
  kill -9 $(cat $box/pid) 2>/dev/null; while [ -e /proc/$(cat $box/pid) ] && ! grep -q ') Z' /proc/$(cat $box/pid)/stat 2>/dev/null; do sleep 0.01; done; rm -rf $box;;
GetInstance) find_it || exit 30; show $box;;
ListInstances) [ -n "$GARM_POOL_ID" ] || exit 1
  for d in $home/*/; do [ ! -e $here/lag ] && [ "$(cat $d/pool 2>/dev/null)" = "$GARM_POOL_ID" ] && [ -e $d/id ] && show ${d%/}; done | jq -sc 'if . == [] then null else . end';;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_finds_names_as_well_keeps_the_ports_promises() {
    check_all(|| {
        let place = known(place(GarmV010, ""));
        set(&place, "names");
        place
    })
    .await;
}

/// A restarted daemon knows its pools from its configuration.
fn known(mut place: Place) -> Place {
    place.pools = [("tests/linux+x".into(), place.options.clone())].into();
    place
}

/// From now on the provider is as the file of this name has it.
fn set(place: &Place, how: &str) {
    fs::write(place.path(how), "").unwrap();
}

fn unset(place: &Place, how: &str) {
    fs::remove_file(place.path(how)).unwrap();
}

fn destruction(number: u32) -> DestroyRequest {
    DestroyRequest {
        agent: agent(number),
        grace: Duration::ZERO,
    }
}

fn calls(place: &Place) -> String {
    fs::read_to_string(place.path("env")).unwrap_or_default()
}

/// The provider's own name for the only machine there is.
fn only_id(place: &Place) -> String {
    let of_owner = fs::read_dir(place.path("m/one")).unwrap().flatten();
    let mut ids = of_owner.filter_map(|entry| fs::read_to_string(entry.path().join("id")).ok());
    let id = ids.next().unwrap();
    assert_eq!(ids.next(), None, "one machine");
    id.trim().to_owned()
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
        let id = only_id(&place);
        backend.destroy(destruction(1)).await.unwrap();
        let call = last_call(&place);
        assert!(call.contains("GARM_COMMAND=GetInstance"), "{call}");
        assert!(call.contains(&format!("GARM_INSTANCE_ID={id} ")), "{call}");
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
                       "download_url": "https://headcount.invalid/agent",
                       "temp_download_token": "", "sha256_checksum": ""}],
            "repo_url": "", "callback-url": "unix:/run/agents.sock",
            "metadata-url": "unix:/run/agents.sock", "instance-token": "s3cret", "ssh-keys": [],
            "extra_specs": {"disk_size": 20, "runner_install_template": null, "extra_context": null},
            "github-runner-group": "", "ca-cert-bundle": "", "arch": "amd64", "os_type": "linux",
            "flavor": "small", "image": "ubuntu", "labels": ["linux", "x"], "pool_id": null,
            "user_data_options": {"disable_updates_on_boot": true, "extra_packages": [],
                                  "enable_boot_debug": false},
            "jit_config_enabled": false,
            "proxy_config": {"http_proxy": "", "https_proxy": "", "no_proxy": ""},
        })
    );
}

#[tokio::test]
async fn a_failed_create_is_followed_by_a_deletion_by_name_which_proves_nothing() {
    let place = known(place(
        GarmV010,
        "[ $GARM_COMMAND = CreateInstance ] && { cat >/dev/null; echo '{\"status\":\"error\"}'; echo quota >&2; exit 1; }",
    ));
    let (backend, events) = place.open();
    assert_eq!(
        backend.create(place.request(1)).await,
        Err(BackendError::Unknown(
            "`CreateInstance` ended with code 1: quota {\"status\":\"error\"}".into()
        ))
    );
    let call = last_call(&place);
    assert!(call.contains("GARM_COMMAND=DeleteInstance"), "{call}");
    assert!(
        call.contains("GARM_INSTANCE_ID=headcount-one-a-7-1"),
        "{call}"
    );
    let gone = BackendEvent::Gone(agent(1), Exit::Unknown);
    assert_eq!(listed(&backend).await, 1, "nobody knows yet");
    // Lists that lack it for long enough tell.
    events.wait_for(gone).await;
    assert_eq!(listed(&backend).await, 0);
}

async fn listed(backend: &ProgramBackend) -> usize {
    backend.list().await.unwrap().instances.len()
}

/// The reason of a failure stands in base64 beside it, and so may the id of what was made.
#[tokio::test]
async fn a_failed_create_that_names_its_machine_is_taken_back_by_id() {
    let fault = STANDARD.encode("no quota\nfor vCPUs");
    let place = known(place(
        GarmV010,
        &format!(
            "[ $GARM_COMMAND = CreateInstance ] && {{ cat >/dev/null; echo '{{\"provider_id\":\"i-9\",\"name\":\"headcount-one-a-7-1\",\"status\":\"error\",\"provider_fault\":\"{fault}\"}}'; echo failed >&2; exit 1; }}"
        ),
    ));
    let (backend, _) = place.open();
    let failed = "`CreateInstance` ended with code 1: failed no quota for vCPUs";
    assert_eq!(
        backend.create(place.request(1)).await,
        Err(BackendError::Unknown(failed.into()))
    );
    let call = last_call(&place);
    assert!(call.contains("GARM_COMMAND=DeleteInstance"), "{call}");
    assert!(call.contains("GARM_INSTANCE_ID=i-9 "), "{call}");
    assert_eq!(listed(&backend).await, 1);
}

#[tokio::test]
async fn a_machine_that_was_made_by_a_failed_create_is_found_and_removed_by_its_id() {
    let place = known(place(GarmV011, ""));
    set(&place, "dies");
    set(&place, "lag");
    let (backend, _) = place.open_with(patient);
    let made = backend.create(place.request(1)).await;
    let no = "`CreateInstance` ended with code 1: no answer";
    assert_eq!(made, Err(BackendError::Unknown(no.into())));
    assert_eq!(place.running(agent(1)), 1, "deleted by name in vain");
    assert_eq!(listed(&backend).await, 1);
    unset(&place, "lag");
    backend.destroy(destruction(1)).await.unwrap();
    assert_eq!(place.running(agent(1)), 0);
    assert_eq!(listed(&backend).await, 0);
}

/// Lists may be so late that no test waits for it.
fn patient(options: &mut ProgramOptions) {
    options.pace.settle = Duration::from_secs(600);
}

/// For some times as long as two looks at a native machine are apart.
async fn stays(backend: &ProgramBackend, pace: Duration) {
    let until = Instant::now() + pace * 6;
    while Instant::now() < until {
        assert_eq!(listed(backend).await, 1, "it is never believed to be gone");
    }
}

#[tokio::test]
async fn lists_that_lag_end_no_machine_that_answers_to_its_id() {
    let place = known(place(GarmV010, ""));
    let (backend, events) = place.open();
    backend.create(place.request(1)).await.unwrap();
    backend.list().await.unwrap();
    set(&place, "lag");
    let confirm = place.options(&"one".into()).pace.confirm;
    stays(&backend, confirm).await;
    assert_eq!(events.all(), [BackendEvent::Running(agent(1))]);
    unset(&place, "lag");
    fs::remove_dir_all(place.path("m/one/headcount-one-a-7-1")).unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Unknown);
    until_listed(&backend, 0).await;
    events.wait_for(gone).await;
}

async fn until_listed(backend: &ProgramBackend, expected: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while listed(backend).await != expected {
        assert!(Instant::now() < deadline, "it is never listed as it is");
    }
}

#[tokio::test]
async fn a_cloud_that_does_not_know_yet_what_it_made_loses_nothing() {
    let place = known(place(GarmV011, ""));
    let (backend, _) = place.open_with(patient);
    set(&place, "lag");
    set(&place, "blind");
    backend.create(place.request(1)).await.unwrap();
    let confirm = place.options(&"one".into()).pace.confirm;
    stays(&backend, confirm).await;
    let removing = backend.clone();
    let removing = tokio::spawn(async move { removing.destroy(destruction(1)).await });
    let told = || {
        let calls = calls(&place);
        let after = calls.split_once("GARM_COMMAND=DeleteInstance");
        after.is_some_and(|(_, after)| after.contains("GARM_COMMAND=ListInstances"))
    };
    support::until("it is told to go, and looked for", told).await;
    assert_eq!(place.running(agent(1)), 1, "it was not heard");
    unset(&place, "blind");
    unset(&place, "lag");
    assert_eq!(removing.await.unwrap(), Ok(()));
    assert_eq!(place.running(agent(1)), 0);
}

#[tokio::test]
async fn a_restarted_daemon_that_no_list_has_told_the_id_believes_no_name() {
    let place = known(place(GarmV010, ""));
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    drop(backend);
    set(&place, "lag");
    let (backend, events) = place.open_with(|options| {
        patient(options);
        options.known = vec![(agent(1), "tests/linux+x".into())];
    });
    let confirm = place.options(&"one".into()).pace.confirm;
    stays(&backend, confirm).await;
    assert_eq!(events.all(), []);
    unset(&place, "lag");
    backend.list().await.unwrap();
    events.wait_for(BackendEvent::Running(agent(1))).await;
    let id = only_id(&place);
    backend.destroy(destruction(1)).await.unwrap();
    let calls = calls(&place);
    let by_id = |line: &str| line.contains("DeleteInstance") && line.contains(&id);
    assert!(calls.lines().any(by_id), "{calls}");
    assert_eq!(place.running(agent(1)), 0);
}

/// Who asks for one that is there is given it, or nobody knows; never "nothing was made".
#[tokio::test]
async fn a_machine_that_is_there_already_is_found_in_a_list() {
    let place = known(place(GarmV011, ""));
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    drop(backend);
    let (backend, events) = place.open_with(patient);
    set(&place, "lag");
    let exists = "`CreateInstance` ended with code 31: exists; and no list shows it yet";
    for _ in 0..3 {
        let made = backend.create(place.request(1)).await;
        assert_eq!(made, Err(BackendError::Unknown(exists.into())));
        assert_eq!(listed(&backend).await, 1, "it counts");
    }
    unset(&place, "lag");
    assert_eq!(backend.create(place.request(1)).await, Ok(()));
    events.wait_for(BackendEvent::Running(agent(1))).await;
    assert_eq!(place.running(agent(1)), 1);
    assert!(!calls(&place).contains("DeleteInstance"));
    backend.destroy(destruction(1)).await.unwrap();
    assert_eq!(place.running(agent(1)), 0);
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

/// A place with so many pools.
fn with_pools(text: &str, number: usize) -> Place {
    let mut place = place(GarmV010, text);
    let names =
        (0..number).map(|number| (format!("tests/{number}").as_str().into(), String::new()));
    place.pools = names.collect();
    place
}

/// Each waits until eight have come, and notes how many there are.
#[tokio::test]
async fn pools_are_listed_together_but_not_all_at_once() {
    let place = with_pools(
        "if [ $GARM_COMMAND = ListInstances ]; then mkdir -p $here/came $here/now; : >$here/came/$$; : >$here/now/$$; \
         until [ $(ls $here/came | wc -l) -ge 8 ]; do sleep 0.01; done; ls $here/now | wc -l >>$here/peaks; rm $here/now/$$; echo null; exit; fi",
        20,
    );
    let (backend, _) = place.open();
    assert_eq!(listed(&backend).await, 0);
    let came = fs::read_dir(place.path("came")).unwrap().count();
    assert_eq!(came, 20, "each pool once");
    let peaks = fs::read_to_string(place.path("peaks")).unwrap();
    let most = peaks
        .lines()
        .filter_map(|line| line.trim().parse::<usize>().ok())
        .max();
    assert!(most.is_some_and(|most| most <= 8), "{peaks}");
}

#[tokio::test]
async fn all_lists_have_one_deadline() {
    let place = with_pools(
        "if [ $GARM_COMMAND = ListInstances ]; then mkdir -p $here/came; : >$here/came/$$; \
         [ $(ls $here/came | wc -l) -gt 8 ] && sleep 600; sleep 0.5; echo null; exit; fi",
        9,
    );
    let (backend, _) = place.open_with(|options| options.pace.list = Duration::from_secs(5));
    let error = backend.list().await.unwrap_err().to_string();
    assert!(error.contains("did not answer within"), "{error}");
    assert!(!error.contains("within 5 s"), "what is left of it: {error}");
    let together = "; the lists of 9 pools have 5 s together";
    assert!(error.ends_with(together), "{error}");
}

#[tokio::test]
async fn what_options_say_of_a_machine_stands_in_the_document() {
    let mut place = place(GarmV010, "");
    place.options = json!({
        "image": "i", "flavor": "f", "arch": "arm64", "disable_updates_on_boot": false,
        "extra_packages": ["jq"], "enable_boot_debug": true,
        "proxy_config": {"http_proxy": "http://proxy:3128", "no_proxy": "10.0.0.0/8"},
    })
    .to_string();
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    let text = fs::read_to_string(place.path("stdin")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["arch"], "arm64");
    assert_eq!(document["tools"][0]["architecture"], "arm64");
    assert_eq!(
        document["user_data_options"],
        json!({"disable_updates_on_boot": false, "extra_packages": ["jq"], "enable_boot_debug": true})
    );
    assert_eq!(
        document["proxy_config"],
        json!({"http_proxy": "http://proxy:3128", "https_proxy": "", "no_proxy": "10.0.0.0/8"})
    );
}

#[tokio::test]
async fn what_a_provider_cannot_be_told_is_refused() {
    let told = "a GARM provider cannot be told these `options`: ";
    for (options, expected) in [
        (
            json!({"image": "x"}),
            "a GARM provider needs `options.flavor`; write it into the label set".to_owned(),
        ),
        (
            json!({"image": "x", "flavor": "f", "os_type": "windows"}),
            format!("{told}unknown variant `windows`, expected `linux` at line 1 column "),
        ),
        (
            json!({"image": "x", "flavor": "f", "os_typ": "linux"}),
            format!("{told}unknown field `os_typ`, expected one of `image`, `flavor`"),
        ),
        (
            json!({"image": "x", "flavor": "f", "extra_specs": [1]}),
            format!("{told}invalid type: sequence, expected a map"),
        ),
    ] {
        let mut place = place(GarmV010, "");
        place.options = options.to_string();
        let (backend, _) = place.open();
        let made = backend.create(place.request(1)).await;
        let Err(BackendError::Invalid(said)) = made else {
            panic!("{made:?}");
        };
        assert!(said.starts_with(&expected), "{said}");
        assert_eq!(calls(&place), "", "nothing was called");
    }
}
