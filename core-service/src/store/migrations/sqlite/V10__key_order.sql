-- The digests of notifications' keys begin with the place of the notification's
-- id from now on, so that keys which come together stand together. Those that
-- are there already stay hashes alone, and are looked for as such until they
-- have expired.

CREATE TABLE unordered_keys (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    until  INTEGER NOT NULL   -- all of them were used before
) STRICT;
INSERT INTO unordered_keys (id, until)
    SELECT 1, (unixepoch() + 86400) * 1000000
    WHERE EXISTS (SELECT 1 FROM idempotency_keys);
