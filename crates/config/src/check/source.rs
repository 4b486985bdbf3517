//! Streams that are read for agents.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use headcount_model::{Command, JobTemplate, Selectors};
use headcount_patterns::Checked;

use super::backend::need;
use super::redis::server;
use super::resources::layer;
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::read::Object;
use crate::settings::Source;
use crate::source::Spanned;
use crate::suggest::quoted;
use crate::written::{self, TriggerMetadata, TriggerWord};

/// The source of jobs that clients submit.
const BUILT_IN: &str = "queue";
/// What holds where the file says nothing.
const MIN_IDLE: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 3;
const POLLING: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(10);
const LOG_LIMIT_BYTES: u64 = 64 << 20;

/// The sources; `None` only when a problem forbids them.
pub(super) fn sources(top: &written::Top, problems: &mut Problems) -> Option<Vec<Source>> {
    let Some(list) = &top.sources else {
        let broken = top.written.iter().any(|(key, _)| *key == "sources");
        return (!broken).then(Vec::new);
    };
    check_names(&list.value, problems);
    let sources = list.value.iter();
    let sources: Vec<Option<Source>> = sources
        .map(|written| source(&written.value, problems))
        .collect();
    check_streams(&list.value, &sources, problems);
    sources.into_iter().collect()
}

fn check_names(written: &[Spanned<written::Source>], problems: &mut Problems) {
    let mut names = BTreeSet::new();
    for name in written.iter().filter_map(|it| it.value.name.as_ref()) {
        let key = name.value.to_lowercase();
        let (message, hint) = if key == BUILT_IN {
            let message = format!("{} is the built-in queue", quoted(&name.value));
            (message, "give the source another name")
        } else if !names.insert(key) {
            let message = format!("a second source has the name {}", quoted(&name.value));
            (message, "give each a name of its own")
        } else {
            continue;
        };
        problems.at(name.place, Draft::error(message).hint(hint));
    }
}

/// One consumer of a group is one source: two would take each other's entries for their
/// own.
fn check_streams(
    written: &[Spanned<written::Source>],
    sources: &[Option<Source>],
    problems: &mut Problems,
) {
    let mut seen: BTreeMap<(String, &str, &str), &str> = BTreeMap::new();
    for (written, source) in written.iter().zip(sources) {
        let Some(source) = source else { continue };
        let servers = format!("{:?} {}", source.server.servers, source.server.database);
        let place = (servers, source.stream.as_str(), source.group.as_str());
        if let Some(first) = seen.get(&place) {
            let message = format!(
                "source {} reads the same group of the same stream as {}",
                quoted(&source.name),
                quoted(first)
            );
            let hint = "remove one of them, or give it a group of its own";
            problems.at(written.place, Draft::error(message).hint(hint));
        } else {
            seen.insert(place, &source.name);
        }
    }
}

fn source(written: &written::Source, problems: &mut Problems) -> Option<Source> {
    let form = value(written.kind.as_ref());
    let job = written
        .job
        .as_ref()
        .and_then(|job| entry_job(&job.value, problems));
    let metadata = written.metadata.as_ref().map(|metadata| &metadata.value);
    let (form, metadata) = (form?, metadata?);
    let word = TriggerWord::Stream(form);
    warn_of_counting(metadata, problems);
    let server = server(form, word, metadata, problems);
    for key in ["stream", "consumerGroup"] {
        let who = format!("a source of type `{}`", word.word());
        need(metadata, &who, key, metadata.place, problems);
    }
    let stream = value(metadata.stream.as_ref())?;
    let dead_letters = value(written.dead_letter_stream.as_ref());
    let dead_letters = dead_letters.unwrap_or_else(|| format!("{stream}:dead"));
    if let Some(own) = written
        .dead_letter_stream
        .as_ref()
        .filter(|own| own.value == stream)
    {
        let draft = Draft::error("the dead letters are the stream itself")
            .label("an entry that is given up would come again, as a new one")
            .hint("name another stream");
        problems.at(own.place, draft);
        return None;
    }
    Some(Source {
        name: value(written.name.as_ref())?,
        server: server?,
        stream,
        group: value(metadata.consumer_group.as_ref())?,
        dead_letters,
        min_idle: value(written.min_idle.as_ref()).unwrap_or(MIN_IDLE),
        attempts: value(written.attempts.as_ref()).unwrap_or(ATTEMPTS),
        left_out: values(written.leave_out.as_ref()).into_iter().collect(),
        polling: value(written.polling_interval.as_ref()).unwrap_or(POLLING),
        job: job?,
    })
}

/// What a trigger counts with does nothing for a source, which takes what there is.
fn warn_of_counting(metadata: &TriggerMetadata, problems: &mut Problems) {
    const PLACES: [&str; 2] = ["stream", "consumerGroup"];
    const SERVERS: &str = "redis";
    for (name, place) in &metadata.written {
        let known = TriggerMetadata::KEYS.iter().find(|key| key.name == *name);
        let only = known.map_or(&[][..], |key| key.need.only);
        let says_where =
            only.contains(&SERVERS) || only.contains(&"redis-sentinel") || PLACES.contains(name);
        if !says_where {
            let message = format!("`{name}` has no effect on a source");
            let hint = "remove it: it says how a trigger counts";
            problems.at(*place, Draft::warning(message).hint(hint));
        }
    }
}

fn entry_job(written: &written::EntryJob, problems: &mut Problems) -> Option<JobTemplate> {
    check_patterns(written, problems);
    Some(JobTemplate {
        runs_on: Selectors::new(values(written.runs_on.as_ref())),
        exclude: Selectors::new(values(written.exclude.as_ref())),
        resources: layer(written.resources.as_ref(), problems),
        priority: value(written.priority.as_ref()).unwrap_or_default(),
        command: command(written, problems)?,
        env: value(written.env.as_ref()).unwrap_or_default(),
        working_dir: value(written.working_dir.as_ref()),
        timeout: value(written.timeout.as_ref()),
        grace: value(written.grace.as_ref()).unwrap_or(GRACE),
        log_limit_bytes: value(written.log_limit.as_ref()).unwrap_or(LOG_LIMIT_BYTES),
        log_pressure: value(written.log_pressure.as_ref()),
    })
}

fn check_patterns(written: &written::EntryJob, problems: &mut Problems) {
    let mut checked = Checked::default();
    for list in [&written.runs_on, &written.exclude].into_iter().flatten() {
        for label in &list.value {
            for error in checked.problems(&Selectors::new([&label.value])) {
                let draft = Draft::error(error.to_string()).hint(error.hint());
                problems.at(label.place, draft);
            }
        }
    }
}

fn command(written: &written::EntryJob, problems: &mut Problems) -> Option<Command> {
    let is_written = |key| written.has(key);
    match (is_written("command"), is_written("script")) {
        (false, false) => {
            let draft = Draft::error("`job` says nothing to run")
                .label("`command` or `script` is missing here")
                .hint("add `command: [program, argument]`, or `script:` with a text for the shell");
            problems.at(written.place, draft);
            None
        }
        (true, true) => {
            let place = written.script.as_ref().map_or(written.place, |it| it.place);
            let draft = Draft::error("`command` and `script` cannot stand together")
                .hint("leave one of them out");
            problems.at(place, draft);
            None
        }
        (true, false) => {
            let argv = values(written.command.as_ref());
            if written.command.is_some() && argv.first().is_none_or(String::is_empty) {
                let draft = Draft::error("the program to run is missing")
                    .hint("write it as the first of `command`");
                problems.at(written.place, draft);
                return None;
            }
            (!argv.is_empty()).then_some(Command::Argv(argv))
        }
        (false, true) => Some(Command::Script(value(written.script.as_ref())?)),
    }
}
