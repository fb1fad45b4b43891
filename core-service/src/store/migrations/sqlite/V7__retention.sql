-- What is old is found by these. Events, call ratings and keys have none: they
-- are found by their ids and digests, in the order in which those stand.

CREATE INDEX lead_enrichments_ended ON lead_enrichments (update_time) WHERE is_open = 0;
CREATE INDEX quarantined_open ON quarantined_notifications (last_receive_time) WHERE state = 1;
CREATE INDEX quarantined_resolved ON quarantined_notifications (resolve_time)
    WHERE resolve_time IS NOT NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('lead_enrichments', 'lead_enrichments_ended', '10000000 2'),
    ('quarantined_notifications', 'quarantined_open', '100000 2'),
    ('quarantined_notifications', 'quarantined_resolved', '1000000 2');
-- Takes it up at once; other connections do when they are opened.
ANALYZE sqlite_schema;
