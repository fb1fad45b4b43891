-- The models that an installation has beside the built-in ones.

ALTER TABLE installations ADD COLUMN attribution_models TEXT;  -- JSON; absent: none
