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

	Personal Personal              // how much of people it tells
	People   map[uint64]roster.Who // who the accounts of Notable are, by id; nil: nobody is named
}

// Mail writes the mail about a run, as text and as HTML, and of personal data no
// more than the options allow: the zero ones keys and lines. The same run, in the same status and to the same people,
// always gets the same message id; the mails of a profile and month are one
// thread. Attachments are the caller's.
func Mail(d *Doc, o MailOptions) notify.Message {
	var text bytes.Buffer
	p := newPage(&text, d, o.Options)
	p.wide, p.fold, p.mail, p.personal, p.examples = wideInMail, true, true, o.Personal, exampled
	l := p.letter(o, maxInMail)
	p.letterText(l)
	_ = p.w.Flush() // a buffer takes everything

	run := d.Run
	name := p.name()
	thread := fmt.Sprintf("<%s.%s@%s>", name, run.Started.In(p.zone).Format("200601"), o.Site)
	head := headers(name, strings.ToLower(p.state()), thread, o.Site)
	head["X-Rollcall-Run"] = strconv.FormatInt(run.Number, 10)
	return notify.Message{
		ID:      p.messageID(o),
		To:      o.To,
		ReplyTo: o.Owner,
		Subject: p.subject(),
		Text:    text.String(),
		HTML:    mailHTML(l),
		High:    urgent(run.Status),
		Headers: head,
	}
}

// headers are those by which programs sort a mail, and know that nobody wrote it.
func headers(name, state, thread, site string) map[string]string {
	return map[string]string{
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "OOF, AutoReply, RN, NRN",
		"List-Id":                  fmt.Sprintf("%s runs <%s.rollcall.%s>", name, name, site),
		"In-Reply-To":              thread,
		"References":               thread,
		"Thread-Topic":             "rollcall " + name,
		"Content-Language":         "en",
		"X-Rollcall-Profile":       name,
		"X-Rollcall-Status":        state,
	}
}

// tag begins every subject.
const tag = "rollcall"

// maxSubject is what a mail reader shows of a subject.
const maxSubject = 78

// short is a subject that is seen whole: it ends between two facts.
func short(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	s = cut(s, most)
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
	return s == journal.Held || s == journal.Failed || s == journal.Interrupted || s == journal.Missing
}

// messageID is the same after a crash: it is made of the run, its state, which
// mail about that it is, and the recipients, in whatever order they stand.
func (p *page) messageID(o MailOptions) string {
	nth := 1
	if p.Trouble != nil {
		nth += p.Trouble.Reminder
	}
	run := p.d.Run
	sum := sha256.Sum256([]byte(run.ID + "\x00" + recipients(o.To)))
	return fmt.Sprintf("run%d.%s.%d.%s@%s", run.Number, strings.ToLower(p.state()), nth, hex.EncodeToString(sum[:6]), o.Site)
}

func recipients(to []string) string { return strings.Join(slices.Sorted(slices.Values(to)), "\x00") }

// subject begins with a tag, the state and the profile, all of which fit on a
// telephone.
func (p *page) subject() string {
	text := fmt.Sprintf("[%s] %s %s: %s", tag, p.state(), p.name(), p.fact())
	if p.Trouble != nil && p.Trouble.Reminder > 0 {
		tail := fmt.Sprintf(", reminder %d", p.Trouble.Reminder)
		return cut(text, maxSubject-len(tail)) + tail
	}
	if p.state() == "RECOVERED" {
		tail := " after " + lasted(p.d.Run.Finished.Sub(p.Trouble.Since))
		return short(strings.TrimSuffix(text, tail), maxSubject-len(tail)) + tail
	}
	return short(text, maxSubject)
}

// fact is the one that matters most. It never has a word of the drop in it.
func (p *page) fact() string {
	if p.state() == "RECOVERED" {
		return p.what() + " after " + lasted(p.d.Run.Finished.Sub(p.Trouble.Since))
	}
	return p.what()
}

func (p *page) what() string {
	run, facts := p.d.Run, p.d.facts
	switch run.Status {
	case journal.Unchanged:
		if facts.Denied.Accounts > 0 {
			return p.denied()
		}
		return "nothing had changed"
	case journal.OK:
		if facts.Denied.Accounts > 0 && run.Kind == journal.Sync {
			return p.denied() + ", " + p.deeds()
		}
	case journal.Warn:
		what := many(facts.Warnings, "warning")
		if facts.Rows.Rejected > 0 {
			what = many(facts.Rows.Rejected, "row") + " rejected"
		} else if facts.Warnings == 0 && run.Excepted > 0 {
			what = many(run.Excepted, "removal") + " left out"
		}
		return what + ", " + many(facts.Changes(), "account") + " changed"
	case journal.Held:
		return p.why()
	case journal.Failed:
		if c, ok := roster.Codes[run.Code]; ok {
			return c.Text
		}
		return "the run failed"
	case journal.Interrupted:
		return "the run was interrupted"
	case journal.Missing:
		if p.Missing != nil {
			return "no file by " + p.Missing.Due.In(p.zone).Format("15:04")
		}
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

// denied is "2 leavers keep access".
func (p *page) denied() string {
	return verb(p.d.facts.Denied.Accounts, "leaver", "keeps", "keep") + " access"
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
func (p *page) why() string {
	for _, f := range p.d.Guardrails {
		if !f.Holds() {
			continue
		}
		limit := fmt.Sprintf(" (limit %s)", number(f.Limit))
		switch f.Name {
		case "max_removals", "everybody":
			return p.removed(f.Value) + limit
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
		case "sequence":
			return many(f.Value, "file") + " of the sequence missing"
		case "first_run":
			return "somebody should look at this plan once"
		}
		return f.Name
	}
	return "a guardrail has tripped"
}

// removed is "612 people would be suspended".
func (p *page) removed(n int) string {
	gone := p.d.Rows.Deleted + p.d.Absent.Deleted
	switch {
	case p.d.Run.Kind == journal.Revert, gone > 0 && gone < p.removals():
		return many(n, "account") + " would be removed"
	case gone > 0:
		return people(n) + " would be deleted"
	}
	return people(n) + " would be suspended"
}
