-- What somebody is a member of, and what there is to be a member of.

-- +goose Up

-- The catalog, as far as it was imported; the rest stands in catalog.yaml.
CREATE TABLE catalog_item (
    kind text NOT NULL,
    course text NOT NULL, -- of a group
    name text NOT NULL, -- what the item is called by
    doc text NOT NULL, -- the item as JSON
    PRIMARY KEY (kind, course, name)
) WITHOUT ROWID;

-- One row for each who grants: a membership lasts while any of them grants it.
CREATE TABLE membership (
    account integer NOT NULL,
    kind text NOT NULL, -- cohort, course, program, session, role, category
    name text NOT NULL,
    role text NOT NULL, -- in a course or a category
    group_name text NOT NULL, -- of a course
    origin text NOT NULL, -- the profile or the person that granted it
    since text NOT NULL, -- when; like all times here as roster.Stamp writes it
    starts text NOT NULL, -- empty: at once
    until text NOT NULL, -- the first moment after it; empty: for good
    suspended integer NOT NULL,
    ended text NOT NULL, -- when its period was over; empty while it lasts
    said text NOT NULL, -- what the record said of the period
    PRIMARY KEY (account, kind, name, role, group_name, origin)
) WITHOUT ROWID;
CREATE INDEX membership_name ON membership (kind, name);
CREATE INDEX membership_until ON membership (until) WHERE until <> '' AND ended = '';

ALTER TABLE change ADD COLUMN memberships text NOT NULL DEFAULT ''; -- JSON; empty where the change moves none

DROP VIEW memberships;
CREATE VIEW memberships AS
SELECT m.account, m.kind, m.name, m.role, m.group_name,
    CASE WHEN min(m.until) = '' THEN NULL ELSE max(m.until) END AS until,
    nullif(min(m.starts), '') AS starts,
    min(m.suspended) AS suspended
FROM membership m JOIN account a ON a.id = m.account
WHERE m.ended = '' AND a.status <> 'deleted'
GROUP BY m.account, m.kind, m.name, m.role, m.group_name;
