//! A stream that is read for agents: each entry is a job, with everything that jobs have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use headcount_api::{Job, JobState};
use headcount_test_redis::{Server, Value, skip};
use serde_json::json;

use crate::harness::{House, Random, until};

const STREAM: &str = "ci:jobs";

/// A stream, and a house whose agents run this script for each entry of it.
struct Stream {
    server: Server,
    house: House,
}

impl Stream {
    /// None where there is no Redis; it says so.
    fn up(script: &str) -> Option<Self> {
        if skip() {
            return None;
        }
        let server = Server::start();
        let mut house = House::new("");
        let script = script.replace("$NOTES", &house.path("notes").display().to_string());
        house.write_config(&config(&server.address(), "linux", &script));
        house.start();
        Some(Self { server, house })
    }

    fn add(&self, work: &str) {
        self.server.say(&["XADD", STREAM, "*", "work", work]);
    }

    /// Entries that somebody has and nobody has acknowledged.
    fn pending(&self) -> i64 {
        match self.server.ask(&["XPENDING", STREAM, "workers"]) {
            Ok(Value::Array(summary)) => match summary[0] {
                Value::Int(n) => n,
                ref other => panic!("no number: {other:?}"),
            },
            Ok(other) => panic!("no summary: {other:?}"),
            Err(_) => 0,
        }
    }

    fn letters(&self) -> Value {
        self.server.say(&["XLEN", "ci:dead"])
    }

    /// Waits until so many jobs of the stream have ended and Redis knows.
    fn await_ended(&self, n: usize) -> Vec<Job> {
        until("all have ended, and Redis knows", || {
            let jobs = self.house.api().jobs();
            let ended = jobs.iter().filter(|job| job.state.is_ended()).count();
            (ended == n && self.pending() == 0).then_some(jobs)
        })
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
}

fn config(address: &str, label: &str, script: &str) -> String {
    let script = json!(script);
    format!(
        "version: 1\n\
         sources:\n\
         \x20 - name: ci\n\
         \x20   type: redis-streams\n\
         \x20   metadata: {{ address: \"{address}\", stream: \"{STREAM}\", consumerGroup: workers }}\n\
         \x20   deadLetterStream: \"ci:dead\"\n\
         \x20   pollingInterval: 1s\n\
         \x20   job: {{ runsOn: [{label}], script: {script} }}\n\
         scalers:\n\
         \x20 - name: local\n\
         \x20   type: bare-metal\n\
         \x20   maxAgents: 4\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n"
    )
}

#[test]
fn an_entry_is_a_job_like_any_other_and_its_end_is_told() {
    let script = "echo work is $HEADCOUNT_FIELD_WORK; test \"$HEADCOUNT_FIELD_WORK\" = good";
    let Some(stream) = Stream::up(script) else {
        return;
    };
    stream.add("good");
    stream.add("bad");
    let jobs = stream.await_ended(2);
    let api = stream.house.api();
    let (bad, good) = (&jobs[0], &jobs[1]);
    assert_eq!((good.state, good.attempts), (JobState::Succeeded, 1));
    assert_eq!(api.log(&good.id), "work is good\n");
    assert_eq!((bad.state, bad.attempts), (JobState::Failed, 3), "{bad:#?}");
    assert_eq!(
        (bad.source.as_str(), bad.reason.as_deref()),
        ("ci", Some("command_failed"))
    );
    assert_eq!(stream.letters(), Value::Int(1));
    assert!(
        good.key
            .as_deref()
            .unwrap()
            .starts_with("ci/ci:jobs/workers/")
    );
    let one = |name| api.metric(name, "source=\"ci\"");
    assert!(one("headcount_source_entries_taken_total") >= 2.0);
    assert!((one("headcount_source_dead_letters_total") - 1.0).abs() < 0.1);
    let listed = stream.house.run(&["jobs"]).good().text();
    assert!(
        listed.contains("succeeded") && listed.contains("failed"),
        "{listed}"
    );
    stream.house.await_empty();
    stream.house.close();
}

#[test]
fn what_nobody_can_run_stays_in_the_stream_and_is_explained_and_a_running_one_is_cancelled() {
    let Some(mut stream) = Stream::up("touch $NOTES; sleep 1000") else {
        return;
    };
    stream.add("long");
    let job = until("it runs", || {
        let jobs = stream.house.api().jobs();
        let job = jobs.into_iter().next()?;
        (job.state == JobState::Running).then_some(job)
    });
    stream.house.run(&["cancel", &job.id]).good();
    let ended = stream.house.api().end_of(&job.id);
    assert_eq!(ended.state, JobState::Cancelled);
    stream.await_ended(1);
    assert_eq!(
        stream.letters(),
        Value::Int(0),
        "what was cancelled is no dead letter"
    );

    let address = stream.server.address();
    stream.house.write_config(&config(&address, "gpu", "true"));
    let refused = stream.house.run(&["reload"]).err;
    assert!(
        refused.contains("source `ci`: restart required"),
        "{refused}"
    );
    stream.house.stop_daemon();
    stream.house.start();
    stream.add("hopeless");
    until("the class waits for a pool", || {
        let explained = stream.house.api().get("/plan").text;
        explained.contains("no_matching_pool").then_some(())
    });
    assert_eq!(stream.server.say(&["XLEN", STREAM]), Value::Int(2));
    assert_eq!(stream.pending(), 0, "nobody has taken it");
    stream.house.await_empty();
    stream.house.close();
}

#[test]
fn every_entry_runs_once_although_the_daemon_and_redis_die_at_random_moments() {
    const ENTRIES: usize = 60;
    const KILLS: usize = 4;
    let Some(mut stream) = Stream::up("echo did $HEADCOUNT_FIELD_WORK >> $NOTES; sleep 0.1") else {
        return;
    };
    let mut random = Random::new("stream_source");
    for n in 0..ENTRIES {
        stream.add(&format!("work-{n}"));
    }
    for kill in 0..KILLS {
        let moment = usize::try_from(random.between(1, 40)).unwrap();
        let told = stream.house.api().events().take(moment).count();
        eprintln!("killed after {told} events");
        if kill.is_multiple_of(2) {
            stream.house.kill_daemon();
            stream.house.start();
        } else {
            stream.server.kill();
            stream.server.restart();
        }
    }
    let jobs = stream.await_ended(ENTRIES);
    assert!(
        jobs.iter().all(|job| job.state == JobState::Succeeded),
        "{jobs:#?}"
    );
    let notes = stream.notes();
    assert_eq!(notes.len(), ENTRIES, "{notes:?}");
    assert!(notes.values().all(|times| *times == 1), "{notes:?}");
    stream.house.await_empty();
    stream.house.close();
}

#[test]
fn an_entry_whose_agent_is_killed_is_tried_again_as_a_second_attempt() {
    let script = "echo began >> $NOTES; test \"$HEADCOUNT_JOB_ATTEMPT\" = 2 || sleep 1000";
    let Some(stream) = Stream::up(script) else {
        return;
    };
    stream.add("once");
    until("it began", || {
        stream.notes().contains_key("began").then_some(())
    });
    let agents = stream.house.processes();
    let agent = agents.iter().find(|process| process.is_agent()).unwrap();
    agent.kill();
    let jobs = stream.await_ended(1);
    assert_eq!((jobs[0].state, jobs[0].attempts), (JobState::Succeeded, 2));
    assert_eq!(stream.notes()["began"], 2);
    stream.house.await_empty();
    stream.house.close();
}

#[test]
fn what_redis_forgot_is_not_run_again() {
    let Some(mut stream) = Stream::up("echo did $HEADCOUNT_FIELD_WORK >> $NOTES") else {
        return;
    };
    for n in 0..5 {
        stream.add(&format!("work-{n}"));
    }
    let kept = tempfile::tempdir().unwrap();
    copy(stream.server.folder(), kept.path());
    stream.await_ended(5);
    stream.server.kill();
    copy(kept.path(), stream.server.folder());
    stream.server.restart();
    stream.add("after");
    stream.await_ended(6);
    let notes = stream.notes();
    assert!(notes.values().all(|times| *times == 1), "{notes:?}");
    assert_eq!(notes.len(), 6);
    stream.house.await_empty();
    stream.house.close();
}

/// The files of one folder into another, over those that are there.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            drop(fs::remove_dir_all(&target));
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
