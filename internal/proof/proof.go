// Package proof keeps the scoreboard of what rollcall's safety rests on: each
// test that attacks the program says in figures what it tried and what came of
// it. Only tests import it.
//
// With ROLLCALL_SCORES=FILE every figure is appended to that file, and the
// command in the folder board makes a table of it. With ROLLCALL_SAFETY=1
// (`make safety`) the tests take their time; see [Long].
package proof

import (
	"encoding/json"
	"os"
	"testing"
)

// Long is long where `make safety` asked for it, else short.
func Long(short, long int) int {
	if os.Getenv("ROLLCALL_SAFETY") != "" {
		return long
	}
	return short
}

// A Score is one line of the scoreboard, or a part of one: those of the same
// line are added up, count by count.
type Score struct {
	Line   string  `json:"line"`   // what was attacked: "kill -9, SQLite"
	Counts []Count `json:"counts"` // in the order in which they are shown
}

// A Count is how often something happened.
type Count struct {
	What string `json:"what"` // "cycles", "lost"
	N    int    `json:"n"`
}

// Note puts a line on the scoreboard once the test has ended. A test that failed
// notes nothing: what is missing there was not proven.
func Note(tb testing.TB, line string, counts ...Count) {
	tb.Helper()
	path := os.Getenv("ROLLCALL_SCORES")
	if path == "" {
		return
	}
	tb.Cleanup(func() {
		if tb.Failed() || tb.Skipped() {
			return
		}
		text, err := json.Marshal(Score{Line: line, Counts: counts})
		if err != nil {
			tb.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(append(text, '\n')); err != nil { // one write a line: packages are tested side by side
			tb.Fatal(err)
		}
	})
}

// NotDue finds, in the SQL of both databases, the accounts of which the table due does
// not say what they say themselves; a zero follows each.
const NotDue = `SELECT coalesce(d.account, a.account), 0 FROM due d FULL JOIN (
		SELECT id AS account, 'expires' AS kind, expires_at AS at FROM account WHERE status = 'active' AND expires_at <> ''
		UNION ALL SELECT id, 'starts', CASE WHEN expires_at <> '' AND expires_at < starts_at THEN expires_at ELSE starts_at END FROM account WHERE status_reason = 'not_started'
		UNION ALL SELECT id, 'missing', status_since FROM account WHERE status_reason = 'missing'
		UNION ALL SELECT id, 'deleted', deleted_at FROM account WHERE status = 'deleted' AND deleted_at <> ''
	) a ON a.account = d.account AND a.kind = d.kind
	WHERE d.account IS NULL OR a.account IS NULL OR d.at <> a.at`

// NotFree finds the accounts whose names are kept from others though they are deleted, or
// are not kept though they are there; what follows each says nothing.
const NotFree = `SELECT id, gone FROM account WHERE gone <> CASE WHEN status = 'deleted' THEN 1 ELSE 0 END
	OR username_folded < '!' AND username_folded <> ''` // parked by an apply that is over
