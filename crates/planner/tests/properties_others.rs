//! Whatever happens, no instance of another owner is ended before its lease is over, by any
//! clock; and once nobody renews, all of them are.

mod common;

use std::time::Duration;

use common::{Leased, Scenario, agent};
use headcount_model::{BackendId, LeasedInstance, TroubleKind};
use headcount_planner::{Action, Operator};
use proptest::prelude::*;

const GRACE: Duration = Duration::from_secs(12);
const POLICIES: [&str; 3] = [
    "scaler d max=5 labels=linux reap-others=12",
    "scaler d max=5 labels=linux reap-others=12\n scaler e max=2 labels=linux reap-others=4",
    "scaler d max=5 labels=linux",
];
/// Owner, agent, lease in seconds, and how far its clock is ahead of ours.
const OTHERS: [(&str, u32, u64, i64); 4] = [
    ("x", 1, 10, 0),
    ("x", 2, 60, -500),
    ("y", 1, 20, 300),
    ("z", 3, 10, -20),
];

#[derive(Clone, Copy, Debug)]
enum Event {
    Plan,
    Ok(u8),
    OkAll,
    Fail(u8, bool),
    Renew(u8),
    Seconds(u16),
    Wake,
    Look,
    Want(u8),
    Policy(u8),
}

fn event() -> impl Strategy<Value = Event> {
    use Event as E;
    prop_oneof![
        8 => Just(E::Plan),
        4 => any::<u8>().prop_map(E::Ok),
        8 => Just(E::OkAll),
        2 => any::<(u8, bool)>().prop_map(|(n, unknown)| E::Fail(n, unknown)),
        3 => any::<u8>().prop_map(E::Renew),
        6 => (0..40_u16).prop_map(E::Seconds),
        1 => (0..2000_u16).prop_map(E::Seconds),
        8 => Just(E::Wake),
        1 => Just(E::Look),
        1 => any::<u8>().prop_map(E::Want),
        1 => any::<u8>().prop_map(E::Policy),
    ]
}

/// One of the others, by chance.
fn one(n: u8) -> (&'static str, u32, u64, i64) {
    OTHERS[usize::from(n) % OTHERS.len()]
}

fn begun() -> Scenario {
    let mut s = Scenario::new(POLICIES[0]);
    for (owner, number, lease, ahead) in OTHERS {
        s.other(owner, number, "d/linux", lease, ahead);
    }
    s
}

fn happen(s: &mut Scenario, event: Event) {
    use Event as E;
    match event {
        E::Plan => decide(s),
        E::Ok(n) => {
            if let Some(order) = order(s, n) {
                carry_out(s, &order);
            }
        }
        E::OkAll => {
            while let Some(order) = order(s, 0) {
                carry_out(s, &order);
            }
        }
        E::Fail(n, unknown) => {
            let kind = match unknown {
                true => TroubleKind::Unknown,
                false => TroubleKind::Transient,
            };
            if let Some(order) = order(s, n) {
                s.fail(&order, kind);
            }
        }
        E::Renew(n) => {
            let (owner, number, _, ahead) = one(n);
            s.renew(owner, number, ahead);
        }
        E::Seconds(n) => drop(s.wait(Duration::from_secs(n.into()))),
        E::Wake => {
            if let Some(wake) = s.last.wake_at {
                s.now = s.now.max(wake.at);
            }
        }
        E::Look => drop(s.operator(Operator::Look)),
        E::Want(n) => {
            let (owner, number, ..) = one(n);
            let backend = BackendId::new("bare-metal");
            s.operator(Operator::ReapOther(backend, owner.into(), agent(number)));
        }
        E::Policy(n) => drop(s.configure(POLICIES[usize::from(n) % POLICIES.len()])),
    }
}

fn order(s: &Scenario, n: u8) -> Option<String> {
    let pending = &s.outside.pending;
    let at = usize::from(n) % pending.len().max(1);
    pending.get(at).map(ToString::to_string)
}

/// What is decided to be ended was not renewed for a whole lease and the grace, unless a
/// person wishes it.
fn decide(s: &mut Scenario) {
    let before = s.outside.pending.len();
    s.plan();
    for order in s.outside.pending.iter().skip(before) {
        let Action::ReapOther { seen, .. } = order else {
            continue;
        };
        let Some(truth) = as_seen(s, seen) else {
            continue;
        };
        let whose = (seen.owner.clone(), seen.agent);
        let mut known = s.world.backends().map(|it| it.others.known.get(&whose));
        let wanted = known.any(|other| other.is_some_and(|other| other.removal.wanted));
        let stood_still = s.now.since(truth.renewed_at);
        assert!(
            wanted || stood_still >= seen.lease_for + GRACE,
            "{order}: renewed {stood_still:?} ago"
        );
    }
}

/// What is really ended has a lease that is over by our clock, whoever wished it. It may be
/// done long after it was decided, and after the policy has changed.
fn carry_out(s: &mut Scenario, order: &str) {
    let mut pending = s.outside.pending.iter();
    let reaped = pending.find(|it| it.to_string() == order);
    if let Some(Action::ReapOther { seen, .. }) = reaped
        && as_seen(s, seen).is_some()
    {
        assert!(s.now >= seen.lease_until.after(GRACE), "{order}: its lease");
    }
    s.ok(order);
}

/// The other as it truly is, if that is still what was seen: else it is spared.
fn as_seen<'s>(s: &'s Scenario, seen: &LeasedInstance) -> Option<&'s Leased> {
    let truth = s.outside.others.get(&(seen.owner.clone(), seen.agent));
    truth.filter(|truth| truth.instance == *seen)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nobody_is_ended_before_its_lease(events in prop::collection::vec(event(), 1..150)) {
        let mut s = begun();
        for event in events {
            happen(&mut s, event);
        }
        // Nobody renews any more: all are removed.
        s.configure(POLICIES[0]);
        for _ in 0..2000 {
            if s.outside.others.is_empty() {
                break;
            }
            for event in [Event::Plan, Event::OkAll, Event::Plan, Event::OkAll, Event::Wake] {
                happen(&mut s, event);
            }
        }
        prop_assert!(s.outside.others.is_empty(), "{:?}", s.outside.others);
    }
}
