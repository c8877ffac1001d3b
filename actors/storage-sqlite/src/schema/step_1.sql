-- Format 1. Never edit a released step: append the next one to STEPS.

-- `no` stands for the 16-byte id in all other tables. `owner` is NULL when the last owner let go in order.
CREATE TABLE run (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    owner BLOB,
    head_seq INTEGER NOT NULL,
    head_hash BLOB NOT NULL,
    parent BLOB,
    scenario TEXT NOT NULL,
    case_name TEXT,
    is_batch INTEGER NOT NULL CHECK (is_batch IN (0, 1)),
    tenant TEXT NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    turns INTEGER NOT NULL,
    usage TEXT NOT NULL,
    trace BLOB NOT NULL,
    starts_without_progress INTEGER NOT NULL,
    key BLOB NOT NULL
) STRICT;

-- Headers are below 1,000 bytes, so that they fit a page without overflow; `body` is a row of the table `body`.
CREATE TABLE journal (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    header BLOB NOT NULL,
    body INTEGER,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE body (
    no INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    address BLOB NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (run, address)
) STRICT;

CREATE TABLE snapshot (
    run INTEGER NOT NULL,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    fold_version INTEGER NOT NULL,
    state_hash BLOB NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (run, lane)
) STRICT;

-- `command` is NULL once acknowledged: the id stays, so that a late repetition changes nothing.
CREATE TABLE inbox (
    no INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    id TEXT NOT NULL,
    command TEXT,
    UNIQUE (run, id)
) STRICT;

-- Processes that have the store open, with their last sign of life in microseconds since the epoch.
CREATE TABLE owner (
    boot BLOB PRIMARY KEY,
    heartbeat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
