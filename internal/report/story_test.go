package report_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s =\n%s\nwant\n%s", name, got, want)
	}
}

var errDisk = errors.New("disk is gone")

// broken is a stream that breaks off at once.
func broken[T any](yield func(T, error) bool) {
	var zero T
	yield(zero, errDisk)
}

func stream[T any](items ...T) func(func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// A story is one run with what the store would give for it.
type story struct {
	run      journal.Run
	changes  []journal.Outcome
	problems []roster.Problem
}

func (s *story) doc(t *testing.T) *report.Doc {
	t.Helper()
	d, err := report.Build(&s.run, stream(s.problems...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// clean is an ordinary night: joiners, movers, a marriage, leavers.
func clean() *story {
	s := &story{run: journal.Run{
		Number: 41, ID: "0193a5f2-6c1e-7b30-9a44-2f6c0d7e51a9", Profile: "hr-csv", Kind: journal.Sync, Trigger: "schedule",
		Started: at("2026-11-21T05:30:00+01:00"), Finished: at("2026-11-21T05:30:38+01:00"),
		PlanDigest: "sha256:" + strings.Repeat("ab", 32), AppliedSeq: 88,
		Input: journal.Input{
			Source: "sftp", Name: "staff_20261121.csv.gz", Size: 412331, SHA256: strings.Repeat("0f", 32),
			Modified: at("2026-11-21T05:12:09+01:00"), Format: "csv", Encoding: "windows-1250", Delimiter: ";", Content: "full", Archive: "archive/41",
		},
		Facts: plan.Facts{
			Full:   true,
			Rows:   plan.Rows{Read: 4819, Added: 7, Updated: 30, Renamed: 1, Reactivated: 1, Unchanged: 4778, Skipped: 2},
			Absent: plan.Absent{Total: 2, Suspended: 2},
			Owned:  4820, ActiveBefore: 4811, ActiveAfter: 4817, Removals: 2, Adds: 7, Renames: 1,
			FieldChanges: map[string]int{"department": 14, "title": 9, "email": 8, "city": 1},
			Departments: map[string]plan.Movement{
				"ICU": {Added: 3, Changed: 4, Removed: 1}, "Cardiology": {Added: 2, Changed: 11, Removed: 1},
				"Radiology": {Added: 1, Changed: 3}, "Onkologia Dziecięca": {Changed: 5}, "Pharmacy": {Changed: 4},
				"Kitchen": {Added: 1, Changed: 2}, "Laundry": {Changed: 3},
			},
		},
		Timing: journal.Timing{Fetch: 4100, Read: 900, Plan: 300, Apply: 31800, Report: 400},
	}}
	s.run.Findings = guard.Check(guard.DefaultLimits(), s.run.Facts, guard.Baseline{Applied: true, MedianRows: 4812, RowHistory: []int{4819, 4812, 4809}})
	s.changes = []journal.Outcome{
		{Done: journal.Applied, Change: plan.Change{
			Action: plan.Rename, Account: 20412, Version: 3, Key: "104500", Username: "k.wrona", Reason: "the record says another username", Line: 97,
			Fields: []plan.FieldChange{
				{Field: roster.Username, Name: "username", Old: "k.wrona", New: "k.kowalska"},
				{Field: roster.Email, Name: "email", Old: "k.wrona@example.org", New: "k.kowalska@example.org"},
				{Field: roster.LastName, Name: "last_name", Old: "Wrona", New: "Kowalska"},
				{Field: roster.Title, Name: "title", Old: "", New: "=cmd"},
			},
		}},
		{Done: journal.Applied, Change: plan.Change{
			Action: plan.Update, Account: 20417, Version: 9, Key: "104417", Username: "a.zielińska", Reason: "the record differs", Line: 312,
			Fields: []plan.FieldChange{{Field: roster.Department, Name: "department", Old: "Ward 3", New: "ICU"}},
		}},
		{Done: journal.Applied, Change: plan.Change{Action: plan.Claim, Account: 20418, Key: "104418", Username: "b.claim", Reason: "claim moves"}},
		{Done: journal.Applied, Change: plan.Change{
			Action: plan.Reactivate, Account: 19901, Key: "101020", Username: "j.nowak", Reason: "listed again", Line: 1710,
			Fields: []plan.FieldChange{
				{Field: roster.StatusField, Name: "status", Old: "suspended", New: "active"},
				{Field: roster.StatusReason, Name: "status_reason", Old: "missing", New: ""},
				{Field: roster.StatusBy, Name: "status_by", Old: "hr-csv", New: "hr-csv"},
				{Field: roster.StatusSince, Name: "status_since", Old: "2026-10-01T00:00:00Z", New: "2026-11-21T04:30:00Z"},
			},
		}},
		{Done: journal.Applied, Change: plan.Change{
			Action: plan.Add, Account: 20500, Key: "105120", Username: "m.żak", Reason: "the key is new", Line: 4802,
			Fields: []plan.FieldChange{
				{Field: roster.EmployeeID, Name: "employee_id", New: "105120"},
				{Field: roster.Username, Name: "username", New: "m.żak"},
				{Field: roster.StatusField, Name: "status", New: "active"},
			},
		}},
		{Done: journal.Applied, Change: plan.Change{
			Action: plan.Suspend, Account: 18802, Key: "103302", Username: "m.zalewska", Reason: "not in the file", Absent: true,
			Fields: []plan.FieldChange{{Field: roster.StatusField, Name: "status", Old: "active", New: "suspended"}, {Field: roster.DeletedAt, Name: "deleted_at"}},
		}},
	}
	journal.Settle(&s.run)
	return s
}

// yesterday is the run before, to compare with.
func yesterday() *story {
	s := clean()
	s.run.Number = 40
	s.run.Started, s.run.Finished = at("2026-11-20T05:30:00+01:00"), at("2026-11-20T05:30:36+01:00")
	s.run.Facts.Rows = plan.Rows{Read: 4814, Added: 3, Updated: 26, Renamed: 1, Unchanged: 4782, Skipped: 2}
	s.run.Facts.Absent = plan.Absent{Total: 4, Suspended: 4}
	return s
}

// dirty is a night with rows that nobody could use.
func dirty() *story {
	s := clean()
	s.run.Number, s.run.ID = 42, "0193a5f2-6c1e-7b30-9a44-2f6c0d7e51b0"
	s.run.Finished, s.run.Timing.Apply = at("2026-11-21T05:32:41+01:00"), 155_700
	s.run.Facts.ActiveAfter = 4815
	s.run.Facts.Rows = plan.Rows{Read: 4821, Added: 4, Updated: 18, Unchanged: 4785, Skipped: 2, Rejected: 12}
	s.run.Facts.Absent = plan.Absent{}
	s.run.Facts.Errors, s.run.Facts.Warnings, s.run.Facts.Notes, s.run.Facts.NewRejected = 12, 3, 1, 9
	s.run.Facts.Removals = 0
	old := at("2026-11-18T04:30:00Z")
	e120 := func(line int, key roster.Key) roster.Problem {
		return roster.Problem{Code: "E120", Severity: roster.SeverityError, Field: "last_name", Column: "LastName", Line: line, Key: key}
	}
	e105 := func(line int) roster.Problem {
		return roster.Problem{Code: "E105", Severity: roster.SeverityError, Line: line, Key: "104417", Account: 20417}
	}
	s.problems = []roster.Problem{
		{Code: "E112", Severity: roster.SeverityWarning, Field: "expires_on", Column: "EndDate", Line: 88, Key: "100234", Since: old},
		e105(312),
		{Code: "E101", Severity: roster.SeverityError, Line: 400, Since: old, Text: "the row has 13 fields, the header has 12"},
		e120(1204, "105120"),
		{Severity: roster.SkipRow, Line: 1300, Key: "100900", Text: "out of scope"},
		e120(1877, "105121"),
		e120(2031, "105122"),
		{Code: "E112", Severity: roster.SeverityWarning, Field: "expires_on", Column: "EndDate", Line: 2412, Key: "100235", Since: old},
		e120(2500, "105123"),
		e120(2501, "105124"),
		{Code: "E302", Severity: roster.SeverityError, Field: "username", Column: "Login", Line: 2600, Key: "o'brien 7", Since: old},
		{Code: "E302", Severity: roster.SeverityError, Field: "username", Column: "Login", Line: 2601, Key: "105200"},
		{Code: "E131", Severity: roster.SeverityWarning, Field: "email", Column: "WorkEmail", Line: 3000, Key: "100301"},
		e105(4102),
		{Code: "E310", Severity: roster.SeverityNote, Field: "email", Column: "WorkEmail", Line: 4200, Key: "100400"},
		{Severity: roster.SeverityNote, Text: "column Notes is not mapped and was ignored", Column: "Notes"},
	}
	journal.Settle(&s.run)
	return s
}

// held is a file without one department.
func held() *story {
	s := clean()
	s.run.Number, s.run.ID, s.run.AppliedSeq = 43, "0193a5f2-6c1e-7b30-9a44-2f6c0d7e51b1", 0
	s.run.HeldUntil = at("2026-11-25T05:30:38+01:00")
	s.run.Facts.Rows = plan.Rows{Read: 4209, Added: 2, Updated: 9, Unchanged: 4196, Skipped: 2}
	s.run.Facts.Absent = plan.Absent{Total: 612, Suspended: 612}
	s.run.Facts.Removals, s.run.Facts.ActiveBefore, s.run.Facts.ActiveAfter = 612, 4817, 4207
	s.run.Facts.FieldChanges = map[string]int{"department": 6}
	s.run.Facts.Departments = map[string]plan.Movement{"Oncology": {Removed: 598}, "ICU": {Added: 2, Changed: 6, Removed: 9}, "Kitchen": {Changed: 3, Removed: 5}}
	s.run.Findings = guard.Check(guard.DefaultLimits(), s.run.Facts, guard.Baseline{Applied: true, MedianRows: 5300, RowHistory: []int{5300}})
	s.changes = nil
	for _, key := range []roster.Key{"100001", "100002", "100003", "100004", "100005", "100006", "100007", "100008", "100009", "100010", "100011", "100012"} {
		s.changes = append(s.changes, journal.Outcome{Change: plan.Change{
			Action: plan.Suspend, Account: 7, Key: key, Username: "u" + string(key), Reason: "not in the file", Absent: true,
			Fields: []plan.FieldChange{{Field: roster.StatusField, Name: "status", Old: "active", New: "suspended"}},
		}})
	}
	journal.Settle(&s.run)
	return s
}

// as are changes of which something became.
func as(done journal.Done, changes ...journal.Outcome) []journal.Outcome {
	var out []journal.Outcome
	for _, o := range changes {
		o.Done = done
		out = append(out, o)
	}
	return out
}

// second is another feed that lists people who have an account already.
func second() *story {
	s := clean()
	s.run.Number, s.run.Profile = 47, "ad-staff"
	s.run.Facts = plan.Facts{Full: true, Rows: plan.Rows{Read: 50, Updated: 50}, ActiveAfter: 50}
	s.run.Findings = nil
	s.changes = as(journal.Applied, journal.Outcome{Change: plan.Change{
		Action: plan.Update, Account: 7, Key: "004711", Username: "jmuller", Line: 2, Reason: "found by its key, now linked to this profile",
		Links: []plan.LinkChange{{Profile: "ad-staff", NewKey: "004711", New: roster.ClaimActive}},
	}})
	journal.Settle(&s.run)
	return s
}

// first is a first load that is only planned.
func first() *story {
	s := clean()
	s.run.Number, s.run.AppliedSeq, s.run.DryRun = 1, 0, true
	s.run.Facts = plan.Facts{
		Full: true, Rows: plan.Rows{Read: 3, Added: 2, Rejected: 1}, Adds: 2, ActiveAfter: 2, Errors: 1, NewRejected: 1,
		Departments: map[string]plan.Movement{"ICU": {Added: 2}},
	}
	s.run.Findings = guard.Check(guard.DefaultLimits(), s.run.Facts, guard.Baseline{})
	s.problems = []roster.Problem{{Code: "E115", Severity: roster.SeverityError, Field: "status", Column: "Status", Line: 4, Key: "7"}}
	s.changes = []journal.Outcome{
		{Change: plan.Change{Action: plan.Add, Key: "5", Username: "ada", Reason: "the key is new", Line: 2, Fields: []plan.FieldChange{{Field: roster.Username, Name: "username", New: "ada"}}}},
		{Change: plan.Change{Action: plan.Add, Key: "6", Username: "bob", Reason: "the key is new", Line: 3, Fields: []plan.FieldChange{{Field: roster.Username, Name: "username", New: "bob"}}}},
	}
	journal.Settle(&s.run)
	return s
}

// failed is a run whose server showed a strange key.
func failed() *story {
	s := clean()
	s.run.Number, s.run.AppliedSeq, s.run.PlanDigest, s.run.Input, s.run.Facts, s.run.Findings, s.changes = 44, 0, "", journal.Input{}, plan.Facts{}, nil, nil
	s.run.Code = "E403"
	s.run.Error = (&roster.Refusal{Code: "E403", Text: "sftp.hr.example.org:22 offered ssh-ed25519 SHA256:8mJdFq0Zr3s1yT5bXh2vKcW9oLuNgEaPi7DxQ4tRr2E; expected SHA256:uYx3m0p2J1v0rYQb6Jm8k5mX3yq0d1l7b3nV0tHcQk0 (source.host_keys); no login was sent"}).Error()
	s.run.Finished = s.run.Started.Add(2100 * time.Millisecond)
	journal.Settle(&s.run)
	return s
}

// with is a clean run that came to something else.
func with(change func(r *journal.Run)) *story {
	s := clean()
	change(&s.run)
	journal.Settle(&s.run)
	return s
}

func text(t *testing.T, write func(b *bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
