//! A network that stands: its addresses, and who has them.
//!
//! Promise: what is remembered here is what the kernel was told; after a restart it is
//! read back from there. An address that was given back is the last to be given again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use headcount_model::{AgentId, NetworkPolicy};
use headcount_network::{Addresses, Admission, NetworkError, Table};

use super::subnet::Subnet;

/// Addresses that are tried for one agent.
const ADDRESSES: u32 = 16;

pub(super) struct Standing {
    table: Table,
    subnet: Subnet,
    resolvers: Vec<IpAddr>,
    held: BTreeMap<AgentId, Ipv4Addr>,
    /// Where the search for a free address goes on.
    next: u32,
}

impl Standing {
    pub(super) fn new(
        table: Table,
        subnet: Subnet,
        resolvers: Vec<IpAddr>,
        admitted: BTreeMap<AgentId, Addresses>,
    ) -> Self {
        let held = admitted.into_iter();
        Self {
            table,
            resolvers,
            subnet,
            held: held
                .filter_map(|(agent, has)| Some((agent, has.v4?)))
                .collect(),
            next: 0,
        }
    }

    pub(super) fn agents(&self) -> Vec<AgentId> {
        self.held.keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// For the end: nobody is admitted any more.
    pub(super) async fn remove_rules(&self) -> Result<(), NetworkError> {
        self.table.remove().await
    }

    /// Lets an agent reach what its policy allows, from the address that is returned.
    pub(super) async fn admit(
        &mut self,
        agent: AgentId,
        policy: &NetworkPolicy,
        services: Vec<SocketAddr>,
    ) -> Result<Ipv4Addr, NetworkError> {
        let mut admission = Admission {
            addresses: Addresses::default(),
            services,
            resolvers: self.resolvers.clone(),
            policy: policy.clone(),
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let address = self.address_for(agent)?;
            admission.addresses.v4 = Some(address);
            match self.table.admit(agent, &admission).await {
                Ok(()) => {
                    self.held.insert(agent, address);
                    return Ok(address);
                }
                Err(NetworkError::Taken { .. }) if tries < ADDRESSES => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The one it has, or the next that nobody has.
    fn address_for(&mut self, agent: AgentId) -> Result<Ipv4Addr, NetworkError> {
        if let Some(address) = self.held.get(&agent) {
            return Ok(*address);
        }
        let taken: BTreeSet<Ipv4Addr> = self.held.values().copied().collect();
        let room = self.subnet.hosts();
        for _ in 0..room {
            let address = self.subnet.host(self.next);
            self.next = (self.next + 1) % room;
            if !taken.contains(&address) {
                return Ok(address);
            }
        }
        Err(NetworkError::Transient(format!(
            "all {room} addresses of {} are taken",
            self.subnet
        )))
    }

    /// Its address is free, and reaches nothing. Rules that somebody else removed are
    /// gone already.
    pub(super) async fn withdraw(&mut self, agent: AgentId) -> Result<(), NetworkError> {
        match self.table.withdraw(agent).await {
            Ok(()) | Err(NetworkError::Gone { .. }) => {
                self.held.remove(&agent);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
