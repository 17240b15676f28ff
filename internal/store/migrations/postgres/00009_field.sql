-- Custom profile fields.

-- +goose Up

-- Only those that somebody has written. folded is what a value is looked up by: its
-- fold, or a hash of it where that is long.
CREATE TABLE account_field (
    account bigint NOT NULL,
    name text COLLATE "C" NOT NULL, -- as the catalog calls it
    value text COLLATE "C" NOT NULL,
    folded text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, name)
);
CREATE INDEX account_field_value ON account_field (name, folded) WHERE folded <> '';

DROP VIEW directory.account_fields;
CREATE VIEW directory.account_fields AS
SELECT account, name, value FROM account_field WHERE value <> '';
