//! Creations that wait at the same moment and want the same go out in one call.
//!
//! Promise: a creation waits for others no longer than [`Pace::gather`] from the first of
//! them on, and not at all once there are as many as a call may ask for; each is told what
//! became of its own machine. The call goes on when some of those who wait give up. Turns
//! are kept by those who wait, each for its own agent. Leaves the call to the contract.
//!
//! [`Pace::gather`]: crate::options::Pace::gather

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use headcount_model::{CreateBatch, Granted, PoolName, ProgramRecipe};
use headcount_ports::CreateRequest;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Core;
use crate::fault::Fault;
use crate::provisioner::{Machine, Order};
use crate::start_up::StartUp;

/// What a machine has of its own, beside what was asked for.
pub(super) struct Wish {
    pub(super) start_up: StartUp,
    /// Where its agent finds the daemon.
    pub(super) url: String,
    /// How long a lease of it lasts, if ours are renewed.
    pub(super) lease: Option<Duration>,
}

/// Makes one machine, alone or with others.
pub(super) async fn create(
    core: &Arc<Core>,
    request: &CreateRequest,
    recipe: &ProgramRecipe,
    wish: Wish,
) -> Result<Machine, Fault> {
    if recipe.batch.machines() == 1 || core.provisioner.contract().is_garm() {
        let order = Order {
            request,
            options: &recipe.options,
            start_up: wish.start_up,
            url: &wish.url,
            token: request.token.as_ref(),
            lease: wish.lease,
        };
        return core.provisioner.create(&order).await;
    }
    let (tell, told) = oneshot::channel();
    let waiting = Waiting {
        request: request.clone(),
        wish,
        tell,
    };
    match core.batches.join(Kind::of(request, recipe), waiting) {
        Joined::Waits => {}
        Joined::Fills(batch) => drop(tokio::spawn(send(core.clone(), batch))),
        Joined::Opens(number) => drop(tokio::spawn(send_soon(core.clone(), number))),
    }
    let cut_short = |_| Err(Fault::unknown("the daemon is ending"));
    told.await.unwrap_or_else(cut_short)
}

/// Sends what has come together by then, unless it was full before.
async fn send_soon(core: Arc<Core>, number: u64) {
    sleep(core.provisioner.options.pace.gather).await;
    if let Some(batch) = core.batches.close(number) {
        send(core, batch).await;
    }
}

/// One call, and each is told its part of the answer.
async fn send(core: Arc<Core>, batch: Batch) {
    let Batch { kind, waiting, .. } = batch;
    let orders: Vec<Order<'_>> = waiting
        .iter()
        .map(|one| Order {
            request: &one.request,
            options: &kind.options,
            start_up: one.wish.start_up.clone(),
            url: &one.wish.url,
            token: one.request.token.as_ref(),
            lease: one.wish.lease,
        })
        .collect();
    let answers = core.provisioner.create_all(&orders).await;
    drop(orders);
    for (one, answer) in waiting.into_iter().zip(answers) {
        // Whoever waits keeps a machine's turn until it is told, so somebody does; only the
        // end of the daemon takes them away.
        drop(one.tell.send(answer));
    }
}

/// Batches that are not sent yet. Never more machines than creations are under way, which
/// the controller bounds.
#[derive(Default)]
pub(super) struct Batches {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    batches: Vec<Batch>,
    /// How many there have been.
    opened: u64,
}

/// Creations of one kind.
struct Batch {
    number: u64,
    kind: Kind,
    waiting: Vec<Waiting>,
}

/// What machines that go together have in common.
#[derive(PartialEq, Eq, Debug)]
struct Kind {
    pool: PoolName,
    labels: String,
    granted: Granted,
    options: String,
    /// How many fill a batch.
    size: CreateBatch,
}

/// One that waits for its machine.
struct Waiting {
    request: CreateRequest,
    wish: Wish,
    tell: oneshot::Sender<Result<Machine, Fault>>,
}

/// What joining comes to.
enum Joined {
    /// It is the first of a batch with this number.
    Opens(u64),
    /// Others are there, and there is room for more.
    Waits,
    /// It is the last that this batch has room for.
    Fills(Batch),
}

impl Batches {
    fn join(&self, kind: Kind, waiting: Waiting) -> Joined {
        let mut open = self.lock();
        let found = open.batches.iter_mut().enumerate();
        let found = found.into_iter().find(|(_, batch)| batch.kind == kind);
        let Some((at, batch)) = found else {
            open.opened += 1;
            let number = open.opened;
            open.batches.push(Batch {
                number,
                kind,
                waiting: vec![waiting],
            });
            return Joined::Opens(number);
        };
        batch.waiting.push(waiting);
        match batch.waiting.len() < kind.size.machines() {
            true => Joined::Waits,
            false => Joined::Fills(open.batches.swap_remove(at)),
        }
    }

    /// Takes this batch, if it was not full before.
    fn close(&self, number: u64) -> Option<Batch> {
        let mut open = self.lock();
        let mut all = open.batches.iter();
        let at = all.position(|batch| batch.number == number)?;
        Some(open.batches.swap_remove(at))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn of(request: &CreateRequest, recipe: &ProgramRecipe) -> Self {
        Self {
            pool: request.pool.clone(),
            labels: request.labels.clone(),
            granted: request.granted,
            options: recipe.options.clone(),
            size: recipe.batch,
        }
    }
}

#[cfg(test)]
mod tests;
