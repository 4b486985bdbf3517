//! One write, from being asked for to being answered.

use std::path::Path;

use headcount_model::JobId;
use headcount_ports::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::Fault;

/// A write. It may be applied more than once before it is answered: when a transaction
/// fails, its writes are tried again one by one.
pub(crate) trait Write: Send + 'static {
    /// What the caller gets once it is durable.
    type Answer: Send + 'static;

    /// About how many bytes it adds, for the bound of a transaction.
    fn bytes(&self) -> usize {
        0
    }

    /// Does it, inside a transaction. After an error nothing of it remains.
    fn apply(&self, db: &Connection) -> Result<Self::Answer, Fault>;

    /// Jobs whose followers should look again, once it is durable.
    fn touched(&self, _answer: &Self::Answer) -> Vec<JobId> {
        Vec::new()
    }
}

/// A write as the writer sees it.
pub(crate) trait Step: Send {
    fn bytes(&self) -> usize;

    /// Applies it and keeps what came of it. Whether it worked.
    fn apply(&mut self, db: &Connection) -> bool;

    /// What it would do to the followers.
    fn touched(&self) -> Vec<JobId>;

    /// Tells the caller: its own error, or that of the transaction, or the answer.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>, dir: &Path);
}

/// A write and who waits for it. A caller that no longer waits changes nothing.
pub(crate) struct Pending<W: Write> {
    write: W,
    result: Option<Result<W::Answer, Fault>>,
    caller: oneshot::Sender<Result<W::Answer, StoreError>>,
}

impl<W: Write> Pending<W> {
    pub(crate) const fn new(
        write: W,
        caller: oneshot::Sender<Result<W::Answer, StoreError>>,
    ) -> Self {
        Self {
            write,
            result: None,
            caller,
        }
    }
}

impl<W: Write> Step for Pending<W> {
    fn bytes(&self) -> usize {
        self.write.bytes()
    }

    fn apply(&mut self, db: &Connection) -> bool {
        let result = self.write.apply(db);
        let worked = result.is_ok();
        self.result = Some(result);
        worked
    }

    fn touched(&self) -> Vec<JobId> {
        match &self.result {
            Some(Ok(answer)) => self.write.touched(answer),
            _ => Vec::new(),
        }
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>, dir: &Path) {
        let answer = match (self.result, commit) {
            (Some(Err(fault)), _) => Err(fault.into_store_error(dir)),
            (_, Err(error)) => Err(error),
            (Some(Ok(answer)), Ok(())) => Ok(answer),
            (None, Ok(())) => Err(StoreError::Broken("a write was skipped".to_string())),
        };
        // A caller that has gone away does not need it.
        drop(self.caller.send(answer));
    }
}
