package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// columns are those of results.csv; problems.csv has one more.
var columns = []string{"run", "profile", "line", "key", "username", "account", "outcome", "code", "field", "old", "new", "message"}

// Results writes results.csv: the changes, one line for each field that changed,
// then the problems and the skipped rows. Rows that were unchanged, and absent
// accounts that were kept, are counted in the report and not listed.
//
// The outcome of a change is its row's (added, updated, …, started and expired by
// a date), left_out or excepted; that of a problem is rejected for an error, else
// warning or note. Of a run that was not applied each message says so.
func Results(w io.Writer, run *journal.Run, changes Changes, problems Problems) error {
	t := newTable(w, run)
	t.write(columns)
	if err := eachChange(run.Number, changes, t.change); err != nil {
		return err
	}
	return t.problems(problems)
}

// eachChange hands over the changes of a run one after the other, but for claims.
func eachChange(run int64, changes Changes, f func(journal.Outcome) error) error {
	for o, err := range changes {
		if err != nil {
			return fmt.Errorf("read the changes of run %d: %w", run, err)
		}
		if o.Action == plan.Claim {
			continue
		}
		if err := f(o); err != nil {
			return err
		}
	}
	return nil
}

// ProblemsCSV writes problems.csv, the file that HR gets: the problems that have
// a code, each with a suggested fix.
func ProblemsCSV(w io.Writer, run *journal.Run, problems Problems) error {
	t := newTable(w, run)
	t.write(append(columns[:len(columns):len(columns)], "suggested_fix"))
	for p, err := range problems {
		if err != nil {
			return fmt.Errorf("read the problems of run %d: %w", run.Number, err)
		}
		if p.Code == "" {
			continue
		}
		if err := t.write(append(t.problem(p), forHR(remedy(p, run.Profile, p.Key)))); err != nil {
			return err
		}
	}
	return t.flush()
}

// table writes CSV as RFC 4180 has it, with the run's columns filled in.
type table struct {
	csv    *csv.Writer
	run    *journal.Run
	number string
	safe   []string // room for a row
}

func newTable(w io.Writer, run *journal.Run) *table {
	t := &table{csv: csv.NewWriter(w), run: run, number: strconv.FormatInt(run.Number, 10)}
	t.csv.UseCRLF = true
	return t
}

// triggers begin a formula, some of them only after a spreadsheet has tidied
// the cell up: the wide ones too.
const triggers = "=+-@\t\r\n＝＋－＠"

// write makes each cell harmless to a spreadsheet, which would take a text that
// begins with one of these for a formula.
func (t *table) write(cells []string) error {
	safe := t.safe[:0]
	for _, c := range cells {
		if first, _ := utf8.DecodeRuneInString(c); c != "" && strings.ContainsRune(triggers, first) {
			c = "'" + c
		}
		safe = append(safe, c)
	}
	t.safe = safe
	return t.csv.Write(safe)
}

func (t *table) flush() error {
	t.csv.Flush()
	return t.csv.Error()
}

func (t *table) change(o journal.Outcome) error {
	message := o.Reason
	switch {
	case o.Note != "":
		message = o.Note
	case o.Done == journal.Planned:
		message = "not applied: " + o.Reason
	}
	fields := visible(o.Fields)
	if len(fields) == 0 {
		fields = []plan.FieldChange{{}}
	}
	for _, f := range fields {
		err := t.write([]string{
			t.number, t.run.Profile, natural(uint64(o.Line)), string(o.Key), o.Username, natural(o.Account),
			outcome(o), "", f.Name, f.Old, f.New, message,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// problems ends results.csv.
func (t *table) problems(problems Problems) error {
	for p, err := range problems {
		if err != nil {
			return fmt.Errorf("read the problems of run %d: %w", t.run.Number, err)
		}
		if err := t.write(t.problem(p)); err != nil {
			return err
		}
	}
	return t.flush()
}

func (t *table) problem(p roster.Problem) []string {
	what := string(p.Severity)
	switch p.Severity {
	case roster.SeverityError:
		what = "rejected"
	case roster.SkipRow:
		what = "skipped"
	}
	message := p.Message()
	if p.Column != "" {
		message = fmt.Sprintf("column %s: %s", p.Column, message)
	}
	return []string{
		t.number, t.run.Profile, natural(uint64(p.Line)), string(p.Key), "", natural(p.Account),
		what, p.Code, p.Field, "", "", message,
	}
}

// natural is a number from 1; zero, which means none, is empty.
func natural(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// past is what an action is called once it is done.
var past = map[plan.Action]string{
	plan.Add: "added", plan.Update: "updated", plan.Rename: "renamed", plan.Reactivate: "reactivated",
	plan.Suspend: "suspended", plan.Delete: "deleted", plan.Anonymise: "anonymised", plan.Purge: "purged",
}

func outcome(o journal.Outcome) string {
	switch {
	case o.Done == journal.LeftOut || o.Done == journal.Excepted:
		return string(o.Done)
	case o.ByDate && o.Action == plan.Reactivate:
		return "started"
	case o.ByDate && o.Action == plan.Suspend:
		return "expired"
	}
	return past[o.Action]
}
