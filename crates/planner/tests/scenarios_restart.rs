//! A daemon that starts again: agents and attempts in every phase, as the ledger kept
//! them, and what is done about each.
//!
//! A crash is played by taking what the world says must be written, throwing the world
//! away, and starting another one on it with a new epoch.

mod common;

use std::time::Duration;

use common::{OWNER, Scenario, agent, job, source};
use headcount_model::{
    AgentPhase, AgentRecord, Answer, AttemptPhase, Exit, InstanceState, JobEnd, Settlement,
    TroubleKind,
};
use headcount_planner::{News, Restored, World};

const ONE: &str = "scaler d max=3 labels=linux";

fn in_phase(s: &Scenario, phase: AgentPhase) -> AgentRecord {
    let mut record = s.kept().0.remove(0);
    record.phase = phase;
    record
}

fn created() -> Scenario {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    s
}

#[test]
fn a_running_job_goes_on_when_its_agent_comes_back() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    let mut s = s.restart(ONE);
    assert_eq!(
        s.plan(),
        "list bare-metal: facts_missing\n\
         refresh queue: facts_missing\n\
         wake in 120s: recovery_deadline"
    );
    s.ok_all();
    assert_eq!(s.agents(), "a-1-1 ready: connection_lost");
    assert_eq!(s.resume(1, &[(1, 1)]), Answer::Applied);
    assert_eq!(s.plan(), "");
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok_all();
    assert_eq!(s.ends(), "job-1 succeeded");
}

#[test]
fn an_agent_that_died_meanwhile_loses_its_job_by_the_list() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    let mut s = s.restart(ONE);
    s.outside.instances.clear();
    s.plan();
    s.ok_all();
    assert_eq!(s.plan(), "complete job-1: agent_lost");
}

#[test]
fn an_agent_that_does_not_come_back_is_lost_after_the_recovery_time() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    let mut s = s.restart(ONE);
    s.plan();
    s.ok_all();
    s.wait(Duration::from_secs(120));
    assert_eq!(s.plan(), "destroy a-1-1: agent_lost");
}

#[test]
fn an_offer_that_was_made_is_made_again_or_goes_back() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    let mut again = s.restart(ONE);
    again.plan();
    again.ok_all();
    again.resume(1, &[]);
    assert_eq!(again.plan(), "assign job-1 attempt 1 to a-1-1: assigning");

    let mut silent = s.restart(ONE);
    silent.plan();
    silent.ok_all();
    assert_eq!(silent.plan(), "wake in 10s: claim_deadline");
    assert_eq!(
        silent.wake().plan().lines().next(),
        Some("return job-1: slot_gone")
    );
}

#[test]
fn a_job_taken_and_not_offered_waits_again() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.ok("take");
    let mut s = s.restart(ONE);
    s.plan();
    s.ok_all();
    s.resume(1, &[]);
    assert_eq!(
        s.plan().lines().next(),
        Some("take 1 of [linux] from queue: assigning")
    );
}

#[test]
fn what_a_source_was_not_told_it_is_told() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.exit(1, 1, 1, 0);
    s.plan();
    let mut s = s.restart(ONE);
    assert!(s.plan().contains("complete job-1: done"));
    s.ok_all();
    assert_eq!(s.ends(), "job-1 succeeded");
}

#[test]
fn an_attempt_whose_agent_is_not_known_is_lost_at_once() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    let (_, attempts) = s.kept();
    let mut s = s.restart_on(ONE, Vec::new(), attempts);
    assert!(s.plan().contains("complete job-1: agent_lost"));
}

#[test]
fn a_creation_that_was_cut_short_is_looked_up() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    let mut gone = s.restart(ONE);
    gone.plan();
    gone.ok_all();
    assert_eq!(gone.world.agents().count(), 0);
    let failures = gone.world.pools().next().map(|pool| pool.backoff.failures);
    assert_eq!(failures, Some(0), "nobody knows that it was tried");

    s.ok("create");
    let record = in_phase(&s, AgentPhase::Creating);
    let mut made = s.restart_on(ONE, vec![record], Vec::new());
    made.plan();
    made.ok_all();
    assert_eq!(made.in_phase(AgentPhase::Starting), [1]);
    assert_eq!(made.register(1), Answer::Applied);
}

/// What stands of a creation that was cut short; the failures its end counts as.
fn found_after_a_cut(state: InstanceState) -> (String, Option<u32>) {
    let mut s = created();
    let record = in_phase(&s, AgentPhase::Creating);
    for (_, stands) in s.outside.instances.values_mut() {
        *stands = state;
    }
    let mut s = s.restart_on(ONE, vec![record], Vec::new());
    s.plan();
    s.ok_all();
    let next = s.plan().lines().next().unwrap_or_default().to_owned();
    let failures = s.world.pools().next().map(|pool| pool.backoff.failures);
    (next, failures)
}

#[test]
fn what_was_left_half_made_is_cleaned_up_and_is_no_failed_launch() {
    let (next, failures) = found_after_a_cut(InstanceState::Ended(Exit::Unknown));
    assert_eq!(next, "destroy a-1-1: ended_itself");
    assert_eq!(failures, Some(0), "nobody knows that it failed");
    let (next, failures) = found_after_a_cut(InstanceState::Ended(Exit::Code(127)));
    assert_eq!(next, "destroy a-1-1: ended_itself");
    assert_eq!(failures, Some(1), "it ran and failed");
}

/// A daemon that finds its only agent unfinished, in this phase.
fn finds_unfinished(phase: AgentPhase, config: &str) -> Scenario {
    let mut s = created();
    let record = in_phase(&s, phase);
    for (_, stands) in s.outside.instances.values_mut() {
        *stands = InstanceState::Unfinished;
    }
    let mut s = s.restart_on(config, vec![record], Vec::new());
    s.plan();
    s.ok_all();
    s
}

#[test]
fn what_was_left_unfinished_is_asked_for_again_and_is_the_same_agent() {
    let mut s = finds_unfinished(AgentPhase::Creating, ONE);
    assert_eq!(
        s.plan().lines().next(),
        Some("create a-1-1 in d/linux: demand_waiting")
    );
    assert_eq!(s.in_phase(AgentPhase::Creating), [1]);
    let once = "linux wait: 1 agent_starting in d/linux";
    assert_eq!(s.plan(), once);
    s.ok("create");
    assert_eq!(s.register(1), Answer::Applied);
    assert_eq!(s.world.agents().count(), 1);
}

#[test]
fn what_was_left_unfinished_and_nobody_wants_is_cleaned_up() {
    let mut s = finds_unfinished(AgentPhase::Creating, "scaler d max=0 labels=linux");
    assert_eq!(
        s.plan().lines().next(),
        Some("destroy a-1-1: create_failed")
    );
    // A list of the same daemon said before that it would go on by itself.
    let mut s = finds_unfinished(AgentPhase::Starting, ONE);
    assert_eq!(s.plan().lines().next(), Some("destroy a-1-1: ended_itself"));
    let failures = s.world.pools().next().map(|pool| pool.backoff.failures);
    assert_eq!(failures, Some(0), "no launch has failed");
}

#[test]
fn what_is_unfinished_after_this_daemon_was_told_of_trouble_is_a_failed_launch() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.fail("create", TroubleKind::Unknown)
        .stranger(1, "d/linux");
    for (_, stands) in s.outside.instances.values_mut() {
        *stands = InstanceState::Unfinished;
    }
    s.plan();
    s.ok_all();
    assert_eq!(s.plan().lines().next(), Some("destroy a-1-1: ended_itself"));
    let failures = s.world.pools().next().map(|pool| pool.backoff.failures);
    assert_eq!(failures, Some(1));
}

#[test]
fn a_launch_is_not_late_because_no_daemon_ran() {
    let s = created();
    let (agents, attempts) = s.kept();
    let mut late = s.restart_on(ONE, agents.clone(), attempts.clone());
    let _ = late.wait(Duration::from_secs(3600));
    // An hour later, not an hour of launching: the record is restored then.
    let mut later = Scenario::restored(ONE, Vec::new(), Vec::new());
    later.outside = late.outside.clone();
    later.now = late.now;
    later.world = World::new();
    let restored = Restored {
        owner: OWNER.into(),
        epoch: 2,
        sources: vec![source().into()],
        agents,
        attempts,
        drained_pools: Vec::new(),
    };
    later.tell(News::Restored(Box::new(restored)));
    later.configure(ONE);
    later.plan();
    later.ok_all();
    assert_eq!(later.in_phase(AgentPhase::Starting), [1]);
    assert_eq!(
        later.plan().lines().last(),
        Some("wake in 300s: launch_deadline")
    );
}

#[test]
fn a_destruction_that_was_cut_short_is_repeated() {
    let s = created();
    let record = in_phase(&s, AgentPhase::Destroying);
    let mut s = s.restart_on(ONE, vec![record], Vec::new());
    assert!(s.plan().contains("destroy a-1-1: ended_itself"));
}

#[test]
fn a_lost_attempt_is_settled_once_its_agent_is_gone() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.disconnect(1);
    s.wait(Duration::from_secs(120)).plan();
    let mut s = s.restart(ONE);
    assert_eq!(s.taken(), "job-1 lost on a-1-1 attempt 1");
    assert!(s.plan().contains("destroy a-1-1: agent_lost"));
    s.ok_all();
    assert_eq!(s.plan(), "complete job-1: agent_lost");
}

#[test]
fn a_draining_agent_is_told_again_when_it_comes_back() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.leaving(1);
    let mut s = s.restart(ONE);
    s.plan();
    s.ok_all();
    s.resume(1, &[(1, 1)]);
    assert_eq!(s.plan(), "drain a-1-1: ended_itself");
}

#[test]
fn a_reservation_that_was_cut_short_is_repeated_or_given_back() {
    let fleet = "scaler d max=3 machine=shared labels=linux";
    let mut s = Scenario::new(fleet);
    s.jobs("linux", 1).plan();
    let mut repeated = s.restart(fleet);
    assert!(
        repeated
            .plan()
            .contains("reserve a-1-1 in d/linux: demand_waiting")
    );

    let mut removed = s.restart("scaler e labels=mac");
    assert!(removed.plan().contains("release a-1-1 in shared: done"));
    removed.ok_all();
    assert_eq!(removed.world.agents().count(), 0);
}

#[test]
fn a_release_that_was_cut_short_is_repeated() {
    let fleet = "scaler d max=3 machine=shared labels=linux";
    let mut s = Scenario::new(fleet);
    s.jobs("linux", 1).plan();
    let record = in_phase(&s, AgentPhase::Releasing);
    let mut s = s.restart_on(fleet, vec![record], Vec::new());
    assert!(s.plan().contains("release a-1-1 in shared: done"));
}

#[test]
fn a_release_with_nothing_to_release_is_over() {
    let s = created();
    let record = in_phase(&s, AgentPhase::Releasing);
    let mut s = s.restart_on(ONE, vec![record], Vec::new());
    assert_eq!(s.world.agents().count(), 0);
    assert_eq!(s.world.take_changes().agents_gone, [agent(1)]);
}

#[test]
fn until_backend_and_source_answer_nobody_leaves() {
    let mut s = Scenario::new("scaler d labels=linux keep=2");
    s.bring_up();
    let mut s = s.restart(ONE);
    s.plan();
    s.resume(1, &[]);
    s.resume(2, &[]);
    s.plan();
    assert_eq!(
        s.agents(),
        "a-1-1 ready: facts_stale\na-1-2 ready: facts_stale"
    );
    s.ok("list").plan();
    assert_eq!(
        s.agents(),
        "a-1-1 ready: facts_stale\na-1-2 ready: facts_stale"
    );
    s.fail("refresh", TroubleKind::Transient).plan();
    s.wake().plan();
    s.ok("refresh");
    assert_eq!(
        s.plan(),
        "drain a-1-1: surplus_idle\ndrain a-1-2: surplus_idle"
    );
}

#[test]
fn agents_of_a_pool_that_left_while_the_daemon_was_down_drain() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    let mut s = s.restart("scaler e labels=mac");
    s.plan();
    s.ok_all();
    s.resume(1, &[(1, 1)]);
    assert_eq!(s.plan(), "");
    s.exit(1, 1, 1, 0);
    assert_eq!(s.plan(), "complete job-1: done\ndrain a-1-1: pool_removed");
    s.ok_all();
    s.gone(1, Exit::Code(0));
    assert_eq!(s.world.pools().count(), 1);
}

#[test]
fn an_operators_drain_outlives_a_restart() {
    let pool = headcount_model::PoolName::new("d/linux");
    let restored = Restored {
        owner: OWNER.into(),
        epoch: 2,
        sources: vec![source().into()],
        agents: Vec::new(),
        attempts: Vec::new(),
        drained_pools: vec![pool],
    };
    let mut s = Scenario::new(ONE);
    s.world = World::new();
    s.tell(News::Restored(Box::new(restored)));
    s.configure(ONE);
    s.plan();
    s.ok_all();
    s.jobs("linux", 1);
    assert_eq!(
        s.plan().lines().next(),
        Some("linux wait: 1 pool_draining in d/linux")
    );
}

#[test]
fn a_world_that_knows_something_is_not_restored() {
    let mut s = created();
    let restored = Restored {
        owner: OWNER.into(),
        epoch: 2,
        sources: Vec::new(),
        agents: Vec::new(),
        attempts: Vec::new(),
        drained_pools: Vec::new(),
    };
    let answer = s.tell(News::Restored(Box::new(restored)));
    assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
}

#[test]
fn what_is_written_down_is_what_a_restart_believes() {
    let mut s = Scenario::new("scaler d max=3 labels=linux slots=2 jobs=9");
    s.jobs_with("linux", 3, |queued| queued.info.retries_left = 2)
        .run();
    s.cancel(2);
    let before = s.kept();
    let after = s
        .restart("scaler d max=3 labels=linux slots=2 jobs=9")
        .kept();
    assert_eq!(before, after);
    let cancelled = after.1.iter().find(|attempt| attempt.job == job(2));
    assert!(cancelled.is_some_and(|attempt| attempt.cancel_requested));
}

#[test]
fn changes_are_written_once_and_whole() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.world.take_changes();
    s.exit(1, 1, 1, 0);
    let changes = s.world.take_changes();
    let phases: Vec<_> = changes.attempts.iter().map(|a| a.phase.clone()).collect();
    let done = AttemptPhase::Settling(Settlement::Complete(JobEnd::Succeeded));
    assert_eq!(phases, [done]);
    assert_eq!(changes.agents.len(), 1, "it has done one job more");
    assert!(s.world.take_changes().is_empty());
    s.plan();
    s.ok("complete");
    assert_eq!(s.world.take_changes().attempts_settled, [(job(1), 1)]);
}
