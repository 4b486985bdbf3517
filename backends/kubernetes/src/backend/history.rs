//! Finished Jobs: kept to be looked at, up to the limits of their pools.
//!
//! Promise: only Jobs whose end was told are removed, the oldest first; one that is gone
//! already (a time to live, somebody else) is as good as removed. A failure is tried again,
//! with growing pauses, and never holds anything else up.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use kube::api::DeleteParams;
use tokio::time::sleep;

use super::Core;
use super::ending::{gone_is_done, of_uid};
use crate::access::{ANSWER_WAIT, within};
use crate::census::Finished;
use crate::fault::Fault;

/// Removes what is beyond the limits, for as long as the backend lives.
pub(super) async fn keep(core: Arc<Core>) {
    let pace = core.options.pace;
    let mut pause = pace.first_pause;
    loop {
        core.finished.notified().await;
        let beyond = core.census().beyond_history();
        match remove(&core, &beyond).await {
            Ok(()) => pause = pace.first_pause,
            Err(fault) => {
                tracing::warn!(
                    backend = %core.ours.backend, error = fault.message,
                    "finished Jobs stay longer than they should"
                );
                sleep(pause).await;
                pause = (pause * 2).min(pace.longest_pause);
                core.finished.notify_one();
            }
        }
    }
}

/// Nothing of them runs, so nobody waits for their pods.
async fn remove(core: &Core, beyond: &[Finished]) -> Result<(), Fault> {
    if beyond.is_empty() {
        return Ok(());
    }
    let place = core.access.place().await?;
    let jobs: Api<Job> = Api::namespaced(place.client.clone(), &place.namespace);
    for job in beyond {
        let options = DeleteParams::background().preconditions(of_uid(&job.uid));
        let deleting = async { jobs.delete(&job.name, &options).await.map(drop) };
        gone_is_done(within("remove a finished Job", ANSWER_WAIT, deleting).await)?;
    }
    Ok(())
}
