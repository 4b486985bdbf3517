-- Moments are milliseconds since 1970, job statuses are the numbers of rows/status.rs,
-- columns named record, wants, work, env, ending and lines hold JSON of src/rows.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
    epoch  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (epoch, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE drained_pools (
    pool TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Jobs of other sources have attempts too, so there is no foreign key to jobs.
CREATE TABLE attempts (
    job     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    -- How the job stands while the attempt is not settled.
    status  INTEGER NOT NULL,
    -- The last moment known of it, for retention.
    at      INTEGER NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_unsettled ON attempts (job) WHERE settled = 0;
CREATE INDEX attempts_settled ON attempts (at) WHERE settled = 1;

CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT,
    name        TEXT,
    wants       TEXT NOT NULL,
    work        TEXT NOT NULL,
    env         TEXT,
    priority    INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    expires_at  INTEGER,
    ended_at    INTEGER,
    ending      TEXT,
    status      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    deliveries  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_key ON jobs (key) WHERE key IS NOT NULL;
CREATE INDEX jobs_status ON jobs (status, id);
CREATE INDEX jobs_ended ON jobs (ended_at, id) WHERE ended_at IS NOT NULL;

-- Kept by triggers, so that counting a million jobs reads seven rows.
CREATE TABLE job_counts (
    status INTEGER PRIMARY KEY,
    jobs   INTEGER NOT NULL
) STRICT;
INSERT INTO job_counts VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0);
CREATE TRIGGER job_counted AFTER INSERT ON jobs BEGIN
    UPDATE job_counts SET jobs = jobs + 1 WHERE status = NEW.status;
END;
CREATE TRIGGER job_uncounted AFTER DELETE ON jobs BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE status = OLD.status;
END;
CREATE TRIGGER job_recounted AFTER UPDATE OF status ON jobs WHEN NEW.status <> OLD.status BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE status = OLD.status;
    UPDATE job_counts SET jobs = jobs + 1 WHERE status = NEW.status;
END;

CREATE TABLE decisions (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,
    lines TEXT NOT NULL
) STRICT;

CREATE TABLE log_streams (
    job       INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    -- The highest number stored, or dropped beyond the limit, without a gap from 1.
    through   INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_chunks (
    job     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    stream  INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (job, attempt, number)
) STRICT, WITHOUT ROWID;
