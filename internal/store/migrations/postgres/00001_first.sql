-- The first schema. Tables are in the singular and are rollcall's own; the views
-- at the end are in the plural and are what other applications may read.
-- Points in time are microseconds since 1970 in UTC, but for the fields of an
-- account, which are text as roster writes them.

-- +goose Up

CREATE TABLE account (
    id bigint PRIMARY KEY,
    version bigint NOT NULL,
    employee_id text COLLATE "C" NOT NULL DEFAULT '',
    username text COLLATE "C" NOT NULL DEFAULT '',
    email text COLLATE "C" NOT NULL DEFAULT '',
    first_name text COLLATE "C" NOT NULL DEFAULT '',
    last_name text COLLATE "C" NOT NULL DEFAULT '',
    starts_on text COLLATE "C" NOT NULL DEFAULT '',
    expires_on text COLLATE "C" NOT NULL DEFAULT '',
    auth text COLLATE "C" NOT NULL DEFAULT '',
    language text COLLATE "C" NOT NULL DEFAULT '',
    timezone text COLLATE "C" NOT NULL DEFAULT '',
    site text COLLATE "C" NOT NULL DEFAULT '',
    theme text COLLATE "C" NOT NULL DEFAULT '',
    institution text COLLATE "C" NOT NULL DEFAULT '',
    department text COLLATE "C" NOT NULL DEFAULT '',
    title text COLLATE "C" NOT NULL DEFAULT '',
    manager text COLLATE "C" NOT NULL DEFAULT '',
    city text COLLATE "C" NOT NULL DEFAULT '',
    country text COLLATE "C" NOT NULL DEFAULT '',
    address text COLLATE "C" NOT NULL DEFAULT '',
    phone1 text COLLATE "C" NOT NULL DEFAULT '',
    phone2 text COLLATE "C" NOT NULL DEFAULT '',
    url text COLLATE "C" NOT NULL DEFAULT '',
    description text COLLATE "C" NOT NULL DEFAULT '',
    avatar_url text COLLATE "C" NOT NULL DEFAULT '',
    last_login_at text COLLATE "C" NOT NULL DEFAULT '',
    status text COLLATE "C" NOT NULL DEFAULT '',
    status_reason text COLLATE "C" NOT NULL DEFAULT '',
    status_by text COLLATE "C" NOT NULL DEFAULT '',
    status_since text COLLATE "C" NOT NULL DEFAULT '',
    starts_at text COLLATE "C" NOT NULL DEFAULT '',
    expires_at text COLLATE "C" NOT NULL DEFAULT '',
    fallback_owner text COLLATE "C" NOT NULL DEFAULT '',
    deleted_at text COLLATE "C" NOT NULL DEFAULT '',
    username_folded text COLLATE "C" NOT NULL DEFAULT '',
    email_folded text COLLATE "C" NOT NULL DEFAULT '',
    employee_id_folded text COLLATE "C" NOT NULL DEFAULT '',
    origins text COLLATE "C" NOT NULL DEFAULT '',
    password_set smallint NOT NULL DEFAULT 0,
    must_change_password smallint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX account_username ON account (username_folded) WHERE status <> 'deleted' AND username_folded <> '';
CREATE INDEX account_email ON account (email_folded) WHERE status <> 'deleted' AND email_folded <> '';
CREATE INDEX account_employee_id ON account (employee_id_folded) WHERE employee_id_folded <> '';
CREATE INDEX account_expires ON account (expires_at) WHERE status = 'active' AND expires_at <> '';
CREATE INDEX account_starts ON account (starts_at) WHERE status_reason = 'not_started';

CREATE TABLE link (
    profile text COLLATE "C" NOT NULL,
    account bigint NOT NULL REFERENCES account (id),
    key text COLLATE "C" NOT NULL,
    key_folded text COLLATE "C" NOT NULL,
    claim text COLLATE "C" NOT NULL,
    decided smallint NOT NULL DEFAULT 0,
    since bigint NOT NULL,
    PRIMARY KEY (profile, account)
);
CREATE INDEX link_key ON link (profile, key_folded);
CREATE INDEX link_account ON link (account);

CREATE TABLE run (
    number bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    profile text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    started bigint NOT NULL,
    finished bigint NOT NULL DEFAULT 0,
    applied_seq bigint UNIQUE, -- null until the run is applied
    applied_at bigint,         -- likewise
    dry_run smallint NOT NULL DEFAULT 0,
    input_name text COLLATE "C" NOT NULL DEFAULT '',
    input_sha256 text COLLATE "C" NOT NULL DEFAULT '',
    input_modified bigint NOT NULL DEFAULT 0,
    content text COLLATE "C" NOT NULL DEFAULT '',
    rows_read bigint NOT NULL DEFAULT 0,
    mapping text COLLATE "C" NOT NULL DEFAULT '',
    approved smallint NOT NULL DEFAULT 0,
    held_until bigint NOT NULL DEFAULT 0,
    doc text COLLATE "C" NOT NULL -- the whole run as JSON; the columns beside it are those that queries need
);
CREATE INDEX run_profile ON run (profile, number);
CREATE INDEX run_input ON run (profile, input_sha256);
CREATE INDEX run_finished ON run (profile, finished, number);

-- A plan is its changes in the order of phase, subject, key, username and ord; once
-- carried out, the same rows are the journal.
CREATE TABLE change (
    run bigint NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    ord bigint NOT NULL, -- as the change came in
    phase smallint NOT NULL,
    line bigint NOT NULL,
    subject bigint NOT NULL, -- the account as planned; 0 for an add
    key text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    account bigint, -- null for an add that is not applied
    version bigint NOT NULL,
    username text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    absent smallint NOT NULL,
    by_date smallint NOT NULL,
    fields text COLLATE "C" NOT NULL,
    links text COLLATE "C" NOT NULL,
    gives text COLLATE "C" NOT NULL, -- the folded username that the account gives up; empty for none
    takes text COLLATE "C" NOT NULL, -- the one that it takes
    done text COLLATE "C" NOT NULL DEFAULT '',
    note text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (run, ord)
);
CREATE INDEX change_plan ON change (run, phase, subject, key, username, ord);
CREATE INDEX change_account ON change (account, run);

CREATE TABLE problem (
    run bigint NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    ord bigint NOT NULL,
    code text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    account bigint NOT NULL,
    text text COLLATE "C" NOT NULL,
    fix text COLLATE "C" NOT NULL,
    identity text COLLATE "C" NOT NULL,
    since bigint NOT NULL,
    PRIMARY KEY (run, ord)
);

CREATE TABLE former_name (
    account bigint NOT NULL REFERENCES account (id),
    kind text COLLATE "C" NOT NULL, -- username or email
    value text COLLATE "C" NOT NULL,
    folded text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    held_until bigint NOT NULL, -- kept from other accounts until then; 0 for an email
    PRIMARY KEY (account, kind, folded, until)
);
CREATE INDEX former_name_folded ON former_name (kind, folded);

CREATE TABLE counter (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL -- the last one given
);
INSERT INTO counter (name, value) VALUES ('run', 0), ('account', 0), ('applied_seq', 0);

CREATE TABLE lease (
    profile text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL
);

CREATE TABLE decision (
    profile text COLLATE "C" NOT NULL,
    key_folded text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    who text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (profile, key_folded)
);

CREATE TABLE outbox (
    number bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    run bigint NOT NULL, -- 0 for none
    message text COLLATE "C" NOT NULL, -- JSON
    message_id text COLLATE "C" NOT NULL UNIQUE,
    state text COLLATE "C" NOT NULL, -- pending, sent, dead
    attempts bigint NOT NULL DEFAULT 0,
    next_at bigint NOT NULL,
    error text COLLATE "C" NOT NULL DEFAULT '',
    created_at bigint NOT NULL,
    sent_at bigint NOT NULL DEFAULT 0
);
CREATE INDEX outbox_pending ON outbox (next_at, number) WHERE state = 'pending';

CREATE SCHEMA directory;

CREATE VIEW directory.accounts AS
SELECT id, version,
    employee_id, username, email, first_name, last_name, status, starts_on, expires_on, auth,
    language, timezone, site, theme, institution, department, title, manager, city, country,
    address, phone1, phone2, url, description, avatar_url,
    nullif(last_login_at, '')::timestamptz AS last_login_at,
    status_reason, status_by, fallback_owner,
    password_set = 1 AS password_set,
    must_change_password = 1 AS must_change_password,
    timestamptz 'epoch' + created_at * interval '1 microsecond' AS created_at,
    timestamptz 'epoch' + updated_at * interval '1 microsecond' AS updated_at,
    nullif(deleted_at, '')::timestamptz AS deleted_at
FROM account;

-- A name is valid from the moment when the one before it was given up.
CREATE VIEW directory.account_names AS
SELECT account, kind, name, timestamptz 'epoch' + since * interval '1 microsecond' AS valid_from, timestamptz 'epoch' + until * interval '1 microsecond' AS valid_until
FROM (
    SELECT a.id AS account, 'username' AS kind, a.username AS name,
        coalesce((SELECT max(f.until) FROM former_name f WHERE f.account = a.id AND f.kind = 'username'), a.created_at) AS since,
        NULL::bigint AS until
    FROM account a WHERE a.status <> 'deleted' AND a.username <> ''
    UNION ALL
    SELECT a.id AS account, 'email' AS kind, a.email AS name,
        coalesce((SELECT max(f.until) FROM former_name f WHERE f.account = a.id AND f.kind = 'email'), a.created_at) AS since,
        NULL::bigint AS until
    FROM account a WHERE a.status <> 'deleted' AND a.email <> ''
    UNION ALL
    SELECT f.account, f.kind, f.value,
        coalesce(lag(f.until) OVER (PARTITION BY f.account, f.kind ORDER BY f.until), a.created_at),
        f.until
    FROM former_name f JOIN account a ON a.id = f.account
) AS names;

-- Whoever remembers the last applied_seq that he has seen misses nothing: the
-- numbers become visible in their order.
CREATE VIEW directory.account_changes AS
SELECT r.applied_seq, c.account, c.action, timestamptz 'epoch' + r.applied_at * interval '1 microsecond' AS at
FROM run r JOIN change c ON c.run = r.number
WHERE r.applied_seq IS NOT NULL AND c.done = 'applied' AND c.action <> 'claim'
ORDER BY r.applied_seq, c.phase, c.subject, c.key, c.username, c.ord;

-- Nothing fills these yet; their columns are promised.
CREATE VIEW directory.account_fields AS
SELECT NULL::bigint AS account, NULL::text AS name, NULL::text AS value WHERE false;

CREATE VIEW directory.memberships AS
SELECT NULL::bigint AS account, NULL::text AS kind, NULL::text AS name, NULL::text AS role, NULL::text AS group_name,
    NULL::timestamptz AS until WHERE false;
