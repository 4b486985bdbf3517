//! `headcount submit`: hands in jobs and, if asked, stays until they have ended.
//!
//! Promise: what was printed as accepted is accepted, durably; the exit code of `--wait`
//! is the job's own. Leaves deciding whether a job is good to the daemon.

mod batch;
mod interrupt;
mod request;
mod wait;

use headcount_api::SubmittedJob;
use serde::Deserialize;

use super::Context;
use crate::cli::SubmitArgs;
use crate::client::ClientError;
use crate::exit::Exit;
use crate::failure::Failure;

/// The daemon answers as it was asked: one job with one, a list with a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Accepted {
    Many(Vec<SubmittedJob>),
    One(SubmittedJob),
}

impl Accepted {
    fn into_list(self) -> Vec<SubmittedJob> {
        match self {
            Self::Many(jobs) => jobs,
            Self::One(job) => vec![job],
        }
    }
}

/// Hands in and, if asked, waits.
///
/// # Errors
/// Nothing was accepted, or waiting failed.
pub(crate) async fn run(context: &Context, args: SubmitArgs) -> Result<Exit, Failure> {
    let accepted = match &args.batch {
        Some(file) => hand_in(context, &batch::read(file)?, true).await?,
        None => hand_in(context, &request::of(&args)?, args.job.key.is_some()).await?,
    };
    let stays = args.wait || args.follow;
    tell(context, &accepted, &args)?;
    match (stays, args.batch.is_some()) {
        (false, _) => Ok(Exit::Done),
        (true, false) => wait::for_one(context, &accepted, args.follow).await,
        (true, true) => wait::for_all(context, &accepted).await,
    }
}

async fn hand_in<B: serde::Serialize>(
    context: &Context,
    body: &B,
    repeatable: bool,
) -> Result<Vec<SubmittedJob>, Failure> {
    let accepted = context.client.post::<B, Accepted>(&["jobs"], body).await;
    accepted.map(Accepted::into_list).map_err(|error| {
        let broken = matches!(error, ClientError::Broken { .. });
        let failure = Failure::from(error);
        match (broken, repeatable) {
            (true, false) => failure.hint(
                "it may have been accepted: look with `headcount jobs` before you repeat it; \
                 with --key repeating is safe",
            ),
            _ => failure,
        }
    })
}

/// Ids to standard output, where nothing else of interest will be written.
fn tell(context: &Context, accepted: &[SubmittedJob], args: &SubmitArgs) -> Result<(), Failure> {
    let console = &context.console;
    let stays = args.wait || args.follow;
    match (console.json, stays, args.batch.is_some()) {
        // The jobs themselves are printed at the end.
        (true, true, _) => {}
        (true, false, true) => console.print_json(accepted)?,
        (true, false, false) => {
            for job in accepted {
                console.print_json(job)?;
            }
        }
        (false, true, _) if args.follow => {
            for job in accepted {
                console.note(&format!("headcount: {} accepted", job.id));
            }
        }
        (false, ..) => {
            let ids = accepted.iter().map(|job| format!("{}\n", job.id));
            console.print(&ids.collect::<String>())?;
        }
    }
    let known = accepted.iter().filter(|job| job.existed);
    for job in known.filter(|_| !console.json) {
        let (id, state) = (&job.id, job.state.word());
        console.note(&format!(
            "headcount: {id} was there before under this key, {state}"
        ));
    }
    Ok(())
}
