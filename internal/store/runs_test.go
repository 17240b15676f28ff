package store

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

func mustBegin(t *testing.T, db *DB, r journal.Run) *journal.Run {
	t.Helper()
	if err := db.Begin(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func mustFinish(t *testing.T, db *DB, r *journal.Run) {
	t.Helper()
	if err := db.Finish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// ran writes a run that has ended at noon and some minutes.
func ran(t *testing.T, db *DB, minutes int, r journal.Run) *journal.Run {
	t.Helper()
	status := r.Status
	begun := mustBegin(t, db, r)
	begun.Status, begun.Finished = status, noon.Add(time.Duration(minutes)*time.Minute)
	mustFinish(t, db, begun)
	return begun
}

// countOf counts the rows of a run in a table.
func countOf(t *testing.T, db *DB, table string, run int64) int {
	t.Helper()
	var n int64
	if err := db.gorm.Table(table).Where("run = ?", run).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// planted is a row of the table change, as Apply would leave it.
type planted struct {
	account uint64
	action  plan.Action
	done    journal.Done
	links   string // JSON; "" for none
}

func plantChange(t *testing.T, db *DB, run int64, p planted) {
	t.Helper()
	if p.links == "" {
		p.links = "[]"
	}
	if p.done == journal.Applied { // what its run says
		p.done = ""
	}
	err := db.gorm.Exec(`INSERT INTO change (run, ord, line, key, action, account, version, username, reason, absent, by_date, fields, links, gives, takes, done, note)
		VALUES (?, (SELECT count(*) + 1 FROM change WHERE run = ?), 0, '', ?, ?, 1, '', '', 0, 0, '[]', ?, '', '', ?, '')`,
		run, run, string(p.action), p.account, p.links, string(p.done)).Error
	if err != nil {
		t.Fatal(err)
	}
}

func plantProblem(t *testing.T, db *DB, run int64, code, severity, identity string, since time.Time) {
	t.Helper()
	err := db.gorm.Exec(`INSERT INTO problem (run, ord, code, severity, field, column_name, line, key, account, text, fix, identity, since)
		VALUES (?, (SELECT count(*) FROM problem WHERE run = ?), ?, ?, '', '', 0, '', 0, '', '', ?, ?)`,
		run, run, code, severity, identity, micros(since)).Error
	if err != nil {
		t.Fatal(err)
	}
}

func numbers(runs []journal.Run) []int64 {
	n := []int64{}
	for _, r := range runs {
		n = append(n, r.Number)
	}
	return n
}

func TestARunIsReadBackAsItWasWritten(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		r := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Sync, Trigger: "manual"})
		if id, err := uuid.Parse(r.ID); err != nil || id.Version() != 7 {
			t.Errorf("ID %q is no UUID of version 7", r.ID)
		}
		if r.Status != journal.Running || !r.Started.Equal(noon) {
			t.Errorf("begun: %s at %v", r.Status, r.Started)
		}
		r.Status, r.Finished, r.ExitCode, r.PlanDigest = journal.Held, noon.Add(time.Second+time.Microsecond), 11, "sha256:ab"
		r.Input = journal.Input{Name: "staff.csv", SHA256: "00ff", Modified: noon.Add(-time.Hour), Content: "full", Size: 12}
		r.Facts = plan.Facts{Rows: plan.Rows{Read: 3, Added: 2, Rejected: 1}, FieldChanges: map[string]int{"email": 2}}
		r.Findings = []guard.Finding{{Name: "first_run", Code: "E514", Tripped: true, Text: "…"}}
		r.HeldUntil, r.Mapping = noon.Add(96*time.Hour), "m1"
		mustFinish(t, db, r)

		got, err := db.Run(t.Context(), r.Number)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, r); d != "" {
			t.Errorf("got -, want +:\n%s", d)
		}
	})
}

func TestARunThatDoesNotExistSaysWhereToLook(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for name, err := range map[string]error{
			"read":   func() error { _, err := db.Run(t.Context(), 9); return err }(),
			"forget": db.Forget(t.Context(), 9),
			"finish": db.Finish(t.Context(), &journal.Run{Number: 9}),
			"newest": func() error { _, err := db.Newest(t.Context(), ""); return err }(),
			"last":   func() error { _, err := db.LastApplied(t.Context(), "hr-csv"); return err }(),
		} {
			if !errors.Is(err, ErrNone) {
				t.Errorf("%s: got %v, want ErrNone", name, err)
			}
		}
		if _, err := db.Run(t.Context(), 9); !strings.Contains(err.Error(), "run 9") || !strings.Contains(err.Error(), "rollcall runs list") {
			t.Errorf("got %q", err)
		}
	})
}

func TestNumbersAreDrawnOnceAlsoByManyAtATime(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := db.Begin(t.Context(), &journal.Run{Profile: "p", Kind: journal.Sync}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		runs, err := db.Runs(t.Context(), "", time.Time{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(numbers(runs), []int64{8, 7, 6, 5, 4, 3, 2, 1}); d != "" {
			t.Errorf("got -, want +:\n%s", d)
		}
	})
}

func TestAForgottenRunIsGoneWithItsPlanAndItsNumberIsNotGivenAgain(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		r := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Sync})
		plantChange(t, db, r.Number, planted{account: 7, action: plan.Update})
		plantProblem(t, db, r.Number, "E120", "error", "x", time.Time{})
		if err := db.Forget(t.Context(), r.Number); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Run(t.Context(), r.Number); !errors.Is(err, ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
		if n := countOf(t, db, "change", r.Number) + countOf(t, db, "problem", r.Number); n != 0 {
			t.Errorf("%d rows of its plan are left", n)
		}
		if next := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Sync}); next.Number != r.Number+1 {
			t.Errorf("number %d after %d", next.Number, r.Number)
		}
	})
}

func TestNothingIsAddedToThePlanOfAForgottenRun(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		r := mustBegin(t, db, journal.Run{Profile: "hr", Kind: journal.Sync})
		w := db.Writer(t.Context(), r.Number)
		if err := w.Change(add("hr", "ada")); err != nil {
			t.Fatal(err)
		}
		if err := db.Forget(t.Context(), r.Number); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Seal(t.Context()); !errors.Is(err, ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
		if n := countOf(t, db, "change", r.Number); n != 0 {
			t.Errorf("%d rows of its plan are left", n)
		}
	})
}

func TestAnAppliedRunCannotBeForgotten(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		r := ran(t, db, 1, journal.Run{Profile: "hr-csv", Kind: journal.Sync, Status: journal.OK, AppliedSeq: 3})
		if err := db.Forget(t.Context(), r.Number); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("got %v", err)
		}
		if _, err := db.Run(t.Context(), r.Number); err != nil {
			t.Error(err)
		}
	})
}

func TestRunsAreListedNewestFirstByProfileTimeAndNumber(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for i, profile := range []string{"a", "b", "a", "", "a"} {
			mustBegin(t, db, journal.Run{Profile: profile, Kind: journal.Sync, Started: noon.Add(time.Duration(i) * time.Hour)})
		}
		for _, tt := range []struct {
			name    string
			profile string
			since   time.Time
			limit   int
			want    []int64
		}{
			{"all", "", time.Time{}, 0, []int64{5, 4, 3, 2, 1}},
			{"of a profile", "a", time.Time{}, 0, []int64{5, 3, 1}},
			{"since", "", noon.Add(3 * time.Hour), 0, []int64{5, 4}},
			{"the newest two of a profile", "a", time.Time{}, 2, []int64{5, 3}},
			{"of nobody", "c", time.Time{}, 0, []int64{}},
		} {
			runs, err := db.Runs(t.Context(), tt.profile, tt.since, tt.limit)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(numbers(runs), tt.want); d != "" {
				t.Errorf("%s: got -, want +:\n%s", tt.name, d)
			}
		}
	})
}

func TestTheNewestRunIsAFinishedOneAndAProfilesIsNoSweep(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ran(t, db, 1, journal.Run{Profile: "a", Kind: journal.Sync, Status: journal.OK})
		failed := ran(t, db, 2, journal.Run{Profile: "a", Kind: journal.Sync, Status: journal.Failed})
		sweep := ran(t, db, 3, journal.Run{Kind: journal.Sweep, Status: journal.OK})
		mustBegin(t, db, journal.Run{Profile: "a", Kind: journal.Sync})
		for profile, want := range map[string]int64{"": sweep.Number, "a": failed.Number} {
			if got, err := db.Newest(t.Context(), profile); err != nil || got.Number != want {
				t.Errorf("newest of %q: %v, %v; want run %d", profile, got, err, want)
			}
		}
		if _, err := db.Newest(t.Context(), "b"); !errors.Is(err, ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
	})
}

func TestTheLastAppliedRunIsTheOneThatEndedLast(t *testing.T) {
	in := journal.Input{SHA256: "aa", Content: "full"}
	sync := func(s journal.Status) journal.Run {
		return journal.Run{Profile: "a", Kind: journal.Sync, Status: s, Input: in}
	}
	both(t, func(t *testing.T, db *DB) {
		want := ran(t, db, 50, sync(journal.Warn)) // approved after the next one was applied
		ran(t, db, 2, sync(journal.OK))
		for _, s := range []journal.Status{journal.Failed, journal.Held, journal.Rejected, journal.Superseded, journal.Interrupted, journal.Missing, journal.Dry} {
			ran(t, db, 60, sync(s))
		}
		dry := sync(journal.Unchanged)
		dry.DryRun = true
		ran(t, db, 61, dry)
		nothing := sync(journal.OK)
		nothing.Input = journal.Input{}
		ran(t, db, 62, nothing)
		other := sync(journal.OK)
		other.Profile = "b"
		ran(t, db, 63, other)
		revert := sync(journal.OK)
		revert.Kind = journal.Revert
		ran(t, db, 64, revert)

		got, err := db.LastApplied(t.Context(), "a")
		if err != nil || got.Number != want.Number {
			t.Fatalf("got %v, %v; want run %d", got, err, want.Number)
		}
		for _, s := range []journal.Status{journal.Unchanged, journal.Reverted, journal.OK} {
			want := ran(t, db, 70, sync(s))
			if got, err := db.LastApplied(t.Context(), "a"); err != nil || got.Number != want.Number {
				t.Errorf("after one that is %s: got %v, %v; want run %d", s, got, err, want.Number)
			}
		}
	})
}

func TestRunsAreFoundByTheBytesThatTheyRead(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for _, r := range []struct{ profile, sum string }{{"a", "01"}, {"a", "02"}, {"b", "01"}, {"a", "01"}} {
			ran(t, db, 1, journal.Run{Profile: r.profile, Kind: journal.Sync, Status: journal.Held, Input: journal.Input{SHA256: r.sum}})
		}
		runs, err := db.ByInput(t.Context(), "a", "01")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(numbers(runs), []int64{4, 1}); d != "" {
			t.Errorf("got -, want +:\n%s", d)
		}
	})
}

func TestHeldRunsAreThoseThatWaitForAPerson(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for _, r := range []journal.Run{
			{Profile: "a", Status: journal.Held},
			{Profile: "a", Status: journal.Held, DryRun: true},
			{Profile: "a", Status: journal.Superseded},
			{Status: journal.Held, Kind: journal.Sweep},
		} {
			ran(t, db, 1, r)
		}
		runs, err := db.Held(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(numbers(runs), []int64{4, 1}); d != "" {
			t.Errorf("got -, want +:\n%s", d)
		}
	})
}
