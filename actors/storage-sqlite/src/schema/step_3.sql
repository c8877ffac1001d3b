-- Format 3: the index of effects that several runs may mean (`intent.rs`).

-- `place` counts from 1 within a key, in the order of the commits, so that a lost row shows. `run` is the id itself: a
-- damaged row of the run must not make the intent another run's.
CREATE TABLE intent (
    no INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    place INTEGER NOT NULL,
    run BLOB NOT NULL,
    turn INTEGER NOT NULL,
    step INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    checksum BLOB NOT NULL DEFAULT x'',
    UNIQUE (key, place),
    UNIQUE (run, turn, step, ordinal)
) STRICT;
