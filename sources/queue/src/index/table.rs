//! All jobs and classes, what changed since it was last told, and the number of samples.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use headcount_model::{ClassCount, ClassKey, Demand, JobId, SourceEvent, Taken, Timestamp};

use super::class::ClassQueue;
use super::entry::{Entry, Place, Wish};

/// Where a waiting job stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// What it is counted with.
    pub class: ClassKey,
    /// Jobs of its class that are handed out before it.
    pub ahead: u64,
}

/// What became of a job that was given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Given {
    /// It waits again.
    Waits,
    /// It is to be cancelled instead, and is on its way until that is recorded.
    ToCancel,
    /// It ended meanwhile.
    Gone,
}

/// Everything in memory.
#[derive(Default, Debug)]
pub(crate) struct Index {
    sample: u64,
    /// Jobs without an entry were taken before this daemon started.
    jobs: HashMap<JobId, (Place, Option<Entry>)>,
    /// Classes in which jobs wait.
    classes: BTreeMap<Arc<ClassKey>, ClassQueue>,
    n_waiting: u64,
    /// Submissions on their way to the book, counted so that the depth holds.
    n_coming: u64,
    changed: BTreeSet<Arc<ClassKey>>,
    cancels: BTreeSet<JobId>,
}

impl Index {
    /// Puts a job where it waits, and says so.
    pub(crate) fn wait(&mut self, job: JobId, mut entry: Entry) {
        // Jobs of one class share one key.
        if let Some((key, _)) = self.classes.get_key_value(&entry.class) {
            entry.class = Arc::clone(key);
        }
        let queue = self.classes.entry(Arc::clone(&entry.class)).or_default();
        queue.insert(job, entry.expires_at);
        self.n_waiting += 1;
        self.changed.insert(Arc::clone(&entry.class));
        self.jobs.insert(job, (Place::Waiting, Some(entry)));
    }

    /// Hands out up to `n` of the oldest of a class.
    pub(crate) fn take(&mut self, class: &ClassKey, n: u32) -> Taken {
        let oldest = self.classes.get(class).map(|queue| queue.first(n as usize));
        let mut jobs = Vec::new();
        for job in oldest.unwrap_or_default() {
            let entry = self.leave(job, Place::Taken(Wish::Run));
            jobs.extend(entry.map(|entry| entry.taken(job)));
        }
        Taken {
            jobs,
            sample: self.next_sample(),
            class_after: self.count(class),
        }
    }

    /// Takes a job out of the waiting ones, to another place.
    pub(crate) fn leave(&mut self, job: JobId, to: Place) -> Option<&Entry> {
        let (place, entry) = self.jobs.get_mut(&job)?;
        let entry = entry.as_ref()?;
        if *place != Place::Waiting {
            return None;
        }
        *place = to;
        if let Some(queue) = self.classes.get_mut(&entry.class) {
            queue.remove(job, entry.expires_at);
            if queue.is_empty() {
                self.classes.remove(&entry.class);
            }
        }
        self.n_waiting = self.n_waiting.saturating_sub(1);
        self.changed.insert(Arc::clone(&entry.class));
        Some(entry)
    }

    /// Takes up to `n` jobs of a class whose time is up to where they end.
    pub(crate) fn end_expired(&mut self, class: &ClassKey, now: Timestamp, n: usize) -> Vec<JobId> {
        let due = self.classes.get(class).map(|queue| queue.expired(now, n));
        self.end_all(due.unwrap_or_default())
    }

    /// Takes up to `n` jobs of a class to where they end.
    pub(crate) fn end_first(&mut self, class: &ClassKey, n: usize) -> Vec<JobId> {
        let first = self.classes.get(class).map(|queue| queue.first(n));
        self.end_all(first.unwrap_or_default())
    }

    fn end_all(&mut self, jobs: Vec<JobId>) -> Vec<JobId> {
        for job in &jobs {
            self.leave(*job, Place::Ending);
        }
        jobs
    }

    /// The end of a job is recorded: nothing more is known of it here.
    pub(crate) fn forget(&mut self, job: JobId) {
        self.leave(job, Place::Ending);
        self.jobs.remove(&job);
        self.cancels.remove(&job);
    }

    /// The end of a job could not be recorded: it waits again.
    pub(crate) fn end_failed(&mut self, job: JobId) {
        let ending = self.place(job) == Some(Place::Ending);
        let entry = self.entry(job).filter(|_| ending).cloned();
        if let Some(entry) = entry {
            self.wait(job, entry);
        }
    }

    pub(crate) fn place(&self, job: JobId) -> Option<Place> {
        self.jobs.get(&job).map(|(place, _)| *place)
    }

    pub(crate) fn entry(&self, job: JobId) -> Option<&Entry> {
        self.jobs.get(&job).and_then(|(_, entry)| entry.as_ref())
    }

    /// A taken job is on its way back.
    pub(crate) fn begin_return(&mut self, job: JobId) {
        let (place, _) = self
            .jobs
            .entry(job)
            .or_insert((Place::Taken(Wish::Run), None));
        if let Place::Taken(wish) = *place {
            *place = Place::Returning(wish);
        }
    }

    /// A job on its way back could not be recorded: it is still taken.
    pub(crate) fn return_failed(&mut self, job: JobId) {
        if let Some((place, entry)) = self.jobs.get_mut(&job) {
            match (*place, entry) {
                (Place::Returning(Wish::Run), None) => drop(self.jobs.remove(&job)),
                (Place::Returning(wish), _) => *place = Place::Taken(wish),
                _ => {}
            }
        }
    }

    /// A job is back, unless it ended or was cancelled on its way.
    pub(crate) fn finish_return(&mut self, job: JobId, entry: Entry) -> Given {
        match self.place(job) {
            Some(Place::Returning(Wish::Run)) => {
                self.wait(job, entry);
                Given::Waits
            }
            Some(Place::Returning(Wish::Cancel)) => Given::ToCancel,
            _ => Given::Gone,
        }
    }

    /// Remembers that a job that is not here should end, and posts that for a taken one.
    pub(crate) fn wish_cancelled(&mut self, job: JobId) {
        let (place, _) = self
            .jobs
            .entry(job)
            .or_insert((Place::Taken(Wish::Run), None));
        match place {
            Place::Taken(wish) => {
                *wish = Wish::Cancel;
                self.cancels.insert(job);
            }
            Place::Returning(wish) => *wish = Wish::Cancel,
            Place::Waiting | Place::Ending => {}
        }
    }

    /// Whether `n` more jobs may come; if so they are counted until they came or did not.
    pub(crate) fn reserve(&mut self, n: u64, max_depth: u64) -> bool {
        let wanted = self
            .n_waiting
            .saturating_add(self.n_coming)
            .saturating_add(n);
        let fits = wanted <= max_depth;
        self.n_coming += if fits { n } else { 0 };
        fits
    }

    pub(crate) fn unreserve(&mut self, n: u64) {
        self.n_coming = self.n_coming.saturating_sub(n);
    }

    pub(crate) fn position(&self, job: JobId) -> Option<Position> {
        let entry = self.entry(job)?;
        let ahead = self.classes.get(&entry.class)?.ahead_of(job)?;
        Some(Position {
            class: ClassKey::clone(&entry.class),
            ahead: ahead as u64,
        })
    }

    pub(crate) fn demand(&mut self) -> Demand {
        let counts = self
            .classes
            .keys()
            .map(|class| (ClassKey::clone(class), self.count(class)));
        let classes = counts.collect();
        Demand {
            sample: self.next_sample(),
            classes,
        }
    }

    /// The next thing to post: numbers are those of now, under a sample of their own.
    pub(crate) fn next_event(&mut self) -> Option<SourceEvent> {
        if let Some(job) = self.cancels.pop_first() {
            return Some(SourceEvent::CancelRequested(job));
        }
        let class = self.changed.pop_first()?;
        Some(SourceEvent::Demand {
            sample: self.next_sample(),
            count: self.count(&class),
            class: ClassKey::clone(&class),
        })
    }

    fn count(&self, class: &ClassKey) -> ClassCount {
        let Some(queue) = self.classes.get(class) else {
            return ClassCount::default();
        };
        let oldest = queue.oldest().and_then(|job| self.entry(job));
        ClassCount {
            waiting: queue.len() as u64,
            oldest: oldest.map(|entry| entry.accepted_at),
            next_expiry: queue.next_expiry(),
        }
    }

    fn next_sample(&mut self) -> u64 {
        self.sample += 1;
        self.sample
    }
}
