package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// How much of a run its page shows. The page of the largest run stays below 2 MB,
// which a telephone opens.
const (
	maxPageChanges = 1000
	maxPageText    = 400_000 // characters of keys, names and values
	maxPageValue   = 200     // characters of one of them
	maxPageFields  = 40      // of one change
)

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

var pageOfRun = template.Must(template.New("page").Funcs(helpers).Parse(pageTemplate))

// PageOptions are what a page tells beside its run.
type PageOptions struct {
	Options
	Owner   string // of the profile; may be ""
	Version string // of rollcall
	Host    string // on which it runs
}

// HTML writes reports/RUN.html: the mail, with every kind of problem, the first
// thousand changes, the guardrails and what is known of the drop. It is one file
// that asks for nothing else, and holds no script. Unlike the mail it shows names
// and values, as results.csv beside it does: it is for whoever may read the drop.
func HTML(w io.Writer, d *Doc, changes Changes, o PageOptions) error {
	p := newPage(io.Discard, d, o.Options)
	p.personal, p.examples = Values, maxExamples // all that was kept
	shown, err := p.pageChanges(changes)
	if err != nil {
		return err
	}
	l := p.letter(MailOptions{Options: o.Options, Owner: o.Owner, Version: o.Version, Host: o.Host}, maxGroups)
	sum := sha256.Sum256([]byte(pageStyle))
	data := struct {
		letter
		When, Policy              string
		Style                     template.CSS
		Links, Parts, After, Last []mailPart
		Changes                   *pageChanges
		Guards                    []pageGuard
	}{
		letter: l, When: p.moment(d.Run.Started.Time), Style: template.CSS(pageStyle), Changes: shown, Guards: p.pageGuards(),
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	}
	for _, one := range l.Parts {
		into := &data.Parts
		if one.ID == "coming" || one.ID == "next" {
			into = &data.Last
		}
		*into = append(*into, mailPart{part: one})
	}
	for _, one := range []part{p.pageDepartments(), p.pageFieldCounts(), p.pageInput(), p.pageSteps()} {
		if len(one.Facts) > 0 || one.Ledger != nil {
			data.After = append(data.After, mailPart{part: one})
		}
	}
	link := func(id, title string, there bool) {
		if there {
			data.Links = append(data.Links, mailPart{part: part{ID: id, Title: title}})
		}
	}
	link("counts", "Counts", d.facts.Changes()+d.Rows.Read > 0)
	link("problems", "Problems", len(d.Problems) > 0)
	link("changes", "Changes", shown != nil)
	link("input", "Input", d.Input.Name != "")
	link("guardrails", "Guardrails", len(data.Guards) > 0)

	var b bytes.Buffer
	if err := pageOfRun.ExecuteTemplate(&b, "page", data); err != nil {
		return fmt.Errorf("page of run %d: %w", d.Run.Number, err)
	}
	_, err = b.WriteTo(w)
	return err
}

// pageChanges are the changes as a page shows them.
type pageChanges struct {
	Title   string
	Did     string // heads what each change does, or would do
	Rows    []pageChange
	More    string
	Command string
}

type pageChange struct {
	Mark, Key, Username, What string
	Fields                    []pageField
}

type pageField struct {
	Name, Old, New string
	Change         bool // there was a value before
}

// pageChanges reads the first changes, and no more of them than are shown.
func (p *page) pageChanges(changes Changes) (*pageChanges, error) {
	if changes == nil || !p.planned() {
		return nil, nil
	}
	all := p.all()
	c := &pageChanges{Title: "Changes (" + number(all) + ")", Did: "what was done", Command: "rollcall runs changes " + strconv.FormatInt(p.d.Run.Number, 10)}
	if !p.d.Run.Status.Applied() {
		c.Did = "what would be done"
	}
	size := 0
	count := func(s string) string {
		s = clean(cut(s, maxPageValue))
		size += utf8.RuneCountInString(s)
		return s
	}
	for o, err := range changes {
		if err != nil {
			return nil, fmt.Errorf("read the changes of run %d: %w", p.d.Run.Number, err)
		}
		if o.Action == plan.Claim {
			continue
		}
		row := pageChange{Mark: symbols[o.Action], Key: count(called(o)), Username: count(username(o))}
		what := became(o)
		if o.Reason != "" {
			what += ": " + o.Reason
		}
		if o.Line > 0 {
			what += fmt.Sprintf(" (line %d)", o.Line)
		}
		row.What = count(strings.Join(append(append([]string{what}, p.tied(o)...), leftOut(o)...), " · "))
		fields := telling(o)
		if o.Action == plan.Add {
			fields = visible(o.Fields)
		}
		for _, f := range fields[:min(len(fields), maxPageFields)] {
			row.Fields = append(row.Fields, pageField{Name: f.Name, Old: orEmpty(count(f.Old)), New: orEmpty(count(f.New)), Change: o.Action != plan.Add})
		}
		c.Rows = append(c.Rows, row)
		if len(c.Rows) == maxPageChanges || size > maxPageText {
			break
		}
	}
	if len(c.Rows) == 0 {
		return nil, nil
	}
	if more := all - len(c.Rows); more > 0 {
		c.More = fmt.Sprintf("… %s more:", number(more))
	}
	return c, nil
}

// orEmpty shows that there is nothing where there is nothing.
func orEmpty(s string) string { return cmp.Or(s, "(empty)") }

// A pageGuard is one guardrail, and how near the plan came to it.
type pageGuard struct {
	Words                       []string // of the name, which breaks between them
	Value, Limit, Verdict, Text string
	Is, Raw, Max                int  // of a bar; Max is zero where none is drawn
	Least                       bool // the limit is the least, not the most
}

func (p *page) pageGuards() (all []pageGuard) {
	for _, f := range p.d.Guardrails {
		g := pageGuard{Words: strings.Split(f.Name, "_"), Value: number(f.Value), Limit: number(f.Limit), Verdict: "✓ ok", Is: f.Value, Raw: f.Limit, Least: f.Name == "min_rows"}
		if f.Limit > 0 {
			g.Max = max(f.Value, f.Limit)
		}
		if f.Tripped {
			g.Verdict, g.Text = "✕ tripped", strings.TrimSpace(f.Code+" "+clean(f.Text))
		}
		all = append(all, g)
	}
	return all
}

// maxPageRows is how many departments and fields a page counts.
const maxPageRows = 20

// pageDepartments is where the movement is.
func (p *page) pageDepartments() part {
	all := p.departments()
	if len(all) == 0 || !p.planned() {
		return part{}
	}
	l := ledger{Title: "By department", Columns: []string{"added", "changed", "removed"}}
	row := func(name string, m plan.Movement) {
		l.Rows = append(l.Rows, ledgerRow{Name: name, Numbers: []string{number(m.Added), number(m.Changed), number(m.Removed)}})
	}
	for _, m := range all[:min(len(all), maxPageRows)] {
		row(cut(cmp.Or(m.name, "(none)"), maxName), m.Movement)
	}
	if len(all) > maxPageRows {
		var rest plan.Movement
		for _, m := range all[maxPageRows:] {
			rest.Added, rest.Changed, rest.Removed = rest.Added+m.Added, rest.Changed+m.Changed, rest.Removed+m.Removed
		}
		row(many(len(all)-maxPageRows, "other"), rest)
	}
	return part{Title: l.Title, Ledger: &l}
}

// pageFieldCounts is for how many accounts each field changes.
func (p *page) pageFieldCounts() part {
	counts := p.d.facts.FieldChanges
	if len(counts) == 0 || !p.planned() {
		return part{}
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	l := ledger{Title: "By field", Columns: []string{"accounts"}}
	for _, name := range names[:min(len(names), maxPageRows)] {
		l.Rows = append(l.Rows, ledgerRow{Name: cut(clean(name), maxName), Numbers: []string{number(counts[name])}})
	}
	return part{Title: l.Title, Ledger: &l}
}

// pageInput is what is known of the drop.
func (p *page) pageInput() part {
	in := p.d.Input
	input := part{ID: "input", Title: "Input"}
	add := func(label, text string) {
		if text != "" {
			input.Facts = append(input.Facts, step{Label: label, Text: cut(clean(text), maxPageValue)})
		}
	}
	if in.Name == "" {
		return input
	}
	add("file", in.Name)
	add("from", in.Source)
	add("size", number(int(in.Size))+" bytes")
	if !in.Modified.IsZero() {
		add("modified", p.moment(in.Modified.Time))
	}
	add("SHA-256", in.SHA256)
	add("signed by", in.SignedBy)
	add("format", strings.Join(full(in.Format, in.Content), ", "))
	add("read of the directory", Read(in.Reading))
	add("encoding", in.Encoding)
	if in.Delimiter != "" {
		add("delimiter", strconv.Quote(in.Delimiter))
	}
	return input
}

func full(texts ...string) (all []string) {
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return all
}

// pageSteps is how the run went.
func (p *page) pageSteps() part {
	run, t := p.d.Run, p.d.Timing
	steps := part{ID: "steps", Title: "Steps"}
	add := func(label, text string) {
		if text != "" {
			steps.Facts = append(steps.Facts, step{Label: label, Text: text})
		}
	}
	add("started", p.moment(run.Started.Time)+", "+clean(run.Trigger))
	for _, s := range []struct {
		what string
		ms   int64
	}{{"fetch", t.Fetch}, {"read", t.Read}, {"plan", t.Plan}, {"apply", t.Apply}} {
		if s.ms > 0 {
			add(s.what, took(millis(s.ms)))
		}
	}
	if !run.Finished.IsZero() {
		add("finished", p.moment(run.Finished.Time))
	}
	if run.DecidedBy != "" || run.Decision != "" {
		add("decided", strings.TrimSpace(clean(run.DecidedBy)+": "+clean(run.Decision)))
	}
	add("plan", clean(run.PlanDigest))
	if run.AppliedSeq > 0 {
		add("journal", "applied as number "+strconv.FormatInt(run.AppliedSeq, 10))
	}
	add("exit code", strconv.Itoa(run.ExitCode))
	if run.Status == journal.Running {
		return part{}
	}
	return steps
}
