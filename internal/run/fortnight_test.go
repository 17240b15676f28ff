package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
)

// A calendar lets days pass for one profile as a daemon would: a run at 05:30,
// and a look around every quarter of an hour until noon, then every hour.
type calendar struct {
	*outgoing
	p     *run.Profile
	begin time.Time // Monday, 19 October 2026, in Warsaw; clocks go back on its Sunday
	watch []*run.Runner
}

const quarter = 15 * time.Minute

func newCalendar(t *testing.T, s *site) *calendar {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	c := &calendar{outgoing: remote(t, s), begin: time.Date(2026, 10, 19, 0, 0, 0, 0, zone)}
	c.at = c.begin
	c.p = c.feed("hr", func(p *run.Profile) {
		p.Zone, p.Plan.Zone = zone, zone
		p.Source.Due, p.Source.DueExcept = "06:00", []string{"sat", "sun"}
		p.Report = run.Report{To: []string{"hr-it@example.org"}, Alert: []string{"oncall@example.org"}, When: "changes"}
	})
	c.watch = []*run.Runner{s.Runner}
	return c
}

// when is a time of day n days after the beginning.
func (c *calendar) when(day int, clock string) time.Time {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		c.t.Fatal(err)
	}
	y, m, d := c.begin.Date()
	return time.Date(y, m, d+day, t.Hour(), t.Minute(), 0, 0, c.begin.Location())
}

// until lets time pass, up to and with a time of day n days after the beginning.
func (c *calendar) until(day int, clock string) {
	c.t.Helper()
	for end := c.when(day, clock); c.now().Before(end); {
		step := quarter
		if hour := c.now().In(c.begin.Location()).Hour(); hour >= 12 || hour < 4 { // nothing happens then
			step = 4 * quarter
		}
		c.pass(step)
		if c.now().In(c.begin.Location()).Format("15:04") == "05:30" {
			c.ask("schedule")
		}
		for _, r := range c.watch {
			if err := r.Watch(c.t.Context(), c.p); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// ask asks the source once; the run that comes of it, or nil.
func (c *calendar) ask(trigger string) *journal.Run {
	j, _ := c.Run(c.t.Context(), run.Request{Profile: c.p, Trigger: trigger}) // what went wrong is in the journal
	return j
}

// hr puts a file onto the server, as of now.
func (c *calendar) hr(lines ...string) {
	c.t.Helper()
	c.file++
	c.write(fmt.Sprintf("hr-%03d.csv", c.file), []byte(strings.Join(lines, "\n")+"\n"))
}

// mails is what was written so far: when, what, to how many.
func (c *calendar) mails() []string {
	c.t.Helper()
	all, err := c.Store.Outbox(c.t.Context(), 0)
	if err != nil {
		c.t.Fatal(err)
	}
	var lines []string
	for _, m := range all {
		who := strings.NewReplacer("@example.org", "").Replace(strings.Join(m.Message.To, " "))
		importance := ""
		if m.Message.High {
			importance = " !"
		}
		lines = append(lines, fmt.Sprintf("%s  %s to %s%s", m.Created.In(c.begin.Location()).Format("Mon _2 Jan 15:04"), word(m.Message), who, importance))
	}
	return lines
}

// word is the state of a mail, and whether it is a reminder, as its subject says.
func word(m notify.Message) string {
	state, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "[rollcall] "), " ")
	if _, number, ok := strings.Cut(m.Subject, ", reminder "); ok {
		state += " reminder " + number
	}
	if strings.HasPrefix(m.ID, "week") {
		return "WEEK"
	}
	return state
}

// crowd is forty people, changed a little by a number, and one whose row is bad.
func crowd(n int, bad bool) []string {
	lines := people(40)
	lines[1] = person("E0000", "user0", fmt.Sprintf("Ward %d", n))
	if bad {
		lines = append(lines, "E9999,broken")
	}
	return lines
}

// play is a fortnight.
func (c *calendar) play() {
	t := c.t
	t.Helper()
	// The first week: all is well, then a row is bad, and stays so.
	c.until(0, "05:15")
	c.hr(crowd(1, false)...)
	c.until(1, "05:15")
	c.hr(crowd(2, false)...)
	c.until(2, "05:15")
	c.hr(crowd(2, false)...) // the same bytes: quiet, and not missing
	c.until(3, "05:15")
	c.hr(crowd(3, true)...)
	c.until(4, "05:15")
	c.hr(crowd(4, true)...)

	// The server is down over the weekend, and comes back as another.
	c.until(5, "00:00")
	c.Stop(t)
	c.until(7, "09:00")
	c.Start(t)
	ours := c.p.Source.HostKeys
	c.p.Source.HostKeys = []string{"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"}
	c.until(8, "05:15")
	c.hr(crowd(5, false)...)
	c.until(8, "12:00")
	c.p.Source.HostKeys = ours
	c.ask("manual")

	// Half of the people are gone: held, and approved.
	c.until(9, "05:15")
	c.hr(people(20)...)
	c.until(9, "10:00")
	held, err := c.Store.Newest(t.Context(), "hr")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Approve(t.Context(), c.p, run.Decision{Run: held.Number, Who: "ada", Reason: "the ward has closed"}); err != nil {
		t.Fatal(err)
	}

	// No file, then a late one; then one that a person refuses.
	c.until(10, "11:00")
	c.hr(append(people(20), person("N1", "new1"))...)
	c.until(10, "11:15")
	c.ask("manual")
	c.until(11, "05:15")
	c.hr(people(5)...)
	c.until(11, "07:00")
	if held, err = c.Store.Newest(t.Context(), "hr"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reject(t.Context(), run.Decision{Run: held.Number, Who: "ada", Reason: "an export of one ward"}); err != nil {
		t.Fatal(err)
	}
	c.until(14, "05:15")
	c.hr(append(people(20), person("N1", "new1"), person("N2", "new2"))...)
	c.until(14, "12:00")
}

// fortnight is every mail of it.
const fortnight = `
Mon 19 Oct 05:30  OK to hr-it
Mon 19 Oct 08:00  WEEK to hr-it
Tue 20 Oct 05:30  OK to hr-it
Thu 22 Oct 05:30  WARN to hr-it
Sat 24 Oct 05:30  FAILED to hr-it oncall !
Sat 24 Oct 09:30  FAILED reminder 1 to hr-it oncall !
Mon 26 Oct 08:00  FAILED reminder 2 to hr-it oncall !
Mon 26 Oct 08:00  WEEK to hr-it
Tue 27 Oct 05:30  FAILED to hr-it oncall !
Tue 27 Oct 09:30  FAILED reminder 1 to hr-it oncall !
Tue 27 Oct 12:00  RECOVERED to hr-it oncall
Wed 28 Oct 05:30  HELD to hr-it oncall !
Wed 28 Oct 09:30  HELD reminder 1 to hr-it oncall !
Wed 28 Oct 10:00  RECOVERED to hr-it oncall
Thu 29 Oct 06:00  MISSING to hr-it oncall !
Thu 29 Oct 10:00  MISSING reminder 1 to hr-it oncall !
Thu 29 Oct 11:15  RECOVERED to hr-it oncall
Fri 30 Oct 05:30  HELD to hr-it oncall !
Mon  2 Nov 05:30  RECOVERED to hr-it oncall
Mon  2 Nov 08:00  WEEK to hr-it
`

func TestAFortnightOfMails(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		c := newCalendar(t, s)
		c.watch = append(c.watch, openAt2(t, s)) // a second daemon doubles nothing
		c.play()
		c.told(fortnight)
		// Mondays to Fridays without a new drop at 06:00 are noted, each once.
		want := map[string]bool{"Mon 26": true, "Tue 27": true, "Thu 29": true}
		all, err := s.Store.Runs(t.Context(), "hr", time.Time{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range all {
			day := j.Started.In(c.begin.Location()).Format("Mon 2")
			if j.Status == journal.Missing && !want[day] {
				t.Errorf("run %d of %s is missing", j.Number, day)
			}
			if j.Status == journal.Missing {
				delete(want, day)
				s.reported(&j)
			}
		}
		if len(want) > 0 {
			t.Errorf("not noted as missing: %v", want)
		}
	})
}

// openAt2 is another daemon on the same database.
func openAt2(t *testing.T, s *site) *run.Runner {
	t.Helper()
	other := openAt(t, t.TempDir(), s.dsn)
	other.clock = s.clock
	other.Now = s.now
	return other.Runner
}

// told compares the mails with those of a story.
func (c *calendar) told(want string) {
	c.t.Helper()
	got := strings.Join(c.mails(), "\n")
	if want = strings.TrimSpace(want); got != want {
		c.t.Errorf("mails:\n%s\nwant:\n%s", got, want)
	}
}

// TestWithoutAMemoryTheFortnightIsLouder is the control: a runner that forgets
// what it has told tells it again.
func TestWithoutAMemoryTheFortnightIsLouder(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite")
	c := newCalendar(t, s)
	forgetful := func() {
		err := s.Store.Tell(context.Background(), "hr", 0, func(told *journal.Told) []notify.Message {
			told.Forget()
			told.Problems = ""
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.p.Report.When = "changes"
	c.until(0, "05:15")
	c.hr(crowd(1, true)...)
	c.until(1, "05:15")
	c.Stop(t)
	for range 4 {
		c.pass(quarter)
		c.ask("schedule")
		forgetful()
	}
	if n := strings.Count(strings.Join(c.mails(), "\n"), "FAILED"); n != 4 {
		t.Errorf("%d mails of a source that is down, want 4 where nobody remembers", n)
	}
}

// TestAStoryThroughARealMailServer sends what a day of trouble makes.
func TestAStoryThroughARealMailServer(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite")
	c := newCalendar(t, s)
	box := shore.SMTP(t)
	sender, err := notify.NewSMTP(notify.Options{Server: "smtp://" + box.Addr, From: "rollcall <rollcall@example.org>"}, secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	s.Mail = sender.Send
	c.p.Source.Path = "outgoing/hr-*.csv"
	c.until(0, "05:15")
	c.hr(crowd(1, false)...)
	c.until(1, "05:15")
	if err := os.WriteFile(c.dir+"/hr-002.csv.filepart", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.until(1, "10:15")
	noted, err := s.Store.Newest(t.Context(), "hr")
	if err != nil || noted.Overdue == nil {
		t.Fatalf("%+v, %v", noted, err)
	}
	seen := strings.Join(noted.Overdue.Seen, "; ")
	if !strings.HasPrefix(seen, `1 file that matches, read before; "hr-002.csv.filepart" (0 B, `) || !strings.HasSuffix(seen, ": not finished") {
		t.Errorf("what lies there: %s", seen)
	}
	c.hr(crowd(2, false)...)
	c.ask("manual")
	if err := s.Deliver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, mail := range box.Wait(t, 8) { // one for each recipient
		status, _, _ := strings.Cut(strings.TrimPrefix(head(mail, "Subject"), "[rollcall] "), " ")
		if strings.Contains(head(mail, "To"), "oncall@") {
			status += " to all"
		}
		got[strings.TrimSpace(status+" "+head(mail, "Importance"))]++
	}
	want := map[string]int{"OK": 2, "MISSING to all high": 4, "RECOVERED to all": 2} // the week is OK too
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mails of the server (-want +got):\n%s", diff)
	}
}

func TestSilenceAndAnOverdueDrop(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) {
			p.Source.Due = "09:30"
			p.Report = run.Report{To: []string{"a@example.org"}, When: "changes"}
		})
		watch := func() {
			t.Helper()
			if err := s.Watch(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		overdue := func(want bool) {
			t.Helper()
			if at, err := s.Overdue(t.Context(), p); err != nil || at.IsZero() == want {
				t.Errorf("overdue since %v, %v; want %v", at, err, want)
			}
		}
		s.pass(4 * time.Hour) // it is 10:00 on the first day: what was due before anybody watched is not missed
		watch()
		watch()
		overdue(false)
		s.read(p, journal.OK, people(10)...) // the next day: it came at 09:00 and is read at 10:00
		s.drop(p, append(people(10), "")...) // another day on, there is a file that nobody has read yet
		watch()                              // it has come: a run will say what is in it
		if n := s.runs("hr", journal.Missing); n != 0 {
			t.Errorf("%d runs are missing, and a file lies there", n)
		}
		s.run(p, journal.Unchanged)
		overdue(false)

		s.pass(23*time.Hour + 29*time.Minute) // 09:29
		watch()
		overdue(false)
		s.pass(time.Minute)
		overdue(true)
		watch()
		watch()
		if n := s.runs("hr", journal.Missing); n != 1 {
			t.Fatalf("%d runs are missing, want 1", n)
		}
		j, err := s.Store.Newest(t.Context(), "hr")
		if err != nil || j.ExitCode != 13 || j.Code != "E405" || j.Kind != journal.Sync || !j.Overdue.Reached {
			t.Errorf("%+v, %v", j, err)
		}
		_, beside, err := s.Doc(t.Context(), p, j)
		if err != nil || beside.Missing == nil || beside.Missing.LastRows != 10 || beside.Missing.Last.Name != "hr-002.csv" {
			t.Errorf("beside the missing run: %+v, %v", beside.Missing, err)
		}
		last, err := s.Store.LastApplied(t.Context(), "hr")
		if err != nil || last.Number != 2 {
			t.Errorf("a missing run became the one applied last: %+v, %v", last, err)
		}
		if base, err := s.Store.Baseline(t.Context(), "hr", "v1"); err != nil || base.MedianRows != 10 {
			t.Errorf("a missing run is in the baseline: %+v, %v", base, err)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("the same file again: %v", err)
		}

		s.pass(-23 * time.Hour)                              // drop moves a day on: it is 10:30 of the same day
		s.drop(p, append(people(10), person("L1", "l1"))...) // late
		s.run(p, journal.OK)
		overdue(false)
		s.pass(23 * time.Hour) // and the next day none: the late one was yesterday's
		overdue(true)
		watch()
		if n := s.runs("hr", journal.Missing); n != 2 {
			t.Errorf("%d runs are missing, want 2", n)
		}
		p.Source.Due = ""
		watch()
		if told, err := s.Store.Told(t.Context(), "hr"); err != nil || told.Status != "" {
			t.Errorf("a drop that is not due any more is still missed: %+v, %v", told, err)
		}
	})
}
