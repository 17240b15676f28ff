-- What the last applied drop of a profile looked like, so that the next run reads
-- only what differs; and how many accounts each profile owns.

-- +goose Up

CREATE TABLE look (
    run bigint PRIMARY KEY REFERENCES run (number) ON DELETE CASCADE,
    profile text COLLATE "C" NOT NULL,
    current smallint NOT NULL, -- 1 once its run is applied; until then it waits with the plan
    digest text COLLATE "C" NOT NULL, -- of all by which a record is read and judged
    secret bigint NOT NULL, -- the seed of the hashes
    seen bigint NOT NULL, -- the newest applied_seq when its drop was looked at: what is newer has touched accounts since
    made bigint NOT NULL
);
CREATE INDEX look_profile ON look (profile, current);

-- Packed, about 1 MiB a row: kind 0 has 32 bytes for each record, in the order of
-- the drop, and kind 1 the accounts without such a record, 8 bytes each.
CREATE TABLE look_part (
    run bigint NOT NULL REFERENCES look (run) ON DELETE CASCADE,
    kind smallint NOT NULL,
    part bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (run, kind, part)
);
ALTER TABLE look_part ALTER COLUMN data SET STORAGE EXTERNAL; -- hashes do not shrink

CREATE TABLE tally (
    profile text COLLATE "C" PRIMARY KEY,
    owned bigint NOT NULL, -- accounts that the profile links, not deleted
    active bigint NOT NULL -- those of them that are active
);
INSERT INTO tally (profile, owned, active)
SELECT l.profile, count(*) FILTER (WHERE a.status <> 'deleted'), count(*) FILTER (WHERE a.status = 'active')
FROM link l JOIN account a ON a.id = l.account GROUP BY l.profile;
