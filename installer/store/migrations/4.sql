-- How long the lease lasts that `until_ms` ends: whoever holds it renews it several times in that. Ten minutes is the longest there is.
ALTER TABLE lease ADD COLUMN ttl_ms INTEGER NOT NULL DEFAULT 600000;

PRAGMA user_version = 4;
