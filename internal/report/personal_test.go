package report_test

import (
	"bytes"
	"encoding/csv"
	"html"
	"io"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

func TestAMailTellsNoMoreOfPeopleThanItsProfile(t *testing.T) {
	s := states(t)["warn-values"]
	const name, value = "Anna Nowak", "31.02.2026"
	for _, tt := range []struct {
		personal report.Personal
		shown    []string
		hidden   []string
	}{
		{report.IDs, []string{"100234"}, []string{name, "a.nowak", value, "Karolina", "j.nowak"}},
		{report.Names, []string{"100234", name, "a.nowak", "Karolina Kowalska (k.wrona → k.kowalska)", "Jan Nowak (j.nowak)"}, []string{value}},
		{report.Values, []string{"100234", name, "a.nowak", value, "***"}, nil},
	} {
		s.options.Personal = tt.personal
		m := s.mail(t)
		for what, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
			for _, want := range tt.shown {
				if !strings.Contains(text, want) {
					t.Errorf("%d: the %s does not show %q", tt.personal, what, want)
				}
			}
			for _, not := range tt.hidden {
				if strings.Contains(text, not) {
					t.Errorf("%d: the %s shows %q", tt.personal, what, not)
				}
			}
		}
	}
}

func TestAWordThatIsNotKnownTellsKeysAlone(t *testing.T) {
	for word, want := range map[string]report.Personal{"": report.IDs, "ids": report.IDs, "names": report.Names, "values": report.Values, "all": report.IDs} {
		if got := report.PersonalData(word); got != want {
			t.Errorf("%q = %d, want %d", word, got, want)
		}
	}
}

// hostile is a run whose people and values would do harm if they could.
func hostile() *story {
	s := told(report.Values)
	seen := []int{0, 1, 2, 3, 5, 6, 7, 10, 11, 12, 13, 14} // the problems that a mail gives as examples
	for i, text := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "\"=1", "<script>alert(1)</script>", "a\u202eb", "x\r\nBcc: everybody@example.org", strings.Repeat("long", 2500)} {
		s.problems[seen[i]].Value = roster.Visible(text, roster.MaxShown)
		s.problems[seen[i]].Who = roster.Who{Username: roster.Visible(text, roster.MaxShown), Name: roster.Visible(text, roster.MaxShown)}
	}
	return s
}

func TestNamesAndValuesAreNoFormulas(t *testing.T) {
	s := hostile()
	problems := text(t, func(b *bytes.Buffer) error {
		return report.ProblemsCSV(b, &s.run, stream(s.problems...), report.Values)
	})
	cells := 0
	for _, text := range []string{problems, results(t, s)} {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") || strings.HasPrefix(cell, "＝") {
					t.Errorf("cell %q", cell)
				}
				if strings.HasPrefix(cell, "'=1+1") {
					cells++
				}
			}
		}
	}
	if cells != 5 { // username and value in both, the name in one
		t.Errorf("cells that would have been a formula = %d, want 5: nothing was tested", cells)
	}
}

func TestTheNamesOfPeopleHaveAColumnBehindTheOthers(t *testing.T) {
	s := told(report.Names)
	head := func(personal report.Personal) string {
		line, _, _ := strings.Cut(text(t, func(b *bytes.Buffer) error { return report.ProblemsCSV(b, &s.run, stream(s.problems...), personal) }), "\r\n")
		return line
	}
	ids := head(report.IDs)
	if want := "run,profile,line,key,username,account,outcome,code,field,old,new,message,suggested_fix"; ids != want {
		t.Errorf("ids: %s, want %s", ids, want)
	}
	if got := head(report.Names); got != ids+",name" {
		t.Errorf("names: %s, want %s,name", got, ids)
	}
}

func TestAHostileValueHarmsNoMail(t *testing.T) {
	s := hostile()
	o := states(t)["warn-values"].options
	m := report.Mail(s.doc(t), o)
	for _, h := range append(slices.Collect(func(yield func(string) bool) {
		for _, v := range m.Headers {
			if !yield(v) {
				return
			}
		}
	}), m.Subject, m.ID, m.ReplyTo) {
		if strings.ContainsAny(h, "\r\n") || strings.Contains(h, "everybody") {
			t.Errorf("header %q", h)
		}
	}
	for what, text := range map[string]string{"text": m.Text, "HTML": html.UnescapeString(m.HTML)} {
		for _, bad := range []string{"\u202e", "\r", "\nBcc", "\t", strings.Repeat("long", 30)} {
			if strings.Contains(text, bad) {
				t.Errorf("the %s holds %q", what, bad)
			}
		}
		for _, want := range []string{"a‹U+202E›b", "‹TAB›=1"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not show %q", what, want)
			}
		}
	}
	if strings.Contains(m.HTML, "<script") || !strings.Contains(m.Text, "<script>") {
		t.Error("the value is markup in the HTML, or is not in the mail at all")
	}
}

func TestASensitiveFieldIsMaskedWhereverAChangeIsTold(t *testing.T) {
	s := clean()
	hidden := roster.Hidden{"department": true, "email": true, "title": true}
	masked := report.Mask(stream(s.changes...), hidden)
	for what, write := range map[string]func(io.Writer) error{
		"page":     func(w io.Writer) error { return report.HTML(w, s.doc(t), masked, report.PageOptions{}) },
		"JSON":     func(w io.Writer) error { return report.JSON(w, s.doc(t), masked) },
		"CSV":      func(w io.Writer) error { return report.Results(w, &s.run, masked, stream[roster.Problem]()) },
		"plan":     func(w io.Writer) error { return report.PlanText(w, s.doc(t), masked, report.Options{}) },
		"terminal": func(w io.Writer) error { _, err := report.ChangesText(w, masked); return err },
	} {
		got := text(t, func(b *bytes.Buffer) error { return write(b) })
		for _, value := range []string{"Ward 3", "k.wrona@example.org", "k.kowalska@example.org", "=cmd"} {
			if strings.Contains(got, value) {
				t.Errorf("the %s shows %q", what, value)
			}
		}
		if !strings.Contains(got, "***") || !strings.Contains(got, "department") {
			t.Errorf("the %s does not say that a value was withheld", what)
		}
		if !strings.Contains(got, "k.kowalska") {
			t.Errorf("the %s hides what is not sensitive", what)
		}
	}
	if f := s.changes[1].Fields[0]; f.Old != "Ward 3" || f.New != "ICU" {
		t.Errorf("the change itself is now %+v", f)
	}
	empty := journal.Outcome{Change: plan.Change{Fields: []plan.FieldChange{{Name: "title", New: "x"}, {Name: "city", Old: "a", New: "b"}}}}
	if got := report.Masked(empty, hidden).Fields; got[0].Old != "" || got[0].New != "***" || got[1].New != "b" {
		t.Errorf("masked = %+v: that there was nothing is no secret", got)
	}
}

func TestMembershipsThatASensitiveColumnMayHaveMadeAreNotNamed(t *testing.T) {
	icu := roster.Membership{Kind: roster.CohortKind, Name: "parish-north"}
	fire := roster.Membership{Kind: roster.CourseKind, Name: "FIRE-101", Role: "learner"}
	o := journal.Outcome{Change: plan.Change{Memberships: []plan.GrantChange{{Membership: icu, Is: true}, {Membership: fire, Is: true}}}}
	masked := report.Masked(o, roster.Hidden{"cohorts": true})
	added, _ := masked.Joined()
	if len(added) != 2 || added[0].String() != "cohort:***" || added[1] != fire {
		t.Errorf("shown are %v", added)
	}
	if added, _ = o.Joined(); added[0] != icu {
		t.Errorf("the change itself has become %v", added)
	}
	masked = report.Masked(o, roster.Hidden{"title": true})
	if added, _ = masked.Joined(); added[0] != icu {
		t.Errorf("where no cohort is hidden shown are %v", added)
	}
}
