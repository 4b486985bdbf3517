//! Leases: given while they are renewed, renewed while there are any, and the end of those
//! of other owners.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::time::Duration;

use headcount_backend_program::ProgramBackend;
use headcount_model::{InstanceState, LeasedInstance, OtherEnd, OwnerId, PoolName};
use headcount_ports::{Backend, BackendError, DestroyRequest, ReapOtherRequest};
use serde_json::Value;
use support::{GOOD, LEASING, Place, agent, until};

const HOUR: Duration = Duration::from_secs(3600);

/// A program with leases, with `text` before what it does.
fn leasing(text: &str) -> String {
    format!("{GOOD}{LEASING}{text}\nleasing $1")
}

fn place(text: &str) -> Place {
    let mut place = Place::script(&leasing(text));
    place.lease = Some(HOUR);
    place
}

/// How often it was called so.
fn calls(place: &Place, verb: &str) -> usize {
    let calls = fs::read_to_string(place.path("calls")).unwrap_or_default();
    calls.lines().filter(|it| *it == verb).count()
}

/// Of the machine of `one`'s agent.
fn marks(place: &Place, number: u32) -> Value {
    let name = format!("m/headcount-one-{}", agent(number));
    serde_json::from_str(&fs::read_to_string(place.path(&name)).unwrap()).unwrap()
}

/// An hour after a moment between these, in whole seconds.
fn is_an_hour_after(
    until: jiff::Timestamp,
    before: jiff::Timestamp,
    after: jiff::Timestamp,
) -> bool {
    let from = until.as_second() - 3600;
    (before.as_second()..=after.as_second()).contains(&from)
}

fn theirs() -> OwnerId {
    "two".into()
}

/// A machine of owner `two`, and the backend of owner `one`.
async fn with_another(place: &Place) -> std::sync::Arc<ProgramBackend> {
    let (other, _) = place.open_with(|options| options.owner = theirs());
    other
        .create(place.request_of(&theirs(), agent(1)))
        .await
        .unwrap();
    drop(other);
    place.open().0
}

#[tokio::test]
async fn a_machine_gets_a_lease_once_a_renewal_has_worked() {
    let place = place("");
    let (backend, _) = place.open();
    let before = jiff::Timestamp::now();
    backend.create(place.request(1)).await.unwrap();
    let after = jiff::Timestamp::now();
    backend.create(place.request(2)).await.unwrap();
    let all = fs::read_to_string(place.path("calls")).unwrap();
    assert_eq!(all, "renew\ncreate\ncreate\n", "renewed once for both");
    assert_eq!(marks(&place, 2)["leaseSeconds"], 3600);
    let until = marks(&place, 1)["leaseUntil"].to_string();
    let until: jiff::Timestamp = until.trim_matches('"').parse().unwrap();
    assert!(is_an_hour_after(until, before, after), "{until}");
}

#[tokio::test]
async fn without_a_wish_or_a_renewal_it_gets_none() {
    let hour = Some(Duration::from_secs(3600));
    for (wish, text, renewals) in [
        (None, leasing(""), 0),
        // It is not asked again soon.
        (hour, format!("{GOOD}\ngood $1"), 1),
    ] {
        let place = without_leases(wish, &text).await;
        assert_eq!(calls(&place, "renew"), renewals, "{text}");
    }
    for text in ["exit 16", "{ echo huh; exit; }", "kill -9 $$"] {
        let text = leasing(&format!("[ $1 = renew ] && {text}"));
        let place = without_leases(hour, &text).await;
        assert!(calls(&place, "renew") >= 1, "{text}");
    }
}

/// Two machines are made.
async fn without_leases(wish: Option<Duration>, text: &str) -> Place {
    let mut place = Place::script(text);
    place.lease = wish;
    let (backend, _) = place.open();
    for number in [1, 2] {
        backend.create(place.request(number)).await.unwrap();
        assert_eq!(marks(&place, number)["leaseSeconds"], Value::Null, "{text}");
    }
    place
}

#[tokio::test]
async fn leases_are_renewed_long_before_they_end() {
    let mut place = place("");
    place.lease = Some(Duration::from_secs(10));
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    until("renewed twice more", || calls(&place, "renew") >= 3).await;
    let gone = DestroyRequest {
        agent: agent(1),
        grace: Duration::ZERO,
    };
    backend.destroy(gone).await.unwrap();
    assert!(!place.path("m/headcount-one-a-7-1").exists());
}

#[tokio::test]
async fn what_another_daemon_of_ours_has_leased_is_renewed_on() {
    let mut place = place("");
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    drop(backend);
    // The key is no longer in the configuration, and the daemon has started anew.
    place.lease = None;
    let (backend, _) = place.open();
    assert_eq!(calls(&place, "renew"), 1, "nothing is known yet");
    backend.list().await.unwrap();
    until("it is renewed", || calls(&place, "renew") == 2).await;
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_soon() {
    let mut place = place("[ $1 = renew ] && [ -e $here/broken ] && exit 16");
    place.lease = Some(Duration::from_secs(10));
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    fs::write(place.path("broken"), "").unwrap();
    until("it fails three times", || calls(&place, "renew") >= 4).await;
    backend.create(place.request(2)).await.unwrap();
    assert_eq!(
        marks(&place, 2)["leaseSeconds"],
        Value::Null,
        "nobody renews"
    );
    fs::remove_file(place.path("broken")).unwrap();
    let before = fs::read_to_string(place.path("leases")).unwrap();
    until("it is renewed again", || {
        fs::read_to_string(place.path("leases")).unwrap() != before
    })
    .await;
}

#[tokio::test]
async fn machines_of_other_owners_are_shown_when_they_are_asked_for() {
    let place = place("");
    let before = jiff::Timestamp::now();
    let backend = with_another(&place).await;
    let after = jiff::Timestamp::now();
    backend.create(place.request(1)).await.unwrap();
    let others = backend.list_others().await.unwrap();
    let [other] = others.as_slice() else {
        panic!("{others:?}");
    };
    let expected = LeasedInstance {
        owner: theirs(),
        agent: agent(1),
        pool: PoolName::new("tests/linux+x"),
        name: "headcount-two-a-7-1".to_owned(),
        lease_until: other.lease_until,
        lease_for: HOUR,
        state: InstanceState::Running,
    };
    assert_eq!(*other, expected);
    let until = i64::try_from(other.lease_until.as_millis()).unwrap();
    let until = jiff::Timestamp::from_millisecond(until).unwrap();
    assert!(is_an_hour_after(until, before, after), "{until}");
    assert_eq!(
        backend.list().await.unwrap().instances.len(),
        1,
        "ours alone"
    );
}

#[tokio::test]
async fn who_is_not_marked_as_a_leased_machine_of_another_is_nobodys() {
    for change in [
        "del(.leaseSeconds)",
        ".leaseSeconds = 9",
        ".leaseSeconds = 2592001",
        "del(.leaseUntil)",
        ".leaseUntil = \"soon\"",
        ".leaseUntil = \"1969-12-31T23:59:59Z\"",
        "del(.generation)",
        ".pool = \"\"",
        ".owner = \"\"",
        ".owner = \"three\"",
        ".owner = \"one\"",
        ".owner = \"TWO\"",
        ".agent = \"a-7-2\"",
        ".agent = \"\"",
        ".name = \"web\"",
        ".name = \"headcount-two-web\"",
        ".id = \"\"",
    ] {
        let place = place(&format!(
            "[ $1 = list ] && {{ leasing list | jq '.machines |= map(if .owner == \"two\" then {change} else . end)'; exit; }}"
        ));
        let backend = with_another(&place).await;
        assert_eq!(backend.list_others().await, Ok(Vec::new()), "{change}");
    }
}

#[tokio::test]
async fn an_owner_whose_names_are_like_ours_is_left_alone() {
    let place = place("");
    let like: OwnerId = "abcdefghijkl1".into();
    let (other, _) = place.open_with(|options| options.owner = like.clone());
    other
        .create(place.request_of(&like, agent(1)))
        .await
        .unwrap();
    let (backend, _) = place.open_with(|options| options.owner = "abcdefghijkl2".into());
    assert_eq!(backend.list_others().await, Ok(Vec::new()));
    assert_eq!(place.open().0.list_others().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_program_that_does_not_know_others_shows_none_and_a_bad_list_is_an_error() {
    let mut plain = Place::script(&format!("{GOOD}\ngood $1"));
    plain.lease = Some(HOUR);
    let (backend, _) = plain.open();
    backend.create(plain.request(1)).await.unwrap();
    assert_eq!(backend.list_others().await, Ok(Vec::new()));

    let silent = place("[ $1 = list ] && { leasing list | jq 'del(.complete)'; exit; }");
    let backend = with_another(&silent).await;
    assert!(matches!(
        backend.list_others().await,
        Err(BackendError::Transient(_))
    ));
}

async fn reap(backend: &ProgramBackend, seen: &LeasedInstance) -> Result<OtherEnd, BackendError> {
    let request = ReapOtherRequest {
        seen: seen.clone(),
        grace: Duration::ZERO,
    };
    backend.reap_other(request).await
}

#[tokio::test]
async fn what_is_still_as_it_was_seen_is_ended_and_ours_is_not() {
    let place = place("");
    let backend = with_another(&place).await;
    backend.create(place.request(1)).await.unwrap();
    let seen = backend.list_others().await.unwrap().remove(0);
    assert_eq!(reap(&backend, &seen).await, Ok(OtherEnd::Gone));
    assert_eq!(backend.list_others().await, Ok(Vec::new()));
    assert!(
        place.path("m/headcount-one-a-7-1").exists(),
        "ours is there"
    );
    assert_eq!(calls(&place, "destroy"), 1);
    assert_eq!(reap(&backend, &seen).await, Ok(OtherEnd::Gone), "again");
    assert_eq!(calls(&place, "destroy"), 1, "there was nothing to end");
}

#[tokio::test]
async fn who_was_renewed_or_marked_anew_meanwhile_is_spared() {
    for change in [
        ".leaseUntil = \"2100-01-01T00:00:00Z\"",
        ".leaseSeconds = 61",
        "del(.leaseSeconds)",
        ".pool = \"other/pool\"",
        ".owner = \"three\"",
    ] {
        let place = place(&format!(
            "[ $1 = status ] && {{ leasing status | jq '.machine |= ({change})'; exit; }}"
        ));
        let backend = with_another(&place).await;
        let seen = backend.list_others().await.unwrap().remove(0);
        assert_eq!(
            reap(&backend, &seen).await,
            Ok(OtherEnd::Spared),
            "{change}"
        );
        assert_eq!(calls(&place, "destroy"), 0, "{change}");
    }
}

#[tokio::test]
async fn what_is_not_clear_or_does_not_go_is_unknown() {
    for (text, destroys) in [
        ("[ $1 = status ] && exit 16", 0),
        ("[ $1 = status ] && { echo huh; exit; }", 0),
        ("[ $1 = destroy ] && exit 16", 1),
        (
            "[ $1 = destroy ] && { echo '{\"contract\":\"headcount/v1\"}'; exit; }",
            1,
        ),
    ] {
        let place = place(text);
        with_another(&place).await;
        let (backend, _) = place.open_with(|options| options.pace.gone = Duration::ZERO);
        let seen = backend.list_others().await.unwrap().remove(0);
        let told = reap(&backend, &seen).await;
        assert!(
            matches!(told, Err(BackendError::Unknown(_))),
            "{text}: {told:?}"
        );
        assert_eq!(calls(&place, "destroy"), destroys, "{text}");
        assert!(place.path("m/headcount-two-a-7-1").exists());
    }
}
