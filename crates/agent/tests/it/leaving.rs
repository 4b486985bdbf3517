//! How an agent leaves.

use std::fs;

use headcount_api::agent::{FromAgent, Outcome, ToAgent};
use rustix::process::Signal;

use crate::bench::{Agent, Bench, Link, pid_in, script};

/// An agent with a job that runs until the file `go` is there.
async fn busy(bench: &Bench) -> (Agent, Link, headcount_api::agent::AttemptRef) {
    let (agent, mut link) = bench.connected().await;
    let text = format!(
        "echo $$ > {}; while ! test -e {}; do sleep 0.01; done; exit 5",
        bench.path("pid").display(),
        bench.path("go").display()
    );
    let attempt = link.run(script(1, &text)).await;
    pid_in(&bench.path("pid")).await;
    (agent, link, attempt)
}

#[tokio::test]
async fn an_idle_agent_that_is_drained_leaves_at_once() {
    let bench = Bench::new();
    let (mut agent, mut link) = bench.connected().await;
    link.say(ToAgent::Drain).await;
    assert_eq!(link.hear().await, FromAgent::Leaving);
    assert_eq!(link.try_hear().await, None);
    drop(link);
    assert_eq!(agent.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_drained_agent_ends_its_job_first_and_takes_no_other() {
    let bench = Bench::new().slots(2);
    let (mut agent, mut link, attempt) = busy(&bench).await;
    link.say(ToAgent::Drain).await;
    assert_eq!(link.hear().await, FromAgent::Leaving);
    link.say(ToAgent::Assign {
        attempt: 1,
        work: script(2, "true"),
    })
    .await;
    assert!(matches!(link.hear().await, FromAgent::Decline(declined) if declined.job == 2));
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(link.result(attempt).await.exited(), 5);
    assert_eq!(agent.exit_code().await, Some(0));
    assert!(!bench.path("agent/work/1-1").exists());
}

#[tokio::test]
async fn term_is_a_drain() {
    let bench = Bench::new();
    let (mut agent, mut link, attempt) = busy(&bench).await;
    agent.signal(Signal::TERM);
    assert_eq!(link.hear().await, FromAgent::Leaving);
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(link.result(attempt).await.exited(), 5);
    assert_eq!(agent.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_second_term_ends_the_jobs() {
    let bench = Bench::new();
    let (mut agent, mut link, attempt) = busy(&bench).await;
    agent.signal(Signal::TERM);
    assert_eq!(link.hear().await, FromAgent::Leaving);
    agent.signal(Signal::INT);
    let result = link.result(attempt).await;
    assert_eq!(result.outcome, Some(Outcome::Cancelled));
    assert_eq!(agent.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_result_that_nobody_records_holds_a_second_term_up_only_so_long() {
    let bench = Bench::new().last_words(50);
    let (mut agent, mut link, _) = busy(&bench).await;
    agent.signal(Signal::TERM);
    assert_eq!(link.hear().await, FromAgent::Leaving);
    agent.signal(Signal::TERM);
    assert!(matches!(link.hear().await, FromAgent::Finished { .. }));
    assert_eq!(agent.exit_code().await, Some(6));
}

#[tokio::test]
async fn an_agent_without_a_daemon_leaves_on_term() {
    let bench = Bench::new();
    let (mut agent, link) = bench.connected().await;
    fs::remove_file(bench.path("agents.sock")).unwrap();
    drop(link);
    agent.signal(Signal::TERM);
    assert_eq!(agent.exit_code().await, Some(0));
}

#[tokio::test]
async fn an_agent_without_a_token_does_not_start() {
    let bench = Bench::new();
    fs::remove_file(bench.path("token")).unwrap();
    assert_eq!(bench.start().exit_code().await, Some(2));
    assert!(
        bench
            .log()
            .contains("cannot be read: No such file or directory")
    );
}
