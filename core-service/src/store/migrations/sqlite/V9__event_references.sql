-- Events are found by their visitor and their Salesforce record in another way
-- than by an index: both are in no order, so each event would change a page of
-- its own in each of the two. Instead, once there are many new events, what they
-- refer to is written at once, sorted, as a segment that never changes.

DROP INDEX events_by_visitor;
DROP INDEX events_by_record;
DELETE FROM sqlite_stat1 WHERE idx IN ('events_by_visitor', 'events_by_record');

-- Segments, each about the events after those of the one before it. Events after
-- the last one are in none yet.
CREATE TABLE event_segments (
    last_number  INTEGER PRIMARY KEY
) STRICT;

-- What the events of a segment refer to, in the order of the references. Each
-- row holds some of them.
CREATE TABLE event_references (
    segment          INTEGER NOT NULL,   -- the last_number
    first_reference  INTEGER NOT NULL,   -- of the row
    part             INTEGER NOT NULL,   -- tells rows apart that begin alike
    -- Pairs of reference and event number, each 8 bytes, big-endian. A reference
    -- is a hash: whether the event is the right one, its own row says.
    entries          BLOB    NOT NULL,
    PRIMARY KEY (segment, first_reference, part)
) STRICT, WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('event_references', 'event_references', '300000 2000 2 1');
-- Takes it up at once; other connections do when they are opened.
ANALYZE sqlite_schema;
