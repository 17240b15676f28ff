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
		return heard(a.oneLine(j))
	}
	return heard(a.showRun(r, p, j))
}

// oneLine is all that -q leaves of a run's report: what it came to, and its counts.
func (a *app) oneLine(j *journal.Run) error {
	would := ""
	if !j.Status.Applied() {
		would = "would be "
	}
	rows, text := j.Facts.Rows, fmt.Sprintf("run %d %s %s", j.Number, named(j), j.Status)
	if rows.Read > 0 {
		text += fmt.Sprintf(": %s read", plural(rows.Read, "row"))
	}
	for _, c := range []struct {
		n           int
		would, what string
	}{
		{rows.Added, would, "added"},
		{rows.Updated, would, "updated"},
		{rows.Renamed, would, "renamed"},
		{rows.Reactivated, would, "reactivated"},
		{rows.Suspended + j.Facts.Absent.Suspended, would, "suspended"},
		{rows.Deleted + j.Facts.Absent.Deleted, would, "deleted"},
		{j.Facts.ByDate.Started, would, "started by date"},
		{j.Facts.ByDate.Expired, would, "expired by date"},
		{rows.Skipped, "", "skipped"},
		{rows.Rejected, "", "rejected"},
	} {
		if c.n > 0 {
			text += fmt.Sprintf(", %s %s%s", count(c.n), c.would, c.what)
		}
	}
	if j.Error != "" {
		text += ": " + clean(j.Error)
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}
