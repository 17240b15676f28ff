package report_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

var warsaw = time.FixedZone("CET", 3600)

// Every status has a report that a stranger understands: the files in testdata
// are to be read, not only compared.
func TestTheReportOfEachStatus(t *testing.T) {
	decided := func(r *journal.Run) { r.Decision, r.DecidedBy = "closing of ward 3", "a.nowak" }
	moved := held()
	moved.run.Approved, moved.run.Excepted, moved.run.LeftOut = true, 612, 1
	decided(&moved.run)
	moved.run.Facts.Absent, moved.run.Facts.ActiveAfter = plan.Absent{Total: 612, Kept: 612}, 4819
	moved.run.Finished = moved.run.Started.Add(9 * time.Hour) // somebody had to think
	moved.changes = as(journal.Excepted, moved.changes[:9]...)
	moved.changes = append(as(journal.LeftOut, clean().changes[0]), moved.changes...)
	journal.Settle(&moved.run)

	automatic := held()
	automatic.run.Findings = guard.Check(guard.DefaultLimits(), automatic.run.Facts, guard.Baseline{Applied: true})
	automatic.run.Excepted, automatic.run.Facts.Absent, automatic.run.Facts.ActiveAfter = 612, plan.Absent{Total: 612, Kept: 612}, 4819
	automatic.changes = append(clean().changes[1:2:2], as(journal.Excepted, automatic.changes...)...)
	journal.Settle(&automatic.run)

	rejected := held()
	rejected.run.Status = journal.Rejected
	decided(&rejected.run)

	superseded := held()
	superseded.run.Status = journal.Superseded

	asked := held()
	asked.run.Input.Source, asked.run.Input.Name, asked.run.Input.Format = "ldap", "directory.ldif", "ldif"

	heldRevert := held()
	heldRevert.run.Kind, heldRevert.run.Reverts, heldRevert.run.Input = journal.Revert, 1, journal.Input{}
	heldRevert.run.Facts = plan.Facts{Rows: plan.Rows{Read: 48, Deleted: 48}, Outright: 48, Removals: 48, Owned: 50, ActiveBefore: 50, ActiveAfter: 2}
	heldRevert.run.Findings = guard.Check(guard.DefaultLimits(), heldRevert.run.Facts, guard.Baseline{Applied: true})
	for i := range heldRevert.changes {
		heldRevert.changes[i].Action, heldRevert.changes[i].Reason = plan.Purge, "taken back"
		heldRevert.changes[i].Fields = []plan.FieldChange{{Field: roster.Username, Name: "username", Old: "u"}}
	}

	doneRevert := held()
	doneRevert.run = heldRevert.run
	doneRevert.run.Approved = true
	decided(&doneRevert.run)
	doneRevert.changes = as(journal.Applied, heldRevert.changes...)
	journal.Settle(&doneRevert.run)

	heldSweep := held()
	heldSweep.run.Kind, heldSweep.run.Profile, heldSweep.run.Input = journal.Sweep, "", journal.Input{}
	heldSweep.run.Facts = plan.Facts{ByDate: plan.ByDate{Started: 1, Expired: 612}, Removals: 612, Owned: 4900, ActiveBefore: 4817, ActiveAfter: 4206}
	heldSweep.run.Findings = guard.Check(guard.DefaultLimits(), heldSweep.run.Facts, guard.Baseline{Applied: true})
	heldSweep.changes = heldSweep.changes[:1]

	for _, tt := range []struct {
		name string
		*story
		last *story
	}{
		{"revert-held", heldRevert, nil},
		{"revert-approved", doneRevert, nil},
		{"sweep-held", heldSweep, yesterday()},
		{"by-hand", with(func(r *journal.Run) {
			r.Kind, r.Profile, r.Number, r.Input = journal.Batch, "", 9, journal.Input{}
			r.Facts, r.Findings = plan.Facts{Rows: plan.Rows{Read: 1, Suspended: 1}, ActiveBefore: 50, ActiveAfter: 49}, nil
		}), yesterday()},
		{"second-feed", second(), nil},
		{"same-file", with(func(r *journal.Run) {
			r.Facts = plan.Facts{Full: true, Rows: plan.Rows{Read: 51, Unchanged: 50, Rejected: 1}, ActiveBefore: 50, ActiveAfter: 50}
			r.SameAs, r.Finished, r.Timing = 40, r.Started.Add(100*time.Millisecond), journal.Timing{Read: 100}
		}), nil},
		{"ok", clean(), yesterday()},
		{"ok-first", clean(), nil},
		{"unchanged", with(func(r *journal.Run) {
			r.Facts = plan.Facts{Full: true, Rows: plan.Rows{Read: 4819, Unchanged: 4817, Skipped: 2}, ActiveBefore: 4817, ActiveAfter: 4817}
			r.Finished, r.Timing = r.Started.Add(400*time.Millisecond), journal.Timing{Fetch: 390, Read: 10}
		}), yesterday()},
		{"warn", dirty(), yesterday()},
		{"warn-only-warnings", func() *story {
			s := dirty()
			s.run.Facts.Rows.Rejected, s.run.Facts.Rows.Unchanged, s.run.Facts.Errors, s.run.Facts.Warnings = 0, 4797, 0, 1
			s.run.Facts.UnreadableKeys, s.run.Facts.Withheld = 1, 3
			s.run.Findings = guard.Check(guard.DefaultLimits(), s.run.Facts, guard.Baseline{Applied: true})
			s.problems = s.problems[:1]
			return s
		}(), nil},
		{"held", held(), yesterday()},
		{"held-directory", asked, yesterday()},
		{"approved-except-removals", moved, nil},
		{"removals-left-out", automatic, nil},
		{"failed", failed(), yesterday()},
		{"failed-otherwise", with(func(r *journal.Run) {
			r.Error = "apply: write archive: no space left on device; free some and run it again"
		}), nil},
		{"interrupted", with(func(r *journal.Run) { r.Status = journal.Interrupted }), nil},
		{"missing", with(func(r *journal.Run) { r.Status = journal.Missing }), nil},
		{"running", with(func(r *journal.Run) { r.Status, r.Finished = journal.Interrupted, time.Time{} }), nil},
		{"rejected", rejected, nil},
		{"superseded", superseded, nil},
		{"reverted", with(func(r *journal.Run) { r.Status = journal.Reverted }), nil},
		{"dry", first(), nil},
		{"revert", with(func(r *journal.Run) {
			r.Kind, r.Reverts, r.Number, r.Input = journal.Revert, 41, 45, journal.Input{}
			r.Facts.Rows, r.Facts.Absent, r.Facts.Departments = plan.Rows{Read: 3, Updated: 2, Reactivated: 1}, plan.Absent{}, nil
		}), nil},
		{"sweep", with(func(r *journal.Run) {
			r.Kind, r.Profile, r.Number, r.Input = journal.Sweep, "", 46, journal.Input{}
			r.Facts, r.Findings = plan.Facts{ByDate: plan.ByDate{Started: 1, Expired: 2}}, nil
		}), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "running" {
				tt.run.Status = journal.Running
			}
			o := report.Options{Zone: warsaw}
			if tt.last != nil {
				o.Last = tt.last.doc(t)
			}
			changes := tt.changes[:min(len(tt.changes), tt.run.Facts.Changes()+tt.run.Excepted+tt.run.LeftOut)]
			if tt.name == "by-hand" {
				changes = clean().changes[5:]
			}
			d := tt.doc(t)
			golden(t, "report-"+tt.name+".txt", text(t, func(b *bytes.Buffer) error { return report.Text(b, d, stream(changes...), o) }))
		})
	}
}

func TestNobodyIsToldThatNothingIsLeftToDoWhereSomethingWaits(t *testing.T) {
	for _, tt := range []struct {
		name string
		*story
		want bool
	}{
		{"all of it was done", clean(), true},
		{"removals were excepted", with(func(r *journal.Run) { r.Approved, r.Excepted = true, 30 }), false},
		{"an account had changed", with(func(r *journal.Run) { r.LeftOut = 1 }), false},
		{"welcome mails wait", with(func(r *journal.Run) { r.Facts.Passwords = plan.PasswordFacts{Welcome: 2, Waits: true} }), false},
		{"welcome mails wait of a run that changed nothing", with(func(r *journal.Run) {
			r.Status, r.Facts.Passwords = journal.Unchanged, plan.PasswordFacts{Welcome: 2, Waits: true}
		}), false},
		{"welcome mails went out", with(func(r *journal.Run) { r.Facts.Passwords = plan.PasswordFacts{Welcome: 2} }), true},
	} {
		got := text(t, func(b *bytes.Buffer) error { return report.Text(b, tt.doc(t), nil, report.Options{}) })
		if told := strings.Contains(got, "Nothing left for you to do"); told != tt.want {
			t.Errorf("%s: told = %t, want %t:\n%s", tt.name, told, tt.want, got)
		}
	}
}

func TestWhoWasLinkedIsOnlyToldWhereItIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*journal.Run)
		want   bool
	}{
		{"an ordinary run", func(*journal.Run) {}, true},
		{"one that was approved, maybe days later", func(r *journal.Run) { r.Approved = true }, false},
		{"a plan that was applied later", func(r *journal.Run) { r.Finished = r.Started.Add(9 * time.Hour) }, false},
		{"one that added them", func(r *journal.Run) { r.Facts.Rows.Added, r.Facts.Rows.Updated = 50, 0 }, false},
	} {
		s := second()
		tt.change(&s.run)
		got := text(t, func(b *bytes.Buffer) error { return report.Text(b, s.doc(t), nil, report.Options{}) })
		if told := strings.Contains(got, "had an account before"); told != tt.want {
			t.Errorf("%s: told = %t, want %t:\n%s", tt.name, told, tt.want, got)
		}
	}
}

func TestMostMovementIsOfWhatWasDone(t *testing.T) {
	s := with(func(r *journal.Run) {
		r.Approved, r.Excepted = true, 30
		r.Facts.Departments = map[string]plan.Movement{"ICU": {Added: 2, Removed: 30}, "Kitchen": {Changed: 1}, "Laundry": {Changed: 1}}
	})
	got := text(t, func(b *bytes.Buffer) error { return report.Text(b, s.doc(t), nil, report.Options{}) })
	if want := "Most movement: ICU (2 added), Kitchen (1 changed), Laundry (1 changed)\n"; !strings.Contains(got, want) {
		t.Errorf("report =\n%swant %s", got, want)
	}
}

func TestThePlanOnOneScreen(t *testing.T) {
	dry := func(s *story) *story {
		s.run.DryRun = true
		journal.Settle(&s.run)
		return s
	}
	nothing := dry(clean())
	nothing.run.Facts.Rows = plan.Rows{Read: 4819, Unchanged: 4819}
	nothing.run.Facts.Absent = plan.Absent{Total: 14, Kept: 14}
	nothing.run.Facts.WouldSuspend = 14
	nothing.run.Facts.Departments, nothing.run.Facts.FieldChanges = nil, nil
	nothing.changes = nil

	unreadable := dry(dirty())
	unreadable.run.Facts.UnreadableKeys, unreadable.run.Facts.Withheld = 1, 3
	unreadable.run.Findings = guard.Check(guard.DefaultLimits(), unreadable.run.Facts, guard.Baseline{Applied: true})

	for _, tt := range []struct {
		name string
		*story
		last *story
	}{
		{"ordinary", dry(clean()), yesterday()},
		{"dirty", dry(dirty()), nil},
		{"first", first(), nil},
		{"would-be-held", dry(held()), nil},
		{"held", held(), nil},
		{"nothing", nothing, nil},
		{"unreadable-key", unreadable, nil},
		{"applied", clean(), nil},
		{"second-feed", dry(second()), nil},
		{"revert", func() *story {
			s := held()
			s.run.Kind, s.run.Reverts, s.run.Input = journal.Revert, 1, journal.Input{}
			s.run.Facts = plan.Facts{Rows: plan.Rows{Read: 12, Deleted: 12}, Outright: 12, Removals: 12, Owned: 12, ActiveBefore: 12}
			s.run.Findings = guard.Check(guard.DefaultLimits(), s.run.Facts, guard.Baseline{Applied: true})
			for i := range s.changes {
				s.changes[i].Action, s.changes[i].Reason = plan.Purge, "taken back"
			}
			return s
		}(), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := report.Options{Zone: warsaw}
			if tt.last != nil {
				o.Last = tt.last.doc(t)
			}
			d := tt.doc(t)
			golden(t, "plan-"+tt.name+".txt", text(t, func(b *bytes.Buffer) error { return report.PlanText(b, d, stream(tt.changes...), o) }))
		})
	}
}

func TestAReportOnTheTerminalShowsNoValue(t *testing.T) {
	for _, s := range []*story{clean(), dirty(), held()} {
		d := s.doc(t)
		got := text(t, func(b *bytes.Buffer) error { return report.Text(b, d, stream(s.changes...), report.Options{}) })
		for _, value := range []string{"Ward 3", "k.kowalska", "Kowalska", "zielińska", "m.żak"} {
			if strings.Contains(got, value) {
				t.Errorf("run %d: the report shows %q", s.run.Number, value)
			}
		}
	}
}

func TestWhatADropSaysMovesNoCursor(t *testing.T) {
	s := dirty()
	s.run.Input.Name = "staff\x1b[2J.csv"
	s.problems[0].Column = "End\x1b[31mDate"
	s.problems[0].Key = "1\u202e2"
	s.changes[1].Fields[0].New = "ICU\x1b]0;title\a"
	s.changes[1].Username = "a\r\nb"
	s.run.Facts.Departments["\x1b[1mICU"] = plan.Movement{Added: 100}
	d := s.doc(t)
	both := text(t, func(b *bytes.Buffer) error { return report.Text(b, d, stream(s.changes...), report.Options{}) }) +
		text(t, func(b *bytes.Buffer) error { return report.PlanText(b, d, stream(s.changes...), report.Options{}) })
	for _, bad := range []string{"\x1b", "\r", "\a", "\u202e"} {
		if strings.Contains(both, bad) {
			t.Errorf("the text holds %q", bad)
		}
	}
}

func TestOnlyTheFirstChangesAreRead(t *testing.T) {
	read := 0
	many := func(yield func(journal.Outcome, error) bool) {
		for {
			read++
			if !yield(journal.Outcome{Change: plan.Change{Action: plan.Update, Key: roster.Key("1")}}, nil) {
				return
			}
		}
	}
	d := clean().doc(t)
	text(t, func(b *bytes.Buffer) error { return report.PlanText(b, d, many, report.Options{}) })
	if read != 10 {
		t.Errorf("changes read = %d, want 10", read)
	}
}

func TestATextEndsWithTheErrorOfItsChanges(t *testing.T) {
	d := clean().doc(t)
	var b bytes.Buffer
	if err := report.Text(&b, d, broken[journal.Outcome], report.Options{}); !errors.Is(err, errDisk) {
		t.Errorf("text: %v, want %v", err, errDisk)
	}
	if err := report.PlanText(&b, d, broken[journal.Outcome], report.Options{}); !errors.Is(err, errDisk) {
		t.Errorf("plan: %v, want %v", err, errDisk)
	}
}
