//! Agents on machines that a program makes: jobs run, nothing is lost, nothing stays.

use std::fs;
use std::path::{Path, PathBuf};

use headcount_api::JobState;

use crate::harness::{House, Process, content, script, until};

/// A provisioner among the examples.
pub(crate) fn example(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/provisioners");
    examples.join(name).canonicalize().unwrap()
}

/// A scaler of this program whose machines are below the house's own folder.
fn config(house: &House, program: &Path, max: u32) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: farm\n\
         \x20   type: program\n\
         \x20   maxAgents: {max}\n\
         \x20   program: {}\n\
         \x20   config: {}\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       agentBinary: {}\n",
        program.display(),
        house.path("machines").display(),
        env!("CARGO_BIN_EXE_headcount"),
    )
}

fn house_with(program: &Path, max: u32) -> House {
    let mut house = House::new("");
    house.write_config(&config(&house, program, max));
    house.start();
    house
}

/// Folders of machines.
pub(crate) fn machines(house: &House) -> Vec<PathBuf> {
    let owners = fs::read_dir(house.path("machines"))
        .into_iter()
        .flatten()
        .flatten();
    let folders = owners.flat_map(|owner| fs::read_dir(owner.path()).into_iter().flatten());
    let folders = folders.flatten().map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).collect()
}

#[test]
fn a_job_runs_on_a_machine_that_a_shell_program_made() {
    let house = house_with(&example("forty-lines.sh"), 2);
    let api = house.api();
    let id = api.submit(&script(
        "echo here; echo \"[${HEADCOUNT_AGENT_TOKEN_FILE-}]\"; exit 7",
    ));
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.exit_code),
        (JobState::Failed, Some(7)),
        "{ended:#?}"
    );
    assert_eq!(api.log(&id), "here\n[]\n");
    until("its machine is gone", || {
        machines(&house).is_empty().then_some(())
    });
    house.close();
}

#[test]
fn jobs_and_machines_survive_a_killed_daemon() {
    let mut house = house_with(&example("forty-lines.sh"), 2);
    let ids = house.api().submit_all(&vec![script("sleep 1"); 2]);
    for id in &ids {
        house.api().running(id);
    }
    house.kill_daemon();
    assert_eq!(machines(&house).len(), 2);
    house.start();
    for job in house.api().ends_of(&ids) {
        assert_eq!(
            (job.state, job.attempts),
            (JobState::Succeeded, 1),
            "{job:#?}"
        );
    }
    house.close();
}

/// A process that a job put into a session of its own is found by the machine's folder.
#[test]
fn destroyed_at_the_end_nothing_of_a_machine_is_left() {
    let mut house = House::new("").with(&["--stop-agents", "destroy", "--stop-timeout", "300ms"]);
    house.write_config(&config(&house, &example("forty-lines.sh"), 1));
    house.start();
    let pid = house.path("pid");
    let apart = format!(
        "setsid sh -c 'echo $$ >{0}.new; mv {0}.new {0}; exec sleep 600' & sleep 600",
        pid.display()
    );
    house.api().submit(&script(&apart));
    content(&pid);
    house.stop_daemon();
    assert_eq!(house.processes(), []);
    assert_eq!(machines(&house), Vec::<PathBuf>::new());
    house.start();
    house.close();
}

#[test]
fn a_machine_that_is_gone_without_a_word_is_replaced() {
    let house = house_with(&example("forty-lines.sh"), 1);
    let api = house.api();
    let id = api.submit(&script("sleep 600"));
    api.running(&id);
    // A job may start another process while it is killed.
    until("nothing of the machine runs", || {
        let left = house.processes();
        left.iter().for_each(Process::kill);
        left.is_empty().then_some(())
    });
    let ended = api.end_of(&id);
    assert_eq!(ended.state, JobState::Failed, "{ended:#?}");
    let next = api.submit(&script("exit 0"));
    assert_eq!(api.end_of(&next).state, JobState::Succeeded);
    house.close();
}

#[test]
fn a_program_that_is_not_there_or_cannot_run_stops_the_start() {
    let house = House::new("");
    let plain = house.path("plain");
    fs::write(&plain, "x").unwrap();
    for (program, expected) in [
        (
            house.path("none"),
            "cannot be used: No such file or directory (os error 2); correct `program`",
        ),
        (plain, "is not executable; `chmod +x` it"),
        (house.home().to_owned(), "is no file; correct `program`"),
    ] {
        house.write_config(&config(&house, &program, 1));
        let refused = house.refused();
        let sentence = format!(
            "scaler `farm`: the provisioner `{}` {expected}",
            program.display()
        );
        assert!(refused.err.contains(&sentence), "{}", refused.err);
        assert_eq!(refused.code, 2);
    }
    house.close_unused();
}
