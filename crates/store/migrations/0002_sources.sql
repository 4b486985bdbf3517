-- Jobs of other sources than the built-in queue are kept here, too: each source has keys
-- of its own, and is to be told how its jobs ended. While that is to be done a job is open
-- and stays, however old.

ALTER TABLE jobs ADD COLUMN source TEXT NOT NULL DEFAULT 'queue';
ALTER TABLE jobs ADD COLUMN open INTEGER NOT NULL DEFAULT 0;

DROP INDEX jobs_key;
CREATE UNIQUE INDEX jobs_key ON jobs (source, key) WHERE key IS NOT NULL;
CREATE INDEX jobs_open ON jobs (source, id) WHERE open = 1;
