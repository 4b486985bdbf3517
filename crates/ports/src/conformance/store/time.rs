//! What a time book must do.

use headcount_model::{
    Account, AgentPhase, AgentRecord, Changes, Money, PoolName, Price, TimeSpent, Timestamp, Usage,
};

use super::StoreFactory;
use super::samples::{agent, agent_id, at};
use crate::{Ledger, TimeBook, TimeSum, TimeSums};

/// A tenth of a unit an hour.
fn price() -> Price {
    Price::from_micros(100_000).expect("a price")
}

fn pool() -> PoolName {
    agent(1, AgentPhase::Ready).pool
}

fn piece(number: u32, usage: Usage, from: u64, until: u64, price: Option<Price>) -> TimeSpent {
    TimeSpent {
        agent: agent_id(number),
        pool: pool(),
        usage,
        from: at(from),
        until: at(until),
        price,
    }
}

fn doing(number: u32, usage: Usage, since: u64) -> AgentRecord {
    AgentRecord {
        account: Some(Account {
            usage,
            since: at(since),
            price: Some(price()),
            price_told: false,
        }),
        ..agent(number, AgentPhase::Ready)
    }
}

fn sums(of: &[(Usage, TimeSum)]) -> TimeSums {
    let sums = of.iter().map(|(usage, sum)| ((pool(), *usage), *sum));
    sums.collect()
}

pub(super) async fn time_is_added_up_by_pool_and_usage<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let changes = Changes {
        agents: vec![doing(1, Usage::Useful, 600), doing(3, Usage::Booting, 700)],
        time_spent: vec![
            piece(1, Usage::Booting, 100, 400, Some(price())),
            piece(1, Usage::Idle, 400, 600, Some(price())),
            piece(2, Usage::Idle, 0, 50, None),
        ],
        ..Changes::default()
    };
    store.commit(changes, None).await.expect("commit");
    let store = factory.reopen(store).await;

    let all = store.spent(Timestamp::ZERO, at(1000)).await.expect("spent");
    assert_eq!(all.from, at(0), "the book begins with its first piece");
    let idle = TimeSum {
        millis: 250,
        unpriced_millis: 50,
        money: Money::of(200, price()),
    };
    let expected = sums(&[
        (Usage::Useful, TimeSum::of(400, Some(price()))),
        (Usage::Idle, idle),
        (Usage::Booting, TimeSum::of(600, Some(price()))),
    ]);
    assert_eq!(all.sums, expected, "what is under way counts up to now");

    let some = store.spent(at(350), at(650)).await.expect("spent");
    assert_eq!(some.from, at(350));
    let expected = sums(&[
        (Usage::Useful, TimeSum::of(50, Some(price()))),
        (Usage::Idle, TimeSum::of(200, Some(price()))),
        (Usage::Booting, TimeSum::of(50, Some(price()))),
    ]);
    assert_eq!(some.sums, expected, "pieces are cut at both ends");

    let totals = store.totals(at(1000)).await.expect("totals");
    let expected = sums(&[
        (Usage::Useful, TimeSum::of(400, Some(price()))),
        (Usage::Idle, idle),
        (Usage::Booting, TimeSum::of(300, Some(price()))),
    ]);
    assert_eq!(totals, expected, "a launch is counted once it is over");
}

pub(super) async fn a_piece_that_is_written_again_counts_once<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let unpriced = piece(1, Usage::Booting, 0, 100, None);
    let priced = piece(1, Usage::Booting, 0, 100, Some(price()));
    let empty = store.spent(at(0), at(500)).await.expect("spent");
    assert_eq!((empty.from, empty.sums.len()), (at(500), 0), "nothing yet");
    for written in [unpriced.clone(), unpriced, priced.clone(), priced] {
        let changes = Changes {
            time_spent: vec![written],
            ..Changes::default()
        };
        store.commit(changes, None).await.expect("commit");
    }
    let expected = sums(&[(Usage::Booting, TimeSum::of(100, Some(price())))]);
    let spent = store.spent(at(0), at(500)).await.expect("spent");
    assert_eq!(spent.sums, expected, "as it was written last");
    let totals = store.totals(at(500)).await.expect("totals");
    assert_eq!(totals, expected);
}
