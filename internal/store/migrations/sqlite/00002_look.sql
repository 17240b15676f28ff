-- What the last applied drop of a profile looked like, so that the next run reads
-- only what differs; and how many accounts each profile owns.

-- +goose Up

CREATE TABLE look (
    run integer PRIMARY KEY REFERENCES run (number) ON DELETE CASCADE,
    profile text NOT NULL,
    current integer NOT NULL, -- 1 once its run is applied; until then it waits with the plan
    digest text NOT NULL, -- of all by which a record is read and judged
    secret integer NOT NULL, -- the seed of the hashes
    seen integer NOT NULL, -- the newest applied_seq when its drop was looked at: what is newer has touched accounts since
    made integer NOT NULL
);
CREATE INDEX look_profile ON look (profile, current);

-- Packed, about 1 MiB a row: kind 0 has 32 bytes for each record, in the order of
-- the drop, and kind 1 the accounts without such a record, 8 bytes each.
CREATE TABLE look_part (
    run integer NOT NULL REFERENCES look (run) ON DELETE CASCADE,
    kind integer NOT NULL,
    part integer NOT NULL,
    data blob NOT NULL,
    PRIMARY KEY (run, kind, part)
);

CREATE TABLE tally (
    profile text PRIMARY KEY,
    owned integer NOT NULL, -- accounts that the profile links, not deleted
    active integer NOT NULL -- those of them that are active
);
INSERT INTO tally (profile, owned, active)
SELECT l.profile, count(*) FILTER (WHERE a.status <> 'deleted'), count(*) FILTER (WHERE a.status = 'active')
FROM link l JOIN account a ON a.id = l.account GROUP BY l.profile;
