//! What a backend says about an agent when it asks for its admission.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use headcount_model::NetworkPolicy;

use crate::NetworkError;

/// Rules of one agent. More than this is a mistake, and would slow every packet down.
const MAX_RULES: usize = 1024;

/// An agent's addresses and what it may reach from them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// The agent's own addresses, picked by the backend before the agent starts.
    pub addresses: Addresses,
    /// TCP endpoints that an agent cannot do without, such as the daemon's own listener;
    /// reached under every policy.
    pub services: Vec<SocketAddr>,
    /// Where the agent's resolver sends questions: the bridge's gateway where the engine
    /// answers there (Podman), the host's upstreams where the engine's resolver forwards
    /// from inside the agent (Docker). Not reached under `deny_all`.
    pub resolvers: Vec<IpAddr>,
    /// What the configuration says.
    pub policy: NetworkPolicy,
}

impl Admission {
    /// Refuses what cannot be turned into rules, before anything is changed.
    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        self.addresses.check()?;
        let n_rules = self.services.len() + self.resolvers.len() + self.policy.allow.len();
        if n_rules > MAX_RULES {
            return Err(NetworkError::Invalid(format!(
                "{n_rules} networks, services and resolvers are allowed to one agent, and \
                 {MAX_RULES} are the most; join networks into larger ones"
            )));
        }
        Ok(())
    }
}

/// The addresses of one agent, at most one of each family. From any other it reaches
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Its IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Its IPv6 address; the link-local one needs no mention and reaches nothing.
    pub v6: Option<Ipv6Addr>,
}

impl Addresses {
    /// Those there are, IPv4 first.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let v4 = self.v4.map(IpAddr::V4);
        let v6 = self.v6.map(IpAddr::V6);
        v4.into_iter().chain(v6)
    }

    fn check(&self) -> Result<(), NetworkError> {
        if self.iter().next().is_none() {
            return Err(NetworkError::Invalid(
                "an agent without an address cannot be admitted to the network".into(),
            ));
        }
        match self.iter().find(|address| !is_own(*address)) {
            None => Ok(()),
            Some(address) => Err(NetworkError::Invalid(format!(
                "{address} cannot be the address of one agent"
            ))),
        }
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Whether an address can be somebody's own: not shared, not the machine itself.
fn is_own(address: IpAddr) -> bool {
    let shared = address.is_unspecified() || address.is_multicast() || address.is_loopback();
    let special = match address {
        IpAddr::V4(address) => address.is_broadcast(),
        IpAddr::V6(address) => {
            address.to_ipv4_mapped().is_some() || address.is_unicast_link_local()
        }
    };
    !shared && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(v4: &str) -> Admission {
        Admission {
            addresses: Addresses {
                v4: Some(v4.parse().unwrap()),
                v6: None,
            },
            services: Vec::new(),
            resolvers: Vec::new(),
            policy: NetworkPolicy::default(),
        }
    }

    #[test]
    fn an_address_must_be_the_agents_own() {
        assert!(admission("172.30.0.2").check().is_ok());
        for wrong in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"] {
            let error = admission(wrong).check().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{wrong} cannot be the address of one agent")
            );
        }
        for wrong in ["::", "::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1"] {
            let mut admission = admission("172.30.0.2");
            admission.addresses.v6 = Some(wrong.parse().unwrap());
            assert!(admission.check().is_err(), "{wrong}");
        }
    }

    #[test]
    fn somebody_without_an_address_is_refused() {
        let mut admission = admission("172.30.0.2");
        admission.addresses.v4 = None;
        assert_eq!(
            admission.check().unwrap_err().to_string(),
            "an agent without an address cannot be admitted to the network"
        );
    }

    #[test]
    fn rules_are_bounded() {
        let mut admission = admission("172.30.0.2");
        let network = "10.0.0.0/8".parse().unwrap();
        admission.policy.allow = vec![network; MAX_RULES];
        assert!(admission.check().is_ok());
        admission.resolvers = vec!["172.30.0.1".parse().unwrap()];
        assert_eq!(
            admission.check().unwrap_err().to_string(),
            "1025 networks, services and resolvers are allowed to one agent, and 1024 are the \
             most; join networks into larger ones"
        );
    }
}
