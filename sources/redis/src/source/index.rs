//! What is known of a stream's jobs, in memory.
//!
//! ```text
//!             fetched
//!               v
//!   +------> waiting --cancel-----------> ending ---+
//!   |           | take                      | failed|
//!   |           v                           v       v
//!   |         taken ------complete------> waiting  owed ---told---> gone
//!   |           | give back
//!   |           v
//!   +------- returning
//! ```
//!
//! A waiting job whose entry somebody took over is `elsewhere` until they end it, or until
//! the entry is ours again.
//!
//! Promise: each open job is in exactly one place; only those in `waiting`, and entries
//! that are still in the stream, are counted. Leaves to others: everything durable, and
//! Redis. Nothing here waits or does IO.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use headcount_model::{
    ClassCount, ClassKey, Demand, JobId, SourceEvent, Taken, TakenJob, Timestamp,
};

use super::draft::{Known, Owed};
use crate::entries::Whereabouts;
use crate::stream::id::EntryId;

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// It can be taken.
    Waiting,
    /// It was handed out.
    Taken(Wish),
    /// Its requeue is being recorded.
    Returning(Wish),
    /// Nobody here was given it, and another consumer has its entry.
    Elsewhere,
    /// Its end is being recorded.
    Ending,
}

/// What somebody wants of a job that is not here to be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// That it runs.
    Run,
    /// That it ends: when it comes back it is cancelled.
    Cancel,
}

/// What became of a job that was given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Given {
    /// It waits again.
    Waits,
    /// It is to be cancelled instead.
    ToCancel,
    /// It ended meanwhile.
    Gone,
}

/// What Redis said last of entries that nobody has, or could be taken over.
#[derive(Clone, PartialEq, Eq, Debug)]
enum InStream {
    Unknown(String),
    Known {
        waiting: u64,
        since: Option<Timestamp>,
    },
}

/// Everything in memory.
pub(super) struct Index {
    sample: u64,
    /// What new entries ask for; jobs of an earlier configuration may ask for other things.
    class: Arc<ClassKey>,
    jobs: HashMap<JobId, (Place, Known)>,
    waiting: BTreeMap<Arc<ClassKey>, BTreeSet<JobId>>,
    /// Entries that are ours until Redis was told of their end.
    entries: BTreeMap<EntryId, JobId>,
    in_stream: InStream,
    changed: BTreeSet<Arc<ClassKey>>,
    cancels: BTreeSet<JobId>,
    trouble: Option<String>,
    /// Ends to be acknowledged, and those to become dead letters.
    pub(super) acks: VecDeque<Owed>,
    pub(super) letters: VecDeque<Owed>,
    /// Those and the ones that Redis is just being told.
    untold: u64,
}

impl Index {
    pub(super) fn new(class: ClassKey) -> Self {
        Self {
            sample: 0,
            class: Arc::new(class),
            jobs: HashMap::new(),
            waiting: BTreeMap::new(),
            entries: BTreeMap::new(),
            in_stream: InStream::Unknown("the stream was not looked at yet".to_owned()),
            changed: BTreeSet::new(),
            cancels: BTreeSet::new(),
            trouble: None,
            acks: VecDeque::new(),
            letters: VecDeque::new(),
            untold: 0,
        }
    }

    /// Whether this entry is ours already.
    pub(super) fn has(&self, entry: EntryId) -> bool {
        self.entries.contains_key(&entry)
    }

    /// Ends that Redis has not heard of.
    pub(super) const fn n_untold(&self) -> u64 {
        self.untold
    }

    pub(super) fn n_held(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Entries that nobody else should take over.
    pub(super) fn held(&self) -> Vec<EntryId> {
        self.entries.keys().copied().collect()
    }

    /// Those of these entries whose jobs no agent was given.
    pub(super) fn not_handed_out(&self, entries: &[EntryId]) -> Vec<EntryId> {
        let idle = |entry: &&EntryId| {
            let job = self.entries.get(entry);
            let place = job.and_then(|job| self.place(*job));
            matches!(place, Some(Place::Waiting | Place::Elsewhere))
        };
        entries.iter().filter(idle).copied().collect()
    }

    /// These entries are ours but for the lost ones: jobs that were elsewhere wait again.
    pub(super) fn regain(&mut self, held: &[EntryId], lost: &[EntryId]) {
        for entry in held {
            if lost.binary_search(entry).is_err() {
                self.regained(*entry);
            }
        }
    }

    /// This entry is ours again.
    pub(super) fn regained(&mut self, entry: EntryId) {
        let job = self.entries.get(&entry).copied();
        let Some(job) = job.filter(|job| self.place(*job) == Some(Place::Elsewhere)) else {
            return;
        };
        if let Some(known) = self.known(job).cloned() {
            self.wait(job, known);
        }
    }

    /// What others have is not handed out here; what nobody has is. Returns what others
    /// ended, which is on its way to its end here.
    pub(super) fn let_go(&mut self, found: Vec<(EntryId, Whereabouts)>) -> Vec<(EntryId, JobId)> {
        let mut done = Vec::new();
        for (entry, whereabouts) in found {
            // Meanwhile it may have been handed out, or cancelled.
            if self.not_handed_out(&[entry]).is_empty() {
                continue;
            }
            match (whereabouts, self.entries.get(&entry).copied()) {
                (_, None) => {}
                (Whereabouts::Nobody, Some(_)) => self.regained(entry),
                (Whereabouts::With(_), Some(job)) => self.put(job, Place::Elsewhere),
                (Whereabouts::Done, Some(job)) => {
                    self.put(job, Place::Ending);
                    done.push((entry, job));
                }
            }
        }
        done
    }

    /// Moves a job that no agent was given.
    pub(super) fn put(&mut self, job: JobId, to: Place) {
        if self.leave(job, to).is_none()
            && let Some((place @ Place::Elsewhere, _)) = self.jobs.get_mut(&job)
        {
            *place = to;
        }
    }

    /// How many of `n` jobs of a class must still come from the stream.
    pub(super) fn missing(&self, class: &ClassKey, n: u32) -> u32 {
        if *class != *self.class {
            return 0;
        }
        let here = self.waiting.get(class).map_or(0, BTreeSet::len);
        n.saturating_sub(u32::try_from(here).unwrap_or(u32::MAX))
    }

    /// Puts a job where it waits, and says so.
    pub(super) fn wait(&mut self, job: JobId, mut known: Known) {
        // Jobs of one class share one key.
        if *known.class == *self.class {
            known.class = Arc::clone(&self.class);
        }
        self.entries.extend(known.entry.map(|entry| (entry, job)));
        let class = Arc::clone(&known.class);
        self.waiting
            .entry(Arc::clone(&class))
            .or_default()
            .insert(job);
        self.changed.insert(class);
        self.jobs.insert(job, (Place::Waiting, known));
    }

    /// A job that an agent has had since before this daemon started.
    pub(super) fn taken_before(&mut self, job: JobId, known: Known) {
        self.entries.extend(known.entry.map(|entry| (entry, job)));
        self.jobs.insert(job, (Place::Taken(Wish::Run), known));
    }

    /// Hands out up to `n` of the oldest of a class.
    pub(super) fn take(&mut self, class: &ClassKey, n: u32) -> Taken {
        let waiting = self.waiting.get(class).into_iter().flatten();
        let oldest: Vec<JobId> = waiting.take(n as usize).copied().collect();
        let mut jobs = Vec::with_capacity(oldest.len());
        for job in oldest {
            let known = self.leave(job, Place::Taken(Wish::Run));
            jobs.extend(known.map(|known| taken(job, known)));
        }
        Taken {
            jobs,
            sample: self.next_sample(),
            class_after: self.count(class),
        }
    }

    /// Takes a job out of the waiting ones, to another place.
    pub(super) fn leave(&mut self, job: JobId, to: Place) -> Option<&Known> {
        let (place, known) = self.jobs.get_mut(&job)?;
        if *place != Place::Waiting {
            return None;
        }
        *place = to;
        if let Some(waiting) = self.waiting.get_mut(&known.class) {
            waiting.remove(&job);
            if waiting.is_empty() {
                self.waiting.remove(&known.class);
            }
        }
        self.changed.insert(Arc::clone(&known.class));
        Some(known)
    }

    pub(super) fn place(&self, job: JobId) -> Option<Place> {
        self.jobs.get(&job).map(|(place, _)| *place)
    }

    pub(super) fn known(&self, job: JobId) -> Option<&Known> {
        self.jobs.get(&job).map(|(_, known)| known)
    }

    /// How many of its class are handed out before a waiting job.
    pub(super) fn ahead_of(&self, job: JobId) -> Option<u64> {
        let waiting = self.waiting.get(&self.known(job)?.class)?;
        let waits = waiting.contains(&job);
        waits.then(|| waiting.range(..job).count() as u64)
    }

    /// The end of a job is recorded: it is no job any more, and Redis is to hear of it.
    pub(super) fn owe(&mut self, owed: Owed) {
        self.put(owed.job, Place::Ending);
        self.jobs.remove(&owed.job);
        self.cancels.remove(&owed.job);
        self.entries
            .extend(owed.entry.map(|entry| (entry, owed.job)));
        self.untold += 1;
        match owed.letter {
            None => self.acks.push_back(owed),
            Some(_) => self.letters.push_back(owed),
        }
    }

    /// Redis has heard of these ends.
    pub(super) fn told(&mut self, owed: &[Owed]) {
        self.untold = self.untold.saturating_sub(owed.len() as u64);
        for entry in owed.iter().filter_map(|owed| owed.entry) {
            self.entries.remove(&entry);
        }
    }

    /// The end of a job could not be recorded: it waits again.
    pub(super) fn end_failed(&mut self, job: JobId) {
        let ending = self.place(job) == Some(Place::Ending);
        let known = self.known(job).filter(|_| ending).cloned();
        if let Some(known) = known {
            self.wait(job, known);
        }
    }

    /// A taken job is on its way back; `None` when there is nothing to do, because it is
    /// back or was never here.
    pub(super) fn begin_return(&mut self, job: JobId) -> Option<Known> {
        let (place, known) = self.jobs.get_mut(&job)?;
        let Place::Taken(wish) = *place else {
            return None;
        };
        *place = Place::Returning(wish);
        Some(known.clone())
    }

    /// A job on its way back could not be recorded: it is still taken.
    pub(super) fn return_failed(&mut self, job: JobId) {
        if let Some((place, _)) = self.jobs.get_mut(&job)
            && let Place::Returning(wish) = *place
        {
            *place = Place::Taken(wish);
        }
    }

    /// A job is back, unless it ended or was cancelled on its way.
    pub(super) fn finish_return(&mut self, job: JobId, known: Known) -> Given {
        match self.place(job) {
            Some(Place::Returning(Wish::Run)) => {
                self.wait(job, known);
                Given::Waits
            }
            Some(Place::Returning(Wish::Cancel)) => Given::ToCancel,
            _ => Given::Gone,
        }
    }

    /// Remembers that a job that was handed out should end, and posts that.
    pub(super) fn wish_cancelled(&mut self, job: JobId) {
        match self.jobs.get_mut(&job).map(|(place, _)| place) {
            Some(Place::Taken(wish)) => {
                *wish = Wish::Cancel;
                self.cancels.insert(job);
            }
            Some(Place::Returning(wish)) => *wish = Wish::Cancel,
            Some(Place::Waiting | Place::Elsewhere | Place::Ending) | None => {}
        }
    }

    /// So many entries are in the stream for whoever takes them.
    pub(super) fn saw(&mut self, waiting: u64, now: Timestamp) {
        let since = match &self.in_stream {
            InStream::Known { since, .. } => since.unwrap_or(now),
            InStream::Unknown(_) => now,
        };
        let since = (waiting > 0).then_some(since);
        let seen = InStream::Known { waiting, since };
        if self.in_stream != seen {
            self.in_stream = seen;
            self.changed.insert(Arc::clone(&self.class));
        }
        self.trouble = None;
    }

    /// Nobody can say what is in the stream.
    pub(super) fn saw_nothing(&mut self, why: String) {
        let unknown = InStream::Unknown(why.clone());
        if self.in_stream != unknown {
            self.in_stream = unknown;
            self.trouble = Some(why);
        }
    }

    /// So many entries were read from the stream, up to one that was added then; `all` when
    /// no more were there.
    pub(super) fn read(&mut self, n: u64, newest: Option<Timestamp>, all: bool) {
        if let InStream::Known { waiting, since } = &mut self.in_stream {
            *waiting = if all { 0 } else { waiting.saturating_sub(n) };
            *since = (*waiting > 0).then_some((*since).max(newest)).flatten();
            self.changed.insert(Arc::clone(&self.class));
        }
    }

    /// All classes as they stand; why not, while the stream cannot be read.
    pub(super) fn demand(&mut self) -> Result<Demand, String> {
        if let InStream::Unknown(why) = &self.in_stream {
            return Err(why.clone());
        }
        let mut keys: BTreeSet<&Arc<ClassKey>> = self.waiting.keys().collect();
        keys.insert(&self.class);
        let counts = keys.into_iter();
        let counts = counts.map(|key| (ClassKey::clone(key), self.count(key)));
        let classes = counts.filter(|(_, count)| count.waiting > 0).collect();
        let sample = self.next_sample();
        Ok(Demand { sample, classes })
    }

    /// The next thing to post: numbers are those of now, under a sample of their own.
    pub(super) fn next_event(&mut self) -> Option<SourceEvent> {
        if let Some(why) = self.trouble.take() {
            return Some(SourceEvent::Unknown(why));
        }
        if let Some(job) = self.cancels.pop_first() {
            return Some(SourceEvent::CancelRequested(job));
        }
        if matches!(self.in_stream, InStream::Unknown(_)) {
            return None;
        }
        let class = self.changed.pop_first()?;
        Some(SourceEvent::Demand {
            sample: self.next_sample(),
            count: self.count(&class),
            class: ClassKey::clone(&class),
        })
    }

    fn count(&self, class: &ClassKey) -> ClassCount {
        let here = self.waiting.get(class);
        let oldest = here.and_then(BTreeSet::first);
        let oldest = oldest.and_then(|job| self.known(*job));
        let oldest = oldest.map(|known| known.accepted_at);
        let there = match &self.in_stream {
            InStream::Known { waiting, since } if *class == *self.class => (*waiting, *since),
            _ => (0, None),
        };
        ClassCount {
            waiting: here.map_or(0, |here| here.len() as u64) + there.0,
            oldest: [oldest, there.1].into_iter().flatten().min(),
            next_expiry: None,
        }
    }

    fn next_sample(&mut self) -> u64 {
        self.sample += 1;
        self.sample
    }
}

fn taken(job: JobId, known: &Known) -> TakenJob {
    TakenJob {
        job,
        attempts: known.attempts,
        deliveries: known.deliveries,
        retries_left: known.retries_left,
        timeout: known.timeout,
    }
}
