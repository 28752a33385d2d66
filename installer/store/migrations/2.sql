-- What is known of a node; a row is made when the first thing is.
CREATE TABLE node (
    sovereign  TEXT NOT NULL,
    node       TEXT NOT NULL,
    public_key TEXT,                          -- SHA-256 of the key it proves itself with
    host_id    TEXT,                          -- the host that was met first
    host_keys  TEXT NOT NULL DEFAULT '[]',    -- a JSON list of its SSH host keys
    last_heard INTEGER NOT NULL DEFAULT 0,    -- its last event that is in the journal
    PRIMARY KEY (sovereign, node)
) STRICT, WITHOUT ROWID;

-- Tickets stay after use, so that one that is stolen is told apart from one that was made up.
CREATE TABLE node_ticket (
    digest    TEXT PRIMARY KEY,               -- SHA-256 of the ticket
    sovereign TEXT NOT NULL,
    node      TEXT NOT NULL,
    until_ms  INTEGER NOT NULL,               -- milliseconds since 1970
    used      INTEGER NOT NULL DEFAULT 0      -- itself, or another ticket of the node
) STRICT, WITHOUT ROWID;
CREATE INDEX node_ticket_by_node ON node_ticket (sovereign, node);

PRAGMA user_version = 2;
