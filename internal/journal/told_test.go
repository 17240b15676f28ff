package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

var warsaw = func() *time.Location {
	z, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		panic(err)
	}
	return z
}()

// at is a time of the week of Monday, 19 October 2026, in Warsaw: "Fri 05:30".
// Clocks go back on its Sunday; "+Mon" is of the week after.
func at(text string) time.Time {
	day, clock, _ := strings.Cut(text, " ")
	n := strings.Index("MonTueWedThuFriSatSun", strings.TrimPrefix(day, "+")) / 3
	if day[0] == '+' {
		n += 7
	}
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 10, 19+n, t.Hour(), t.Minute(), 0, 0, warsaw)
}

// a is a run that ended as a story says: "applied", "warn A", "warn A new", "failed E401" …
func a(number int64, what string, when time.Time) (*journal.Run, journal.Problems) {
	r := &journal.Run{Number: number, Kind: journal.Sync, Started: when, Finished: when, Input: journal.Input{Source: "sftp"}}
	var p journal.Problems
	words := strings.Fields(what)
	switch words[0] {
	case "applied":
		r.Status, r.Facts = journal.OK, plan.Facts{Rows: plan.Rows{Updated: 3}}
	case "denied":
		r.Status, r.Facts.Denied = journal.Unchanged, plan.Denied{Accounts: 1}
		if len(words) > 1 {
			r.Facts.Denied.New = 1
		}
	case "unchanged":
		r.Status = journal.Unchanged
	case "warn":
		r.Status, p.Fingerprint, p.New = journal.Warn, words[1], len(words) > 2
	case "failed":
		r.Status, r.Code = journal.Failed, words[1]
	case "held":
		r.Status, r.Findings = journal.Held, []guard.Finding{{Name: words[1], Tripped: true}}
	case "missing":
		r.Status, r.Code, r.Overdue = journal.Missing, "E405", &journal.Overdue{Reached: words[1] == "reached"}
	default:
		r.Status = journal.Status(words[0])
	}
	if strings.HasSuffix(what, "byhand") {
		r.Input.Source = "file"
	}
	return r, p
}

// TestWhenAMailIsWorthSending plays stories: each line is a time, what happens,
// and what is told of it.
func TestWhenAMailIsWorthSending(t *testing.T) {
	for _, tt := range []struct{ name, when, story string }{
		{"what has changed is told, that nothing has is not", "changes", `
			Mon 05:30 | applied | report
			Tue 05:30 | unchanged | -`},
		{"problems alone", "problems", `
			Mon 05:30 | applied | -
			Tue 05:30 | warn A | report
			Wed 05:30 | failed E401 | trouble
			Thu 05:30 | applied | recovered failed 1`},
		{"R65 who keeps access because the policy forbids it is told once, as new", "problems", `
			Mon 05:30 | denied new | report
			Tue 05:30 | denied | -
			Wed 05:30 | denied new | report
			Thu 05:30 | unchanged | -`},
		{"always is always, but not of a trouble that goes on", "always", `
			Mon 05:30 | unchanged | report
			Tue 05:30 | warn A | report
			Wed 05:30 | warn A | report
			Thu 05:30 | failed E401 | trouble
			Thu 05:45 | failed E401 | -`},
		{"never", "never", `
			Mon 05:30 | warn A | -
			Tue 05:30 | failed E401 | -
			Tue 09:30 | remind | -
			Wed 05:30 | applied | -`},
		{"warnings are told where their set has changed", "changes", `
			Mon 05:30 | warn A | report
			Tue 05:30 | warn A | -
			Wed 05:30 | warn A new | report
			Thu 05:30 | warn B | report
			Fri 05:30 | warn A | report`},
		{"a warning that was gone and comes again is new", "changes", `
			Mon 05:30 | warn A | report
			Tue 05:30 | applied | report
			Wed 05:30 | warn A | report`},
		{"a source that is down over a weekend", "changes", `
			Fri 17:00 | failed E401 | trouble
			Fri 17:15 | failed E401 | -
			Fri 20:59 | remind | -
			Fri 21:00 | remind | reminder 1
			Fri 21:15 | failed E401 | -
			Sat 08:00 | remind | -
			Sun 08:00 | remind | -
			+Mon 07:59 | remind | -
			+Mon 08:00 | remind | reminder 2
			+Mon 08:01 | remind | -
			+Tue 08:00 | remind | reminder 3
			+Tue 12:00 | applied | recovered failed 3
			+Wed 08:00 | remind | -`},
		{"a night that ends before four hours are over has no second mail on its morning", "changes", `
			Mon 03:00 | failed E401 | trouble
			Mon 07:00 | remind | reminder 1
			Mon 08:00 | remind | -
			Tue 08:00 | remind | reminder 2`},
		{"a daemon that was down catches up once, on a working day", "changes", `
			Thu 05:30 | failed E401 | trouble
			Thu 09:30 | remind | reminder 1
			Sat 12:00 | remind | -
			+Mon 11:00 | remind | reminder 2
			+Mon 11:01 | remind | -
			+Tue 08:00 | remind | reminder 3`},
		{"another code is another trouble, and its end is told of both", "changes", `
			Mon 05:30 | failed E401 | trouble
			Mon 09:30 | remind | reminder 1
			Tue 05:30 | failed E403 | trouble
			Tue 08:00 | remind | -
			Tue 09:30 | remind | reminder 1
			Wed 05:30 | applied | recovered failed 2`},
		{"held again by the same guardrail is the same trouble, by another one not", "changes", `
			Mon 05:30 | held max_removals | trouble
			Tue 05:30 | held max_removals | -
			Wed 05:30 | held min_rows | trouble`},
		{"what a person has decided is reminded of no more, and the next is another trouble", "changes", `
			Mon 05:30 | held max_removals | trouble
			Mon 07:00 | decided | -
			Mon 09:30 | remind | -
			Tue 05:30 | held max_removals | trouble`},
		{"a decision, and then all is well", "changes", `
			Mon 05:30 | held max_removals | trouble
			Mon 07:00 | decided | -
			Tue 05:30 | applied | recovered held 1`},
		{"a drop that is missing, for days", "changes", `
			Thu 06:00 | missing reached | trouble
			Thu 10:00 | remind | reminder 1
			Fri 06:00 | missing reached | -
			Fri 08:00 | remind | reminder 2
			Fri 11:00 | unchanged | recovered missing 2`},
		{"that a drop is missing where the source is down follows", "changes", `
			Mon 05:30 | failed E401 | trouble
			Mon 06:00 | missing unreached | -
			Tue 05:30 | failed E401 | -`},
		{"a drop is missing, and then the source is down too", "changes", `
			Mon 06:00 | missing reached | trouble
			Mon 06:30 | failed E401 | trouble
			Mon 06:45 | answered missing | -
			Mon 10:45 | remind | -
			Tue 05:30 | applied | recovered missing 2`},
		{"the source answers again, and the drop that nobody could ask for is missing", "changes", `
			Mon 05:30 | failed E401 | trouble
			Mon 06:00 | missing unreached | -
			Mon 06:15 | answered unreached | trouble
			Mon 10:15 | remind | reminder 1`},
		{"the source answers again, and has nothing new", "changes", `
			Mon 05:30 | failed E401 | trouble
			Mon 05:45 | answered | recovered failed 1
			Mon 06:00 | answered | -`},
		{"the source answers again, and what was held still is", "changes", `
			Mon 05:30 | held max_removals | trouble
			Mon 05:45 | failed E401 | trouble
			Mon 06:00 | answered held | -
			Mon 10:00 | remind | -
			Tue 08:00 | remind | reminder 2`},
		{"that nothing is new does not end a missing drop, the same bytes again do", "changes", `
			Mon 06:00 | missing reached | trouble
			Mon 06:15 | answered missing | -
			Mon 06:30 | arrived | recovered missing 1`},
		{"an older plan that is approved ends no newer trouble", "changes", `
			Mon 05:30 | held max_removals | trouble
			Tue 06:00 | missing reached | trouble
			Tue 07:00 | approved 1 | report
			Tue 10:00 | remind | reminder 1`},
		{"a drop given by hand does not say that the source answers", "changes", `
			Mon 05:30 | failed E401 | trouble
			Mon 07:00 | applied byhand | report
			Tue 05:30 | failed E401 | -`},
		{"a drop given by hand instead of one that was refused", "changes", `
			Mon 05:30 | failed E411 | trouble
			Mon 07:00 | applied byhand | recovered failed 1`},
		{"a slip by hand is told and starts nothing", "changes", `
			Mon 07:00 | failed E411 byhand | trouble
			Mon 11:00 | remind | -`},
		{"what was interrupted is told, and what is only a plan to nobody", "changes", `
			Mon 05:30 | interrupted | trouble
			Mon 05:45 | dry | -`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := &journal.Told{Profile: "hr"}
			number := int64(0)
			for line := range strings.Lines(strings.TrimSpace(tt.story)) {
				part := strings.Split(line, "|")
				when, what, want := at(strings.TrimSpace(part[0])), strings.TrimSpace(part[1]), strings.TrimSpace(part[2])
				var n journal.Notice
				switch words := strings.Fields(what); words[0] {
				case "remind":
					n = told.Remind(tt.when, when, warsaw)
				case "decided":
					run, _ := a(number, "rejected", when)
					told.Decided(run)
				case "answered", "arrived":
					var held, overdue *journal.Run
					if strings.HasSuffix(what, "held") {
						held, _ = a(1, "held max_removals", when)
					} else if strings.HasSuffix(what, "missing") {
						overdue, _ = a(1, "missing reached", when)
					} else if strings.HasSuffix(what, "unreached") {
						overdue, _ = a(2, "missing unreached", when)
					}
					n = told.Answered(words[0] == "arrived", held, overdue, tt.when, when)
				case "approved":
					run, p := a(1, "applied", when)
					n = told.Ended(run, tt.when, p)
				default:
					number++
					run, p := a(number, what, when)
					n = told.Ended(run, tt.when, p)
				}
				if got := said(n); got != want {
					t.Errorf("%s: %s, want %s", strings.TrimSpace(line), got, want)
				}
			}
		})
	}
}

func said(n journal.Notice) string {
	switch n.Occasion {
	case journal.Report:
		return "report"
	case journal.Trouble:
		return "trouble"
	case journal.Reminder:
		return fmt.Sprintf("reminder %d", n.Number)
	case journal.Recovered:
		return fmt.Sprintf("recovered %s %d", n.Status, n.Runs)
	}
	return "-"
}

func TestAWeekIsToldOnceOnItsMondayMorning(t *testing.T) {
	told := &journal.Told{}
	for _, tt := range []struct {
		at   string
		want string // the day on which the week began; "" for no mail
	}{
		{"Wed 12:00", ""}, // the first is not told: nobody knows what was in it
		{"Sun 23:00", ""},
		{"+Mon 07:59", ""},
		{"+Mon 08:00", "19 Oct 08:00"},
		{"+Mon 08:01", ""},
		{"+Sun 12:00", ""},
	} {
		from, _, due := told.Weekly(at(tt.at), warsaw)
		got := ""
		if due {
			got = from.Format("2 Jan 15:04")
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.at, got, tt.want)
		}
	}
	if _, until, due := told.Weekly(at("+Wed 09:00").AddDate(0, 0, 7), warsaw); !due || until.Format("2 Jan 15:04 MST") != "2 Nov 08:00 CET" {
		t.Errorf("a daemon that was down on Monday tells the week on Wednesday: %v, %s", due, until)
	}
}

// TestARunThatAPersonHasStoppedIsNobodysTrouble but the schedule's runs are missed,
// whoever stopped the daemon.
func TestARunThatAPersonHasStoppedIsNobodysTrouble(t *testing.T) {
	for _, tt := range []struct {
		trigger string
		exit    int
		want    journal.Occasion
	}{
		{"manual", 130, journal.Silent},
		{"manual", 143, journal.Silent},
		{"manual", 1, journal.Trouble}, // it was killed
		{"schedule", 143, journal.Trouble},
		{"schedule", 1, journal.Trouble},
	} {
		var told journal.Told
		run := &journal.Run{Number: 1, Kind: journal.Sync, Status: journal.Interrupted, Trigger: tt.trigger, ExitCode: tt.exit}
		if n := told.Ended(run, "changes", journal.Problems{}); n.Occasion != tt.want {
			t.Errorf("%s, exit %d: occasion %d, want %d", tt.trigger, tt.exit, n.Occasion, tt.want)
		}
	}
}
