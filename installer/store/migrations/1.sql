CREATE TABLE lease (
    sovereign TEXT PRIMARY KEY,
    worker    TEXT,             -- nobody holds it where this is null
    epoch     INTEGER NOT NULL, -- grows with every claim
    until_ms  INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;

-- The last epoch given to anybody: a forgotten Sovereign's epochs never come again.
CREATE TABLE epoch (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO epoch (only, last) VALUES (1, 0);

CREATE TABLE plan (
    digest TEXT PRIMARY KEY,
    body   TEXT NOT NULL
) STRICT;

CREATE TABLE run (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    sovereign TEXT NOT NULL REFERENCES lease (sovereign) ON DELETE CASCADE,
    digest    TEXT NOT NULL REFERENCES plan (digest),
    direction TEXT NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_by_sovereign ON run (sovereign, id);

CREATE TABLE event (
    sovereign TEXT NOT NULL REFERENCES lease (sovereign) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    run       INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    body      TEXT NOT NULL,
    PRIMARY KEY (sovereign, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_run ON event (run, seq);

-- Where each step of a run stands: the events say so, too; this saves replaying them for every append.
CREATE TABLE step_status (
    run    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step   TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE spec (
    sovereign TEXT PRIMARY KEY,
    document  TEXT NOT NULL
) STRICT;

CREATE TABLE sealed (
    name  TEXT PRIMARY KEY,
    nonce BLOB NOT NULL,
    body  BLOB NOT NULL
) STRICT;

PRAGMA user_version = 1;
