-- What a profile's reports tell of a problem beyond key and line: who it is, and
-- what was wrong. Empty where report.personal_data is ids.

-- +goose Up

ALTER TABLE problem ADD COLUMN username text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE problem ADD COLUMN name text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE problem ADD COLUMN value text COLLATE "C" NOT NULL DEFAULT '';
