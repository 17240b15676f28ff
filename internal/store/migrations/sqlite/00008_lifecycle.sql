-- What becomes of an account in the end: a legal hold keeps it, a merge says where its
-- person is now, and of an erased one the keys remain as keyed hashes.

-- +goose Up

ALTER TABLE account ADD COLUMN legal_hold text NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN merged_into text NOT NULL DEFAULT '';
CREATE INDEX account_deleted ON account (deleted_at) WHERE status = 'deleted';

CREATE TABLE erased_key (
    profile text NOT NULL, -- empty: an employee ID, whoever says it
    hash text NOT NULL,
    account integer NOT NULL,
    at integer NOT NULL,
    PRIMARY KEY (profile, hash)
) WITHOUT ROWID;

CREATE TABLE secret (
    name text PRIMARY KEY,
    value text NOT NULL
) WITHOUT ROWID;
