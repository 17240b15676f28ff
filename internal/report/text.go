package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
)

// Options are what a text tells beside its run. What a run is compared with is
// of no use but to a sync.
type Options struct {
	Beside
	Zone *time.Location // in which times are told; nil: UTC
}

// Text writes the report of a run for a terminal: what happened and whether
// anybody has to act, then counts, problems, and what to type next. It shows
// keys, lines and the names of fields, and never a value. changes may be nil;
// only the first few are read.
func Text(w io.Writer, d *Doc, changes Changes, o Options) error {
	p := newPage(w, d, o)
	p.headline()
	if p.planned() {
		p.guardrails()
		p.problems(maxOnScreen)
		p.counts()
		p.mostMovement()
		if changes != nil {
			if err := p.changes(changes, false); err != nil {
				return err
			}
		}
		p.decide() // last, where the eye rests
	}
	p.next()
	return p.w.Flush()
}

// How many groups of problems a text shows, and how wide its sentences are.
const (
	maxOnScreen = 20
	maxInMail   = 10

	maxName     = 60  // characters of a department, or of a column
	maxSentence = 300 // characters of what a problem, an error or a guardrail says

	wideOnScreen = 100
	wideInMail   = 78
)

// page writes the paragraphs of one text. Its writer keeps the first error.
type page struct {
	w *bufio.Writer
	d *Doc
	Options
	last  *Doc
	usual *Usual
	zone  *time.Location
	wide  int  // of a list of items
	fold  bool // sentences too
	mail  bool // whose subjects are sorted by few words

	personal Personal // of the examples of problems
	examples int      // of each kind, where they are told one by one
}

func newPage(w io.Writer, d *Doc, o Options) *page {
	p := &page{w: bufio.NewWriter(w), d: d, Options: o, last: o.Last, usual: o.Usual, zone: o.Zone, wide: wideOnScreen}
	if p.zone == nil {
		p.zone = time.UTC
	}
	if d != nil && d.Run.Kind != journal.Sync {
		p.last, p.usual = nil, nil // no two of them do the same
	}
	return p
}

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}

// heading begins a paragraph.
func (p *page) heading(format string, args ...any) {
	p.line("")
	p.line(format, args...)
}

// say writes a sentence, behind a lead: broken between words where nobody else
// does that. A terminal does, and what is looked for in its output is in one piece.
func (p *page) say(lead, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !p.fold {
		p.line("%s%s", lead, text)
		return
	}
	p.wrap(lead, strings.Fields(text), " ")
}

// wrap writes items in lines of a readable width, all but the first indented as
// far as lead reaches. An item is never broken.
func (p *page) wrap(lead string, items []string, between string) {
	text := lead
	for i, item := range items {
		switch {
		case i == 0:
			text += item
		case utf8.RuneCountInString(text+between+item) > p.wide:
			p.line("%s", text+strings.TrimRight(between, " "))
			text = strings.Repeat(" ", utf8.RuneCountInString(lead)) + item
		default:
			text += between + item
		}
	}
	p.line("%s", text)
}

// planned tells whether the run came as far as a plan.
func (p *page) planned() bool {
	switch p.d.Run.Status {
	case journal.Failed, journal.Interrupted, journal.Missing, journal.Running:
		return false
	}
	return true
}

// tripped is which guardrails hold the run, under a title.
func (p *page) tripped() (title string, found []guard.Finding) {
	for _, f := range p.d.Guardrails {
		if f.Holds() {
			found = append(found, f)
		}
	}
	switch run := p.d.Run; {
	case run.Status == journal.Held:
		title = "Why it is held"
	case run.Approved:
		title = "Guardrails that tripped, and were approved"
	case run.Status == journal.Dry:
		title = "Why a run would be held"
	case run.Excepted > 0:
		title = "Why the removals were left out"
	default:
		title = "Why it was held"
	}
	return title, found
}

// standsOut is what is odd about a held run; "" where nothing is known.
func (p *page) standsOut() string {
	if name, n := p.mostRemoved(); n > 1 && p.d.Run.Status == journal.Held {
		return fmt.Sprintf("%s of the %s are in %s.", number(n), many(p.d.facts.Removals, "removal"), cut(name, maxName))
	}
	return ""
}

// guardrails tells which tripped, and what stands out in a held run.
func (p *page) guardrails() {
	title, found := p.tripped()
	if len(found) == 0 {
		return
	}
	p.heading("%s", title)
	p.findings(found)
	if text := p.standsOut(); text != "" {
		p.heading("What stands out")
		p.line("  %s", text)
	}
}

// A step is something to do: why, what to type, and what else there is to say.
type step struct{ Label, Command, Text string }

// choices are what can be done about a held run.
func (p *page) choices() (all []step) {
	run := p.d.Run
	if run.Status != journal.Held {
		return nil
	}
	add := func(label, text, command string) { all = append(all, step{label, command, text}) }
	add("if it is right", "", fmt.Sprintf("rollcall held approve %d --reason \"…\"", run.Number))
	if n := p.removals(); n > 0 && n < p.d.facts.Changes() {
		add("but keep people", "", fmt.Sprintf("rollcall held approve %d --except removals --reason \"…\"", run.Number))
	}
	wrong, nobody := "", ""
	switch run.Kind {
	case journal.Sync:
		wrong, nobody = "and ask HR for a new file", "; a newer file takes the place of this one"
		if p.asked() {
			wrong, nobody = "and have it corrected in the directory", "; a newer answer of the directory takes the place of this one"
		}
		if p.queued() {
			nobody = "; the files after it wait"
		}
	case journal.Sweep:
		wrong, nobody = "and have the dates corrected in HR", "; a later sweep takes the place of this one"
	case journal.Revert:
		nobody = fmt.Sprintf("; run %d stays applied", run.Reverts)
	}
	add("if it is wrong", wrong, fmt.Sprintf("rollcall held reject %d --reason \"…\"", run.Number))
	add("to look closer", "", fmt.Sprintf("rollcall runs changes %d", run.Number))
	add("if nobody acts", "no account changes"+nobody, "")
	return all
}

// queued tells whether the run stops those behind it: of changes none may be
// passed over (R104).
func (p *page) queued() bool {
	return p.d.Input.Content == "delta" && p.d.Run.Profile != imported
}

// decide writes what to do about a held run.
func (p *page) decide() {
	if all := p.choices(); len(all) > 0 {
		p.heading("What to do")
		p.steps(all)
	}
}

func (p *page) steps(all []step) {
	wide := 0
	for _, s := range all {
		wide = max(wide, utf8.RuneCountInString(s.Label))
	}
	for _, s := range all {
		text := s.Command
		if s.Text != "" && s.Command != "" {
			text += "   "
		}
		p.line("  %s   %s", left(s.Label, wide), text+s.Text)
	}
}

// removals is how many changes take access away: what --except removals leaves out.
func (p *page) removals() int {
	d := p.d
	return d.Rows.Suspended + d.Rows.Deleted + d.Absent.Suspended + d.Absent.Deleted + d.ByDate.Expired
}

func (p *page) findings(found []guard.Finding) {
	wide := 0
	for _, f := range found {
		wide = max(wide, len(f.Name))
	}
	for _, f := range found {
		p.say(fmt.Sprintf("  %s %s  ", f.Code, left(f.Name, wide)), "%s", clean(f.Text))
	}
}

// further is what to type now.
func (p *page) further() (steps []step) {
	run := p.d.Run
	add := func(why, format string, args ...any) {
		steps = append(steps, step{Label: why, Command: fmt.Sprintf(format, args...)})
	}
	problems := func() {
		if len(p.d.Problems) > 0 {
			add("every problem", "rollcall runs problems %d", run.Number)
		}
	}
	switch run.Status {
	case journal.OK, journal.Warn, journal.Unchanged:
		if p.mailsWait() {
			add("send the mails", "rollcall outbox release %d", run.Number)
		}
		if p.all() > 0 {
			add("every change", "rollcall runs changes %d", run.Number)
		}
		problems()
		if p.d.facts.Changes() > 0 && run.Kind != journal.Sweep && p.d.facts.Changes() > p.purged() && p.d.facts.Erased == 0 && p.d.facts.Merged == 0 {
			add("take it back", "rollcall runs revert %d --reason \"…\"", run.Number)
		}
	case journal.Held:
		problems()
	case journal.Rejected, journal.Superseded, journal.Reverted:
		add("every change", "rollcall runs changes %d", run.Number)
		problems()
	case journal.Dry:
		if p.d.facts.Changes() > 0 {
			add("every change", "rollcall runs changes %d", run.Number)
			problems()
			if !run.Draft {
				add("apply exactly this", "rollcall apply %d", run.Number)
			}
		} else {
			problems()
		}
	case journal.Failed, journal.Interrupted, journal.Missing:
		if run.Code != "" {
			add("what it means", "rollcall help %s", run.Code)
		}
		switch {
		case run.Profile == "" || run.Kind != journal.Sync || p.d.Input.Source == "file": // where that file lies, nobody knows
		case run.DryRun:
			add("try again", "rollcall plan %s", run.Profile)
		default:
			add("try again", "rollcall run %s", run.Profile)
		}
	}
	return steps
}

// next writes it.
func (p *page) next() {
	if steps := p.further(); len(steps) > 0 {
		p.heading("Next")
		p.steps(steps)
	}
}

// day and moment tell a time: 21 Nov 05:12, and Mon 23 Nov 2026 05:30 UTC.
func (p *page) day(t time.Time) string    { return t.In(p.zone).Format("2 Jan 15:04") }
func (p *page) moment(t time.Time) string { return t.In(p.zone).Format("Mon 2 Jan 2006 15:04 MST") }
