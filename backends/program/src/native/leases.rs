//! Leases: renewing ours, and reading those of other owners.
//!
//! Promise: a machine of another owner is shown only when all its marks are there, are well
//! formed and agree; one that is marked otherwise is nobody's business.

use std::time::Duration;

use headcount_model::{LeasedInstance, OwnerId, PoolName, Timestamp};

use super::{Fault, MachineSaid, Provisioner, Request, Verb, all, heard, marks};

/// A shorter lease would be over before it is renewed, a longer one proves nothing.
const LEASES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(30 * 24 * 60 * 60);
/// The longest owner, in bytes.
const MAX_OWNER: usize = 64;
/// The longest name of a pool, in bytes.
const MAX_POOL: usize = 4096;

/// See [`Provisioner::renew`]. Ends before the next renewal is due.
pub(crate) async fn renew(to: &Provisioner, until: &str, lease: Duration) -> Result<(), Fault> {
    let deadline = to.options.pace.renew.min(lease / 3);
    let mut request = Request::new(Verb::Renew, to, deadline);
    request.lease_until = Some(until);
    request.lease_seconds = Some(lease.as_secs());
    let mut call = to.call(deadline);
    request.set(&mut call);
    heard(Verb::Renew, to.run_at_once(call).await?).map(drop)
}

/// See [`Provisioner::list_others`].
pub(crate) async fn list_others(to: &Provisioner) -> Result<Vec<LeasedInstance>, Fault> {
    let machines = all_others(to).await?;
    let own = &to.options.owner;
    let others = machines.iter().filter_map(|machine| leased(own, machine));
    Ok(others.collect())
}

/// All that is shown when others are asked for, whatever it is.
pub(crate) async fn all_others(to: &Provisioner) -> Result<Vec<MachineSaid>, Fault> {
    let mut request = Request::new(Verb::List, to, to.options.pace.list);
    request.others = Some(true);
    all(to, &request).await
}

/// What another owner has a lease on. A program that does not know what was asked shows
/// ours, which are none of these.
pub(crate) fn leased(ours: &OwnerId, said: &MachineSaid) -> Option<LeasedInstance> {
    let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let formed = (1..=MAX_OWNER).contains(&said.owner.len()) && said.owner.chars().all(usual);
    let owner = OwnerId::new(&said.owner);
    if !formed || marks::are_alike(ours, &owner) || said.id.is_empty() {
        return None;
    }
    let agent = marks::agent(&owner, &said.name)?;
    if said.agent != agent.to_string() || !(1..=MAX_POOL).contains(&said.pool.len()) {
        return None;
    }
    said.generation?;
    let lease_for = Duration::from_secs(said.lease_seconds?);
    is_lease(&lease_for).then_some(LeasedInstance {
        agent,
        pool: PoolName::new(&said.pool),
        name: said.name.clone(),
        lease_until: moment(said.lease_until.as_deref()?)?,
        lease_for,
        state: said.status.state(said.exit_code),
        owner,
    })
}

/// Whether this can be how long a lease lasts.
pub(super) fn is_lease(span: &Duration) -> bool {
    LEASES.contains(span)
}

/// Never one before 1970: such a lease was never given.
fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    let millis = u64::try_from(moment.as_millisecond()).ok()?;
    Some(Timestamp::from_millis(millis))
}
