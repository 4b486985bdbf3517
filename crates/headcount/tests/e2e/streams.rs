//! Streams: as many host processes as a Redis stream calls for, each of which feeds itself.

use std::collections::BTreeMap;
use std::fs;

use headcount_test_redis::{Server, Value, skip};

use crate::harness::{House, Sampler, until};

const STREAM: &str = "ci:jobs";
const MAX_AGENTS: u32 = 4;

/// Takes one entry, notes it, does its work, acknowledges it and ends. Who finds nothing
/// notes that too.
const WORKER: &str = r#"cli() { redis-cli -h "${REDIS%:*}" -p "${REDIS#*:}" --raw "$@"; }
cli XGROUP CREATE ci:jobs workers 0 MKSTREAM >/dev/null 2>&1
entry=$(cli XREADGROUP GROUP workers "worker-$$" COUNT 1 STREAMS ci:jobs '>')
id=$(printf '%s\n' "$entry" | sed -n 2p)
work=$(printf '%s\n' "$entry" | sed -n 4p)
if test -z "$id"; then echo idle >> "$NOTES"; exit 0; fi
echo "took $work" >> "$NOTES"
while test "$work" = held && test ! -e "$NOTES.go"; do sleep 0.02; done
cli XACK ci:jobs workers "$id" >/dev/null && echo "did $work" >> "$NOTES"
"#;

/// A stream, and a house that serves it.
struct Consumers {
    server: Server,
    house: House,
}

impl Consumers {
    /// None where there is no Redis; it says so.
    fn up() -> Option<Self> {
        if skip() {
            return None;
        }
        let server = Server::start();
        let mut house = House::new("");
        let script = house.path("worker.sh");
        fs::write(&script, WORKER).unwrap();
        house.write_config(&format!(
            "version: 1\n\
             scalers:\n\
             \x20 - name: consumers\n\
             \x20   type: bare-metal\n\
             \x20   maxAgents: {MAX_AGENTS}\n\
             \x20   policy: {{ kind: queue, pollingInterval: 1s }}\n\
             \x20   retry: {{ firstDelay: 100ms, maxDelay: 1s }}\n\
             \x20   triggers:\n\
             \x20     - type: redis-streams\n\
             \x20       metadata: {{ address: \"{address}\", stream: \"{STREAM}\", consumerGroup: workers }}\n\
             \x20   labelSets:\n\
             \x20     - labels: [consumer]\n\
             \x20       command: [/bin/sh, {script}]\n\
             \x20       env: {{ REDIS: \"{address}\", NOTES: {notes} }}\n",
            address = server.address(),
            script = script.display(),
            notes = house.path("notes").display(),
        ));
        house.start();
        Some(Self { server, house })
    }

    fn add(&self, work: &str) {
        self.server.say(&["XADD", STREAM, "*", "work", work]);
    }

    /// How often each line was noted.
    fn notes(&self) -> BTreeMap<String, usize> {
        let text = fs::read_to_string(self.house.path("notes")).unwrap_or_default();
        let mut notes = BTreeMap::new();
        for line in text.lines() {
            *notes.entry(line.to_owned()).or_default() += 1;
        }
        notes
    }

    fn noted(&self, line: &str) -> usize {
        self.notes().get(line).copied().unwrap_or_default()
    }

    /// Entries that nobody has acknowledged.
    fn pending(&self) -> Value {
        self.server.say(&["XPENDING", STREAM, "workers"])
    }

    fn await_done(&self, works: usize) {
        until("everything is done", || {
            let notes = self.notes();
            let done = notes.keys().filter(|note| note.starts_with("did ")).count();
            (done == works).then_some(())
        });
        self.house.await_empty();
    }
}

#[test]
fn one_message_wakes_one_worker_from_zero_and_the_pool_returns_to_zero() {
    let Some(consumers) = Consumers::up() else {
        return;
    };
    consumers.add("alone");
    consumers.await_done(1);
    let expected = [("did alone", 1), ("took alone", 1)];
    let expected = expected.map(|(note, times)| (note.to_owned(), times));
    assert_eq!(consumers.notes(), BTreeMap::from(expected));
    consumers.house.close();
}

#[test]
fn a_burst_stays_under_the_cap_and_makes_no_worker_for_nothing() {
    const MESSAGES: usize = 30;
    let Some(consumers) = Consumers::up() else {
        return;
    };
    let sampler = Sampler::start(consumers.house.home());
    for n in 0..MESSAGES {
        consumers.add(&format!("work-{n}"));
    }
    consumers.await_done(MESSAGES);
    let seen = sampler.stop();
    assert!(u32::try_from(seen.most).unwrap() <= MAX_AGENTS, "{seen:?}");
    let notes = consumers.notes();
    assert_eq!(notes.get("idle"), None, "{notes:?}");
    assert_eq!(
        notes.len(),
        2 * MESSAGES,
        "each was taken and done: {notes:?}"
    );
    assert!(notes.values().all(|times| *times == 1), "{notes:?}");
    consumers.house.close();
}

#[test]
fn while_redis_is_away_nothing_is_made_or_ended_and_explained() {
    let Some(mut consumers) = Consumers::up() else {
        return;
    };
    consumers.add("held");
    until("it is taken", || {
        (consumers.noted("took held") == 1).then_some(())
    });
    consumers.server.kill();
    let pool = until("the pool says so", || {
        let pools = consumers.house.run(&["pools", "--json"]).good().json();
        let pool = pools[0].clone();
        (pool["limitedBy"] == "signal_unknown").then_some(pool)
    });
    assert_eq!(pool["agents"]["total"], 1, "who works stays: {pool:#}");
    let why = format!(
        "redis at {} cannot be reached: connection refused; is it running, and is the address right?",
        consumers.server.address()
    );
    assert_eq!(pool["limitedByDetail"], why.as_str());

    consumers.server.restart();
    fs::write(consumers.house.path("notes.go"), "").unwrap();
    consumers.add("later");
    consumers.await_done(2);
    assert_eq!(consumers.noted("idle"), 0);
    consumers.house.close();
}

#[test]
fn a_daemon_killed_in_a_burst_loses_no_message() {
    const MESSAGES: usize = 20;
    let Some(mut consumers) = Consumers::up() else {
        return;
    };
    for n in 0..MESSAGES {
        consumers.add(&format!("work-{n}"));
        if n % 7 == 3 {
            until("work goes on", || {
                (consumers.notes().len() > n / 2).then_some(())
            });
            consumers.house.kill_daemon();
            consumers.house.start();
        }
    }
    consumers.await_done(MESSAGES);
    let notes = consumers.notes();
    for n in 0..MESSAGES {
        assert_eq!(notes.get(&format!("did work-{n}")), Some(&1), "{notes:?}");
    }
    let Value::Array(pending) = consumers.pending() else {
        panic!("a summary");
    };
    assert_eq!(pending.first(), Some(&Value::Int(0)));
    consumers.house.close();
}
