//! Limits enforced by real cgroups, where the host lets us; and through systemd, played by a
//! script. Where no cgroup can be made these tests only say so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use headcount_backend_process::{CgroupMode, CgroupSupport, Manager};
use headcount_model::{AgentId, BackendEvent, Exit, ProcessProgram, Recipe, Resources};
use headcount_ports::{Backend, CreateRequest};
use support::{Place, agent, destroy, wait_for_file, wait_until};

const MIB: u64 = 1 << 20;

/// A place that may make cgroups, if there is one.
fn place() -> Option<Place> {
    let support = CgroupSupport::detect();
    if matches!(
        support,
        CgroupSupport::Missing { .. } | CgroupSupport::Systemd(_)
    ) {
        println!("not tried: {support:?}");
        return None;
    }
    let mut place = Place::new();
    place.cgroups = CgroupMode::Use(support);
    Some(place)
}

fn limited(place: &Place, agent: AgentId, script: &str, limits: Resources) -> CreateRequest {
    let mut request = place.worker(agent, script);
    request.granted.limits = limits;
    request.recipe = Arc::new(Recipe::Process {
        program: ProcessProgram::Worker(["sh", "-c", script].map(str::to_owned).to_vec()),
        env: Default::default(),
        enforce_cgroups: true,
    });
    request
}

/// The cgroups its record names.
fn groups(place: &Place, agent: AgentId) -> Vec<PathBuf> {
    let record = fs::read_to_string(place.agent_dir(agent).join("instance")).unwrap();
    let groups = record.lines().filter_map(|l| l.strip_prefix("cgroup "));
    groups.map(PathBuf::from).collect()
}

#[tokio::test]
async fn both_limits_are_in_force_before_the_program_executes() {
    let Some(place) = place() else { return };
    let (backend, _events) = place.open();
    let limits = Resources {
        cpu_millis: 1500,
        memory_bytes: 64 * MIB,
    };
    let script = "cat /proc/self/cgroup > cgroup; echo >> cgroup; sleep 600";
    let request = limited(&place, agent(1), script, limits);
    backend.create(request).await.unwrap();
    let inside = wait_for_file(&place.agent_dir(agent(1)).join("cgroup"));
    let unit = format!("headcount-{}-{}", place.owner("one"), agent(1));
    assert!(inside.contains(&unit), "{inside}");
    let groups = groups(&place, agent(1));
    let read = |name: &str| {
        let mut texts = groups
            .iter()
            .filter_map(|dir| fs::read_to_string(dir.join(name)).ok());
        texts.next().map(|text| text.trim().to_owned())
    };
    let cpu = read("cpu.max")
        .or_else(|| read("cpu.cfs_quota_us"))
        .unwrap();
    assert!(cpu == "150000" || cpu == "150000 100000", "{cpu}");
    let memory = read("memory.max").or_else(|| read("memory.limit_in_bytes"));
    assert_eq!(memory, Some((64 * MIB).to_string()));

    backend
        .destroy(destroy(agent(1), Duration::from_secs(5)))
        .await
        .unwrap();
    assert!(groups.iter().all(|dir| !dir.exists()), "{groups:?}");
}

#[tokio::test]
async fn a_memory_hog_is_killed() {
    let Some(place) = place() else { return };
    let (backend, events) = place.open();
    let limits = Resources {
        cpu_millis: 0,
        memory_bytes: 16 * MIB,
    };
    // The shell itself grows, so it is the one to be killed.
    let script = "x=0123456789abcdef; while :; do x=$x$x; done";
    backend
        .create(limited(&place, agent(1), script, limits))
        .await
        .unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Signal(9));
    events.wait_for(gone).await;
}

#[tokio::test]
async fn nothing_leaves_a_cgroup() {
    let Some(place) = place() else { return };
    let (backend, events) = place.open();
    let limits = Resources {
        cpu_millis: 2000,
        memory_bytes: 0,
    };
    // No mark, no session, no parent: only the cgroup knows it.
    let script = "env -i setsid sh -c 'env -i setsid sleep 600 & echo $! > ../hidden'; \
                  until test -s ../hidden; do :; done; exit 3";
    backend
        .create(limited(&place, agent(1), script, limits))
        .await
        .unwrap();
    let hidden = wait_for_file(&place.agent_dir(agent(1)).with_file_name("hidden"));
    events
        .wait_for(BackendEvent::Gone(agent(1), Exit::Code(3)))
        .await;
    let cmdline = fs::read(format!("/proc/{}/cmdline", hidden.trim())).unwrap_or_default();
    assert_eq!(cmdline, b"", "it does not live");
}

#[tokio::test]
async fn a_later_daemon_removes_the_cgroups_of_an_earlier_one() {
    let Some(place) = place() else { return };
    let (backend, _events) = place.open();
    let limits = Resources {
        cpu_millis: 2000,
        memory_bytes: 64 * MIB,
    };
    backend
        .create(limited(&place, agent(1), "sleep 600", limits))
        .await
        .unwrap();
    let groups = groups(&place, agent(1));
    assert!(groups.iter().all(|dir| dir.exists()));
    drop(backend);
    let (backend, _events) = place.open();
    backend.list().await.unwrap();
    backend
        .destroy(destroy(agent(1), Duration::from_secs(5)))
        .await
        .unwrap();
    assert!(groups.iter().all(|dir| !dir.exists()), "{groups:?}");
}

#[tokio::test]
async fn without_limits_there_is_no_cgroup() {
    let Some(place) = place() else { return };
    let (backend, _events) = place.open();
    let request = limited(&place, agent(1), "sleep 600", Resources::ZERO);
    backend.create(request).await.unwrap();
    assert_eq!(groups(&place, agent(1)), Vec::<PathBuf>::new());
    backend
        .destroy(destroy(agent(1), Duration::from_secs(5)))
        .await
        .unwrap();
}

/// `systemd-run --scope` executes the program in its own place; so does this script.
#[tokio::test]
async fn a_systemd_scope_keeps_pid_session_and_marks() {
    let mut place = Place::new();
    place.cgroups = CgroupMode::Use(CgroupSupport::Systemd(Manager::User));
    let fake = place.dir.path().join("systemd-run");
    let script = "#!/bin/sh\necho \"$@\" > ../arguments\n\
                  while test \"$1\" != --; do shift; done\nshift\nexec \"$@\"\n";
    fs::write(&fake, script).unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let mut options = place.options(&place.owner("one"));
    let path = format!("{}:/bin:/usr/bin", place.dir.path().display());
    options.host_env.insert("PATH".into(), path);
    options
        .host_env
        .insert("XDG_RUNTIME_DIR".into(), "/run/user/7".into());
    let events = Arc::new(headcount_ports::conformance::backend::Events::default());
    let backend = headcount_backend_process::ProcessBackend::new(options, events.clone()).unwrap();

    let limits = Resources {
        cpu_millis: 500,
        memory_bytes: 0,
    };
    let script = "echo $$ $XDG_RUNTIME_DIR > ../pid; sleep 600";
    backend
        .create(limited(&place, agent(1), script, limits))
        .await
        .unwrap();
    let beside = |name: &str| place.agent_dir(agent(1)).with_file_name(name);
    let pid = wait_for_file(&beside("pid"));
    let (pid, runtime) = pid.trim().split_once(' ').unwrap();
    assert_eq!(runtime, "/run/user/7");
    let record = fs::read_to_string(place.agent_dir(agent(1)).join("instance")).unwrap();
    assert!(record.contains(&format!("process {pid} ")), "{record}");
    let unit = format!("headcount-{}-{}", place.owner("one"), agent(1));
    assert!(record.contains(&format!("scope user {unit}\n")), "{record}");
    let arguments = fs::read_to_string(beside("arguments")).unwrap();
    let expected = format!(
        "--user --scope --quiet --collect --slice=headcount --unit={unit} \
         --property=CPUQuota=50% -- "
    );
    assert!(arguments.starts_with(&expected), "{arguments}");
    backend
        .destroy(destroy(agent(1), Duration::from_secs(5)))
        .await
        .unwrap();
    wait_until("nothing is left", || place.processes().is_empty());
}
