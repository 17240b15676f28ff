-- What the people of a profile have been told, and what is watched beside its runs.

-- +goose Up

CREATE TABLE told (
    profile text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL DEFAULT '', -- of the trouble that goes on; empty for none
    code text COLLATE "C" NOT NULL DEFAULT '',
    since bigint NOT NULL DEFAULT 0,
    runs bigint NOT NULL DEFAULT 0,
    run bigint NOT NULL DEFAULT 0,
    mails bigint NOT NULL DEFAULT 0,
    mailed bigint NOT NULL DEFAULT 0,
    problems text COLLATE "C" NOT NULL DEFAULT '',
    arrived bigint NOT NULL DEFAULT 0,
    arrived_at bigint NOT NULL DEFAULT 0,
    watched bigint NOT NULL DEFAULT 0,
    week bigint NOT NULL DEFAULT 0
);

-- Who is deleted soon is counted for every report.
CREATE INDEX account_missing ON account (status_since) WHERE status_reason = 'missing';
