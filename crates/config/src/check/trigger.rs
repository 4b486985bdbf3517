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
    /// Whether this was written for KEDA.
    pub foreign: bool,
}

impl Context {
    /// Whether what is written for entries that are pending stands for all that a group must
    /// still do: KEDA's number alone starts no first agent, which nobody means.
    fn pending_is_all(self, metadata: &TriggerMetadata) -> bool {
        let pending = metadata.pending_entries_count.as_ref();
        let never = pending.is_some_and(|pending| pending.value == 0);
        self.foreign && self.compat == Compat::Headcount && !never
    }
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
    let mode = mode(metadata, context, problems)?;
    let claims = match mode {
        Mode::Backlog => true,
        Mode::Lag => context.compat == Compat::Headcount,
        Mode::Length | Mode::Pending => false,
    };
    let claim_after = metadata.claim_after.as_ref();
    if let Some(claim) = claim_after.filter(|_| !claims) {
        let draft = Draft::warning("`claimAfter` has no effect on this count")
            .hint("remove it: it is for `entriesPerAgent` and `lagCount`");
        problems.at(claim.place, draft);
    }
    let claim_after = value(claim_after.filter(|_| claims));
    let target = target(mode, metadata, context, problems);
    warn_of_use(mode, metadata, context, problems);
    let group = value(metadata.consumer_group.as_ref()).unwrap_or_default();
    let measure = match mode {
        Mode::Length => StreamMeasure::Length,
        Mode::Lag => StreamMeasure::Lag { group, claim_after },
        Mode::Pending => StreamMeasure::Pending { group },
        Mode::Backlog => StreamMeasure::Backlog { group, claim_after },
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

fn thresholds(metadata: &TriggerMetadata, context: Context) -> [Threshold; 4] {
    let [backlog, pending, length, lag] = [
        &metadata.entries_per_agent,
        &metadata.pending_entries_count,
        &metadata.stream_length,
        &metadata.lag_count,
    ]
    .map(|written| written.clone());
    let threshold = |key, mode, written| Threshold { key, mode, written };
    let of_pending = match context.pending_is_all(metadata) {
        true => Mode::Backlog,
        false => Mode::Pending,
    };
    [
        threshold("entriesPerAgent", Mode::Backlog, backlog),
        threshold("lagCount", Mode::Lag, lag),
        threshold("pendingEntriesCount", of_pending, pending),
        threshold("streamLength", Mode::Length, length),
    ]
}

/// Which count it is. The original's rule: without a group the length, with a `lagCount`
/// other than 0 the lag, else what is pending. The house's own comes before, and instead
/// of the last where nothing is written, or where it was written for the original.
fn mode(metadata: &TriggerMetadata, context: Context, problems: &mut Problems) -> Option<Mode> {
    let written = |written: &Option<Spanned<i64>>| written.is_some();
    let lag = metadata
        .lag_count
        .as_ref()
        .is_some_and(|lag| lag.value != 0);
    let mode = match metadata.has_group() {
        false => Mode::Length,
        true if written(&metadata.entries_per_agent) => Mode::Backlog,
        true if lag => Mode::Lag,
        true if context.pending_is_all(metadata) => Mode::Backlog,
        true if written(&metadata.pending_entries_count) => Mode::Pending,
        true if context.compat == Compat::Keda => Mode::Pending,
        true => Mode::Backlog,
    };
    if let (Mode::Backlog, None, Some(length), false) = (
        mode,
        &metadata.entries_per_agent,
        &metadata.stream_length,
        context.foreign,
    ) {
        let draft = Draft::error("`streamLength` does not go with `consumerGroup`")
            .label("a stream keeps what a group has acknowledged")
            .hint("write `entriesPerAgent` to count what the group must still do, or remove `consumerGroup`");
        problems.at(length.place, draft);
        return None;
    }
    warn_of_thresholds(mode, metadata, context, problems);
    Some(mode)
}

/// Of several thresholds one counts.
fn warn_of_thresholds(
    mode: Mode,
    metadata: &TriggerMetadata,
    context: Context,
    problems: &mut Problems,
) {
    let all = thresholds(metadata, context);
    let mut written = all.iter().filter(|threshold| threshold.written.is_some());
    let counts = written.find(|threshold| threshold.mode == mode);
    let counted = match context.pending_is_all(metadata) {
        true => "what the group must still do",
        false => "what is pending",
    };
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
            None if key == "lagCount" && metadata.has_group() => Draft::warning(format!(
                "`lagCount: 0` asks for no lag: {counted} is counted"
            )),
            None if mode == Mode::Length => Draft::warning(format!(
                "`{key}` has no effect: without `consumerGroup` the whole stream is counted"
            )),
            None => Draft::warning(format!(
                "`{key}` has no effect: with `consumerGroup` and no `lagCount`, {counted} is \
                 counted, {KEDA_TARGET} entries for each agent"
            )),
        };
        problems.at(written.place, draft.hint("keep the one that is meant"));
    }
}

fn target(
    mode: Mode,
    metadata: &TriggerMetadata,
    context: Context,
    problems: &mut Problems,
) -> i64 {
    let own = thresholds(metadata, context).into_iter();
    let mut own = own.filter(|threshold| threshold.mode == mode);
    let own = own.find_map(|threshold| Some((threshold.key, threshold.written?)));
    let Some((key, written)) = own else {
        return match mode == Mode::Backlog && !context.foreign {
            true => 1,
            false => KEDA_TARGET,
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
    let own = thresholds(metadata, context).into_iter();
    let mut own = own.filter(|threshold| threshold.mode == mode);
    let written = own.find_map(|threshold| threshold.written);
    if mode == Mode::Length && context.foreign {
        let draft = Draft::warning("the length of a stream does not fall as work is done")
            .label("acknowledged entries stay, and ask for agents, until somebody deletes them")
            .hint("name `consumerGroup`, to count what the group must still do");
        let place = written.as_ref().map(|written| written.place);
        problems.at(place.unwrap_or(metadata.place), draft);
        return;
    }
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
    if mode == Mode::Backlog && context.pending_is_all(metadata) {
        let draft = Draft::warning("waiting entries count here, beside those that are pending")
            .label("KEDA counts entries only once an agent has them, and starts no first one")
            .hint("nothing, or annotate the ScaledJob with `headcount.compat: keda`");
        problems.at(place, draft);
    }
    let starves = mode == Mode::Lag && context.strategy == Strategy::Default;
    if starves && context.compat == Compat::Keda {
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
