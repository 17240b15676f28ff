-- What becomes of an account in the end: a legal hold keeps it, a merge says where its
-- person is now, and of an erased one the keys remain as keyed hashes.

-- +goose Up

ALTER TABLE account ADD COLUMN legal_hold text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN merged_into text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX account_deleted ON account (deleted_at) WHERE status = 'deleted';

CREATE TABLE erased_key (
    profile text COLLATE "C" NOT NULL, -- empty: an employee ID, whoever says it
    hash text COLLATE "C" NOT NULL,
    account bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (profile, hash)
);

CREATE TABLE secret (
    name text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);
