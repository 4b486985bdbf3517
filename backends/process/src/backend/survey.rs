//! Looking: what of ours exists, from records and marks together.
//!
//! Promise: what cannot be read is an error, never an absence; looking changes nothing on
//! the host. A live process that this daemon did not make is watched from then on.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headcount_model::{AgentId, Exit, Instance, InstanceState, Listing, OwnerId};
use headcount_ports::BackendError;

use super::{Core, watch};
use crate::census::Census;
use crate::cgroup::Group;
use crate::marks::{Mark, descends, origin_of};
use crate::procfs::{Handle, ProcessKey, Stat};
use crate::record::{AgentDir, Record};
use crate::table::{Body, Life, View};

/// A child of a killed daemon executes, or fails to, within this.
const BIRTH_WAIT: Duration = Duration::from_secs(5);
/// The kernel tells nobody when it does.
const BIRTH_STEP: Duration = Duration::from_millis(2);

/// What is found of one agent that is not in the table.
pub(super) enum Found {
    /// Neither directory nor process.
    Nothing,
    /// A directory in which nothing was ever started.
    Unfinished,
    /// It executes.
    Alive(Box<Body>),
    /// It has ended, and left something.
    Over(Box<Record>),
    /// It is somebody else's.
    Foreign(OwnerId),
}

/// How an instance stands that has a record.
enum Standing {
    Birth,
    Alive(ProcessKey),
    Over,
}

/// Looks for one agent. Blocking; waits for a child that is about to execute.
pub(super) fn look(core: &Core, agent: AgentId) -> Result<Found, BackendError> {
    look_until(core, agent, Instant::now() + BIRTH_WAIT)
        .map_err(|error| BackendError::Unknown(format!("cannot look for {agent}: {error}")))
}

fn look_until(core: &Core, agent: AgentId, deadline: Instant) -> io::Result<Found> {
    let dir = AgentDir::new(&core.agents, agent);
    loop {
        let record = Record::read(&dir, agent, &core.boot)?;
        let census = core.scans.fresh()?;
        let strays = core.strays(&census);
        let Some(record) = record.or_else(|| core.stray_record(agent, &strays, &census)) else {
            let found = match dir.path.exists() {
                true => Found::Unfinished,
                false => Found::Nothing,
            };
            return Ok(found);
        };
        if record.mark.owner != core.options.owner {
            return Ok(Found::Foreign(record.mark.owner));
        }
        match core.standing(&dir, &record, &strays)? {
            Standing::Birth if Instant::now() < deadline => std::thread::sleep(BIRTH_STEP),
            Standing::Birth => {
                return Err(io::Error::other("a child that was about to execute hangs"));
            }
            Standing::Alive(key) => {
                if let Some(body) = core.body(&dir, &record, key)? {
                    return Ok(Found::Alive(Box::new(body)));
                }
                // It ended under our eyes.
                return Ok(Found::Over(Box::new(record)));
            }
            Standing::Over => return Ok(Found::Over(Box::new(record))),
        }
    }
}

/// See the port.
pub(super) async fn list(core: &Arc<Core>) -> Result<Listing, BackendError> {
    let looking = core.clone();
    let looked = tokio::task::spawn_blocking(move || looking.survey()).await;
    let survey = match looked {
        Ok(Ok(survey)) => survey,
        Ok(Err(error)) => {
            return Err(BackendError::Transient(format!(
                "cannot list agents: {error}"
            )));
        }
        Err(error) => {
            return Err(BackendError::Transient(format!(
                "listing agents was cut short: {error}"
            )));
        }
    };
    for (agent, body) in survey.adopted {
        watch::adopt(core, agent, body);
    }
    let instances = survey.instances.into_values();
    let instances = instances.filter(|instance| !core.table.is_over(instance.agent));
    Ok(Listing {
        instances: instances.collect(),
    })
}

/// What a list found.
#[derive(Default)]
struct Survey {
    instances: BTreeMap<AgentId, Instance>,
    adopted: Vec<(AgentId, Body)>,
}

impl Survey {
    fn add(&mut self, mark: &Mark, state: InstanceState) {
        let (agent, pool) = (mark.agent, mark.pool.clone());
        self.instances
            .insert(agent, Instance { agent, pool, state });
    }
}

impl Core {
    /// Table first, directories next, processes last: what is made meanwhile is not missed
    /// by any of them if it was there before.
    fn survey(&self) -> io::Result<Survey> {
        let mut survey = Survey::default();
        let views = self.table.views();
        for (agent, view) in &views {
            survey.instances.insert(*agent, instance(*agent, view));
        }
        let records = self.records(&views)?;
        let census = self.scans.fresh()?;
        let strays = self.strays(&census);
        for (dir, record) in &records {
            self.add_found(&mut survey, dir, record, &strays)?;
        }
        for agent in strays.keys() {
            if views.contains_key(agent) || survey.instances.contains_key(agent) {
                continue;
            }
            if let Some(record) = self.stray_record(*agent, &strays, &census) {
                let dir = AgentDir::new(&self.agents, *agent);
                self.add_found(&mut survey, &dir, &record, &strays)?;
            }
        }
        Ok(survey)
    }

    fn add_found(
        &self,
        survey: &mut Survey,
        dir: &AgentDir,
        record: &Record,
        strays: &Strays,
    ) -> io::Result<()> {
        let agent = record.mark.agent;
        let alive = match self.standing(dir, record, strays)? {
            Standing::Over => None,
            Standing::Alive(key) => self.body(dir, record, key)?,
            // A moment more, and there is something to watch.
            Standing::Birth => match look_until(self, agent, Instant::now() + BIRTH_WAIT)? {
                Found::Alive(body) => Some(*body),
                _ => None,
            },
        };
        let state = match &alive {
            Some(_) => InstanceState::Running,
            None => InstanceState::Ended(Exit::Unknown),
        };
        survey.add(&record.mark, state);
        survey.adopted.extend(alive.map(|body| (agent, body)));
        Ok(())
    }

    /// All records of this owner of agents that are not in the table.
    fn records(&self, known: &HashMap<AgentId, View>) -> io::Result<Vec<(AgentDir, Record)>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.agents)? {
            let name = entry?.file_name();
            let agent = name.to_str().and_then(|name| name.parse::<AgentId>().ok());
            let Some(agent) = agent.filter(|agent| !known.contains_key(agent)) else {
                continue;
            };
            let dir = AgentDir::new(&self.agents, agent);
            if let Some(record) = Record::read(&dir, agent, &self.boot)?
                && record.mark.owner == self.options.owner
            {
                records.push((dir, record));
            }
        }
        Ok(records)
    }

    /// How an instance with a record stands.
    fn standing(&self, dir: &AgentDir, record: &Record, strays: &Strays) -> io::Result<Standing> {
        if let Some(key) = record.process {
            let stat = Stat::read(key.pid)?;
            let lives = stat.is_some_and(|stat| stat.key == key && stat.lives());
            return Ok(if lives {
                Standing::Alive(key)
            } else {
                Standing::Over
            });
        }
        if dir.in_birth()? {
            return Ok(Standing::Birth);
        }
        // The lock is gone: if a process came of it, it has written itself down by now.
        let agent = record.mark.agent;
        let again = Record::read(dir, agent, &self.boot)?.and_then(|record| record.process);
        if let Some(process) = again {
            let written = Record {
                process: Some(process),
                ..record.clone()
            };
            return self.standing(dir, &written, strays);
        }
        let stray = strays.get(&agent).map(|(key, _)| *key);
        Ok(stray.map_or(Standing::Over, Standing::Alive))
    }

    /// A hold on a live process; `None` when it has just ended.
    fn body(&self, dir: &AgentDir, record: &Record, key: ProcessKey) -> io::Result<Option<Body>> {
        let Some(main) = Handle::open(key)? else {
            return Ok(None);
        };
        if main.has_ended()? {
            return Ok(None);
        }
        let record = Record {
            process: Some(key),
            ..record.clone()
        };
        Ok(Some(Body::new(dir.clone(), record, main)))
    }

    /// The record of an agent of ours, or what it would say if it is lost.
    pub(super) fn find_record(&self, dir: &AgentDir, agent: AgentId) -> io::Result<Option<Record>> {
        if let Some(record) = Record::read(dir, agent, &self.boot)? {
            return Ok(Some(record));
        }
        let census = self.scans.fresh()?;
        Ok(self.stray_record(agent, &self.strays(&census), &census))
    }

    /// The eldest process that carries an instance mark of this owner, for each agent.
    fn strays(&self, census: &Census) -> Strays {
        let mut strays = Strays::new();
        for seen in &census.seen {
            let mark = seen.marks.instance.as_deref().and_then(Mark::parse);
            let Some(mark) = mark.filter(|mark| mark.owner == self.options.owner) else {
                continue;
            };
            let key = seen.stat.key;
            let (eldest, _) = strays.entry(mark.agent).or_insert((key, mark));
            if (key.start, key.pid) < (eldest.start, eldest.pid) {
                *eldest = key;
            }
        }
        strays
    }

    /// What a record would say of an agent whose record is lost, if anything of it lives.
    fn stray_record(&self, agent: AgentId, strays: &Strays, census: &Census) -> Option<Record> {
        let item = origin_of(&self.options.owner, agent);
        let descends = || {
            let mut origins = census.seen.iter().filter_map(|s| s.marks.origin.as_deref());
            origins.any(|origin| descends(origin, &item))
        };
        let mark = match strays.get(&agent) {
            Some((_, mark)) => mark.clone(),
            // Only its jobs live; the pool is not known any more.
            None if descends() => Mark {
                owner: self.options.owner.clone(),
                pool: "".into(),
                agent,
            },
            None => return None,
        };
        Some(Record {
            mark,
            group: Group::default(),
            scope: None,
            process: strays.get(&agent).map(|(key, _)| *key),
            pump: None,
        })
    }
}

/// Processes with an instance mark of ours, by agent.
type Strays = HashMap<AgentId, (ProcessKey, Mark)>;

fn instance(agent: AgentId, view: &View) -> Instance {
    let state = match view.life() {
        Life::Starting | Life::Unwanted => InstanceState::Starting,
        Life::Running => InstanceState::Running,
        Life::Ended(exit) | Life::Stuck(exit) => InstanceState::Ended(exit),
        Life::Absent => InstanceState::Ended(Exit::Unknown),
    };
    Instance {
        agent,
        pool: view.pool.clone(),
        state,
    }
}
