//! Ctrl-C while waiting: once leaves the job alone, twice cancels it.

use std::time::Duration;

use headcount_model::JobId;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::commands::{Context, cancel};
use crate::exit::Exit;
use crate::failure::Failure;

/// A second Ctrl-C within this time cancels.
const AGAIN: Duration = Duration::from_secs(3);
/// Ctrl-C.
const INT: u8 = 2;
/// Told to end.
const TERM: u8 = 15;

/// Waits for `ending`, or for somebody who does not want to wait any longer.
///
/// # Errors
/// As `ending`; [`Exit::Signal`] when somebody left.
pub(super) async fn or_leave<T>(
    context: &Context,
    jobs: &[JobId],
    ending: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error| Failure::failed(format!("cannot hear signals: {error}")))
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::pin!(ending);
    tokio::select! {
        result = &mut ending => return result,
        _ = terminate.recv() => {
            context.console.note(&stays(jobs));
            return Err(Failure::told(Exit::Signal(TERM)));
        }
        _ = interrupt.recv() => {}
    }
    let console = &context.console;
    console.note(&format!(
        "\n{}\nheadcount: Ctrl-C again within {} seconds cancels now",
        stays(jobs),
        AGAIN.as_secs()
    ));
    tokio::select! {
        result = &mut ending => return result,
        () = tokio::time::sleep(AGAIN) => return Err(Failure::told(Exit::Signal(INT))),
        _ = interrupt.recv() => {}
    }
    tokio::select! {
        result = cancel_all(context, jobs) => result?,
        () = left(&mut interrupt) => return Err(Failure::told(Exit::Signal(INT))),
    }
    console.note("headcount: cancelled; waiting for the end");
    tokio::select! {
        result = ending => result,
        () = left(&mut interrupt) => Err(Failure::told(Exit::Signal(INT))),
    }
}

async fn left(interrupt: &mut Signal) {
    interrupt.recv().await;
}

async fn cancel_all(context: &Context, jobs: &[JobId]) -> Result<(), Failure> {
    for job in jobs {
        cancel::cancel(context, *job).await?;
    }
    Ok(())
}

/// What somebody who leaves needs to know.
fn stays(jobs: &[JobId]) -> String {
    match jobs {
        [job] => format!("headcount: {job} goes on; cancel it with `headcount cancel {job}`"),
        many => format!(
            "headcount: {} jobs go on; list them with `headcount jobs`",
            many.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_is_told_how_to_cancel() {
        assert_eq!(
            stays(&[JobId(4)]),
            "headcount: job-4 goes on; cancel it with `headcount cancel job-4`"
        );
        assert_eq!(
            stays(&[JobId(4), JobId(5)]),
            "headcount: 2 jobs go on; list them with `headcount jobs`"
        );
    }
}
