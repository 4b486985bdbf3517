//! From arguments to what the API takes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use headcount_api::{AskedAmount, AskedResources, LabelList, LogPressure, Quantity, SubmitJob};

use crate::cli::{JobArgs, Pressure, ResourceArgs, SubmitArgs};
use crate::failure::Failure;

/// The longest text that Linux hands to a program as one argument, in bytes.
const MAX_SCRIPT_BYTES: u64 = 128 * 1024 - 1;

/// The job that the arguments ask for.
///
/// # Errors
/// The script cannot be read or used.
pub(super) fn of(args: &SubmitArgs) -> Result<SubmitJob, Failure> {
    let script = args.script.as_deref().map(read_script).transpose()?;
    Ok(SubmitJob {
        command: script.is_none().then(|| args.command.clone()),
        script,
        resources: resources(&args.resources),
        ..job(&args.job)
    })
}

fn job(args: &JobArgs) -> SubmitJob {
    let quantity = |text: &Option<String>| text.as_ref().map(Quantity::text);
    SubmitJob {
        command: None,
        script: None,
        runs_on: all(&args.runs_on),
        exclude: all(&args.exclude),
        resources: AskedResources::default(),
        name: args.name.clone(),
        key: args.key.clone(),
        env: args.env.iter().cloned().collect(),
        working_dir: args.working_dir.clone(),
        timeout: quantity(&args.timeout),
        grace: quantity(&args.grace),
        expires_after: quantity(&args.expires_after),
        priority: args.priority.unwrap_or(0),
        retries: args.retries.unwrap_or(0),
        log_limit: quantity(&args.log_limit),
        log_pressure: args.log_pressure.map(|pressure| match pressure {
            Pressure::Pause => LogPressure::Pause,
            Pressure::Drop => LogPressure::Drop,
        }),
    }
}

/// What all uses of an option list together.
fn all(lists: &[LabelList]) -> LabelList {
    LabelList(lists.iter().flat_map(|list| list.0.clone()).collect())
}

/// One side alone is sent as one side: the daemon mirrors it where that is the rule.
fn resources(args: &ResourceArgs) -> AskedResources {
    let quantity = |text: &Option<String>| text.as_ref().map(Quantity::text);
    let sides = [
        (&args.cpu_request, &args.memory_request),
        (&args.cpu_limit, &args.memory_limit),
    ];
    let [requests, limits] = sides.map(|(cpus, memory)| AskedAmount {
        cpus: quantity(cpus),
        memory: quantity(memory),
    });
    if requests == AskedAmount::default() && limits == AskedAmount::default() {
        return AskedResources {
            cpus: quantity(&args.cpus),
            memory: quantity(&args.memory),
            ..AskedResources::default()
        };
    }
    // `--cpus 2 --memory-limit 4g`: what is said of both sides stands on both.
    let both = AskedAmount {
        cpus: quantity(&args.cpus),
        memory: quantity(&args.memory),
    };
    let with = |side: AskedAmount| {
        let side = AskedAmount {
            cpus: side.cpus.or_else(|| both.cpus.clone()),
            memory: side.memory.or_else(|| both.memory.clone()),
        };
        (side != AskedAmount::default()).then_some(side)
    };
    AskedResources {
        requests: with(requests),
        limits: with(limits),
        ..AskedResources::default()
    }
}

fn read_script(path: &Path) -> Result<String, Failure> {
    let text = match path.as_os_str() == "-" {
        true => read_text(io::stdin().lock(), MAX_SCRIPT_BYTES),
        false => File::open(path).and_then(|file| read_text(file, MAX_SCRIPT_BYTES)),
    };
    let shown = match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let text = text.map_err(|error| {
        Failure::usage(format!("the script in {shown} cannot be read: {error}"))
    })?;
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("the script in {shown} is empty")));
    }
    if text.len() as u64 > MAX_SCRIPT_BYTES {
        return Err(Failure::usage(format!(
            "the script in {shown} is longer than {MAX_SCRIPT_BYTES} bytes, which no shell can \
             be given at once"
        ))
        .hint("let a short script fetch the long one"));
    }
    Ok(text)
}

/// Reads a little more than `limit` at most, so that the caller sees that it is more.
pub(super) fn read_text(from: impl Read, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    from.take(limit + 1).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use serde_json::json;

    fn asked(args: &[&str]) -> serde_json::Value {
        let line = ["headcount", "submit"].iter().chain(args);
        let Command::Submit(args) = Cli::parse_from(line).command else {
            panic!("not submit");
        };
        serde_json::to_value(of(&args).unwrap()).unwrap()
    }

    #[test]
    fn a_plain_command_says_nothing_else() {
        assert_eq!(
            asked(&["--wait", "--", "sh", "-c", "echo hi; exit 7"]),
            json!({"command": ["sh", "-c", "echo hi; exit 7"]})
        );
    }

    #[test]
    fn everything_can_be_said() {
        let args = [
            "--runs-on",
            "linux,gpu-*",
            "--runs-on",
            "/b{1,2}ig/,/c/",
            "--exclude",
            "spot",
            "--cpus",
            "2",
            "--memory",
            "4g",
            "--name",
            "n",
            "-e",
            "A=1",
            "--env",
            "B=",
            "--working-dir",
            "/w",
            "--timeout",
            "10m",
            "--grace",
            "5s",
            "--priority",
            "-3",
            "--retries",
            "2",
            "--key",
            "k",
            "--expires-after",
            "1h",
            "--log-limit",
            "64m",
            "--log-pressure",
            "drop",
            "--",
            "make",
        ];
        assert_eq!(
            asked(&args),
            json!({
                "command": ["make"], "runsOn": ["linux", "gpu-*", "/b{1,2}ig/", "/c/"], "exclude": ["spot"],
                "resources": {"cpus": "2", "memory": "4g"}, "name": "n",
                "env": {"A": "1", "B": ""}, "workingDir": "/w", "timeout": "10m",
                "grace": "5s", "priority": -3, "retries": 2, "key": "k", "expiresAfter": "1h",
                "logLimit": "64m", "logPressure": "drop"
            })
        );
    }

    #[test]
    fn requests_and_limits_may_differ() {
        assert_eq!(
            asked(&["--cpu-request", "1", "--memory-limit", "4g", "--", "x"])["resources"],
            json!({"requests": {"cpus": "1"}, "limits": {"memory": "4g"}})
        );
        assert_eq!(
            asked(&["--cpus", "2", "--memory-limit", "4g", "--", "x"])["resources"],
            json!({"requests": {"cpus": "2"}, "limits": {"cpus": "2", "memory": "4g"}})
        );
    }

    #[test]
    fn a_script_is_read_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("build.sh");
        let path = file.to_str().unwrap();
        std::fs::write(&file, "make\n").unwrap();
        assert_eq!(asked(&["--script", path]), json!({"script": "make\n"}));
        std::fs::write(&file, " \n").unwrap();
        let failure = read_script(&file).unwrap_err();
        assert_eq!(failure.message, format!("the script in {path} is empty"));
        std::fs::write(&file, "x".repeat(131_072)).unwrap();
        let failure = read_script(&file).unwrap_err();
        assert!(failure.message.contains("longer than 131071 bytes"));
        let gone = read_script(&dir.path().join("gone")).unwrap_err();
        assert!(gone.message.contains("cannot be read: No such file"));
    }
}
