//! Pieces of time are written down.

use headcount_model::{Money, Price, TimeSpent};
use headcount_ports::TimeSum;
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;
use crate::rows;

/// Writes pieces, and keeps the totals with them.
pub(crate) fn write(db: &Connection, spent: &[TimeSpent]) -> Result<(), Fault> {
    for piece in spent {
        if let Some((pool, usage, sum)) = known(db, piece)? {
            count(db, &pool, &usage, sum, -1)?;
        }
        let sql = "INSERT OR REPLACE INTO machine_time
                     (epoch, number, from_at, until_at, pool, usage, price)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        db.prepare_cached(sql)?.execute(params![
            rows::sql(piece.agent.epoch),
            piece.agent.number,
            rows::sql_moment(piece.from),
            rows::sql_moment(piece.until),
            piece.pool.as_str(),
            piece.usage.code(),
            piece.price.map(|price| rows::sql(price.as_micros())),
        ])?;
        let sum = TimeSum::within(piece, piece.from, piece.until);
        count(db, piece.pool.as_str(), piece.usage.code(), sum, 1)?;
    }
    Ok(())
}

/// The piece that this one replaces.
fn known(db: &Connection, piece: &TimeSpent) -> Result<Option<(String, String, TimeSum)>, Fault> {
    let sql = "SELECT pool, usage, until_at - from_at, price FROM machine_time
               WHERE epoch = ?1 AND number = ?2 AND from_at = ?3";
    let mut query = db.prepare_cached(sql)?;
    let key = params![
        rows::sql(piece.agent.epoch),
        piece.agent.number,
        rows::sql_moment(piece.from)
    ];
    let found = query.query_row(key, |row| {
        let sum = TimeSum::of(rows::count(row.get(2)?), price(row.get(3)?));
        Ok((row.get(0)?, row.get(1)?, sum))
    });
    Ok(found.optional()?)
}

/// A price as it was.
pub(super) fn price(sql: Option<i64>) -> Option<Price> {
    sql.and_then(|micros| Price::from_micros(rows::count(micros)))
}

/// Adds to the totals, or takes off what was added before.
fn count(db: &Connection, pool: &str, usage: &str, sum: TimeSum, sign: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO machine_totals (pool, usage, millis, unpriced, micros, rest)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (pool, usage) DO UPDATE SET
                 millis = millis + excluded.millis, unpriced = unpriced + excluded.unpriced,
                 micros = micros + excluded.micros, rest = rest + excluded.rest";
    let (micros, rest) = sum.money.parts();
    db.prepare_cached(sql)?.execute(params![
        pool,
        usage,
        sign * rows::sql(sum.millis),
        sign * rows::sql(sum.unpriced_millis),
        sign * rows::sql(micros),
        sign * rows::sql(rest),
    ])?;
    Ok(())
}

/// Money as it was.
pub(super) fn money(micros: i64, rest: i64) -> Money {
    Money::from_parts(rows::count(micros), rows::count(rest))
}
