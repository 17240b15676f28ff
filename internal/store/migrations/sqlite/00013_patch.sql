-- The prints of a look may be a patch of those that an earlier run has stored whole.

-- +goose Up

-- Another version of rollcall reads every drop in full once anyway.
DROP TABLE look_part;
DROP TABLE look;

CREATE TABLE look (
    run integer PRIMARY KEY REFERENCES run (number) ON DELETE CASCADE,
    profile text NOT NULL,
    current integer NOT NULL, -- 1 once its run is applied; until then it waits with the plan
    digest text NOT NULL, -- of all by which a record is read and judged
    secret integer NOT NULL, -- the seed of the hashes
    seen integer NOT NULL, -- the newest applied_seq when its drop was looked at: what is newer has touched accounts since
    made integer NOT NULL,
    base integer NOT NULL, -- the run that has stored the prints whole; it may be gone from the journal
    base_from integer NOT NULL, -- its ids_from, where that is another run
    parts integer NOT NULL -- of the base
);
CREATE INDEX look_profile ON look (profile, current);

-- Packed, at most 1 MiB a row (index/index.go, index/patch.go). Kind 0: a print of each
-- record, in the order of the drop. Kind 1: the accounts without one. Kinds 2 and 3, of a
-- patch: prints with their places in the base, and the places of prints that no longer hold.
-- Rows of kind 0 outlive their look while another is based on them.
CREATE TABLE look_part (
    run integer NOT NULL,
    kind integer NOT NULL,
    part integer NOT NULL,
    data blob NOT NULL,
    PRIMARY KEY (run, kind, part)
);
