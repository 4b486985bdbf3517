//! When what is new in a reading arrived, by the clock of this daemon: for measuring only.
//!
//! What is new was not in the reading before and is in this one, so it arrived between the
//! two; that holds whatever any clock says. Within these bounds the id of a stream's entry
//! tells more, by the clock of its server, and so does the moment at which a change was told
//! of. A server whose clock differs is believed no further than that: nothing ever arrives
//! after it was read, or before it could have been missed.
//!
//! Looking costs one entry for each side of what is new, and nothing where nothing is; of
//! large entries that is too much, and they are left alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headcount_model::{Reading, StreamMeasure, Timestamp};
use redis::{Pipeline, Value};

use crate::link::Link;
use crate::reply::{Reply, bytes, members, text};
use crate::stream::groups::{Standing, find};
use crate::stream::id::EntryId;
use crate::trigger::What;

/// Entries that are larger than this together are not looked at again for a while.
const LARGE: usize = 64 * 1024;
/// Nor is a stream where looking is refused, or is not answered.
const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);
/// From so many on, each is the longest.
const MOST_RESTS: u32 = 6;

/// What is known of a trigger's past.
#[derive(Default)]
pub(crate) struct Arrivals(Mutex<Past>);

#[derive(Default)]
struct Past {
    /// The last reading that told a number.
    last: Option<Last>,
    /// No entry up to this one is new.
    mark: Option<EntryId>,
    /// Entries are not looked at before this.
    rests_until: Option<Instant>,
    /// How often that was so since it last went well.
    rests: u32,
    /// When a change was first told of that no reading followed yet.
    told: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Last {
    as_of: Timestamp,
    value: headcount_model::Level,
    next_change: Option<Timestamp>,
}

/// A reading that is about to begin.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    as_of: Timestamp,
    /// When a change was told of that this reading has in it.
    told: Option<Timestamp>,
}

/// Entries that are newer than the mark: the oldest and the newest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// Entries were not looked at, or what they told is of no use.
    Unseen,
    /// There is none.
    None,
    /// From the first to the second.
    Between(EntryId, EntryId, Waits),
    /// The newest, where it was not known before which entries are new.
    UpTo(EntryId),
}

/// Whether the oldest new entry still waits, or was taken by somebody before it was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waits {
    Yes,
    No,
}

impl Arrivals {
    /// A change is told of now.
    pub(crate) fn told(&self) {
        let mut past = self.lock();
        past.told = past.told.or_else(|| Some(Instant::now()));
    }

    /// A reading begins.
    pub(crate) fn begin(&self, as_of: Timestamp) -> Begun {
        let told = self.lock().told.take();
        let told = told.map(|told| as_of.before(told.elapsed()));
        Begun { as_of, told }
    }

    /// Looks for entries that are new. To be begun before the number is read, in the same
    /// round trip: then no entry counts as new here that is not in the number.
    pub(crate) async fn look(&self, link: &Link, what: &What) -> News {
        let What::Stream { key, measure } = what else {
            return News::Unseen;
        };
        let group = match measure {
            StreamMeasure::Backlog { group, .. } | StreamMeasure::Lag { group, .. } => Some(group),
            StreamMeasure::Length => None,
            // What makes this number rise is not an arrival.
            StreamMeasure::Pending { .. } => return News::Unseen,
        };
        let Some(mark) = self.mark() else {
            return News::Unseen;
        };
        let Some(commands) = commands(key, group.is_some(), mark) else {
            return News::Unseen;
        };
        // An answer that did not come may have been too large.
        let Ok(replies) = link.ask(&commands).await else {
            self.rest();
            return News::Unseen;
        };
        let size: usize = replies.iter().map(|reply| size_of(reply)).sum();
        let found = found(&replies, |groups, oldest| {
            group.is_some_and(|group| has_taken(link, key, group, groups, oldest))
        });
        match found {
            Some(News::None) => {}
            Some(_) if size <= LARGE => self.lock().rests = 0,
            Some(_) | None => self.rest(),
        }
        found.unwrap_or(News::Unseen)
    }

    /// When the oldest of what is new in a reading arrived, if anything is.
    pub(crate) fn judge(
        &self,
        begun: Begun,
        reading: &Reading,
        next_change: Option<Timestamp>,
        news: News,
    ) -> Option<Timestamp> {
        let Reading::Known(measure) = reading else {
            return None;
        };
        let mut past = self.lock();
        let last = past.last;
        let rose = last.is_some_and(|last| measure.value > last.value);
        if last.is_none_or(|last| last.as_of <= begun.as_of) {
            past.last = Some(Last {
                as_of: begun.as_of,
                value: measure.value,
                next_change,
            });
        }
        let entry = past.take_in(news, rose);
        let last = last?;
        match entry {
            Arrived::AsOf(id) => Some(begun.within(last, Timestamp::from_millis(id.millis()))),
            Arrived::Sometime => Some(begun.told_or_since(last)),
            Arrived::Nothing => None,
        }
    }

    /// Whether entries may be looked at, and the mark.
    fn mark(&self) -> Option<Option<EntryId>> {
        let past = self.lock();
        let rests = past.rests_until.is_some_and(|until| Instant::now() < until);
        (!rests).then_some(past.mark)
    }

    /// What was new is not followed any further for a while, and then begun with anew;
    /// each time for twice as long, until it goes well.
    fn rest(&self) {
        let mut past = self.lock();
        let span = (FIRST_REST * 2u32.saturating_pow(past.rests)).min(LONGEST_REST);
        past.rests_until = Some(Instant::now() + span);
        past.rests = (past.rests + 1).min(MOST_RESTS);
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a reading has that the one before had not.
enum Arrived {
    /// An entry, and perhaps more behind it.
    AsOf(EntryId),
    /// Something of which no more is known than that it is there.
    Sometime,
    Nothing,
}

impl Past {
    /// Another reading may have told of the same meanwhile: the mark says so.
    fn take_in(&mut self, news: News, rose: bool) -> Arrived {
        let rests = self.rests_until.is_some_and(|until| Instant::now() < until);
        let rising = match rose {
            true => Arrived::Sometime,
            false => Arrived::Nothing,
        };
        let arrived = match news {
            News::Between(_, newest, _) if self.mark.is_some_and(|mark| mark >= newest) => {
                Arrived::Nothing
            }
            News::Between(oldest, newest, waits) => {
                self.mark = Some(newest);
                match waits {
                    Waits::Yes => Arrived::AsOf(oldest),
                    Waits::No => Arrived::Nothing,
                }
            }
            News::UpTo(newest) => {
                self.mark = Some(newest);
                rising
            }
            // A stream that began anew has lower ids.
            News::None if rose => {
                self.mark = None;
                rising
            }
            News::None => Arrived::Nothing,
            News::Unseen => rising,
        };
        if rests {
            self.mark = None;
        }
        arrived
    }
}

impl Begun {
    /// A moment that another clock told, within what is certain.
    fn within(self, last: Last, at: Timestamp) -> Timestamp {
        let latest = self.told.unwrap_or(self.as_of);
        at.min(latest).max(last.as_of).min(self.as_of)
    }

    /// Where only the number tells: when a change was told of, when time alone changed it,
    /// or else as long ago as it can be.
    fn told_or_since(self, last: Last) -> Timestamp {
        let changed = last.next_change;
        let changed = changed.filter(|at| last.as_of < *at && *at <= self.as_of);
        let at = self.told.or(changed).unwrap_or(last.as_of);
        self.within(last, at)
    }
}

/// What the answers to [`commands`] tell; absent where one of them is no answer.
fn found(replies: &[Arc<Reply>], taken: impl Fn(&Reply, EntryId) -> bool) -> Option<News> {
    let (newest, behind) = replies.split_first()?;
    let newest = id_of(newest)?;
    let Some((oldest, groups)) = behind.split_first() else {
        return Some(News::UpTo(newest.unwrap_or(EntryId::ZERO)));
    };
    // Between the two commands it may have gone or come.
    let (Some(oldest), Some(newest)) = (id_of(oldest)?, newest) else {
        return Some(News::None);
    };
    let taken = groups.first().is_some_and(|groups| taken(groups, oldest));
    let waits = if taken { Waits::No } else { Waits::Yes };
    Some(News::Between(oldest, newest.max(oldest), waits))
}

/// The newest entry, and with a mark only of those behind it, the oldest of them and how the
/// groups stand. Absent at the end of all ids.
fn commands(key: &str, grouped: bool, mark: Option<EntryId>) -> Option<Pipeline> {
    let mut commands = redis::pipe();
    let newest = commands.cmd("XREVRANGE").arg(key).arg("+");
    let Some(mark) = mark else {
        newest.arg("-").arg("COUNT").arg(1);
        return Some(commands);
    };
    let first = mark.next()?.to_string();
    newest.arg(&first).arg("COUNT").arg(1);
    let oldest = commands.cmd("XRANGE").arg(key).arg(&first);
    oldest.arg("+").arg("COUNT").arg(1);
    if grouped {
        commands.cmd("XINFO").arg("GROUPS").arg(key);
    }
    Some(commands)
}

/// Whether the group was given this entry already.
fn has_taken(link: &Link, key: &str, group: &str, reply: &Reply, id: EntryId) -> bool {
    match find(&link.asked, key, group, reply) {
        Ok(Standing::There(group)) => group.last_delivered >= id,
        Ok(Standing::NoStream | Standing::NoGroup) | Err(_) => false,
    }
}

/// The id of the one entry of a range, if it has one; absent when it is no range.
fn id_of(reply: &Reply) -> Option<Option<EntryId>> {
    let range = members(reply.as_ref().ok()?)?;
    let Some(entry) = range.first() else {
        return Some(None);
    };
    let id = members(entry)?.first().and_then(text)?;
    EntryId::parse(&id).map(Some)
}

fn size_of(reply: &Reply) -> usize {
    let range = reply.as_ref().ok().and_then(members).unwrap_or_default();
    let entries = range.iter().filter(|entry| is_entry(entry));
    entries.map(bytes).sum()
}

/// A row of `XINFO` is a list of names and values.
fn is_entry(entry: &Value) -> bool {
    members(entry).is_some_and(|parts| parts.len() == 2)
}

#[cfg(test)]
mod tests;
