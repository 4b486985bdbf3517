//! Streams that somebody else works on, and servers that fail: what the pool says, that
//! nobody is made or ended by it, and that work goes on once it is over.

use headcount_test_redis::{Client, MASTER, Sentinels, Server, Value, skip};

use crate::harness::{Consumers, House, Notes, Process, STREAM, Wanted, configure, until};

/// One worker at a time, which holds the first entry.
fn one_at_work() -> Option<Consumers> {
    let consumers = Consumers::up(&Wanted {
        max: 1,
        ..Wanted::default()
    })?;
    consumers.add("held-first");
    consumers.await_taken(1);
    Some(consumers)
}

#[test]
fn entries_that_are_cancelled_or_trimmed_make_nobody() {
    let Some(consumers) = one_at_work() else {
        return;
    };
    let ids = ["a", "b", "c", "d", "e"].map(|work| consumers.add(work));
    consumers.server.say(&["XDEL", STREAM, &ids[2]]);
    // From here on the server itself does not know how many wait.
    let groups = format!("{:?}", consumers.server.say(&["XINFO", "GROUPS", STREAM]));
    assert!(groups.contains("nil"), "{groups}");
    // What is worked on goes as well, and one that waits.
    consumers.server.say(&["XTRIM", STREAM, "MINID", &ids[1]]);
    consumers.let_go();
    consumers.await_done(4);
    let done: Vec<String> = consumers.noted("did").into_keys().collect();
    assert_eq!(done, ["b", "d", "e", "held-first"]);
    assert_eq!(consumers.noted("came").len(), 4);
    assert!(consumers.noted("idle").is_empty());
    consumers.assert_drained();
    consumers.house.close();
}

#[test]
fn what_a_dead_consumer_held_is_done_by_another() {
    let Some(consumers) = Consumers::up(&Wanted {
        claim_after_ms: Some(1_500),
        ..Wanted::default()
    }) else {
        return;
    };
    consumers.add("held-first");
    consumers.await_taken(1);
    let workers = consumers.house.processes().into_iter();
    let shells: Vec<_> = workers
        .filter(|process| process.args.first().is_some_and(|arg| arg == "/bin/sh"))
        .collect();
    shells.iter().for_each(Process::end);
    consumers.let_go();
    consumers.await_done(1);
    assert_eq!(consumers.noted("took").get("held-first"), Some(&2));
    assert_eq!(consumers.noted("did").get("held-first"), Some(&1));
    // Until its entry may be claimed, nobody can tell whether the dead one was its holder.
    assert!(
        consumers.noted("idle").len() <= 1,
        "{:?}",
        consumers.notes()
    );
    consumers.assert_drained();
    consumers.house.close();
}

#[test]
fn a_server_that_is_down_at_the_start_is_said_and_waited_for() {
    let Some(mut consumers) = Consumers::waiting(&Wanted::default()) else {
        return;
    };
    consumers.add("early");
    consumers.server.kill();
    consumers.house.start();
    await_word(
        &consumers.house,
        Some(&format!(
            "redis at {} cannot be reached: connection refused; is it running, and is the \
             address right?",
            consumers.server.address()
        )),
    );
    assert_eq!(agents(&consumers.house), [""; 0]);
    consumers.server.restart();
    consumers.await_done(1);
    await_word(&consumers.house, None);
    consumers.house.close();
}

/// Something that is wrong with a server for a while.
struct Trouble {
    name: &'static str,
    begins: &'static [&'static [&'static str]],
    /// What the pool says; nothing where reading goes on.
    says: Option<&'static str>,
    ends: &'static [&'static [&'static str]],
}

const DISCONNECT: &[&str] = &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];

const TROUBLES: [Trouble; 5] = [
    Trouble {
        name: "a right is taken away",
        begins: &[&["ACL", "SETUSER", "default", "-xinfo"]],
        says: Some(
            "redis at ADDRESS does not allow it to user \"default\": NOPERM this user has no \
             permissions to run the 'xinfo|groups' command; allow that command and the key in \
             the user's ACL",
        ),
        ends: &[&["ACL", "SETUSER", "default", "+@all"]],
    },
    Trouble {
        name: "the stream is another thing",
        begins: &[&["RENAME", STREAM, "aside"], &["RPUSH", STREAM, "a member"]],
        says: Some(
            "\"ci:jobs\" of redis at ADDRESS is not a stream: WRONGTYPE Operation against a key \
             holding the wrong kind of value; check the name in the trigger",
        ),
        ends: &[&["RENAME", "aside", STREAM]],
    },
    Trouble {
        name: "it takes no writes",
        begins: &[&["REPLICAOF", "127.0.0.1", "1"]],
        says: None,
        ends: &[&["REPLICAOF", "NO", "ONE"]],
    },
    Trouble {
        name: "its memory is full",
        begins: &[&["CONFIG", "SET", "maxmemory", "1"]],
        says: None,
        ends: &[&["CONFIG", "SET", "maxmemory", "0"]],
    },
    // The last one: whoever is refused to be told of changes asks again a minute later.
    Trouble {
        name: "a password is set",
        begins: &[&["CONFIG", "SET", "requirepass", "secret"], DISCONNECT],
        says: Some(
            "redis at ADDRESS wants a password: NOAUTH Authentication required.; set the \
             password of the trigger, and the username if it is not the default user's",
        ),
        ends: &[&["CONFIG", "SET", "requirepass", ""]],
    },
];

#[test]
fn what_is_wrong_with_a_server_is_said_and_nobody_comes_or_goes_by_it() {
    let Some(consumers) = Consumers::up(&Wanted {
        max: 2,
        ..Wanted::default()
    }) else {
        return;
    };
    // It stays open whatever the server asks of others meanwhile.
    let mut client = consumers.server.client();
    consumers.add("held-first");
    consumers.await_taken(1);
    let at_work = agents(&consumers.house);
    assert_eq!(at_work.len(), 1);
    for (before, trouble) in TROUBLES.iter().enumerate() {
        let name = trouble.name;
        all(&mut client, trouble.begins);
        let says = trouble
            .says
            .map(|says| says.replace("ADDRESS", &consumers.server.address()));
        await_word(&consumers.house, says.as_deref());
        assert_eq!(agents(&consumers.house), at_work, "{name}");
        all(&mut client, trouble.ends);
        if says.is_some() {
            await_word(&consumers.house, None);
        }
        client.say(&["XADD", STREAM, "*", "work", name]);
        until(name, || {
            (consumers.noted("did").len() > before).then_some(())
        });
        let back = until("the other one has left", || {
            Some(agents(&consumers.house)).filter(|now| now.len() == 1)
        });
        assert_eq!(back, at_work, "{name}");
    }
    assert!(
        consumers.noted("idle").is_empty(),
        "{:?}",
        consumers.notes()
    );
    assert!(consumers.notes().most() <= 2);
    consumers.let_go();
    consumers.house.await_empty();
    consumers.house.close();
}

#[test]
fn a_group_that_is_deleted_makes_nobody_beside_who_works() {
    let Some(consumers) = Consumers::up(&Wanted::default()) else {
        return;
    };
    consumers.add("held-first");
    consumers.await_taken(1);
    let at_work = agents(&consumers.house);
    let server = &consumers.server;
    server.say(&["XGROUP", "DESTROY", STREAM, "workers"]);
    await_word(&consumers.house, None);
    assert_eq!(agents(&consumers.house), at_work);
    server.say(&["XGROUP", "CREATE", STREAM, "workers", "0"]);
    await_word(&consumers.house, None);
    assert_eq!(agents(&consumers.house), at_work);
    consumers.let_go();
    consumers.house.await_empty();
    consumers.add("later");
    consumers.await_done(1);
    assert!(consumers.noted("idle").is_empty());
    assert_eq!(consumers.noted("came").len(), 2);
    consumers.assert_drained();
    consumers.house.close();
}

#[test]
fn a_server_that_does_not_answer_is_said_and_nobody_comes_or_goes_by_it() {
    let Some(consumers) = one_at_work() else {
        return;
    };
    let at_work = agents(&consumers.house);
    consumers.add("second");
    consumers.server.pause();
    await_word(
        &consumers.house,
        Some(&format!(
            "redis at {} does not answer within 2 s; it is overloaded, or the network is",
            consumers.server.address()
        )),
    );
    assert_eq!(agents(&consumers.house), at_work);
    consumers.server.resume();
    consumers.let_go();
    consumers.await_done(2);
    await_word(&consumers.house, None);
    assert!(consumers.noted("idle").is_empty());
    consumers.house.close();
}

#[test]
fn a_failover_loses_nobody_and_work_goes_on_at_the_new_master() {
    if skip() {
        return;
    }
    let mut servers = Sentinels::start();
    let master = &servers.servers[0];
    master.say(&["XGROUP", "CREATE", STREAM, "workers", "0", "MKSTREAM"]);
    let mut house = House::new("");
    let trigger = Wanted {
        trigger: "redis-sentinel-streams",
        more: &format!(", sentinelMaster: {MASTER}"),
        ..Wanted::default()
    };
    let sentinel = servers.sentinel.address();
    configure(&house, &sentinel, &master.address(), &trigger);
    house.start();
    add(master, "held-first");
    let notes = Notes::of(&house);
    let noted = |word: &str, work: &str| notes.with(word).get(work).copied();
    until("it is taken", || noted("took", "held-first"));
    let at_work = agents(&house);
    // What a master did not hand on is lost with it.
    let mut client = servers.servers[0].client();
    client.say(&["SET", "after", "everything"]);
    assert_eq!(client.say(&["WAIT", "1", "10000"]), Value::Int(1));
    servers.fail_over();
    assert_eq!(agents(&house), at_work);
    let master = &servers.servers[0];
    notes.move_to(master);
    add(master, "later");
    until("it is done", || noted("did", "later"));
    assert_eq!(noted("took", "held-first"), Some(1));
    notes.let_go();
    house.await_empty();
    house.close();
}

fn add(server: &Server, work: &str) {
    let id = server.say(&["XADD", STREAM, "*", "work", work]);
    assert!(matches!(id, Value::BulkString(_)), "{id:?}");
}

fn all(client: &mut Client, commands: &[&[&str]]) {
    for command in commands {
        client.say(command);
    }
}

/// The ids of the agents there are.
fn agents(house: &House) -> Vec<String> {
    let agents = house.api().agents().into_iter();
    agents.map(|agent| agent.id).collect()
}

/// Waits until the pool gives just this as the trouble of its triggers, having read them.
fn await_word(house: &House, says: Option<&str>) {
    let api = house.api();
    let told = || {
        let signal = api.pools().remove(0).signal.unwrap();
        (signal.as_of, signal.trouble)
    };
    let (before, _) = told();
    until(says.unwrap_or("the triggers are read"), || {
        let (as_of, trouble) = told();
        let read = as_of != before || says.is_some();
        (read && trouble.as_deref() == says).then_some(())
    });
}
