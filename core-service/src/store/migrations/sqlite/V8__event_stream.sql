-- What the stream of events rests on: numbers that only rise, and cursors that
-- are known for what they are.

-- The events of one installation, in the order of the stream.
CREATE INDEX events_in_order ON events (igrp, number);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('events', 'events_in_order', '10000000 100000 1');

-- The highest number of an event that was deleted as the last one. SQLite would
-- give it again, and whoever has streamed up to it would miss that event.
CREATE TABLE event_numbers (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    highest  INTEGER NOT NULL
) STRICT;
INSERT INTO event_numbers (id, highest) VALUES (1, 0);

CREATE TRIGGER events_deleted AFTER DELETE ON events
WHEN NOT EXISTS (SELECT 1 FROM events WHERE number > old.number) BEGIN
    UPDATE event_numbers SET highest = old.number WHERE highest < old.number;
END;

-- The lives of this store. Restoring a backup begins one: what was streamed
-- after the backup was made is gone, and its cursors must not be taken for
-- those of what comes instead.
CREATE TABLE store_lives (
    number              INTEGER PRIMARY KEY,
    life                INTEGER NOT NULL UNIQUE,   -- random
    -- The place of the last event when it began: cursors of earlier lives are
    -- good up to there.
    start_transaction   INTEGER NOT NULL,
    start_number        INTEGER NOT NULL
) STRICT;
INSERT INTO store_lives (life, start_transaction, start_number)
    VALUES (random() & 0x7FFFFFFFFFFFFFFF, 0, 0);

-- Takes it up at once; other connections do when they are opened.
ANALYZE sqlite_schema;
