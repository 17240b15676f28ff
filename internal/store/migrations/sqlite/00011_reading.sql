-- How far a profile's last applied reading of a directory had come: where the next
-- one goes on.

-- +goose Up

CREATE TABLE reading (
    run integer PRIMARY KEY REFERENCES run (number) ON DELETE CASCADE, -- whose drop it belongs to
    profile text NOT NULL,
    current integer NOT NULL, -- 1 once its run is applied; until then it waits with the plan
    digest text NOT NULL, -- of what its records mean
    state text NOT NULL -- JSON, which the reader of directories understands
);
CREATE INDEX reading_profile ON reading (profile, current);
