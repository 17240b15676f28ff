package plan

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/roster"
)

// met is a directory that answers every question with something, so that nobody
// is planned as a stranger.
type met struct{ *memory }

func (m met) Find(ctx context.Context, q Query) (Found, error) {
	f, err := m.memory.Find(ctx, q)
	f.New = maps.Clone(f.New)
	if f.New == nil {
		f.New = map[roster.Key]bool{}
	}
	f.New["a key that no record has"] = true
	return f, err
}

// scattered are Pairs in parts, as files of a scratch folder give them.
type scattered [3][][2]uint64

func (s *scattered) Add(thing, who uint64) error {
	s[thing%3] = append(s[thing%3], [2]uint64{thing, who})
	return nil
}

func (s *scattered) Parts() iter.Seq2[[][2]uint64, error] {
	return func(yield func([][2]uint64, error) bool) {
		for _, part := range s {
			room := slices.Clone(part)
			if len(room) > 0 && !yield(room, nil) {
				return
			}
			clear(room) // a part lasts until the next
		}
	}
}

func (s *scattered) Close() {}

// toldOf is what is stored of a plan: problems lie by their lines.
func toldOf(t interface{ Fatal(...any) }, o Options, m Directory, rows []roster.Entry) string {
	var p Plan
	facts, err := Make(context.Background(), o, drop(rows...), m, &p, noon)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(p.Problems, func(a, b roster.Problem) int { return cmp.Compare(a.Line, b.Line) })
	var text strings.Builder
	for _, c := range p.Changes {
		fmt.Fprintf(&text, "%+v\n", c)
	}
	for _, x := range p.Problems {
		fmt.Fprintf(&text, "%v %s %d %s %s\n", x, x.Severity, x.Account, x.Key, x.Field)
	}
	fmt.Fprintf(&text, "%+v\n", facts)
	return text.String()
}

// TestStrangersArePlannedLikeAnybody: of a first load the drop is read twice
// instead of three times, and its names lie in parts. Nothing of it may show.
func TestStrangersArePlannedLikeAnybody(t *testing.T) {
	law(t, "strangers are planned like anybody", func(t *rapid.T) {
		o := someOptions(t, "hr")
		m := &memory{decided: map[roster.Key]bool{}}
		if oneIn(t, 3, "somebody is there") {
			m = someDirectory(t)
		}
		rows := someRows(t, o)
		for range rapid.IntRange(0, 6).Draw(t, "more rows") {
			e := someRow(t, o, len(rows)+2)
			if oneIn(t, 2, "a new key") && o.Match.Key != roster.Username {
				e.Key = roster.Key("n" + strconv.Itoa(len(rows)))
				e.Values[roster.EmployeeID] = string(e.Key)
			}
			if len(e.Late) > 0 && oneIn(t, 2, "late without a name") {
				e.Late[0].Value = func(name string) string { return "m1" + name + "@example.org" }
			}
			e.Line = len(rows) + 2
			for i := range e.Problems {
				e.Problems[i].Line = e.Line
			}
			rows = append(rows, e)
		}
		want := toldOf(t, o, met{m}, rows)
		if diff := gocmp.Diff(want, toldOf(t, o, m, rows)); diff != "" {
			t.Fatalf("whom nobody meets is planned otherwise:\n%s", diff)
		}
		parts := o
		parts.Pairs = func() Pairs { return new(scattered) }
		if diff := gocmp.Diff(want, toldOf(t, parts, m, rows)); diff != "" {
			t.Fatalf("a drop that lies in parts is planned otherwise:\n%s", diff)
		}
	})
}

// TestALargeFirstLoadIsReadTwice has more of each kind than fits into memory.
func TestALargeFirstLoadIsReadTwice(t *testing.T) {
	t.Parallel()
	var rows []roster.Entry
	for i := range 9*keep/2 + 7 {
		k := strconv.Itoa(i)
		e := row(i+2, k, "u"+k)
		switch i % 4 {
		case 1:
			e = roster.Entry{Line: i + 2, Broken: true, KeyBad: true, Problems: []roster.Problem{roster.NewProblem("E101", i+2, "")}}
		case 2:
			e.OldUsername = "old" + k
		case 3:
			if i > 1000 { // a copy, equal but for one in three
				e = row(i+2, strconv.Itoa(i-1000), "u"+strconv.Itoa(i-1000))
				e.OldUsername = ""
				if i%3 == 0 {
					says(roster.City, "Ulm")(&e)
				}
			}
		}
		rows = append(rows, e)
	}
	read := 0
	counting := func() iter.Seq2[roster.Entry, error] { read++; return drop(rows...)() }
	var p Plan
	o := staff()
	if _, err := Make(context.Background(), o, counting, &memory{}, &p, noon); err != nil {
		t.Fatal(err)
	}
	if got, want := toldOf(t, o, &memory{}, rows), toldOf(t, o, met{&memory{}}, rows); got != want {
		t.Errorf("the plan of a large first load is another: %d bytes, want %d", len(got), len(want))
	}
	plain := rows[:0:0]
	for i, e := range rows {
		if i%4 == 0 {
			plain = append(plain, e)
		}
	}
	if rows, read = plain, 0; len(rows) <= keep {
		t.Fatalf("%d rows fit into memory, and prove nothing", len(rows))
	}
	if _, err := Make(context.Background(), o, counting, &memory{}, &p, noon); err != nil || read != 2 {
		t.Errorf("a first load of clean rows was read %d times (%v), want 2", read, err)
	}
}

// TestR4R33WhoGetsANameOfSeveralNewcomersHangsOnNoOrder tells, too, who is
// remembered of a first load: only those names for which somebody else asks.
func TestR4R33WhoGetsANameOfSeveralNewcomersHangsOnNoOrder(t *testing.T) {
	made := func(name string) func(*roster.Entry) {
		return func(e *roster.Entry) { says(roster.Username, name)(e); e.Template = true }
	}
	counted := func(name string) func(*roster.Entry) {
		return func(e *roster.Entry) { made(name)(e); e.Number = true }
	}
	late := func(tail string) func(*roster.Entry) {
		return func(e *roster.Entry) {
			without(roster.Email)(e)
			e.Late = []roster.Late{{Field: roster.Email, Value: func(name string) string { return tail }}}
		}
	}
	byDefault := func(name string) func(*roster.Entry) {
		return func(e *roster.Entry) {
			without(roster.Username)(e)
			e.Defaults[roster.Username], e.HasDef, e.Template = name, e.HasDef.With(roster.Username), true
		}
	}
	for _, tt := range []struct {
		name    string
		rows    []roster.Entry
		want    []string
		ordered bool // by the rows
	}{
		{"two of one template", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "", made("ann"))}, []string{"E303 line 2 error", "E303 line 3 error"}, false},
		{"two of one template, one in two rows", []roster.Entry{row(2, "1", "", made("ann")), row(3, "1", "", made("ann"))}, []string{"E106 line 3 warning", "add 1 ann"}, true},
		{"a template and a default", []roster.Entry{row(2, "1", "", byDefault("ann")), row(3, "2", "", made("Ann"))}, []string{"E303 line 2 error", "E303 line 3 error"}, false},
		{"a template and a row that cannot be used", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "", made("ann"), bad("E115"))}, []string{"E115 line 3 error", "add 1 ann"}, false},
		{"a template and one of whom nothing is known by the old name", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "", made("ann"), was("old"))}, []string{"E305 line 3 error", "add 1 ann"}, false},
		{"a template and a leaver", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "", made("ann"), wishes(roster.WishLeaver))}, []string{"add 1 ann", "skip line 3 skip"}, false},
		{"a template and rows that differ", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "", made("ann")), row(4, "2", "", made("ann"), says(roster.City, "Ulm"))}, []string{"E105 line 3 error", "E105 line 4 error", "add 1 ann"}, false},
		{"given beside a template", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "ann")}, []string{"E303 line 2 error", "add 2 ann"}, false},
		{"given beside two templates", []roster.Entry{row(2, "1", "", made("ann")), row(3, "2", "ann"), row(4, "3", "", made("ann"))}, []string{"E303 line 2 error", "E303 line 4 error", "add 2 ann"}, false},
		{"given twice beside a template", []roster.Entry{row(2, "1", "ann"), row(3, "2", "", made("ann")), row(4, "3", "ann")}, []string{"E303 line 2 error", "E303 line 3 error", "E303 line 4 error"}, false},
		{"a counter leaves a given name", []roster.Entry{row(2, "1", "", counted("ann")), row(3, "2", "ann")}, []string{"add 1 ann2", "add 2 ann"}, false},
		{"a counter meets a given name", []roster.Entry{row(2, "2", "", counted("ann")), row(3, "3", "", counted("ann")), row(4, "1", "ann2")}, []string{"add 1 ann2", "add 2 ann", "add 3 ann3"}, true},
		{"addresses that hang on the name", []roster.Entry{row(2, "1", "ann", late("x@example.org")), row(3, "2", "bob", late("x@example.org"))}, []string{"E130 line 2 error", "E130 line 3 error"}, false},
		{"addresses of nobody's name are made of nothing", []roster.Entry{row(2, "1", "", late("x@example.org")), row(3, "2", "", late("x@example.org"))}, []string{"E120 line 2 error", "E120 line 3 error"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := staff()
			if tt.rows[0].Values[roster.Username] == "" && tt.rows[0].HasDef == 0 {
				o.Required = []roster.Field{roster.Email}
			}
			told := func(m Directory, rows []roster.Entry) []string {
				var p Plan
				if _, err := Make(context.Background(), o, drop(rows...), m, &p, noon); err != nil {
					t.Fatal(err)
				}
				return p.told()
			}
			if diff := gocmp.Diff(tt.want, told(&memory{}, tt.rows)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(tt.want, told(met{&memory{}}, tt.rows)); diff != "" {
				t.Errorf("plan, where the directory has others (-want +got):\n%s", diff)
			}
			if tt.ordered {
				return
			}
			slices.Reverse(tt.rows)
			if diff := gocmp.Diff(tt.want, told(&memory{}, tt.rows)); diff != "" {
				t.Errorf("plan of the rows in another order (-want +got):\n%s", diff)
			}
		})
	}
}
