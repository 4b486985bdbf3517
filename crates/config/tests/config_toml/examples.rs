//! The files of the autoscaling documentation, each taken as it is.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use headcount_config::settings::MachineOption;
use headcount_config::{ConfigPaths, Loaded, load, load_texts};
use headcount_model::{MachineOption as Made, Secret};

use super::{idle, platform, recipe, scaler, set, template};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/gitlab")
}

/// The file, whose native form is the same fleet.
fn example(name: &str) -> Loaded {
    let paths = ConfigPaths::file(folder().join(name));
    let loaded = load(&paths, &platform()).unwrap_or_else(|p| panic!("{}", p.render(false, 100)));
    let printed = headcount_config::effective_yaml(&loaded.settings);
    let texts = headcount_config::ConfigTexts::single("native", &printed);
    let again = load_texts(texts, &platform()).unwrap_or_else(|p| panic!("{p}\n{printed}"));
    assert!(again.warnings.is_empty(), "{}", again.warnings);
    assert_eq!(again.fleet, loaded.fleet, "{printed}");
    loaded
}

/// What is said of each line, by its first words.
fn lines(loaded: &Loaded) -> String {
    let all = loaded.warnings.iter().map(|problem| {
        let place = problem.position.map_or(0, |place| place.line);
        let words: Vec<&str> = problem.message.split(' ').take(7).collect();
        format!("{place} {}: {}", problem.severity, words.join(" "))
    });
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_is_tested() {
    let found = std::fs::read_dir(folder()).unwrap();
    let found: BTreeSet<String> = found
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let tested = [
        "cache.toml",
        "complete.toml",
        "concurrent.toml",
        "idle.toml",
        "limited.toml",
        "mirror.toml",
        "offpeak.toml",
        "periods.toml",
    ];
    assert_eq!(found, tested.map(str::to_owned).into());
}

#[test]
fn the_complete_one() {
    let loaded = example("complete.toml");
    let settings = &loaded.settings;
    assert_eq!(
        (settings.global_max_jobs, settings.global_max_agents),
        (Some(50), 10)
    );
    let scaler = scaler(settings);
    assert_eq!(
        (scaler.name.as_str(), scaler.max_agents),
        ("autoscale-runner", 10)
    );
    assert_eq!(
        (set(settings).labels.join("+"), set(settings).max_jobs),
        ("autoscale-runner".to_owned(), Some(100))
    );
    let template = template(settings);
    assert_eq!(
        (
            template.driver.as_str(),
            template.machine_name.as_str(),
            template.image.as_str()
        ),
        ("digitalocean", "auto-scale-%s", "ruby:2.6")
    );
    let options: Vec<&str> = template
        .options
        .iter()
        .map(|option| match option {
            MachineOption::Plain(text) => text.as_str(),
            MachineOption::Secret { name, .. } => name.as_str(),
        })
        .collect();
    assert_eq!(
        options,
        [
            "digitalocean-image=coreos-stable",
            "digitalocean-ssh-user=core",
            "digitalocean-access-token",
            "digitalocean-region=nyc2",
            "digitalocean-size=4gb",
            "digitalocean-private-networking",
            "engine-registry-mirror=http://10.11.12.13:12345"
        ]
    );
    let token = Made::Secret {
        name: "digitalocean-access-token".to_owned(),
        value: Secret::new("DO_ACCESS_TOKEN".to_owned()),
    };
    assert_eq!(recipe(&loaded).options[2], token);
    let policy = idle(settings);
    assert_eq!(
        (policy.rule.keep, policy.rule.idle_time),
        (5, Duration::from_secs(600))
    );
    let schedules = policy.schedules.iter().map(|schedule| {
        let rule = schedule.rule;
        (
            schedule.periods.join("|"),
            rule.keep,
            rule.idle_time.as_secs(),
        )
    });
    assert_eq!(
        schedules.collect::<Vec<_>>(),
        [
            ("* * 9-17 * * mon-fri *".to_owned(), 10, 3600),
            ("* * * * * sat,sun *".to_owned(), 5, 60)
        ]
    );
    assert_eq!(
        lines(&loaded),
        "4 difference: jobs come from the built-in queue: asking\n\
             6 difference: jobs ask for these machines by the\n\
             12 difference: a job does not wait for one\n\
             27 difference: periods begin and end on the second\n\
             28 warning: `IdleCount` (50) is more than `limit` (10)\n\
             36 difference: there is no cache: nothing is kept"
    );
}

#[test]
fn the_smaller_ones() {
    let concurrent = example("concurrent.toml").settings;
    assert_eq!(
        (
            concurrent.global_max_jobs,
            scaler(&concurrent).max_agents,
            idle(&concurrent).rule.keep
        ),
        (Some(20), 40, 10)
    );
    let limited = example("limited.toml").settings;
    assert_eq!(
        (limited.global_max_jobs, scaler(&limited).max_agents),
        (Some(20), 25)
    );
    let two = example("idle.toml").settings;
    assert_eq!(
        (
            idle(&two).rule.keep,
            idle(&two).rule.idle_time,
            two.global_max_jobs
        ),
        (2, Duration::from_secs(1800), Some(1))
    );
    let mirror = example("mirror.toml").settings;
    let option = MachineOption::Plain("engine-registry-mirror=http://10.11.12.13:12345".to_owned());
    assert_eq!(template(&mirror).options, [option]);
    let periods = example("periods.toml").settings;
    let kept = |settings| {
        idle(settings)
            .schedules
            .iter()
            .map(|it| it.rule.keep)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&periods), vec![50, 5]);
    assert_eq!(scaler(&periods).max_agents, 102);
}

#[test]
fn a_cache_is_named_and_nothing_of_it_is_left() {
    let loaded = example("cache.toml");
    assert_eq!(
        lines(&loaded),
        "1 difference: jobs come from the built-in queue: asking\n\
             1 difference: jobs ask for these machines by the\n\
             1 difference: no `image`: agents run in `debian:stable-slim`\n\
             1 warning: no `MachineDriver`: machines are made by `virtualbox`\n\
             1 difference: no `MachineName`: machines are called `headcount-%s`\n\
             1 warning: `concurrent` is not written, so one job\n\
             4 difference: there is no cache: nothing is kept"
    );
}

#[test]
fn off_peak_hours_are_what_they_were_meant_to_be() {
    let loaded = example("offpeak.toml");
    let policy = idle(&loaded.settings);
    assert_eq!(
        (policy.rule.keep, policy.rule.idle_time.as_secs()),
        (10, 1800)
    );
    let [schedule] = policy.schedules.as_slice() else {
        panic!("{:?}", policy.schedules);
    };
    assert_eq!(
        (
            schedule.rule.keep,
            schedule.rule.idle_time.as_secs(),
            schedule.timezone.as_str()
        ),
        (1, 600, "UTC")
    );
    assert_eq!(
        schedule.periods,
        ["* * 0-8,18-23 * * mon-fri *", "* * * * * sat,sun *"]
    );
    assert_eq!(
        lines(&loaded),
        "1 difference: jobs come from the built-in queue: asking\n\
             1 difference: jobs ask for these machines by the\n\
             1 difference: no `image`: agents run in `debian:stable-slim`\n\
             1 difference: at most 22 machines at once, as\n\
             1 warning: `concurrent` is not written, so one job\n\
             2 warning: no `MachineDriver`: machines are made by `virtualbox`\n\
             2 difference: no `MachineName`: machines are called `headcount-%s`\n\
             3 difference: a job does not wait for one\n\
             8 difference: off-peak hours hold here\n\
             9 difference: periods begin and end on the second"
    );
}
