//! The network of a daemon's containers, and who may reach what from it.
//!
//! Promise: a container is made with an address that this daemon picked, and what that
//! address may reach is settled before the container starts; the rules stay until the
//! container is confirmed absent. Whatever is on the network without having been admitted
//! reaches nothing. Leaves to others: the rules themselves (`headcount-network`).

mod resolvers;
mod service;
mod standing;
mod subnet;

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect};
use headcount_model::{AgentId, EngineKind, NetworkPolicy, OwnerId};
use headcount_network::{NetworkError, Nft, Table};
use headcount_ports::BackendError;
use tokio::sync::Mutex;

use crate::marks::Ours;
use headcount_engines::{ANSWER_WAIT, Client, Fault, Verdict, within};
use standing::Standing;
use subnet::Subnet;

/// How the name of every network of ours, which is its bridge's, begins.
const BRIDGE_STEM: &str = "hc-";
/// Subnets that are tried before the engine's refusals are believed.
const SUBNETS: u32 = 32;

/// One backend's network.
pub(crate) struct Fence {
    ours: Ours,
    nft: Nft,
    standing: Mutex<State>,
}

enum State {
    /// Nobody has looked yet.
    Unseen,
    /// There is no network: nobody is admitted.
    Absent,
    Standing(Box<Standing>),
}

/// Where a container is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The engine's network.
    pub(crate) network: String,
    /// The container's own address in it.
    pub(crate) address: Ipv4Addr,
}

impl Fence {
    pub(crate) fn new(ours: Ours, nft: Nft) -> Self {
        Self {
            ours,
            nft,
            standing: Mutex::new(State::Unseen),
        }
    }

    /// Picks an address and lets it reach what the policy allows. Idempotent: an agent
    /// keeps the address it has.
    pub(crate) async fn admit(
        &self,
        client: &Client,
        agent: AgentId,
        policy: &NetworkPolicy,
        url: Option<&str>,
    ) -> Result<Seat, BackendError> {
        let services = service::endpoints(url).await?;
        let mut state = self.standing.lock().await;
        self.stand(&mut state, client).await?;
        let State::Standing(standing) = &mut *state else {
            return Err(BackendError::Transient("there is no network".into()));
        };
        match standing.admit(agent, policy, services).await {
            Ok(address) => Ok(Seat {
                network: self.network(),
                address,
            }),
            Err(NetworkError::Gone { .. }) => {
                // The next try makes the table anew; until then nothing new starts.
                *state = State::Unseen;
                let gone = "the rules of the network were removed by somebody; they are made anew";
                Err(BackendError::Transient(gone.into()))
            }
            Err(error) => Err(refused(error)),
        }
    }

    /// Nothing of the agent is left: its address reaches nothing any more.
    pub(crate) async fn withdraw(&self, client: &Client, agent: AgentId) -> Result<(), Fault> {
        let mut state = self.standing.lock().await;
        self.look(&mut state, client).await?;
        if let State::Standing(standing) = &mut *state {
            standing.withdraw(agent).await.map_err(fault)?;
        }
        Ok(())
    }

    /// Everybody who is admitted.
    pub(crate) async fn admitted(&self, client: &Client) -> Result<Vec<AgentId>, Fault> {
        let mut state = self.standing.lock().await;
        self.look(&mut state, client).await?;
        Ok(match &*state {
            State::Standing(standing) => standing.agents(),
            State::Unseen | State::Absent => Vec::new(),
        })
    }

    /// Removes the network and its rules, if nobody is admitted.
    pub(crate) async fn close(&self, client: &Client) -> Result<(), Fault> {
        let mut state = self.standing.lock().await;
        self.look(&mut state, client).await?;
        let State::Standing(standing) = &*state else {
            return Ok(());
        };
        if !standing.is_empty() {
            return Ok(());
        }
        let network = self.network();
        let removing = client.docker.remove_network(&network);
        match within("remove the network", ANSWER_WAIT, removing).await {
            Err(fault) if fault.verdict != Verdict::Absent => return Err(fault),
            _ => {}
        }
        standing.remove_rules().await.map_err(fault)?;
        *state = State::Absent;
        Ok(())
    }

    /// The next admission looks at the engine's network again.
    pub(crate) async fn forget(&self) {
        *self.standing.lock().await = State::Unseen;
    }

    /// The network's name, which is also the bridge's: short enough for one.
    pub(crate) fn network(&self) -> String {
        format!(
            "{BRIDGE_STEM}{:012x}",
            self.ours.fingerprint() & 0xffff_ffff_ffff
        )
    }

    /// Finds out whether there is a network.
    async fn look(&self, state: &mut State, client: &Client) -> Result<(), Fault> {
        if !matches!(state, State::Unseen) {
            return Ok(());
        }
        *state = match self.inspect(client).await? {
            Some(network) => State::Standing(Box::new(self.take_over(client, &network).await?)),
            None => State::Absent,
        };
        Ok(())
    }

    /// Makes sure that there is a network.
    async fn stand(&self, state: &mut State, client: &Client) -> Result<(), BackendError> {
        self.look(state, client).await?;
        if matches!(state, State::Absent) {
            // The rules come first: on a network that is made now nobody is admitted.
            let network = self.network();
            let opened = Table::open(self.nft.clone(), &self.ours.owner, &network).await;
            opened.map_err(refused)?;
            self.create(client).await?;
            *state = State::Unseen;
            self.look(state, client).await?;
        }
        Ok(())
    }

    async fn inspect(&self, client: &Client) -> Result<Option<NetworkInspect>, Fault> {
        let network = self.network();
        let inspecting = client.docker.inspect_network(&network, None);
        match within("look at the network", ANSWER_WAIT, inspecting).await {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.verdict == Verdict::Absent => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn take_over(&self, client: &Client, found: &NetworkInspect) -> Result<Standing, Fault> {
        let network = self.network();
        let configs = found.ipam.as_ref().and_then(|ipam| ipam.config.as_ref());
        let texts = configs.into_iter().flatten();
        let subnet = texts.filter_map(|config| config.subnet.as_deref()?.parse().ok());
        let subnet: Subnet = { subnet }.next().ok_or_else(|| Fault {
            verdict: Verdict::Refused,
            message: format!("the network `{network}` is not as this daemon made it; remove it"),
        })?;
        let table = Table::open(self.nft.clone(), &self.ours.owner, &network).await;
        let table = table.map_err(fault)?;
        let admitted = table.admitted().await.map_err(fault)?;
        let resolvers = match client.kind {
            EngineKind::Podman => vec![subnet.gateway().into()],
            EngineKind::Docker | EngineKind::Any => resolvers::upstream(),
        };
        Ok(Standing::new(table, subnet, resolvers, admitted))
    }

    async fn create(&self, client: &Client) -> Result<(), Fault> {
        let mut last = None;
        for number in 0..SUBNETS {
            let subnet = Subnet::nth(self.ours.fingerprint(), number);
            if subnet.is_routed_elsewhere() {
                continue;
            }
            let creating = client.docker.create_network(self.order(subnet));
            match within("make the network", ANSWER_WAIT, creating).await {
                Ok(_) => return Ok(()),
                // Another call has been faster, or a daemon that was killed.
                Err(_) if self.inspect(client).await?.is_some() => return Ok(()),
                Err(fault)
                    if fault.message.to_lowercase().contains("overlap")
                        || fault.message.contains("already used") =>
                {
                    last = Some(fault)
                }
                Err(fault) => return Err(fault),
            }
        }
        Err(last.unwrap_or_else(|| Fault {
            verdict: Verdict::Full,
            message: "every subnet that was tried is in use on this host".into(),
        }))
    }

    fn order(&self, subnet: Subnet) -> NetworkCreateRequest {
        let options = [
            ("com.docker.network.bridge.name", self.network()),
            ("com.docker.network.bridge.enable_icc", "false".to_owned()),
        ];
        let config = IpamConfig {
            subnet: Some(subnet.to_string()),
            gateway: Some(subnet.gateway().to_string()),
            ..IpamConfig::default()
        };
        NetworkCreateRequest {
            name: self.network(),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam {
                config: Some(vec![config]),
                ..Ipam::default()
            }),
            options: Some(options.map(|(name, value)| (name.to_owned(), value)).into()),
            labels: Some(HashMap::from(self.ours.network_labels())),
            ..NetworkCreateRequest::default()
        }
    }
}

fn refused(error: NetworkError) -> BackendError {
    fault(error).as_not_done()
}

fn fault(error: NetworkError) -> Fault {
    let verdict = match &error {
        NetworkError::Missing { .. }
        | NetworkError::Permission { .. }
        | NetworkError::NotApart { .. }
        | NetworkError::Invalid(_)
        | NetworkError::Refused { .. }
        | NetworkError::Unreadable { .. } => Verdict::Refused,
        NetworkError::Taken { .. }
        | NetworkError::Gone { .. }
        | NetworkError::InUse { .. }
        | NetworkError::Transient(_)
        | NetworkError::Unknown { .. } => Verdict::Failed,
    };
    Fault {
        verdict,
        message: error.to_string(),
    }
}

/// Removes what an earlier life of this daemon left in the kernel for engines that it has no
/// use for any more; rules that may still hold somebody back stay. Called once at start.
pub async fn sweep_rules(nft: Nft, owner: OwnerId, bridges: BTreeSet<String>) {
    match headcount_network::sweep(&nft, &owner, BRIDGE_STEM, &bridges).await {
        Ok(removed) if removed.is_empty() => {}
        Ok(removed) => tracing::info!(tables = removed.join(", "), "rules nobody needs are gone"),
        // Where rules cannot be changed there are none of ours, and whoever wants some is
        // told so elsewhere.
        Err(error @ (NetworkError::Missing { .. } | NetworkError::Permission { .. })) => {
            tracing::debug!(%error, "no rules to look after");
        }
        Err(error) => tracing::warn!(%error, "rules that nobody needs may have stayed"),
    }
}

/// What is needed of this host for isolation.
///
/// # Errors
/// A sentence that says what to do.
pub async fn check_isolation(nft: &Nft) -> Result<(), String> {
    nft.check().await.map_err(|error| error.to_string())
}
