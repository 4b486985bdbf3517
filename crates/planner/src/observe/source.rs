//! What sources tell: how classes stand, and what should stop.

use alloc::sync::Arc;
use alloc::vec::Vec;

use headcount_model::{
    Answer, ClassCount, ClassKey, Demand, Refusal, SourceEvent, SourceId, Timestamp, Trouble,
};

use super::moves::move_job;
use crate::lifecycle::job::JobInput;
use crate::world::{Class, ClassId};
use crate::{Effect, World};

pub(super) fn event(
    world: &mut World,
    id: &SourceId,
    event: SourceEvent,
    now: Timestamp,
) -> Answer {
    match event {
        SourceEvent::Demand {
            sample,
            class,
            count,
        } => {
            if class.source != *id || !newer(world, id, sample) {
                return Answer::Known;
            }
            set_count(world, &class, count);
            Answer::Applied
        }
        SourceEvent::CancelRequested(job) => {
            let theirs = world.jobs.get(&job).is_some_and(|job| job.source == *id);
            if theirs {
                move_job(world, job, JobInput::Cancel, now)
            } else {
                Answer::Refused(Refusal::NotYours)
            }
        }
        SourceEvent::Unknown(message) => {
            let Some(facts) = world.sources.get_mut(id) else {
                return Answer::Refused(Refusal::Contradiction);
            };
            facts.fresh = false;
            facts.trouble = Some(message);
            Answer::Applied
        }
    }
}

/// Whether this sample is the newest yet; an older one that arrives late says nothing.
pub(super) fn newer(world: &mut World, id: &SourceId, sample: u64) -> bool {
    let Some(facts) = world.sources.get_mut(id) else {
        return false;
    };
    let newer = sample > facts.sample;
    if newer {
        facts.sample = sample;
    }
    newer
}

/// The answer to a refresh: all classes as they stand.
pub(super) fn refreshed(
    world: &mut World,
    id: &SourceId,
    result: Result<Demand, Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(facts) = world.sources.get_mut(id) else {
        return Answer::Refused(Refusal::Contradiction);
    };
    let demand = match result {
        Ok(demand) => demand,
        Err(trouble) => {
            let tries = facts.refreshing.tries() + 1;
            facts.refreshing = Effect::RetryAt(super::answered::retry_at(tries, now), tries);
            facts.fresh = false;
            facts.trouble = Some(trouble.message);
            return Answer::Applied;
        }
    };
    facts.refreshing = Effect::None;
    facts.fresh = true;
    facts.trouble = None;
    // Events newer than this snapshot were taken in already; they stand.
    if demand.sample < facts.sample {
        return Answer::Known;
    }
    facts.sample = demand.sample;
    let keys = world.classes.values().map(|class| class.key.clone());
    let absent: Vec<Arc<ClassKey>> = keys.filter(|key| key.source == *id).collect();
    for key in absent {
        if !demand.classes.iter().any(|(listed, _)| *listed == *key) {
            set_count(world, &key, ClassCount::default());
        }
    }
    for (key, count) in demand.classes {
        set_count(world, &key, count);
    }
    Answer::Applied
}

/// A class stands like this now. Classes in which nothing waits are forgotten.
pub(super) fn set_count(world: &mut World, key: &ClassKey, count: ClassCount) {
    let id = match world.class_ids.get(key) {
        Some(id) => *id,
        None if count.waiting == 0 => return,
        None => intern(world, key),
    };
    if let Some(class) = world.classes.get_mut(&id) {
        class.count = count;
    }
    forget_empty(world, id);
}

/// Forgets a class in which nothing waits and nothing is being taken or ended.
pub(super) fn forget_empty(world: &mut World, id: ClassId) {
    let Some(class) = world.classes.get(&id) else {
        return;
    };
    let taking = world.takes.values().any(|take| take.class == id);
    if class.count.waiting == 0 && !taking && class.ending != Effect::InFlight {
        let key = class.key.clone();
        world.classes.remove(&id);
        world.class_ids.remove(&key);
    }
}

fn intern(world: &mut World, key: &ClassKey) -> ClassId {
    let id = ClassId(world.next_class);
    world.next_class += 1;
    let key = Arc::new(key.clone());
    let candidates = crate::fit::candidates(world, &key);
    world.class_ids.insert(key.clone(), id);
    let class = Class {
        id,
        key,
        count: ClassCount::default(),
        candidates,
        ending: Effect::None,
        standing: Vec::new(),
    };
    world.classes.insert(id, class);
    id
}
