-- Names out of pools; what an allocation is made of is the pool's matter. Rows stay when a name is nobody's: revisions never come again.
CREATE TABLE pool_name (
    pool     TEXT NOT NULL,
    label    TEXT NOT NULL,
    skeleton TEXT NOT NULL,                   -- equal for labels that look alike
    taken    INTEGER NOT NULL,                -- somebody has it
    revision INTEGER NOT NULL,                -- grows with every change
    body     TEXT NOT NULL,
    PRIMARY KEY (pool, label)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pool_look_alike ON pool_name (pool, skeleton) WHERE taken = 1;

CREATE TABLE pool_history (
    pool     TEXT NOT NULL,
    label    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (pool, label, revision)
) STRICT, WITHOUT ROWID;

-- What was found to be nobody's, and is removed if it still is when its time is over.
CREATE TABLE pool_orphan (
    server     TEXT NOT NULL,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    owner      TEXT NOT NULL,                 -- as it was marked when it was found
    found_ms   INTEGER NOT NULL,              -- milliseconds since 1970
    PRIMARY KEY (server, name, kind)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
