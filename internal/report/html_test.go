package report_test

import (
	"bytes"
	"fmt"
	"html"
	"mime/quotedprintable"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

var (
	unseen = regexp.MustCompile(`(?s)<head>.*</head>|<div style="display:none.*?</div>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

// words are the words of a text, sorted: what is left of two that say the same
// in another layout.
func words(text string) []string {
	all := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("·[]:-–", r) })
	all = slices.DeleteFunc(all, func(w string) bool {
		return strings.IndexFunc(w, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0
	})
	slices.Sort(all)
	return all
}

// said are the words that a mail's HTML shows.
func said(page string) []string {
	page = strings.NewReplacer("<br>", " ", "</td>", " ", "</th>", " ", "</p>", " ", "</li>", " ", "</h1>", " ", "</h2>", " ").Replace(unseen.ReplaceAllString(page, ""))
	return words(html.UnescapeString(tags.ReplaceAllString(page, "")))
}

// unnumbered takes the numbers of a list away, which HTML writes by itself.
var unnumbered = regexp.MustCompile(`(?m)^  \d\. `)

// lacking are the elements of want that got lacks, counted.
func lacking(got, want []string) (all []string) {
	have := map[string]int{}
	for _, w := range got {
		have[w]++
	}
	for _, w := range want {
		if have[w]--; have[w] < 0 {
			all = append(all, w)
		}
	}
	return all
}

func TestTextAndHTMLOfAMailSayTheSame(t *testing.T) {
	all := states(t)
	all["largest"] = largest(t)
	for name, s := range all {
		m := s.mail(t)
		title := m.HTML[strings.Index(m.HTML, "<title>")+len("<title>") : strings.Index(m.HTML, "</title>")] // a subject may be cut
		text := words("rollcall " + html.UnescapeString(title) + "\n" + unnumbered.ReplaceAllString(m.Text, "  "))
		page := said(m.HTML)
		if miss := lacking(page, text); len(miss) > 0 {
			t.Errorf("%s: the HTML lacks %q", name, miss)
		}
		if miss := lacking(text, page); len(miss) > 0 {
			t.Errorf("%s: the text lacks %q", name, miss)
		}
		if len(page) < 40 {
			t.Errorf("%s: words = %d: nothing was compared", name, len(page))
		}
	}
	m := report.Weekly(week(), weekly())
	text := words("rollcall week WARN 14 runs, 12 applied, 12 open problems\n" + m.Text)
	if miss := append(lacking(said(m.HTML), text), lacking(text, said(m.HTML))...); len(miss) > 0 {
		t.Errorf("week: only one of both says %q", miss)
	}
}

// long is a text of n characters with all that could break out of a page.
func long(n int) string {
	const nasty = `<script>alert(1)</script>"'><b onload=x>&amp;` + "\u202e\u2066\x00\x1b[31m\r\n{{.}}</style></td></table>"
	return strings.Repeat(nasty, n/len(nasty)+1)[:n]
}

// largest is a run of which everything is as long as it can be.
func largest(t *testing.T) state {
	t.Helper()
	s := dirty()
	s.problems, s.changes = nil, nil
	wide, wider := long(5000), long(10_000)
	for i := range 300 {
		for _, severity := range []roster.Severity{roster.SeverityError, roster.SeverityWarning, roster.SeverityNote} {
			for line := range 4 {
				s.problems = append(s.problems, roster.Problem{
					Code: "E120", Severity: severity, Field: "last_name", Column: fmt.Sprint(i, wide[:300]), Line: 1e9 + line,
					Key: roster.Key(fmt.Sprint(line, strings.Repeat("k", 255))), Text: wider, Fix: wider, Since: at("2026-11-18T04:30:00Z"),
					Who: roster.Who{Username: wide, Name: wide}, Value: wider, // as nothing but a foreign hand could store them
				})
			}
		}
	}
	s.run.Facts.Errors, s.run.Facts.Warnings = 1200, 1200
	s.run.Facts.Rows.Renamed = 1500
	s.run.Input.Name = long(255)
	s.run.Decision, s.run.DecidedBy, s.run.Approved = long(5000), long(300), true
	s.run.Facts.Departments = map[string]plan.Movement{}
	for i := range 1000 {
		s.run.Facts.Departments[fmt.Sprint(i, long(250))] = plan.Movement{Added: 1, Changed: i, Removed: 1}
	}
	s.run.Findings = guard.Check(guard.DefaultLimits(), held().run.Facts, guard.Baseline{Applied: true, MedianRows: 5300, RowHistory: []int{5300}})
	for i := range s.run.Findings {
		s.run.Findings[i].Text += wide
	}
	for i := range 1500 {
		o := journal.Outcome{Done: journal.Applied, Note: wide, Change: plan.Change{
			Action: plan.Rename, Account: uint64(i), Key: roster.Key(long(255)), Username: long(255), Reason: long(1000), Line: 1e9,
		}}
		for f := range roster.NumFeedFields {
			o.Fields = append(o.Fields, plan.FieldChange{Field: f, Name: f.String(), Old: wider, New: wider})
		}
		s.changes = append(s.changes, o)
	}
	journal.Settle(&s.run)
	o := states(t)["warn"].options
	o.Personal, o.People = report.Values, map[uint64]roster.Who{}
	for i := range uint64(10) {
		o.People[i] = roster.Who{Username: wide, Name: wide}
	}
	o.Trouble = &report.Trouble{Status: journal.Held, Since: at("2026-11-19T05:30:38+01:00"), Runs: 3, Ended: true}
	var err error
	if o.Notable, err = report.Notable(&s.run, stream(s.changes...)); err != nil {
		t.Fatal(err)
	}
	return state{s, o}
}

func TestTheLargestMailIsSmall(t *testing.T) {
	s := largest(t)
	m := s.mail(t)
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(m.HTML)); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if b.Len() > 60<<10 {
		t.Errorf("HTML = %d bytes on its way, want at most 60 KB", b.Len())
	}
	if len(m.Text) > 30<<10 {
		t.Errorf("text = %d bytes, want at most 30 KB", len(m.Text))
	}
	for _, line := range strings.Split(m.Text, "\n") {
		if strings.HasPrefix(line, " ") && len(line) > 990 {
			t.Errorf("a line has %d bytes", len(line))
		}
	}
	if n := len(s.page(t)); n > 2<<20 {
		t.Errorf("page = %d bytes, want at most 2 MB", n)
	}
}

func TestNothingOfADropBecomesMarkup(t *testing.T) {
	s := largest(t)
	if raw := s.problems[0].Text + s.changes[0].Username; !strings.Contains(raw, "<script") || !strings.Contains(raw, "\u202e") {
		t.Fatal("the drop is harmless, and nothing is tested")
	}
	m := s.mail(t)
	for what, page := range map[string]string{"mail": m.HTML, "page": s.page(t)} {
		for _, bad := range []string{"<script", "<b onload", "\x00", "\x1b", "\u202e", "\u2066", "alert(1)</script", `"'><`} {
			if strings.Contains(page, bad) {
				t.Errorf("the %s holds %q", what, bad)
			}
		}
		if n := strings.Count(page, "</style>"); n != 1 {
			t.Errorf("the %s has %d ends of a style, want 1", what, n)
		}
		if !strings.Contains(page, "&lt;script&gt;alert(1)") {
			t.Errorf("the %s does not show what the drop says", what)
		}
	}
	for _, h := range append(slices.Collect(func(yield func(string) bool) {
		for _, v := range m.Headers {
			if !yield(v) {
				return
			}
		}
	}), m.Subject, m.ID) {
		if strings.Contains(h, "script") || strings.ContainsAny(h, "\r\n") {
			t.Errorf("header %q has a word of the drop", h)
		}
	}
}

func TestAMailPromisesNoAttachmentThatMayBeTooLarge(t *testing.T) {
	s := states(t)["warn"]
	const sure = "is in the attached problems.csv"
	if m := s.mail(t); !strings.Contains(m.Text, sure) {
		t.Error("the mail does not say that problems.csv is attached")
	}
	for range 2000 {
		s.problems = append(s.problems, s.problems[0])
	}
	if m := s.mail(t); strings.Contains(m.Text, sure) || !strings.Contains(m.Text, "else: rollcall runs problems 42 -o csv") {
		t.Error("the mail does not say that problems.csv may be too large")
	}
}

func TestAPageAsksForNothingAndSaysSo(t *testing.T) {
	for name, s := range states(t) {
		page := s.page(t)
		if !strings.Contains(page, `<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
			t.Errorf("%s: no policy", name)
		}
		if m := regexp.MustCompile(`(?i)<script|\s(src|srcset|style|on[a-z]+)=|url\(|@import|href="[^#]`).FindString(page); m != "" {
			t.Errorf("%s: the page has %q", name, m)
		}
	}
}

func TestAPageShowsTheFirstThousandChangesAndReadsNoMore(t *testing.T) {
	read := 0
	endless := func(yield func(journal.Outcome, error) bool) {
		for {
			read++
			if !yield(journal.Outcome{Done: journal.Applied, Change: plan.Change{Action: plan.Suspend, Key: "1", Username: "u", Reason: "not in the file"}}, nil) {
				return
			}
		}
	}
	d := with(func(r *journal.Run) { r.Facts.Absent.Suspended = 5000 }).doc(t)
	got := text(t, func(b *bytes.Buffer) error { return report.HTML(b, d, endless, report.PageOptions{}) })
	if read != 1000 {
		t.Errorf("changes read = %d, want 1000", read)
	}
	if !strings.Contains(got, "… 4,039 more:") {
		t.Error("the page does not say how many more there are")
	}
	if err := report.HTML(&bytes.Buffer{}, d, broken[journal.Outcome], report.PageOptions{}); err == nil {
		t.Error("a page of changes that break off is no error")
	}
}

// The page is for whoever may read the drop; the mail is not (personal_data: ids).
func TestAPageShowsValuesAndAMailDoesNot(t *testing.T) {
	s := states(t)["ok"]
	m, page := s.mail(t), s.page(t)
	for _, value := range []string{"Ward 3", "k.kowalska", "Kowalska", "zielińska", "m.żak"} {
		if strings.Contains(m.Subject+m.Text+m.HTML, value) {
			t.Errorf("the mail shows %q", value)
		}
		if !strings.Contains(page, value) {
			t.Errorf("the page does not show %q", value)
		}
	}
}

func TestAReminderIsAMailOfItsOwn(t *testing.T) {
	all := states(t)
	first, second := all["held"].mail(t), all["held-reminder"].mail(t)
	if first.ID == second.ID {
		t.Errorf("id = %q of both", first.ID)
	}
	if first.Headers["References"] != second.Headers["References"] {
		t.Error("they are not in one thread")
	}
	if want := "[rollcall] HELD hr-csv: 612 people would be suspended (limit 240), reminder 2"; second.Subject != want {
		t.Errorf("subject = %q, want %q", second.Subject, want)
	}
}

func TestSubjectsOfWhatWasMissingAndOfWhatWorksAgain(t *testing.T) {
	all := states(t)
	for name, want := range map[string]string{
		"missing":   "[rollcall] MISSING hr-csv: no file by 06:00",
		"recovered": "[rollcall] RECOVERED hr-csv: 7 added, 30 updated, 2 suspended … after 2 days",
	} {
		if got := all[name].mail(t); got.Subject != want || got.Headers["X-Rollcall-Status"] != name || got.High != (name == "missing") {
			t.Errorf("subject = %q, status %q, high %t, want %q", got.Subject, got.Headers["X-Rollcall-Status"], got.High, want)
		}
	}
	s := all["recovered"]
	s.run.Facts.Rows = plan.Rows{Read: 15, Added: 3, Updated: 12}
	s.run.Facts.Absent = plan.Absent{}
	for since, want := range map[string]string{
		"2026-11-19T05:30:00+01:00": "3 added, 12 updated after 2 days", "2026-11-21T01:30:00+01:00": "3 added, 12 updated after 4 hours",
		"2026-11-21T05:30:00+01:00": "3 added, 12 updated after 1 minute", "2026-11-20T05:30:00+01:00": "3 added, 12 updated after 24 hours",
	} {
		s.options.Trouble = &report.Trouble{Status: journal.Missing, Since: at(since), Runs: 1, Ended: true}
		if got := s.mail(t).Subject; got != "[rollcall] RECOVERED hr-csv: "+want {
			t.Errorf("subject = %q, want %s", got, want)
		}
	}
}

// week is one in which one profile did well and another did not.
func week() report.Week {
	w := report.Week{From: at("2026-11-16T00:00:00+01:00"), Until: at("2026-11-23T00:00:00+01:00")}
	good := report.ProfileWeek{Profile: "ad-staff", Runs: 7, Applied: 7, Unchanged: 2, Changed: 31, LastApplied: at("2026-11-22T05:20:00+01:00"), Next: at("2026-11-23T05:20:00+01:00")}
	bad := report.ProfileWeek{
		Profile: "hr-csv", Runs: 7, Applied: 5, Warned: 5, Held: 1, Failed: 1, Changed: 101, LastApplied: at("2026-11-20T05:30:00+01:00"),
		Trouble: &report.Trouble{Status: journal.Held, Since: at("2026-11-21T05:30:00+01:00"), Runs: 2},
		Open: []report.Group{
			{Code: "E120", Severity: roster.SeverityError, Column: "LastName", Count: 9, New: 9, Message: "required and empty", Fix: "fill it in HR"},
			{Code: "E112", Severity: roster.SeverityWarning, Column: "EndDate", Count: 3, Since: report.Instant{Time: at("2026-11-18T05:30:00+01:00")}, Message: "not a date"},
			{Code: "E310", Severity: roster.SeverityNote, Column: "WorkEmail", Count: 3, Message: "another feed has authority over this field"},
		},
		Quality: []report.Quality{
			{Week: at("2026-11-02T00:00:00+01:00"), Read: 4801, Rejected: 21, Warnings: 4},
			{Week: at("2026-11-09T00:00:00+01:00")},
			{Week: at("2026-11-16T00:00:00+01:00"), Read: 4821, Rejected: 9, Warnings: 3},
		},
	}
	w.Profiles = []report.ProfileWeek{good, bad}
	return w
}

func weekly() report.MailOptions {
	return report.MailOptions{Options: report.Options{Zone: warsaw}, To: []string{"hr-it@example.org"}, Owner: "hr-it@example.org", Site: "example.org", Version: "1.0", Host: "rc1"}
}

func TestTheWeeklyMail(t *testing.T) {
	show := func(m notify.Message) string {
		return fmt.Sprintf("Subject: %s\nMessage-ID: <%s>\nhigh: %t\n\n%s", m.Subject, m.ID, m.High, m.Text)
	}
	m := report.Weekly(week(), weekly())
	golden(t, "mail-week.txt", show(m))
	golden(t, "mail-week.html", m.HTML)
	quiet := week()
	quiet.Profiles = quiet.Profiles[:1]
	golden(t, "mail-week-quiet.txt", show(report.Weekly(quiet, weekly())))
	if again := report.Weekly(week(), weekly()).ID; again != m.ID {
		t.Errorf("id = %q, then %q", m.ID, again)
	}
}
