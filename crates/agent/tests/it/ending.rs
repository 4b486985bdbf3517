//! How jobs are ended, and that nothing of them is left.

use std::path::Path;

use headcount_api::agent::{FromAgent, Outcome, Stream, ToAgent};
use rustix::process::Signal;

use crate::bench::{Bench, eventually, is_alive, pid_in, script};

/// A script that writes its pid and sleeps in the same process.
fn sleeper(file: &Path) -> String {
    format!("sh -c 'echo $$ > {}; exec sleep 1000'", file.display())
}

/// Waits for the file that `sleeper` writes.
fn wait_for(file: &Path) -> String {
    format!("while ! test -s {}; do sleep 0.01; done", file.display())
}

#[tokio::test]
async fn a_cancelled_job_is_told_as_cancelled() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.run(script(1, &sleeper(&bench.path("pid")))).await;
    let pid = pid_in(&bench.path("pid")).await;
    link.say(ToAgent::Cancel(attempt)).await;
    let result = link.result(attempt).await;
    assert_eq!(result.outcome, Some(Outcome::Cancelled));
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_job_beyond_its_time_is_ended_politely() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let mut work = script(
        1,
        "trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done",
    );
    work.timeout_ms = Some(100);
    let attempt = link.run(work).await;
    let result = link.result(attempt).await;
    assert_eq!(result.outcome, Some(Outcome::TimedOut));
    assert_eq!(result.text(Stream::Out), "bye\n");
}

#[tokio::test]
async fn a_job_that_ignores_term_is_killed_after_its_grace() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let text = format!("trap '' TERM; {} & wait; wait", sleeper(&bench.path("pid")));
    let mut work = script(1, &text);
    work.grace_ms = 100;
    let attempt = link.run(work).await;
    let pid = pid_in(&bench.path("pid")).await;
    link.say(ToAgent::Cancel(attempt)).await;
    let result = link.result(attempt).await;
    assert_eq!(result.outcome, Some(Outcome::Cancelled));
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_job_cancelled_before_its_grant_never_runs() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let file = bench.path("ran");
    let attempt = link
        .claimed(script(1, &format!("touch {}", file.display())))
        .await;
    link.say(ToAgent::Cancel(attempt)).await;
    link.say(ToAgent::Granted(attempt)).await;
    let result = link.result(attempt).await;
    assert_eq!(result.outcome, Some(Outcome::Cancelled));
    assert!(!file.exists());
}

#[tokio::test]
async fn a_denied_claim_frees_the_slot() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.claimed(script(1, "true")).await;
    let code = "not_yours".to_owned();
    link.say(ToAgent::Denied { attempt, code }).await;
    let next = link.run(script(2, "true")).await;
    assert_eq!(link.result(next).await.exited(), 0);
}

/// Runs a script that leaves a process behind, and sees it end with the job.
async fn leaves_nothing(text: impl Fn(&Path, &Path) -> String) {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let (file, other) = (bench.path("pid"), bench.path("other"));
    let text = format!("{}\n{}; exit 3", text(&file, &other), wait_for(&file));
    let attempt = link.run(script(1, &text)).await;
    let result = link.result(attempt).await;
    assert_eq!(result.exited(), 3);
    assert!(!is_alive(pid_in(&file).await));
}

#[tokio::test]
async fn background_processes_end_with_the_job() {
    leaves_nothing(|file, _| format!("{} &", sleeper(file))).await;
}

#[tokio::test]
async fn who_ignores_term_in_the_background_is_killed() {
    leaves_nothing(|file, _| format!("(trap '' TERM; {}) &", sleeper(file))).await;
}

#[tokio::test]
async fn who_moved_to_a_session_of_its_own_is_caught() {
    leaves_nothing(|file, _| format!("setsid {} &", sleeper(file))).await;
}

#[tokio::test]
async fn a_daemon_that_forked_twice_is_caught_with_its_output_open() {
    leaves_nothing(|file, _| format!("(setsid sh -c \"{} &\" &)", sleeper(file))).await;
}

#[tokio::test]
async fn who_dropped_the_environment_is_caught() {
    leaves_nothing(|file, _| format!("(env -i /usr/bin/setsid {} &)", sleeper(file))).await;
}

#[tokio::test]
async fn jobs_beside_each_other_do_not_end_each_others_strays() {
    let bench = Bench::new().slots(2);
    let (_agent, mut link) = bench.connected().await;
    let (one, two, go) = (bench.path("one"), bench.path("two"), bench.path("go"));
    let stray = |file| format!("(setsid {} &); {}", sleeper(file), wait_for(file));
    let first = format!(
        "{}; while ! test -e {}; do sleep 0.01; done",
        stray(&one),
        go.display()
    );
    let first = link.run(script(1, &first)).await;
    let first_stray = pid_in(&one).await;
    let second = link.run(script(2, &stray(&two))).await;
    assert_eq!(link.result(second).await.exited(), 0);
    assert!(!is_alive(pid_in(&two).await));
    assert!(is_alive(first_stray));
    std::fs::write(&go, "").unwrap();
    assert_eq!(link.result(first).await.exited(), 0);
    assert!(!is_alive(first_stray));
}

#[tokio::test]
async fn many_short_orphans_are_reaped_while_the_job_runs() {
    let bench = Bench::new();
    let (agent, mut link) = bench.connected().await;
    let file = bench.path("pid");
    let text = format!(
        "for i in 1 2 3 4 5 6 7 8; do (true &); done; {}",
        sleeper(&file)
    );
    let attempt = link.run(script(1, &text)).await;
    pid_in(&file).await;
    eventually("only the job is left", || {
        let children = format!("/proc/{0}/task", agent.pid());
        let threads = std::fs::read_dir(children).unwrap().flatten();
        let lists = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")));
        let count: usize = lists
            .flatten()
            .map(|list| list.split_whitespace().count())
            .sum();
        count == 1
    })
    .await;
    link.say(ToAgent::Cancel(attempt)).await;
    link.result(attempt).await;
}

#[tokio::test]
async fn a_job_dies_with_its_agent() {
    let bench = Bench::new();
    let (agent, mut link) = bench.connected().await;
    let text = format!("echo $$ > {}; exec sleep 1000", bench.path("pid").display());
    link.run(script(1, &text)).await;
    let pid = pid_in(&bench.path("pid")).await;
    let noted = bench.path("agent/jobs/1-1.pid");
    eventually("its pid is noted", || noted.exists()).await;
    agent.signal(Signal::KILL);
    eventually("the job dies", || !is_alive(pid)).await;
    assert!(noted.exists());
}

#[tokio::test]
async fn a_job_denied_while_it_runs_is_ended_without_a_result() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.run(script(1, &sleeper(&bench.path("pid")))).await;
    let pid = pid_in(&bench.path("pid")).await;
    let code = "not_yours".to_owned();
    link.say(ToAgent::Denied { attempt, code }).await;
    eventually("the job is ended", || !is_alive(pid)).await;
    let mut next = script(2, "true");
    // The slot is free once the run has ended; until then offers are declined.
    let claimed = loop {
        link.say(ToAgent::Assign {
            attempt: 1,
            work: next.clone(),
        })
        .await;
        match link.hear().await {
            FromAgent::Claim(attempt) => break attempt,
            FromAgent::Decline(_) => next.job += 1,
            other => panic!("unexpected: {other:?}"),
        }
    };
    link.say(ToAgent::Granted(claimed)).await;
    assert_eq!(link.result(claimed).await.exited(), 0);
}
