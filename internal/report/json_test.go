package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("run.v1.schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("run.v1.schema.json")
}

func validate(t *testing.T, schema *jsonschema.Schema, document string) error {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return schema.Validate(parsed)
}

func document(t *testing.T, s *story) string {
	t.Helper()
	d := s.doc(t)
	return text(t, func(b *bytes.Buffer) error { return report.JSON(b, d, stream(s.changes...)) })
}

func TestEveryDocumentIsOfTheSchema(t *testing.T) {
	schema := compile(t)
	for name, s := range map[string]*story{
		"clean": clean(), "dirty": dirty(), "held": held(), "first": first(), "failed": failed(),
		"running": {run: journal.Run{Number: 1, ID: clean().run.ID, Kind: journal.Sweep, Status: journal.Running, Started: clean().run.Started}},
	} {
		if err := validate(t, schema, document(t, s)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		hook, err := json.Marshal(s.doc(t))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(hook), `"changes"`) {
			t.Errorf("%s: the document for webhooks has changes", name)
		}
		if err := validate(t, schema, string(hook)); err != nil {
			t.Errorf("%s, for webhooks: %v", name, err)
		}
	}
}

func TestTheSchemaRefusesWhatIsNoReport(t *testing.T) {
	schema, good := compile(t), document(t, dirty())
	for name, replace := range map[string][2]string{
		"a missing count":       {`"renamed": 0,`, ``},
		"an eleventh count":     {`"renamed": 0,`, `"renamed": 0, "moved": 0,`},
		"an unknown status":     {`"status": "warn"`, `"status": "nochange"`},
		"a local time":          {`"2026-11-21T04:30:00Z"`, `"2026-11-21T05:30:00+01:00"`},
		"no problems":           {`"problems": [`, `"troubles": [`},
		"an action without one": {`"action":"add"`, `"action":"claim"`},
		"no memberships":        {`"memberships":{`, `"groups":{`},
		"an account of zero":    {`"account":20500`, `"account":0`},
		"a negative count":      {`"unchanged": 4785`, `"unchanged": -1`},
	} {
		bad := strings.Replace(good, replace[0], replace[1], 1)
		if bad == good {
			t.Fatalf("%s: %q is not in the document", name, replace[0])
		}
		if err := validate(t, schema, bad); err == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}

func TestTheDocumentOfARun(t *testing.T) {
	golden(t, "run-42.json", document(t, dirty()))
	golden(t, "run-1-planned.json", document(t, first()))
}

func TestAChangeShowsWhatAFeedCanSay(t *testing.T) {
	var got struct {
		Changes []struct {
			Account *uint64
			Action  string
			Fields  []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(document(t, clean())), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Changes) != 5 {
		t.Fatalf("changes = %d, want 5, without the claim", len(got.Changes))
	}
	for _, c := range got.Changes {
		if c.Action != "reactivate" {
			continue
		}
		if len(c.Fields) != 1 || c.Fields[0].Name != "status" {
			t.Errorf("fields of a reactivation = %v, want status alone", c.Fields)
		}
	}
	got.Changes = nil
	if err := json.Unmarshal([]byte(document(t, first())), &got); err != nil {
		t.Fatal(err)
	}
	if got.Changes[0].Account != nil {
		t.Errorf("account of an add that is not applied = %d, want null", *got.Changes[0].Account)
	}
}

func TestProblemsAreGroupedByCause(t *testing.T) {
	d := dirty().doc(t)
	var got []string
	for _, g := range d.Problems {
		got = append(got, fmt.Sprintf("%s %s %d %d %d", g.Severity, g.Code, g.Count, g.New, len(g.Examples)))
	}
	want := []string{
		"error E120 5 5 5", "error E105 2 2 2", "error E302 2 1 2", "error E101 1 0 1",
		"warning E112 2 0 2", "warning E131 1 1 1", "note  1 1 1", "note E310 1 1 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("groups = %q, want %q", got, want)
	}
}

func TestAFixCanBeTypedAsItStands(t *testing.T) {
	for code := range roster.Codes {
		p := roster.NewProblem(code, 2, "104417")
		p.Field = "email"
		d, err := report.Build(&clean().run, stream(p))
		if err != nil {
			t.Fatal(err)
		}
		row := text(t, func(b *bytes.Buffer) error { return report.ProblemsCSV(b, &clean().run, stream(p), report.IDs) })
		for _, hole := range []string{"FIELD", "PROFILE"} {
			if strings.Contains(d.Problems[0].Fix+row, hole) {
				t.Errorf("%s: %s is left open in %q", code, hole, d.Problems[0].Fix)
			}
		}
		if strings.Contains(row, "KEY") {
			t.Errorf("%s: the key is left open in %q", code, row)
		}
	}
}

func TestProblemsAreBoundedAndNoneIsLost(t *testing.T) {
	const causes, each = 300, 12
	many := func(yield func(roster.Problem, error) bool) {
		for i := range causes * each {
			p := roster.NewProblem("E118", i+2, "1")
			p.Column = fmt.Sprintf("column %d", i%causes)
			if i == causes*each-1 {
				p.Severity = roster.SeverityError
			}
			if !yield(p, nil) {
				return
			}
		}
	}
	d, err := report.Build(&clean().run, many)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Problems) != 200 {
		t.Errorf("groups = %d, want 200", len(d.Problems))
	}
	sum := 0
	for _, g := range d.Problems {
		sum += g.Count
		if len(g.Examples) > 10 {
			t.Errorf("examples of %s = %d, want at most 10", g.Column, len(g.Examples))
		}
	}
	if sum != causes*each {
		t.Errorf("problems in groups = %d, want %d", sum, causes*each)
	}
	if last := d.Problems[199]; last.Severity != roster.SeverityError {
		t.Errorf("severity of the rest = %s, want that of its worst", last.Severity)
	}
}

func TestAReportEndsWithTheErrorOfItsStreams(t *testing.T) {
	if _, err := report.Build(&clean().run, broken[roster.Problem]); !errors.Is(err, errDisk) {
		t.Errorf("build: %v, want %v", err, errDisk)
	}
	if err := report.JSON(&bytes.Buffer{}, clean().doc(t), broken[journal.Outcome]); !errors.Is(err, errDisk) {
		t.Errorf("json: %v, want %v", err, errDisk)
	}
}

// failing takes so many bytes.
type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errDisk
	}
	return len(b), nil
}

// endless is a plan without an end, so that a writer which keeps it runs out of time.
func endless(yield func(journal.Outcome, error) bool) {
	for i := 1; yield(journal.Outcome{Change: plan.Change{Action: plan.Update, Account: uint64(i), Key: "1", Reason: "the record differs"}}, nil); i++ {
	}
}

func TestChangesAreWrittenAsTheyCome(t *testing.T) {
	d, run := clean().doc(t), &clean().run
	if err := report.JSON(&failing{1 << 20}, d, endless); !errors.Is(err, errDisk) {
		t.Errorf("json: %v, want %v", err, errDisk)
	}
	if err := report.Results(&failing{1 << 20}, run, endless, stream[roster.Problem]()); !errors.Is(err, errDisk) {
		t.Errorf("results: %v, want %v", err, errDisk)
	}
}

func TestBothFilesFromOneReadingAreThoseOfTwo(t *testing.T) {
	many := dirty()
	for i := range 1700 { // so many that the table is written beside the document
		o := many.changes[i%len(many.changes)]
		o.Line = i + 2
		many.changes = append(many.changes, o)
	}
	for name, s := range map[string]*story{"clean": clean(), "dirty": dirty(), "held": held(), "first": first(), "failed": failed(), "many": many} {
		var table, text bytes.Buffer
		if err := report.Both(&table, &text, &s.run, s.doc(t), stream(s.changes...), stream(s.problems...)); err != nil {
			t.Fatal(err)
		}
		if got, want := table.String(), results(t, s); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		if got, want := text.String(), document(t, s); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	d, run := clean().doc(t), &clean().run
	for _, room := range [][2]int{{1 << 20, 1 << 30}, {1 << 30, 1 << 20}} {
		if err := report.Both(&failing{room[0]}, &failing{room[1]}, run, d, endless, stream[roster.Problem]()); !errors.Is(err, errDisk) {
			t.Errorf("%v, want %v", err, errDisk)
		}
	}
}
