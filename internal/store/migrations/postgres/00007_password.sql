-- Passwords, of which rollcall keeps hashes alone, and the mails by which people
-- get those that are made for them.

-- +goose Up

-- What is known of an account's password: nothing, 'awaited', or 'set' and since
-- when; 'change' behind it where the person must choose another one.
ALTER TABLE account ADD COLUMN password text COLLATE "C" NOT NULL DEFAULT '';

-- Hashes, by the account and the instant that account.password names. Those of
-- before are kept, so that a run that changed passwords can be taken back.
CREATE TABLE credential (
    account bigint NOT NULL,
    since text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, since)
);

-- Hashes of a plan that is not applied yet, by its change.
CREATE TABLE planned_password (
    run bigint NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    ord bigint NOT NULL,
    hash text COLLATE "C" NOT NULL,
    PRIMARY KEY (run, ord)
);

-- A welcome mail names whom it is for; its text is made when it is sent. Beyond
-- pending, sent and dead it may be waiting (for outbox release) or dropped.
ALTER TABLE outbox ADD COLUMN account bigint NOT NULL DEFAULT 0;
CREATE INDEX outbox_account ON outbox (account) WHERE account <> 0;
