package main

import (
	"fmt"

	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// told prints what a run came to, for whoever has asked for it: the report, or
// with -q one line.
func (a *app) told(r *run.Runner, p *run.Profile, j *journal.Run) error {
	if a.Quiet && a.Output == "table" {
		return a.oneLine(j)
	}
	return a.showRun(r, p, j)
}

// oneLine is all that -q leaves of a run's report: what it came to, and its counts.
func (a *app) oneLine(j *journal.Run) error {
	rows, text := j.Facts.Rows, fmt.Sprintf("run %d %s %s", j.Number, named(j), j.Status)
	if rows.Read > 0 {
		text += fmt.Sprintf(": %s read", plural(rows.Read, "row"))
	}
	for _, c := range []struct {
		n    int
		what string
	}{
		{rows.Added, "added"},
		{rows.Updated, "updated"},
		{rows.Renamed, "renamed"},
		{rows.Reactivated, "reactivated"},
		{rows.Suspended + j.Facts.Absent.Suspended, "suspended"},
		{rows.Deleted + j.Facts.Absent.Deleted, "deleted"},
		{j.Facts.ByDate.Started, "started by date"},
		{j.Facts.ByDate.Expired, "expired by date"},
		{rows.Skipped, "skipped"},
		{rows.Rejected, "rejected"},
	} {
		if c.n > 0 {
			text += fmt.Sprintf(", %s %s", count(c.n), c.what)
		}
	}
	if j.Error != "" {
		text += ": " + clean(j.Error)
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}
