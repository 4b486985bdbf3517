//! How a machine says whose it is.
//!
//! Promise: the name carries owner and agent, and is the same for the same agent whenever it
//! is asked for; the record that the tool writes carries owner, agent and pool as a label of
//! the engine, from the call that makes the machine. What one writes, the other reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use headcount_model::{
    AgentId, BackendId, MACHINE_NAME_PLACE, MAX_MACHINE_NAME, OwnerId, PoolName,
};
use headcount_ports::BackendError;

/// The engine label of a machine of ours.
pub(crate) const LABEL: &str = "headcount.mark";
const VERSION: &str = "v1";
/// A longer pool is left out of the label, which stands in a line of a service file.
const MAX_POOL: usize = 512;
/// Digits of each part of a name.
const DIGITS: usize = 8;

/// Whose machines these are.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) owner: OwnerId,
    pub(crate) backend: BackendId,
}

/// What the record of a machine says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) owner: OwnerId,
    pub(crate) agent: AgentId,
    /// `None` where it was too long.
    pub(crate) pool: Option<PoolName>,
}

impl Ours {
    /// The name of an agent's machine.
    ///
    /// # Errors
    /// [`BackendError::Invalid`]: it would be longer than a host name may be.
    pub(crate) fn name(&self, template: &str, agent: AgentId) -> Result<String, BackendError> {
        let name = template.replacen(MACHINE_NAME_PLACE, &self.unique(agent), 1);
        match name.len() <= MAX_MACHINE_NAME {
            true => Ok(name),
            false => Err(BackendError::Invalid(format!(
                "the name `{name}` has {} characters, and a host name ends at {MAX_MACHINE_NAME}; \
                 shorten `machineName`",
                name.len()
            ))),
        }
    }

    /// What stands in the name for owner and agent.
    pub(crate) fn unique(&self, agent: AgentId) -> String {
        let owner = self.digits();
        format!("{owner}-{:08x}-{:08x}", agent.epoch, agent.number)
    }

    /// The agent that a name tells, if it is one of ours.
    pub(crate) fn read_name(&self, name: &str) -> Option<AgentId> {
        let owner = self.digits();
        let mut places = name.match_indices(&owner);
        places.find_map(|(at, _)| agent_of(name.get(at + owner.len()..)?))
    }

    /// Two owners with the same digits are told apart by the label.
    pub(crate) fn digits(&self) -> String {
        let hash = fnv(self.owner.as_str().bytes());
        format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
    }

    /// Tells backends of one state directory apart, the same for ever.
    pub(crate) fn fingerprint(&self) -> u64 {
        let bytes = self.owner.as_str().bytes().chain([0]);
        fnv(bytes.chain(self.backend.as_str().bytes()))
    }

    /// The label of an agent's machine, as the tool takes it.
    pub(crate) fn label(&self, agent: AgentId, pool: &PoolName) -> String {
        let owner = BASE64.encode(self.owner.as_str());
        let pool = match pool.as_str().len() > MAX_POOL {
            true => String::new(),
            false => BASE64.encode(pool.as_str()),
        };
        format!("{LABEL}={VERSION}.{owner}.{agent}.{pool}")
    }
}

impl Mark {
    /// From a label of an engine; `None` for other labels.
    pub(crate) fn read(label: &str) -> Option<Self> {
        let text = label.strip_prefix(LABEL)?.strip_prefix('=')?;
        let mut parts = text.split('.');
        if parts.next()? != VERSION {
            return None;
        }
        let decoded = |part: &str| String::from_utf8(BASE64.decode(part).ok()?).ok();
        let owner = decoded(parts.next()?)?;
        let agent = parts.next()?.parse().ok()?;
        let pool = parts.next().filter(|pool| !pool.is_empty());
        let pool = match pool {
            Some(pool) => Some(PoolName::new(&decoded(pool)?)),
            None => None,
        };
        Some(Self {
            owner: OwnerId::new(&owner),
            agent,
            pool,
        })
    }
}

/// From `-<epoch>-<number>` and whatever follows.
fn agent_of(rest: &str) -> Option<AgentId> {
    let rest = rest.strip_prefix('-')?;
    let (epoch, rest) = rest.split_once('-')?;
    let number = rest.get(..DIGITS)?;
    let plain = |digits: &str| {
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        digits.len() >= DIGITS && digits.bytes().all(lower)
    };
    if !plain(epoch) || !plain(number) {
        return None;
    }
    Some(AgentId {
        epoch: u64::from_str_radix(epoch, 16).ok()?,
        number: u32::from_str_radix(number, 16).ok()?,
    })
}

/// FNV-1a, the same for ever.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_model::UNIQUE_BYTES;

    const AGENT: AgentId = AgentId {
        epoch: 0x6742_b1c0,
        number: 77,
    };

    fn ours(owner: &str) -> Ours {
        Ours {
            owner: OwnerId::new(owner),
            backend: BackendId::new("docker-machine"),
        }
    }

    #[test]
    fn a_name_tells_owner_and_agent_whatever_is_around_them() {
        let ours = ours("0a1b2c3d");
        assert_eq!(ours.unique(AGENT).len(), UNIQUE_BYTES);
        for template in [
            "%s",
            "auto-scale-%s",
            "ci%s9",
            "runner-%s.example.com",
            "a%sff",
        ] {
            let name = ours.name(template, AGENT).unwrap();
            assert_eq!(ours.read_name(&name), Some(AGENT), "{name}");
            assert_eq!(super::tests::ours("other").read_name(&name), None, "{name}");
        }
        for other in [
            "auto-scale-1-2",
            "",
            &ours.digits(),
            "runner-1700000000-0a1b2c3d",
        ] {
            assert_eq!(ours.read_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let template = format!("{}%s", "x".repeat(38));
        let name = template.replace("%s", &ours("o").unique(AGENT));
        assert_eq!(
            ours("o").name(&template, AGENT),
            Err(BackendError::Invalid(format!(
                "the name `{name}` has 64 characters, and a host name ends at 63; shorten \
                 `machineName`"
            )))
        );
    }

    #[test]
    fn labels_read_back_and_others_are_nobodys() {
        let pool = PoolName::new("farm/linux+größe 5%");
        let label = ours("0a1b").label(AGENT, &pool);
        let plain = |c: char| c.is_ascii_alphanumeric() || ".=-_".contains(c);
        assert!(label.chars().all(plain), "{label}");
        let mark = Mark::read(&label).unwrap();
        assert_eq!(mark.owner, OwnerId::new("0a1b"));
        assert_eq!((mark.agent, mark.pool), (AGENT, Some(pool)));
        let long = ours("o").label(AGENT, &PoolName::new(&"x".repeat(600)));
        assert_eq!(Mark::read(&long).unwrap().pool, None);
        for other in [
            "",
            "headcount.mark=",
            "headcount.mark=v2.bw.a-1-2.",
            "headcount.marks=v1.bw.a-1-2.",
            "headcount.mark=v1.bw.a-1.",
            "headcount.mark=v1.*.a-1-2.",
        ] {
            assert_eq!(Mark::read(other), None, "{other}");
        }
    }
}
