//! What is named in a file that is taken.

use super::{machine, more, runner};

/// What is said, and nothing else beside what is said of every file.
fn told(text: &str, expected: &str) {
    assert_eq!(more(text), expected, "{text}");
}

#[test]
fn keys_that_mean_nothing_here() {
    for (text, expected) in [
        (
            runner("check_interval = 3\n", ""),
            "c:2:1: difference: `check_interval` has no effect here: nothing is polled, a job is \
             given out as soon as it can be",
        ),
        (
            runner(
                "log_level = \"debug\"\n[machine.shutdown_drain]\nenabled = true\n",
                "",
            ),
            "c:2:1: difference: `log_level` has no effect here: it belongs to the environment \
             (set `HEADCOUNT_LOG`)\n\
             c:3:1: difference: machines outlive the daemon: the next one takes them over \
             (`headcount up --stop-agents destroy --stop-destroy-timeout 30s` removes them, too)",
        ),
        (
            runner(
                "shutdown_timeout = 600\n[machine.shutdown_drain]\nenabled = true\n\
                 concurrency = 5\nmax_retries = 2\nretry_backoff = \"9s\"\n",
                "",
            ),
            "c:2:1: difference: `shutdown_timeout` has no effect here: it belongs to the command \
             line (write `headcount up --stop-timeout DURATION`)\n\
             c:3:1: difference: machines outlive the daemon: the next one takes them over \
             (`headcount up --stop-agents destroy --stop-destroy-timeout 600s` removes them, \
             too)\n\
             c:5:1: difference: `concurrency` has no effect here: removals do not wait for each \
             other\n\
             c:6:1: difference: `max_retries` has no effect here: a removal is tried until it \
             works, later and later\n\
             c:7:1: difference: `retry_backoff` has no effect here: a removal is tried until it \
             works, later and later",
        ),
        (
            runner(
                "[machine.shutdown_drain]\nenabled = false\nretry_backoff = \"5s\"\n",
                "",
            ),
            "",
        ),
        (
            runner("", "request_concurrency = 4\noutput_limit = 4096\n"),
            "c:5:1: difference: `request_concurrency` has no effect here: jobs are not asked \
             for, they are given out\n\
             c:6:1: difference: `output_limit` has no effect here: each job says how much of its \
             output is kept (write `headcount submit --log-limit SIZE`)",
        ),
        (
            runner(
                "",
                "clone_url = \"https://x\"\n[runners.kubernetes]\nhost = \"x\"\n",
            ),
            "c:5:1: difference: `clone_url` has no effect here: nothing is asked of GitLab yet\n\
             c:6:10: difference: `kubernetes` has no effect here: it is of another executor",
        ),
        (
            machine("MaxRemovalAttempts = 5\n"),
            "c:6:1: difference: `MaxRemovalAttempts` has no effect here: a machine is never \
             given up, its removal is tried until it is gone",
        ),
    ] {
        told(&text, expected);
    }
}

#[test]
fn containers() {
    for (keys, expected) in [
        (
            "services = [\"postgres\"]\nmemory = \"1g\"\n",
            "c:7:1: difference: `services` has no effect here: jobs have no services\n\
             c:8:1: difference: `memory` has no effect here: the container of an agent is made \
             without it",
        ),
        (
            "volumes = [\"/cache\", \"/a:/b\"]\n",
            "c:7:12: difference: no volume is made here: each agent has its own files (mount a \
             folder of the machine: `\"/folder:/cache\"`)",
        ),
        (
            "pull_policy = [\"never\", \"always\"]\n",
            "c:7:15: difference: only the first of these is tried (write the one that is meant)",
        ),
    ] {
        told(
            &runner("", &format!("[runners.docker]\nimage = \"i\"\n{keys}")),
            expected,
        );
    }
}

#[test]
fn other_executors_are_left_out() {
    let after = "[[runners]]\nname = \"s\"\nexecutor = \"shell\"\n[[runners]]\nname = \"n\"\n\
                 [[runners]]\nexecutor = \"docker-autoscaler\"\n[runners.autoscaler]\nplugin = 5\n";
    told(
        &runner("", after),
        "c:7:12: difference: this runner is left out: its executor is `shell` (write a \
             scaler of type `bare-metal`)\n\
             c:8:1: difference: this runner is left out: it has no `executor` (write `executor = \
             \"docker+machine\"`)\n\
             c:11:12: difference: this runner is left out: its executor is `docker-autoscaler` \
             (write a scaler of type `program`)\n\
             c:12:10: difference: `autoscaler` has no effect here: it is of another executor",
    );
}

#[test]
fn idle_numbers() {
    for (keys, expected) in [
        ("IdleCount = 0\n", ""),
        (
            "IdleCount = 2\n",
            "c:6:13: difference: a job does not wait for one of the idle machines: where none is \
             ready, one is made for it (for GitLab Runner's own arithmetic write `compat = \"\
             gitlab\"` below `[runners.headcount]`)",
        ),
        (
            "IdleCountMin = 2\n",
            "c:6:16: warning: `IdleCountMin` has no effect without `IdleScaleFactor` (remove it, \
             or write how many are to be ready for each one in use)",
        ),
        (
            "IdleScaleFactor = 1.0\nIdleCountMin = 2\n",
            "c:7:16: warning: `IdleCountMin` (2) is more than `IdleCount` (0) (write at most 0)",
        ),
        (
            "IdleScaleFactor = 1\n[[runners.machine.autoscaling]]\nPeriods = [\"* * * * * * *\"]\n\
             IdleScaleFactor = 0\n",
            "c:6:19: difference: a whole number is taken as `IdleScaleFactor` here (write `1.0`)\n\
             c:9:19: difference: a whole number is taken as `IdleScaleFactor` here (write `0.0`)",
        ),
        ("IdleTime = 2678400\n", ""),
        (
            "idletime = 2678401\n",
            "c:6:12: difference: `idletime` (2678401) counts as 2678400 (write at most 2678400)",
        ),
    ] {
        told(&machine(keys), expected);
    }
    let limited =
        "limit = 3\n[runners.headcount]\ncompat = \"gitlab\"\n[runners.machine]\nIdleCount = 5\n";
    told(
        &runner("", limited),
        "c:9:13: warning: `IdleCount` (5) is more than `limit` (3) (write at most 3, or \
             raise `limit`)",
    );
}

#[test]
fn periods() {
    let section = |periods: &str| {
        machine(&format!(
            "[[runners.machine.autoscaling]]\n{periods}IdleCount = 0\n"
        ))
    };
    for (periods, expected) in [
        (
            "Periods = [\"* 9-17 * * mon-fri\"]\n",
            "c:7:12: difference: a pattern without seconds holds for whole minutes here \
             (nothing, if whole minutes are meant)",
        ),
        (
            "Periods = [\"* 9-17 * * mon-fri *\"]\n",
            "c:7:12: difference: a pattern without seconds holds for whole minutes here \
             (nothing, if whole minutes are meant)",
        ),
        (
            "Periods = [\"@daily\"]\n",
            "c:7:12: difference: `@daily` holds for its second 0 here (for whole minutes write \
             `*` in the place of the seconds)",
        ),
        (
            "Periods = [\"0 * * * * * *\", \"@hourly\", \"30 * 1 * * * *\"]\n",
            "c:7:12: difference: a pattern with seconds holds for those seconds here (for whole \
             minutes write `*` in the place of the seconds)",
        ),
        ("Periods = [\"* * * * * * *\"]\n", ""),
        (
            "Periods = [\"* 0-59 * * * ? *\", \"*/1 * * * * * *\"]\n",
            "",
        ),
        (
            "Periods = [\"*/1 * 1 * * * *\", \"* 5 1 * * * *\"]\n",
            "c:7:12: difference: periods begin and end on the second here",
        ),
        (
            "Periods = [\"0-58 * 1 * * * *\", \"0-59 * 1 * * * *\", \"? 1 1 * * * *\"]\n",
            "c:7:12: difference: a pattern with seconds holds for those seconds here (for whole \
             minutes write `*` in the place of the seconds)\n\
             c:7:32: difference: periods begin and end on the second here",
        ),
        (
            "Periods = [\"* * 22-6 * * * *\", \"* * * * * sat-sun *\"]\n",
            "c:7:12: difference: periods begin and end on the second here\n\
             c:7:12: difference: a range that ends before it begins goes on at its start \
             (nothing, if that is meant, as in `22-6` or `sat-sun`)\n\
             c:7:32: difference: a range that ends before it begins goes on at its start \
             (nothing, if that is meant, as in `22-6` or `sat-sun`)",
        ),
        (
            "Periods = [\"* * 1 * * 6-7 *\", \"* * 2 * * mon,1-7/2,5-7 *\"]\n",
            "c:7:12: difference: periods begin and end on the second here\n\
             c:7:12: difference: 7 is the Sunday after Saturday in `6-7` (nothing, if that is \
             meant, as in `6-7`)\n\
             c:7:31: difference: 7 is the Sunday after Saturday in `1-7/2` (nothing, if that is \
             meant, as in `6-7`)",
        ),
        (
            "Periods = [\"* 22-6 * * 6-7\", \"* * * * * 7,7L,7#2,7-2,07 *\"]\n",
            "c:7:12: difference: a pattern without seconds holds for whole minutes here \
             (nothing, if whole minutes are meant)\n\
             c:7:12: difference: a range that ends before it begins goes on at its start \
             (nothing, if that is meant, as in `22-6` or `sat-sun`)\n\
             c:7:12: difference: 7 is the Sunday after Saturday in `6-7` (nothing, if that is \
             meant, as in `6-7`)\n\
             c:7:30: difference: periods begin and end on the second here",
        ),
        (
            "Periods = [\"* * 1 * * */7 *\"]\n",
            "c:7:12: difference: periods begin and end on the second here\n\
             c:7:12: difference: `*/7` is taken here",
        ),
        (
            "Periods = [\"* * 1 * 02/02,03/02 01 *\"]\n",
            "c:7:12: difference: periods begin and end on the second here\n\
             c:7:12: difference: `03` means what it says here (write it without the zero before \
             it)",
        ),
        (
            "Periods = [\"* * * * * 00,*/02,0/02 *\"]\n",
            "c:7:12: difference: periods begin and end on the second here",
        ),
        (
            "Periods = [\"5 * 1 * 01 * *\"]\n",
            "c:7:12: difference: a pattern with seconds holds for those seconds here (for whole \
             minutes write `*` in the place of the seconds)\n\
             c:7:12: difference: `01` means what it says here (write it without the zero before \
             it)",
        ),
        (
            "Periods = [\"5 * 1 * * * * and more\"]\n",
            "c:7:12: warning: a pattern has 7 fields at most: the last 2 are left out (remove \
             them)\n\
             c:7:12: difference: a pattern with seconds holds for those seconds here (for whole \
             minutes write `*` in the place of the seconds)",
        ),
        (
            "Periods = []\n",
            "c:7:11: warning: this section never holds: it has no `Periods` (write for example \
             `Periods = [\"* * 9-17 * * mon-fri *\"]`)",
        ),
        (
            "",
            "c:6:1: warning: this section never holds: it has no `Periods` (write for example \
             `Periods = [\"* * 9-17 * * mon-fri *\"]`)",
        ),
    ] {
        told(&section(periods), expected);
    }
}

#[test]
fn off_peak_keys() {
    const KEYS: &str = "OffPeakPeriods = [\"* * * * * * *\"]\n";
    const SCALED: &str = "IdleCount = 5\nIdleCountMin = 3\nIdleScaleFactor = 1.0\n";
    let section = "[[runners.machine.autoscaling]]\nPeriods = [\"* * * * * * *\"]\n";
    for (keys, expected) in [
        (
            "OffPeakIdleCount = 2\nOffPeakIdleTime = 9\nOffPeakTimezone = \"UTC\"\n\
             OffPeakPeriods = []\n"
                .to_owned(),
            "c:6:1: warning: `OffPeakIdleCount` has no effect without `OffPeakPeriods` (remove \
             it, or write `[[runners.machine.autoscaling]]` instead)\n\
             c:7:1: warning: `OffPeakIdleTime` has no effect without `OffPeakPeriods` (remove \
             it, or write `[[runners.machine.autoscaling]]` instead)\n\
             c:8:1: warning: `OffPeakTimezone` has no effect without `OffPeakPeriods` (remove \
             it, or write `[[runners.machine.autoscaling]]` instead)",
        ),
        (
            "OffPeakIdleCount = 0\nOffPeakIdleTime = 0\nOffPeakTimezone = \"\"\n".to_owned(),
            "",
        ),
        (
            KEYS.to_owned(),
            "c:6:1: difference: off-peak hours hold here (remove them, or write \
             `[[runners.machine.autoscaling]]` instead)",
        ),
        (
            format!("{KEYS}{section}"),
            "c:6:1: warning: the off-peak keys have no effect (remove them)",
        ),
        (
            format!("{KEYS}OffPeakTimezone = \"Mars\"\n"),
            "c:7:19: warning: the off-peak keys are left out: there is no time zone `Mars` \
             (correct it, or write `[[runners.machine.autoscaling]]` instead)",
        ),
        (
            "OffPeakPeriods = [\"* * *\"]\n".to_owned(),
            "c:6:19: warning: the off-peak keys are left out: missing field(s): a pattern has 5 \
             to 7 fields ([second,] minute, hour, day of month, month, day of week [, year]), \
             this has 3 (correct it, or write `[[runners.machine.autoscaling]]` instead)",
        ),
        (
            "OffPeakPeriods = [\"5 * 1 30 2 * *\"]\n".to_owned(),
            "c:6:19: warning: the off-peak keys are left out: no day or time is in it (correct \
             it, or write `[[runners.machine.autoscaling]]` instead)",
        ),
        (
            format!("{KEYS}{SCALED}OffPeakIdleCount = 1\n"),
            "c:6:1: difference: off-peak hours hold here (remove them, or write \
             `[[runners.machine.autoscaling]]` instead)\n\
             c:10:20: warning: `IdleCountMin` (3) is more than `OffPeakIdleCount` (1) (nothing, \
             if that is meant: a `[[runners.machine.autoscaling]]` may have an `IdleCountMin` of \
             its own)",
        ),
        (
            format!("{KEYS}{SCALED}"),
            "c:6:1: difference: off-peak hours hold here (remove them, or write \
             `[[runners.machine.autoscaling]]` instead)\n\
             c:6:18: warning: `IdleCountMin` (3) is more than `OffPeakIdleCount` (0) (nothing, \
             if that is meant: a `[[runners.machine.autoscaling]]` may have an `IdleCountMin` of \
             its own)",
        ),
        (
            format!("{KEYS}{SCALED}OffPeakIdleCount = 3\n"),
            "c:6:1: difference: off-peak hours hold here (remove them, or write \
             `[[runners.machine.autoscaling]]` instead)",
        ),
    ] {
        // That a job does not wait for an idle machine is told of each of them with a count.
        let said = more(&machine(&keys));
        let said = said
            .lines()
            .filter(|line| !line.contains("a job does not wait"));
        assert_eq!(said.collect::<Vec<_>>().join("\n"), expected, "{keys}");
    }
}

#[test]
fn a_machine_without_a_name() {
    let named = |keys: &str| {
        let said = super::said(&machine(keys));
        let lines = said.lines().filter(|line| line.contains("MachineName"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let without = "no `MachineName`: machines are called `headcount-%s` (write for example \
                   `MachineName = \"ci-%s\"`)";
    assert_eq!(named(""), format!("c:5:1: difference: {without}"));
    let empty = named("MachineName = \"\"\n");
    assert_eq!(empty, format!("c:6:15: difference: {without}"));
    assert_eq!(named("MachineName = \"m-%s\"\n"), "");
}

#[test]
fn paths_that_begin_nowhere() {
    let told_of = |name: &str| {
        format!(
            "difference: `{name}` is no absolute path, and `docker-machine` runs in `/` (write the \
             path from `/` on)"
        )
    };
    let text = machine(
        "MachineOptions = [\"generic-ssh-key=keys/id\", \"amazonec2-userdata=/etc/data\",\n\
         \"x-json=./key.json\", \"google-machine-image=a/global/images/b\",\n\
         \"openstack-cacert=\", \"x-userdata=https://a/b\", \"engine-env=A=../b\"]\n\
         MachineOptionsWithName = [\"amazonec2-ssh-keypath=%s/id\"]\n",
    );
    let expected = [
        format!("c:6:19: {}", told_of("generic-ssh-key")),
        format!("c:7:1: {}", told_of("x-json")),
        format!("c:9:27: {}", told_of("amazonec2-ssh-keypath")),
    ];
    assert_eq!(more(&text), expected.join("\n"));
}

#[test]
fn a_cap_that_nobody_wrote() {
    let cap = |text: &str| {
        let said = super::said(text);
        let lines = said
            .lines()
            .filter(|line| line.contains("machines at once"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let twelve = "at most 12 machines at once, as no `limit` says it (write a `limit` of your own: \
                  this is `concurrent` (5) and the largest idle count (1), twice, as machines that \
                  are being removed count)";
    let one = "[runners.machine]\nIdleCount = 1\n";
    assert_eq!(
        cap(&runner("", one)),
        format!("c:2:1: difference: {twelve}")
    );
    let nought = runner("", &format!("limit = 0\n{one}"));
    assert_eq!(cap(&nought), format!("c:5:9: difference: {twelve}"));
    assert_eq!(cap(&runner("", &format!("limit = 3\n{one}"))), "");
    let many = machine("IdleCount = 4294967295\n");
    assert!(cap(&many).contains("at most 4294967295 machines at once"));
}

#[test]
fn what_is_said_of_every_file_is_said_once() {
    let text = "concurrent = 2\n[[runners]]\nname = \"a b\"\nurl = \"https://x\"\ntoken = \"t\"\n\
                [runners.machine]\n[[runners]]\nname = \"c\"\nurl = \"https://x\"\n\
                [runners.machine]\n";
    assert_eq!(
        super::said(text),
        "c:2:1: difference: no `image`: agents run in `debian:stable-slim` (write `image = \"\
             ...\"` below `[runners.docker]`)\n\
             c:2:1: difference: at most 4 machines at once, as no `limit` says it (write a \
             `limit` of your own: this is `concurrent` (2) and the largest idle count (0), twice, \
             as machines that are being removed count)\n\
             c:3:8: difference: this runner is called `a-b` here (jobs ask for `a-b`, not for `a \
             b`)\n\
             c:3:8: difference: jobs ask for these machines by the label `a-b` (write `labels = [\
             \"...\"]` below `[runners.headcount]`)\n\
             c:4:1: difference: jobs come from the built-in queue: asking GitLab for jobs is not \
             built yet in this version (`headcount submit` gives these machines jobs; a token is \
             not used and nowhere shown)\n\
             c:6:1: warning: no `MachineDriver`: machines are made by `virtualbox` (write for \
             example `MachineDriver = \"digitalocean\"`)\n\
             c:6:1: difference: no `MachineName`: machines are called `headcount-%s` (write for \
             example `MachineName = \"ci-%s\"`)\n\
             c:7:1: difference: no `image`: agents run in `debian:stable-slim` (write `image = \"\
             ...\"` below `[runners.docker]`)\n\
             c:7:1: difference: at most 4 machines at once, as no `limit` says it (write a \
             `limit` of your own: this is `concurrent` (2) and the largest idle count (0), twice, \
             as machines that are being removed count)\n\
             c:8:8: difference: jobs ask for these machines by the label `c` (write `labels = [\"\
             ...\"]` below `[runners.headcount]`)\n\
             c:10:1: warning: no `MachineDriver`: machines are made by `virtualbox` (write for \
             example `MachineDriver = \"digitalocean\"`)\n\
             c:10:1: difference: no `MachineName`: machines are called `headcount-%s` (write for \
             example `MachineName = \"ci-%s\"`)"
    );
}
