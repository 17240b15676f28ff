-- A plan is stored in its order, and a change of it is written once: what was applied
-- is what an applied run did not leave out, and a new account has the number of its
-- change, moved by as much as its run says. So nothing has to be marked or numbered
-- afterwards, and a plan needs no index of its order.

-- +goose Up

DROP VIEW directory.account_changes;

-- What waits with a plan knows its changes by other numbers; the drop is read in full once more.
DELETE FROM look WHERE current = 0;

ALTER TABLE run
    ADD COLUMN ids_from bigint, -- null where it adds nobody, or is not applied
    ADD COLUMN first_added bigint, -- the accounts that it added, those left out among them
    ADD COLUMN last_added bigint;
CREATE INDEX run_added ON run (last_added) WHERE last_added IS NOT NULL;

CREATE TABLE change_ordered (
    run bigint NOT NULL,
    ord bigint NOT NULL, -- its place in the order of the plan, from 1 without a gap
    line bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    account bigint, -- null for an add: its account is ord + run.ids_from, once it is applied
    version bigint NOT NULL,
    username text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    absent smallint NOT NULL,
    by_date smallint NOT NULL,
    fields text COLLATE "C" NOT NULL, -- JSON, or the short form of an add (store/changetext.go)
    links text COLLATE "C" NOT NULL, -- JSON
    gives text COLLATE "C" NOT NULL, -- the folded username that the account gives up; empty for none
    takes text COLLATE "C" NOT NULL, -- the one that it takes
    done text COLLATE "C" NOT NULL DEFAULT '', -- left_out, excepted; else it was carried out if its run was
    note text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (run, ord)
);
INSERT INTO change_ordered SELECT run, row_number() OVER (PARTITION BY run ORDER BY phase, subject, key, username, ord),
    line, key, action, account, version, username, reason, absent, by_date, fields, links, gives, takes, CASE WHEN done = 'applied' THEN '' ELSE done END, note
    FROM change;
DROP TABLE change;
ALTER TABLE change_ordered RENAME TO change;
ALTER INDEX change_ordered_pkey RENAME TO change_pkey;
CREATE INDEX change_account ON change (account, run) WHERE account IS NOT NULL;

CREATE VIEW directory.account_changes AS
SELECT r.applied_seq, coalesce(c.account, c.ord + r.ids_from) AS account, c.action, timestamptz 'epoch' + r.applied_at * interval '1 microsecond' AS at
FROM run r JOIN change c ON c.run = r.number
WHERE r.applied_seq IS NOT NULL AND c.done = '' AND c.action <> 'claim'
ORDER BY r.applied_seq, c.ord;

-- Room for a change in the page where a row lies: then it is entered into no index again.
ALTER TABLE account SET (fillfactor = 90);
ALTER TABLE link SET (fillfactor = 90);
