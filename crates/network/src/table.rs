//! The rules of one owner on one bridge, as calls.

use std::collections::BTreeMap;

use headcount_model::{AgentId, OwnerId};
use tokio::sync::Mutex;

use crate::bridged::passes_the_firewall;
use crate::nft::Complaint;
use crate::place::Place;
use crate::script::Apart;
use crate::{Addresses, Admission, NetworkError, Nft, readback, script};

/// The table of one daemon for one bridge.
///
/// Every call may be dropped at any await point: the change it was making then happened
/// wholly or not at all. Calls wait for one another; each takes at most two runs of `nft`
/// of at most ten seconds.
#[derive(Debug)]
pub struct Table {
    nft: Nft,
    place: Place,
    apart: Apart,
    /// Held from reading to writing, so that a change is made to what was read.
    turn: Mutex<()>,
}

impl Table {
    /// Makes the table, or makes it right again without letting anything through
    /// meanwhile; agents that were admitted stay so. The bridge need not exist yet, and
    /// no agent may be on it before this has succeeded. Idempotent, also as the answer to
    /// [`NetworkError::Gone`].
    ///
    /// # Errors
    /// [`NetworkError::Missing`], [`NetworkError::Permission`] and
    /// [`NetworkError::NotApart`] are for the operator; after any error, do not start
    /// agents.
    pub async fn open(nft: Nft, owner: &OwnerId, bridge: &str) -> Result<Self, NetworkError> {
        let place = Place::new(owner, bridge)?;
        let apart = lay_base(&nft, &place).await?;
        Ok(Self {
            nft,
            place,
            apart,
            turn: Mutex::new(()),
        })
    }

    /// The name under which `nft list table inet` shows the rules.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.place.table
    }

    /// Lets an agent reach what its policy allows, from the given addresses only; in
    /// place of what it was admitted with before, at once also for open connections.
    /// Called before the agent starts. Idempotent.
    ///
    /// # Errors
    /// [`NetworkError::Taken`] when another agent holds one of the addresses,
    /// [`NetworkError::Gone`] when the table must be opened again; after
    /// [`NetworkError::Unknown`] ask again.
    pub async fn admit(&self, agent: AgentId, admission: &Admission) -> Result<(), NetworkError> {
        admission.check()?;
        let _turn = self.turn.lock().await;
        let held = self.read().await?;
        if let Some(error) = taken(&held, agent, &admission.addresses) {
            return Err(error);
        }
        let before = held.get(&agent);
        let script = script::admit(&self.place, agent, admission, before);
        self.apply(&script).await
    }

    /// Takes away everything from an agent, and from no other. Called once nothing of the
    /// agent runs, or to cut it off. Idempotent: one that is not admitted is a success.
    ///
    /// # Errors
    /// [`NetworkError::Gone`] when there is no table; the agent then is not held back by
    /// anything.
    pub async fn withdraw(&self, agent: AgentId) -> Result<(), NetworkError> {
        let _turn = self.turn.lock().await;
        let held = self.read().await?;
        let Some(addresses) = held.get(&agent) else {
            return Ok(());
        };
        let script = script::withdraw(&self.place, agent, addresses);
        self.apply(&script).await
    }

    /// Who is admitted, from the kernel. Called at start and now and then: somebody who
    /// flushes the host's rules is noticed here.
    ///
    /// # Errors
    /// An error says nothing about who is admitted; it is never an empty answer.
    pub async fn admitted(&self) -> Result<BTreeMap<AgentId, Addresses>, NetworkError> {
        let _turn = self.turn.lock().await;
        self.read().await
    }

    /// Removes the table. Called when no agent is left and none will come. Idempotent.
    ///
    /// # Errors
    /// [`NetworkError::InUse`] while an agent is admitted: without the table it would
    /// reach everything.
    pub async fn remove(&self) -> Result<(), NetworkError> {
        let _turn = self.turn.lock().await;
        let held = match self.read().await {
            Err(NetworkError::Gone { .. }) => BTreeMap::new(),
            held => held?,
        };
        if !held.is_empty() {
            return Err(NetworkError::InUse {
                table: self.place.table.clone(),
                n_agents: held.len(),
            });
        }
        let script = script::remove(&self.place, self.apart);
        self.nft.apply(&script).await.map_err(Complaint::plain)
    }

    async fn read(&self) -> Result<BTreeMap<AgentId, Addresses>, NetworkError> {
        let table = &self.place.table;
        let listed = self.nft.list(&script::list(&self.place)).await;
        let listed = listed.map_err(|complaint| complaint.in_table(table))?;
        readback::agents(&listed).map_err(|what| NetworkError::Unreadable {
            table: table.clone(),
            what,
        })
    }

    async fn apply(&self, script: &str) -> Result<(), NetworkError> {
        let applied = self.nft.apply(script).await;
        applied.map_err(|complaint| complaint.in_table(&self.place.table))
    }
}

/// With a bridge table where the kernel has what that needs. A module that is not there
/// shows as something missing or as something unsupported, depending on the kernel.
async fn lay_base(nft: &Nft, place: &Place) -> Result<Apart, NetworkError> {
    let first = script::base(place, Apart::ByBridgeTable);
    let said = match nft.apply(&first).await {
        Ok(()) => return Ok(Apart::ByBridgeTable),
        Err(Complaint::NoEntry(said) | Complaint::Unsupported(said)) => said,
        Err(Complaint::Other(error)) => return Err(error),
    };
    if !passes_the_firewall(nft.bridge_settings()) {
        return Err(NetworkError::NotApart {
            bridge: place.bridge.clone(),
            said,
        });
    }
    let second = script::base(place, Apart::ByForwardChain);
    nft.apply(&second).await.map_err(Complaint::plain)?;
    Ok(Apart::ByForwardChain)
}

fn taken(
    held: &BTreeMap<AgentId, Addresses>,
    agent: AgentId,
    wanted: &Addresses,
) -> Option<NetworkError> {
    let others = held.iter().filter(|(other, _)| **other != agent);
    let mut pairs = others.flat_map(|(other, has)| has.iter().map(|address| (*other, address)));
    let (agent, address) = pairs.find(|(_, has)| wanted.iter().any(|address| address == *has))?;
    Some(NetworkError::Taken { address, agent })
}
