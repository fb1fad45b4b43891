-- Messages that a gateway refused. At most 10,000 rows, so no index leads with
-- an installation, which no refused message has. What is not known is '' or 0,
-- because the index that merges repeats would take no two NULLs for equal.

CREATE TABLE refused_messages (
    number              INTEGER PRIMARY KEY,
    refused_message_id  BLOB    NOT NULL UNIQUE,
    endpoint            TEXT    NOT NULL,
    organization_id     TEXT    NOT NULL,      -- as claimed last
    organization_key    TEXT    NOT NULL,      -- the first 15 characters of it
    status              INTEGER NOT NULL,
    reason              TEXT    NOT NULL,
    parameter           TEXT    NOT NULL,
    line                INTEGER NOT NULL,
    "column"            INTEGER NOT NULL,
    request_id          TEXT    NOT NULL,      -- of the last
    first_receive_time  INTEGER NOT NULL,
    last_receive_time   INTEGER NOT NULL,
    count               INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX refused_messages_known
    ON refused_messages (organization_key, endpoint, reason, parameter, line, "column");
CREATE INDEX refused_messages_by_time ON refused_messages (last_receive_time, number);
