//! Agents in containers, on real Docker and real Podman: jobs run, nothing is lost, nothing
//! stays, whoever dies.

use std::fs;
use std::path::Path;

use headcount_api::JobState;
use headcount_test_engines::{Engine, IMAGE, Kind, skip};
use serde_json::json;

use crate::harness::{House, on_each_engine, script, until};

/// A scaler with one label set; `more` is added to the label set.
pub(crate) fn containers(engine: &Engine, max: u32, image: &str, more: &str) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: box\n\
         \x20   type: container\n\
         \x20   maxAgents: {max}\n\
         \x20   socketPath: {}\n\
         \x20   networkIsolation: false\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       image: {image}\n\
         \x20       imagePullPolicy: Never\n{more}",
        engine.socket().display()
    )
}

/// A folder of the host that containers write to.
fn shared(house: &House) -> String {
    let folder = house.path("out");
    fs::create_dir_all(&folder).unwrap();
    format!("        volumes: [\"{}:/out\"]\n", folder.display())
}

/// A house with such a scaler whose containers share `/out`.
fn house_on(engine: &Engine, max: u32) -> House {
    let mut house = House::new("");
    let config = containers(engine, max, IMAGE, &shared(&house));
    house.write_config(&config);
    house.start();
    house
}

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_job_runs_in_the_image_with_its_exit_code_and_output() {
    on_each_engine(|engine| {
        let house = house_on(&engine, 2);
        let api = house.api();
        let id = api.submit(&script(
            "ls /headcount; test -s /headcount/token && echo kept; echo to-stderr >&2; exit 7",
        ));
        let ended = api.end_of(&id);
        assert_eq!(
            (ended.state, ended.exit_code),
            (JobState::Failed, Some(7)),
            "{ended:#?}"
        );
        let log = api.log(&id);
        for word in ["headcount", "run", "work", "to-stderr"] {
            assert!(log.contains(word), "`{word}` is missing: {log}");
        }
        assert!(!log.contains("kept"), "a used token stays: {log}");
        let left = fs::read_dir(house.state().join("container-tokens")).unwrap();
        for backend in left {
            let tokens = fs::read_dir(backend.unwrap().path()).unwrap();
            assert_eq!(tokens.count(), 0, "a token stays on the host");
        }
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    });
}

#[test]
fn an_image_of_a_user_runs_jobs_as_that_user() {
    const OF_USER: &str = "headcount.test/user:1";
    on_each_engine(|engine| {
        engine.import_of(OF_USER, 1234);
        let mut house = House::new("");
        house.write_config(&containers(&engine, 2, OF_USER, ""));
        house.start();
        let api = house.api();
        let id = api.submit(&script("id -u; pwd; echo x > here; ls -d /headcount/*"));
        let ended = api.end_of(&id);
        let log = api.log(&id);
        assert_eq!(ended.state, JobState::Succeeded, "{log}\n{ended:#?}");
        assert!(log.starts_with("1234\n/headcount/work/"), "{log}");
        assert!(!log.contains("token"), "a used token stays: {log}");
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    });
}

#[test]
fn a_burst_survives_a_killed_daemon_and_leaves_nothing() {
    on_each_engine(|engine| {
        let mut house = house_on(&engine, 3);
        let job = "echo $HOSTNAME >> /out/started; sleep 0.3; echo done >> /out/ended";
        let ids = house.api().submit_all(&vec![script(job); 9]);
        until("some have run", || {
            (lines(&house.path("out/started")).len() >= 2).then_some(())
        });
        house.kill_daemon();
        house.start();
        for job in house.api().ends_of(&ids) {
            assert_eq!(
                (job.state, job.attempts),
                (JobState::Succeeded, 1),
                "{job:#?}"
            );
        }
        assert_eq!(lines(&house.path("out/started")).len(), 9);
        assert_eq!(lines(&house.path("out/ended")).len(), 9);
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    });
}

#[test]
fn limits_are_the_cgroups_own() {
    on_each_engine(|engine| {
        let house = house_on(&engine, 2);
        let job = json!({
            "script": "cat /sys/fs/cgroup/memory/memory.limit_in_bytes \
                       /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes \
                       /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us \
                       /sys/fs/cgroup/pids/pids.max 2>/dev/null || \
                       cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max",
            "resources": {"cpus": 0.5, "memory": "256m"},
        });
        let api = house.api();
        let id = api.submit(&job);
        assert_eq!(
            api.end_of(&id).state,
            JobState::Succeeded,
            "{}",
            api.log(&id)
        );
        let log = api.log(&id);
        assert!(log.contains("268435456"), "{log}");
        assert!(log.contains("50000"), "{log}");
        assert!(log.contains("4096"), "{log}");
        house.close();
    });
}

#[test]
fn a_container_removed_by_hand_is_known_at_once() {
    on_each_engine(|engine| {
        let house = house_on(&engine, 1);
        let api = house.api();
        let id = api.submit(&script("echo x >> /out/started; sleep 600"));
        api.running(&id);
        engine.remove_all();
        let ended = api.end_of(&id);
        assert_eq!(ended.state, JobState::Failed, "{ended:#?}");
        house.close();
    });
}

#[test]
fn an_engine_that_dies_and_returns_costs_nothing() {
    on_each_engine(|mut engine| {
        let house = house_on(&engine, 2);
        let api = house.api();
        let job = "echo x >> /out/started; while [ ! -e /out/gate ]; do sleep 0.05; done";
        let running = api.submit(&script(job));
        api.running(&running);
        engine.kill();
        let waiting = api.submit(&script("echo later"));
        engine.restart();
        fs::write(house.path("out/gate"), "").unwrap();
        for id in [running, waiting] {
            let ended = api.end_of(&id);
            assert_eq!(
                (ended.state, ended.attempts),
                (JobState::Succeeded, 1),
                "{ended:#?}"
            );
        }
        assert_eq!(lines(&house.path("out/started")).len(), 1);
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    });
}

#[test]
fn a_missing_image_is_explained() {
    on_each_engine(|engine| {
        let config = containers(&engine, 1, "headcount.test/nowhere:1", "");
        let house = House::up(&config);
        let api = house.api();
        let id = api.submit(&script("true"));
        let failure = until("the pool fails", || api.pool("box/linux").last_failure);
        assert_eq!(
            failure.message,
            "the engine does not have the image `headcount.test/nowhere:1`, and \
             `imagePullPolicy: Never` forbids fetching it"
        );
        house.run(&["cancel", &id]).good();
        house.close();
    });
}

#[test]
fn two_daemons_share_an_engine_and_leave_each_other_alone() {
    on_each_engine(|engine| {
        let (first, second) = (house_on(&engine, 2), house_on(&engine, 2));
        let id = first
            .api()
            .submit(&script("while [ ! -e /out/gate ]; do sleep 0.05; done"));
        first.api().running(&id);
        let other = second.api().submit(&script("true"));
        assert_eq!(second.api().end_of(&other).state, JobState::Succeeded);
        second.close();
        assert_eq!(first.api().job(&id).state, JobState::Running);
        fs::write(first.path("out/gate"), "").unwrap();
        assert_eq!(first.api().end_of(&id).state, JobState::Succeeded);
        first.close();
    });
}

#[test]
fn agents_that_die_at_once_are_explained_with_their_last_words() {
    on_each_engine(|engine| {
        let image = "headcount.test/broken:1";
        engine.import_running(image, "echo no kernel for me; exit 9");
        let config = containers(&engine, 1, image, "        agent: image\n").replace(
            "    networkIsolation",
            "    orchestratorUrl: ws://127.0.0.1:9\n    networkIsolation",
        );
        let house = House::up(&config);
        let api = house.api();
        let id = api.submit(&script("true"));
        let failure = until("the pool fails", || api.pool("box/linux").last_failure);
        let words = "ended with code 9 before it was of use";
        assert!(failure.message.ends_with(words), "{failure:?}");
        let steps = api.get(&format!("/jobs/{id}/provisioning")).json();
        let outputs = steps.as_array().unwrap().iter().map(|step| &step["output"]);
        let said = json!(["no kernel for me"]);
        assert!({ outputs }.any(|output| *output == said), "{steps}");
        let explained = until("the next launch is put off", || {
            let explained = api.get(&format!("/explain/{id}")).json();
            let put_off = ["launch_backoff", "circuit_open"].map(serde_json::Value::from);
            put_off.contains(&explained["reason"]).then_some(explained)
        });
        assert!(explained["advice"].is_string(), "{explained}");
        house.run(&["cancel", &id]).good();
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    });
}

#[test]
fn the_quick_start_of_kici_works_unchanged() {
    on_each_engine(|engine| {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kici-quickstart.yaml");
        engine.import("ghcr.io/myorg/kici-agent:latest");
        let house = House::new(&fs::read_to_string(file).unwrap());
        let mut house = house.on_a_machine_with(&engine);
        house.start();
        let api = house.api();
        let id = api.submit(&json!({
            "script": "id -u; sleep 2; exit 3",
            "runsOn": ["linux", "container"],
        }));
        api.running(&id);
        house.kill_daemon();
        house.start();
        let api = house.api();
        let ended = api.end_of(&id);
        assert_eq!(
            (ended.state, ended.exit_code),
            (JobState::Failed, Some(3)),
            "{ended:#?}"
        );
        assert_eq!(api.log(&id), "0\n");
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
        assert_eq!(engine.networks(), Vec::<String>::new());
        let tables = engine.says(&["nft", "list", "tables"]);
        assert!(!tables.contains("headcount"), "{tables}");
    });
}

#[test]
fn without_an_engine_the_daemon_says_where_it_looked() {
    let config = "version: 1\nscalers:\n  - name: box\n    type: container\n    maxAgents: 1\n    \
                  runtime: docker\n    labelSets:\n      - labels: [linux]\n        image: x\n";
    // A machine without an engine, whatever this one has.
    let house = House::new(config).through(&[
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs tmpfs /run && exec \"$0\" \"$@\"",
    ]);
    if skip(Kind::Docker) {
        house.close_unused();
        return;
    }
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    let words = "scaler `box`: no container engine was found: `/var/run/docker.sock` does not \
                 exist, start Docker or Podman's service, or name one with `socketPath` or `host`";
    assert!(refused.err.contains(words), "{}", refused.err);
    house.close_unused();
}

#[test]
fn a_reload_that_needs_another_engine_says_so() {
    on_each_engine(|engine| {
        let house = house_on(&engine, 1);
        let text = fs::read_to_string(house.config()).unwrap();
        house.write_config(&text.replace("engine.sock", "other.sock"));
        let refused = house.run(&["reload"]);
        assert_ne!(refused.code, 0);
        let words = "scaler `box`: restart required: this daemon has no backend `container:/";
        assert!(refused.err.contains(words), "{refused:?}");
        house.close();
    });
}
