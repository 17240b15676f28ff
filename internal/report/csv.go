package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode"
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
// a code, each with a suggested fix. Where people are named, their names as people
// say them have a column behind it.
func ProblemsCSV(w io.Writer, run *journal.Run, problems Problems, personal Personal) error {
	t := newTable(w, run)
	head := append(columns[:len(columns):len(columns)], "suggested_fix")
	if personal >= Names {
		head = append(head, "name")
	}
	t.write(head)
	for p, err := range problems {
		if err != nil {
			return fmt.Errorf("read the problems of run %d: %w", run.Number, err)
		}
		if p.Code == "" {
			continue
		}
		row := append(t.problem(p), forHR(remedy(p, run.Profile, p.Key)))
		if personal >= Names {
			row = append(row, p.Who.Name)
		}
		if err := t.write(row); err != nil {
			return err
		}
	}
	return t.flush()
}

// table writes CSV as RFC 4180 has it, with the run's columns filled in: what
// encoding/csv writes, but a change's cells, which are the same for each of its
// fields, are made once. Of a first load there are sixteen million lines.
type table struct {
	w      *bufio.Writer
	run    *journal.Run
	number string
	line   []byte
	tail   []byte
}

func newTable(w io.Writer, run *journal.Run) *table {
	return &table{w: bufio.NewWriterSize(w, 64<<10), run: run, number: strconv.FormatInt(run.Number, 10)}
}

// appendCell adds a cell, made harmless to a spreadsheet, which would take a text
// that begins with one of these for a formula.
func appendCell(b []byte, cell string) []byte {
	if cell == "" {
		return b
	}
	first := rune(cell[0])
	if first >= utf8.RuneSelf {
		first, _ = utf8.DecodeRuneInString(cell)
	}
	formula := isTrigger(first)
	if !special(cell) && (formula || !unicode.IsSpace(first)) {
		if formula {
			b = append(b, '\'')
		}
		return append(b, cell...)
	}
	b = append(b, '"')
	if formula {
		b = append(b, '\'')
	}
	for i := range len(cell) {
		switch cell[i] {
		case '"':
			b = append(b, '"', '"')
		case '\r': // comes with its line feed
		case '\n':
			b = append(b, '\r', '\n')
		default:
			b = append(b, cell[i])
		}
	}
	return append(b, '"')
}

// isTrigger tells whether r is one of those that begin a formula, some of them
// only after a spreadsheet has tidied the cell up: the wide ones too.
func isTrigger(r rune) bool {
	switch r {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return true
	}
	return false
}

// special tells whether a cell needs quotes for what is in it.
func special(cell string) bool {
	for i := range len(cell) {
		switch cell[i] {
		case ',', '"', '\r', '\n':
			return true
		}
	}
	return cell == `\.` // which ends a COPY of PostgreSQL
}

func (t *table) write(cells []string) error {
	b := t.line[:0]
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCell(b, c)
	}
	t.line = append(b, '\r', '\n')
	_, err := t.w.Write(t.line)
	return err
}

func (t *table) flush() error { return t.w.Flush() }

func (t *table) change(o journal.Outcome) error {
	message := o.Reason
	switch {
	case o.Note != "":
		message = o.Note
	case o.Done == journal.Planned:
		message = "not applied: " + o.Reason
	}
	b := t.line[:0]
	for _, cell := range [...]string{
		t.number, t.run.Profile, natural(uint64(o.Line)), string(o.Key), o.Username, natural(o.Account), outcome(o), "",
	} {
		b = append(appendCell(b, cell), ',')
	}
	head := len(b)
	t.tail = append(appendCell(append(t.tail[:0], ','), message), '\r', '\n')
	lines := 0
	for i := range o.Fields {
		f := &o.Fields[i]
		if !shown(f) {
			continue
		}
		lines++
		b = append(appendCell(b[:head], f.Name), ',')
		old, is := words(f)
		b = append(appendCell(b, old), ',')
		b = append(appendCell(b, is), t.tail...)
		if _, err := t.w.Write(b); err != nil {
			return err
		}
	}
	for _, f := range joined(&o) {
		lines++
		b = append(appendCell(b[:head], f.Name), ',')
		b = append(appendCell(b, f.Old), ',')
		b = append(appendCell(b, f.New), t.tail...)
		if _, err := t.w.Write(b); err != nil {
			return err
		}
	}
	if lines == 0 {
		b = append(append(b, ",,"...), t.tail...)
		if _, err := t.w.Write(b); err != nil {
			return err
		}
	}
	t.line = b
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
	message = roster.Visible(message, maxMessage) // a column's name is from outside
	return []string{
		t.number, t.run.Profile, natural(uint64(p.Line)), string(p.Key), p.Who.Username, natural(p.Account),
		what, p.Code, p.Field, "", p.Value, message,
	}
}

// maxMessage is what is written of a message, which may name columns.
const maxMessage = 2000

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
