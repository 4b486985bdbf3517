use super::*;
use headcount_api::agent::{Command, LogPressure, Stream};

fn attempt(job: u64) -> AttemptRef {
    AttemptRef { job, attempt: 1 }
}

fn work(job: u64) -> Work {
    Work {
        job,
        name: None,
        command: Command::Script("true".to_owned()),
        env: BTreeMap::new(),
        working_dir: None,
        timeout_ms: None,
        grace_ms: 0,
        log_limit_bytes: u64::MAX,
        log_pressure: LogPressure::Pause,
    }
}

fn desk(slots: usize) -> Desk {
    Desk::new(slots, Arc::new(Notify::new()))
}

/// Everything the desk has to say now, as short words.
fn said(desk: &mut Desk) -> Vec<String> {
    let now = Instant::now();
    let mut words = Vec::new();
    while desk.due(now) == Due::Now {
        words.push(match desk.next_message(now).unwrap() {
            FromAgent::Claim(attempt) => format!("claim {}", attempt.job),
            FromAgent::Decline(attempt) => format!("decline {}", attempt.job),
            FromAgent::Output { attempt, chunks } => {
                let numbers: Vec<_> = chunks.iter().map(|chunk| chunk.number).collect();
                format!("output {} {numbers:?}", attempt.job)
            }
            FromAgent::Finished { attempt, outcome } => {
                format!("finished {} {outcome:?}", attempt.job)
            }
            FromAgent::Leaving => "leaving".to_owned(),
            other => panic!("unexpected: {other:?}"),
        });
    }
    words
}

/// Offers and grants a job and returns its outbox.
fn started(desk: &mut Desk, job: u64) -> Arc<SharedOutbox> {
    desk.assigned(attempt(job), work(job));
    assert_eq!(said(desk), [format!("claim {job}")]);
    match desk.apply(attempt(job), Input::Granted) {
        Todo::Start(_, _, outbox) => outbox,
        _ => panic!("not started"),
    }
}

fn output(outbox: &SharedOutbox, text: &str) {
    outbox.lock().push(Stream::Out, text.as_bytes(), 1);
}

const DONE: Outcome = Outcome::Exited { code: 0 };

#[test]
fn a_slot_is_reserved_before_it_is_claimed() {
    let mut desk = desk(1);
    desk.assigned(attempt(1), work(1));
    desk.assigned(attempt(2), work(2));
    assert_eq!(said(&mut desk), ["claim 1", "decline 2"]);
    desk.apply(attempt(1), Input::Denied);
    desk.assigned(attempt(2), work(2));
    assert_eq!(said(&mut desk), ["claim 2"]);
}

#[test]
fn a_repeated_offer_is_claimed_again_and_started_once() {
    let mut desk = desk(1);
    started(&mut desk, 1);
    desk.assigned(attempt(1), work(1));
    assert_eq!(said(&mut desk), ["claim 1"]);
    let again = desk.apply(attempt(1), Input::Granted);
    assert!(matches!(again, Todo::Nothing));
}

#[test]
fn a_job_cancelled_before_its_grant_never_starts() {
    let mut desk = desk(1);
    desk.assigned(attempt(1), work(1));
    desk.apply(attempt(1), Input::Cancelled);
    assert_eq!(said(&mut desk), ["claim 1"]);
    assert!(matches!(
        desk.apply(attempt(1), Input::Granted),
        Todo::Nothing
    ));
    assert_eq!(said(&mut desk), ["finished 1 Cancelled"]);
    desk.apply(attempt(1), Input::Recorded);
    assert!(desk.is_empty());
}

#[test]
fn a_result_follows_all_of_its_output() {
    let mut desk = desk(1);
    let outbox = started(&mut desk, 1);
    output(&outbox, "a");
    assert_eq!(said(&mut desk), ["output 1 [1]"]);
    output(&outbox, "b");
    outbox.close();
    desk.run_ended(attempt(1), DONE);
    assert_eq!(
        said(&mut desk),
        ["output 1 [2]", "finished 1 Exited { code: 0 }"]
    );
}

#[test]
fn what_was_not_answered_is_said_again_on_a_new_connection() {
    let mut desk = desk(2);
    desk.assigned(attempt(2), work(2));
    said(&mut desk);
    let outbox = started(&mut desk, 1);
    output(&outbox, "a");
    said(&mut desk);
    desk.stored(attempt(1), 1);
    output(&outbox, "b");
    outbox.close();
    desk.run_ended(attempt(1), DONE);
    said(&mut desk);
    desk.leave();
    assert_eq!(said(&mut desk), ["leaving"]);
    desk.reconnected();
    assert_eq!(desk.granted(), [attempt(1)]);
    assert_eq!(
        said(&mut desk),
        [
            "claim 2",
            "leaving",
            "output 1 [2]",
            "finished 1 Exited { code: 0 }"
        ]
    );
}

#[test]
fn an_ended_job_frees_its_slot_before_it_is_recorded() {
    let mut desk = desk(1);
    started(&mut desk, 1).close();
    desk.run_ended(attempt(1), DONE);
    desk.assigned(attempt(2), work(2));
    assert_eq!(
        said(&mut desk),
        ["claim 2", "finished 1 Exited { code: 0 }"]
    );
}

#[test]
fn unrecorded_results_are_bounded() {
    let mut desk = desk(1);
    for job in 0..MAX_UNRECORDED as u64 {
        started(&mut desk, job).close();
        desk.run_ended(attempt(job), DONE);
        said(&mut desk);
    }
    desk.assigned(attempt(999), work(999));
    assert_eq!(said(&mut desk), ["decline 999"]);
}

#[test]
fn a_denied_job_is_ended_and_forgotten() {
    let mut desk = desk(1);
    let outbox = started(&mut desk, 1);
    let todo = desk.apply(attempt(1), Input::Denied);
    assert!(matches!(todo, Todo::Stop(stopped) if stopped == attempt(1)));
    output(&outbox, "late");
    assert_eq!(said(&mut desk), [""; 0]);
    desk.run_ended(attempt(1), Outcome::Cancelled);
    assert!(desk.is_empty());
}

#[test]
fn who_leaves_takes_nothing_new() {
    let mut desk = desk(2);
    started(&mut desk, 1);
    desk.leave();
    desk.leave();
    desk.assigned(attempt(2), work(2));
    assert_eq!(said(&mut desk), ["decline 2", "leaving"]);
}

#[test]
fn attempts_take_turns() {
    let mut desk = desk(2);
    let outboxes = [started(&mut desk, 1), started(&mut desk, 2)];
    for outbox in &outboxes {
        for _ in 0..5 {
            output(outbox, &"x".repeat(64 * 1024));
        }
    }
    assert_eq!(
        said(&mut desk),
        [
            "output 1 [1, 2, 3]",
            "output 2 [1, 2, 3]",
            "output 1 [4, 5]",
            "output 2 [4, 5]"
        ]
    );
}

#[test]
fn words_about_unknown_attempts_do_nothing() {
    let mut desk = desk(1);
    for input in [
        Input::Granted,
        Input::Denied,
        Input::Cancelled,
        Input::Recorded,
    ] {
        assert!(matches!(desk.apply(attempt(9), input), Todo::Nothing));
    }
    desk.stored(attempt(9), 3);
    assert_eq!(said(&mut desk), [""; 0]);
}
