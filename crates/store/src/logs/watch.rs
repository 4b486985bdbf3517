//! Who follows the output of which job.
//!
//! One channel per watched job, which carries no data, only "look again": a follower that
//! is slow misses nothing and costs nothing. A channel goes with its last follower.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::JobId;
use headcount_ports::StoreError;
use tokio::sync::watch;

/// The most jobs whose output is watched at once.
pub const MAX_WATCHED_JOBS: usize = 4096;

/// The followers of all jobs.
#[derive(Default)]
pub(crate) struct Followers {
    jobs: Mutex<HashMap<JobId, watch::Sender<()>>>,
}

impl Followers {
    pub(super) fn watch(self: &Arc<Self>, job: JobId) -> Result<LogWatch, StoreError> {
        let mut jobs = self.jobs();
        if !jobs.contains_key(&job) && jobs.len() >= MAX_WATCHED_JOBS {
            return Err(StoreError::Busy(format!(
                "the output of {MAX_WATCHED_JOBS} jobs is being followed; try again when \
                 fewer are"
            )));
        }
        let sender = jobs.entry(job).or_insert_with(|| watch::channel(()).0);
        Ok(LogWatch {
            job,
            changes: Some(sender.subscribe()),
            followers: Arc::clone(self),
        })
    }

    /// Tells the followers of these jobs to look again.
    pub(crate) fn wake(&self, touched: &[JobId]) {
        let jobs = self.jobs();
        if jobs.is_empty() {
            return;
        }
        for sender in touched.iter().filter_map(|job| jobs.get(job)) {
            sender.send_replace(());
        }
    }

    /// Tells all followers that nothing more will come.
    pub(crate) fn close(&self) {
        self.jobs().clear();
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<()>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells when a job has new output, a new attempt or an end.
pub struct LogWatch {
    job: JobId,
    /// Always there until the drop.
    changes: Option<watch::Receiver<()>>,
    followers: Arc<Followers>,
}

impl LogWatch {
    /// Waits until something changed since the watch began or this last returned. Safe to
    /// drop and to call again.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the store was closed: nothing more will come.
    pub async fn changed(&mut self) -> Result<(), StoreError> {
        let closed = || StoreError::Broken("the ledger is closed".to_string());
        let changes = self.changes.as_mut().ok_or_else(closed)?;
        changes.changed().await.map_err(|_| closed())
    }
}

impl Drop for LogWatch {
    fn drop(&mut self) {
        let mut jobs = self.followers.jobs();
        self.changes = None;
        if jobs
            .get(&self.job)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            jobs.remove(&self.job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ready(watch: &mut LogWatch) -> bool {
        let mut changed = std::pin::pin!(watch.changed());
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        changed.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn followers_of_a_touched_job_look_once() {
        let followers = Arc::new(Followers::default());
        let mut one = followers.watch(JobId(1)).unwrap();
        let mut two = followers.watch(JobId(2)).unwrap();
        followers.wake(&[JobId(1), JobId(1), JobId(9)]);
        assert!(is_ready(&mut one) && !is_ready(&mut one) && !is_ready(&mut two));
        followers.close();
        assert!(is_ready(&mut one), "a closed store ends the wait");
    }

    #[test]
    fn a_channel_goes_with_its_last_follower() {
        let followers = Arc::new(Followers::default());
        let first = followers.watch(JobId(1)).unwrap();
        let second = followers.watch(JobId(1)).unwrap();
        drop(first);
        assert_eq!(followers.jobs().len(), 1);
        drop(second);
        assert!(followers.jobs().is_empty());
    }

    #[test]
    fn watches_are_bounded() {
        let followers = Arc::new(Followers::default());
        let bound = MAX_WATCHED_JOBS as u64;
        let watches: Vec<_> = (0..bound)
            .map(|n| followers.watch(JobId(n)).unwrap())
            .collect();
        let refused = followers.watch(JobId(bound)).map(|_| ());
        let text = "the output of 4096 jobs is being followed; try again when fewer are";
        assert_eq!(refused, Err(StoreError::Busy(text.to_string())));
        assert!(
            followers.watch(JobId(0)).is_ok(),
            "one more on a watched job is fine"
        );
        drop(watches);
    }
}
