//! Agents on machines that `docker-machine` makes, with a stand-in of the tool whose machines
//! are on a real engine: jobs run, nothing is lost, nothing stays.

use std::fs;
use std::path::Path;

use headcount_api::{AgentState, JobState};
use headcount_test_engines::{Engine, IMAGE, Kind, skip};
use headcount_test_machine::{Fault, StandIn};

use crate::harness::{House, Process, Relay, script, until};

/// A scaler of this tool; its agents reach the daemon through its socket.
fn config(house: &House, program: &Path, store: &Path) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: fleet\n\
         \x20   type: docker-machine\n\
         \x20   maxAgents: 2\n\
         \x20   program: {}\n\
         \x20   store: {}\n\
         \x20   orchestratorUrl: unix:/daemon/agents.sock\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       driver: stand-in\n\
         \x20       machineName: auto-scale-%s\n\
         \x20       image: {IMAGE}\n\
         \x20       imagePullPolicy: Never\n\
         \x20       volumes: [\"{}:/daemon\"]\n",
        program.display(),
        store.display(),
        house.state().join("run").display(),
    )
}

fn house_on(engine: &Engine) -> (House, StandIn) {
    let stand_in = StandIn::new(&engine.socket());
    let mut house = House::new("");
    house.write_config(&config(&house, &stand_in.program(), &stand_in.store()));
    house.start();
    (house, stand_in)
}

#[test]
fn a_job_runs_on_a_machine_and_the_machine_goes() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    let (house, stand_in) = house_on(&engine);
    let api = house.api();
    let id = api.submit(&script(
        "ls /headcount; test -s /headcount/token && echo kept; exit 7",
    ));
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.exit_code),
        (JobState::Failed, Some(7)),
        "{ended:#?}"
    );
    let log = api.log(&id);
    assert!(log.contains("headcount") && !log.contains("kept"), "{log}");
    until("its machine is gone", || {
        stand_in.machines().is_empty().then_some(())
    });
    assert_eq!(stand_in.calls_of("create").len(), 1);
    for call in stand_in.calls() {
        let told = format!("{call:?}");
        assert!(!told.contains("HEADCOUNT_"), "{told}");
    }
    let removed = stand_in.calls_of("rm");
    assert!(removed.iter().all(|words| words[1] == "-y"), "{removed:?}");
    house.close();
    assert_eq!(engine.containers(), Vec::<String>::new());
}

/// A scaler of this tool whose agents have nothing of this host but an address to call.
fn config_over_tls(house: &House, stand_in: &StandIn) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: fleet\n\
         \x20   type: docker-machine\n\
         \x20   maxAgents: 1\n\
         \x20   program: {}\n\
         \x20   store: {}\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       driver: stand-in\n\
         \x20       image: {IMAGE}\n\
         \x20       imagePullPolicy: Never\n\
         \x20       env: {{HOUSE: {}}}\n",
        stand_in.program().display(),
        stand_in.store().display(),
        house.home().display(),
    )
}

/// The agent of the machine, once it runs.
fn agent_inside(house: &House) -> Process {
    until("an agent runs on a machine", || {
        house.processes().into_iter().find(Process::is_agent)
    })
}

#[test]
fn an_agent_on_a_machine_calls_back_over_tls() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    let stand_in = StandIn::new(&engine.socket());
    let mut house = House::new("").with(&["--agent-listen", "127.0.0.1:0"]);
    house.write_config(&config_over_tls(&house, &stand_in));
    house.start();
    let api = house.api();
    let id = api.submit(&script(
        "echo over TLS; env | grep -c '^HEADCOUNT_AGENT' || true; test -e /headcount/token || exit 7",
    ));
    let agent = agent_inside(&house);
    let url = agent.variable("HEADCOUNT_AGENT_URL").unwrap();
    let port = url.strip_prefix("wss://127.0.0.1:").expect(&url);
    let pin = agent.variable("HEADCOUNT_AGENT_PIN").unwrap();
    assert!(pin.starts_with("sha256:"), "{pin}");
    // Its container has a loopback of its own and no other network: it reaches nobody yet.
    let agents = api.agents();
    let on_its_way = [AgentState::Creating, AgentState::Starting];
    assert!(on_its_way.contains(&agents[0].state), "{agents:#?}");
    let relay = Relay::into(&agent, port.parse().unwrap());
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.exit_code, ended.attempts),
        (JobState::Failed, Some(7), 1),
        "{ended:#?}"
    );
    assert_eq!(api.log(&id), "over TLS\n0\n");
    until("its machine is gone", || {
        stand_in.machines().is_empty().then_some(())
    });
    drop(relay);
    house.close();
    assert_eq!(engine.containers(), Vec::<String>::new());
}

#[test]
fn jobs_and_machines_survive_a_killed_daemon() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    let (mut house, stand_in) = house_on(&engine);
    let ids = house.api().submit_all(&vec![script("sleep 2"); 2]);
    for id in &ids {
        house.api().running(id);
    }
    house.kill_daemon();
    assert_eq!(stand_in.machines().len(), 2);
    house.start();
    for job in house.api().ends_of(&ids) {
        assert_eq!(
            (job.state, job.attempts),
            (JobState::Succeeded, 1),
            "{job:#?}"
        );
    }
    until("the machines are gone", || {
        stand_in.machines().is_empty().then_some(())
    });
    assert_eq!(stand_in.calls_of("create").len(), 2, "none was made twice");
    house.close();
}

#[test]
fn a_machine_that_is_being_made_when_the_daemon_is_killed_gets_its_agent() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    let (mut house, stand_in) = house_on(&engine);
    stand_in.set(Fault::PauseAfterMaking);
    let id = house.api().submit(&script("echo made once"));
    until("its machine is made", || {
        (stand_in.machines().len() == 1).then_some(())
    });
    house.kill_daemon();
    house.start();
    until("it is asked for again", || {
        let agents = house.api().agents();
        let creating = agents.len() == 1 && agents[0].state == AgentState::Creating;
        creating.then_some(())
    });
    stand_in.mend();
    let ended = house.api().end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 1),
        "{ended:#?}"
    );
    assert_eq!(house.api().log(&id), "made once\n");
    assert_eq!(stand_in.calls_of("create").len(), 1, "no other is made");
    let pools = house.run(&["pools"]).good().text();
    assert!(!pools.contains("failed"), "{pools}");
    until("the machine is gone", || {
        stand_in.machines().is_empty().then_some(())
    });
    house.close();
}

#[test]
fn a_tool_that_is_not_there_stops_the_start() {
    let house = House::new("");
    let none = house.path("none");
    house.write_config(&config(&house, &none, &house.path("store")));
    let refused = house.refused();
    let sentence = format!(
        "scaler `fleet`: `{}` cannot be used: No such file or directory (os error 2); correct \
         `program`",
        none.display()
    );
    assert!(refused.err.contains(&sentence), "{}", refused.err);
    assert_eq!(refused.code, 2);
    house.close_unused();
}

/// A `config.toml` of GitLab Runner, with what it has no words for in a table of ours.
fn config_toml(house: &House, stand_in: &StandIn, idle: u32) -> String {
    format!(
        "concurrent = 2\n\
         [[runners]]\n\
         name = \"fleet\"\n\
         url = \"https://gitlab.example.com\"\n\
         token = \"hunter2-a\"\n\
         limit = 2\n\
         executor = \"docker+machine\"\n\
         environment = [\"DEPLOY_KEY=hunter2-c\"]\n\
         [runners.headcount]\n\
         labels = [\"linux\"]\n\
         program = \"{}\"\n\
         store = \"{}\"\n\
         orchestratorUrl = \"unix:/daemon/agents.sock\"\n\
         [runners.docker]\n\
         image = \"{IMAGE}\"\n\
         pull_policy = \"never\"\n\
         volumes = [\"{}:/daemon\"]\n\
         [runners.machine]\n\
         IdleCount = {idle}\n\
         MaxBuilds = 1\n\
         MachineDriver = \"stand-in\"\n\
         MachineName = \"auto-scale-%s\"\n\
         MachineOptions = [\"stand-in-token=hunter2-b\"]\n",
        stand_in.program().display(),
        stand_in.store().display(),
        house.state().join("run").display(),
    )
}

#[test]
fn a_config_toml_is_run_planned_and_reloaded() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    let stand_in = StandIn::new(&engine.socket());
    let mut house = House::new("");
    house.write_config(&config_toml(&house, &stand_in, 0));
    house.start();
    let api = house.api();
    let id = api.submit(&script("test \"$DEPLOY_KEY\" = hunter2-c"));
    assert_eq!(api.end_of(&id).state, JobState::Succeeded);
    until("its machine is gone", || {
        stand_in.machines().is_empty().then_some(())
    });
    let made = stand_in.calls_of("create");
    let told = format!("{made:?}");
    assert!(told.contains("auto-scale-"), "{told}");

    let file = house.path("config.toml");
    fs::write(&file, config_toml(&house, &stand_in, 1)).unwrap();
    let plan = house.run(&["plan", "-c", file.to_str().unwrap()]);
    let plan = plan.good().text();
    assert!(plan.contains("~ pool fleet/linux\n"), "{plan}");
    assert!(plan.contains("idleCount: 0 -> 1"), "{plan}");
    assert!(
        plan.contains("difference: ") && plan.contains("config.toml:4:1"),
        "{plan}"
    );
    house.write_config(&config_toml(&house, &stand_in, 1));
    let reload = house.run(&["reload"]).good().text();
    until("a machine is kept", || {
        (stand_in.machines().len() == 1).then_some(())
    });
    house.write_config(&config_toml(&house, &stand_in, 0));
    house.run(&["reload"]).good();
    until("it has left", || {
        stand_in.machines().is_empty().then_some(())
    });
    assert!(!format!("{plan}{reload}").contains("hunter2"), "{plan}");
    house.close();
}
