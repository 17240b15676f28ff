-- What the people of a profile have been told, and what is watched beside its runs.

-- +goose Up

CREATE TABLE told (
    profile text PRIMARY KEY,
    status text NOT NULL DEFAULT '', -- of the trouble that goes on; empty for none
    code text NOT NULL DEFAULT '',
    since integer NOT NULL DEFAULT 0,
    runs integer NOT NULL DEFAULT 0,
    run integer NOT NULL DEFAULT 0,
    mails integer NOT NULL DEFAULT 0,
    mailed integer NOT NULL DEFAULT 0,
    problems text NOT NULL DEFAULT '',
    arrived integer NOT NULL DEFAULT 0,
    arrived_at integer NOT NULL DEFAULT 0,
    watched integer NOT NULL DEFAULT 0,
    week integer NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Who is deleted soon is counted for every report.
CREATE INDEX account_missing ON account (status_since) WHERE status_reason = 'missing';
