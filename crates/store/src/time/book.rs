//! Pieces of time are added up, those under way included. One question reads one moment of
//! the file: no piece is counted twice or missed because it ends meanwhile.

use async_trait::async_trait;
use headcount_model::{Account, PoolName, Timestamp, Usage};
use headcount_ports::{SpentTime, StoreError, TimeBook, TimeSum, TimeSums, add_time};
use rusqlite::{Connection, OptionalExtension, params};

use super::KEPT_FROM;
use super::write::{money, price};
use crate::fault::Fault;
use crate::rows;
use crate::store::SqliteStore;

#[async_trait]
impl TimeBook for SqliteStore {
    async fn spent(&self, since: Timestamp, until: Timestamp) -> Result<SpentTime, StoreError> {
        self.read(move |db| spent(db, since, until)).await
    }

    async fn totals(&self, now: Timestamp) -> Result<TimeSums, StoreError> {
        self.read(move |db| totals(db, now)).await
    }
}

fn spent(db: &Connection, since: Timestamp, until: Timestamp) -> Result<SpentTime, Fault> {
    let under_way = under_way(db)?;
    let begins = match kept_from(db)? {
        Some(from) => Some(from),
        None => first(db)?
            .into_iter()
            .chain(under_way.iter().map(|(_, it)| it.since))
            .min(),
    };
    let from = begins.unwrap_or(until).max(since).min(until);
    let mut sums = TimeSums::new();
    let sql = "SELECT pool, usage, price, sum(min(until_at, ?2) - max(from_at, ?1))
               FROM machine_time WHERE until_at > ?1 AND from_at < ?2 GROUP BY pool, usage, price";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query(params![rows::sql_moment(from), rows::sql_moment(until)])?;
    while let Some(row) = found.next()? {
        let (pool, usage) = key(row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str())?;
        let sum = TimeSum::of(rows::count(row.get(3)?), price(row.get(2)?));
        add_time(&mut sums, &pool, usage, sum);
    }
    for (pool, account) in under_way {
        let sum = TimeSum::under_way(&account, from, until);
        add_time(&mut sums, &pool, account.usage, sum);
    }
    Ok(SpentTime { from, sums })
}

fn totals(db: &Connection, now: Timestamp) -> Result<TimeSums, Fault> {
    let mut sums = TimeSums::new();
    let sql = "SELECT pool, usage, millis, unpriced, micros, rest FROM machine_totals";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let (pool, usage) = key(row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str())?;
        let sum = TimeSum {
            millis: rows::count(row.get(2)?),
            unpriced_millis: rows::count(row.get(3)?),
            money: money(row.get(4)?, row.get(5)?),
        };
        add_time(&mut sums, &pool, usage, sum);
    }
    for (pool, account) in under_way(db)? {
        // It may yet turn out to have been in vain.
        if account.usage != Usage::Booting {
            let sum = TimeSum::under_way(&account, Timestamp::ZERO, now);
            add_time(&mut sums, &pool, account.usage, sum);
        }
    }
    Ok(sums)
}

/// What the time of agents goes into now.
fn under_way(db: &Connection) -> Result<Vec<(PoolName, Account)>, Fault> {
    let mut query = db.prepare_cached("SELECT record FROM agents")?;
    let mut found = query.query([])?;
    let mut accounts = Vec::new();
    while let Some(row) = found.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        accounts.extend(rows::account_from_json(text)?);
    }
    Ok(accounts)
}

/// From when on nothing is missing, once something was removed.
fn kept_from(db: &Connection) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?1";
    let mut query = db.prepare_cached(sql)?;
    let from: Option<i64> = query.query_row([KEPT_FROM], |row| row.get(0)).optional()?;
    Ok(from.map(rows::moment))
}

fn first(db: &Connection) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT min(from_at) FROM machine_time";
    let first: Option<i64> = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(first.map(rows::moment))
}

type Text<'r> = Result<&'r str, rusqlite::types::FromSqlError>;

fn key(pool: Text<'_>, usage: Text<'_>) -> Result<(PoolName, Usage), Fault> {
    let pool = pool.map_err(rusqlite::Error::from)?;
    let word = usage.map_err(rusqlite::Error::from)?;
    let usage = Usage::from_code(word).ok_or_else(|| {
        Fault::Row(format!(
            "the time of {pool} cannot be read: nothing is called {word:?}"
        ))
    })?;
    Ok((PoolName::new(pool), usage))
}
