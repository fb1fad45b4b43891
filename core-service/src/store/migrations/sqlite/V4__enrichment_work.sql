-- The work on lead enrichments. What a job needs besides is NULL or 0 until
-- then, so that a release before this one could have written its rows.

-- When somebody may take the job up: for one that is worked on, when its lease
-- ends. Absent: it does not go on by itself.
ALTER TABLE lead_enrichments ADD COLUMN due_time INTEGER;
ALTER TABLE lead_enrichments ADD COLUMN lease_owner BLOB;
ALTER TABLE lead_enrichments ADD COLUMN lease_start INTEGER;
ALTER TABLE lead_enrichments ADD COLUMN attempt_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead_enrichments ADD COLUMN attempts TEXT;               -- JSON; absent: none
ALTER TABLE lead_enrichments ADD COLUMN refusal_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead_enrichments ADD COLUMN retry_deadline INTEGER;
ALTER TABLE lead_enrichments ADD COLUMN data_deadline INTEGER;
ALTER TABLE lead_enrichments ADD COLUMN connection_wait_start INTEGER;
ALTER TABLE lead_enrichments ADD COLUMN awaited_visitor_id BLOB;
ALTER TABLE lead_enrichments ADD COLUMN is_fresh INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead_enrichments ADD COLUMN is_joined INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lead_enrichments ADD COLUMN planned_fields TEXT;         -- JSON; absent: none
ALTER TABLE lead_enrichments ADD COLUMN written_fields TEXT;         -- JSON; absent: none
ALTER TABLE lead_enrichments ADD COLUMN failure_code TEXT;
ALTER TABLE lead_enrichments ADD COLUMN failure_description TEXT;    -- absent: it has not failed
ALTER TABLE lead_enrichments ADD COLUMN attribution TEXT;            -- JSON; absent: not found out

-- Everything that the first releases accepted is to be worked on now.
UPDATE lead_enrichments SET due_time = receive_time, is_fresh = 1 WHERE is_open = 1;

CREATE INDEX lead_enrichments_due ON lead_enrichments (igrp, due_time, number)
    WHERE due_time IS NOT NULL;
-- Few: those that are worked on at the moment.
CREATE INDEX lead_enrichments_leased ON lead_enrichments (igrp, lease_owner)
    WHERE lease_owner IS NOT NULL;
CREATE INDEX lead_enrichments_by_state ON lead_enrichments (igrp, state, receive_time, number);
-- Who waits for a visitor or a call. Both are empty as long as nobody waits.
CREATE INDEX lead_enrichments_awaiting_visitor ON lead_enrichments (igrp, awaited_visitor_id)
    WHERE state = 3 AND awaited_visitor_id IS NOT NULL;
CREATE INDEX lead_enrichments_awaiting_call ON lead_enrichments (igrp, call_ref)
    WHERE state = 3 AND call_ref IS NOT NULL;

-- What is remembered of a Lead, whatever the job.
CREATE TABLE known_leads (
    igrp              INTEGER NOT NULL,
    organization_key  TEXT    NOT NULL,
    record_key        TEXT    NOT NULL,
    written           TEXT    NOT NULL,            -- JSON: marks by field
    run_times         TEXT    NOT NULL,            -- JSON: the latest
    PRIMARY KEY (igrp, organization_key, record_key)
) STRICT, WITHOUT ROWID;

-- How many jobs there are in each state: nobody could count 100,000 of them at
-- each scrape.
CREATE TABLE lead_enrichment_counts (
    state  INTEGER PRIMARY KEY,
    count  INTEGER NOT NULL
) STRICT;
INSERT INTO lead_enrichment_counts (state, count)
    SELECT state, count(*) FROM lead_enrichments GROUP BY state;

CREATE TRIGGER lead_enrichments_inserted AFTER INSERT ON lead_enrichments BEGIN
    INSERT INTO lead_enrichment_counts (state, count) VALUES (new.state, 1)
        ON CONFLICT (state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER lead_enrichments_deleted AFTER DELETE ON lead_enrichments BEGIN
    UPDATE lead_enrichment_counts SET count = count - 1 WHERE state = old.state;
END;
CREATE TRIGGER lead_enrichments_moved AFTER UPDATE OF state ON lead_enrichments
WHEN new.state <> old.state BEGIN
    UPDATE lead_enrichment_counts SET count = count - 1 WHERE state = old.state;
    INSERT INTO lead_enrichment_counts (state, count) VALUES (new.state, 1)
        ON CONFLICT (state) DO UPDATE SET count = count + 1;
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('lead_enrichments', 'lead_enrichments_due', '100000 1000 2 1'),
    ('lead_enrichments', 'lead_enrichments_leased', '1000 200 200'),
    ('lead_enrichments', 'lead_enrichments_by_state', '10000000 100000 10000 2 1'),
    ('lead_enrichments', 'lead_enrichments_awaiting_visitor', '100000 1000 2'),
    ('lead_enrichments', 'lead_enrichments_awaiting_call', '100000 1000 2'),
    ('known_leads', 'known_leads', '10000000 100000 10000 1');
-- Takes it up at once; other connections do when they are opened.
ANALYZE sqlite_schema;
