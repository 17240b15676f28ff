-- What somebody is a member of, and what there is to be a member of.

-- +goose Up

-- The catalog, as far as it was imported; the rest stands in catalog.yaml.
CREATE TABLE catalog_item (
    kind text COLLATE "C" NOT NULL,
    course text COLLATE "C" NOT NULL, -- of a group
    name text COLLATE "C" NOT NULL, -- what the item is called by
    doc text COLLATE "C" NOT NULL, -- the item as JSON
    PRIMARY KEY (kind, course, name)
);

-- One row for each who grants: a membership lasts while any of them grants it. That
-- its account exists is not asked for each row: who removes an account removes these.
CREATE TABLE membership (
    account bigint NOT NULL,
    kind text COLLATE "C" NOT NULL, -- cohort, course, program, session, role, category
    name text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL, -- in a course or a category
    group_name text COLLATE "C" NOT NULL, -- of a course
    origin text COLLATE "C" NOT NULL, -- the profile or the person that granted it
    since text COLLATE "C" NOT NULL, -- when; like all times here as roster.Stamp writes it
    starts text COLLATE "C" NOT NULL, -- empty: at once
    until text COLLATE "C" NOT NULL, -- the first moment after it; empty: for good
    suspended bigint NOT NULL,
    ended text COLLATE "C" NOT NULL, -- when its period was over; empty while it lasts
    said text COLLATE "C" NOT NULL, -- what the record said of the period
    PRIMARY KEY (account, kind, name, role, group_name, origin)
);
CREATE INDEX membership_name ON membership (kind, name);
CREATE INDEX membership_until ON membership (until) WHERE until <> '' AND ended = '';

ALTER TABLE change ADD COLUMN memberships text COLLATE "C" NOT NULL DEFAULT ''; -- JSON; empty where the change moves none

DROP VIEW directory.memberships;
CREATE VIEW directory.memberships AS
SELECT m.account, m.kind, m.name, m.role, m.group_name,
    CASE WHEN min(m.until) = '' THEN NULL ELSE max(m.until)::timestamptz END AS until,
    nullif(min(m.starts), '')::timestamptz AS starts,
    min(m.suspended) = 1 AS suspended
FROM membership m JOIN account a ON a.id = m.account
WHERE m.ended = '' AND a.status <> 'deleted'
GROUP BY m.account, m.kind, m.name, m.role, m.group_name;
