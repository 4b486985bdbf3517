-- What the time of agents went into, piece by piece: what is under way stands in the record
-- of its agent. Totals hold all pieces there ever were, so that counters only grow when old
-- pieces are removed; money is in millionths and 3600000ths of one.

CREATE TABLE machine_time (
    epoch    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    pool     TEXT NOT NULL,
    usage    TEXT NOT NULL,
    -- Millionths an hour; NULL is not known.
    price    INTEGER,
    PRIMARY KEY (epoch, number, from_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_time_until ON machine_time (until_at);

CREATE TABLE machine_totals (
    pool     TEXT NOT NULL,
    usage    TEXT NOT NULL,
    millis   INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    micros   INTEGER NOT NULL,
    rest     INTEGER NOT NULL,
    PRIMARY KEY (pool, usage)
) STRICT, WITHOUT ROWID;
