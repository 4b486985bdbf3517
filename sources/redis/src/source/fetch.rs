//! From the stream into the book, by permit.
//!
//! What is pending for us and not in the book comes first, where that is in doubt: after a
//! start, and whenever an answer was lost. Then entries of silent consumers, then new ones.

use headcount_model::{JobEnd, JobId, Timestamp};
use headcount_ports::source_calls::try_again;
use headcount_ports::{NewJob, SourceError, Submitted};

use super::draft::{Draft, Owed, unfit};
use super::index::Index;
use super::shared::Shared;
use crate::entries::Entry;
use crate::stream::count::{FIRST_PAGE, next_page};
use crate::stream::id::EntryId;

/// Entries of one answer at most, because nobody knows before how large they are; and of
/// one answer with entries that were too large for a larger one.
const LARGEST_PAGE: usize = 128;
const SMALL_PAGE: u32 = 16;
/// An answer with more data than this is followed by a smaller one.
const LARGE_PAGE: usize = 1024 * 1024;

/// Who reads the stream, and what that one knows of it.
pub(super) struct Reader {
    /// Whether the group was there when we last looked.
    prepared: bool,
    /// Whether entries may be pending for us that are not in the book.
    doubt: bool,
    /// Entries of silent consumers, when they were last counted.
    pub(super) claimable: u64,
    /// Entries of the next answer: many small ones, or a few large ones.
    page: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            prepared: false,
            doubt: true,
            claimable: 0,
            page: FIRST_PAGE,
        }
    }
}

/// Takes up to `n` entries into the book. What came before an error has come.
pub(super) async fn fetch(shared: &Shared, n: u32) -> Result<(), SourceError> {
    let mut reader = shared.reader.lock().await;
    let fetched = reader.fetch(shared, n).await;
    if let Err(error) = &fetched {
        // The group may be gone, and what was asked for may have become ours.
        reader.prepared = false;
        reader.doubt |= matches!(error, SourceError::Unknown(_));
    }
    fetched
}

impl Reader {
    async fn fetch(&mut self, shared: &Shared, n: u32) -> Result<(), SourceError> {
        if !self.prepared {
            shared.entries.prepare().await?;
            self.prepared = true;
        }
        if self.doubt {
            self.adopt(shared).await?;
            self.doubt = false;
        }
        let mut left = n;
        while left > 0 && self.claimable > 0 {
            let wanted = self.next(left);
            let claimed = shared.entries.claim(wanted, shared.source.min_idle).await?;
            shared.counters.claimed(claimed.len());
            let n_claimed = size(&claimed);
            self.sized(&claimed);
            self.claimable = match n_claimed < wanted {
                true => 0,
                false => self.claimable.saturating_sub(n_claimed.into()),
            };
            left = left.saturating_sub(n_claimed);
            self.came(shared, claimed, Last::Unknown).await?;
        }
        while left > 0 {
            let (new, answered) = self.gather(shared, left).await;
            left = left.saturating_sub(size(&new));
            let last = *answered.as_ref().unwrap_or(&Last::Unknown);
            // What came before an error has come.
            self.came(shared, new, last).await?;
            answered?;
            if last == Last::Yes {
                break;
            }
        }
        Ok(())
    }

    /// New entries of several answers, as many as one transaction of the book should hold:
    /// what waits for the disk together waits once.
    async fn gather(
        &mut self,
        shared: &Shared,
        left: u32,
    ) -> (Vec<Entry>, Result<Last, SourceError>) {
        let mut gathered = Vec::new();
        let mut bytes = 0;
        while size(&gathered) < left && bytes < LARGE_PAGE {
            let wanted = self.next(left - size(&gathered));
            let new = match shared.entries.next(wanted).await {
                Ok(new) => new,
                Err(error) => return (gathered, Err(error)),
            };
            let n_new = size(&new);
            bytes += self.sized(&new);
            gathered.extend(new);
            if n_new < wanted {
                return (gathered, Ok(Last::Yes));
            }
        }
        (gathered, Ok(Last::Unknown))
    }

    /// How many bytes these entries have; the next answer is larger or smaller for it.
    fn sized(&mut self, entries: &[Entry]) -> usize {
        let bytes: usize = entries.iter().map(Entry::bytes).sum();
        let full = entries.len() >= self.page;
        if full || bytes > LARGE_PAGE {
            self.page = next_page(entries.len(), bytes).min(LARGEST_PAGE);
        }
        bytes
    }

    fn next(&self, left: u32) -> u32 {
        let page = u32::try_from(self.page).unwrap_or(u32::MAX);
        left.min(page)
    }

    /// Writes everything down that is pending for us and not known.
    async fn adopt(&mut self, shared: &Shared) -> Result<(), SourceError> {
        let mut last = None;
        loop {
            let mine = shared.entries.mine(last, SMALL_PAGE).await?;
            let Some(newest) = mine.last().map(|entry| entry.id) else {
                return Ok(());
            };
            last = Some(newest);
            self.take_in(shared, mine, |_| {}).await?;
        }
    }

    /// Entries were read from the stream: they are counted there no more.
    async fn came(
        &mut self,
        shared: &Shared,
        entries: Vec<Entry>,
        last: Last,
    ) -> Result<(), SourceError> {
        let newest = entries.iter().map(|entry| entry.id.millis()).max();
        let newest = newest.map(|millis| Timestamp::from_millis(millis).min(shared.now()));
        let n = entries.len() as u64;
        let all = last == Last::Yes && self.claimable == 0;
        let read = move |index: &mut Index| index.read(n, newest, all);
        self.take_in(shared, entries, read).await
    }

    async fn take_in(
        &mut self,
        shared: &Shared,
        entries: Vec<Entry>,
        read: impl FnOnce(&mut Index),
    ) -> Result<(), SourceError> {
        let taken = take_in(shared, entries, read).await;
        // They are pending for us, and the book does not have them.
        self.doubt |= taken.is_err();
        taken
    }
}

/// Whether nothing was left in the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    Unknown,
}

fn size(entries: &[Entry]) -> u32 {
    u32::try_from(entries.len()).unwrap_or(u32::MAX)
}

/// Writes entries into the book and lets them wait; `read` takes them off what is in the
/// stream at the same moment, so that no entry is ever counted twice. Those that the book knows as ended are
/// told of again; those that can never run end at once.
async fn take_in(
    shared: &Shared,
    entries: Vec<Entry>,
    read: impl FnOnce(&mut Index),
) -> Result<(), SourceError> {
    let now = shared.now();
    let (drafts, jobs): (Vec<Draft>, Vec<NewJob>) = {
        let mut index = shared.index();
        entries.iter().for_each(|entry| index.regained(entry.id));
        let new = entries.iter().filter(|entry| !index.has(entry.id));
        new.map(|entry| Draft::of(&shared.source, entry, now))
            .unzip()
    };
    drop(entries);
    if drafts.is_empty() {
        shared.change(read);
        return Ok(());
    }
    let submitted = match shared.book.submit(jobs, now).await {
        Ok(submitted) => submitted,
        Err(error) => {
            shared.change(read);
            return Err(try_again(error));
        }
    };
    let answered = drafts.into_iter().zip(submitted);
    let (ended, open): (Vec<_>, Vec<_>) = answered.partition(|(_, answer)| answer.ended);
    end_unfit(shared, wait(shared, open, read), now).await?;
    tell_again(shared, ended).await
}

/// Lets them wait; gives back those that can never run.
fn wait(
    shared: &Shared,
    open: Vec<(Draft, Submitted)>,
    read: impl FnOnce(&mut Index),
) -> Vec<(Owed, JobEnd)> {
    let mut never = Vec::new();
    let mut taken = 0;
    shared.change(|index| {
        read(index);
        for (draft, Submitted { job, .. }) in open {
            match &draft.unfit {
                None => {
                    index.wait(job, draft.known);
                    taken += 1;
                }
                Some(why) => never.push(ended_unfit(shared, job, draft.entry, why)),
            }
        }
    });
    shared.counters.taken(taken);
    never
}

fn ended_unfit(shared: &Shared, job: JobId, entry: EntryId, why: &str) -> (Owed, JobEnd) {
    let source = &shared.source.id;
    tracing::warn!(%source, %entry, %job, "an entry cannot run: {why}");
    let end = unfit(why.to_owned());
    (Owed::new(job, Some(entry), &end), end)
}

async fn end_unfit(
    shared: &Shared,
    never: Vec<(Owed, JobEnd)>,
    now: Timestamp,
) -> Result<(), SourceError> {
    if never.is_empty() {
        return Ok(());
    }
    shared.end(never, now).await.map_err(try_again)
}

/// Redis forgot that it was told of these ends.
async fn tell_again(shared: &Shared, ended: Vec<(Draft, Submitted)>) -> Result<(), SourceError> {
    for (draft, Submitted { job, .. }) in ended {
        let record = shared.book.get(job).await.map_err(try_again)?;
        // Who ended it and forgot it meanwhile has told of it.
        let Some(end) = record.and_then(|record| record.end) else {
            continue;
        };
        shared.change(|index| index.owe(Owed::new(job, Some(draft.entry), &end)));
    }
    shared.acks.notify_one();
    shared.letters.notify_one();
    Ok(())
}
