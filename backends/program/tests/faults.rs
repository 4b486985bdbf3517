//! Programs that do wrong: nothing is forgotten, doubled, read as absent or waited for
//! without end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use headcount_backend_program::ProgramBackend;
use headcount_model::{AgentId, BackendEvent, Exit, InstanceState};
use headcount_ports::agent_env::CallBack;
use headcount_ports::{Backend, BackendError, DestroyRequest};
use support::{GOOD, Place, agent};

fn place(text: &str) -> Place {
    Place::script(&format!("{GOOD}{text}\ngood $1"))
}

fn ending(number: u32) -> DestroyRequest {
    DestroyRequest {
        agent: agent(number),
        grace: Duration::ZERO,
    }
}

async fn listed(backend: &ProgramBackend) -> Vec<(AgentId, InstanceState)> {
    let listing = backend.list().await.unwrap();
    listing
        .instances
        .into_iter()
        .map(|it| (it.agent, it.state))
        .collect()
}

/// What the program was called with so far.
fn calls(place: &Place) -> String {
    fs::read_to_string(place.path("calls")).unwrap_or_default()
}

const HOUR: Duration = Duration::from_secs(3600);
const RUNNING: InstanceState = InstanceState::Running;

#[tokio::test]
async fn what_a_program_says_of_a_failed_create_is_told_apart() {
    let transient = |text: &str| BackendError::Transient(text.to_owned());
    let invalid = |text: &str| BackendError::Invalid(text.to_owned());
    let capacity = |text: &str, seconds: Option<u64>| BackendError::Capacity {
        message: text.to_owned(),
        retry_after: seconds.map(Duration::from_secs),
    };
    let document = |error: &str, code: u32| {
        format!(
            "[ $1 = create ] && {{ printf %s '{{\"contract\":\"headcount/v1\",\"error\":{error}}}'; exit {code}; }}"
        )
    };
    for (text, expected) in [
        (
            document(r#"{"kind":"capacity","message":"no more\nroom"}"#, 1),
            capacity("no more room", None),
        ),
        (
            document(r#"{"kind":"quota","message":"20 of 20"}"#, 1),
            capacity("the quota is reached: 20 of 20", Some(300)),
        ),
        (
            document(
                r#"{"kind":"throttled","message":"slow down","retryAfterSeconds":7}"#,
                1,
            ),
            capacity("throttled: slow down", Some(7)),
        ),
        (
            document(r#"{"kind":"auth","message":"401"}"#, 1),
            invalid("the provisioner's credentials are refused: 401"),
        ),
        (
            document(r#"{"kind":"transient"}"#, 1),
            transient("`create` ended with code 1 and no message"),
        ),
        (
            "[ $1 = create ] && { echo no such image >&2; exit 14; }".into(),
            invalid("no such image"),
        ),
        (
            "[ $1 = create ] && exit 10".into(),
            capacity("`create` ended with code 10 and no message", None),
        ),
    ] {
        let place = place(&text);
        let (backend, _) = place.open();
        assert_eq!(
            backend.create(place.request(1)).await,
            Err(expected),
            "{text}"
        );
        // Who asks to be left alone is, by lists as well.
        if !text.contains("throttled") {
            assert_eq!(listed(&backend).await, [], "nothing was made");
        }
    }
}

#[tokio::test]
async fn whatever_is_not_clear_is_unknown_and_counts_as_present() {
    for (text, why) in [
        (
            "[ $1 = create ] && { good create >/dev/null; exit 1; }",
            "`create` ended with code 1",
        ),
        (
            "[ $1 = create ] && { good create; exit 1; }",
            "`create` ended with code 1",
        ),
        (
            "[ $1 = create ] && kill -9 $$",
            "`create` was ended by a signal",
        ),
        (
            "[ $1 = create ] && { echo hello; exit; }",
            "it begins with `hello`",
        ),
        ("[ $1 = create ] && exit", "the answer to `create` is empty"),
        (
            "[ $1 = create ] && { echo '{\"contract\":\"headcount/v2\"}'; exit; }",
            "is of the contract `headcount/v2`, not of `headcount/v1`",
        ),
        (
            "[ $1 = create ] && { echo '{\"contract\":\"headcount/v1\",\"error\":{\"kind\":\"quota\"}}'; exit; }",
            "`create` ended with code 0 and says that it failed",
        ),
        (
            "[ $1 = create ] && { echo '{\"contract\":\"headcount/v1\",\"error\":{\"kind\":\"odd\"}}'; exit 10; }",
            "`create` ended with code 10",
        ),
        (
            "[ $1 = create ] && { good create | sed s/running/RUNNING/; exit; }",
            "unknown variant `RUNNING`",
        ),
        (
            "[ $1 = create ] && { good create | sed s/headcount-one/x/g; exit; }",
            "and answered with `x-a-7-1`",
        ),
    ] {
        let place = place(text);
        let (backend, _) = place.open();
        match backend.create(place.request(1)).await {
            Err(BackendError::Unknown(said)) => assert!(said.contains(why), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
        let seen = listed(&backend).await;
        assert_eq!(seen.len(), 1, "{text}: {seen:?}");
        assert_eq!(backend.destroy(ending(1)).await, Ok(()), "{text}");
        assert_eq!(listed(&backend).await, []);
    }
}

#[tokio::test]
async fn a_create_that_hangs_is_ended_and_what_it_made_is_found() {
    let place = place("[ $1 = create ] && { good create; sleep 600; }");
    let (backend, _) = place.open();
    let mut request = place.request(1);
    request.deadline = Duration::from_secs(1);
    let made = backend.create(request).await;
    assert!(matches!(made, Err(BackendError::Unknown(_))), "{made:?}");
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
}

#[tokio::test]
async fn a_list_that_cannot_be_believed_is_an_error() {
    for (text, why) in [
        ("[ $1 = list ] && exit 1", "`list` ended with code 1"),
        ("[ $1 = list ] && exit 0", "the answer to `list` is empty"),
        (
            "[ $1 = list ] && { echo '{\"contract\":\"headcount/v1\",\"machines\":[]}'; exit; }",
            "its list does not say `\"complete\": true`",
        ),
        (
            "[ $1 = list ] && { echo '{\"contract\":\"headcount/v1\",\"complete\":true}'; exit; }",
            "its list has no `machines`",
        ),
        (
            "[ $1 = list ] && exec yes",
            "wrote more than 67108864 bytes and was ended",
        ),
        (
            "[ $1 = list ] && { good list | sed 's/\"id\":\"[^\"]*\"/\"id\":\"\"/'; exit; }",
            "has an empty `id`",
        ),
    ] {
        let place = place(text);
        let (backend, _) = place.open();
        backend.create(place.request(1)).await.unwrap();
        match backend.list().await {
            Err(BackendError::Transient(said)) => assert!(said.contains(why), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn machines_of_others_are_ignored() {
    let place = place(
        r#"[ $1 = list ] && { good list | jq -c '.machines += [.machines[] | (.owner = "two"), (.agent = "x" | .name = "web-1")]'; exit; }"#,
    );
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
}

#[tokio::test]
async fn one_that_is_lost_from_the_list_is_gone_once_its_name_is_unknown_too() {
    let place = place(
        "[ $1 = list ] && [ -e $here/lose ] && { echo '{\"contract\":\"headcount/v1\",\"complete\":true,\"machines\":[]}'; exit; }
         [ $1 = status ] && [ -e $here/deny ] && exit 15",
    );
    let (backend, events) = place.open_with(|options| {
        options.pace.confirm = Duration::from_millis(300);
    });
    backend.create(place.request(1)).await.unwrap();
    let lose = place.path("lose");
    for _ in 0..3 {
        fs::write(&lose, "").unwrap();
        assert_eq!(
            listed(&backend).await,
            [(agent(1), RUNNING)],
            "missing once"
        );
        fs::remove_file(&lose).unwrap();
        assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
    }
    fs::write(&lose, "").unwrap();
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
    // Asked for by name it answers, so it stays. Looking takes its own time; nothing is slept.
    let deadline = Instant::now() + Duration::from_secs(60);
    let asked = || fs::read_to_string(place.path("calls")).unwrap();
    while asked().matches("status").count() < 3 {
        assert!(Instant::now() < deadline, "nobody asks for it: {}", asked());
        assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
    }
    fs::write(place.path("deny"), "").unwrap();
    // The last answer may have been that it is there: then it is missed by the next list.
    backend.list().await.unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Unknown);
    events.wait_for(gone).await;
    assert_eq!(listed(&backend).await, []);
}

#[tokio::test]
async fn agents_of_the_ledger_count_until_absence_is_confirmed() {
    let place = place("");
    let (backend, events) = place.open_with(|options| {
        options.pace.confirm = Duration::from_millis(300);
        options.known = vec![(agent(5), "tests/linux+x".into())];
    });
    assert_eq!(
        listed(&backend).await,
        [(agent(5), InstanceState::Starting)]
    );
    events
        .wait_for(BackendEvent::Gone(agent(5), Exit::Unknown))
        .await;
    assert_eq!(listed(&backend).await, []);
}

#[tokio::test]
async fn two_machines_of_one_agent_both_end() {
    let place = place(
        r#"case $1 in
create) good create; sed 's/"id":"/"id":"twin-/; s/"id": "/"id": "twin-/' $here/m/$n >$here/m/twin-$n; exit;;
destroy) rm -f $here/m/$(ask '.machine.id // .machine.name'); echo '{}' | say; exit;;
status) cat $here/m/*$n 2>/dev/null | jq -s '{machine: .[0]}' | grep -q id && cat $here/m/*$n | jq -s '{machine: .[0]}' | say && exit; exit 15;;
esac"#,
    );
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
    assert_eq!(backend.destroy(ending(1)).await, Ok(()));
    assert_eq!(fs::read_dir(place.path("m")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_machine_that_will_not_go_is_an_unknown_outcome() {
    for (text, why) in [
        (
            "[ $1 = destroy ] && { echo '{\"contract\":\"headcount/v1\"}'; exit; }",
            "of a-7-1 is still there",
        ),
        (
            "[ $1 = destroy ] && exit 13",
            "`destroy` ended with code 13 and no message",
        ),
        (
            "[ $1 = destroy ] && { echo garbage; exit; }",
            "is no document",
        ),
        ("[ $1 = status ] && exit 3", "`status` ended with code 3"),
    ] {
        let place = place(text);
        let (backend, _) =
            place.open_with(|options| options.pace.gone = Duration::from_millis(500));
        backend.create(place.request(1)).await.unwrap();
        match backend.destroy(ending(1)).await {
            Err(BackendError::Unknown(said)) => assert!(said.contains(why), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
        if !text.contains("status") {
            assert_eq!(
                listed(&backend).await,
                [(agent(1), RUNNING)],
                "it is not forgotten"
            );
        }
    }
}

#[tokio::test]
async fn absence_is_confirmed_by_asking_twice() {
    let place = place("");
    let (backend, _) = place.open();
    assert_eq!(backend.destroy(ending(9)).await, Ok(()));
    assert_eq!(
        fs::read_to_string(place.path("calls")).unwrap(),
        "destroy\nstatus\nstatus\n"
    );
}

#[tokio::test]
async fn lists_do_not_overlap_and_are_shared() {
    let place = place(
        "[ $1 = list ] && { mkdir $here/busy || touch $here/overlap; sleep 0.3; rmdir $here/busy; }",
    );
    let (backend, _) = place.open();
    let list = || backend.list();
    let all = tokio::join!(list(), list(), list(), list(), list(), list());
    assert!(
        [all.0, all.1, all.2, all.3, all.4, all.5]
            .iter()
            .all(Result::is_ok)
    );
    assert!(!place.path("overlap").exists());
    let calls = fs::read_to_string(place.path("calls")).unwrap();
    assert!(calls.lines().count() <= 2, "{calls}");
}

#[tokio::test]
async fn a_throttled_list_leaves_the_program_alone() {
    let place = place(
        "[ $1 = list ] && { echo '{\"contract\":\"headcount/v1\",\"error\":{\"kind\":\"throttled\",\"message\":\"429\",\"retryAfterSeconds\":600}}'; exit 12; }",
    );
    let (backend, _) = place.open();
    assert!(backend.list().await.is_err());
    assert_eq!(
        backend.list().await,
        Err(BackendError::Transient(
            "throttled: it asked to be left alone".into()
        ))
    );
    assert_eq!(fs::read_to_string(place.path("calls")).unwrap(), "list\n");
}

#[tokio::test]
async fn a_hung_program_delays_no_other() {
    let hung = Place::script("sleep 600");
    let (stuck, _) = hung.open_with(|options| {
        // Longer than nine others take on any machine.
        options.pace.list = HOUR;
    });
    let creating = tokio::spawn({
        let (stuck, mut request) = (stuck.clone(), hung.request(1));
        request.deadline = HOUR;
        async move { stuck.create(request).await }
    });
    let listing = tokio::spawn(async move { stuck.list().await });
    for _ in 0..9 {
        let place = place("");
        let (backend, _) = place.open();
        backend.create(place.request(1)).await.unwrap();
        assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
    }
    assert!(!creating.is_finished() && !listing.is_finished());
    creating.abort();
    listing.abort();
}

#[tokio::test]
async fn ten_thousand_machines_are_one_list() {
    let place = Place::script("cat >/dev/null; echo $1 >>$here/calls; cat $here/answer");
    let machine = |number: u32| {
        let agent = agent(number);
        format!(
            r#"{{"id":"i-{number:017x}","name":"headcount-one-{agent}","status":"running","owner":"one","pool":"tests/linux+x","agent":"{agent}","leaseUntil":"2026-11-29T14:00:00Z","generation":7,"addresses":["10.0.0.1"]}}"#
        )
    };
    let machines: Vec<String> = (0..10_000).map(machine).collect();
    let answer = format!(
        r#"{{"contract":"headcount/v1","complete":true,"machines":[{}]}}"#,
        machines.join(",")
    );
    fs::write(place.path("answer"), answer).unwrap();
    let (backend, _) = place.open();
    assert_eq!(listed(&backend).await.len(), 10_000);
    assert_eq!(calls(&place), "list\n");
}

#[tokio::test]
async fn an_end_is_told_to_be_looked_at() {
    let place = place("");
    let (backend, events) =
        place.open_with(|options| options.pace.watch = Duration::from_millis(100));
    backend.create(place.request(1)).await.unwrap();
    let file = fs::read_dir(place.path("m"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace(
        "\"running\"",
        "\"ended\", \"exitCode\": 3, \"message\": \"out of disk\"",
    );
    fs::write(&file, text).unwrap();
    events.wait_for(BackendEvent::Missed).await;
    let ended = InstanceState::Ended(Exit::Code(3));
    assert_eq!(listed(&backend).await, [(agent(1), ended)]);
    assert_eq!(backend.last_output(agent(1), 10).await, ["out of disk"]);
}

#[tokio::test]
async fn without_an_address_no_agent_is_made() {
    let place = place("");
    let (backend, _) = place.open_with(|options| options.own_url = None);
    let why = CallBack::default().tell(None).unwrap_err().to_string();
    assert_eq!(
        backend.create(place.request(1)).await,
        Err(BackendError::Invalid(why))
    );
    assert!(!place.path("calls").exists());
}

#[tokio::test]
async fn an_agent_of_another_machine_is_told_whom_to_trust() {
    let place = place("[ $1 = create ] && ask .startUp.script >$here/script");
    let (backend, _) = place.open_with(|options| {
        options.call_back = CallBack::new(Ok("wss://ci.example.com:4873".to_owned()));
        options.call_back.trust(Some("sha256:ab".to_owned()));
    });
    backend.create(place.request(1)).await.unwrap();
    let script = fs::read_to_string(place.path("script")).unwrap();
    for line in [
        "export HEADCOUNT_AGENT_URL='wss://ci.example.com:4873'\n",
        "export HEADCOUNT_AGENT_PIN='sha256:ab'\n",
    ] {
        assert!(script.contains(line), "{script}");
    }
}
