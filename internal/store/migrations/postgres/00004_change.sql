-- That the run of a change exists was asked for every change of a first load, which took
-- longer than to store it. It is asked once for each batch now, and who deletes a run
-- deletes its changes.

-- +goose Up

ALTER TABLE change DROP CONSTRAINT change_run_fkey;
