//! What a job gets, and what is told of it.

use std::fs;

use headcount_api::agent::files::parse_pid;
use headcount_api::agent::{AttemptRef, FromAgent, Outcome, Stream, ToAgent};

use crate::bench::{Bench, argv, eventually, is_alive, pid_in, script};

#[tokio::test]
async fn output_comes_in_order_and_the_exit_code_is_told() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let job = script(1, "echo one; echo two >&2; echo three; exit 7");
    let attempt = link.run(job).await;
    let result = link.result(attempt).await;
    assert_eq!(result.exited(), 7);
    assert_eq!(result.text(Stream::Out), "one\nthree\n");
    assert_eq!(result.text(Stream::Err), "two\n");
    let numbers: Vec<u64> = result.chunks.iter().map(|chunk| chunk.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert!(result.chunks.is_sorted_by_key(|chunk| chunk.at_ms));
    assert!(result.chunks[0].at_ms > 1_600_000_000_000);
}

#[tokio::test]
async fn a_script_stops_at_its_first_failure_and_programs_run_as_they_are() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.run(script(1, "false; echo not reached")).await;
    let result = link.result(attempt).await;
    assert_eq!((result.exited(), result.chunks.len()), (1, 0));
    let attempt = link.run(argv(2, &["printf", "%s|", "a b", "$HOME"])).await;
    let result = link.result(attempt).await;
    assert_eq!(result.text(Stream::Out), "a b|$HOME|");
}

#[tokio::test]
async fn a_signal_is_told_as_a_signal() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.run(script(1, "kill -9 $$")).await;
    let result = link.result(attempt).await;
    assert_eq!(result.outcome, Some(Outcome::Signalled { signal: 9 }));
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let mut nowhere = script(2, "true");
    nowhere.working_dir = Some("/nowhere".to_owned());
    for (work, message) in [
        (
            argv(1, &["no-such-program"]),
            "program `no-such-program` not found in PATH",
        ),
        (
            nowhere,
            "working directory `/nowhere` does not exist on the agent's host",
        ),
        (argv(3, &[]), "no program is given"),
        (
            argv(4, &["a\0b"]),
            "command or environment holds a NUL character, which no program can be given",
        ),
    ] {
        let attempt = link.run(work).await;
        let message = message.to_owned();
        let outcome = link.result(attempt).await.outcome;
        assert_eq!(outcome, Some(Outcome::NotStarted { message }));
    }
}

#[tokio::test]
async fn a_job_sees_its_own_environment_and_nothing_of_the_agents() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let mut work = script(12, "env | grep -E '^(HEADCOUNT|CI=|GREETING)' | sort; cat");
    work.env.insert("GREETING".to_owned(), "hello".to_owned());
    work.env
        .insert("HEADCOUNT_JOB_ID".to_owned(), "forged".to_owned());
    let attempt = link.run(work).await;
    let result = link.result(attempt).await;
    let mark = fs::read_to_string(bench.path("agent/jobs/mark")).unwrap();
    assert_eq!(
        result.text(Stream::Out),
        format!(
            "CI=true\nGREETING=hello\nHEADCOUNT_JOB_ATTEMPT=1\nHEADCOUNT_JOB_ID=job-12\n\
             HEADCOUNT_JOB_MARK={}/12-1\nHEADCOUNT_JOB_NAME=test\n",
            mark.trim_end()
        )
    );
}

#[tokio::test]
async fn a_job_has_a_session_and_a_fresh_directory_that_is_removed() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let text = "pwd; mkdir -p a/b; touch a/b/c; chmod 500 a/b a; \
                read -r pid _ _ _ group session _ < /proc/$$/stat; \
                test $pid = $group -a $pid = $session";
    let attempt = link.run(script(3, text)).await;
    let result = link.result(attempt).await;
    assert_eq!(result.exited(), 0);
    let dir = bench.path("agent/work/3-1");
    assert_eq!(result.text(Stream::Out), format!("{}\n", dir.display()));
    eventually("the directory is removed", || !dir.exists()).await;
}

#[tokio::test]
async fn a_given_directory_stays() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let mut work = script(1, "touch made-here");
    work.working_dir = Some(bench.dir.path().display().to_string());
    let attempt = link.run(work).await;
    assert_eq!(link.result(attempt).await.exited(), 0);
    assert!(bench.path("made-here").exists());
}

#[tokio::test]
async fn slots_are_filled_and_no_more() {
    let bench = Bench::new().slots(2);
    let (_agent, mut link) = bench.connected().await;
    let wait = format!(
        "while ! test -e {}; do sleep 0.02; done",
        bench.path("go").display()
    );
    let first = link.run(script(1, &wait)).await;
    let second = link.run(script(2, &wait)).await;
    link.say(ToAgent::Assign {
        attempt: 1,
        work: script(3, "true"),
    })
    .await;
    let third = AttemptRef { job: 3, attempt: 1 };
    assert_eq!(link.hear().await, FromAgent::Decline(third));
    fs::write(bench.path("go"), "").unwrap();
    let mut ended = Vec::new();
    while ended.len() < 2 {
        match link.hear().await {
            FromAgent::Finished { attempt, .. } => ended.push(attempt),
            other => panic!("unexpected: {other:?}"),
        }
    }
    ended.sort();
    assert_eq!(ended, [first, second]);
}

#[tokio::test]
async fn a_pid_file_stands_while_the_job_runs() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let text = format!("echo $$ > {}; exec sleep 1000", bench.path("pid").display());
    let attempt = link.run(script(5, &text)).await;
    let pid = pid_in(&bench.path("pid")).await;
    let file = bench.path("agent/jobs/5-1.pid");
    let mut noted = None;
    eventually("its pid is noted", || {
        noted = parse_pid(&fs::read_to_string(&file).unwrap_or_default());
        noted.is_some()
    })
    .await;
    let (noted, start_time) = noted.unwrap();
    assert_eq!(noted, pid);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    assert_eq!(fields[19], start_time.to_string());
    link.say(ToAgent::Cancel(attempt)).await;
    link.result(attempt).await;
    assert!(!file.exists() && !is_alive(pid));
}
