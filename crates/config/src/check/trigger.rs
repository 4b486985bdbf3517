//! One trigger.
//!
//! Source of the modes and of their rule: the KEDA `ScaledJob` reference, section 3.

use headcount_model::{Compat, Level, Strategy, StreamMeasure};

use super::backend::need;
use super::cron;
use super::redis::server;
use super::value;
use crate::problem::{Draft, Problems};
use crate::settings::{Trigger, TriggerKind};
use crate::source::Spanned;
use crate::suggest::choices;
use crate::written::{self, RedisForm, TriggerMetadata, TriggerWord};

/// The target of KEDA's modes where no number is written.
const KEDA_TARGET: i64 = 5;

/// What of the policy changes what a trigger means, or what it is good for.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub compat: Compat,
    pub strategy: Strategy,
    /// Agents that exist whatever triggers say.
    pub min: u32,
}

/// The trigger; `None` only when a problem forbids it.
pub(super) fn trigger(
    written: &written::Trigger,
    context: Context,
    problems: &mut Problems,
) -> Option<Trigger> {
    let kind = value(written.kind.as_ref())?;
    let metadata = &written.metadata.as_ref()?.value;
    warn_of_others(kind, metadata, problems);
    let (kind, target, activation) = match kind {
        TriggerWord::Stream(form) => stream(form, kind, metadata, context, problems)?,
        TriggerWord::List(form) => list(form, kind, metadata, problems)?,
        TriggerWord::Cron => cron::window(metadata, context.compat, problems)?,
    };
    Some(Trigger {
        name: value(written.name.as_ref()),
        target,
        activation,
        kind,
    })
}

/// What is read, its target and its activation.
pub(super) type Parts = (TriggerKind, Level, Level);

/// Warns of parameters that another type knows.
fn warn_of_others(kind: TriggerWord, metadata: &TriggerMetadata, problems: &mut Problems) {
    use crate::read::Object;
    for (name, place) in &metadata.written {
        let known = TriggerMetadata::KEYS.iter().find(|key| key.name == *name);
        let only = known.map_or(&[][..], |key| key.need.only);
        if only.contains(&kind.word()) {
            continue;
        }
        let message = format!(
            "`{name}` has no effect on a trigger of type `{}`",
            kind.word()
        );
        let hint = format!("remove it: it is for the type {}", choices(only));
        problems.at(*place, Draft::warning(message).hint(hint));
    }
}

fn stream(
    form: RedisForm,
    word: TriggerWord,
    metadata: &TriggerMetadata,
    context: Context,
    problems: &mut Problems,
) -> Option<Parts> {
    let server = server(form, word, metadata, problems);
    let who = format!("a trigger of type `{}`", word.word());
    need(metadata, &who, "stream", metadata.place, problems);
    let (measure, target) = measure(metadata, context, problems)?;
    let kind = TriggerKind::RedisStream {
        server: server?,
        stream: value(metadata.stream.as_ref())?,
        measure,
    };
    let activation = value(metadata.activation_lag_count.as_ref()).unwrap_or(0);
    Some((kind, number(target), number(activation)))
}

/// What of the stream is counted, and how much of it one agent is for.
fn measure(
    metadata: &TriggerMetadata,
    context: Context,
    problems: &mut Problems,
) -> Option<(StreamMeasure, i64)> {
    let mode = mode(metadata, context.compat, problems)?;
    if mode != Mode::Backlog
        && let Some(claim) = &metadata.claim_after
    {
        let draft = Draft::warning("`claimAfter` has no effect on this count")
            .hint("remove it: it is for `entriesPerAgent`");
        problems.at(claim.place, draft);
    }
    let target = target(mode, metadata, problems);
    warn_of_use(mode, metadata, context, problems);
    let group = value(metadata.consumer_group.as_ref()).unwrap_or_default();
    let measure = match mode {
        Mode::Length => StreamMeasure::Length,
        Mode::Lag => StreamMeasure::Lag { group },
        Mode::Pending => StreamMeasure::Pending { group },
        Mode::Backlog => StreamMeasure::Backlog {
            group,
            claim_after: value(metadata.claim_after.as_ref()),
        },
    };
    Some((measure, target))
}

/// The four ways to count a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Length,
    Pending,
    Lag,
    Backlog,
}

/// A parameter that says how much one agent is for.
struct Threshold {
    key: &'static str,
    mode: Mode,
    written: Option<Spanned<i64>>,
}

fn thresholds(metadata: &TriggerMetadata) -> [Threshold; 4] {
    let [backlog, pending, length, lag] = [
        &metadata.entries_per_agent,
        &metadata.pending_entries_count,
        &metadata.stream_length,
        &metadata.lag_count,
    ]
    .map(|written| written.clone());
    let threshold = |key, mode, written| Threshold { key, mode, written };
    [
        threshold("entriesPerAgent", Mode::Backlog, backlog),
        threshold("lagCount", Mode::Lag, lag),
        threshold("pendingEntriesCount", Mode::Pending, pending),
        threshold("streamLength", Mode::Length, length),
    ]
}

/// Which count it is. The original's rule: without a group the length, with a `lagCount`
/// other than 0 the lag, else what is pending. The house's own comes before, and instead
/// of the last where nothing is written.
fn mode(metadata: &TriggerMetadata, compat: Compat, problems: &mut Problems) -> Option<Mode> {
    let written = |written: &Option<Spanned<i64>>| written.is_some();
    let lag = metadata
        .lag_count
        .as_ref()
        .is_some_and(|lag| lag.value != 0);
    let mode = match metadata.has_group() {
        false => Mode::Length,
        true if written(&metadata.entries_per_agent) => Mode::Backlog,
        true if lag => Mode::Lag,
        true if written(&metadata.pending_entries_count) => Mode::Pending,
        true if compat == Compat::Keda => Mode::Pending,
        true => Mode::Backlog,
    };
    if let (Mode::Backlog, None, Some(length)) =
        (mode, &metadata.entries_per_agent, &metadata.stream_length)
    {
        let draft = Draft::error("`streamLength` does not go with `consumerGroup`")
            .label("a stream keeps what a group has acknowledged")
            .hint("write `entriesPerAgent` to count what the group must still do, or remove `consumerGroup`");
        problems.at(length.place, draft);
        return None;
    }
    warn_of_thresholds(mode, metadata, problems);
    Some(mode)
}

/// Of several thresholds one counts.
fn warn_of_thresholds(mode: Mode, metadata: &TriggerMetadata, problems: &mut Problems) {
    let all = thresholds(metadata);
    let counts = all.iter().find(|threshold| threshold.mode == mode);
    let counts = counts.filter(|threshold| threshold.written.is_some());
    for threshold in all.iter().filter(|threshold| threshold.mode != mode) {
        let Some(written) = &threshold.written else {
            continue;
        };
        let key = threshold.key;
        let draft = match counts {
            Some(counts) => Draft::warning(format!(
                "`{key}` has no effect: of several thresholds only `{}` counts here",
                counts.key
            )),
            None if key == "lagCount" && metadata.has_group() => {
                Draft::warning("`lagCount: 0` asks for no lag: what is pending is counted")
            }
            None if mode == Mode::Length => Draft::warning(format!(
                "`{key}` has no effect: without `consumerGroup` the whole stream is counted"
            )),
            None => Draft::warning(format!(
                "`{key}` has no effect: with `consumerGroup` and no `lagCount`, what is pending \
                 is counted, {KEDA_TARGET} entries for each agent"
            )),
        };
        problems.at(written.place, draft.hint("keep the one that is meant"));
    }
}

fn target(mode: Mode, metadata: &TriggerMetadata, problems: &mut Problems) -> i64 {
    let all = thresholds(metadata);
    let own = all.into_iter().find(|threshold| threshold.mode == mode);
    let Some((key, written)) = own.and_then(|own| Some((own.key, own.written?))) else {
        return if mode == Mode::Backlog {
            1
        } else {
            KEDA_TARGET
        };
    };
    warn_of_zero(key, &written, problems);
    written.value
}

/// A target of 0 is taken, and asks for nothing.
fn warn_of_zero(key: &str, written: &Spanned<i64>, problems: &mut Problems) {
    if written.value == 0 {
        let draft = Draft::warning(format!("`{key}: 0` never asks for an agent"))
            .hint("write how many entries one agent is for");
        problems.at(written.place, draft);
    }
}

/// What a count is not good for, though it is taken.
fn warn_of_use(mode: Mode, metadata: &TriggerMetadata, context: Context, problems: &mut Problems) {
    let own = thresholds(metadata);
    let own = own.into_iter().find(|threshold| threshold.mode == mode);
    let written = own.and_then(|threshold| threshold.written);
    let group = metadata.consumer_group.as_ref().map(|group| group.place);
    let Some(place) = written.map(|written| written.place).or(group) else {
        return;
    };
    if mode == Mode::Pending && context.min == 0 {
        let draft = Draft::warning("what is pending starts no first agent")
            .label("entries count only once an agent has been given them")
            .hint(
                "write `entriesPerAgent` in a native file, which counts waiting entries too, or \
                 `lagCount`; or keep an agent with `minReplicaCount: 1`",
            );
        problems.at(place, draft);
    }
    if mode == Mode::Lag && context.strategy == Strategy::Default {
        let draft = Draft::warning(
            "a lag and the strategy `default` leave entries waiting while agents work",
        )
        .label("leaves out entries in progress, whose agents are taken off all the same")
        .hint(
            "write `entriesPerAgent` in a native file, which counts both, or `strategy: accurate`",
        );
        problems.at(place, draft);
    }
}

fn list(
    form: RedisForm,
    word: TriggerWord,
    metadata: &TriggerMetadata,
    problems: &mut Problems,
) -> Option<Parts> {
    let server = server(form, word, metadata, problems);
    let who = format!("a trigger of type `{}`", word.word());
    need(metadata, &who, "listName", metadata.place, problems);
    if let Some(length) = &metadata.list_length {
        warn_of_zero("listLength", length, problems);
    }
    let kind = TriggerKind::RedisKey {
        server: server?,
        key: value(metadata.list_name.as_ref())?,
    };
    let target = value(metadata.list_length.as_ref()).unwrap_or(KEDA_TARGET);
    let activation = value(metadata.activation_list_length.as_ref()).unwrap_or(0);
    Some((kind, number(target), number(activation)))
}

#[expect(clippy::cast_precision_loss)]
// At most 2^53, as the table of keys says.
pub(super) const fn number(value: i64) -> Level {
    Level(value as f64)
}

impl TriggerMetadata {
    /// Whether a group is named, readable or not.
    fn has_group(&self) -> bool {
        use crate::read::Object;
        self.has("consumerGroup")
    }
}
