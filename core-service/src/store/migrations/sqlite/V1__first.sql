-- Times are microseconds since 1970-01-01T00:00:00Z. Visitor ids, record ids
-- and digests are 16 raw bytes. Enumerations hold the contract's numbers.
-- Every table of records leads its indexes with igrp, so that it can be
-- sharded by installation.

CREATE TABLE installations (
    igrp                  INTEGER PRIMARY KEY,
    display_name          TEXT    NOT NULL,
    time_zone             TEXT    NOT NULL,
    currency              TEXT,
    country               TEXT,
    attribution_model_id  INTEGER NOT NULL,
    organization_id       TEXT,                -- as given
    organization_key      TEXT,                -- the first 15 characters of it
    rating_items          TEXT    NOT NULL,    -- JSON
    lead_field_mapping    TEXT    NOT NULL,    -- JSON
    is_provisional        INTEGER NOT NULL,
    create_time           INTEGER NOT NULL,
    update_time           INTEGER NOT NULL
) STRICT;

CREATE INDEX installations_by_organization ON installations (organization_key)
    WHERE organization_key IS NOT NULL;

CREATE TABLE api_keys (
    number        INTEGER PRIMARY KEY,
    api_key_id    TEXT    NOT NULL UNIQUE,
    display_name  TEXT    NOT NULL,
    roles         TEXT    NOT NULL,            -- JSON, the contract's numbers
    igrps         TEXT,                        -- JSON; absent: all
    secret_hash   BLOB    NOT NULL,            -- SHA-256
    create_time   INTEGER NOT NULL
) STRICT;

-- What was seen before. The digest covers kind, scope and key.
CREATE TABLE idempotency_keys (
    key_digest    BLOB    NOT NULL PRIMARY KEY,
    record_id     BLOB    NOT NULL,
    content_hash  BLOB    NOT NULL,            -- of what was accepted with it
    receive_time  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    number               INTEGER PRIMARY KEY,
    event_id             BLOB    NOT NULL UNIQUE,
    igrp                 INTEGER NOT NULL,
    action               TEXT    NOT NULL,
    action_folded        TEXT    NOT NULL,
    visitor_id           BLOB,
    call_ref             TEXT,
    title                TEXT    NOT NULL,
    value                TEXT,
    transaction_value    TEXT,
    currency             TEXT,
    transaction_ref      TEXT,
    event_time           INTEGER NOT NULL,
    event_time_source    INTEGER NOT NULL,
    receive_time         INTEGER NOT NULL,
    match_mode           INTEGER NOT NULL,
    source_phone_number  TEXT,
    call_start_time      INTEGER,
    is_void              INTEGER NOT NULL,
    attributes           TEXT,                 -- JSON; absent: none
    warnings             TEXT,                 -- JSON; absent: none
    idempotency_key      TEXT,
    organization_id      TEXT,
    action_id            TEXT,
    notification_id      TEXT,
    object_type          TEXT,
    record_id            TEXT,                 -- as sent
    record_key           TEXT                  -- the first 15 characters of it
) STRICT;

CREATE INDEX events_by_time ON events (igrp, event_time, number);
CREATE INDEX events_by_visitor ON events (igrp, visitor_id, event_time, number)
    WHERE visitor_id IS NOT NULL;
CREATE INDEX events_by_call ON events (igrp, call_ref, event_time, number)
    WHERE call_ref IS NOT NULL;
CREATE INDEX events_by_record ON events (igrp, record_key, event_time, number)
    WHERE record_key IS NOT NULL;

CREATE TABLE call_ratings (
    number              INTEGER PRIMARY KEY,
    call_rating_id      BLOB    NOT NULL UNIQUE,
    igrp                INTEGER NOT NULL,
    call_ref            TEXT    NOT NULL,
    rating              TEXT    NOT NULL,
    rating_folded       TEXT    NOT NULL,
    transaction_value   TEXT,
    currency            TEXT,
    rating_time         INTEGER NOT NULL,
    rating_time_source  INTEGER NOT NULL,
    receive_time        INTEGER NOT NULL,
    -- Among ratings of one call and one time, the later received is higher.
    receive_order       INTEGER NOT NULL,
    is_current          INTEGER NOT NULL,
    is_unchanged        INTEGER NOT NULL,
    warnings            TEXT,
    idempotency_key     TEXT,
    organization_id     TEXT,
    action_id           TEXT,
    notification_id     TEXT,
    object_type         TEXT,
    record_id           TEXT,
    record_key          TEXT
) STRICT;

CREATE INDEX call_ratings_by_time ON call_ratings (igrp, rating_time, number);
CREATE UNIQUE INDEX call_ratings_in_order
    ON call_ratings (igrp, call_ref, rating_time, receive_order);
CREATE INDEX call_ratings_by_record ON call_ratings (igrp, record_key, rating_time, number)
    WHERE record_key IS NOT NULL;
CREATE UNIQUE INDEX call_ratings_current ON call_ratings (igrp, call_ref) WHERE is_current = 1;

CREATE TABLE lead_enrichments (
    number                INTEGER PRIMARY KEY,
    lead_enrichment_id    BLOB    NOT NULL UNIQUE,
    igrp                  INTEGER NOT NULL,
    visitor_id            BLOB,
    call_ref              TEXT,
    organization_id       TEXT    NOT NULL,
    organization_key      TEXT    NOT NULL,
    record_id             TEXT    NOT NULL,
    record_key            TEXT    NOT NULL,
    state                 INTEGER NOT NULL,
    is_open               INTEGER NOT NULL,
    as_of_time            INTEGER NOT NULL,
    attribution_model_id  INTEGER,
    field_mapping         TEXT    NOT NULL,    -- JSON
    overwrite_policy      INTEGER NOT NULL,
    known_values          TEXT    NOT NULL,    -- JSON
    receive_time          INTEGER NOT NULL,
    update_time           INTEGER NOT NULL,
    request_count         INTEGER NOT NULL,
    warnings              TEXT,
    action_id             TEXT,
    notification_id       TEXT,
    object_type           TEXT
) STRICT;

CREATE INDEX lead_enrichments_by_time ON lead_enrichments (igrp, receive_time, number);
CREATE UNIQUE INDEX lead_enrichments_open
    ON lead_enrichments (igrp, organization_key, record_key) WHERE is_open = 1;
CREATE INDEX lead_enrichments_by_record ON lead_enrichments (igrp, record_key, receive_time, number);
CREATE INDEX lead_enrichments_by_visitor
    ON lead_enrichments (igrp, visitor_id, receive_time, number) WHERE visitor_id IS NOT NULL;
CREATE INDEX lead_enrichments_by_call
    ON lead_enrichments (igrp, call_ref, receive_time, number) WHERE call_ref IS NOT NULL;

CREATE TABLE visits (
    number             INTEGER PRIMARY KEY,
    visit_id           BLOB    NOT NULL,
    igrp               INTEGER NOT NULL,
    visitor_id         BLOB    NOT NULL,
    visit_time         INTEGER NOT NULL,
    landing_page_hash  INTEGER NOT NULL,
    channel_name       TEXT    NOT NULL,
    channel_type       TEXT    NOT NULL,
    source             TEXT    NOT NULL,
    campaign           TEXT    NOT NULL,
    ad_group           TEXT    NOT NULL,
    term               TEXT    NOT NULL,
    match_type         TEXT    NOT NULL,
    network            TEXT    NOT NULL,
    landing_page       TEXT    NOT NULL,
    referrer           TEXT    NOT NULL,
    page_title         TEXT    NOT NULL,
    pass_through       TEXT,                   -- JSON; absent: none
    variables          TEXT,                   -- JSON; absent: none
    receive_time       INTEGER NOT NULL,
    content_hash       BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX visits_known ON visits (igrp, visitor_id, visit_time, landing_page_hash);
CREATE INDEX visits_by_time ON visits (igrp, visit_time, number);

CREATE TABLE calls (
    number                    INTEGER PRIMARY KEY,
    call_id                   BLOB    NOT NULL,
    igrp                      INTEGER NOT NULL,
    call_ref                  TEXT    NOT NULL,
    visitor_id                BLOB,
    start_time                INTEGER NOT NULL,
    source_phone_number       TEXT    NOT NULL,
    dialled_phone_number      TEXT    NOT NULL,
    destination_phone_number  TEXT    NOT NULL,
    ring_seconds              INTEGER NOT NULL,
    call_seconds              INTEGER NOT NULL,
    bridge_seconds            INTEGER NOT NULL,
    state                     TEXT    NOT NULL,
    receive_time              INTEGER NOT NULL,
    content_hash              BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX calls_known ON calls (igrp, call_ref);
CREATE INDEX calls_by_time ON calls (igrp, start_time, number);
CREATE INDEX calls_by_visitor ON calls (igrp, visitor_id, start_time, number)
    WHERE visitor_id IS NOT NULL;

CREATE TABLE quarantined_notifications (
    number                       INTEGER PRIMARY KEY,
    quarantined_notification_id  BLOB    NOT NULL UNIQUE,
    key_digest                   BLOB    UNIQUE,
    igrp                         INTEGER NOT NULL,   -- 0: not known
    reason                       TEXT    NOT NULL,
    field                        TEXT    NOT NULL,
    description                  TEXT    NOT NULL,
    endpoint                     TEXT    NOT NULL,
    query                        TEXT    NOT NULL,
    organization_id              TEXT,
    organization_key             TEXT,
    action_id                    TEXT,
    notification_id              TEXT,
    notification_key             TEXT,
    object_type                  TEXT,
    record_id                    TEXT,
    record_key                   TEXT,
    fields                       TEXT    NOT NULL,   -- JSON
    receive_time                 INTEGER NOT NULL,
    last_receive_time            INTEGER NOT NULL,
    delivery_count               INTEGER NOT NULL,
    state                        INTEGER NOT NULL,
    resolve_time                 INTEGER,
    resolved_record_id           BLOB
) STRICT;

CREATE INDEX quarantined_by_time ON quarantined_notifications (receive_time, number);
CREATE INDEX quarantined_by_igrp ON quarantined_notifications (igrp, receive_time, number);
CREATE INDEX quarantined_by_notification
    ON quarantined_notifications (notification_key) WHERE notification_key IS NOT NULL;
CREATE INDEX quarantined_by_record
    ON quarantined_notifications (record_key) WHERE record_key IS NOT NULL;

-- Written to learn whether writes work.
CREATE TABLE probes (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    time  INTEGER NOT NULL
) STRICT;

-- What the query planner is to think of how rows are spread: an installation
-- has many, a visitor, a call or a Salesforce record few. Without this it walks
-- an installation by time to find the rows of one visitor. Nothing is measured,
-- so plans are the same for everybody. Each text is the number of rows, then
-- how many share the first column of the index, the first two, and so on.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('events', 'events_by_time', '10000000 100000 2 1'),
    ('events', 'events_by_visitor', '10000000 100000 10 2 1'),
    ('events', 'events_by_call', '10000000 100000 3 2 1'),
    ('events', 'events_by_record', '10000000 100000 5 2 1'),
    ('call_ratings', 'call_ratings_by_time', '10000000 100000 2 1'),
    ('call_ratings', 'call_ratings_in_order', '10000000 100000 3 2 1'),
    ('call_ratings', 'call_ratings_by_record', '10000000 100000 5 2 1'),
    ('call_ratings', 'call_ratings_current', '10000000 100000 1'),
    ('lead_enrichments', 'lead_enrichments_by_time', '10000000 100000 2 1'),
    ('lead_enrichments', 'lead_enrichments_open', '10000000 100000 10000 1'),
    ('lead_enrichments', 'lead_enrichments_by_record', '10000000 100000 5 2 1'),
    ('lead_enrichments', 'lead_enrichments_by_visitor', '10000000 100000 10 2 1'),
    ('lead_enrichments', 'lead_enrichments_by_call', '10000000 100000 3 2 1'),
    ('visits', 'visits_known', '10000000 100000 10 2 1'),
    ('visits', 'visits_by_time', '10000000 100000 2 1'),
    ('calls', 'calls_known', '10000000 100000 1'),
    ('calls', 'calls_by_time', '10000000 100000 2 1'),
    ('calls', 'calls_by_visitor', '10000000 100000 10 2 1'),
    ('quarantined_notifications', 'quarantined_by_time', '1000000 2 1'),
    ('quarantined_notifications', 'quarantined_by_igrp', '1000000 10000 2 1'),
    ('quarantined_notifications', 'quarantined_by_notification', '1000000 2'),
    ('quarantined_notifications', 'quarantined_by_record', '1000000 3');
-- Takes it up at once; other connections do when they are opened.
ANALYZE sqlite_schema;
