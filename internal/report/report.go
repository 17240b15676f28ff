// Package report tells what a run did, or what a plan would do: as text for a
// terminal or a mail, as CSV for HR, as JSON for programs. It writes to writers
// that it is given and sends nothing; it knows no clock and no database, so the
// same run gives the same report, byte for byte.
//
// [Build] makes of a run and its problems the [Doc] that all reports are drawn
// from. The changes of a run, of which there may be a million, are never in it:
// each writer takes them as a stream and passes them on as they come.
package report

import (
	"iter"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
)

// Changes are the outcomes of a run in plan order, as the store gives them. An
// error ends the report that reads them.
type Changes = iter.Seq2[journal.Outcome, error]

// Problems are the problems of a run by line, skipped rows among them.
type Problems = iter.Seq2[roster.Problem, error]
