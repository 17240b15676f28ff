package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
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

// Weekly writes the mail of a week, which is sent also where all is well.
func Weekly(w Week, o MailOptions) notify.Message {
	var text bytes.Buffer
	p := newPage(&text, nil, o.Options)
	p.wide, p.fold = wideInMail, true
	p.week(w)
	_ = p.w.Flush() // a buffer takes everything

	to := slices.Sorted(slices.Values(o.To))
	var names []string
	for _, one := range w.Profiles {
		names = append(names, one.Profile)
	}
	sum := sha256.Sum256([]byte(strings.Join(append(to, names...), "\x00")))
	return notify.Message{
		ID:      fmt.Sprintf("week%s.%s@%s", w.From.In(p.zone).Format("20060102"), hex.EncodeToString(sum[:6]), o.Site),
		To:      o.To,
		ReplyTo: o.Owner,
		Text:    text.String(),
	}
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

func (p *page) week(w Week) {
	for _, one := range w.Profiles {
		p.heading("%s", one.Profile)
		p.say("  ", "%s; %s", one.went(), changed(one.Changed))
		open := 0
		for _, g := range one.Open {
			if g.Severity != roster.SeverityNote {
				open += g.Count
			}
		}
		p.say("  ", "%s", many(open, "open problem"))
	}
}
