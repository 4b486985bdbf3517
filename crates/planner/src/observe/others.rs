//! What backends tell of instances of other owners, and what a person wants of them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{
    AgentId, Answer, BackendId, LeasedInstance, OtherEnd, OwnerId, Refusal, Timestamp, Trouble,
    TroubleKind,
};

use super::{answered, backend};
use crate::world::{Other, Rules};
use crate::{Effect, World};

/// Instances that are watched at one backend; of more, those whose leases end first.
const MOST_OTHERS: usize = 10_000;

/// The answer to a list. One that failed proves nothing, and takes nothing back.
pub(super) fn listed(
    world: &mut World,
    id: &BackendId,
    result: Result<Vec<LeasedInstance>, Trouble>,
    now: Timestamp,
) -> Answer {
    let fleet = Arc::clone(&world.fleet);
    let rules = Rules::of(&fleet, id);
    let nonsense = result.as_ref().ok().and_then(|all| nonsense(world, all));
    let others = &mut backend::facts(world, id).others;
    let failed = nonsense.clone().or_else(|| {
        let trouble = result.as_ref().err();
        trouble.map(|trouble| trouble.message.clone())
    });
    let (Ok(instances), None) = (result, failed.clone()) else {
        others.listing = answered::retry(others.listing, now);
        others.fresh = false;
        others.trouble = failed;
        return match nonsense {
            Some(_) => Answer::Refused(Refusal::Contradiction),
            None => Answer::Applied,
        };
    };
    let period = rules.period().unwrap_or_default();
    // Between the arrival of the one and the beginning of the next list a lease that both
    // show stood still; a gap says no more than one period.
    let step = others
        .listed_at
        .map_or(Duration::ZERO, |at| others.asked_at.since(at).min(period));
    meet(&mut others.known, &rules, instances, step, now);
    others.listing = Effect::None;
    others.fresh = !core::mem::take(&mut others.doubted);
    others.trouble = None;
    others.listed_at = Some(now);
    Answer::Applied
}

/// What cannot be true of a list: it would have us remove what is our own.
fn nonsense(world: &World, all: &[LeasedInstance]) -> Option<String> {
    let ours = world.owner.as_ref();
    let own = all.iter().find(|it| Some(&it.owner) == ours)?;
    let agent = own.agent;
    Some(format!(
        "it shows {agent} of this daemon among those of others; please report this"
    ))
}

type Known = BTreeMap<(OwnerId, AgentId), Other>;

fn meet(
    known: &mut Known,
    rules: &Rules<'_>,
    instances: Vec<LeasedInstance>,
    step: Duration,
    now: Timestamp,
) {
    let mut before = core::mem::take(known);
    for instance in watched(instances, rules) {
        let key = (instance.owner.clone(), instance.agent);
        let other = Other::met(before.remove(&key), instance, step, now);
        known.insert(key, other);
    }
    // Of who was not removed, again and again, one list that lacks it proves nothing.
    let unlisted = before.into_iter().filter_map(|(key, mut other)| {
        let ruled = rules.after(&other.instance.pool).is_some();
        let stays = other.removal.is_quarantined() && !other.removal.is_gone(now);
        (ruled && stays).then_some((key, other))
    });
    known.extend(unlisted.collect::<Vec<_>>());
}

/// Those that a policy is about, each once: of two of one name the longer lease holds.
fn watched(
    instances: Vec<LeasedInstance>,
    rules: &Rules<'_>,
) -> impl Iterator<Item = LeasedInstance> {
    let mut by_key: BTreeMap<(OwnerId, AgentId), LeasedInstance> = BTreeMap::new();
    for instance in instances {
        if instance.lease_for.is_zero() || rules.after(&instance.pool).is_none() {
            continue;
        }
        let key = (instance.owner.clone(), instance.agent);
        let known = by_key.get(&key);
        if known.is_none_or(|known| known.lease_until < instance.lease_until) {
            by_key.insert(key, instance);
        }
    }
    let mut all: Vec<LeasedInstance> = by_key.into_values().collect();
    if all.len() > MOST_OTHERS {
        all.sort_by_key(|instance| instance.lease_until);
        all.truncate(MOST_OTHERS);
    }
    all.into_iter()
}

/// Whoever was spared is forgotten: what the next list shows of it is seen for the first
/// time.
pub(super) fn reaped(
    world: &mut World,
    backend: &BackendId,
    whose: (OwnerId, AgentId),
    result: Result<OtherEnd, Trouble>,
    now: Timestamp,
) -> Answer {
    let known = &mut backend::facts(world, backend).others.known;
    let Some(other) = known.get_mut(&whose) else {
        return Answer::Known;
    };
    let over = match result {
        Ok(OtherEnd::Spared) => true,
        Ok(OtherEnd::Gone) => other.removal.answered(Ok(()), now),
        Err(trouble) if trouble.kind == TroubleKind::Gone => other.removal.answered(Ok(()), now),
        Err(trouble) => other.removal.answered(Err(trouble), now),
    };
    if over {
        known.remove(&whose);
    }
    Answer::Applied
}

/// A person does not wait until the lease was seen to stand still; before its end and the
/// grace of the policy nobody may.
pub(super) fn wanted(
    world: &mut World,
    backend: &BackendId,
    whose: &(OwnerId, AgentId),
    now: Timestamp,
) -> Answer {
    let fleet = Arc::clone(&world.fleet);
    let facts = world.backends.get_mut(backend);
    let Some(other) = facts.and_then(|facts| facts.others.known.get_mut(whose)) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    let after = Rules::of(&fleet, backend).after(&other.instance.pool);
    if after.is_none_or(|after| other.left_until(after) > now) {
        return Answer::Refused(Refusal::Contradiction);
    }
    match core::mem::replace(&mut other.removal.wanted, true) {
        true => Answer::Known,
        false => Answer::Applied,
    }
}

/// What a policy is no longer about is forgotten.
pub(super) fn configured(world: &mut World) {
    for facts in world.backends.values_mut() {
        facts.others.keep(&Rules::of(&world.fleet, &facts.id));
    }
}
