-- Segments are merged, eight of about the same size into one, so that there are
-- few of them to look into however many events there are.

CREATE TABLE merged_segments (
    segment      INTEGER PRIMARY KEY,
    last_number  INTEGER NOT NULL,   -- of its events
    level        INTEGER NOT NULL,   -- how often its entries were merged
    -- While it is made of the eight oldest segments of the level below: how many
    -- slices of their references have moved into it.
    slices       INTEGER
) STRICT;
INSERT INTO merged_segments (segment, last_number, level)
    SELECT last_number, last_number, 0 FROM event_segments;
DROP TABLE event_segments;
ALTER TABLE merged_segments RENAME TO event_segments;
