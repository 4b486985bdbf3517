//! The worked example of the documentation of GitLab Runner's autoscaling, for real: two
//! machines of a shell program are kept ready, five jobs come, seven machines run, and two
//! stay.

use headcount_api::{AgentState, JobState};

use crate::harness::{House, script};
use crate::provisioners::{example, machines};

/// Two ready, ten at most; a surplus one stays for two seconds.
fn house(compat: &str) -> House {
    let mut house = House::new("");
    house.write_config(&format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: farm\n\
         \x20   type: program\n\
         \x20   maxAgents: 10\n\
         \x20   policy: {{kind: idle, idleCount: 2, idleTime: 2s, compat: {compat}}}\n\
         \x20   timeouts: {{retire: 1s}}\n\
         \x20   program: {}\n\
         \x20   config: {}\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       maxJobs: 100\n\
         \x20       agentBinary: {}\n",
        example("forty-lines.sh").display(),
        house.path("machines").display(),
        env!("CARGO_BIN_EXE_headcount"),
    ));
    house.start();
    house
}

/// Waits for so many machines without a job, so many with one, and none on their way.
fn settled(house: &House, idle: usize, busy: usize) {
    let api = house.api();
    api.when(&format!("{idle} idle and {busy} busy machines"), || {
        let agents = api.agents();
        let of = |state| agents.iter().filter(|agent| agent.state == state).count();
        let seen = (of(AgentState::Idle), of(AgentState::Busy), agents.len());
        assert!(seen.2 <= 10, "{agents:#?}");
        (seen == (idle, busy, idle + busy)).then_some(())
    });
    assert_eq!(machines(house).len(), idle + busy);
}

#[test]
fn five_jobs_make_seven_machines_and_then_two_stay() {
    let house = house("headcount");
    worked_example(&house);
    house.close();
}

#[test]
fn it_is_the_same_in_the_arithmetic_of_the_original() {
    let house = house("gitlab");
    worked_example(&house);
    house.close();
}

fn worked_example(house: &House) {
    settled(house, 2, 0);
    let end = house.path("end");
    let wait = format!("until [ -e '{}' ]; do sleep 0.02; done", end.display());
    let ids = house.api().submit_all(&vec![script(&wait); 5]);
    settled(house, 2, 5);
    std::fs::write(&end, "").unwrap();
    for job in house.api().ends_of(&ids) {
        assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    }
    settled(house, 2, 0);
}
