-- A change of a first load is longer than a page holds beside others, and in a table
-- without row numbers a search reads all of every row that it passes. So changes have them.

-- +goose Up

DROP VIEW account_changes;

CREATE TABLE change_numbered (
    run integer NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    ord integer NOT NULL, -- as the change came in
    phase integer NOT NULL,
    line integer NOT NULL,
    subject integer NOT NULL, -- the account as planned; 0 for an add
    key text NOT NULL,
    action text NOT NULL,
    account integer, -- null for an add that is not applied
    version integer NOT NULL,
    username text NOT NULL,
    reason text NOT NULL,
    absent integer NOT NULL,
    by_date integer NOT NULL,
    fields text NOT NULL,
    links text NOT NULL,
    gives text NOT NULL, -- the folded username that the account gives up; empty for none
    takes text NOT NULL, -- the one that it takes
    done text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (run, ord)
);
INSERT INTO change_numbered SELECT * FROM change ORDER BY run, ord;
DROP TABLE change;
ALTER TABLE change_numbered RENAME TO change;
CREATE INDEX change_plan ON change (run, phase, subject, key, username, ord);
CREATE INDEX change_account ON change (account, run);

CREATE VIEW account_changes AS
SELECT r.applied_seq, c.account, c.action, strftime('%Y-%m-%dT%H:%M:%SZ', r.applied_at / 1000000, 'unixepoch') AS at
FROM run r JOIN change c ON c.run = r.number
WHERE r.applied_seq IS NOT NULL AND c.done = 'applied' AND c.action <> 'claim'
ORDER BY r.applied_seq, c.phase, c.subject, c.key, c.username, c.ord;
