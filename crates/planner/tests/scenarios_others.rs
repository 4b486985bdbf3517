//! Instances of other owners: watched by policy, and removed when their leases are over by
//! the clock and were seen to stand still; never before.

mod common;

use std::time::Duration;

use common::{OWNER, Scenario, agent};
use headcount_model::{
    AgentId, Answer, BackendId, InstanceState, LeasedInstance, OwnerId, Refusal, Timestamp,
    TroubleKind,
};
use headcount_planner::{Answered, News, Operator};

/// Leases end after 20 s, and 12 s later whoever stays is removed; lists are 5 s apart.
const FLEET: &str = "scaler d max=5 labels=linux reap-others=12";
const POLICY_OFF: &str = "scaler d max=5 labels=linux";
const REAP: &str = "reap a-1-7 of owner them in bare-metal";
const LEASE: u64 = 20;

/// One instance of another owner that has just renewed its lease, and is listed.
fn watching(ahead: i64) -> Scenario {
    let mut s = Scenario::new(FLEET);
    s.other("them", 7, "d/linux", LEASE, ahead);
    s.outside.pending.clear();
    s.operator(Operator::Look);
    s.plan();
    s.ok_all();
    s
}

/// Plays until it is reaped or `seconds` are over. How long that took.
fn reaped_after(s: &mut Scenario, seconds: u64) -> Option<u64> {
    let begun = s.now;
    loop {
        // What is listed is answered, and planned with at once.
        let mut orders = s.plan();
        if orders.contains("list others") && !orders.contains(REAP) {
            s.ok_all();
            orders = s.plan();
        }
        if orders.contains(REAP) {
            return Some(s.now.since(begun).as_secs());
        }
        s.ok_all();
        match s.last.wake_at {
            Some(wake) if wake.at.since(begun).as_secs() <= seconds => s.now = wake.at,
            _ => return None,
        }
    }
}

fn whose(owner: &str, number: u32) -> (OwnerId, AgentId) {
    (owner.into(), agent(number))
}

#[test]
fn nobody_is_listed_or_woken_without_a_policy() {
    let mut s = Scenario::new(POLICY_OFF);
    s.other("them", 7, "d/linux", LEASE, 0);
    assert_eq!(s.plan(), "");
    assert_eq!(reaped_after(&mut s, 10_000), None);
}

#[test]
fn others_are_listed_at_a_bounded_pace_and_once_at_a_time() {
    let mut s = Scenario::started(FLEET);
    assert!(s.plan().contains("list others in bare-metal: lease_watch"));
    s.wait(Duration::from_secs(60));
    assert!(!s.plan().contains("list others"), "one is under way");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 5s: lease_watch");
    s.configure("scaler d max=5 labels=linux reap-others=3600");
    assert_eq!(s.plan(), "wake in 300s: lease_watch");
}

#[test]
fn who_does_not_renew_is_reaped_once_the_lease_and_the_grace_are_over() {
    let mut s = watching(0);
    assert_eq!(s.others(), ["a-1-7 of them"]);
    assert_eq!(reaped_after(&mut s, 600), Some(35), "the look after 32 s");
    s.ok(REAP);
    assert_eq!(s.others(), [""; 0]);
    assert!(s.outside.others.is_empty());
    assert_eq!(s.world.agents().count(), 0);
}

#[test]
fn who_renews_is_left_alone_and_forgotten_time_does_not_come_back() {
    let mut s = watching(0);
    for _ in 0..50 {
        assert_eq!(reaped_after(&mut s, 18), None);
        s.renew("them", 7, 0);
    }
    let left = reaped_after(&mut s, 600).unwrap();
    assert!((32..=40).contains(&left), "{left}");
}

/// A clock that is ahead by hours says that leases are over which have just begun.
#[test]
fn no_clock_reaps_who_renews() {
    for ahead in [-600, -60, 0, 60, 7200] {
        let mut s = watching(ahead);
        for _ in 0..50 {
            assert_eq!(reaped_after(&mut s, 15), None, "ahead by {ahead}");
            s.renew("them", 7, ahead);
        }
    }
}

#[test]
fn a_clock_that_is_behind_waits_for_its_own_end_of_the_lease() {
    let mut s = watching(600);
    assert_eq!(reaped_after(&mut s, 10_000), Some(632));
}

#[test]
fn a_clock_that_is_ahead_waits_until_it_has_seen_for_itself() {
    let mut s = watching(-100_000);
    assert_eq!(reaped_after(&mut s, 10_000), Some(35));
}

/// Time that passes at once was not watched.
#[test]
fn a_clock_that_jumps_has_seen_nothing() {
    let mut s = watching(0);
    s.wait(Duration::from_secs(100_000));
    assert!(!s.plan().contains(REAP));
    s.ok_all();
    s.renew("them", 7, 0);
    assert_eq!(reaped_after(&mut s, 15), None);
}

#[test]
fn a_list_that_fails_proves_nothing_and_takes_nothing_back() {
    let mut s = watching(0);
    assert_eq!(reaped_after(&mut s, 20), None);
    s.wake().plan();
    s.fail("list others", TroubleKind::Transient);
    assert_eq!(s.others(), ["a-1-7 of them"]);
    assert!(s.plan().contains("wake in 0.2s: retry"));
    let facts = s.world.backends().next().unwrap();
    assert_eq!(facts.others.trouble.as_deref(), Some("it did not work"));
    assert!(!facts.others.fresh);
    s.wake();
    let left = reaped_after(&mut s, 600).unwrap();
    assert!((5..=20).contains(&left), "{left} s more");
}

#[test]
fn while_every_list_fails_nobody_is_reaped() {
    let mut s = watching(0);
    for _ in 0..200 {
        let orders = s.plan();
        assert!(!orders.contains(REAP), "{orders}");
        if orders.contains("list others") {
            s.fail("list others", TroubleKind::Unknown).plan();
        }
        s.wake();
    }
}

#[test]
fn who_renewed_meanwhile_is_spared_and_seen_for_the_first_time() {
    let mut s = watching(0);
    reaped_after(&mut s, 600).unwrap();
    s.renew("them", 7, 0);
    s.ok(REAP);
    assert_eq!(s.others(), [""; 0], "forgotten until it is listed again");
    let left = reaped_after(&mut s, 600).unwrap();
    assert!((32..=42).contains(&left), "{left}");
}

#[test]
fn a_removal_that_fails_is_quarantined_and_its_end_must_be_said_twice() {
    let mut s = watching(0);
    reaped_after(&mut s, 600).unwrap();
    let mut tries = 0;
    while s.others() != ["a-1-7 of them quarantined"] {
        s.fail(REAP, TroubleKind::Unknown);
        tries += 1;
        while !s.plan().contains(REAP) && tries < 10 {
            s.ok_all();
            s.wake();
        }
    }
    assert_eq!(tries, 10);
    let tried = s.now;
    assert!(reaped_after(&mut s, 600).is_some(), "tried on");
    assert!(s.now.since(tried) >= Duration::from_secs(300), "seldom");
    s.outside.others.clear();
    s.ok(REAP);
    assert_eq!(s.others(), ["a-1-7 of them quarantined"], "said once");
    assert!(reaped_after(&mut s, 600).is_some());
    s.ok(REAP);
    assert_eq!(s.others(), [""; 0], "said twice");
}

#[test]
fn who_is_renewed_while_it_is_quarantined_is_left_alone() {
    let mut s = watching(0);
    reaped_after(&mut s, 600).unwrap();
    s.fail(REAP, TroubleKind::Unknown);
    s.renew("them", 7, 0);
    s.operator(Operator::Look);
    s.plan();
    s.outside
        .pending
        .retain(|order| order.to_string().starts_with("list"));
    s.ok_all();
    assert_eq!(s.others(), ["a-1-7 of them"]);
    assert_eq!(reaped_after(&mut s, 15), None);
}

#[test]
fn a_policy_that_is_taken_out_forgets_them() {
    let mut s = watching(0);
    assert_eq!(reaped_after(&mut s, 30), None);
    s.configure(POLICY_OFF);
    assert_eq!(s.others(), [""; 0]);
    assert_eq!(reaped_after(&mut s, 10_000), None);
    s.configure(FLEET);
    assert_eq!(reaped_after(&mut s, 30), None, "begun anew");
    assert!(reaped_after(&mut s, 600).is_some());
}

#[test]
fn other_pools_and_other_owners_without_a_policy_are_not_known() {
    let mut s = watching(0);
    s.other("them", 8, "d/windows", LEASE, -1000);
    s.other("them", 9, "e/linux", LEASE, -1000);
    assert!(reaped_after(&mut s, 600).is_some());
    assert_eq!(s.others(), ["a-1-7 of them removing"]);
}

#[test]
fn what_is_others_counts_in_no_cap_of_ours() {
    let mut s = Scenario::new("fleet max=1\nscaler d max=1 labels=linux reap-others=12");
    s.other("them", 7, "d/linux", LEASE, 0);
    s.operator(Operator::Look);
    s.plan();
    s.ok_all();
    s.jobs("linux", 1);
    assert!(s.plan().contains("create a-1-1 in d/linux"));
}

#[test]
fn a_list_that_shows_our_own_as_anothers_is_refused() {
    let mut s = watching(0);
    s.operator(Operator::Look);
    s.plan();
    let (owner, agent) = whose(OWNER, 1);
    let own = LeasedInstance {
        owner,
        agent,
        pool: "d/linux".into(),
        name: "headcount-ours-a-1-1".to_owned(),
        lease_until: Timestamp::ZERO,
        lease_for: Duration::from_secs(10),
        state: InstanceState::Running,
    };
    let listed = Answered::ListOthers(BackendId::new("bare-metal"), Ok(vec![own]));
    assert_eq!(
        s.tell(News::Answered(listed)),
        Answer::Refused(Refusal::Contradiction)
    );
    let facts = s.world.backends().next().unwrap();
    assert_eq!(
        facts.others.trouble.as_deref(),
        Some("it shows a-1-1 of this daemon among those of others; please report this")
    );
    assert_eq!(s.others(), ["a-1-7 of them"], "nothing is taken back");
}

#[test]
fn a_person_need_not_wait_for_what_is_seen_but_for_the_lease() {
    let mut s = watching(0);
    let reap = |number| {
        let (owner, agent) = whose("them", number);
        Operator::ReapOther(BackendId::new("bare-metal"), owner, agent)
    };
    assert_eq!(s.operator(reap(8)), Answer::Refused(Refusal::UnknownAgent));
    let early = Answer::Refused(Refusal::Contradiction);
    assert_eq!(s.operator(reap(7)), early);
    s.wait(Duration::from_secs(31));
    assert_eq!(s.operator(reap(7)), early, "the grace is not over");
    s.wait(Duration::from_secs(1));
    assert_eq!(s.operator(reap(7)), Answer::Applied);
    assert_eq!(s.operator(reap(7)), Answer::Known);
    assert!(s.plan().contains(&format!("{REAP}: lease_ended")));
}

#[test]
fn a_daemon_that_ends_begins_nothing_with_others() {
    let mut s = watching(0);
    reaped_after(&mut s, 600).unwrap();
    s.fail(REAP, TroubleKind::Transient);
    s.operator(Operator::Stop);
    assert_eq!(reaped_after(&mut s, 10_000), None);
}
