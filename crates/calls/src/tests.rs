//! Real programs, small ones.

use std::future::{pending, ready};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::call::MAX_WORDS;
use crate::{Call, CallError, Maker, Said, Writer};

/// Of a program that is to be late, but only after it has said its word: a shell comes to
/// that at once, and on a busy machine not much later.
const TIME_TO_SPEAK: Duration = Duration::from_secs(3);

fn script(text: &str) -> (TempDir, Call) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("program");
    std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let call = Call {
        program,
        arguments: vec!["verb".to_owned()],
        environment: [("PATH".to_owned(), path)].into(),
        input: b"in\n".to_vec(),
        deadline: Duration::from_secs(20),
        max_output: 1024,
        sees_left: true,
    };
    (dir, call)
}

/// A pid that a script has written, whose process must be gone.
fn is_gone(file: &std::path::Path) -> bool {
    let pid = std::fs::read_to_string(file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    // A process that ended and is not collected by whoever adopted it is gone as well.
    stat.map_or(true, |stat| stat.contains(") Z "))
}

async fn await_gone(file: &std::path::Path) {
    let until = Instant::now() + Duration::from_secs(10);
    while !is_gone(file) {
        assert!(Instant::now() < until, "it lives on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_document_goes_in_and_one_comes_out() {
    let (_dir, call) = script(
        "cat; echo \"$1:$#\"; env | grep -v -e ^PATH= -e ^PWD= -e ^SHLVL= -e ^_=; echo  a  b >&2; exit 3",
    );
    let said = call.run().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&said.output), "in\nverb:1\n");
    assert_eq!(
        (said.code, said.words.as_str(), said.left),
        (Some(3), "a b", false)
    );
}

#[tokio::test]
async fn a_program_that_reads_nothing_is_no_trouble() {
    let (_dir, mut call) = script("exit 0");
    call.input = vec![b'x'; 1024 * 1024];
    assert_eq!(call.run().await.unwrap().code, Some(0));
}

#[tokio::test]
async fn a_late_program_is_ended_with_all_it_started() {
    let (dir, mut call) = script("echo wait >&2; sleep 600 & echo $! > ${0%/*}/pid; sleep 600");
    call.deadline = TIME_TO_SPEAK;
    let program = call.program.display().to_string();
    assert_eq!(
        call.run().await.unwrap_err().to_string(),
        format!("`{program}` did not answer within 3 s and was ended; it said: wait")
    );
    await_gone(&dir.path().join("pid")).await;
}

#[tokio::test]
async fn what_it_leaves_in_its_group_is_ended_and_seen() {
    let (dir, call) = script("sleep 600 >/dev/null 2>&1 & echo $! > ${0%/*}/pid; echo done");
    let said = call.run().await.unwrap();
    assert_eq!((said.output.as_slice(), said.left), (&b"done\n"[..], true));
    await_gone(&dir.path().join("pid")).await;
}

#[tokio::test]
async fn who_holds_the_output_open_is_not_waited_for() {
    let (dir, call) = script("setsid sleep 600 & echo $! > ${0%/*}/pid; echo done");
    let started = Instant::now();
    let said = call.run().await.unwrap();
    assert_eq!(said.output, b"done\n");
    assert!(started.elapsed() < Duration::from_secs(10));
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    // It may have had no time to leave the group; then it is gone.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

#[tokio::test]
async fn too_much_is_not_taken() {
    let (_dir, call) = script("exec yes");
    let program = call.program.display().to_string();
    assert_eq!(
        call.run().await.unwrap_err().to_string(),
        format!("`{program}` wrote more than 1024 bytes and was ended")
    );
}

#[tokio::test]
async fn endless_complaints_are_cut() {
    let (_dir, call) = script(
        "i=0; while [ $i -lt 3000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo end >&2",
    );
    let said = call.run().await.unwrap();
    assert!(said.words.ends_with("0123456789 end"), "{}", said.words);
    assert!(said.words.len() <= MAX_WORDS);
}

#[tokio::test]
async fn a_dropped_call_ends_the_program() {
    let (dir, call) =
        script("echo $$ > ${0%/*}/pid.new; mv ${0%/*}/pid.new ${0%/*}/pid; sleep 600");
    let file = dir.path().join("pid");
    let running = tokio::spawn(call.run());
    let until = Instant::now() + Duration::from_secs(10);
    while !file.exists() {
        assert!(Instant::now() < until, "it does not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.abort();
    await_gone(&file).await;
}

#[tokio::test]
async fn what_cannot_be_run_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (_other, mut call) = script("");
    let text =
        |path: &std::path::Path, what: &str| format!("cannot run `{}`: {what}", path.display());
    call.program = dir.path().join("none");
    assert_eq!(
        call.clone().run().await.unwrap_err().to_string(),
        text(
            &call.program,
            "No such file or directory (os error 2); write the path of an executable, and see \
             that what its first line names is there"
        )
    );
    call.program = dir.path().join("plain");
    std::fs::write(&call.program, "x").unwrap();
    assert_eq!(
        call.clone().run().await.unwrap_err().to_string(),
        text(
            &call.program,
            "Permission denied (os error 13); make it executable, `chmod +x`"
        )
    );
    std::fs::set_permissions(&call.program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        call.clone().run().await.unwrap_err().to_string(),
        text(
            &call.program,
            "Exec format error (os error 8); a script starts with a line such as `#!/bin/sh`"
        )
    );
}

#[tokio::test]
async fn a_program_that_is_let_go_goes_on_and_is_found_again() {
    let (dir, mut call) = script("echo begun; read line <\"$1\"; echo ended; exit 5");
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    call.arguments = vec![fifo.display().to_string()];
    let log = dir.path().join("log");
    let (tell, told) = tokio::sync::oneshot::channel();
    let running = call.run_on(&log, |maker| {
        tell.send(maker).expect("the test listens");
        ready(Ok(()))
    });
    let maker = tokio::select! {
        ended = running => panic!("{ended:?}"),
        maker = told => maker.unwrap(),
    };
    let again: Maker = maker.to_string().parse().unwrap();
    assert!(again.is_alive());
    let other = Maker {
        started: maker.started + 1,
        ..maker
    };
    assert!(!other.is_alive(), "the number of another process");
    std::fs::write(&fifo, "go\n").unwrap();
    tokio::time::timeout(Duration::from_secs(10), again.ended())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "begun\nended\n");
}

#[tokio::test]
async fn a_run_on_a_file_says_how_it_ended_and_ends_in_time() {
    let (dir, call) = script("echo out; echo err >&2; exit 3");
    let log = dir.path().join("log");
    let said = call.run_on(&log, |_| ready(Ok(()))).await.unwrap();
    assert_eq!((said.code, said.words.as_str()), (Some(3), "out err"));
    let (dir, mut call) = script("echo slow; sleep 600");
    call.deadline = TIME_TO_SPEAK;
    let log = dir.path().join("log");
    let late = call.run_on(&log, |_| ready(Ok(()))).await.unwrap_err();
    let CallError::Late { words, .. } = &late else {
        panic!("{late}");
    };
    assert_eq!(words, "; it said: slow");
}

#[tokio::test]
async fn a_program_that_was_let_go_before_anybody_was_told_is_found_by_its_log_and_ended() {
    let (dir, call) = script("sleep 600 & echo $! > ${0%/*}/pid; echo begun; wait");
    let log = dir.path().join("log");
    assert_eq!(Writer::of(&log).unwrap(), Writer::None, "there is no log");
    let (again, program) = (call.clone(), call.program.clone());
    let (tell, told) = tokio::sync::oneshot::channel();
    let before = Instant::now();
    let running = call.run_on(&log, |maker| {
        tell.send(maker).expect("the test listens");
        pending()
    });
    let maker = tokio::select! {
        ended = running => panic!("{ended:?}"),
        maker = told => maker.unwrap(),
    };
    // Whoever started it was killed before it could note that.
    assert_eq!(Writer::of(&log).unwrap(), Writer::Known(maker));
    let second = again.run_on(&log, |_| ready(Ok(()))).await.unwrap_err();
    let program = program.display();
    let log_path = log.display();
    let taken = format!("`{program}` was lost: another one is at work and writes `{log_path}`");
    assert_eq!(second.to_string(), taken, "two at once make two");
    let until = Instant::now() + Duration::from_secs(10);
    while !std::fs::read_to_string(&log).is_ok_and(|text| text == "begun\n") {
        assert!(Instant::now() < until, "it does not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Ticks are hundredths of a second.
    let tick = Duration::from_millis(20);
    assert!(maker.age() <= before.elapsed() + tick, "{:?}", maker.age());
    let other = Maker {
        started: maker.started + 1,
        ..maker
    };
    other.kill().unwrap();
    assert!(maker.is_alive(), "the number of another process is let be");
    maker.kill().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), maker.ended());
    ended.await.unwrap().unwrap();
    await_gone(&dir.path().join("pid")).await;
    let until = Instant::now() + Duration::from_secs(10);
    while Writer::of(&log).unwrap() != Writer::None {
        assert!(Instant::now() < until, "somebody still writes it");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    maker.kill().unwrap();
}

/// A program that says that it has begun, waits for a file `go`, and ends with code 4; as
/// another process than its parent sees it.
async fn left_behind() -> (TempDir, Maker, JoinHandle<Result<Said, CallError>>) {
    let text = "here=${0%/*}; sleep 600 & echo $! >$here/pid; mkfifo $here/go; mv $here/go $here/gate\n\
                read line <$here/gate; exit 4";
    let (dir, call) = script(text);
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = |maker| tell.send(maker).expect("the test listens");
    let running = tokio::spawn(call.run_told(tell));
    let maker = told.await.unwrap();
    await_file(&dir.path().join("gate")).await;
    (dir, maker, running)
}

async fn await_file(file: &std::path::Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < deadline, "{}", file.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_is_left_behind_is_ended_with_its_group_when_its_time_is_over() {
    let (dir, maker, running) = left_behind().await;
    maker.end_within(Duration::from_millis(1)).await.unwrap();
    assert_eq!(running.await.unwrap().unwrap().code, None, "by a signal");
    await_gone(&dir.path().join("pid")).await;
}

#[tokio::test]
async fn who_is_left_behind_has_its_time_and_leaves_nobody() {
    let (dir, maker, running) = left_behind().await;
    let waiting = tokio::spawn(async move { maker.end_within(Duration::from_secs(60)).await });
    std::fs::write(dir.path().join("gate"), "go\n").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(running.await.unwrap().unwrap().code, Some(4));
    await_gone(&dir.path().join("pid")).await;
}

#[tokio::test]
async fn a_number_that_is_anothers_by_now_is_not_touched() {
    let (dir, maker, running) = left_behind().await;
    let other = Maker {
        started: maker.started + 1,
        ..maker
    };
    other.end_within(Duration::from_millis(1)).await.unwrap();
    assert!(maker.is_alive());
    std::fs::write(dir.path().join("gate"), "go\n").unwrap();
    assert_eq!(running.await.unwrap().unwrap().code, Some(4));
}
