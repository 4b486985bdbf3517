//! Entries of `sources`: what reaches whoever reads the streams, and what is said of what
//! cannot be meant.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts};
use headcount_model::{Command, RedisServers, Selectors};

fn load(sources: &str) -> Result<Loaded, Problems> {
    let text = format!("version: 1\nscalers: []\nsources:\n{sources}");
    load_texts(ConfigTexts::single("c", text), &Platform::current())
}

/// One source, each of whose keys stands in a line; the first is line 4.
fn entry(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("- \n{}", lines.concat())
}

const WHERE: &str = "metadata: {address: 'r:1', stream: s, consumerGroup: g}";
const NAME: &str = "name: ci";
const TYPE: &str = "type: redis-streams";
const JOB: &str = "job: {command: [make]}";

#[test]
fn what_is_not_written_has_its_default() {
    let loaded = load(&entry(&[NAME, TYPE, WHERE, JOB])).unwrap_or_else(|p| panic!("{p}"));
    let source = &loaded.sources[0];
    assert_eq!(source.id.as_str(), "ci");
    let servers = RedisServers::Standalone("r:1".to_owned());
    assert_eq!(source.connection.servers, servers);
    assert_eq!((source.stream.as_str(), source.group.as_str()), ("s", "g"));
    assert_eq!(source.dead_letters, "s:dead");
    assert_eq!(
        (source.attempts, source.min_idle),
        (3, Duration::from_secs(60))
    );
    assert_eq!(source.polling, Duration::from_secs(30));
    assert_eq!(source.job.command, Command::Argv(vec!["make".to_owned()]));
    assert_eq!(source.job.runs_on, Selectors::default());
    assert_eq!(source.job.grace, Duration::from_secs(10));
    assert_eq!(source.job.log_limit_bytes, 64 << 20);
    let again = effective_yaml(&loaded.settings);
    let again = load_texts(ConfigTexts::single("c", again), &Platform::current());
    assert_eq!(
        again.unwrap_or_else(|p| panic!("{p}")).sources,
        loaded.sources
    );
}

#[test]
fn what_a_source_cannot_mean_is_refused() {
    let dead = ["deadLetterStream: s"];
    let cases: [(Vec<&str>, &str); 9] = [
        (
            vec!["name: Queue", TYPE, WHERE, JOB],
            "c:5:9: error: `Queue` is the built-in queue (give the source another name)",
        ),
        (
            vec![NAME, "type: gitlab", WHERE, JOB],
            "c:6:9: error: `type` cannot be `gitlab` (that source is not built yet in this version)",
        ),
        (
            vec![NAME, TYPE, "metadata: {address: 'r:1', stream: s}", JOB],
            "c:7:13: error: a source of type `redis-streams` needs the key `consumerGroup` (add \
             `consumerGroup: ...` (the consumer group whose entries are counted))",
        ),
        (
            vec![NAME, TYPE, WHERE, JOB, dead[0]],
            "c:9:21: error: the dead letters are the stream itself (name another stream)",
        ),
        (
            vec![NAME, TYPE, WHERE, "job: {}"],
            "c:8:8: error: `job` says nothing to run (add `command: [program, argument]`, or \
             `script:` with a text for the shell)",
        ),
        (
            vec![NAME, TYPE, WHERE, "job: {command: [a], script: b}"],
            "c:8:31: error: `command` and `script` cannot stand together (leave one of them out)",
        ),
        (
            vec![NAME, TYPE, WHERE, "job: {command: ['']}"],
            "c:8:8: error: the program to run is missing (write it as the first of `command`)",
        ),
        (
            vec![NAME, TYPE, WHERE, "job: {command: [a], runsOn: ['a,b']}"],
            "c:8:32: error: `runsOn[0]`: the label `a,b` holds a comma (write one label for each of its parts)",
        ),
        (
            vec![NAME, TYPE, WHERE, JOB, "attempts: 0"],
            "c:9:13: error: `attempts` must be from 1 to 100 (write for example `10`)",
        ),
    ];
    for (lines, expected) in cases {
        let problems = load(&entry(&lines)).map(|_| ()).unwrap_err();
        assert_eq!(problems.to_string(), expected);
    }
}

#[test]
fn two_sources_have_two_names_and_two_groups() {
    let both = format!(
        "{}{}",
        entry(&[NAME, TYPE, WHERE, JOB]),
        entry(&["name: CI", TYPE, WHERE, JOB])
    );
    let problems = load(&both).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        problems,
        "c:10:3: error: source `CI` reads the same group of the same stream as `ci` (remove one of \
         them, or give it a group of its own)\n\
         c:10:9: error: a second source has the name `CI` (give each a name of its own)"
    );
}

#[test]
fn what_counts_only_for_triggers_is_warned_of() {
    let place = "metadata: {address: 'r:1', stream: s, consumerGroup: g, entriesPerAgent: 5}";
    let loaded = load(&entry(&[NAME, TYPE, place, JOB])).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(
        loaded.warnings.to_string(),
        "c:7:59: warning: `entriesPerAgent` has no effect on a source (remove it: it says how a \
         trigger counts)"
    );
}
