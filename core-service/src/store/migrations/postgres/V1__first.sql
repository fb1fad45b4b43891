-- Times are microseconds since 1970-01-01T00:00:00Z. Visitor ids, record ids
-- and digests are 16 bytes, of the type UUID. Enumerations hold the contract's
-- numbers. Tables and columns are those of the embedded store; every table of
-- records leads its indexes with igrp, so that it can be sharded by
-- installation.
--
-- A `number` tells equals apart in a list. It comes from a sequence, so it is
-- unique, but not in the order of commits.

CREATE TABLE installations (
    igrp                  BIGINT  PRIMARY KEY,
    display_name          TEXT    NOT NULL,
    time_zone             TEXT    NOT NULL,
    currency              TEXT,
    country               TEXT,
    attribution_model_id  BIGINT  NOT NULL,
    attribution_models    TEXT,                -- JSON; absent: none
    organization_id       TEXT,                -- as given
    organization_key      TEXT,                -- the first 15 characters of it
    rating_items          TEXT    NOT NULL,    -- JSON
    lead_field_mapping    TEXT    NOT NULL,    -- JSON
    address_ranges        TEXT,                -- JSON; absent: any
    client_certificates   TEXT,                -- JSON; absent: none asked for
    is_provisional        BOOLEAN NOT NULL,
    create_time           BIGINT  NOT NULL,
    update_time           BIGINT  NOT NULL
);

CREATE INDEX installations_by_organization ON installations (organization_key)
    WHERE organization_key IS NOT NULL;

CREATE SEQUENCE api_key_numbers;
CREATE TABLE api_keys (
    number        BIGINT  PRIMARY KEY DEFAULT nextval('api_key_numbers'),
    api_key_id    TEXT    NOT NULL UNIQUE,
    display_name  TEXT    NOT NULL,
    roles         TEXT    NOT NULL,            -- JSON, the contract's numbers
    igrps         TEXT,                        -- JSON; absent: all
    secret_hash   BYTEA   NOT NULL,            -- SHA-256
    create_time   BIGINT  NOT NULL
);

-- A revoked token keeps its row, for it decides who needs a token.
CREATE SEQUENCE url_token_numbers;
CREATE TABLE url_tokens (
    number            BIGINT  PRIMARY KEY DEFAULT nextval('url_token_numbers'),
    url_token_id      TEXT    NOT NULL UNIQUE,
    display_name      TEXT    NOT NULL,
    organization_id   TEXT,                    -- as given; absent: any
    organization_key  TEXT,                    -- the first 15 characters of it
    secret_hash       BYTEA,                   -- SHA-256; absent: revoked
    create_time       BIGINT  NOT NULL,
    revoke_time       BIGINT,
    CHECK ((secret_hash IS NULL) = (revoke_time IS NOT NULL))
);

-- How installations log in to Salesforce, and whether that works. The secret is
-- sealed with a key that is not in this database.
CREATE TABLE salesforce_connections (
    igrp                BIGINT  PRIMARY KEY,
    login_url           TEXT    NOT NULL,
    flow                BIGINT  NOT NULL,      -- the contract's number
    client_id           TEXT    NOT NULL,
    username            TEXT,                  -- absent: the app's own run-as user
    key_id              TEXT    NOT NULL,      -- of the key that sealed the secret
    sealed_secret       BYTEA   NOT NULL,
    credentials_time    BIGINT  NOT NULL,
    state               BIGINT  NOT NULL,      -- the contract's number
    state_time          BIGINT  NOT NULL,
    reason              TEXT,                  -- of a broken one
    last_success_time   BIGINT,
    peer                TEXT,                  -- JSON: who was met there
    api_used            BIGINT,
    api_limit           BIGINT,
    api_time            BIGINT,
    warnings            TEXT                   -- JSON
);

-- Sessions at Salesforce, so that one core logs in for all. They are sealed as
-- the secrets are. Turns to log in end by this server's clock.
CREATE TABLE salesforce_sessions (
    igrp              BIGINT  PRIMARY KEY
                          REFERENCES salesforce_connections (igrp) ON DELETE CASCADE,
    credentials_time  BIGINT  NOT NULL,
    number            BIGINT  NOT NULL,        -- of the last session
    key_id            TEXT,                    -- absent: there is none, or it is over
    sealed_session    BYTEA,
    lease_owner       UUID,                    -- who is logging in
    lease_end         BIGINT
);

-- What was seen before. The digest covers kind, scope and key.
CREATE TABLE idempotency_keys (
    key_digest    UUID    PRIMARY KEY,
    record_id     UUID    NOT NULL,
    content_hash  UUID    NOT NULL,            -- of what was accepted with it
    receive_time  BIGINT  NOT NULL
);

-- An id begins with the time at which it was given, so the partitions are
-- ranges of the time at which events were recorded, and the id is unique in all
-- of them. What has no partition yet goes into events_other.
CREATE SEQUENCE event_numbers;
CREATE TABLE events (
    event_id             UUID    NOT NULL,
    number               BIGINT  NOT NULL DEFAULT nextval('event_numbers'),
    -- The transaction that recorded it, by which streams are ordered.
    transaction_id       XID8    NOT NULL DEFAULT pg_current_xact_id(),
    igrp                 BIGINT  NOT NULL,
    action               TEXT    NOT NULL,
    action_folded        TEXT    NOT NULL,
    visitor_id           UUID,
    call_ref             TEXT,
    title                TEXT    NOT NULL,
    value                TEXT,
    transaction_value    TEXT,
    currency             TEXT,
    transaction_ref      TEXT,
    event_time           BIGINT  NOT NULL,
    event_time_source    BIGINT  NOT NULL,
    receive_time         BIGINT  NOT NULL,
    match_mode           BIGINT  NOT NULL,
    source_phone_number  TEXT,
    call_start_time      BIGINT,
    is_void              BOOLEAN NOT NULL,
    attributes           TEXT,                 -- JSON; absent: none
    warnings             TEXT,                 -- JSON; absent: none
    idempotency_key      TEXT,
    organization_id      TEXT,
    action_id            TEXT,
    notification_id      TEXT,
    object_type          TEXT,
    record_id            TEXT,                 -- as sent
    record_key           TEXT,                 -- the first 15 characters of it
    PRIMARY KEY (event_id)
) PARTITION BY RANGE (event_id);

CREATE INDEX events_by_time ON events (igrp, event_time, number);
CREATE INDEX events_by_visitor ON events (igrp, visitor_id, event_time, number)
    WHERE visitor_id IS NOT NULL;
CREATE INDEX events_by_call ON events (igrp, call_ref, event_time, number)
    WHERE call_ref IS NOT NULL;
CREATE INDEX events_by_record ON events (igrp, record_key, event_time, number)
    WHERE record_key IS NOT NULL;
CREATE INDEX events_by_transaction ON events (transaction_id, number);

CREATE TABLE events_other PARTITION OF events DEFAULT;

-- Which rating is current or unchanged is worked out when it is read, so that
-- cores need not wait for each other to write.
CREATE SEQUENCE call_rating_numbers;
CREATE TABLE call_ratings (
    number              BIGINT  PRIMARY KEY DEFAULT nextval('call_rating_numbers'),
    call_rating_id      UUID    NOT NULL UNIQUE,
    igrp                BIGINT  NOT NULL,
    call_ref            TEXT    NOT NULL,
    rating              TEXT    NOT NULL,
    rating_folded       TEXT    NOT NULL,
    transaction_value   TEXT,
    currency            TEXT,
    rating_time         BIGINT  NOT NULL,
    rating_time_source  BIGINT  NOT NULL,
    receive_time        BIGINT  NOT NULL,
    warnings            TEXT,
    idempotency_key     TEXT,
    organization_id     TEXT,
    action_id           TEXT,
    notification_id     TEXT,
    object_type         TEXT,
    record_id           TEXT,
    record_key          TEXT
);

CREATE INDEX call_ratings_by_time ON call_ratings (igrp, rating_time, number);
-- Among ratings of one call and one time, the later received has a higher number.
CREATE INDEX call_ratings_in_order ON call_ratings (igrp, call_ref, rating_time, number);
CREATE INDEX call_ratings_by_record ON call_ratings (igrp, record_key, rating_time, number)
    WHERE record_key IS NOT NULL;

CREATE SEQUENCE lead_enrichment_numbers;
CREATE TABLE lead_enrichments (
    number                 BIGINT  PRIMARY KEY DEFAULT nextval('lead_enrichment_numbers'),
    lead_enrichment_id     UUID    NOT NULL UNIQUE,
    igrp                   BIGINT  NOT NULL,
    visitor_id             UUID,
    call_ref               TEXT,
    organization_id        TEXT    NOT NULL,
    organization_key       TEXT    NOT NULL,
    record_id              TEXT    NOT NULL,
    record_key             TEXT    NOT NULL,
    state                  BIGINT  NOT NULL,
    is_open                BOOLEAN NOT NULL,
    as_of_time             BIGINT  NOT NULL,
    attribution_model_id   BIGINT,
    field_mapping          TEXT    NOT NULL,   -- JSON
    overwrite_policy       BIGINT  NOT NULL,
    known_values           TEXT    NOT NULL,   -- JSON
    receive_time           BIGINT  NOT NULL,
    update_time            BIGINT  NOT NULL,
    request_count          BIGINT  NOT NULL,
    warnings               TEXT,
    action_id              TEXT,
    notification_id        TEXT,
    object_type            TEXT,
    -- When somebody may take the job up: for one that is worked on, when its
    -- lease ends. Absent: it does not go on by itself.
    due_time               BIGINT,
    lease_owner            UUID,
    lease_start            BIGINT,
    attempt_count          BIGINT  NOT NULL,
    attempts               TEXT,               -- JSON; absent: none
    refusal_count          BIGINT  NOT NULL,
    retry_deadline         BIGINT,
    data_deadline          BIGINT,
    connection_wait_start  BIGINT,
    awaited_visitor_id     UUID,
    is_fresh               BOOLEAN NOT NULL,
    is_joined              BOOLEAN NOT NULL,
    planned_fields         TEXT,               -- JSON; absent: none
    written_fields         TEXT,               -- JSON; absent: none
    failure_code           TEXT,
    failure_description    TEXT,               -- absent: it has not failed
    attribution            TEXT                -- JSON; absent: not found out
);

CREATE INDEX lead_enrichments_by_time ON lead_enrichments (igrp, receive_time, number);
CREATE UNIQUE INDEX lead_enrichments_open
    ON lead_enrichments (igrp, organization_key, record_key) WHERE is_open;
CREATE INDEX lead_enrichments_by_record ON lead_enrichments (igrp, record_key, receive_time, number);
CREATE INDEX lead_enrichments_by_visitor
    ON lead_enrichments (igrp, visitor_id, receive_time, number) WHERE visitor_id IS NOT NULL;
CREATE INDEX lead_enrichments_by_call
    ON lead_enrichments (igrp, call_ref, receive_time, number) WHERE call_ref IS NOT NULL;
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

-- What is old is found by this.
CREATE INDEX lead_enrichments_ended ON lead_enrichments (update_time) WHERE NOT is_open;

-- How many jobs there are in each state, in parts that are summed up when they
-- are read: each session of the database counts in a part of its own, as far as
-- there are enough, so that nobody waits for another to count.
CREATE TABLE lead_enrichment_counts (
    state  BIGINT  NOT NULL,
    shard  BIGINT  NOT NULL,
    count  BIGINT  NOT NULL,
    PRIMARY KEY (state, shard)
) WITH (fillfactor = 50);

CREATE FUNCTION count_lead_enrichments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO lead_enrichment_counts AS counts (state, shard, count)
        SELECT state, pg_backend_pid() % 256, COUNT(*) FROM new_jobs
        GROUP BY state ORDER BY state
        ON CONFLICT (state, shard) DO UPDATE SET count = counts.count + excluded.count;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO lead_enrichment_counts AS counts (state, shard, count)
        SELECT state, pg_backend_pid() % 256, -COUNT(*) FROM old_jobs
        GROUP BY state ORDER BY state
        ON CONFLICT (state, shard) DO UPDATE SET count = counts.count + excluded.count;
    ELSE
        INSERT INTO lead_enrichment_counts AS counts (state, shard, count)
        SELECT state, pg_backend_pid() % 256, sum(change) FROM (
            SELECT state, 1 AS change FROM new_jobs
            UNION ALL
            SELECT state, -1 FROM old_jobs) AS changes
        GROUP BY state HAVING sum(change) <> 0 ORDER BY state
        ON CONFLICT (state, shard) DO UPDATE SET count = counts.count + excluded.count;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER lead_enrichments_inserted AFTER INSERT ON lead_enrichments
    REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION count_lead_enrichments();
CREATE TRIGGER lead_enrichments_updated AFTER UPDATE ON lead_enrichments
    REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION count_lead_enrichments();
CREATE TRIGGER lead_enrichments_deleted AFTER DELETE ON lead_enrichments
    REFERENCING OLD TABLE AS old_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION count_lead_enrichments();

-- What is remembered of a Lead, whatever the job.
CREATE TABLE known_leads (
    igrp              BIGINT  NOT NULL,
    organization_key  TEXT    NOT NULL,
    record_key        TEXT    NOT NULL,
    written           TEXT    NOT NULL,        -- JSON: marks by field
    run_times         TEXT    NOT NULL,        -- JSON: the latest
    PRIMARY KEY (igrp, organization_key, record_key)
);

CREATE SEQUENCE visit_numbers;
CREATE TABLE visits (
    number             BIGINT  PRIMARY KEY DEFAULT nextval('visit_numbers'),
    visit_id           UUID    NOT NULL,
    igrp               BIGINT  NOT NULL,
    visitor_id         UUID    NOT NULL,
    visit_time         BIGINT  NOT NULL,
    landing_page_hash  BIGINT  NOT NULL,
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
    receive_time       BIGINT  NOT NULL,
    content_hash       UUID    NOT NULL
);

CREATE UNIQUE INDEX visits_known ON visits (igrp, visitor_id, visit_time, landing_page_hash);
CREATE INDEX visits_by_time ON visits (igrp, visit_time, number);

CREATE SEQUENCE call_numbers;
CREATE TABLE calls (
    number                    BIGINT  PRIMARY KEY DEFAULT nextval('call_numbers'),
    call_id                   UUID    NOT NULL,
    igrp                      BIGINT  NOT NULL,
    call_ref                  TEXT    NOT NULL,
    visitor_id                UUID,
    start_time                BIGINT  NOT NULL,
    source_phone_number       TEXT    NOT NULL,
    dialled_phone_number      TEXT    NOT NULL,
    destination_phone_number  TEXT    NOT NULL,
    ring_seconds              BIGINT  NOT NULL,
    call_seconds              BIGINT  NOT NULL,
    bridge_seconds            BIGINT  NOT NULL,
    state                     TEXT    NOT NULL,
    receive_time              BIGINT  NOT NULL,
    content_hash              UUID    NOT NULL
);

CREATE UNIQUE INDEX calls_known ON calls (igrp, call_ref);
CREATE INDEX calls_by_time ON calls (igrp, start_time, number);
CREATE INDEX calls_by_visitor ON calls (igrp, visitor_id, start_time, number)
    WHERE visitor_id IS NOT NULL;

CREATE SEQUENCE quarantined_notification_numbers;
CREATE TABLE quarantined_notifications (
    number                       BIGINT  PRIMARY KEY
                                     DEFAULT nextval('quarantined_notification_numbers'),
    quarantined_notification_id  UUID    NOT NULL UNIQUE,
    key_digest                   UUID    UNIQUE,
    igrp                         BIGINT  NOT NULL,   -- 0: not known
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
    receive_time                 BIGINT  NOT NULL,
    last_receive_time            BIGINT  NOT NULL,
    delivery_count               BIGINT  NOT NULL,
    state                        BIGINT  NOT NULL,
    resolve_time                 BIGINT,
    resolved_record_id           UUID
);

CREATE INDEX quarantined_by_time ON quarantined_notifications (receive_time, number);
CREATE INDEX quarantined_by_igrp ON quarantined_notifications (igrp, receive_time, number);
CREATE INDEX quarantined_by_notification
    ON quarantined_notifications (notification_key) WHERE notification_key IS NOT NULL;
CREATE INDEX quarantined_by_record
    ON quarantined_notifications (record_key) WHERE record_key IS NOT NULL;

-- What is old is found by these.
CREATE INDEX quarantined_open ON quarantined_notifications (last_receive_time) WHERE state = 1;
CREATE INDEX quarantined_resolved ON quarantined_notifications (resolve_time)
    WHERE resolve_time IS NOT NULL;

-- Messages that a gateway refused. At most 10,000 rows, so no index leads with
-- an installation, which no refused message has. What is not known is '' or 0,
-- because the index that merges repeats would take no two NULLs for equal.
CREATE SEQUENCE refused_message_numbers;
CREATE TABLE refused_messages (
    number              BIGINT  PRIMARY KEY DEFAULT nextval('refused_message_numbers'),
    refused_message_id  UUID    NOT NULL UNIQUE,
    endpoint            TEXT    NOT NULL,
    organization_id     TEXT    NOT NULL,      -- as claimed last
    organization_key    TEXT    NOT NULL,      -- the first 15 characters of it
    status              BIGINT  NOT NULL,
    reason              TEXT    NOT NULL,
    parameter           TEXT    NOT NULL,
    line                BIGINT  NOT NULL,
    "column"            BIGINT  NOT NULL,
    request_id          TEXT    NOT NULL,      -- of the last
    first_receive_time  BIGINT  NOT NULL,
    last_receive_time   BIGINT  NOT NULL,
    count               BIGINT  NOT NULL
);

CREATE UNIQUE INDEX refused_messages_known
    ON refused_messages (organization_key, endpoint, reason, parameter, line, "column");
CREATE INDEX refused_messages_by_time ON refused_messages (last_receive_time, number);

-- The lists that have so many rows at most. Whoever adds to one locks its row.
CREATE TABLE bounded_lists (
    name  TEXT  PRIMARY KEY
);
INSERT INTO bounded_lists (name) VALUES ('url_tokens'), ('refused_messages');

-- Written to learn whether writes work.
CREATE TABLE probes (
    id    BIGINT  PRIMARY KEY CHECK (id = 1),
    time  BIGINT  NOT NULL
);

-- The oldest schema whose release may still run on this one. A migration that
-- takes something away which that release needs raises it.
CREATE TABLE schema_compatibility (
    id              BIGINT  PRIMARY KEY CHECK (id = 1),
    oldest_version  BIGINT  NOT NULL
);
INSERT INTO schema_compatibility (id, oldest_version) VALUES (1, 1);
