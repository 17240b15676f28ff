-- A plan is stored in its order, and a change of it is written once: what was applied
-- is what an applied run did not leave out, and a new account has the number of its
-- change, moved by as much as its run says. So nothing has to be marked or numbered
-- afterwards, and a plan needs no index of its order.

-- +goose Up

DROP VIEW account_changes;

-- What waits with a plan knows its changes by other numbers; the drop is read in full once more.
DELETE FROM look WHERE current = 0;

ALTER TABLE run ADD COLUMN ids_from integer; -- null where it adds nobody, or is not applied
ALTER TABLE run ADD COLUMN first_added integer; -- the accounts that it added, those left out among them
ALTER TABLE run ADD COLUMN last_added integer;
CREATE INDEX run_added ON run (last_added) WHERE last_added IS NOT NULL;

CREATE TABLE change_ordered (
    run integer NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    ord integer NOT NULL, -- its place in the order of the plan, from 1 without a gap
    line integer NOT NULL,
    key text NOT NULL,
    action text NOT NULL,
    account integer, -- null for an add: its account is ord + run.ids_from, once it is applied
    version integer NOT NULL,
    username text NOT NULL,
    reason text NOT NULL,
    absent integer NOT NULL,
    by_date integer NOT NULL,
    fields text NOT NULL, -- JSON, or the short form of an add (store/changetext.go)
    links text NOT NULL, -- JSON
    gives text NOT NULL, -- the folded username that the account gives up; empty for none
    takes text NOT NULL, -- the one that it takes
    done text NOT NULL DEFAULT '', -- left_out, excepted; else it was carried out if its run was
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (run, ord)
);
INSERT INTO change_ordered SELECT run, row_number() OVER (PARTITION BY run ORDER BY phase, subject, key, username, ord),
    line, key, action, account, version, username, reason, absent, by_date, fields, links, gives, takes, CASE WHEN done = 'applied' THEN '' ELSE done END, note
    FROM change;
DROP TABLE change;
ALTER TABLE change_ordered RENAME TO change;
CREATE INDEX change_account ON change (account, run) WHERE account IS NOT NULL;

CREATE VIEW account_changes AS
SELECT r.applied_seq, coalesce(c.account, c.ord + r.ids_from) AS account, c.action, strftime('%Y-%m-%dT%H:%M:%SZ', r.applied_at / 1000000, 'unixepoch') AS at
FROM run r JOIN change c ON c.run = r.number
WHERE r.applied_seq IS NOT NULL AND c.done = '' AND c.action <> 'claim'
ORDER BY r.applied_seq, c.ord;
