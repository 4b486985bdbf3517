//! Lost answers, broken connections, refusals.

use std::fs;

use headcount_api::agent::{FromAgent, Outcome, Stream, ToAgent};

use crate::bench::{Bench, Result, bytes, eventually, is_alive, pid_in, script};

fn refused(retry: bool) -> ToAgent {
    ToAgent::Refused {
        code: "token_used".to_owned(),
        message: "no".to_owned(),
        retry,
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_registration_is_asked_for_again_with_the_same_session() {
    let bench = Bench::new();
    let _agent = bench.start();
    let mut link = bench.accept().await;
    let first = link.hear().await;
    assert!(matches!(&first, FromAgent::Register { token, .. } if token.expose() == "the-token"));
    drop(link);
    assert!(bench.path("token").exists());
    let (second, _link) = bench.welcome().await;
    assert_eq!(first, second);
    eventually("the token file is removed", || {
        !bench.path("token").exists()
    })
    .await;
}

#[tokio::test]
async fn later_connections_resume_with_the_session() {
    let bench = Bench::new();
    let _agent = bench.start();
    let (greeting, link) = bench.welcome().await;
    drop(link);
    let (again, _link) = bench.welcome().await;
    let FromAgent::Register { session_digest, .. } = greeting else {
        panic!()
    };
    let FromAgent::Resume {
        session,
        held,
        agent,
        ..
    } = again
    else {
        panic!()
    };
    assert_eq!((agent.as_str(), held.len()), ("a-1-1", 0));
    assert_eq!(hex_digest(session.expose()), session_digest);
}

fn hex_digest(text: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_lost_grant_is_asked_for_again_and_the_job_runs_once() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let ran = bench.path("ran");
    let work = script(1, &format!("echo run >> {}", ran.display()));
    let attempt = link.claimed(work.clone()).await;
    drop(link);
    let (greeting, mut link) = bench.welcome().await;
    let FromAgent::Resume { held, claiming, .. } = greeting else {
        panic!("not a resume: {greeting:?}");
    };
    assert_eq!((held, claiming), (Vec::new(), vec![attempt]));
    assert_eq!(link.hear().await, FromAgent::Claim(attempt));
    link.say(ToAgent::Assign { attempt: 1, work }).await;
    assert_eq!(link.hear().await, FromAgent::Claim(attempt));
    link.say(ToAgent::Granted(attempt)).await;
    link.say(ToAgent::Granted(attempt)).await;
    assert_eq!(link.result(attempt).await.exited(), 0);
    assert_eq!(fs::read_to_string(ran).unwrap(), "run\n");
}

#[tokio::test]
async fn a_result_is_told_until_it_is_recorded() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.run(script(1, "exit 4")).await;
    let finished = FromAgent::Finished {
        attempt,
        outcome: Outcome::Exited { code: 4 },
    };
    assert_eq!(link.hear().await, finished);
    drop(link);
    let (greeting, mut link) = bench.welcome().await;
    assert!(matches!(greeting, FromAgent::Resume { held, .. } if held == [attempt]));
    assert_eq!(link.hear().await, finished);
    link.say(ToAgent::Recorded(attempt)).await;
    // The answer to what follows shows that it was heard.
    link.claimed(script(2, "true")).await;
    drop(link);
    let (greeting, _link) = bench.welcome().await;
    assert!(matches!(greeting, FromAgent::Resume { held, .. } if held.is_empty()));
}

#[tokio::test]
async fn output_goes_on_where_it_was_stored() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let go = bench.path("go");
    let text = format!(
        "seq 1 200000; while ! test -e {}; do sleep 0.01; done; seq 200001 400000",
        go.display()
    );
    let attempt = link.run(script(1, &text)).await;
    // Some of it is stored, some is only heard, then the connection breaks.
    let FromAgent::Output { chunks, .. } = link.hear().await else {
        panic!()
    };
    let stored = chunks[0].number;
    link.say(ToAgent::Stored {
        attempt,
        through: stored,
    })
    .await;
    let FromAgent::Output { chunks: heard, .. } = link.hear().await else {
        panic!()
    };
    let mut result = Result::default();
    result
        .chunks
        .extend(chunks.into_iter().filter(|chunk| chunk.number <= stored));
    drop(link);
    fs::write(go, "").unwrap();
    let (greeting, mut link) = bench.welcome().await;
    assert!(matches!(greeting, FromAgent::Resume { held, .. } if held == [attempt]));
    let rest = link.result(attempt).await;
    for chunk in &heard {
        let same = rest
            .chunks
            .iter()
            .find(|again| again.number == chunk.number);
        if chunk.number > stored {
            assert_eq!(same.map(bytes), Some(bytes(chunk)));
        }
    }
    let after = rest
        .chunks
        .into_iter()
        .filter(|chunk| chunk.number > stored);
    result.chunks.extend(after);
    let expected: String = (1..=400_000).map(|line| format!("{line}\n")).collect();
    assert_eq!(result.text(Stream::Out), expected);
    let numbers: Vec<u64> = result.chunks.iter().map(|chunk| chunk.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_agent_that_is_refused_ends_what_it_runs() {
    let bench = Bench::new();
    let (mut agent, mut link) = bench.connected().await;
    link.run(script(
        1,
        &format!("echo $$ > {}; exec sleep 1000", bench.path("pid").display()),
    ))
    .await;
    let pid = pid_in(&bench.path("pid")).await;
    drop(link);
    let mut link = bench.accept().await;
    link.hear().await;
    link.say(refused(false)).await;
    assert_eq!(agent.exit_code().await, Some(3));
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn an_agent_that_may_come_back_does() {
    let bench = Bench::new();
    let _agent = bench.start();
    let mut link = bench.accept().await;
    link.hear().await;
    link.say(refused(true)).await;
    let (greeting, _link) = bench.welcome().await;
    assert!(matches!(greeting, FromAgent::Register { .. }));
}

#[tokio::test]
async fn a_daemon_of_an_unknown_version_is_not_served() {
    let bench = Bench::new();
    let mut agent = bench.start();
    let mut link = bench.accept().await;
    link.hear().await;
    link.say(ToAgent::Welcome { protocol: 99 }).await;
    assert_eq!(agent.exit_code().await, Some(3));
}

#[tokio::test]
async fn a_silent_daemon_is_given_up_and_tried_again() {
    let bench = Bench::new().silence(200);
    let (_agent, _silent) = bench.connected().await;
    let (greeting, _link) = bench.welcome().await;
    assert!(matches!(greeting, FromAgent::Resume { .. }));
}

#[tokio::test]
async fn without_a_daemon_an_idle_agent_ends() {
    let bench = Bench::new().idle_patience(300);
    let (mut agent, link) = bench.connected().await;
    fs::remove_file(bench.path("agents.sock")).unwrap();
    drop(link);
    assert_eq!(agent.exit_code().await, Some(4));
}

#[tokio::test]
async fn without_a_daemon_a_job_goes_on() {
    let bench = Bench::new().result_patience(1);
    let (mut agent, mut link) = bench.connected().await;
    let (go, done) = (bench.path("go"), bench.path("done"));
    let text = format!(
        "echo $$ > {}; while ! test -e {}; do sleep 0.01; done; touch {}",
        bench.path("pid").display(),
        go.display(),
        done.display()
    );
    link.run(script(1, &text)).await;
    pid_in(&bench.path("pid")).await;
    let socket = bench.path("agents.sock");
    fs::remove_file(&socket).unwrap();
    drop(link);
    eventually("the agent looks for the daemon", || {
        bench.log().contains("daemon cannot be reached")
    })
    .await;
    fs::write(go, "").unwrap();
    assert_eq!(agent.exit_code().await, Some(4));
    assert!(done.exists());
}

#[tokio::test]
async fn credentials_are_nowhere_to_be_read() {
    let bench = Bench::new();
    let agent = bench.start();
    let (_, link) = bench.welcome().await;
    drop(link);
    let (greeting, mut link) = bench.welcome().await;
    let FromAgent::Resume { session, .. } = greeting else {
        panic!()
    };
    let attempt = link.run(script(1, "env")).await;
    let env = link.result(attempt).await.text(Stream::Out);
    let arguments = fs::read(format!("/proc/{}/cmdline", agent.pid())).unwrap();
    for place in [
        bench.log(),
        env,
        String::from_utf8_lossy(&arguments).into_owned(),
    ] {
        assert!(
            !place.contains("the-token") && !place.contains(session.expose()),
            "{place}"
        );
    }
}
