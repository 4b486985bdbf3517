//! Lists, sets, sorted sets, hashes, and several triggers of one pool.

use headcount_model::{Compat, CronWindow, Level, StreamMeasure, TriggerKind};
use headcount_ports::Signals;
use headcount_test_redis::{Server, skip};

use crate::common::{at, key, pool, rule, said, shown, signals, stream, trigger, with_password};

#[tokio::test]
async fn members_are_counted_whatever_the_type() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    server.say(&["RPUSH", "list", "a", "b", "c"]);
    server.say(&["SADD", "set", "a", "b"]);
    server.say(&["ZADD", "zset", "1", "a"]);
    server.say(&["HSET", "hash", "a", "1", "b", "2", "c", "3", "d", "4"]);
    server.say(&["SET", "string", "a"]);
    server.say(&["XADD", "stream", "*", "a", "b"]);
    let refused = |name: &str, kind: &str| {
        format!(
            "Invalid: {name:?} of redis at {} cannot be counted: ERR unsupported key type: \
             {kind}; a list, set, sorted set or hash can",
            server.address()
        )
    };
    let cases = [
        ("list", "3".to_owned()),
        ("set", "2".to_owned()),
        ("zset", "1".to_owned()),
        ("hash", "4".to_owned()),
        ("missing", "0".to_owned()),
        ("string", refused("string", "string")),
        ("stream", refused("stream", "stream")),
    ];
    for (name, expected) in cases {
        assert_eq!(said(key(&to, name)).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_user_who_may_count_only_lists_counts_lists() {
    if skip() {
        return;
    }
    let server = Server::with(&["user poor on >secret ~* +type +llen"]);
    server.say(&["RPUSH", "list", "a", "b"]);
    let to = with_password(at(&server.address()), Some("poor"), "secret");
    assert_eq!(said(key(&to, "list")).await, "2");
}

#[tokio::test]
async fn one_trigger_that_cannot_be_read_does_not_silence_the_others() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    server.say(&["RPUSH", "list", "a"]);
    let window = |timezone: &str| {
        trigger(TriggerKind::Cron(CronWindow {
            timezone: timezone.to_owned(),
            start: "0 0 * * *".to_owned(),
            end: "59 23 31 2 *".to_owned(),
            desired: 7,
            compat: Compat::Headcount,
        }))
    };
    let triggers = vec![
        key(&to, "list"),
        stream(&to, "list", StreamMeasure::Length),
        window("Mars/Olympus"),
        window("UTC"),
    ];
    let (signals, _posted) = signals();
    signals.configure(vec![(pool("p"), rule(triggers))]).await;
    let first = signals.sample(&pool("p")).await.unwrap();
    let readings: Vec<String> = first.readings.iter().map(shown).collect();
    let wrong = format!(
        "Invalid: \"list\" of redis at {} is not a stream: WRONGTYPE Operation against a key \
         holding the wrong kind of value; check the name in the trigger",
        server.address()
    );
    assert_eq!(readings[..2], ["1", &wrong]);
    assert!(readings[2].contains("Mars/Olympus"), "{}", readings[2]);
    assert_eq!(readings[3], "7");
    let second = signals.sample(&pool("p")).await.unwrap();
    assert!(second.number > first.number);
    let value = Level::count(1);
    assert!(matches!(&second.readings[0], headcount_model::Reading::Known(m) if m.value == value));
}

#[tokio::test]
async fn a_pool_without_triggers_is_said_to_have_none() {
    let (signals, _posted) = signals();
    let trouble = signals.sample(&pool("p")).await.unwrap_err();
    assert_eq!(trouble.message, "pool p has no triggers");
}
