package main

import (
	"fmt"

	"rollcall/internal/journal"
)

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
