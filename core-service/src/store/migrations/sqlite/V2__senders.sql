-- Who may send: what installations ask of the senders of their organisation,
-- and the tokens in endpoint URLs.

ALTER TABLE installations ADD COLUMN address_ranges TEXT;       -- JSON; absent: any
ALTER TABLE installations ADD COLUMN client_certificates TEXT;  -- JSON; absent: none asked for

-- A revoked token keeps its row, for it decides who needs a token.
CREATE TABLE url_tokens (
    number            INTEGER PRIMARY KEY,
    url_token_id      TEXT    NOT NULL UNIQUE,
    display_name      TEXT    NOT NULL,
    organization_id   TEXT,                    -- as given; absent: any
    organization_key  TEXT,                    -- the first 15 characters of it
    secret_hash       BLOB,                    -- SHA-256; absent: revoked
    create_time       INTEGER NOT NULL,
    revoke_time       INTEGER,
    CHECK ((secret_hash IS NULL) = (revoke_time IS NOT NULL))
) STRICT;
