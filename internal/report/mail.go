package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/roster"
)

// MailOptions are what a mail tells beside its run.
type MailOptions struct {
	Options
	To       []string
	Owner    string            // of the profile: replies go there; may be ""
	Site     string            // the domain that message ids are made of
	Version  string            // of rollcall
	Host     string            // on which it runs
	Attached bool              // problems.csv comes with it
	Notable  []journal.Outcome // the changes that a person wants to see, as [Notable] picks them
}

// Mail writes the mail about a run: plain text, and of personal data no more
// than keys and lines. The same run, in the same status and to the same people,
// always gets the same message id; the mails of a profile and month are one
// thread. Attachments are the caller's.
func Mail(d *Doc, o MailOptions) notify.Message {
	var text bytes.Buffer
	p := newPage(&text, d, o.Options)
	p.wide, p.fold = wideInMail, true
	p.headline()
	if p.planned() {
		p.guardrails()
		p.decide() // before the counts: a telephone shows a few lines
		p.problems(maxInMail)
		p.counts()
		p.movement()
	}
	p.next()
	p.footer(o)
	_ = p.w.Flush() // a buffer takes everything

	run := d.Run
	name := p.name()
	thread := fmt.Sprintf("<%s.%s@%s>", name, run.Started.In(p.zone).Format("200601"), o.Site)
	return notify.Message{
		ID:      messageID(run, o),
		To:      o.To,
		ReplyTo: o.Owner,
		Subject: short(fmt.Sprintf("[rollcall] %s %s: %s", shout(run.Status), name, p.subject())),
		Text:    text.String(),
		High:    urgent(run.Status),
		Headers: map[string]string{
			"Auto-Submitted":           "auto-generated",
			"X-Auto-Response-Suppress": "OOF, AutoReply, RN, NRN",
			"List-Id":                  fmt.Sprintf("%s runs <%s.rollcall.%s>", name, name, o.Site),
			"In-Reply-To":              thread,
			"References":               thread,
			"Thread-Topic":             "rollcall " + name,
			"Content-Language":         "en",
			"X-Rollcall-Profile":       name,
			"X-Rollcall-Status":        string(run.Status),
			"X-Rollcall-Run":           strconv.FormatInt(run.Number, 10),
		},
	}
}

// maxSubject is what a mail reader shows of a subject.
const maxSubject = 78

// short is a subject that is seen whole: it ends between two facts.
func short(s string) string {
	if utf8.RuneCountInString(s) <= maxSubject {
		return s
	}
	s = cut(s, maxSubject)
	if i := strings.LastIndex(s, ", "); i > 0 {
		return s[:i] + " …"
	}
	return s
}

// shout is the status as a subject has it. That nothing had changed is no status
// to be sorted by.
func shout(s journal.Status) string {
	if s == journal.Unchanged {
		s = journal.OK
	}
	return strings.ToUpper(string(s))
}

// urgent tells whether a person has to act before the next run.
func urgent(s journal.Status) bool {
	return s == journal.Held || s == journal.Failed || s == journal.Missing || s == journal.Interrupted
}

// messageID is the same after a crash: it is made of the run, its status and
// the recipients, in whatever order they stand.
func messageID(run Run, o MailOptions) string {
	to := slices.Sorted(slices.Values(o.To))
	sum := sha256.Sum256([]byte(run.ID + "\x00" + strings.Join(to, "\x00")))
	return fmt.Sprintf("run%d.%s.%s@%s", run.Number, run.Status, hex.EncodeToString(sum[:6]), o.Site)
}

// subject is the fact that matters most. It never has a word of the drop in it.
func (p *page) subject() string {
	run, facts := p.d.Run, p.d.facts
	switch run.Status {
	case journal.Unchanged:
		return "nothing had changed"
	case journal.Warn:
		what := many(facts.Warnings, "warning")
		if facts.Rows.Rejected > 0 {
			what = many(facts.Rows.Rejected, "row") + " rejected"
		} else if facts.Warnings == 0 && run.Excepted > 0 {
			what = many(run.Excepted, "removal") + " left out"
		}
		return what + ", " + many(facts.Changes(), "account") + " changed"
	case journal.Held:
		return why(p.d.Guardrails)
	case journal.Failed:
		if c, ok := roster.Codes[run.Code]; ok {
			return c.Text
		}
		return "the run failed"
	case journal.Interrupted:
		return "the run was interrupted"
	case journal.Missing:
		return "no new file came in time"
	case journal.Rejected:
		return "the held plan was rejected"
	case journal.Superseded:
		return "the held plan has expired"
	case journal.Running:
		return "under way"
	}
	return p.deeds()
}

// deeds is "7 added, 31 updated, 2 suspended": what there was of each, in an
// order in which the last can be left out.
func (p *page) deeds() string {
	r, a, b := p.d.Rows, p.d.Absent, p.d.ByDate
	var parts []string
	for _, one := range []struct {
		n    int
		what string
	}{
		{r.Added, "added"},
		{r.Updated, "updated"},
		{r.Suspended + a.Suspended, "suspended"},
		{r.Deleted + a.Deleted, p.deleted()},
		{r.Renamed, "renamed"},
		{r.Reactivated, "reactivated"},
		{b.Started, "started"},
		{b.Expired, "expired"},
	} {
		if one.n > 0 {
			parts = append(parts, number(one.n)+" "+one.what)
		}
	}
	if len(parts) == 0 {
		return "no account changed"
	}
	return strings.Join(parts, ", ")
}

// why is the first guardrail that holds the run, in a few words.
func why(found []guard.Finding) string {
	for _, f := range found {
		if !f.Holds() {
			continue
		}
		limit := fmt.Sprintf(" (limit %s)", number(f.Limit))
		switch f.Name {
		case "max_removals", "everybody":
			return many(f.Value, "account") + " would be removed" + limit
		case "max_adds":
			return many(f.Value, "account") + " would be added" + limit
		case "max_renames":
			return many(f.Value, "account") + " would be renamed" + limit
		case "max_field_change":
			return "one field would change for " + people(f.Value) + limit
		case "max_rejected":
			return many(f.Value, "row") + " newly rejected" + limit
		case "min_rows":
			return fmt.Sprintf("only %s (least %s)", many(f.Value, "row"), number(f.Limit))
		case "max_rows":
			return many(f.Value, "row") + limit
		case "canaries":
			return many(f.Value, "named key") + " missing from the file"
		case "first_run":
			return "somebody should look at this plan once"
		}
		return f.Name
	}
	return "a guardrail has tripped"
}

func (p *page) footer(o MailOptions) {
	if o.Attached {
		p.heading("Every problem with its line is in the attached problems.csv.")
	}
	p.heading("-- ")
	owner := ""
	if o.Owner != "" {
		owner = " (owner: " + o.Owner + ")"
	}
	if p.d.Run.Profile != "" {
		p.line("You get this as a report recipient of profile %s%s.", p.d.Run.Profile, owner)
	}
	p.line("rollcall %s on %s, run %s", o.Version, o.Host, p.d.Run.ID)
}
