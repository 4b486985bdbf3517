//! Turns work into a command that can be started, and a failure to start it into a
//! sentence.
//!
//! Promise: the job's environment holds nothing of the agent's own but its origin and its
//! machine's folder; it gets no descriptor but its three, leads a session and a group of its
//! own, and dies with the agent.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use headcount_api::agent::env::{MACHINE_DIR, ORIGIN};
use headcount_api::agent::files::JOB_MARK;
use headcount_api::agent::{self, AttemptRef, Work};
use rustix::process::{Signal, getppid, set_parent_process_death_signal, setsid};

/// Everything of ours in the environment begins with this.
const OWN_PREFIX: &[u8] = b"HEADCOUNT_";
/// What jobs are found by, from outside; as the agent has it, or not at all.
const PASSED_ON: [&str; 2] = [ORIGIN, MACHINE_DIR];

/// The command of an attempt, ready to be started by the warden's thread.
pub(crate) fn build(
    work: &Work,
    attempt: AttemptRef,
    dir: &Path,
    mark: &str,
    own_env: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Command, String> {
    let (program, arguments) = argv(&work.command)?;
    let (own, passed_on): (Vec<_>, Vec<_>) = own_env.partition(|(name, _)| is_own(name));
    let own = own.into_iter();
    let found_by = own.filter(|(name, _)| PASSED_ON.iter().any(|it| name == it));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .envs(passed_on)
        .env("CI", "true")
        .envs(&work.env)
        .env_remove(ORIGIN)
        .env_remove(MACHINE_DIR)
        .envs(found_by)
        .env("HEADCOUNT_JOB_ID", format!("job-{}", attempt.job))
        .env("HEADCOUNT_JOB_ATTEMPT", attempt.attempt.to_string())
        .env("HEADCOUNT_JOB_NAME", work.name.as_deref().unwrap_or(""))
        .env(JOB_MARK, mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    set_apart(&mut command);
    Ok(command)
}

fn argv(command: &agent::Command) -> Result<(&str, Vec<&str>), String> {
    match command {
        agent::Command::Script(text) => Ok(("/bin/sh", vec!["-e", "-c", text])),
        agent::Command::Argv(words) => {
            let (program, arguments) = words.split_first().ok_or("no program is given")?;
            if program.is_empty() {
                return Err("the program's name is empty".to_owned());
            }
            Ok((program, arguments.iter().map(String::as_str).collect()))
        }
    }
}

fn is_own(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(OWN_PREFIX)
}

/// A session of its own, so that signals to the agent's do not reach it; and KILL when
/// the agent dies, so that nothing runs on that nobody answers for.
fn set_apart(command: &mut Command) {
    let agent = rustix::process::getpid();
    let prepare = move || {
        setsid()?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have died before the line above.
        if getppid() == Some(agent) {
            Ok(())
        } else {
            Err(io::ErrorKind::Interrupted.into())
        }
    };
    #[expect(
        unsafe_code,
        reason = "there is no other way to run something between fork and exec"
    )]
    // SAFETY: `prepare` makes three system calls, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(prepare);
    }
}

/// Why the attempt could not be started, for its owner.
pub(crate) fn explain(error: &io::Error, work: &Work, dir: &Path) -> String {
    if work.working_dir.is_some() && !dir.is_dir() {
        let problem = if dir.exists() {
            "is not a directory"
        } else {
            "does not exist on the agent's host"
        };
        return format!("working directory `{}` {problem}", dir.display());
    }
    let Ok((program, _)) = argv(&work.command) else {
        return error.to_string();
    };
    match error.kind() {
        io::ErrorKind::NotFound => explain_missing(program, work, dir),
        io::ErrorKind::PermissionDenied => format!(
            "program `{program}` cannot be executed: permission denied (is it executable, and may the agent enter `{}`?)",
            dir.display()
        ),
        io::ErrorKind::ArgumentListTooLong => {
            "arguments and environment are longer than the system allows; put large values into files".to_owned()
        }
        io::ErrorKind::InvalidInput => {
            "command or environment holds a NUL character, which no program can be given".to_owned()
        }
        _ => format!("program `{program}` cannot be started: {error}"),
    }
}

fn explain_missing(program: &str, work: &Work, dir: &Path) -> String {
    if program.contains('/') {
        return if dir.join(program).exists() {
            format!(
                "program `{program}` cannot be executed: its interpreter (first line, after `#!`) is missing"
            )
        } else {
            format!("program `{program}` not found")
        };
    }
    let path = work
        .env
        .get("PATH")
        .map(OsString::from)
        .or_else(|| std::env::var_os("PATH"));
    let found: Option<PathBuf> = path
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join(program))
        .find(|file| file.exists());
    match found {
        Some(file) => format!(
            "program `{}` cannot be executed: its interpreter (first line, after `#!`) is missing",
            file.display()
        ),
        None => format!("program `{program}` not found in PATH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_api::agent::LogPressure;
    use std::collections::BTreeMap;

    const ATTEMPT: AttemptRef = AttemptRef { job: 7, attempt: 2 };

    fn work(command: agent::Command) -> Work {
        Work {
            job: 7,
            name: Some("unit".to_owned()),
            command,
            env: BTreeMap::from([
                ("CI".to_owned(), "no".to_owned()),
                ("HEADCOUNT_JOB_ID".to_owned(), "forged".to_owned()),
                ("HEADCOUNT_ORIGIN".to_owned(), "forged".to_owned()),
                ("HEADCOUNT_MACHINE_DIR".to_owned(), "forged".to_owned()),
            ]),
            working_dir: None,
            timeout_ms: None,
            grace_ms: 0,
            log_limit_bytes: 0,
            log_pressure: LogPressure::Pause,
        }
    }

    fn words(words: &[&str]) -> agent::Command {
        agent::Command::Argv(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn the_environment_holds_nothing_of_the_agent_but_what_jobs_are_found_by() {
        let own = [
            ("PATH", "/bin"),
            ("HEADCOUNT_AGENT_TOKEN_FILE", "/token"),
            ("HEADCOUNT_INSTANCE_MARK", "owner/pool/a-1-1"),
            ("HEADCOUNT_TOKEN", "secret"),
            ("HEADCOUNT_ORIGIN", "owner/a-1-1"),
            ("HEADCOUNT_MACHINE_DIR", "/machines/1"),
        ];
        let own = own
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        let work = work(words(&["env"]));
        let command = build(&work, ATTEMPT, Path::new("/"), "m/7-2", own).unwrap();
        let env: Vec<_> = command
            .get_envs()
            .map(|(name, value)| format!("{}={}", name.display(), value.unwrap().display()))
            .collect();
        assert_eq!(
            env,
            [
                "CI=no",
                "HEADCOUNT_JOB_ATTEMPT=2",
                "HEADCOUNT_JOB_ID=job-7",
                "HEADCOUNT_JOB_MARK=m/7-2",
                "HEADCOUNT_JOB_NAME=unit",
                "HEADCOUNT_MACHINE_DIR=/machines/1",
                "HEADCOUNT_ORIGIN=owner/a-1-1",
                "PATH=/bin"
            ]
        );
    }

    #[test]
    fn scripts_go_to_the_shell() {
        let work = work(agent::Command::Script("exit 3".to_owned()));
        let command = build(&work, ATTEMPT, Path::new("/"), "m", std::iter::empty()).unwrap();
        assert_eq!(command.get_program(), "/bin/sh");
        assert_eq!(
            command.get_args().collect::<Vec<_>>(),
            ["-e", "-c", "exit 3"]
        );
    }

    #[test]
    fn failures_are_sentences() {
        let dir = tempfile::tempdir().unwrap();
        let bad = dir.path().join("bad");
        std::fs::write(&bad, "#!/nowhere/sh\n").unwrap();
        let bad = bad.to_str().unwrap();
        let missing = io::Error::from(io::ErrorKind::NotFound);
        for (command, error, text) in [
            (
                words(&["no-such-program"]),
                &missing,
                "program `no-such-program` not found in PATH".to_owned(),
            ),
            (
                words(&["./no-such-program"]),
                &missing,
                "program `./no-such-program` not found".to_owned(),
            ),
            (
                words(&[bad]),
                &missing,
                format!(
                    "program `{bad}` cannot be executed: its interpreter (first line, after `#!`) is missing"
                ),
            ),
            (
                words(&["a\0b"]),
                &io::ErrorKind::InvalidInput.into(),
                "command or environment holds a NUL character, which no program can be given"
                    .to_owned(),
            ),
        ] {
            assert_eq!(explain(error, &work(command), dir.path()), text);
        }
        assert_eq!(argv(&words(&[])).unwrap_err(), "no program is given");
        assert_eq!(
            argv(&words(&[""])).unwrap_err(),
            "the program's name is empty"
        );
    }

    #[test]
    fn a_missing_working_directory_is_named() {
        let mut work = work(words(&["true"]));
        work.working_dir = Some("/nowhere".to_owned());
        let error = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(
            explain(&error, &work, Path::new("/nowhere")),
            "working directory `/nowhere` does not exist on the agent's host"
        );
    }
}
