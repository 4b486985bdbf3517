//! Numbers. SQLite has 63 bits for a `u64`; the largest stands for "everything beyond".

use headcount_model::Timestamp;

/// A count as SQLite keeps it.
pub(crate) fn sql(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as it was.
pub(crate) fn count(sql: i64) -> u64 {
    match sql {
        i64::MAX => u64::MAX,
        _ => u64::try_from(sql).unwrap_or(0),
    }
}

/// A small count as it was.
pub(crate) fn count32(sql: i64) -> u32 {
    u32::try_from(sql.max(0)).unwrap_or(u32::MAX)
}

/// A moment as SQLite keeps it.
pub(crate) fn sql_moment(at: Timestamp) -> i64 {
    sql(at.as_millis())
}

/// A moment as it was.
pub(crate) fn moment(sql: i64) -> Timestamp {
    Timestamp::from_millis(count(sql))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_and_stay_in_order() {
        for n in [0, 1, 1 << 40, u64::MAX] {
            assert_eq!(count(sql(n)), n);
        }
        assert!(sql(1 << 40) < sql(u64::MAX));
        assert_eq!((count(-1), count32(-1), count32(1 << 40)), (0, 0, u32::MAX));
    }
}
