//! What keys come to.

use std::time::Duration;

use headcount_config::settings::{Backend, DockerMachine, IdleCompat, Level, PullPolicy};
use headcount_config::{ConfigText, ConfigTexts, load_texts};

use super::{idle, load, machine, more, platform, recipe, runner, scaler, set, settings, template};

#[test]
fn every_key_of_machines() {
    let text = runner(
        "",
        "limit = 40\nenvironment = [\"A=b\", \"EMPTY=\", \"C=d=e\"]\n[runners.docker]\nimage = \"ruby:3\"\n\
         privileged = true\nvolumes = [\"/a:/b\"]\npull_policy = [\"if-not-present\"]\n\
         [runners.machine]\nIdleCount = 10\nIdleTime = 60\nIdleScaleFactor = 1.5\n\
         IdleCountMin = 2\nMaxBuilds = 7\nMaxGrowthRate = 3\nMachineDriver = \"google\"\n\
         MachineName = \"m-%s\"\nMachineOptions = [\"google-zone=a\"]\n\
         MachineOptionsWithName = [\"google-tags=%s\"]\n[[runners.machine.autoscaling]]\n\
         Periods = [\"* * 9-17 * * * *\"]\nTimezone = \"Europe/Berlin\"\nIdleCount = 20\n",
    );
    let settings = settings(&text);
    assert_eq!(
        (scaler(&settings).max_agents, settings.global_max_agents),
        (40, 40)
    );
    let policy = idle(&settings);
    assert_eq!(
        (policy.rule.keep, policy.rule.idle_time),
        (10, Duration::from_secs(60))
    );
    let scale = policy.rule.scale.unwrap();
    assert_eq!(
        (scale.factor, scale.min, policy.max_growth_rate),
        (Level(1.5), 2, Some(3))
    );
    assert_eq!(policy.rule.compat, IdleCompat::Headcount);
    let schedule = &policy.schedules[0];
    assert_eq!(
        (
            schedule.rule.keep,
            schedule.rule.idle_time,
            schedule.rule.scale
        ),
        (20, Duration::ZERO, None),
        "what a section leaves out is zero"
    );
    assert_eq!(schedule.timezone, "Europe/Berlin");
    let set = set(&settings);
    assert_eq!((set.max_jobs, set.slots), (Some(7), 1));
    assert_eq!(
        set.env
            .iter()
            .map(|(k, v)| format!("{k}:{v}"))
            .collect::<Vec<_>>(),
        ["EMPTY:"]
    );
    let template = template(&settings);
    assert_eq!(
        (template.driver.as_str(), template.machine_name.as_str()),
        ("google", "m-%s")
    );
    assert_eq!(template.options_with_name, ["google-tags=%s"]);
    assert_eq!(
        (template.image.as_str(), template.privileged),
        ("ruby:3", true)
    );
    assert_eq!(template.image_pull_policy, PullPolicy::IfNotPresent);
    assert_eq!(template.volumes, ["/a:/b"]);
    let loaded = load(&text).unwrap();
    let variables = recipe(&loaded).secret_env;
    let variables = variables
        .iter()
        .map(|it| format!("{}:{}", it.name, it.value.expose()));
    assert_eq!(variables.collect::<Vec<_>>(), ["A:b", "C:d=e"]);
}

#[test]
fn of_a_variable_that_is_set_twice_the_last_holds() {
    let text = runner(
        "",
        "Environment = [\"A=1\", \"B=2\", \"A=3\", \"C=4\", \"C=\"]\n",
    );
    let of_set = settings(&text);
    assert_eq!(set(&of_set).env.keys().collect::<Vec<_>>(), ["C"]);
    let loaded = load(&text).unwrap();
    let variables = recipe(&loaded).secret_env;
    let variables = variables
        .iter()
        .map(|it| format!("{}:{}", it.name, it.value.expose()));
    assert_eq!(variables.collect::<Vec<_>>(), ["A:3", "B:2"]);
}

#[test]
fn zero_is_without_end() {
    let settings = settings(&runner(
        "",
        "limit = 0\n[runners.machine]\nIdleCount = 3\nMaxBuilds = 0\nMaxGrowthRate = 0\n\
         [[runners.machine.autoscaling]]\nPeriods = [\"* * 1 * * * *\"]\nIdleCount = 8\n",
    ));
    assert_eq!(
        scaler(&settings).max_agents,
        26,
        "five jobs and eight spare machines, and as many that are being removed"
    );
    assert_eq!(
        (set(&settings).max_jobs, idle(&settings).max_growth_rate),
        (None, None)
    );
}

#[test]
fn each_runner_is_a_scaler() {
    let text = "concurrent = 4\n[[runners]]\nname = \"one two\"\n[runners.machine]\nIdleCount = 1\n\
                [[runners]]\nexecutor = \"docker+machine\"\n[[runners]]\nname = \"One-Two\"\n\
                [runners.machine]\n";
    let settings = settings(text);
    let scalers: Vec<(&str, u32)> = settings
        .scalers
        .iter()
        .map(|scaler| (scaler.name.as_str(), scaler.max_agents))
        .collect();
    assert_eq!(
        scalers,
        [("one-two", 10), ("runner-2", 8), ("One-Two-2", 8)]
    );
    assert_eq!(
        (settings.global_max_agents, settings.global_max_jobs),
        (26, Some(4))
    );
}

#[test]
fn a_table_of_ours_says_what_the_file_cannot() {
    let text = runner(
        "",
        "[runners.headcount]\nlabels = [\"linux\", \"docker\"]\ncompat = \"gitlab\"\n\
         program = \"/opt/docker-machine\"\nstore = \"/srv/machines\"\n\
         orchestratorUrl = \"wss://ci.example.com:4873\"\n\
         [runners.machine]\nIdleCount = 1\nOffPeakPeriods = [\"* * 1 * * * *\"]\n",
    );
    let settings = settings(&text);
    assert_eq!(set(&settings).labels, ["linux", "docker"]);
    assert_eq!(idle(&settings).rule.compat, IdleCompat::Gitlab);
    assert!(idle(&settings).schedules.is_empty());
    let tool = DockerMachine {
        program: Some("/opt/docker-machine".to_owned()),
        store: Some("/srv/machines".to_owned()),
    };
    let scaler = scaler(&settings);
    assert_eq!(scaler.backend, Backend::DockerMachine(tool));
    let url = scaler.orchestrator_url.as_deref();
    assert_eq!(url, Some("wss://ci.example.com:4873"));
}

/// GitLab Runner's parser takes keys in any case of letters.
#[test]
fn keys_are_found_in_any_case() {
    let settings = settings(&machine("idlecount = 3\nIDLETIME = 5\n"));
    assert_eq!(
        (
            idle(&settings).rule.keep,
            idle(&settings).rule.idle_time.as_secs()
        ),
        (3, 5)
    );
}

/// Vectors 55 to 62 of the machine autoscaling reference, section 13: at 20:00, in force is
/// the last of those that hold (which of them hold is the controller's to know). With
/// `compat: gitlab` off-peak keys are ignored, as GitLab Runner ignores them; otherwise they
/// mean what they were made for.
#[test]
fn vectors_55_to_62_what_can_be_in_force() {
    const ROOT: &str = "IdleCount = 1\nIdleTime = 1000\n";
    const ON: &str = "* * 20 * * * *";
    const OFF: &str = "* * 22 * * * *";
    let off_peak = |pattern: &str| {
        format!(
            "{ROOT}OffPeakPeriods = [\"{pattern}\"]\nOffPeakIdleCount = 9\nOffPeakIdleTime = 9\n"
        )
    };
    let sections = |list: &[(&str, u32)]| {
        let sections = list.iter().map(|(pattern, n)| {
            format!(
                "[[runners.machine.autoscaling]]\nPeriods = [\"{pattern}\"]\nIdleCount = {n}\n\
                 IdleTime = {n}000\n"
            )
        });
        format!("{ROOT}{}", sections.collect::<String>())
    };
    for (number, keys, gitlab, ours) in [
        ("55", ROOT.to_owned(), vec![], vec![]),
        ("56", off_peak(ON), vec![], vec![(9, 9)]),
        ("57", off_peak(OFF), vec![], vec![(9, 9)]),
        ("58", off_peak("invalid period"), vec![], vec![]),
        ("59", sections(&[(ON, 2)]), vec![(2, 2000)], vec![(2, 2000)]),
        (
            "60",
            sections(&[(OFF, 2)]),
            vec![(2, 2000)],
            vec![(2, 2000)],
        ),
        (
            "61",
            sections(&[(ON, 2), (ON, 3)]),
            vec![(2, 2000), (3, 3000)],
            vec![(2, 2000), (3, 3000)],
        ),
        (
            "62",
            sections(&[(ON, 3), (ON, 4), (OFF, 5)]),
            vec![(3, 3000), (4, 4000), (5, 5000)],
            vec![(3, 3000), (4, 4000), (5, 5000)],
        ),
    ] {
        for (compat, expected) in [("gitlab", gitlab), ("headcount", ours)] {
            let own = format!("[runners.headcount]\ncompat = \"{compat}\"\n");
            let text = runner("", &format!("{own}[runners.machine]\n{keys}"));
            let settings = settings(&text);
            let policy = idle(&settings);
            assert_eq!(
                (policy.rule.keep, policy.rule.idle_time.as_secs()),
                (1, 1000)
            );
            let schedules = policy.schedules.iter().map(|it| it.rule);
            let schedules = schedules.map(|rule| (rule.keep, rule.idle_time.as_secs()));
            assert_eq!(schedules.collect::<Vec<_>>(), expected, "{number} {compat}");
        }
    }
    assert!(load(&machine(&sections(&[("invalid period", 2)]))).is_err());
}

/// As many as are kept are enough, whatever the minimum: GitLab Runner's arithmetic, and the
/// reference says so of `IdleCountMin` above `IdleCount`.
#[test]
fn a_minimum_above_the_count_of_some_hours_is_that_count_then() {
    const ROOT: &str = "IdleCount = 5\nIdleCountMin = 3\nIdleScaleFactor = 1.0\n";
    const OFF_PEAK: &str = "OffPeakPeriods = [\"* * 0-7 * * * *\"]\n";
    let section = |keys: &str| {
        format!("[[runners.machine.autoscaling]]\nPeriods = [\"* * 0-7 * * * *\"]\n{keys}")
    };
    for (keys, expected) in [
        (format!("{OFF_PEAK}OffPeakIdleCount = 1\n"), (1, Some(1))),
        (OFF_PEAK.to_owned(), (0, Some(0))),
        (format!("{OFF_PEAK}OffPeakIdleCount = 9\n"), (9, Some(3))),
        (section("IdleCount = 1\n"), (1, None)),
        (
            section("IdleScaleFactor = 1.0\nIdleCountMin = 2\n"),
            (0, Some(0)),
        ),
    ] {
        let settings = settings(&machine(&format!("{ROOT}{keys}")));
        let policy = idle(&settings);
        assert_eq!(policy.rule.scale.map(|scale| scale.min), Some(3));
        let rule = policy.schedules[0].rule;
        assert_eq!(
            (rule.keep, rule.scale.map(|scale| scale.min)),
            expected,
            "{keys}"
        );
    }
}

#[test]
fn a_wait_that_is_too_long_is_the_longest() {
    let keys = "IdleTime = 9000000000\nOffPeakPeriods = [\"* * 1 * * * *\"]\n\
                OffPeakIdleTime = 2678401\n";
    let settings = settings(&machine(keys));
    let longest = Duration::from_secs(31 * 24 * 60 * 60);
    let policy = idle(&settings);
    let both = [policy.rule.idle_time, policy.schedules[0].rule.idle_time];
    assert_eq!(both, [longest; 2]);
}

#[test]
fn a_drop_in_file_may_be_one_too() {
    let texts = ConfigTexts {
        main: ConfigText::new("main", "version: 1\nscalers: []\n"),
        drop_ins: vec![ConfigText::new("gitlab.yaml", machine("IdleCount = 1\n"))],
    };
    let loaded = load_texts(texts, &platform()).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(scaler(&loaded.settings).name, "r");
    assert_eq!(loaded.settings.global_max_jobs, None);
    let warned = loaded.warnings.iter().map(|it| it.message.as_str());
    assert!(
        warned
            .into_iter()
            .any(|message| message == "in a drop-in file `concurrent` is no cap on jobs")
    );
}

#[test]
fn what_asks_for_nothing_is_not_told() {
    let text = "concurrent = 1\ncheck_interval = 0\nshutdown_timeout = 0\n[[runners]]\n\
                name = \"r\"\nid = 5\ntoken = \"t\"\ntoken_obtained_at = 2024-01-02T03:04:05Z\n\
                token_expires_at = 0001-01-01T00:00:00Z\nexecutor = \"docker+machine\"\n\
                [runners.cache]\nMaxUploadedArchiveSize = 0\n[runners.cache.s3]\n\
                [runners.cache.gcs]\n[runners.cache.azure]\n[runners.docker]\ntls_verify = false\n\
                image = \"alpine\"\nprivileged = false\ndisable_entrypoint_overwrite = false\n\
                oom_kill_disable = false\ndisable_cache = false\nshm_size = 0\nnetwork_mtu = 0\n\
                [runners.machine]\nMachineDriver = \"google\"\nMachineName = \"m-%s\"\n";
    assert_eq!(more(text), "");
}
