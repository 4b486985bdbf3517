//! Real processes: what they are given, how they end, and what they cannot leave behind.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use headcount_model::{BackendEvent, Exit, Instance, InstanceState, ProcessProgram, Recipe};
use headcount_ports::{Backend, BackendError};
use rustix::process::{Pid, Signal, kill_process};
use support::{Place, agent, destroy, wait_for_file, wait_until};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn b3_a_group_that_ignores_term_is_killed_after_the_grace() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "trap '' TERM; sleep 600 & echo up > up; wait; wait";
    backend
        .create(place.worker(agent(1), script))
        .await
        .unwrap();
    wait_for_file(&place.agent_dir(agent(1)).join("up"));

    let before = Instant::now();
    backend.destroy(destroy(agent(1), SHORT)).await.unwrap();
    assert!(before.elapsed() >= SHORT, "it was given its grace");
    assert_eq!(place.processes(), []);
    let gone = BackendEvent::Gone(agent(1), Exit::Signal(9));
    events.wait_for(gone).await;
    assert!(!place.agent_dir(agent(1)).exists());
}

#[tokio::test]
async fn a_polite_end_does_not_wait_for_the_grace() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "trap 'exit 5' TERM; echo up > up; sleep 600 & wait";
    backend
        .create(place.worker(agent(1), script))
        .await
        .unwrap();
    wait_for_file(&place.agent_dir(agent(1)).join("up"));
    let before = Instant::now();
    backend.destroy(destroy(agent(1), LONG)).await.unwrap();
    assert!(before.elapsed() < LONG);
    let gone = BackendEvent::Gone(agent(1), Exit::Code(5));
    events.wait_for(gone).await;
}

#[tokio::test]
async fn an_agent_that_ends_by_itself_takes_its_escapees_with_it() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "setsid sh -c 'setsid sleep 600 & echo $! > ../escaped' & \
                  until test -s ../escaped; do :; done; exit 4";
    backend
        .create(place.worker(agent(1), script))
        .await
        .unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Code(4));
    events.wait_for(gone).await;
    assert_eq!(place.processes(), [], "gone means that nothing is left");
    let escaped = place.agent_dir(agent(1)).with_file_name("escaped");
    assert!(fs::read_to_string(escaped).is_ok(), "one did escape");
}

#[tokio::test]
async fn jobs_of_a_killed_agent_die_with_it() {
    let place = Place::new();
    let (backend, events) = place.open();
    // Three jobs' processes as our agent starts them: by pid file only, by the agent's own
    // mark only, and by origin only. The first two have scrubbed environments.
    let tag = &place.tag;
    let script = format!(
        "mkdir jobs; echo feedbeef{tag} > jobs/mark
         env -i setsid sh -c 'echo $$ $(cut -d\" \" -f22 /proc/$$/stat) > jobs/1-1.pid;
             sleep 600 & PLACE={tag} exec sleep 600' &
         env -i HEADCOUNT_JOB_MARK=feedbeef{tag}/2-1 setsid sh -c 'setsid sleep 600 &' &
         setsid sh -c 'setsid sleep 600 & exec sleep 600' &
         until test -s jobs/1-1.pid; do :; done
         echo $$ > up; wait"
    );
    backend
        .create(place.managed(agent(1), &script))
        .await
        .unwrap();
    let pid = wait_for_file(&place.agent_dir(agent(1)).join("up"));
    let is_up = || place.processes().len() >= 5;
    wait_until("the jobs run", is_up);

    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    let job = fs::read_to_string(place.agent_dir(agent(1)).join("jobs/1-1.pid")).unwrap();
    let job: i32 = job.split(' ').next().unwrap().parse().unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Signal(9));
    events.wait_for(gone).await;
    assert_eq!(place.processes(), []);
    assert_eq!(
        session_members(job),
        0,
        "what has no mark at all sat in the job's session"
    );
}

#[tokio::test]
async fn a_destroy_ends_descendants_that_hide_from_every_mark() {
    // Ended by force, and by itself once it is asked.
    for (trap, grace) in [("trap '' TERM", SHORT), ("trap 'exit 0' TERM", LONG)] {
        let place = Place::new();
        let (backend, _events) = place.open();
        let script = format!("{trap}; env -i setsid sleep 600 & echo $! > up; wait; wait");
        let request = place.worker(agent(1), &script);
        backend.create(request).await.unwrap();
        let hidden = wait_for_file(&place.agent_dir(agent(1)).join("up"));
        let hidden: i32 = hidden.trim().parse().unwrap();
        wait_until("it hides", || session_of(hidden) == Some(hidden));
        backend.destroy(destroy(agent(1), grace)).await.unwrap();
        assert_eq!(session_of(hidden), None, "{trap}");
    }
}

#[tokio::test]
async fn what_stays_in_the_session_needs_no_mark() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "env -i sleep 600 & echo $! > ../hidden; exit 3";
    let request = place.worker(agent(1), script);
    backend.create(request).await.unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Code(3));
    events.wait_for(gone).await;
    let hidden = wait_for_file(&place.agent_dir(agent(1)).with_file_name("hidden"));
    assert_eq!(session_of(hidden.trim().parse().unwrap()), None);
}

#[tokio::test]
async fn agents_are_given_their_identity_and_nothing_of_the_daemon() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "env | sort > ../env; cat $HEADCOUNT_AGENT_TOKEN_FILE > ../token; \
                  stat -c %a $HEADCOUNT_AGENT_TOKEN_FILE > ../mode; \
                  tr '\\0' ' ' < /proc/$$/cmdline > ../cmdline; \
                  ls -l /proc/self/fd > ../fds; cut -d' ' -f1,5,6 /proc/$$/stat > ../ids";
    backend
        .create(place.managed(agent(1), script))
        .await
        .unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Code(0));
    events.wait_for(gone).await;

    let dir = place.agent_dir(agent(1));
    let read = |name: &str| fs::read_to_string(dir.with_file_name(name)).unwrap();
    let env = read("env");
    let owner = place.owner("one");
    let id = agent(1);
    let expected = [
        format!("HEADCOUNT_AGENT_DIR={}", dir.display()),
        format!("HEADCOUNT_AGENT_ID={id}"),
        "HEADCOUNT_AGENT_LABELS=linux,x".into(),
        "HEADCOUNT_AGENT_LOG_PRESSURE=pause".into(),
        "HEADCOUNT_AGENT_SLOTS=1".into(),
        format!("HEADCOUNT_AGENT_TOKEN_FILE={}/token", dir.display()),
        "HEADCOUNT_AGENT_URL=unix:/none/agents.sock".into(),
        format!("HEADCOUNT_INSTANCE_MARK={owner}/tests/linux+x/{id}"),
        format!("HEADCOUNT_ORIGIN={owner}/{id}"),
    ];
    let ours: Vec<&str> = env.lines().filter(|l| l.starts_with("HEADCOUNT")).collect();
    assert_eq!(ours, expected);
    assert!(
        !env.contains("CARGO"),
        "the daemon's variables are withheld: {env}"
    );
    assert_eq!(
        (read("token").as_str(), read("mode").trim()),
        ("the-one-time-token", "600")
    );
    assert!(!env.contains("the-one-time") && !read("cmdline").contains("the-one-time"));
    let fds = read("fds");
    let at = |number: &str| {
        let mut lines = fds
            .lines()
            .filter(|l| l.contains(&format!(" {number} -> ")));
        lines
            .next()
            .and_then(|l| l.split(" -> ").nth(1))
            .unwrap_or("nothing")
    };
    assert_eq!(at("0"), "/dev/null");
    assert_eq!(at("2"), dir.join("output.log").display().to_string());
    let held = fds.lines().filter(|line| line.contains(" -> ")).count();
    assert_eq!(held, 4, "these, and the folder ls looks at: {fds}");
    let ids = read("ids");
    let ids: Vec<&str> = ids.split_whitespace().collect();
    assert_eq!((ids[0], ids[0]), (ids[1], ids[2]), "a session of its own");
}

#[tokio::test]
async fn workers_get_no_token_and_no_way_to_the_daemon() {
    let place = Place::new();
    let (backend, events) = place.open();
    let request = place.worker(agent(1), "env > ../env; ls > ../files");
    backend.create(request).await.unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Code(0));
    events.wait_for(gone).await;
    let read = |name: &str| fs::read_to_string(place.agent_dir(agent(1)).with_file_name(name));
    let env = read("env").unwrap();
    assert!(
        !env.contains("TOKEN") && !env.contains("AGENT_URL"),
        "{env}"
    );
    assert_eq!(read("files").unwrap(), "instance\n");
}

#[tokio::test]
async fn much_output_is_bounded_and_its_end_is_kept_after_the_end() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "i=0; while test $i -lt 20000; do echo line $i of very much output; \
                  i=$((i+1)); done; echo last words >&2; echo done > ../done; read -r x < go";
    let mkfifo = format!("mkfifo go; {script}");
    backend
        .create(place.worker(agent(1), &mkfifo))
        .await
        .unwrap();
    let dir = place.agent_dir(agent(1));
    wait_for_file(&dir.with_file_name("done"));
    let sizes = || {
        let size = |name: &str| fs::metadata(dir.join(name)).map_or(0, |found| found.len());
        size("output.log") + size("output.log.1")
    };
    let last = || fs::read_to_string(dir.join("output.log")).unwrap_or_default();
    wait_until("the pump has written all", || {
        last().ends_with("last words\n")
    });
    assert!(sizes() <= 64 * 1024, "{}", sizes());
    let expected = ["line 19999 of very much output", "last words"];
    assert_eq!(backend.last_output(agent(1), 2).await, expected);

    fs::write(dir.join("go"), "\n").unwrap();
    events
        .wait_for(BackendEvent::Gone(agent(1), Exit::Code(0)))
        .await;
    assert!(!dir.exists());
    assert_eq!(backend.last_output(agent(1), 2).await, expected);
    assert_eq!(place.processes(), [], "the pump is gone too");
}

#[tokio::test]
async fn last_words_before_an_early_end_are_kept() {
    let place = Place::new();
    let (backend, events) = place.open();
    for (number, request) in [
        (1, place.worker(agent(1), "echo cannot start >&2; exit 3")),
        (2, place.managed(agent(2), "echo cannot start >&2; exit 3")),
    ] {
        backend.create(request).await.unwrap();
        let gone = BackendEvent::Gone(agent(number), Exit::Code(3));
        events.wait_for(gone).await;
        let output = backend.last_output(agent(number), 50).await;
        assert_eq!(output, ["cannot start"]);
    }
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = place.dir.path().join("script");
    fs::write(&script, "#!/none/interpreter\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut request = place.worker(agent(1), "");
    request.recipe = std::sync::Arc::new(Recipe::Process {
        program: ProcessProgram::Worker(vec![script.display().to_string()]),
        env: Default::default(),
        enforce_cgroups: false,
    });
    let error = backend.create(request).await.unwrap_err();
    let expected = format!(
        "`{}` cannot be executed: it, or the interpreter in its first line, is missing",
        script.display()
    );
    assert_eq!(error, BackendError::Invalid(expected));
    assert!(!place.agent_dir(agent(1)).exists());
    assert_eq!(backend.list().await.unwrap().instances, []);
    assert_eq!(place.processes(), [], "nor a pump");
    assert_eq!(events.all(), []);
    backend
        .create(place.worker(agent(1), "sleep 600"))
        .await
        .unwrap();
    backend.destroy(destroy(agent(1), LONG)).await.unwrap();
}

#[tokio::test]
async fn limits_that_cannot_be_enforced_are_refused() {
    let place = Place::new();
    let (backend, _events) = place.open();
    assert!(!backend.promises().enforces_limits);
    let mut request = place.worker(agent(1), "sleep 600");
    request.granted.limits.cpu_millis = 500;
    request.recipe = std::sync::Arc::new(Recipe::Process {
        program: ProcessProgram::Worker(vec!["sleep".into(), "600".into()]),
        env: Default::default(),
        enforce_cgroups: true,
    });
    let error = backend.create(request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`enforceCgroups` cannot be honoured on this host: this test does without"
    );
}

#[tokio::test]
async fn an_agent_that_ended_is_not_started_again() {
    let place = Place::new();
    let (backend, events) = place.open();
    let request = place.worker(agent(1), "echo x >> ../starts; exit 3");
    backend.create(request.clone()).await.unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Code(3));
    events.wait_for(gone.clone()).await;
    backend.create(request).await.unwrap();
    let twice = |told: &[BackendEvent]| told.iter().filter(|e| **e == gone).count() == 2;
    events.wait_until("its end, again", twice).await;
    let starts = place.agent_dir(agent(1)).with_file_name("starts");
    assert_eq!(fs::read_to_string(starts).unwrap(), "x\n");
}

#[tokio::test]
async fn read_only_leftovers_do_not_stay() {
    let place = Place::new();
    let (backend, events) = place.open();
    let script = "mkdir -p work/a; echo x > work/a/b; chmod -R a-w work";
    backend
        .create(place.worker(agent(1), script))
        .await
        .unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Code(0));
    events.wait_for(gone).await;
    let agents = place.agent_dir(agent(1));
    assert_eq!(fs::read_dir(agents.parent().unwrap()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_lost_directory_does_not_hide_an_agent() {
    let place = Place::new();
    let (backend, _events) = place.open();
    backend
        .create(place.worker(agent(1), "sleep 600 & wait"))
        .await
        .unwrap();
    drop(backend);
    fs::remove_dir_all(place.agent_dir(agent(1))).unwrap();

    let (backend, events) = place.open();
    let expected = Instance {
        agent: agent(1),
        pool: "tests/linux+x".into(),
        state: InstanceState::Running,
    };
    assert_eq!(backend.list().await.unwrap().instances, [expected]);
    backend.destroy(destroy(agent(1), LONG)).await.unwrap();
    assert_eq!(place.processes(), []);
    let gone = |told: &[BackendEvent]| matches!(told, [BackendEvent::Gone(..)]);
    events.wait_until("gone", gone).await;
}

#[tokio::test]
async fn leftovers_of_the_dead_are_listed_and_can_be_destroyed() {
    let place = Place::new();
    let (backend, _events) = place.open();
    let script = "setsid sleep 600 & echo $$ > up; wait";
    backend
        .create(place.worker(agent(1), script))
        .await
        .unwrap();
    let pid = wait_for_file(&place.agent_dir(agent(1)).join("up"));
    drop(backend);
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    // Its parent, this test, stands for a daemon that is no more.
    rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap();

    let (backend, _events) = place.open();
    let listed = backend.list().await.unwrap().instances;
    assert_eq!(listed[0].state, InstanceState::Ended(Exit::Unknown));
    assert!(!place.processes().is_empty(), "a child of it lives");
    backend.destroy(destroy(agent(1), LONG)).await.unwrap();
    assert_eq!(place.processes(), []);
    assert_eq!(backend.list().await.unwrap().instances, []);
}

#[tokio::test]
async fn a_create_for_the_dead_of_an_earlier_daemon_starts_nothing() {
    let place = Place::new();
    let dir = place.agent_dir(agent(1));
    fs::create_dir_all(&dir).unwrap();
    let owner = place.owner("one");
    let record = format!("headcount-instance 1\nowner {owner}\npool p\nprocess 7 1 other-boot\n");
    fs::write(dir.join("instance"), record).unwrap();
    let (backend, events) = place.open();
    backend
        .create(place.worker(agent(1), "echo x > ../started"))
        .await
        .unwrap();
    let gone = BackendEvent::Gone(agent(1), Exit::Unknown);
    events.wait_for(gone).await;
    assert!(!dir.exists() && !dir.with_file_name("started").exists());
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_not_an_absence() {
    let place = Place::new();
    let (backend, _events) = place.open();
    let dir = place.agent_dir(agent(1));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("instance"), "headcount-instance 7\n").unwrap();
    assert!(matches!(
        backend.list().await,
        Err(BackendError::Transient(_))
    ));
    let destroyed = backend.destroy(destroy(agent(1), LONG)).await;
    assert!(matches!(destroyed, Err(BackendError::Unknown(_))));
    fs::remove_dir_all(dir.parent().unwrap()).unwrap();
    assert!(matches!(
        backend.list().await,
        Err(BackendError::Transient(_))
    ));
}

#[tokio::test]
async fn another_owners_directory_is_not_touched() {
    let place = Place::new();
    let dir = place.agent_dir(agent(1));
    fs::create_dir_all(&dir).unwrap();
    fs::write(
        dir.join("instance"),
        "headcount-instance 1\nowner else\npool p\n",
    )
    .unwrap();
    let (backend, _events) = place.open();
    assert_eq!(backend.list().await.unwrap().instances, []);
    backend.destroy(destroy(agent(1), LONG)).await.unwrap();
    let refused = backend
        .create(place.worker(agent(1), "true"))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "`{}` belongs to another owner (else); give this daemon a state directory of its own",
            dir.display()
        )
    );
    assert!(dir.join("instance").exists());
}

/// Living processes of a session.
fn session_members(session: i32) -> usize {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<i32>().ok()
    });
    pids.filter(|pid| session_of(*pid) == Some(session)).count()
}

/// The session of a process that lives.
fn session_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let lives = !matches!(fields.next()?, "Z" | "X");
    lives.then(|| fields.nth(2)?.parse().ok()).flatten()
}
