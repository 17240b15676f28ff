-- An account that is suspended stays in its place: its row is in no index that its
-- status decides, so that PostgreSQL enters the new row into none, and SQLite writes none.

-- +goose Up

ALTER TABLE account ADD COLUMN gone smallint NOT NULL DEFAULT 0; -- 1 while status is 'deleted': its names are free
UPDATE account SET gone = 1 WHERE status = 'deleted';

DROP INDEX account_username;
CREATE UNIQUE INDEX account_username ON account (username_folded) WHERE gone = 0 AND username_folded <> '';
DROP INDEX account_email;
CREATE INDEX account_email ON account (email_folded) WHERE gone = 0 AND email_folded <> '';

-- Of which accounts time says something, and from when on: what the account says itself,
-- where it is found without reading all of them (store/due.go). By kind first: those of
-- whom the feed says nothing any more come into pages of their own.
CREATE TABLE due (
    kind text COLLATE "C" NOT NULL, -- expires, starts, missing, deleted
    account bigint NOT NULL,
    at text COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, account)
);
INSERT INTO due (account, kind, at)
SELECT id, 'expires', expires_at FROM account WHERE status = 'active' AND expires_at <> ''
UNION ALL SELECT id, 'starts', CASE WHEN expires_at <> '' AND expires_at < starts_at THEN expires_at ELSE starts_at END FROM account WHERE status_reason = 'not_started'
UNION ALL SELECT id, 'missing', status_since FROM account WHERE status_reason = 'missing'
UNION ALL SELECT id, 'deleted', deleted_at FROM account WHERE status = 'deleted' AND deleted_at <> '';
CREATE INDEX due_at ON due (kind, at);

DROP INDEX account_expires;
DROP INDEX account_starts;
DROP INDEX account_missing;
DROP INDEX account_deleted;
