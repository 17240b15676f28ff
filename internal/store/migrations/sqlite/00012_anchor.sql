-- The source's own name for a person's entry, kept beside the key (R47): objectGUID,
-- entryUUID, nsUniqueId. Empty where the source has none.

-- +goose Up

ALTER TABLE link ADD COLUMN anchor text NOT NULL DEFAULT '';
CREATE INDEX link_anchor ON link (profile, anchor) WHERE anchor <> '';
