//! What is written on a machine by the call that makes it, and how it is read back.
//!
//! Promise: a machine without our owner in it is nobody's; names of two daemons differ
//! although their agents may have equal ids.

use std::time::Duration;

use headcount_model::{AgentId, OwnerId, PoolName, fingerprint};
use jiff::Timestamp;

/// Letters of the owner that stand in a machine's name.
const OWNER_IN_NAME: usize = 12;
/// So long is written on a machine whose lease nobody renews; its end proves nothing.
pub(crate) const LEASE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The name of an agent's machine: small letters, digits and `-`, at most 63 of them.
pub(crate) fn name(owner: &OwnerId, agent: AgentId) -> String {
    format!("{}{agent}", prefix(owner))
}

/// Whether names of these two cannot be told apart.
pub(crate) fn are_alike(one: &OwnerId, other: &OwnerId) -> bool {
    prefix(one) == prefix(other)
}

/// The agent of a machine with this name, if it can be one of this owner.
pub(crate) fn agent(owner: &OwnerId, name: &str) -> Option<AgentId> {
    name.strip_prefix(&prefix(owner))?.parse().ok()
}

fn prefix(owner: &OwnerId) -> String {
    let usual = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let owner: String = owner
        .as_str()
        .chars()
        .filter(usual)
        .take(OWNER_IN_NAME)
        .collect();
    format!("headcount-{owner}-")
}

/// The moment up to which the owner vouches for something, for so long from now on.
pub(crate) fn lease_until(now: Timestamp, lease: Duration) -> String {
    let until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
    until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A pool's name where only a UUID has room: the same for the same pool for ever.
pub(crate) fn pool_id(pool: &PoolName) -> String {
    let high = fingerprint(&("pool", pool.as_str()));
    let low = fingerprint(&("pool again", pool.as_str()));
    // Version 8 and the usual variant: whoever checks a UUID's form accepts it.
    let high = (high & !0xf000) | 0x8000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let text = format!("{high:016x}{low:016x}");
    let at = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        at(0, 8),
        at(8, 12),
        at(12, 16),
        at(16, 20),
        at(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_others_are_nobodys() {
        let id = AgentId {
            epoch: 0x65f1_c2a0,
            number: 7,
        };
        let owner = OwnerId::new("0123456789abcdef");
        assert_eq!(name(&owner, id), "headcount-0123456789ab-a-65f1c2a0-7");
        assert_eq!(agent(&owner, &name(&owner, id)), Some(id));
        assert_eq!(agent(&OwnerId::new("fedcba"), &name(&owner, id)), None);
        assert_eq!(agent(&owner, "headcount-0123456789ab-web"), None);
        let longest = AgentId {
            epoch: u64::MAX,
            number: u32::MAX,
        };
        assert!(name(&owner, longest).len() <= 63);
    }

    #[test]
    fn leases_end_to_the_second() {
        let now: Timestamp = "2026-11-22T14:00:00.5Z".parse().unwrap();
        assert_eq!(lease_until(now, LEASE), "2026-11-29T14:00:00Z");
        let minute = Duration::from_secs(60);
        assert_eq!(lease_until(now, minute), "2026-11-22T14:01:00Z");
        assert_eq!(lease_until(Timestamp::MAX, LEASE), "9999-12-30T22:00:00Z");
    }

    #[test]
    fn a_pools_id_never_changes() {
        let id = "c9184a72-495a-89ee-9fbf-d468248b77b6";
        assert_eq!(pool_id(&"cloud/linux+x64".into()), id);
        assert_ne!(
            pool_id(&"cloud/linux".into()),
            pool_id(&"cloud/linux+x64".into())
        );
    }
}
