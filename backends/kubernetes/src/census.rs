//! What the watches have told so far, agent by agent, and what has been told on.
//!
//! Promise: pure. Each change yields what is new for an agent, once: that it runs, that it
//! waits for something else than before, that it is over, that it vanished. Nothing is
//! concluded from half of the facts: an absence counts only while both Jobs and pods are
//! known completely. Bounded by what is in the cluster, and by [`REMEMBERED`].

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use headcount_model::{AgentId, Exit, PoolName};
use jiff::Timestamp;

use crate::standing::{End, JobFacts, PodFacts, Standing, standing};

/// Agents that ended and are remembered, so that their end is no news any more; and
/// refusals that are.
const REMEMBERED: usize = 1024;

/// Facts of one kind that came in one piece: a key that is not here is not there.
pub(crate) type Whole<T> = Vec<(AgentId, T)>;

#[derive(Default)]
pub(crate) struct Census {
    agents: HashMap<AgentId, Entry>,
    /// Why pods of a Job could not be made, by the Job's uid.
    refused: HashMap<String, String>,
    jobs_known: bool,
    pods_known: bool,
    ended: VecDeque<AgentId>,
}

#[derive(Default)]
struct Entry {
    job: Option<JobFacts>,
    /// Whether there ever was one.
    had_job: bool,
    /// By uid.
    pods: BTreeMap<String, PodFacts>,
    told: Told,
}

impl Entry {
    fn meet(&mut self, job: JobFacts) {
        self.job = Some(job);
        self.had_job = true;
    }
}

/// What has been told on of an agent.
#[derive(Default)]
struct Told {
    running: bool,
    over: bool,
    waits: Option<String>,
}

/// What is new of an agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Running(AgentId),
    /// Not yet, because of this.
    Waits(AgentId, Option<String>),
    /// Its Job is finished; to be [concluded](Census::conclude).
    Over(AgentId, End),
    /// It was removed by somebody else.
    Vanished(AgentId),
}

/// A finished Job that may be removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finished {
    pub(crate) name: String,
    pub(crate) uid: String,
}

impl Census {
    /// All Jobs there are.
    pub(crate) fn jobs(&mut self, all: Whole<JobFacts>) -> Vec<Turn> {
        self.jobs_known = true;
        for entry in self.agents.values_mut() {
            entry.job = None;
        }
        for (agent, job) in all {
            self.agents.entry(agent).or_default().meet(job);
        }
        self.look_at_all()
    }

    /// All pods there are.
    pub(crate) fn pods(&mut self, all: Whole<PodFacts>) -> Vec<Turn> {
        self.pods_known = true;
        for entry in self.agents.values_mut() {
            entry.pods.clear();
        }
        for (agent, pod) in all {
            let entry = self.agents.entry(agent).or_default();
            entry.pods.insert(pod.uid.clone(), pod);
        }
        self.look_at_all()
    }

    /// One Job as it is now.
    pub(crate) fn job(&mut self, agent: AgentId, job: JobFacts) -> Vec<Turn> {
        self.agents.entry(agent).or_default().meet(job);
        self.look_at(agent)
    }

    pub(crate) fn job_gone(&mut self, agent: AgentId, uid: &str) -> Vec<Turn> {
        self.refused.remove(uid);
        if let Some(entry) = self.agents.get_mut(&agent) {
            entry.job.take_if(|job| job.uid == uid);
        }
        self.look_at(agent)
    }

    /// One pod as it is now.
    pub(crate) fn pod(&mut self, agent: AgentId, pod: PodFacts) -> Vec<Turn> {
        let entry = self.agents.entry(agent).or_default();
        entry.pods.insert(pod.uid.clone(), pod);
        self.look_at(agent)
    }

    pub(crate) fn pod_gone(&mut self, agent: AgentId, uid: &str) -> Vec<Turn> {
        if let Some(entry) = self.agents.get_mut(&agent) {
            entry.pods.remove(uid);
        }
        self.look_at(agent)
    }

    /// A pod of this Job could not be made. The Job may be told of later, or not be ours.
    pub(crate) fn pod_refused(&mut self, job_uid: &str, why: String) -> Vec<Turn> {
        if self.refused.len() >= REMEMBERED {
            let jobs = self.agents.values().filter_map(|entry| entry.job.as_ref());
            let ours: HashSet<&str> = jobs.map(|job| job.uid.as_str()).collect();
            self.refused.retain(|uid, _| ours.contains(uid.as_str()));
        }
        if self.refused.len() < REMEMBERED {
            self.refused.insert(job_uid.to_owned(), why);
        }
        let owns = |entry: &Entry| entry.job.as_ref().is_some_and(|job| job.uid == job_uid);
        let owner = self.agents.iter().find(|(_, entry)| owns(entry));
        match owner.map(|(agent, _)| *agent) {
            Some(agent) => self.look_at(agent),
            None => Vec::new(),
        }
    }

    /// Jobs, or pods, are not known for certain until they are told in one piece again.
    pub(crate) const fn jobs_unknown(&mut self) {
        self.jobs_known = false;
    }

    pub(crate) const fn pods_unknown(&mut self) {
        self.pods_known = false;
    }

    /// Notes that an agent is over. True the first time; then it is to be told.
    pub(crate) fn conclude(&mut self, agent: AgentId) -> Conclusion {
        let entry = self.agents.entry(agent).or_default();
        let conclusion = Conclusion {
            tell_running: !entry.told.running,
            tell_over: !entry.told.over && !self.ended.contains(&agent),
        };
        entry.told.running = true;
        entry.told.over = true;
        // A list may know more than the watches do, which then catch up.
        self.end(agent);
        conclusion
    }

    /// The agent has ended, or is being ended on request: what becomes of it is no news.
    pub(crate) fn end(&mut self, agent: AgentId) {
        if self.ended.contains(&agent) {
            return;
        }
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(agent);
    }

    /// The end of an agent is news again, to somebody who makes it once more.
    pub(crate) fn untell(&mut self, agent: AgentId) {
        if let Some(entry) = self.agents.get_mut(&agent) {
            entry.told = Told::default();
        }
        self.ended.retain(|it| *it != agent);
    }

    /// Finished Jobs beyond what their pools keep, those first that ended first. Of a
    /// pool the youngest Job says how many that is.
    pub(crate) fn beyond_history(&self) -> Vec<Finished> {
        let mut pools: HashMap<&PoolName, Vec<(&JobFacts, bool)>> = HashMap::new();
        for entry in self.agents.values() {
            if let Some(job) = &entry.job {
                let of_pool = pools.entry(&job.pool).or_default();
                of_pool.push((job, entry.told.over));
            }
        }
        pools.into_values().flat_map(|jobs| beyond(&jobs)).collect()
    }

    fn look_at_all(&mut self) -> Vec<Turn> {
        let mut agents: Vec<AgentId> = self.agents.keys().copied().collect();
        agents.sort_unstable();
        agents
            .into_iter()
            .flat_map(|agent| self.look_at(agent))
            .collect()
    }

    fn look_at(&mut self, agent: AgentId) -> Vec<Turn> {
        let known = self.jobs_known && self.pods_known;
        let ended = self.ended.contains(&agent);
        let Some(entry) = self.agents.get_mut(&agent) else {
            return Vec::new();
        };
        let refused = entry
            .job
            .as_ref()
            .and_then(|job| self.refused.get(&job.uid));
        let pods: Vec<&PodFacts> = entry.pods.values().collect();
        let stands = standing(entry.job.as_ref(), &pods, refused.map(String::as_str));
        let told = &mut entry.told;
        let turn = match stands {
            Standing::Absent if known => {
                // Pods may be told of before their Job: only what was there can vanish.
                let news = entry.had_job && !told.over;
                told.over |= entry.had_job;
                if entry.pods.is_empty() {
                    self.agents.remove(&agent);
                }
                news.then_some(Turn::Vanished(agent))
            }
            Standing::Over(end) if known && !told.over => {
                told.over = ended;
                Some(Turn::Over(agent, end))
            }
            Standing::Running if !told.running && entry.job.is_some() => {
                told.running = true;
                told.waits = None;
                Some(Turn::Running(agent))
            }
            Standing::Pending(waits) if !told.running && waits != told.waits => {
                told.waits.clone_from(&waits);
                Some(Turn::Waits(agent, waits))
            }
            _ => None,
        };
        turn.filter(|_| !ended).into_iter().collect()
    }
}

/// What is left to tell of an agent that is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Conclusion {
    pub(crate) tell_running: bool,
    pub(crate) tell_over: bool,
}

/// Of the Jobs of one pool.
fn beyond(jobs: &[(&JobFacts, bool)]) -> Vec<Finished> {
    let youngest = jobs.iter().max_by_key(|(job, _)| (job.created, &job.name));
    let Some(keep) = youngest.map(|(job, _)| job.terms.keep) else {
        return Vec::new();
    };
    let mut beyond = Vec::new();
    for (success, keep) in [(true, keep.successful), (false, keep.failed)] {
        let mut over: Vec<(Option<Timestamp>, &JobFacts)> = jobs
            .iter()
            .filter(|(_, told)| *told)
            .filter_map(|(job, _)| Some((job.finished.as_ref()?, *job)))
            .filter(|(finished, _)| finished.success == success)
            .map(|(finished, job)| (finished.at, job))
            .collect();
        over.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        over.truncate(over.len().saturating_sub(keep));
        beyond.extend(over.into_iter().map(|(_, job)| Finished {
            name: job.name.clone(),
            uid: job.uid.clone(),
        }));
    }
    beyond
}

impl Turn {
    /// What can be told on as it is; an end is concluded first.
    pub(crate) fn event(self) -> Option<headcount_model::BackendEvent> {
        use headcount_model::BackendEvent;
        match self {
            Self::Running(agent) => Some(BackendEvent::Running(agent)),
            Self::Waits(agent, why) => Some(BackendEvent::Waiting(agent, why)),
            Self::Vanished(agent) => Some(BackendEvent::Gone(agent, Exit::Unknown)),
            Self::Over(..) => None,
        }
    }
}

#[cfg(test)]
mod tests;
