//! Looking at Jobs and pods: all of ours, or one agent's.
//!
//! Promise: reading only, and the newest state, not a cache's; what the cluster did not
//! say clearly is an error, never an absence. Pods are listed once for all agents. Leaves
//! to others: acting upon it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use headcount_model::{AgentId, Instance, InstanceState, Listing, PoolName};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::Core;
use crate::access::{ANSWER_WAIT, Place, within};
use crate::fault::{Fault, Verdict};
use crate::standing::{End, JobFacts, PodFacts, Standing, standing};

/// Objects in one page of a list.
const PAGE: u32 = 500;
/// A list whose pages expire is begun anew; so often.
const BEGINNINGS: u32 = 3;

/// All that stands under one agent's mark.
#[derive(Default)]
pub(super) struct Found {
    pub(super) pool: Option<PoolName>,
    pub(super) job: Option<JobFacts>,
    /// Oldest first, by name.
    pub(super) pods: Vec<PodFacts>,
}

impl Found {
    pub(super) fn standing(&self) -> Standing {
        let pods: Vec<&PodFacts> = self.pods.iter().collect();
        standing(self.job.as_ref(), &pods, None)
    }
}

/// Everything of ours that may run. An end that nobody was told of is told.
pub(super) async fn list(core: &Core) -> Result<Listing, Fault> {
    let place = core.access.place().await?;
    let all = survey(core, &place, &core.ours.selector()).await?;
    let mut instances = Vec::new();
    for (agent, found) in all {
        let state = match found.standing() {
            Standing::Pending(_) => InstanceState::Starting,
            Standing::Running => InstanceState::Running,
            Standing::Over(end) => {
                core.conclude(agent, end).await;
                continue;
            }
            Standing::Absent => continue,
        };
        if let Some(pool) = found.pool {
            instances.push(Instance { agent, pool, state });
        }
    }
    Ok(Listing { instances })
}

/// All that stands under the mark of this agent.
pub(super) async fn look(core: &Core, place: &Place, agent: AgentId) -> Result<Found, Fault> {
    let mut all = survey(core, place, &core.ours.selector_of(agent)).await?;
    Ok(all.remove(&agent).unwrap_or_default())
}

/// How an agent ended, where the watches did not tell all: pods and Jobs are told apart.
pub(super) async fn certain(core: &Core, agent: AgentId, end: End) -> End {
    if !end.vague {
        return end;
    }
    let looking = async {
        let place = core.access.place().await?;
        look(core, &place, agent).await
    };
    match looking.await.map(|found| found.standing()) {
        Ok(Standing::Over(certain)) => certain,
        _ => end,
    }
}

async fn survey(
    core: &Core,
    place: &Place,
    selector: &str,
) -> Result<BTreeMap<AgentId, Found>, Fault> {
    let mut all: BTreeMap<AgentId, Found> = BTreeMap::new();
    // Jobs first: a pod that comes between the two lists is then without a Job, and seen.
    for job in pages::<Job>("list Jobs", place, selector).await? {
        if let Some(mark) = core.ours.read(&job.metadata) {
            let found = all.entry(mark.agent).or_default();
            found.job = Some(JobFacts::of(&job, mark.pool.clone()));
            found.pool = Some(mark.pool);
        }
    }
    for pod in pages::<Pod>("list pods", place, selector).await? {
        if let Some(mark) = core.ours.read(&pod.metadata) {
            let found = all.entry(mark.agent).or_default();
            found.pods.push(PodFacts::of(&pod));
            found.pool.get_or_insert(mark.pool);
        }
    }
    Ok(all)
}

/// Everything that is selected, as of one moment.
async fn pages<K>(what: &str, place: &Place, selector: &str) -> Result<Vec<K>, Fault>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(place.client.clone(), &place.namespace);
    let mut beginnings = 1;
    let mut items = Vec::new();
    let mut params = ListParams::default().labels(selector).limit(PAGE);
    loop {
        match within(what, ANSWER_WAIT, api.list(&params)).await {
            Ok(page) => {
                items.extend(page.items);
                params.continue_token = page.metadata.continue_.filter(|it| !it.is_empty());
                if params.continue_token.is_none() {
                    return Ok(items);
                }
            }
            Err(fault) if fault.verdict == Verdict::Expired && beginnings < BEGINNINGS => {
                beginnings += 1;
                items.clear();
                params.continue_token = None;
            }
            Err(fault) => return Err(fault),
        }
    }
}
