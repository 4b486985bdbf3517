//! What is wrong with a file, each thing with its place.

use super::{load, machine, runner, said};

fn refused(text: &str, expected: &str) {
    let problems = load(text).map(|_| ()).unwrap_err();
    let errors: Vec<String> = problems
        .iter()
        .filter(|problem| problem.severity == headcount_config::Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors.join("\n"), expected, "{text}");
}

#[test]
fn unknown_keys() {
    for (text, expected) in [
        (
            runner("concurent = 5\n", ""),
            "c:2:1: error: the file has no key `concurent` (write `concurrent`)",
        ),
        (
            runner("", "limits = 5\nnonsense_of_mine = 1\n"),
            "c:5:1: error: `[[runners]]` has no key `limits` (write `limit`)\n\
             c:6:1: error: `[[runners]]` has no key `nonsense_of_mine` (remove it: GitLab Runner \
             has no such key there)",
        ),
        (
            runner("", "IdleCount = 5\nconcurrent = 3\n"),
            "c:5:1: error: `[[runners]]` has no key `IdleCount` (it is a key of \
             `[runners.machine]`)\n\
             c:6:1: error: `[[runners]]` has no key `concurrent` (it is a key of the file, \
             before its tables)",
        ),
        (
            machine("IdleCoun = 5\n"),
            "c:6:1: error: `[runners.machine]` has no key `IdleCoun` (write `IdleCount`)",
        ),
        (
            machine("[[runners.machine.autoscaling]]\nPeriod = []\n"),
            "c:7:1: error: `[[runners.machine.autoscaling]]` has no key `Period` (write \
             `Periods`)",
        ),
        (
            runner("", "[runners.docker]\nimag = \"x\"\n"),
            "c:6:1: error: `[runners.docker]` has no key `imag` (write `image`)",
        ),
        (
            runner("", "[runners.cache.s3]\nBucket = \"x\"\n"),
            "c:6:1: error: `[runners.cache.s3]` has no key `Bucket` (remove it: GitLab Runner \
             has no such key there)",
        ),
        (
            runner("", "[runners.headcount]\ncompact = \"gitlab\"\n"),
            "c:6:1: error: `[runners.headcount]` has no key `compact` (write `compat`)",
        ),
        (
            machine("IdleCount = 1\nidlecount = 2\n"),
            "c:7:1: error: `IdleCount` is written twice (keep one of them)",
        ),
    ] {
        refused(&text, expected);
    }
}

#[test]
fn wrong_types_and_numbers() {
    for (text, expected) in [
        (
            machine("").replace("concurrent = 5", "concurrent = 0"),
            "c:1:14: error: `concurrent` must be at least 1 (write for example `10`)",
        ),
        (
            machine("").replace("concurrent = 5", "concurrent = \"5\""),
            "c:1:14: error: `concurrent` must be a whole number (write digits without quotes, \
             such as `10`)",
        ),
        (
            runner("", "limit = -1\n"),
            "c:5:9: error: `limit` must be at least 0 (write for example `10`)",
        ),
        (
            runner("", "limit = 1.5\n"),
            "c:5:9: error: `limit` must be a whole number (write digits without quotes, such as \
             `10`)",
        ),
        (
            runner("check_interval = \"3s\"\n", ""),
            "c:2:18: error: `check_interval` must be a whole number",
        ),
        (
            runner("", "environment = \"A=b\"\n"),
            "c:5:15: error: `environment` must be a list (put it into a list: `- ` before each \
             item, or `[` and `]` around them)",
        ),
        (
            runner("", "environment = [\"A\", \"HEADCOUNT_AGENT_X=1\"]\n"),
            "c:5:16: error: this text of `environment` sets no variable (write `NAME=value`)\n\
             c:5:21: error: the variable `HEADCOUNT_AGENT_X` tells an agent who it is (remove \
             it: the daemon sets it)",
        ),
        (
            machine("IdleCount = \"2\"\nIdleTime = 1.5\n"),
            "c:6:13: error: `IdleCount` must be a whole number (write digits without quotes, \
             such as `10`)\n\
             c:7:12: error: `IdleTime` must be a whole number (write digits without quotes, such \
             as `10`)",
        ),
        (
            machine("IdleScaleFactor = -1.0\nIdleTime = 99999999999999999999\n"),
            "c:6:19: error: `IdleScaleFactor` must be a number of at least 0 (write for example \
             `0.5`)\n\
             c:7:12: error: `IdleTime` must be a whole number (write digits without quotes, such \
             as `10`)",
        ),
        (
            machine("OffPeakIdleCount = \"2\"\n"),
            "c:6:20: error: `OffPeakIdleCount` must be a whole number (write digits without \
             quotes, such as `10`)",
        ),
        (
            machine("MachineName = \"no-place\"\n"),
            "c:6:15: error: `MachineName`: `no-place` lacks `%s` (write `%s` where what makes \
             the name unique shall stand)",
        ),
        (
            machine("MachineOptions = \"a=b\"\n"),
            "c:6:18: error: `MachineOptions` must be a list of texts (write for example `[\"\
             engine-registry-mirror=http://192.0.2.1:5000\"]`)",
        ),
        (
            machine("MachineOptions = [5, \"--a=b\", \"a b=c\"]\n"),
            "c:6:19: error: `MachineOptions[0]` must be a text (put it in quotes: \"5\")\n\
             c:6:22: error: `MachineOptions[1]`: `--a` starts with a dash (write it without: \
             dashes are put before it)\n\
             c:6:31: error: `MachineOptions[2]`: after `a` comes no `=` (write \
             `name=value`, as in `engine-registry-mirror=http://192.0.2.1:5000`)",
        ),
        (
            machine("MachineOptionsWithName = [\"a=b\"]\n"),
            "c:6:27: error: `MachineOptionsWithName[0]`: `a=b` lacks `%s` (write `%s` where the \
             name of the machine shall stand, or put it with the options that need none)",
        ),
        (
            machine("autoscaling = 5\n"),
            "c:6:1: error: `autoscaling` must be a list of tables (write \
             `[[runners.machine.autoscaling]]`, with two brackets)",
        ),
        (
            runner("", "machine = 5\n"),
            "c:5:11: error: `machine` must be a table",
        ),
        (
            runner("", "[runners.cache]\nType = \"s4\"\nShared = 1\n"),
            "c:6:8: error: `Type` cannot be `s4` (write `s3`, `gcs` or `azure`)\n\
             c:7:10: error: `Shared` must be `true` or `false`",
        ),
        (
            runner("", "[runners.cache.s3]\nAuthenticationType = \"none\"\n"),
            "c:6:22: error: `AuthenticationType` cannot be `none` (write `access-key` or `iam`)",
        ),
        (
            runner(
                "",
                "[runners.docker]\nprivileged = 1\npull_policy = \"sometimes\"\n",
            ),
            "c:6:14: error: `privileged` must be `true` or `false` (write it without quotes)\n\
             c:7:15: error: `pull_policy` cannot be `sometimes` (write `always`, \
             `if-not-present` or `never`)",
        ),
        (
            runner("", "[runners.headcount]\nlabels = []\ncompat = \"keda\"\n"),
            "c:6:10: error: `labels` needs at least one item\n\
             c:7:10: error: `compat` cannot be `keda` (write `headcount` or `gitlab`)",
        ),
        (
            runner("", "executor = \"docker-machine\"\n")
                .replace("executor = \"docker+machine\"\n", ""),
            "c:4:12: error: there is no executor `docker-machine` (write `docker+machine`)",
        ),
    ] {
        refused(&text, expected);
    }
}

#[test]
fn periods() {
    for (keys, expected) in [
        (
            "Periods = [\"* * *\"]\n",
            "c:7:13: error: `periods[0]`: missing field(s): a pattern has 5 to 7 fields \
             ([second,] minute, hour, day of month, month, day of week [, year]), this has 3",
        ),
        (
            "Periods = [\"*/60 * * * * * *\"]\n",
            "c:7:15: error: `periods[0]`: the step \"60\" of the second must be a number from 1 \
             to 59",
        ),
        (
            "Periods = [\"* * * 30 feb * *\"]\n",
            "c:7:12: error: `periods[0]` never comes (write a day that exists)",
        ),
        (
            "Periods = [\"* * 1 * * * *\"]\nTimezone = \"InvalidTimezone/String\"\n",
            "c:8:12: error: there is no time zone `InvalidTimezone/String` (write an IANA name \
             such as `Europe/Berlin`, `UTC`, or `local`)",
        ),
        (
            "Periods = \"* * 1 * * * *\"\n",
            "c:7:11: error: `Periods` must be a list of texts (write for example `[\"* * 9-17 * \
             * mon-fri *\"]`)",
        ),
        (
            "Periods = [5]\nTimezone = 5\n",
            "c:7:12: error: `Periods` must be a list of texts (put it in quotes)",
        ),
    ] {
        refused(
            &machine(&format!("[[runners.machine.autoscaling]]\n{keys}")),
            expected,
        );
    }
}

#[test]
fn files_without_any_machines() {
    for (text, expected) in [
        (
            "concurrent = 1\n",
            "c: error: there is no `[[runners]]` in this TOML file (give the `config.toml` of \
             GitLab Runner with its runners, or a native file, which is YAML)",
        ),
        (
            "concurrent = 1\n[runners]\nname = \"x\"\n",
            "c:2:2: error: `runners` must be a list of tables (write `[[runners]]`, with two \
             brackets, before the keys of each of them)",
        ),
        (
            "concurrent = 1\n[[runners]]\nexecutor = \"shell\"\n",
            "c:2:3: error: none of these runners has the executor `docker+machine` (write a \
             native file: `headcount schema` knows its keys)",
        ),
        (
            "[scheduler]\naddress = \"tcp://x\"\n",
            "c: error: there is no `[[runners]]` in this TOML file (give the `config.toml` of \
             GitLab Runner with its runners, or a native file, which is YAML)\n\
             c:1:2: error: the file has no key `scheduler` (remove it: GitLab Runner has no such \
             key there)",
        ),
        (
            "concurrent = \n[[runners\n",
            "c:1:14: error: this is not TOML: string values must be quoted, expected literal \
             string\n\
             c:2:10: error: this is not TOML: unclosed array table, expected `]]`",
        ),
    ] {
        refused(text, expected);
    }
}

#[test]
fn a_mistake_is_shown_in_its_line() {
    let problems = load(&machine("  IdleCount = \"two\"   # spare\n")).unwrap_err();
    let shown = problems.render(false, 80);
    let from = shown.find("error:").unwrap();
    assert_eq!(
        shown.get(from..).unwrap(),
        [
            "error: `IdleCount` must be a whole number",
            " --> c:6:15",
            "  |",
            "6 |   IdleCount = \"two\"   # spare",
            "  |               ^^^^^ this is a text",
            "  = help: write digits without quotes, such as `10`",
            "",
            "1 error, 1 warning, 5 differences",
            "",
        ]
        .join("\n")
    );
    assert!(said(&machine("IdleCount = []\n")).contains("c:6:13: error"));
}
