//! What a configuration changes.

use headcount_api::{Change, PoolChange as Wire};
use headcount_controller::PoolChange;

pub(crate) fn change(change: &PoolChange) -> Wire {
    let of = |pool: Option<String>, change, details: &[String]| Wire {
        pool,
        change,
        details: details.to_vec(),
    };
    match change {
        PoolChange::Added(pool) => of(Some(pool.to_string()), Change::Added, &[]),
        PoolChange::Removed(pool) => of(Some(pool.to_string()), Change::Removed, &[]),
        PoolChange::Changed(pool, how) => of(Some(pool.to_string()), Change::Changed, how),
        PoolChange::Fleet(how) => of(None, Change::Changed, how),
    }
}
