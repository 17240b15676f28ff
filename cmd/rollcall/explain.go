package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// explainCmd is "rollcall explain".
type explainCmd struct {
	Whom []string `arg:"" name:"[profile] key" help:"The feed's key of the person; the profile may stand before it."`
	File string   `help:"Read this drop instead of the last applied one." placeholder:"F"`
}

// Run implements the command.
func (c *explainCmd) Run(a *app) error {
	if err := a.only("explain", "json"); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	key, err := keyOf(c.Whom[len(c.Whom)-1])
	if err != nil {
		return err
	}
	switch {
	case len(c.Whom) > 2:
		return errors.New("write rollcall explain PROFILE KEY, or KEY alone; a key with blanks needs quotes")
	case len(c.Whom) == 2:
		p, err := profileOf(d.site, c.Whom[0])
		if err != nil {
			if _, swapped := profileOf(d.site, c.Whom[1]); swapped == nil {
				return fmt.Errorf("the profile comes first; did you mean rollcall explain %s %s?", c.Whom[1], c.Whom[0])
			}
			return err
		}
		s, err := d.r.Explain(d.ctx, feed(d.site, p), key, c.File)
		if err != nil {
			return err
		}
		return d.tale(key, []*run.Story{s}, true)
	case c.File != "" && len(d.site.Loaded) != 1:
		return errors.New("--file is a drop of one profile: write rollcall explain PROFILE KEY --file F")
	}
	stories, err := d.everywhere(key, c.File)
	if err != nil {
		return err
	}
	return d.tale(key, stories, false)
}

// everywhere follows a key through each profile that has a drop.
func (d *desk) everywhere(key roster.Key, file string) ([]*run.Story, error) {
	var all []*run.Story
	for _, p := range d.site.Loaded {
		s, err := d.r.Explain(d.ctx, feed(d.site, p), key, file)
		var refused *roster.Refusal
		switch {
		case errors.As(err, &refused) && refused.Code == "E405":
			continue // it has read nothing yet
		case err != nil:
			return nil, fmt.Errorf("profile %s: %w", p.Name, err)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errors.New("no profile has applied a drop yet; name one: rollcall explain PROFILE KEY --file F")
	}
	return all, nil
}

// A step is one step of a person's way, with the rules that decided it.
type step struct {
	Step  string   `json:"step"` // read, mapped, correlated, planned, judged
	Text  string   `json:"text"`
	More  []string `json:"details"`
	Rules []string `json:"rules"`
}

// tale tells stories: one as an object, several as a list.
func (d *desk) tale(key roster.Key, stories []*run.Story, one bool) error {
	type told struct {
		Profile  string          `json:"profile"`
		Key      roster.Key      `json:"key"`      // that was followed; "" where the person has none
		Username string          `json:"username"` // that was followed in place of a key; else ""
		Account  uint64          `json:"account"`  // 0 where there is none
		Input    string          `json:"input"`
		Run      int64           `json:"run"`        // the newest with this drop; 0 where none has had it
		Status   journal.Status  `json:"run_status"` // "" for none
		Waiting  int64           `json:"held"`       // the held run that would change this person; 0 for none
		Hint     string          `json:"hint"`       // what was probably meant; "" where the key is known
		Steps    []step          `json:"steps"`
		Changes  []report.Change `json:"changes"`
		Problems []report.Group  `json:"problems"`
	}
	var all []told
	for _, s := range stories {
		t := told{Profile: s.Profile, Key: s.Key, Username: s.Username, Input: s.Input.Name, Changes: []report.Change{}}
		if s.Account != nil {
			t.Account = s.Account.ID
		}
		var err error
		if t.Run, t.Status, err = d.readBy(s); err != nil {
			return err
		}
		if t.Waiting, err = d.waiting(s); err != nil {
			return err
		}
		if t.Hint, err = d.hint(s, key); err != nil {
			return err
		}
		for _, c := range s.Changes {
			t.Changes = append(t.Changes, report.Shown(journal.Outcome{Change: c}))
		}
		doc, err := report.Build(&journal.Run{Profile: s.Profile}, func(yield func(roster.Problem, error) bool) {
			for _, p := range s.Problems {
				if !yield(p, nil) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		t.Problems = doc.Problems
		t.Steps = steps(s, doc.Problems)
		all = append(all, t)
	}
	switch {
	case d.Output == "json" && one:
		return d.object(all[0])
	case d.Output == "json":
		return d.array(func(yield func(any, error) bool) {
			for _, t := range all {
				if !yield(t, nil) {
					return
				}
			}
		})
	}
	for i, t := range all {
		if i > 0 {
			fmt.Fprintln(d.stdout)
		}
		who := "Key " + clean(string(t.Key))
		if t.Username != "" {
			who = "Username " + clean(t.Username)
		}
		fmt.Fprintf(d.stdout, "%s in %s, by the drop %s%s\n", who, t.Profile, clean(t.Input), ofRun(t.Run, t.Status))
		if t.Hint != "" {
			fmt.Fprintln(d.stdout, clean(t.Hint))
		}
		for n, s := range t.Steps {
			rules := ""
			if len(s.Rules) > 0 {
				rules = "  [" + strings.Join(s.Rules, " ") + "]"
			}
			fmt.Fprintf(d.stdout, "%d. %-11s %s%s\n", n+1, s.Step, clean(s.Text), rules)
			for _, line := range s.More {
				fmt.Fprintf(d.stdout, "               %s\n", clean(line))
			}
		}
		if t.Waiting > 0 {
			fmt.Fprintf(d.stdout, "Run %[1]d is held and would change this person: rollcall runs show %[1]d\n", t.Waiting)
		}
	}
	return nil
}

// steps tells a story step by step.
func steps(s *run.Story, problems []report.Group) []step {
	all := []step{read(s), mapped(s), correlated(s, problems), planned(s, problems), judged(s)}
	for i := range all {
		if all[i].More == nil {
			all[i].More = []string{}
		}
		if all[i].Rules == nil {
			all[i].Rules = []string{}
		}
	}
	return all
}

func read(s *run.Story) step {
	t := step{Step: "read", Rules: []string{"R40"}}
	var lines []string
	for _, e := range s.Entries {
		lines = append(lines, strconv.Itoa(e.Line))
	}
	in := s.Input
	how := strings.Join(slices.DeleteFunc([]string{in.Format, in.Encoding, in.Content}, func(x string) bool { return x == "" }), ", ")
	switch len(lines) {
	case 0:
		t.Text = "no row has this " + by(s)
	case 1:
		t.Text = "line " + lines[0] + " has this " + by(s)
	default:
		t.Text = "lines " + names(lines) + " have this " + by(s)
		t.Rules = append(t.Rules, "R41")
	}
	t.Text += " (" + how + ")"
	if how := report.Read(in.Reading); how != "" {
		t.More = append(t.More, "read of the directory: "+how)
	}
	return t
}

// by is what a person is followed by.
func by(s *run.Story) string {
	if s.Username != "" {
		return "username"
	}
	return "key"
}

func mapped(s *run.Story) step {
	t := step{Step: "mapped", Text: "nothing: there is no row"}
	for i, e := range s.Entries {
		if i == 0 {
			t.Text, t.Rules = "the row says", []string{"R20", "R21", "R30"}
		} else {
			t.More = append(t.More, fmt.Sprintf("line %d says", e.Line))
		}
		for _, f := range roster.FeedFields() {
			switch {
			case e.Set.Has(f):
				t.More = append(t.More, f.String()+" "+strconv.Quote(e.Values[f]))
			case e.HasDef.Has(f):
				t.More = append(t.More, f.String()+" "+strconv.Quote(e.Defaults[f])+", only for a new account (R53)")
			}
		}
		if e.Password != "" {
			t.More = append(t.More, "password: one is given, which is shown nowhere (R80)")
		}
		for _, c := range e.Custom {
			text := string(roster.CustomName(c.Name)) + " " + strconv.Quote(c.Value)
			if c.Default {
				text += ", only for a new account (R53)"
			}
			t.More = append(t.More, text)
			t.Rules = append(t.Rules, "R27")
		}
		if e.Members != nil {
			t.More = append(t.More, belonging(e.Members)...)
			t.Rules = append(t.Rules, "R94")
		}
		if e.OldUsername != "" {
			t.More = append(t.More, "oldusername "+strconv.Quote(e.OldUsername)+" (R35)")
		}
		if e.PreviousKey != "" {
			t.More = append(t.More, "previous_key "+strconv.Quote(string(e.PreviousKey))+" (R46)")
		}
		if e.Anchor != "" {
			t.More = append(t.More, "anchor "+strconv.Quote(e.Anchor)+" (R47)")
		}
		if e.Wish != roster.WishNone {
			t.More = append(t.More, "asks for: "+string(e.Wish))
			t.Rules = append(t.Rules, "R60")
		}
		if e.Outside != "" {
			t.More = append(t.More, "out of scope by column "+strconv.Quote(e.Outside)+" (R68)")
			t.Rules = append(t.Rules, "R68")
		}
		for _, p := range e.Problems {
			t.More = append(t.More, p.String())
			t.Rules = append(t.Rules, rulesOf(p.Code)...)
		}
	}
	t.Rules = unique(t.Rules)
	return t
}

// belonging is what a record says of memberships, kind by kind.
func belonging(m *roster.Members) (lines []string) {
	for _, kind := range m.Kinds {
		listed := false
		for _, w := range m.List {
			if w.Kind != kind {
				continue
			}
			listed = true
			text := "member of " + w.String()
			switch {
			case w.Take:
				text = "no longer member of " + w.String() + " (R93)"
			case w.Only:
				text += ", which cannot be granted; what is there stays"
			}
			if w.From != "" {
				text += ", from " + w.From
			}
			if w.Days > 0 {
				text += fmt.Sprintf(", for %s (R92)", plural(w.Days, "day"))
			}
			if w.Status == "1" {
				text += ", suspended"
			}
			lines = append(lines, text)
		}
		switch {
		case slices.Contains(m.Unsure, kind):
			lines = append(lines, "not everything of "+string(kind)+" could be read: nothing of it is taken away")
		case !listed:
			lines = append(lines, "member of no "+string(kind))
		}
	}
	return lines
}

func correlated(s *run.Story, problems []report.Group) step {
	t := step{Step: "correlated"}
	a := s.Account
	conflict := slices.IndexFunc(problems, func(g report.Group) bool { return slices.Contains(conflicts, g.Code) })
	switch {
	case a == nil && conflict >= 0:
		t.Text, t.Rules = "with nobody: "+problems[conflict].Message, append([]string{"R40"}, rulesOf(problems[conflict].Code)...)
		return t
	case a == nil && adopted(s) != 0 && slices.ContainsFunc(s.Changes, func(c plan.Change) bool { return c.ByAnchor() }):
		t.Text, t.Rules = fmt.Sprintf("with id:%d, which the profile owns by this anchor and by another key", adopted(s)), []string{"R47", "R46"}
		return t
	case a == nil && adopted(s) != 0:
		t.Text, t.Rules = fmt.Sprintf("with id:%d, found by its %s", adopted(s), s.Options.Match.Fallback.By), []string{"R42"}
		return t
	case a == nil && len(s.Entries) == 0:
		t.Text, t.Rules = "with nobody: no account has this "+by(s), []string{"R40"}
		return t
	case a == nil:
		t.Text, t.Rules = "with nobody: no account is known by this "+by(s), []string{"R40", "R43"}
		if s.Options.Match.Fallback.By != "" && s.Username == "" {
			t.Text += ", nor does one fit by " + s.Options.Match.Fallback.By
			t.Rules = append(t.Rules, "R42")
		}
		return t
	}
	who := fmt.Sprintf("id:%d (%s, %s)", a.ID, a.Values[roster.Username], a.Values[roster.StatusField])
	link := a.Link(s.Profile)
	switch {
	case link == nil && s.Username != "":
		t.Text, t.Rules = "with "+who+", whose username this is; the profile does not own it", []string{"R42"}
	case link == nil:
		t.Text, t.Rules = "with "+who+", whose "+s.Options.Match.Name()+" is this key; the profile does not own it", []string{"R40"}
	case link.Decided:
		t.Text, t.Rules = "with "+who+": a person has linked this "+by(s), []string{"R49"}
	case s.Username != "":
		t.Text, t.Rules = "with "+who+", which the profile owns by this username: there is no key for it", []string{"R42"}
	default:
		t.Text, t.Rules = "with "+who+", which the profile owns by this key", []string{"R40"}
	}
	if len(s.Options.Match.Witness) > 0 && a.Status() != roster.Active {
		t.More = append(t.More, "the account is "+string(a.Status())+": the witnesses are asked (R45)")
		t.Rules = append(t.Rules, "R45")
	}
	for _, l := range a.Links {
		if l.Profile == s.Profile {
			t.More = append(t.More, "this feed has last said: "+string(l.Claim))
			continue
		}
		t.More = append(t.More, fmt.Sprintf("%s says: %s (R5)", l.Profile, l.Claim))
	}
	if because := why(&a.Values); because != "" {
		t.More = append(t.More, a.Values[roster.StatusField]+": "+because+" (R61)")
	}
	return t
}

// conflicts are the codes of a record that fits an account, and may not have it.
var conflicts = []string{"E301", "E302", "E306"}

// adopted is the account that a change is about where the key finds none; 0 for none.
func adopted(s *run.Story) uint64 {
	for _, c := range s.Changes {
		if c.Account != 0 {
			return c.Account
		}
	}
	return 0
}

func planned(s *run.Story, problems []report.Group) step {
	t := step{Step: "planned"}
	for i, c := range s.Changes {
		text := string(c.Action)
		if c.Reason != "" {
			text += ": " + c.Reason
		}
		if c.Action == plan.Claim {
			text = claimed(s, c)
		}
		if i == 0 {
			t.Text = text
		} else {
			t.More = append(t.More, text)
		}
		t.Rules = append(t.Rules, rulesOfChange(c)...)
		shown := report.Shown(journal.Outcome{Change: c})
		for _, f := range shown.Fields {
			t.More = append(t.More, fmt.Sprintf("%s %s → %s", f.Name, report.Said(f.Name, f.Old), report.Said(f.Name, f.New)))
		}
		for _, m := range shown.Memberships.Added {
			t.More = append(t.More, "+"+m)
		}
		for _, m := range shown.Memberships.Removed {
			t.More = append(t.More, "-"+m)
		}
		if len(c.Memberships) > 0 {
			t.Rules = append(t.Rules, "R94")
		}
	}
	rejected := false
	for _, g := range problems {
		rejected = rejected || g.Severity == roster.SeverityError
		where := g.Field
		if g.Column != "" {
			where = "column " + g.Column
		}
		if where != "" {
			where += ": "
		}
		t.More = append(t.More, strings.TrimSpace(g.Code+" "+where+g.Message))
		if g.Fix != "" {
			t.More = append(t.More, "  fix: "+g.Fix)
		}
		t.Rules = append(t.Rules, rulesOf(g.Code)...)
	}
	if t.Text == "" {
		var rules []string
		t.Text, rules = nothing(s, rejected)
		t.Rules = append(t.Rules, rules...)
	}
	t.Rules = unique(t.Rules)
	return t
}

// claimed tells of a change that only the feed's own claim sees.
func claimed(s *run.Story, c plan.Change) string {
	text := "nothing for the account"
	for _, l := range c.Links {
		if l.Profile == s.Profile && l.New != "" {
			if l.New != l.Old {
				text += "; this feed now says: " + string(l.New)
			}
			if l.NewAnchor != l.OldAnchor {
				text += "; the anchor is kept beside the key (R47)"
			}
		}
	}
	if s.Account != nil && s.Account.Claimed(s.Profile) {
		text += "; another feed still claims it"
	}
	return text
}

// nothing says why a person is left as they are.
func nothing(s *run.Story, rejected bool) (string, []string) {
	a := s.Account
	switch {
	case rejected:
		return "nothing: the row is rejected, and the account stays as it is", []string{"R3"}
	case len(s.Entries) > 0 && !slices.ContainsFunc(s.Entries, func(e roster.Entry) bool { return e.Outside == "" }):
		return "nothing: the row is out of the profile's scope", []string{"R68"}
	case len(s.Entries) > 0:
		return "nothing: no field differs", []string{"R52"}
	case a == nil:
		return "nothing: there is neither a row nor an account", nil
	case a.Link(s.Profile) == nil:
		return "nothing: the account is not this feed's", []string{"R5"}
	case !s.Options.Full:
		return "nothing: in a delta absence means nothing", []string{"R62"}
	case a.Status() != roster.Active:
		return "nothing: the account is " + string(a.Status()) + " already", []string{"R62"}
	case a.Claimed(s.Profile):
		return "nothing: another feed still claims the account", []string{"R5"}
	}
	return "nothing: who is missing is kept (policy.missing: " + s.Options.Policy.Missing + ")", []string{"R62"}
}

func judged(s *run.Story) step {
	t := step{Step: "judged", Text: "the whole plan of this drop passes every guardrail"}
	if guard.Holds(s.Findings) {
		t.Text = "the whole plan of this drop would be held"
	}
	for _, f := range s.Findings {
		if f.Tripped {
			t.More = append(t.More, f.Code+" "+f.Name+": "+f.Text)
		}
	}
	return t
}

// rulesOfChange are the rules by which an action is planned.
func rulesOfChange(c plan.Change) []string {
	switch {
	case c.ByDate:
		return []string{"R70", "R71", "R72"}
	case c.Absent:
		return []string{"R62", "R5"}
	}
	if c.ByAnchor() {
		return []string{"R46", "R47"}
	}
	switch c.Action {
	case plan.Claim:
		return []string{"R5"}
	case plan.Add:
		return []string{"R43", "R50", "R53"}
	case plan.Rename:
		return []string{"R34", "R36"}
	case plan.Suspend, plan.Reactivate:
		return []string{"R60", "R61"}
	case plan.Delete:
		return []string{"R60", "R63", "R65"}
	}
	return []string{"R51", "R54"}
}

var rule = regexp.MustCompile(`R\d+`)

// rulesOf are the rules that a code's help page names.
func rulesOf(code string) []string {
	return rule.FindAllString(roster.Codes[code].Help, -1)
}

// unique is list without what has been said.
func unique(list []string) []string {
	var all []string
	for _, x := range list {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}
