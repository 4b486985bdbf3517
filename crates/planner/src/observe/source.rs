//! What sources tell: how classes stand, and what should stop.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use headcount_model::{
    Answer, ClassCount, ClassKey, Demand, JobId, Refusal, SourceEvent, SourceId, Timestamp, Trouble,
};

use super::moves::move_job;
use crate::lifecycle::job::JobInput;
use crate::wants::{Patterns, Wants};
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
            let Some(facts) = world.sources.get_mut(id).filter(|_| class.source == *id) else {
                return Answer::Refused(Refusal::Contradiction);
            };
            // It can tell again: what it could not say before is asked without more delay.
            let waits = matches!(facts.refreshing, Effect::RetryAt(..));
            if waits {
                facts.refreshing = Effect::None;
            }
            match set_count(world, &class, count, sample) {
                Answer::Known if waits => Answer::Applied,
                answer => answer,
            }
        }
        SourceEvent::CancelRequested(job) => cancel(world, id, job, now),
        SourceEvent::Unknown(message) => {
            let Some(facts) = world.sources.get_mut(id) else {
                return Answer::Refused(Refusal::Contradiction);
            };
            facts.fresh = false;
            facts.doubted = true;
            facts.trouble = Some(message);
            Answer::Applied
        }
    }
}

/// A job that is not in the book may be on its way here, in the answer to a taking.
fn cancel(world: &mut World, id: &SourceId, job: JobId, now: Timestamp) -> Answer {
    if world.jobs.get(&job).is_some_and(|job| job.source == *id) {
        return move_job(world, job, JobInput::Cancel, now);
    }
    let coming = is_taking_from(world, id);
    let Some(facts) = world.sources.get_mut(id).filter(|_| coming) else {
        return Answer::Refused(Refusal::NotYours);
    };
    if facts.early_cancels.insert(job) {
        Answer::Applied
    } else {
        Answer::Known
    }
}

fn is_taking_from(world: &World, id: &SourceId) -> bool {
    let classes = world
        .takes
        .values()
        .filter_map(|take| world.classes.get(&take.class));
    classes.into_iter().any(|class| class.key.source == *id)
}

/// Jobs whose end was wanted while they were on their way are ended as they arrive; once
/// nothing is on its way, nobody waits for the others.
pub(super) fn cancel_early(world: &mut World, id: &SourceId, taken: &[JobId], now: Timestamp) {
    for job in taken {
        let Some(facts) = world.sources.get_mut(id) else {
            return;
        };
        if facts.early_cancels.remove(job) {
            move_job(world, *job, JobInput::Cancel, now);
        }
    }
    if world
        .sources
        .get(id)
        .is_some_and(|facts| facts.early_cancels.is_empty())
        || is_taking_from(world, id)
    {
        return;
    }
    if let Some(facts) = world.sources.get_mut(id) {
        facts.early_cancels.clear();
    }
}

/// The answer to a refresh: all classes as they stand. Classes of which something newer
/// was heard while it was under way stay as they are.
pub(super) fn refreshed(
    world: &mut World,
    id: &SourceId,
    result: Result<Demand, Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(facts) = world.sources.get_mut(id) else {
        return Answer::Refused(Refusal::Contradiction);
    };
    let emptied = core::mem::take(&mut facts.emptied);
    let demand = match result {
        Ok(demand) => demand,
        Err(trouble) => {
            facts.refreshing = super::answered::retry(facts.refreshing, now);
            facts.fresh = false;
            facts.trouble = Some(trouble.message);
            return Answer::Applied;
        }
    };
    facts.refreshing = Effect::None;
    facts.fresh = !facts.doubted;
    if facts.fresh {
        facts.trouble = None;
    }
    let listed: BTreeSet<&ClassKey> = demand.classes.iter().map(|(key, _)| key).collect();
    let keys = world.classes.values().map(|class| &class.key);
    let absent: Vec<Arc<ClassKey>> = keys
        .filter(|key| key.source == *id && !listed.contains(&***key))
        .cloned()
        .collect();
    for key in absent {
        set_count(world, &key, ClassCount::default(), demand.sample);
    }
    for (key, count) in &demand.classes {
        let newer = emptied.get(key).is_some_and(|at| *at > demand.sample);
        if key.source == *id && !newer {
            set_count(world, key, *count, demand.sample);
        }
    }
    Answer::Applied
}

/// A class stands like this as of this sample, unless something newer is known. Classes
/// in which nothing waits are forgotten.
pub(super) fn set_count(
    world: &mut World,
    key: &ClassKey,
    count: ClassCount,
    sample: u64,
) -> Answer {
    let id = match world.class_ids.get(key) {
        Some(id) => *id,
        None if count.waiting == 0 => return Answer::Known,
        None => intern(world, key),
    };
    let Some(class) = world.classes.get_mut(&id) else {
        return Answer::Known;
    };
    if sample < class.sample || (sample == class.sample && count == class.count) {
        return Answer::Known;
    }
    class.sample = sample;
    class.count = count;
    forget_empty(world, id);
    Answer::Applied
}

/// Forgets a class in which nothing waits and nothing is being taken or ended.
pub(super) fn forget_empty(world: &mut World, id: ClassId) {
    let Some(class) = world.classes.get(&id) else {
        return;
    };
    if class.count.waiting > 0 || class.ending.is_in_flight() || world.is_taking(id) {
        return;
    }
    let (key, sample) = (class.key.clone(), class.sample);
    world.classes.remove(&id);
    world.class_ids.remove(&key);
    if let Some(facts) = world.sources.get_mut(&key.source)
        && facts.refreshing.is_in_flight()
    {
        facts.emptied.insert(key, sample);
    }
}

fn intern(world: &mut World, key: &ClassKey) -> ClassId {
    let id = ClassId(world.next_class);
    world.next_class += 1;
    let key = Arc::new(key.clone());
    let patterns = Arc::new(Patterns::of(&key));
    let candidates = crate::fit::ranked(world, &Wants::of(world, &key, &patterns));
    world.class_ids.insert(key.clone(), id);
    let class = Class {
        id,
        key,
        count: ClassCount::default(),
        sample: 0,
        patterns,
        candidates,
        ending: Effect::None,
        counts_on: Vec::new(),
        standing: Vec::new(),
    };
    world.classes.insert(id, class);
    id
}
