package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// A letter is what a mail and a page tell, before it is text or HTML: both are
// written from it, so they say the same.
type letter struct {
	State string // OK, WARN, HELD, FAILED, MISSING, RECOVERED and so on
	Mark  string // the same as a symbol
	Tone  string // good, mind or bad: a colour that says nothing alone
	Name  string // of the profile, or what the run is
	Run   int64
	Fact  string   // the one that matters most, as in the subject
	Lead  []string // what happened, and whether anybody has to act
	Parts []part
	Foot  []string
}

// A part is a heading and what stands below it, of each only what is there.
type part struct {
	ID       string // an anchor on a page
	Title    string
	Box      bool // somebody has to act
	Text     []string
	Findings []told
	Facts    []step // a label and what belongs to it
	Numbered []step // to be done in this order
	Ledger   *ledger
	Problems *complaint
	Items    []string
	Steps    []step // what may be typed
}

// marks of the states, none of which a telephone shows as a picture.
var stateMarks = map[string]string{
	"OK": "✓", "RECOVERED": "✓", "WARN": "!", "HELD": "‖", "FAILED": "✕", "MISSING": "?", "INTERRUPTED": "✕", "DRY": "○",
}

func tone(state string) string {
	switch state {
	case "OK", "RECOVERED":
		return "good"
	case "HELD", "FAILED", "MISSING", "INTERRUPTED":
		return "bad"
	}
	return "mind"
}

// recovered tells whether this run ended a row of runs that came to nothing.
func (p *page) recovered() bool { return p.Trouble != nil && p.Trouble.Ended }

// state is the one word of the subject.
func (p *page) state() string {
	if p.recovered() && p.d.Run.Status.Applied() {
		return "RECOVERED"
	}
	if p.mail && p.d.Run.Status == journal.Interrupted {
		return shout(journal.Failed)
	}
	return shout(p.d.Run.Status)
}

// letter is the report as mail and page have it, in the order in which it is read.
func (p *page) letter(o MailOptions, most int) letter {
	state := p.state()
	l := letter{
		State: state, Mark: cmp.Or(stateMarks[state], "·"), Tone: tone(state),
		Name: p.name(), Run: p.d.Run.Number, Fact: p.fact(), Lead: p.lead(),
	}
	add := func(parts ...part) { l.Parts = append(l.Parts, parts...) }
	if p.planned() {
		add(p.weighedPart()...)
		add(p.actPart(o)...)
		if table := p.ledger(); len(table.Rows) > 0 {
			add(part{ID: "counts", Title: cmp.Or(table.Title, "Accounts"), Ledger: &table})
		}
		for i, c := range p.complaints(most) {
			id := "problems"
			if i > 0 {
				id = ""
			}
			add(part{ID: id, Title: c.Title, Problems: &c})
		}
		if items := p.notable(o.Notable, o.People); len(items) > 0 {
			add(part{Title: "Worth a look", Items: items})
		}
	} else {
		add(p.knownPart()...)
		add(p.actPart(o)...)
	}
	if items := p.coming(); len(items) > 0 {
		add(part{ID: "coming", Title: "Coming up", Items: items})
	}
	steps := slices.DeleteFunc(p.further(), func(s step) bool { return !p.planned() && strings.HasPrefix(s.Command, "rollcall run ") }) // the box says so
	if len(o.To) > 0 && o.Host != "" {
		steps = append(steps, step{Label: "the run's page", Text: fmt.Sprintf("reports/%d.html, in the state folder on %s", p.d.Run.Number, o.Host)})
	}
	if len(steps) > 0 {
		add(part{ID: "next", Title: "Next", Steps: steps})
	}
	switch {
	case o.Attached && p.fewProblems():
		add(part{Text: []string{"Every problem with its line is in the attached problems.csv."}})
	case o.Attached:
		add(part{Text: []string{fmt.Sprintf("Every problem with its line is in problems.csv, which is attached where it is no larger than 1 MB; else: rollcall runs problems %d -o csv", p.d.Run.Number)}})
	}
	l.Foot = p.foot(o)
	return l
}

// fewProblems tells whether problems.csv is surely small enough for a mail.
func (p *page) fewProblems() bool {
	n := 0
	for _, g := range p.d.Problems {
		n += g.Count
	}
	return n <= 2000
}

// lead says what happened, for how long it has been so, and what the code means.
func (p *page) lead() (all []string) {
	run, t := p.d.Run, p.Trouble
	if p.recovered() {
		was := map[journal.Status]string{journal.Held: "had been held", journal.Missing: "had no file", journal.Failed: "had been failing", journal.Interrupted: "had been interrupted"}[t.Status]
		all = append(all, fmt.Sprintf("%s works again. It %s since %s (%s, %s).",
			p.name(), cmp.Or(was, "had stood still"), p.moment(t.Since), lasted(run.Finished.Sub(t.Since)), many(t.Runs, "run")))
	}
	if run.Status == journal.Missing && p.Missing != nil {
		all = append(all, fmt.Sprintf("%s: no new file matched %s by %s. NO account was changed, and nobody counts as a leaver.",
			p.who(), cut(clean(p.Missing.Path), maxSentence), p.moment(p.Missing.Due)))
	} else {
		all = append(all, p.sentences()...)
	}
	if help := roster.Codes[run.Code].Help; run.Status == journal.Failed && help != "" {
		all = append(all, help)
	}
	if t != nil && !t.Ended && (t.Runs > 1 || t.Reminder > 0) {
		text := fmt.Sprintf("It has been so since %s (%s).", p.moment(t.Since), many(t.Runs, "run"))
		if t.Reminder > 0 {
			text = fmt.Sprintf("Reminder %d: it has been so since %s (%s).", t.Reminder, p.moment(t.Since), many(t.Runs, "run"))
		}
		all = append(all, text)
	}
	return all
}

// lasted is how long a trouble went on, as a person says it.
func lasted(d time.Duration) string {
	switch hours := int(d.Hours() + 0.5); {
	case d < time.Hour:
		return many(max(1, int(d.Minutes()+0.5)), "minute")
	case hours < 36:
		return many(hours, "hour")
	default:
		return many((hours+12)/24, "day")
	}
}

func (p *page) weighedPart() (all []part) {
	title, found := p.tripped()
	if len(found) == 0 {
		return nil
	}
	why := part{ID: "why", Title: title}
	for _, f := range found {
		why.Findings = append(why.Findings, told{Code: f.Code, At: f.Name, Text: cut(clean(f.Text), maxSentence)})
	}
	all = append(all, why)
	if text := p.standsOut(); text != "" {
		all = append(all, part{Title: "What stands out", Items: []string{text}})
	}
	return all
}

// actPart is what a person has to do; nothing where nobody has to.
func (p *page) actPart(o MailOptions) []part {
	run := p.d.Run
	box := part{ID: "act", Title: "What to do", Box: true}
	switch {
	case run.Status == journal.Held:
		box.Steps = p.choices()
	case run.Status.Broke() && run.Kind == journal.Sync:
		if fix := roster.Codes[run.Code].Fix; fix != "" && strings.HasSuffix(run.Error, fix) {
			for _, text := range strings.Split(fix, "; ") {
				box.Numbered = append(box.Numbered, step{Text: sentence(clean(text))})
			}
		}
		again := step{Text: "Then run it again:", Command: "rollcall run " + run.Profile}
		if p.d.Input.Source == "file" {
			again.Command += " --file F"
		}
		box.Numbered = append(box.Numbered, again)
		box.Steps = []step{{Label: "if nobody acts", Text: "no account changes, and every run ends like this one"}}
		if run.Status == journal.Interrupted {
			box.Steps[0].Text = "no account changes until the next run"
		}
	case run.Status == journal.Missing:
		box.Numbered = []step{
			{Text: "Ask HR to send the file; it is read soon after it has come whole."},
			{Text: "Or read it at once:", Command: "rollcall run " + run.Profile},
			{Text: "Where HR has a holiday, source.due_except in the profile names the days."},
		}
		box.Steps = []step{{Label: "if nobody acts", Text: "no account changes"}}
	case run.Status == journal.Warn && p.d.Rows.Rejected > 0:
		all := "each kind below says how"
		if o.Attached && p.fewProblems() {
			all += "; every row is in the attached problems.csv, which HR may have"
		}
		box.Text = []string{fmt.Sprintf("Have %s corrected in HR: %s.", many(p.d.Rows.Rejected, "row"), all)}
		box.Steps = []step{{Label: "if nobody acts", Text: "these people keep what they have, and the next file's rows are rejected again"}}
	default:
		return nil
	}
	return []part{box}
}

// knownPart is what is known of a run that came to no plan.
func (p *page) knownPart() []part {
	run := p.d.Run
	known := part{ID: "known", Title: "What is known"}
	add := func(label, text string) {
		if text != "" {
			known.Facts = append(known.Facts, step{Label: label, Text: cut(clean(text), maxSentence)})
		}
	}
	switch {
	case run.Status.Broke():
		add("file", p.input())
		for _, s := range p.facts() {
			add(s.Label, s.Text)
		}
		if p.Last != nil {
			add("last success", fmt.Sprintf("%s (run %d)", p.moment(p.Last.Run.Finished.Time), p.Last.Run.Number))
		}
	case run.Status == journal.Missing && p.Missing != nil:
		m := p.Missing
		if m.Last.Name != "" {
			last := []string{m.Last.Name}
			if !m.Last.Modified.IsZero() {
				last = append(last, p.day(m.Last.Modified))
			}
			add("last file used", strings.Join(append(last, many(m.LastRows, "row")), ", "))
		}
		if m.Earliest != "" {
			add("usual arrival", m.Earliest+" to "+m.Latest)
		}
		if m.Reached {
			add("connection", "ok: login and listing worked")
		} else {
			add("connection", "the folder could not be listed")
		}
		if len(m.Seen) == 0 && m.Reached {
			add("in the folder", "nothing")
		}
		for i, seen := range m.Seen[:min(len(m.Seen), maxSeen)] {
			label := "in the folder"
			if i > 0 {
				label = ""
			}
			known.Facts = append(known.Facts, step{Label: label, Text: cut(clean(seen), maxSentence)})
		}
	}
	if len(known.Facts) == 0 {
		return nil
	}
	return []part{known}
}

// sentence begins with a capital letter, and ends.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:] + "."
}

// maxSeen is how many things in a folder are told.
const maxSeen = 10

// facts takes the error of a run apart, one thing known a line.
func (p *page) facts() (all []step) {
	run := p.d.Run
	text := strings.TrimPrefix(run.Error, run.Code+": ")
	if fix := roster.Codes[run.Code].Fix; fix != "" {
		text = strings.TrimSuffix(text, "; "+fix)
	}
	if run.Code != "E403" {
		return []step{{Label: strings.TrimSpace("error " + run.Code), Text: text}}
	}
	for _, s := range strings.Split(text, "; ") {
		label := ""
		if server, key, ok := strings.Cut(s, " offered "); ok {
			all = append(all, step{Label: "server", Text: server})
			label, s = "offered", key
		} else if key, ok := strings.CutPrefix(s, "expected "); ok {
			label, s = "expected", key
		} else if s == "no login was sent" {
			continue // the code's help says so
		}
		all = append(all, step{Label: label, Text: s})
	}
	return all
}

// notable are the lines about single changes and departments, with keys and the
// names of fields, and with the people where they are given.
func (p *page) notable(changes []journal.Outcome, people map[uint64]roster.Who) (items []string) {
	moved := p.movement()
	if p.d.Run.LeftOut == 0 { // else it is not known here whether they were done
		for _, o := range changes[:min(len(changes), maxNotable)] {
			what := past[o.Action]
			if !p.d.Run.Status.Applied() {
				what = intended(o.Action)
			}
			if o.Action == plan.Rename {
				what += ": " + p.withNames(o)
			}
			whose := cut(clean(called(o)), maxValue)
			if person, known := people[o.Account]; known && p.personal >= Names {
				whose = strings.Join(full(whose, who(renamed(person, o))), " ")
			}
			items = append(items, fmt.Sprintf("%s %s %s", symbols[o.Action], whose, what))
		}
		if more := p.d.Rows.Renamed + p.d.Rows.Reactivated - len(items); more > 0 && len(items) > 0 {
			items = append(items, fmt.Sprintf("… and %s renamed or reactivated", number(more)))
		}
	}
	if len(moved) > 0 {
		items = append(items, "Most movement: "+strings.Join(moved, ", "))
	}
	return items
}

// coming is what dates and terms will do by themselves (R73).
func (p *page) coming() (items []string) {
	c := p.Coming
	if c.Expire > 0 {
		items = append(items, fmt.Sprintf("%s by %s", verb(c.Expire, "account", "expires", "expire"), p.date(c.ExpireBy)))
	}
	if c.Delete > 0 {
		items = append(items, fmt.Sprintf("%s deleted (soft) by %s", verb(c.Delete, "suspended account", "is", "are"), p.date(c.DeleteBy)))
	}
	return items
}

// verb is "1 account expires", "2 accounts expire".
func verb(n int, noun, one, more string) string {
	if n == 1 {
		return many(n, noun) + " " + one
	}
	return many(n, noun) + " " + more
}

func (p *page) date(t time.Time) string { return t.In(p.zone).Format("Mon 2 Jan 2006") }

func (p *page) foot(o MailOptions) (lines []string) {
	owner := ""
	if o.Owner != "" {
		owner = " (owner: " + clean(o.Owner) + ")"
	}
	if p.d.Run.Profile != "" && len(o.To) > 0 {
		lines = append(lines, fmt.Sprintf("You get this as a report recipient of profile %s%s.", p.d.Run.Profile, owner))
	}
	made := "rollcall " + o.Version
	if o.Host != "" {
		made += " on " + o.Host
	}
	return append(lines, made+", run "+p.d.Run.ID)
}

// letterText writes a letter as text. Sentences are each in one line, which is
// folded on its way; what is indented is folded here.
func (p *page) letterText(l letter) {
	for i, s := range l.Lead {
		if i > 0 {
			p.line("")
		}
		p.line("%s", s)
	}
	for _, one := range l.Parts {
		p.part(one)
	}
	p.line("")
	p.line("-- ")
	for _, s := range l.Foot {
		p.line("%s", s)
	}
}

func (p *page) part(one part) {
	p.line("")
	if one.Title != "" {
		p.line("%s", one.Title)
	}
	for _, s := range one.Text {
		if one.Box {
			p.say("  ", "%s", s)
		} else {
			p.line("%s", s)
		}
	}
	wide := 0
	for _, f := range one.Findings {
		wide = max(wide, len(f.At))
	}
	for _, f := range one.Findings {
		p.say(fmt.Sprintf("  %s %s  ", f.Code, left(f.At, wide)), "%s", f.Text)
	}
	wide = 0
	for _, s := range one.Facts {
		wide = max(wide, len(s.Label))
	}
	for _, s := range one.Facts {
		p.say("  "+left(s.Label, wide)+"   ", "%s", s.Text)
	}
	for i, s := range one.Numbered {
		if s.Command == "" {
			p.say(fmt.Sprintf("  %d. ", i+1), "%s", s.Text)
		} else {
			p.line("  %d. %s   %s", i+1, s.Text, s.Command)
		}
	}
	if one.Ledger != nil {
		p.table(*one.Ledger)
	}
	if one.Problems != nil {
		p.complaint(*one.Problems)
	}
	for _, s := range one.Items {
		p.say("  ", "%s", s)
	}
	if len(one.Steps) > 0 {
		p.steps(one.Steps)
	}
}
