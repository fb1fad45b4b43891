-- How installations log in to Salesforce, and whether that works. The secret is
-- sealed with a key that is not in this database.

CREATE TABLE salesforce_connections (
    igrp                INTEGER PRIMARY KEY,
    login_url           TEXT    NOT NULL,
    flow                INTEGER NOT NULL,      -- the contract's number
    client_id           TEXT    NOT NULL,
    username            TEXT,                  -- absent: the app's own run-as user
    key_id              TEXT    NOT NULL,      -- of the key that sealed the secret
    sealed_secret       BLOB    NOT NULL,
    credentials_time    INTEGER NOT NULL,
    state               INTEGER NOT NULL,      -- the contract's number
    state_time          INTEGER NOT NULL,
    reason              TEXT,                  -- of a broken one
    last_success_time   INTEGER,
    peer                TEXT,                  -- JSON: who was met there
    api_used            INTEGER,
    api_limit           INTEGER,
    api_time            INTEGER,
    warnings            TEXT                   -- JSON
) STRICT;
