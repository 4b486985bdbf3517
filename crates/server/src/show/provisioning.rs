//! How agents came up for a job, or failed to: told from the last launches.

use headcount_api::{ProvisioningEvent, ProvisioningStep};
use headcount_controller::{Handle, Launch};
use headcount_model::{ClassKey, Timestamp};
use headcount_ports::JobRecord;

use super::moment;

/// Failed launches told of one job.
const MAX_FAILED: usize = 20;

/// The way of the agent that has or had the job, and every launch that failed for jobs
/// like it while it waited.
pub(crate) fn of_job(
    handle: &Handle,
    record: &JobRecord,
    key: &ClassKey,
) -> Vec<ProvisioningEvent> {
    let latest = record.latest.as_ref();
    let claimed = latest.and_then(|latest| latest.claimed_at);
    let until = claimed.or(record.ended_at).unwrap_or(Timestamp::MAX);
    let mut launches = failed(handle, key, (record.accepted_at, until));
    let own = latest.and_then(|latest| handle.launches().of(latest.agent));
    launches.extend(own.filter(|own| launches.iter().all(|launch| launch.agent != own.agent)));
    told(&launches)
}

/// Launches for such jobs that failed within `span`.
pub(crate) fn of_class(
    handle: &Handle,
    key: &ClassKey,
    span: (Timestamp, Timestamp),
) -> Vec<ProvisioningEvent> {
    told(&failed(handle, key, span))
}

fn failed(handle: &Handle, key: &ClassKey, span: (Timestamp, Timestamp)) -> Vec<Launch> {
    let pools = handle.candidates(key);
    handle.launches().failed_in(&pools, span, MAX_FAILED)
}

fn told(launches: &[Launch]) -> Vec<ProvisioningEvent> {
    let mut events: Vec<_> = launches.iter().flat_map(steps).collect();
    events.sort_by_key(|event| event.at);
    events
}

fn steps(launch: &Launch) -> impl Iterator<Item = ProvisioningEvent> {
    let failure = launch.failure.as_ref();
    let steps = [
        (Some(launch.decided_at), ProvisioningStep::Provisioning),
        (launch.fenced_at, ProvisioningStep::Network),
        (launch.made_at, ProvisioningStep::Started),
        (launch.ready_at, ProvisioningStep::Ready),
        (failure.map(|failure| failure.at), ProvisioningStep::Failed),
    ];
    steps.into_iter().filter_map(move |(at, event)| {
        let failure = failure.filter(|_| event == ProvisioningStep::Failed);
        Some(ProvisioningEvent {
            at: moment(at?),
            event,
            agent: launch.agent.to_string(),
            pool: launch.pool.to_string(),
            message: failure.map(|failure| failure.message.clone()),
            output: failure.map(|f| f.output.clone()).unwrap_or_default(),
        })
    })
}
