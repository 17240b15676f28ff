-- The first schema. Tables are in the singular and are rollcall's own; the views
-- at the end are in the plural and are what other applications may read.
-- Points in time are microseconds since 1970 in UTC, but for the fields of an
-- account, which are text as roster writes them.

-- +goose Up

CREATE TABLE account (
    id integer PRIMARY KEY,
    version integer NOT NULL,
    employee_id text NOT NULL DEFAULT '',
    username text NOT NULL DEFAULT '',
    email text NOT NULL DEFAULT '',
    first_name text NOT NULL DEFAULT '',
    last_name text NOT NULL DEFAULT '',
    starts_on text NOT NULL DEFAULT '',
    expires_on text NOT NULL DEFAULT '',
    auth text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT '',
    timezone text NOT NULL DEFAULT '',
    site text NOT NULL DEFAULT '',
    theme text NOT NULL DEFAULT '',
    institution text NOT NULL DEFAULT '',
    department text NOT NULL DEFAULT '',
    title text NOT NULL DEFAULT '',
    manager text NOT NULL DEFAULT '',
    city text NOT NULL DEFAULT '',
    country text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    phone1 text NOT NULL DEFAULT '',
    phone2 text NOT NULL DEFAULT '',
    url text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    avatar_url text NOT NULL DEFAULT '',
    last_login_at text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT '',
    status_reason text NOT NULL DEFAULT '',
    status_by text NOT NULL DEFAULT '',
    status_since text NOT NULL DEFAULT '',
    starts_at text NOT NULL DEFAULT '',
    expires_at text NOT NULL DEFAULT '',
    fallback_owner text NOT NULL DEFAULT '',
    deleted_at text NOT NULL DEFAULT '',
    username_folded text NOT NULL DEFAULT '',
    email_folded text NOT NULL DEFAULT '',
    employee_id_folded text NOT NULL DEFAULT '',
    origins text NOT NULL DEFAULT '',
    password_set integer NOT NULL DEFAULT 0,
    must_change_password integer NOT NULL DEFAULT 0,
    created_at integer NOT NULL,
    updated_at integer NOT NULL
);
CREATE UNIQUE INDEX account_username ON account (username_folded) WHERE status <> 'deleted' AND username_folded <> '';
CREATE INDEX account_email ON account (email_folded) WHERE status <> 'deleted' AND email_folded <> '';
CREATE INDEX account_employee_id ON account (employee_id_folded) WHERE employee_id_folded <> '';
CREATE INDEX account_expires ON account (expires_at) WHERE status = 'active' AND expires_at <> '';
CREATE INDEX account_starts ON account (starts_at) WHERE status_reason = 'not_started';

CREATE TABLE link (
    profile text NOT NULL,
    account integer NOT NULL REFERENCES account (id),
    key text NOT NULL,
    key_folded text NOT NULL,
    claim text NOT NULL,
    decided integer NOT NULL DEFAULT 0,
    since integer NOT NULL,
    PRIMARY KEY (profile, account)
) WITHOUT ROWID;
CREATE INDEX link_key ON link (profile, key_folded);
CREATE INDEX link_account ON link (account);

CREATE TABLE run (
    number integer PRIMARY KEY,
    id text NOT NULL UNIQUE,
    profile text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    started integer NOT NULL,
    finished integer NOT NULL DEFAULT 0,
    applied_seq integer UNIQUE, -- null until the run is applied
    applied_at integer,         -- likewise
    dry_run integer NOT NULL DEFAULT 0,
    input_name text NOT NULL DEFAULT '',
    input_sha256 text NOT NULL DEFAULT '',
    input_modified integer NOT NULL DEFAULT 0,
    content text NOT NULL DEFAULT '',
    rows_read integer NOT NULL DEFAULT 0,
    mapping text NOT NULL DEFAULT '',
    approved integer NOT NULL DEFAULT 0,
    held_until integer NOT NULL DEFAULT 0,
    doc text NOT NULL -- the whole run as JSON; the columns beside it are those that queries need
);
CREATE INDEX run_profile ON run (profile, number);
CREATE INDEX run_input ON run (profile, input_sha256);
CREATE INDEX run_finished ON run (profile, finished, number);

-- A plan is its changes in the order of phase, subject, key, username and ord; once
-- carried out, the same rows are the journal.
CREATE TABLE change (
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
) WITHOUT ROWID;
CREATE INDEX change_plan ON change (run, phase, subject, key, username, ord);
CREATE INDEX change_account ON change (account, run);

CREATE TABLE problem (
    run integer NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    ord integer NOT NULL,
    code text NOT NULL,
    severity text NOT NULL,
    field text NOT NULL,
    column_name text NOT NULL,
    line integer NOT NULL,
    key text NOT NULL,
    account integer NOT NULL,
    text text NOT NULL,
    fix text NOT NULL,
    identity text NOT NULL,
    since integer NOT NULL,
    PRIMARY KEY (run, ord)
) WITHOUT ROWID;

CREATE TABLE former_name (
    account integer NOT NULL REFERENCES account (id),
    kind text NOT NULL, -- username or email
    value text NOT NULL,
    folded text NOT NULL,
    until integer NOT NULL,
    held_until integer NOT NULL, -- kept from other accounts until then; 0 for an email
    PRIMARY KEY (account, kind, folded, until)
) WITHOUT ROWID;
CREATE INDEX former_name_folded ON former_name (kind, folded);

CREATE TABLE counter (
    name text PRIMARY KEY,
    value integer NOT NULL -- the last one given
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('run', 0), ('account', 0), ('applied_seq', 0);

CREATE TABLE lease (
    profile text PRIMARY KEY,
    epoch integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE decision (
    profile text NOT NULL,
    key_folded text NOT NULL,
    key text NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    at integer NOT NULL,
    PRIMARY KEY (profile, key_folded)
) WITHOUT ROWID;

CREATE TABLE outbox (
    number integer PRIMARY KEY AUTOINCREMENT,
    run integer NOT NULL, -- 0 for none
    message text NOT NULL, -- JSON
    message_id text NOT NULL UNIQUE,
    state text NOT NULL, -- pending, sent, dead
    attempts integer NOT NULL DEFAULT 0,
    next_at integer NOT NULL,
    error text NOT NULL DEFAULT '',
    created_at integer NOT NULL,
    sent_at integer NOT NULL DEFAULT 0
);
CREATE INDEX outbox_pending ON outbox (next_at, number) WHERE state = 'pending';

CREATE VIEW accounts AS
SELECT id, version,
    employee_id, username, email, first_name, last_name, status, starts_on, expires_on, auth,
    language, timezone, site, theme, institution, department, title, manager, city, country,
    address, phone1, phone2, url, description, avatar_url,
    nullif(last_login_at, '') AS last_login_at,
    status_reason, status_by, fallback_owner,
    password_set AS password_set,
    must_change_password AS must_change_password,
    strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000000, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', updated_at / 1000000, 'unixepoch') AS updated_at,
    nullif(deleted_at, '') AS deleted_at
FROM account;

-- A name is valid from the moment when the one before it was given up.
CREATE VIEW account_names AS
SELECT account, kind, name, strftime('%Y-%m-%dT%H:%M:%SZ', since / 1000000, 'unixepoch') AS valid_from, strftime('%Y-%m-%dT%H:%M:%SZ', until / 1000000, 'unixepoch') AS valid_until
FROM (
    SELECT a.id AS account, 'username' AS kind, a.username AS name,
        coalesce((SELECT max(f.until) FROM former_name f WHERE f.account = a.id AND f.kind = 'username'), a.created_at) AS since,
        NULL AS until
    FROM account a WHERE a.status <> 'deleted' AND a.username <> ''
    UNION ALL
    SELECT a.id AS account, 'email' AS kind, a.email AS name,
        coalesce((SELECT max(f.until) FROM former_name f WHERE f.account = a.id AND f.kind = 'email'), a.created_at) AS since,
        NULL AS until
    FROM account a WHERE a.status <> 'deleted' AND a.email <> ''
    UNION ALL
    SELECT f.account, f.kind, f.value,
        coalesce(lag(f.until) OVER (PARTITION BY f.account, f.kind ORDER BY f.until), a.created_at),
        f.until
    FROM former_name f JOIN account a ON a.id = f.account
) AS names;

-- Whoever remembers the last applied_seq that he has seen misses nothing: the
-- numbers become visible in their order.
CREATE VIEW account_changes AS
SELECT r.applied_seq, c.account, c.action, strftime('%Y-%m-%dT%H:%M:%SZ', r.applied_at / 1000000, 'unixepoch') AS at
FROM run r JOIN change c ON c.run = r.number
WHERE r.applied_seq IS NOT NULL AND c.done = 'applied' AND c.action <> 'claim'
ORDER BY r.applied_seq, c.phase, c.subject, c.key, c.username, c.ord;

-- Nothing fills these yet; their columns are promised.
CREATE VIEW account_fields AS
SELECT NULL AS account, NULL AS name, NULL AS value WHERE false;

CREATE VIEW memberships AS
SELECT NULL AS account, NULL AS kind, NULL AS name, NULL AS role, NULL AS group_name,
    NULL AS until WHERE false;
