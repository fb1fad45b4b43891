-- The digests of notifications' keys begin with the place of the notification's
-- id from now on, so that keys which come together stand together. Those that
-- are there already stay hashes alone, and are looked for as such until they
-- have expired.

CREATE TABLE unordered_keys (
    id     BIGINT  PRIMARY KEY CHECK (id = 1),
    until  BIGINT  NOT NULL   -- all of them were used before
);
INSERT INTO unordered_keys (id, until)
    SELECT 1, (extract(epoch FROM clock_timestamp())::bigint + 86400) * 1000000
    WHERE EXISTS (SELECT 1 FROM idempotency_keys);

-- A core of a release before would not find what this one has recorded.
UPDATE schema_compatibility SET oldest_version = 10;
