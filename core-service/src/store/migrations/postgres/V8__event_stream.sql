-- The lives of this store, by which cursors are known for what they are.
-- Restoring a backup begins one: what was streamed after the backup was made is
-- gone, and its cursors must not be taken for those of what comes instead.
CREATE SEQUENCE store_life_numbers;
CREATE TABLE store_lives (
    number             BIGINT  PRIMARY KEY DEFAULT nextval('store_life_numbers'),
    life               BIGINT  NOT NULL UNIQUE,   -- random
    -- The place of the last event when it began: cursors of earlier lives are
    -- good up to there.
    start_transaction  BIGINT  NOT NULL,
    start_number       BIGINT  NOT NULL
);
INSERT INTO store_lives (life, start_transaction, start_number)
    VALUES (('x' || left(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint, 0, 0);

-- A store that is being moved here, or was. No core runs on half of one.
CREATE TABLE moves (
    id           BIGINT  PRIMARY KEY CHECK (id = 1),
    source_life  BIGINT  NOT NULL,
    -- 1: it is on its way. 2: it is whole, and no core has run on it yet.
    state        BIGINT  NOT NULL
);
