package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// steps tells a story step by step.
func steps(s *run.Story, problems []report.Group, now time.Time) []step {
	all := []step{read(s), mapped(s), correlated(s, problems), planned(s, problems, now), judged(s)}
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
	if s.Username != "" {
		t.Rules = []string{"R42"}
	}
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
		t.Text = "line " + lines[0] + " has " + of(s)
		if e := &s.Entries[0]; s.Username == "" && e.Key != s.Key {
			t.Rules = append(t.Rules, rulesOfMatch(s)...)
		}
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

// of says of the one row of a person by what it means them.
func of(s *run.Story) string {
	switch e := &s.Entries[0]; {
	case s.Username != "" || e.Key == s.Key:
		return "this " + by(s)
	case e.PreviousKey == s.Key:
		return "another key, and this one as the previous"
	case e.Key != "":
		return "another key, and this person's username as the old one"
	}
	return "no key, and this person's username"
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
			t.Text = "the row says"
		} else {
			t.More = append(t.More, fmt.Sprintf("line %d says", e.Line))
		}
		lines, rules := wording(&e)
		t.More, t.Rules = append(t.More, lines...), append(t.Rules, rules...)
		for _, p := range e.Problems {
			t.More = append(t.More, p.String())
			t.Rules = append(t.Rules, rulesOf(p.Code)...)
		}
	}
	t.Rules = unique(t.Rules)
	return t
}

// wording is what a record says, with the rules that made it what it is.
func wording(e *roster.Entry) (lines, rules []string) {
	for _, f := range roster.FeedFields() {
		switch {
		case e.Set.Has(f) && e.Values[f] == "":
			lines = append(lines, f.String()+` "": the stored value is emptied`)
			rules = append(rules, "R14")
		case e.Set.Has(f):
			lines = append(lines, f.String()+" "+strconv.Quote(e.Values[f]))
			rules = append(rules, rulesOfField(f, e)...)
		case e.HasDef.Has(f):
			lines = append(lines, f.String()+" "+strconv.Quote(e.Defaults[f])+", only for a new account (R53)")
			rules = append(rules, "R53")
		}
	}
	for _, late := range e.Late {
		name := late.Field.String()
		if late.Field == roster.CustomField {
			name = string(roster.CustomName(late.Custom))
		}
		lines = append(lines, name+": made of the final username (R31)")
		rules = append(rules, "R31")
	}
	if e.Password != "" {
		lines = append(lines, "password: one is given, which is shown nowhere (R80)")
		rules = append(rules, "R80")
	}
	for _, c := range e.Custom {
		text := string(roster.CustomName(c.Name)) + " " + strconv.Quote(c.Value)
		if c.Default {
			text += ", only for a new account (R53)"
		}
		lines = append(lines, text)
		rules = append(rules, "R27")
	}
	if e.Members != nil {
		lines = append(lines, belonging(e.Members)...)
		rules = append(rules, "R90", "R94")
	}
	if e.OldUsername != "" {
		lines = append(lines, "oldusername "+strconv.Quote(e.OldUsername)+" (R35)")
		rules = append(rules, "R35")
	}
	if e.PreviousKey != "" {
		lines = append(lines, "previous_key "+strconv.Quote(string(e.PreviousKey))+" (R46)")
		rules = append(rules, "R46")
	}
	if e.Anchor != "" {
		lines = append(lines, "anchor "+strconv.Quote(e.Anchor)+" (R47)")
		rules = append(rules, "R47")
	}
	if e.Wish != roster.WishNone {
		lines = append(lines, "asks for: "+string(e.Wish))
		rules = append(rules, "R60")
		if e.Wish == roster.WishLeave {
			rules = append(rules, "R67")
		}
	}
	if e.Outside != "" {
		lines = append(lines, "out of scope by column "+strconv.Quote(e.Outside)+" (R68)")
		rules = append(rules, "R68")
	}
	return lines, rules
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
			if w.Until != "" {
				text += ", until " + w.Until + " (R92)"
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
	has := func(codes ...string) int {
		return slices.IndexFunc(problems, func(g report.Group) bool { return slices.Contains(codes, g.Code) })
	}
	owned := a != nil && a.Link(s.Profile) != nil
	if s.Other != nil {
		who := "the " + roster.Username.String() + " is that of"
		if has("E309") >= 0 {
			who = "looks like"
		}
		t.More = append(t.More, fmt.Sprintf("%s id:%d (%s, %s)", who, s.Other.ID, s.Other.Values[roster.Username], s.Other.Values[roster.StatusField]))
	}
	switch i := has(conflicts...); {
	case !owned && i >= 0:
		t.Text, t.Rules = "with nobody: "+problems[i].Message, append([]string{"R40"}, rulesOf(problems[i].Code)...)
		return t
	case a == nil && adopted(s) != 0 && slices.ContainsFunc(s.Changes, func(c plan.Change) bool { return c.ByAnchor() }):
		t.Text, t.Rules = fmt.Sprintf("with id:%d, which the profile owns by this anchor and by another key", adopted(s)), []string{"R47", "R46"}
		return t
	case a == nil && adopted(s) != 0:
		t.Text, t.Rules = fmt.Sprintf("with id:%d, %s", adopted(s), adoptedBy(s)), rulesOfMatch(s)
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
		if has("E309") >= 0 {
			t.Rules = append(t.Rules, "R48")
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
	if lines := witnesses(s); len(lines) > 0 {
		t.More, t.Rules = append(t.More, lines...), append(t.Rules, "R45")
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

// adoptedBy says by what a record has found the account that its key does not find.
func adoptedBy(s *run.Story) string {
	switch e := s.Entries; {
	case len(e) > 0 && e[0].PreviousKey != "":
		return "found by its previous key"
	case len(e) > 0 && e[0].OldUsername != "":
		return "found by its old username"
	}
	return "found by its " + s.Options.Match.Fallback.By
}

// witnesses are both sides of each witness, where an account that is not active
// may have been somebody else's (R45).
func witnesses(s *run.Story) (lines []string) {
	if len(s.Options.Match.Witness) == 0 || s.Account.Status() == roster.Active || len(s.Entries) == 0 {
		return nil
	}
	lines = append(lines, "the account is "+string(s.Account.Status())+": the witnesses are asked (R45)")
	for _, f := range s.Options.Match.Witness {
		had, has := s.Account.Value(f), s.Entries[0].Value(f)
		verdict := "differs"
		switch {
		case had == "" || has == "":
			verdict = "says nothing"
		case roster.Fold(had) == roster.Fold(has):
			verdict = "agrees"
		}
		lines = append(lines, fmt.Sprintf("%s %s: the account has %s, the row %s", f, verdict, strconv.Quote(had), strconv.Quote(has)))
	}
	return lines
}

func planned(s *run.Story, problems []report.Group, now time.Time) step {
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
		t.Rules = append(t.Rules, rulesOfChange(s, c)...)
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
			t.More = append(t.More, "  fix: "+decision(s, g.Fix))
		}
		t.Rules = append(t.Rules, rulesOf(g.Code)...)
	}
	if t.Text == "" {
		var rules []string
		t.Text, rules = nothing(s, rejected)
		t.Rules = append(t.Rules, rules...)
	}
	for _, m := range s.Stays {
		t.More = append(t.More, m.String()+" stays, although the row no longer lists it: policy.memberships: exact would take it away")
		t.Rules = append(t.Rules, "R94")
	}
	lines, rules := ahead(s, now)
	t.More, t.Rules = append(t.More, lines...), unique(append(t.Rules, rules...))
	return t
}

// decision is a remedy with the key and the account of this very person in it.
func decision(s *run.Story, fix string) string {
	who := s.Account
	if who == nil {
		who = s.Other
	}
	if key := quoted(string(s.Key)); s.Key != "" {
		fix = strings.ReplaceAll(fix, " KEY ", " "+key+" ")
		if who != nil {
			fix = strings.ReplaceAll(fix, " ACCOUNT", fmt.Sprintf(" id:%d", who.ID))
		}
	}
	return fix
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
	skipped := skip(s)
	lookalike := slices.ContainsFunc(s.Problems, func(p roster.Problem) bool { return p.Code == "E309" })
	copies := slices.ContainsFunc(s.Problems, func(p roster.Problem) bool { return p.Code == "E106" })
	differs := slices.ContainsFunc(s.Problems, func(p roster.Problem) bool { return p.Severity != roster.SkipRow && p.Code != "E106" })
	switch {
	case rejected:
		return "nothing: the row is rejected, and the account stays as it is", []string{"R3"}
	case len(s.Entries) > 0 && !slices.ContainsFunc(s.Entries, func(e roster.Entry) bool { return e.Outside == "" }):
		return "nothing: the row is out of the profile's scope", []string{"R68"}
	case lookalike && a == nil:
		return "nothing: the row waits until a person decides whose it is", []string{"R48", "R49"}
	case len(s.Entries) > 0 && skipped != nil && !copies:
		return "nothing: the row is skipped: " + skipped.Message(), rulesOfSkip(s)
	case len(s.Entries) > 0 && differs:
		return "nothing else differs", []string{"R52"}
	case len(s.Entries) > 0:
		return "nothing: no field differs", []string{"R52"}
	case a == nil:
		return "nothing: there is neither a row nor an account", nil
	case a.Link(s.Profile) == nil:
		return "nothing: the account is not this feed's", []string{"R5"}
	case !s.Options.Full:
		return "nothing: in a delta absence means nothing", []string{"R62"}
	case a.Values[roster.StatusReason] == string(roster.NotStarted):
		return "nothing: the account waits for its start, and does not start while it is gone from the file (rescinded)", []string{"R75"}
	case a.Status() != roster.Active:
		return "nothing: the account is " + string(a.Status()) + " already", []string{"R62"}
	case a.Claimed(s.Profile):
		return "nothing: another feed still claims the account", []string{"R5"}
	case len(s.Problems) > 0:
		return "nothing for being absent: " + s.Problems[0].Message(), []string{"R62"}
	case slices.ContainsFunc(s.Findings, func(f guard.Finding) bool { return f.Code == "E513" && f.Tripped }):
		return "nothing: the key of some row cannot be read, so nobody is removed for being absent", []string{"R3"}
	case s.Options.Policy.Missing != "keep":
		return "nothing: a row that is not used bears this name or address, and counts as mentioning the person", []string{"R3"}
	}
	return "nothing: who is missing is kept (policy.missing: " + s.Options.Policy.Missing + ")", []string{"R62"}
}

// skip is the last word on a row that is skipped; nil where some row of the person
// is not: of rows that are joined (format.dedupe) one speaks for all.
func skip(s *run.Story) (why *roster.Problem) {
	lines := map[int]bool{}
	for i := range s.Problems {
		if s.Problems[i].Severity == roster.SkipRow {
			why = &s.Problems[i]
			lines[why.Line] = true
		}
	}
	if slices.ContainsFunc(s.Entries, func(e roster.Entry) bool { return !lines[e.Line] }) {
		return nil
	}
	return why
}

// ahead is what comes of the account by itself, once the plan is carried out: by its
// dates, by absence that goes on, and by the terms of a deletion.
func ahead(s *run.Story, now time.Time) (lines, rules []string) {
	after := &roster.Account{}
	if s.Account != nil {
		after.Values = s.Account.Values
	}
	for _, c := range s.Changes {
		for _, f := range c.Fields {
			if f.Field < roster.NumFields {
				after.Values[f.Field] = f.New
			}
		}
	}
	v, p := &after.Values, &s.Options.Policy
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	later := func(at string, than time.Time) bool { return at != "" && roster.StampTime(at).After(than) }
	since := roster.StampTime(v[roster.StatusSince])
	gone := roster.StampTime(v[roster.DeletedAt])
	reason := roster.Reason(v[roster.StatusReason])
	switch roster.Status(v[roster.StatusField]) {
	case roster.Active:
		if later(v[roster.ExpiresAt], now) {
			lines = append(lines, "later: suspended by its date, after "+v[roster.ExpiresOn])
			rules = append(rules, "R70", "R71")
		}
	case roster.Suspended:
		switch {
		case reason == roster.NotStarted && later(v[roster.StartsAt], now) && (s.Account == nil || len(s.Entries) > 0):
			lines = append(lines, "later: activated on "+v[roster.StartsOn])
			rules = append(rules, "R72")
		case reason == roster.Missing && p.DeleteAfter > 0 && len(s.Entries) == 0 && s.Profile == v[roster.StatusBy]:
			lines = append(lines, "later: deleted by the first run from "+day(since.Add(p.DeleteAfter))+" on, if still absent (policy.delete_after)")
			rules = append(rules, "R62")
		}
	case roster.Deleted:
		for _, term := range []struct {
			what  string
			after time.Duration
		}{{"anonymised", p.AnonymiseAfter}, {"purged", p.PurgeAfter}} {
			if term.after > 0 && !gone.IsZero() {
				lines = append(lines, "later: "+term.what+" by the sweep, from "+day(gone.Add(term.after))+" on")
				rules = append(rules, "R63")
			}
		}
	}
	return lines, rules
}

func judged(s *run.Story) step {
	t := step{Step: "judged", Text: "the whole plan of this drop passes every guardrail"}
	if guard.Holds(s.Findings) {
		t.Text = "the whole plan of this drop would be held"
	}
	for _, f := range s.Findings {
		if f.Tripped {
			t.More = append(t.More, f.Code+" "+f.Name+": "+f.Text)
			t.Rules = append(t.Rules, rulesOf(f.Code)...)
		}
	}
	t.Rules = unique(t.Rules)
	return t
}
