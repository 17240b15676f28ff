-- Custom profile fields.

-- +goose Up

-- Only those that somebody has written. folded is what a value is looked up by: its
-- fold, or a hash of it where that is long.
CREATE TABLE account_field (
    account integer NOT NULL,
    name text NOT NULL, -- as the catalog calls it
    value text NOT NULL,
    folded text NOT NULL,
    origin text NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE INDEX account_field_value ON account_field (name, folded) WHERE folded <> '';

DROP VIEW account_fields;
CREATE VIEW account_fields AS
SELECT account, name, value FROM account_field WHERE value <> '';
