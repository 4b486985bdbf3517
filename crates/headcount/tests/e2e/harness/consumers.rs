//! A stream in a real Redis, and a house that serves it with host processes that feed
//! themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use headcount_test_redis::{Server, Value, skip};

use super::house::House;
use super::patience::until;

/// The stream; its group is `workers`.
pub const STREAM: &str = "ci:jobs";

/// Takes one entry - one that somebody fell silent with, where it is told to, or else the
/// next one - does its work, acknowledges it, deletes it and ends. What it does it notes in one file,
/// which all share; one short line at a time, so that none is torn.
///
/// The work is `NAME`, `NAME:SECONDS`, or `held-…`, which lasts until the test lets go.
const WORKER: &str = r#"note() { echo "$1" >> "$NOTES"; }
test ! -e "$NOTES.redis" || REDIS=$(cat "$NOTES.redis")
cli() { redis-cli -h "${REDIS%:*}" -p "${REDIS#*:}" --raw "$@"; }
of() { id=$(printf '%s\n' "$1" | sed -n 2p); work=$(printf '%s\n' "$1" | sed -n 4p); }
note "came $$"
if test -n "$CLAIM"; then
  of "$(cli XAUTOCLAIM ci:jobs workers "worker-$$" "$CLAIM" 0 COUNT 1)"
fi
if test -z "$id"; then
  of "$(cli XREADGROUP GROUP workers "worker-$$" COUNT 1 STREAMS ci:jobs '>')"
fi
if test -z "$id"; then
  note "idle $$"
else
  note "took $work"
  case $work in
    held*) while test ! -e "$NOTES.go"; do sleep 0.02; done ;;
    *:*) sleep "${work#*:}" ;;
  esac
  test "$(cli XACK ci:jobs workers "$id")" = 1 && note "did $work"
  cli XDEL ci:jobs "$id" >/dev/null
fi
note "left $$"
"#;

/// What a house is to be like.
pub struct Wanted<'a> {
    /// Workers at most.
    pub max: u32,
    /// The type of the trigger.
    pub trigger: &'a str,
    /// Further parameters of it, each after a comma.
    pub more: &'a str,
    /// After so many milliseconds of silence an entry may be claimed by another.
    pub claim_after_ms: Option<u32>,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self {
            max: 4,
            trigger: "redis-streams",
            more: "",
            claim_after_ms: None,
        }
    }
}

/// A stream with a group, and the house that serves it.
pub struct Consumers {
    pub server: Server,
    pub house: House,
}

impl Consumers {
    /// None where there is no Redis; it says so.
    pub fn up(wanted: &Wanted<'_>) -> Option<Self> {
        let mut consumers = Self::waiting(wanted)?;
        consumers.house.start();
        Some(consumers)
    }

    /// As [`Self::up`], but the daemon is not started yet.
    pub fn waiting(wanted: &Wanted<'_>) -> Option<Self> {
        if skip() {
            return None;
        }
        let server = Server::start();
        server.say(&["XGROUP", "CREATE", STREAM, "workers", "0", "MKSTREAM"]);
        let house = House::new("");
        configure(&house, &server.address(), &server.address(), wanted);
        Some(Self { server, house })
    }

    /// Adds one entry; its id.
    pub fn add(&self, work: &str) -> String {
        let Value::BulkString(id) = self.server.say(&["XADD", STREAM, "*", "work", work]) else {
            panic!("no id");
        };
        String::from_utf8(id).unwrap()
    }

    /// Lets go of all work that is held, now and later.
    pub fn let_go(&self) {
        self.notes().let_go();
    }

    /// What the workers noted.
    pub fn notes(&self) -> Notes {
        Notes::of(&self.house)
    }

    /// How often each line was noted that begins with this word.
    pub fn noted(&self, word: &str) -> BTreeMap<String, usize> {
        self.notes().with(word)
    }

    /// Waits until so many entries were taken.
    pub fn await_taken(&self, entries: usize) {
        until("the entries are taken", || {
            let taken: usize = self.noted("took").values().sum();
            (taken >= entries).then_some(())
        });
    }

    /// Waits until so many different entries are done and nobody is there any more.
    pub fn await_done(&self, entries: usize) {
        until("everything is done", || {
            (self.noted("did").len() == entries).then_some(())
        });
        self.house.await_empty();
        let api = self.house.api();
        api.when("the pool is back at none", || {
            api.agents().is_empty().then_some(())
        });
    }

    /// Nothing is left of the group: everything was given and acknowledged.
    pub fn assert_drained(&self) {
        let pending = self.server.say(&["XPENDING", STREAM, "workers"]);
        let Value::Array(pending) = pending else {
            panic!("no summary: {pending:?}");
        };
        assert_eq!(pending.first(), Some(&Value::Int(0)));
        let more = ["XREADGROUP", "GROUP", "workers", "test"];
        let more = self
            .server
            .say(&[&more[..], &["STREAMS", STREAM, ">"]].concat());
        assert_eq!(more, Value::Nil, "nobody was given these");
    }
}

/// What the workers of a house noted, in order.
#[derive(Clone, Debug)]
pub struct Notes {
    file: PathBuf,
}

impl Notes {
    /// Of the workers of this house.
    pub fn of(house: &House) -> Self {
        let file = house.path("notes");
        Self { file }
    }

    /// Every line.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        // The last line may be on its way.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// What follows this word, and how often.
    pub fn with(&self, word: &str) -> BTreeMap<String, usize> {
        let mut noted = BTreeMap::new();
        for line in self.lines() {
            if let Some(rest) = line.strip_prefix(word).and_then(|it| it.strip_prefix(' ')) {
                *noted.entry(rest.to_owned()).or_default() += 1;
            }
        }
        noted
    }

    /// The most workers at one moment, as they came and left.
    pub fn most(&self) -> usize {
        let mut now: usize = 0;
        let mut most = 0;
        for line in self.lines() {
            match line.split(' ').next() {
                Some("came") => now += 1,
                Some("left") => now -= 1,
                _ => {}
            }
            most = most.max(now);
        }
        most
    }

    /// Lets go of all work that is held, now and later.
    pub fn let_go(&self) {
        fs::write(self.file.with_extension("go"), "").unwrap();
    }

    /// From now on workers ask another server.
    pub fn move_to(&self, server: &Server) {
        fs::write(self.file.with_extension("redis"), server.address()).unwrap();
    }
}

/// A scaler whose workers ask at `redis` for what a trigger reads at `address`.
pub fn configure(house: &House, address: &str, redis: &str, wanted: &Wanted<'_>) {
    let script = house.path("worker.sh");
    fs::write(&script, WORKER).unwrap();
    let claim = wanted.claim_after_ms.map(|ms| ms.to_string());
    let after = claim.as_ref().map(|ms| format!(", claimAfter: {ms}ms"));
    house.write_config(&format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: consumers\n\
         \x20   type: bare-metal\n\
         \x20   maxAgents: {max}\n\
         \x20   policy: {{ kind: queue, pollingInterval: 1s }}\n\
         \x20   retry: {{ firstDelay: 100ms, maxDelay: 1s }}\n\
         \x20   triggers:\n\
         \x20     - type: {trigger}\n\
         \x20       metadata: {{ address: \"{address}\", stream: \"{STREAM}\", consumerGroup: workers{after}{more} }}\n\
         \x20   labelSets:\n\
         \x20     - labels: [consumer]\n\
         \x20       command: [/bin/sh, {script}]\n\
         \x20       env: {{ REDIS: \"{redis}\", NOTES: {notes}, CLAIM: \"{claim}\" }}\n",
        max = wanted.max,
        trigger = wanted.trigger,
        after = after.unwrap_or_default(),
        more = wanted.more,
        script = script.display(),
        notes = house.path("notes").display(),
        claim = claim.unwrap_or_default(),
    ));
}
