//! Whatever is done to a stream and its group, the backlog is what a plain count says.

use std::collections::BTreeSet;
use std::time::Duration;

use headcount_ports::Signals;
use headcount_source_redis::RedisSignals;
use headcount_test_redis::{Client, Older, Server, skip};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{at, backlog, pool, rule, shown, signals, stream};

/// When entries may be claimed: never in this test, and at once.
const POOLS: [(&str, Duration); 2] = [
    ("in flight", Duration::from_secs(600)),
    ("silent", Duration::ZERO),
];

/// One thing that somebody does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Take(u8),
    /// The pending entry at this place, from the oldest.
    Acknowledge(u8),
    /// The entry of the stream at this place, from the oldest.
    Delete(u8),
    Trim(u8),
    Create,
    CreateAtEnd,
    Destroy,
    /// The group goes on behind the entry at this place.
    Move(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Add),
        4 => (1..4_u8).prop_map(Act::Take),
        3 => (0..4_u8).prop_map(Act::Acknowledge),
        3 => (0..8_u8).prop_map(Act::Delete),
        1 => (0..6_u8).prop_map(Act::Trim),
        2 => Just(Act::Create),
        1 => Just(Act::CreateAtEnd),
        1 => Just(Act::Destroy),
        1 => (0..6_u8).prop_map(Act::Move),
    ]
}

/// A stream and its group, kept by counting.
#[derive(Default)]
struct Model {
    next: u64,
    entries: BTreeSet<u64>,
    exists: bool,
    group: Option<Group>,
}

struct Group {
    last: u64,
    pending: BTreeSet<u64>,
}

impl Model {
    fn does(&mut self, server: &mut Client, act: Act) {
        let place = |n: u8| usize::from(n);
        match act {
            Act::Add => {
                self.next += 1;
                let id = format!("{}-0", self.next);
                server.say(&["XADD", "s", &id, "a", "b"]);
                self.entries.insert(self.next);
                self.exists = true;
            }
            Act::Take(n) => self.take(server, n),
            Act::Acknowledge(n) => {
                let Some(group) = &mut self.group else { return };
                if let Some(id) = group.pending.iter().nth(place(n)).copied() {
                    group.pending.remove(&id);
                    server.say(&["XACK", "s", "g", &format!("{id}-0")]);
                }
            }
            Act::Delete(n) => {
                if let Some(id) = self.entries.iter().nth(place(n)).copied() {
                    self.entries.remove(&id);
                    server.say(&["XDEL", "s", &format!("{id}-0")]);
                }
            }
            Act::Trim(n) => {
                server.say(&["XTRIM", "s", "MAXLEN", &n.to_string()]);
                while self.entries.len() > place(n) {
                    self.entries.pop_first();
                }
            }
            Act::Create => self.create(server, "0", 0),
            Act::CreateAtEnd => self.create(server, "$", self.next),
            Act::Destroy => {
                if self.group.take().is_some() {
                    server.say(&["XGROUP", "DESTROY", "s", "g"]);
                }
            }
            Act::Move(n) => {
                let Some(group) = &mut self.group else { return };
                if let Some(id) = self.entries.iter().nth(place(n)).copied() {
                    group.last = id;
                    server.say(&["XGROUP", "SETID", "s", "g", &format!("{id}-0")]);
                }
            }
        }
    }

    fn take(&mut self, server: &mut Client, n: u8) {
        let Some(group) = &mut self.group else { return };
        let n_text = n.to_string();
        server.say(&[
            "XREADGROUP",
            "GROUP",
            "g",
            "c",
            "COUNT",
            &n_text,
            "STREAMS",
            "s",
            ">",
        ]);
        let new = self.entries.range(group.last + 1..).take(n.into());
        for id in new.copied().collect::<Vec<_>>() {
            group.last = id;
            group.pending.insert(id);
        }
    }

    fn create(&mut self, server: &mut Client, start: &str, last: u64) {
        if !self.exists || self.group.is_some() {
            return;
        }
        server.say(&["XGROUP", "CREATE", "s", "g", start]);
        let pending = BTreeSet::new();
        self.group = Some(Group { last, pending });
    }

    /// With everything pending in flight, or all of it silent.
    fn backlog(&self, silent: bool) -> String {
        let Some(group) = &self.group else {
            let all = self.entries.len();
            return format!("{all} waiting, 0 in flight, 0 claimable");
        };
        let waiting = self.entries.range(group.last + 1..).count();
        let there = group.pending.iter().filter(|id| self.entries.contains(id));
        let (in_flight, claimable) = if silent {
            (0, there.count())
        } else {
            (group.pending.len(), 0)
        };
        format!("{waiting} waiting, {in_flight} in flight, {claimable} claimable")
    }
}

#[test]
fn the_backlog_is_what_a_plain_count_says() {
    if skip() {
        return;
    }
    let server = Server::start();
    check(&server, &server.address(), 60);
}

#[test]
fn the_backlog_is_what_a_plain_count_says_on_an_older_server() {
    if skip() {
        return;
    }
    let server = Server::start();
    check(&server, &Older::in_front_of(&server).address(), 12);
}

/// What happens at `server` is read at `address`.
fn check(server: &Server, address: &str, cases: u32) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let signals = runtime.block_on(watching(address));
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let stories = prop::collection::vec(act(), 1..40);
    TestRunner::new(config)
        .run(&stories, |acts| {
            let mut client = server.client();
            client.say(&["DEL", "s"]);
            let mut model = Model::default();
            for act in &acts {
                model.does(&mut client, *act);
                for (name, claim_after) in POOLS {
                    let said = runtime.block_on(said(&signals, name));
                    let silent = claim_after.is_zero();
                    prop_assert_eq!(said, model.backlog(silent), "after {:?}", act);
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Two pools: for one nothing is silent for long enough, for the other everything is.
async fn watching(address: &str) -> RedisSignals {
    let to = at(address);
    let rules = POOLS.map(|(name, claim_after)| {
        let trigger = stream(&to, "s", backlog(Some(claim_after)));
        (pool(name), rule(vec![trigger]))
    });
    let (signals, _posted) = signals();
    signals.configure(rules.into()).await;
    signals
}

async fn said(signals: &RedisSignals, name: &str) -> String {
    let sample = signals.sample(&pool(name)).await.unwrap();
    shown(&sample.readings[0])
}
