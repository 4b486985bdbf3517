//! `headcount submit`: a job runs as written and ends as its command does.

use std::fs;

use headcount_api::{Job, JobState};
use rustix::process::Signal;
use serde_json::json;

use crate::harness::{House, pool_of, until};

fn house() -> House {
    House::up(&pool_of(4))
}

#[test]
fn a_job_prints_and_exits_through_submit() {
    let house = house();
    let ended = house.run(&[
        "submit",
        "--wait",
        "--follow",
        "--",
        "sh",
        "-c",
        "echo hi; exit 7",
    ]);
    assert_eq!(
        (ended.code, ended.text().as_str()),
        (7, "hi\n"),
        "{ended:?}"
    );
    let streams = "echo out; echo err >&2";
    let ended = house.run(&[
        "submit",
        "--follow",
        "--runs-on",
        "linux",
        "--",
        "sh",
        "-c",
        streams,
    ]);
    assert_eq!(
        (ended.code, ended.text().as_str()),
        (0, "out\n"),
        "{ended:?}"
    );
    assert!(ended.err.contains("err\n"), "{ended:?}");
    house.close();
}

#[test]
fn every_end_has_its_exit_code() {
    let house = house();
    let missing_dir = house.path("missing").display().to_string();
    for (code, said, arguments) in [
        (0, "", &["--", "true"][..]),
        (1, "", &["--", "false"]),
        (255, "", &["--", "sh", "-c", "exit 255"]),
        (137, "", &["--", "sh", "-c", "kill -KILL $$"]),
        (143, "", &["--", "sh", "-c", "kill -TERM $$"]),
        (124, "", &["--timeout", "300ms", "--", "sleep", "1000"]),
        (126, "no-such-program", &["--", "no-such-program"]),
        (
            126,
            "missing",
            &["--working-dir", &missing_dir, "--", "true"],
        ),
        (
            127,
            "",
            &["--expires-after", "1s", "--runs-on", "nobody", "--", "true"],
        ),
    ] {
        let ended = house.run(&[&["submit", "--wait"][..], arguments].concat());
        assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(said), "{arguments:?}: {ended:?}");
    }
    house.close();
}

#[test]
fn a_cancelled_job_ends_its_waiting_client() {
    let house = house();
    let client = house.begin(&["submit", "--wait", "--key", "long", "--", "sleep", "1000"]);
    let api = house.api();
    let again = json!({"command": ["sleep", "1000"], "key": "long"});
    api.when("the client has handed in its job", || {
        let jobs: Vec<Job> = serde_json::from_str(&api.get("/jobs").text).unwrap();
        (!jobs.is_empty()).then_some(())
    });
    let id = api.submit(&again);
    api.running(&id);
    house.run(&["cancel", &id]).good();
    let ended = client.end();
    assert_eq!(ended.code, 125, "{ended:?}");
    house.close();
}

#[test]
fn ctrl_c_stops_waiting_and_a_second_one_cancels() {
    let house = house();
    let api = house.api();
    let wait = |key: &str| {
        let client = house.begin(&["submit", "--wait", "--key", key, "--", "sleep", "1000"]);
        let id = until("the job runs", || {
            let jobs: Vec<Job> = serde_json::from_str(&api.get("/jobs?state=running").text).ok()?;
            let ours = jobs.into_iter().find(|job| job.key.as_deref() == Some(key));
            ours.map(|job| job.id)
        });
        (client, id)
    };
    let (left, goes_on) = wait("left alone");
    left.tell(Signal::INT);
    let ended = left.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.err.contains(&goes_on), "{ended:?}");
    assert_eq!(api.job(&goes_on).state, JobState::Running);

    let (cancelled, id) = wait("cancelled");
    cancelled.tell(Signal::INT);
    // Signals of one kind that come at once are one signal: the next is sent when the
    // first was told. A client that has ended meanwhile has not cancelled.
    until("the job is cancelled", || {
        cancelled.tell(Signal::INT);
        api.job(&id).state.is_ended().then_some(())
    });
    assert_eq!(api.end_of(&id).state, JobState::Cancelled);
    cancelled.end();
    house.run(&["cancel", &goes_on]).good();
    house.close();
}

#[test]
fn a_script_comes_from_a_file_or_from_standard_input() {
    let house = house();
    let text = "echo from script\nfalse\necho never\n";
    let ended = house.run_with(&["submit", "--follow", "--script", "-"], text);
    assert_eq!(
        (ended.code, ended.text().as_str()),
        (1, "from script\n"),
        "{ended:?}"
    );
    let file = house.path("build.sh");
    fs::write(&file, "echo from file; exit 3").unwrap();
    let ended = house.run(&["submit", "--follow", "--script", file.to_str().unwrap()]);
    assert_eq!(
        (ended.code, ended.text().as_str()),
        (3, "from file\n"),
        "{ended:?}"
    );
    house.close();
}

#[test]
fn a_job_has_its_variables_and_no_credentials() {
    let house = house();
    let ended = house.run(&[
        "submit",
        "--follow",
        "--name",
        "greet",
        "-e",
        "GREETING=hello world",
        "--",
        "sh",
        "-c",
        "echo \"$GREETING\" $CI $HEADCOUNT_JOB_NAME $HEADCOUNT_JOB_ATTEMPT; env",
    ]);
    let text = ended.good().text();
    assert!(text.starts_with("hello world true greet 1\n"), "{text}");
    let names = text.lines().filter_map(|line| line.split_once('='));
    let secret = names.filter(|(name, _)| {
        name.starts_with("HEADCOUNT_AGENT_") || name.contains("TOKEN") || name.contains("SESSION")
    });
    assert_eq!(secret.collect::<Vec<_>>(), []);
    house.close();
}

#[test]
fn a_job_has_nothing_to_read_and_a_place_of_its_own() {
    let house = house();
    let ended = house.run(&[
        "submit",
        "--follow",
        "--",
        "sh",
        "-c",
        "cat; echo end of input",
    ]);
    assert_eq!(ended.good().text(), "end of input\n");

    let fresh = house.run(&[
        "submit",
        "--follow",
        "--",
        "sh",
        "-c",
        "pwd; ls -A; touch left",
    ]);
    let place = fresh.good().text();
    let place = place.strip_suffix('\n').unwrap();
    assert!(place.starts_with(house.home().to_str().unwrap()), "{place}");
    house.await_empty();
    assert!(!fs::exists(place).unwrap(), "{place} is left behind");

    let named = house.path("workshop");
    fs::create_dir(&named).unwrap();
    let named = named.to_str().unwrap();
    let ended = house.run(&["submit", "--follow", "--working-dir", named, "--", "pwd"]);
    assert_eq!(ended.good().text(), format!("{named}\n"));
    assert!(
        fs::exists(named).unwrap(),
        "a directory of the user's was removed"
    );
    house.close();
}

#[test]
fn bytes_come_back_as_they_were() {
    let house = house();
    let copy = house.path("copy");
    let make = format!("head -c 1000000 /dev/urandom | tee {}", copy.display());
    let ended = house.run(&[
        "submit", "--follow", "--name", "noise", "--", "sh", "-c", &make,
    ]);
    let written = fs::read(&copy).unwrap();
    assert_eq!(written.len(), 1_000_000);
    assert!(
        ended.clone().good().out == written,
        "--follow changed bytes: {} of them",
        ended.out.len()
    );
    let jobs = house.run(&["jobs", "--json"]).good().json();
    let id = jobs[0]["id"].as_str().unwrap();
    assert!(
        house.run(&["logs", id]).good().out == written,
        "`logs` changed bytes"
    );
    house.close();
}

#[test]
fn a_log_is_followed_while_it_grows() {
    let house = house();
    let gate = house.path("gate");
    let wait = format!(
        "echo first; while [ ! -e {} ]; do sleep 0.05; done; echo last",
        gate.display()
    );
    let api = house.api();
    let id = api.submit(&json!({"script": wait}));
    until("the first line is there before the job ends", || {
        (house.run(&["logs", &id]).good().text() == "first\n").then_some(())
    });
    let follower = house.begin(&["logs", "--follow", &id]);
    fs::write(&gate, "").unwrap();
    assert_eq!(follower.end().good().text(), "first\nlast\n");
    house.close();
}

#[test]
fn lists_are_arrays_with_camel_case_keys_and_lower_case_states() {
    let house = house();
    house
        .run(&["submit", "--wait", "--name", "one", "--", "true"])
        .good();
    let jobs = house.run(&["jobs", "--json"]).good().json();
    assert_eq!(jobs[0]["state"], "succeeded");
    assert_eq!(jobs[0]["name"], "one");
    assert_eq!(jobs[0]["runsOn"], json!([]));
    assert_eq!(jobs[0]["exitCode"], 0);
    let gate = house.path("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let id = house.api().submit(&json!({"script": wait}));
    house.api().running(&id);
    let agents = house.run(&["agents", "--json"]).good().json();
    let busy = agents
        .as_array()
        .unwrap()
        .iter()
        .find(|agent| agent["state"] == "busy");
    let busy = busy.unwrap_or_else(|| panic!("no agent is busy: {agents}"));
    assert_eq!(busy["pool"], "local/linux");
    assert_eq!(busy["jobs"], json!([id]));
    let pools = house.run(&["pools", "--json"]).good().json();
    assert_eq!(pools[0]["maxAgents"], 4);
    assert_eq!(pools[0]["state"], "active");
    fs::write(&gate, "").unwrap();
    house.close();
}
