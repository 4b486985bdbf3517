//! The daemon dies between two steps, or in the middle of one.

use std::time::Duration;

use headcount_network::Table;

use crate::world::{Agent, METADATA, PRIVATE, PUBLIC, PUBLIC_6, World};

const OPEN: &[&str] = &[PUBLIC, PUBLIC_6];

/// After each beginning of a day's steps, both agents run and nobody looks after them:
/// what the first one and the second one reach.
const STEPS: [(Step, &[&str], &[&str]); 7] = [
    (Step::Open, &[], &[]),
    (Step::AdmitFirst { deny_all: false }, OPEN, &[]),
    (Step::AdmitSecond, OPEN, &[METADATA]),
    (Step::Open, OPEN, &[METADATA]),
    (Step::AdmitFirst { deny_all: true }, &[PRIVATE], &[METADATA]),
    (Step::WithdrawFirst, &[], &[METADATA]),
    (Step::WithdrawSecond, &[], &[]),
];

#[derive(Clone, Copy)]
enum Step {
    Open,
    AdmitFirst { deny_all: bool },
    AdmitSecond,
    WithdrawFirst,
    WithdrawSecond,
}

#[tokio::test]
async fn a_crash_between_any_two_steps_leaves_nobody_with_more_than_its_policy() {
    let Some(world) = World::build() else { return };
    let (first, second) = (world.agent(2), world.agent(3));
    for end in 1..=STEPS.len() {
        world.host.nft_says("flush ruleset");
        for (step, _, _) in &STEPS[..end] {
            // A new handle each time: the one before died with its daemon.
            let table = world.table().await;
            take(*step, &table, &first, &second).await;
        }
        let (_, first_reaches, second_reaches) = STEPS[end - 1];
        first.reaches_only(first_reaches);
        second.reaches_only(second_reaches);
        assert!(!first.reaches(&second));
    }
}

async fn take(step: Step, table: &Table, first: &Agent, second: &Agent) {
    let taken = match step {
        Step::Open => return,
        Step::AdmitFirst { deny_all } => {
            let allow: &[&str] = if deny_all { &["10.9.9.9"] } else { &[] };
            table.admit(first.id, &first.with(allow, deny_all)).await
        }
        Step::AdmitSecond => {
            let metadata = second.with(&["169.254.169.254"], true);
            table.admit(second.id, &metadata).await
        }
        Step::WithdrawFirst => table.withdraw(first.id).await,
        Step::WithdrawSecond => table.withdraw(second.id).await,
    };
    taken.unwrap();
}

/// Calls that are given up at every moment of their run, with the program they started:
/// the kernel then has one policy or the other, never a mixture.
#[tokio::test]
async fn a_call_that_is_cut_off_happened_wholly_or_not_at_all() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let policies = [
        agent.with(&["10.9.9.9", "fd09::/64", "10.1.0.0/16"], true),
        agent.with(&["192.168.0.0/16"], false),
    ];
    let rules = || {
        world
            .host
            .nft_says(&format!("list table inet {}", table.name()))
    };
    let mut whole = Vec::new();
    for policy in &policies {
        table.admit(agent.id, policy).await.unwrap();
        whole.push(rules());
    }
    for step in 0..60_u64 {
        let policy = &policies[usize::from(step % 2 == 1)];
        let cut_off = Duration::from_micros(step * 500);
        let _ = tokio::time::timeout(cut_off, table.admit(agent.id, policy)).await;
        let now = rules();
        assert!(whole.contains(&now), "{now}");
    }
    table.admit(agent.id, &policies[0]).await.unwrap();
    assert_eq!(rules(), whole[0]);
}
