package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/roster"
)

// A Week is what the weekly mail tells: that rollcall is alive, what it did, and
// what is still open. The profiles are those of one list of recipients.
type Week struct {
	From, Until time.Time // not including Until
	Profiles    []ProfileWeek
}

// A ProfileWeek is the week of one profile.
type ProfileWeek struct {
	Profile string
	Owner   string // ""; where replies go to where all profiles of the mail have the same

	Runs      int // of kind sync that ended in this week, dry ones not counted
	Applied   int // of them: ok, unchanged or warn
	Unchanged int // of those applied: with nothing to do
	Warned    int // of those applied: with errors or warnings in rows
	Held      int // and not approved since
	Failed    int // or interrupted
	Missing   int
	Changed   int // accounts, by all of them

	LastApplied time.Time // of the newest run ever that was applied; zero: none
	Next        time.Time // by the schedule; zero: only by hand
	Trouble     *Trouble  // what goes on; nil: nothing
	Open        []Group   // the problems of the newest applied run, as [Build] groups them

	Quality []Quality // oldest first, this week last; four at most
}

// Quality is how good the data of one week were, by its last applied run.
type Quality struct {
	Week     time.Time // its first day
	Read     int       // rows; zero: no run was applied
	Rejected int
	Warnings int
}

// Weekly writes the mail of a week, which is sent also where all is well: its
// coming says that rollcall is alive. It is in the thread of no profile.
func Weekly(w Week, o MailOptions) notify.Message {
	var text bytes.Buffer
	p := newPage(&text, nil, o.Options)
	p.wide, p.fold = wideInMail, true
	l := p.week(w, o)
	p.letterText(l)
	_ = p.w.Flush() // a buffer takes everything

	names := []string{recipients(o.To)}
	for _, one := range w.Profiles {
		names = append(names, one.Profile)
	}
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	thread := fmt.Sprintf("<week.%s@%s>", hex.EncodeToString(sum[:6]), o.Site)
	return notify.Message{
		ID:      fmt.Sprintf("week%s.%s@%s", w.From.In(p.zone).Format("20060102"), hex.EncodeToString(sum[:6]), o.Site),
		To:      o.To,
		ReplyTo: o.Owner,
		Subject: short(fmt.Sprintf("[%s] %s week: %s", tag, l.State, l.Fact), maxSubject),
		Text:    text.String(),
		HTML:    mailHTML(l),
		Headers: headers("week", strings.ToLower(l.State), thread, o.Site),
	}
}

// open is how many problems are still there.
func (w ProfileWeek) open() int {
	n := 0
	for _, g := range w.Open {
		if g.Severity != roster.SeverityNote {
			n += g.Count
		}
	}
	return n
}

func (p *page) week(w Week, o MailOptions) letter {
	var runs, applied, open, stuck int
	for _, one := range w.Profiles {
		runs, applied, open = runs+one.Runs, applied+one.Applied, open+one.open()
		if one.Trouble != nil {
			stuck++
		}
	}
	l := letter{State: "OK", Name: "week", Fact: fmt.Sprintf("%s, %s applied, %s", many(runs, "run"), number(applied), many(open, "open problem"))}
	first, last := p.date(w.From), p.date(w.Until.Add(-time.Second))
	said := "Nothing left for you to do."
	switch {
	case stuck > 0:
		l.State, said = "WARN", fmt.Sprintf("%s and somebody has to act, see below.", verb(stuck, "profile", "stands still", "stand still"))
	case open > 0:
		l.State, said = "WARN", fmt.Sprintf("%s to be fixed in HR.", verb(open, "problem", "is still", "are still"))
	}
	l.Mark, l.Tone = stateMarks[l.State], tone(l.State)
	l.Lead = []string{
		fmt.Sprintf("rollcall is alive. From %s to %s it made %s of %s. %s", first, last, many(runs, "run"), many(len(w.Profiles), "profile"), said),
	}
	for _, one := range w.Profiles[:min(len(w.Profiles), maxWeek)] {
		l.Parts = append(l.Parts, p.profileWeek(one)...)
	}
	if more := len(w.Profiles) - maxWeek; more > 0 {
		l.Parts = append(l.Parts, part{Text: []string{fmt.Sprintf("And %s: rollcall status", verb(more, "other profile", "is", "are"))}})
	}
	l.Parts = append(l.Parts, part{Title: "Next", Steps: []step{{Label: "how it stands now", Command: "rollcall status"}}})
	l.Foot = []string{"You get this once a week as a report recipient of these profiles. If it does not come, rollcall is not running."}
	l.Foot = append(l.Foot, "rollcall "+o.Version+" on "+o.Host)
	return l
}

// What a weekly mail tells at most.
const (
	maxWeek       = 20 // profiles
	maxWeekGroups = 3  // kinds of problem of one profile
)

func (p *page) profileWeek(w ProfileWeek) []part {
	one := part{Title: w.Profile}
	add := func(label, format string, args ...any) {
		one.Facts = append(one.Facts, step{Label: label, Text: fmt.Sprintf(format, args...)})
	}
	add("runs", "%s", w.went())
	add("accounts", "%s", changed(w.Changed))
	if t := w.Trouble; t != nil && !t.Ended {
		add("stands still", "%s since %s (%s)", t.Status, p.moment(t.Since), many(t.Runs, "run"))
	}
	if w.LastApplied.IsZero() {
		add("last applied", "never")
	} else {
		add("last applied", "%s", p.moment(w.LastApplied))
	}
	if w.Next.IsZero() {
		add("next", "only by hand")
	} else {
		add("next", "%s", p.moment(w.Next))
	}
	shown := 0
	for _, g := range w.Open {
		if g.Severity == roster.SeverityNote {
			continue
		}
		if shown++; shown > maxWeekGroups {
			break
		}
		label := ""
		if shown == 1 {
			label = "open"
		}
		t := p.told(g)
		add(label, "%s × %s %s (%s)", t.Count, t.Code, t.Text, t.Since)
	}
	if shown == 0 {
		add("open", "no problem")
	}
	parts := []part{one}
	if len(w.Quality) > 1 {
		l := ledger{Title: "Data of " + w.Profile, Columns: []string{"rows", "rejected", "warnings"}}
		for _, q := range w.Quality {
			row := ledgerRow{Name: "week of " + q.Week.In(p.zone).Format("2 Jan"), Numbers: []string{number(q.Read), number(q.Rejected), number(q.Warnings)}}
			if q.Read == 0 {
				row.Numbers = []string{"–", "–", "–"}
			}
			l.Rows = append(l.Rows, row)
		}
		parts = append(parts, part{Title: l.Title, Ledger: &l})
	}
	return parts
}

// went is "7 runs, all applied" or "7 runs: 5 applied (71 %), 1 held, 1 failed".
func (w ProfileWeek) went() string {
	switch {
	case w.Runs == 0:
		return "no run"
	case w.Runs == w.Applied:
		return many(w.Runs, "run") + ", all applied"
	}
	parts := []string{fmt.Sprintf("%s applied (%d %%)", number(w.Applied), w.Applied*100/w.Runs)}
	for _, one := range []struct {
		n    int
		what journal.Status
	}{{w.Held, journal.Held}, {w.Failed, journal.Failed}, {w.Missing, journal.Missing}} {
		if one.n > 0 {
			parts = append(parts, number(one.n)+" "+string(one.what))
		}
	}
	return many(w.Runs, "run") + ": " + strings.Join(parts, ", ")
}
