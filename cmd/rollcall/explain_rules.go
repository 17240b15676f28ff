package main

import (
	"regexp"
	"slices"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// rulesOfField are the rules that brought a record's value into its form.
func rulesOfField(f roster.Field, e *roster.Entry) []string {
	switch f {
	case roster.Username:
		rules := []string{"R30"}
		if e.Template {
			rules = []string{"R31", "R32"}
		}
		if e.Number {
			rules = append(rules, "R33")
		}
		return rules
	case roster.Email:
		return []string{"R22"}
	case roster.StartsOn, roster.ExpiresOn, roster.LastLoginAt:
		return []string{"R23"}
	case roster.Country:
		return []string{"R20"}
	case roster.Auth:
		return []string{"R24"}
	case roster.Language, roster.Timezone:
		return []string{"R25"}
	case roster.Site:
		return []string{"R44"}
	case roster.Theme:
		return []string{"R96"}
	case roster.EmployeeID:
		return nil // reading has told of it
	}
	return []string{"R11"}
}

// rulesOfMatch are the rules by which a record has found an account that its key
// does not find.
func rulesOfMatch(s *run.Story) []string {
	switch e := s.Entries; {
	case len(e) > 0 && e[0].PreviousKey != "":
		return []string{"R46"}
	case len(e) > 0 && e[0].OldUsername != "":
		return []string{"R35"}
	}
	return []string{"R42"}
}

// rulesOfSkip are the rules by which a valid row is left out.
func rulesOfSkip(s *run.Story) []string {
	switch p := s.Options.Policy; {
	case len(s.Entries) > 0 && s.Entries[0].Wish == roster.WishDelete && !p.Delete && s.Account != nil && p.Upload != "add" && p.Upload != "add_all":
		return []string{"R65"}
	case s.Account == nil && p.CreateBefore > 0 && p.Upload != "update" && len(s.Entries) > 0 && s.Entries[0].Wish != roster.WishLeaver:
		return []string{"R72"}
	}
	return []string{"R50"}
}

// rulesOfChange are the rules by which a change is planned.
func rulesOfChange(s *run.Story, c plan.Change) []string {
	var rules []string
	add := func(more ...string) { rules = append(rules, more...) }
	switch c.Action {
	case plan.Claim:
		add("R5")
		if c.Absent {
			rules = []string{"R62", "R5"}
		}
	case plan.Add:
		add("R43", "R50")
	case plan.Rename:
		add("R34")
	case plan.Update:
	default:
		add(rulesOfState(c)...)
	}
	if c.Action == plan.Add && c.Field(roster.StatusReason) != nil {
		add(rulesOfState(c)...)
	}
	for _, l := range c.Links {
		switch {
		case l.Profile != s.Profile || c.Action == plan.Add || c.Action == plan.Claim:
		case c.ByAnchor():
			add("R46", "R47")
		case l.Old == "" && s.Account == nil:
			add(rulesOfMatch(s)...)
		case l.Old == "":
			add("R5")
		case l.OldKey != l.NewKey:
			add("R46")
		}
	}
	for _, f := range c.Fields {
		switch {
		case f.Is == roster.OriginDefault:
			add("R53")
		case c.Action == plan.Add:
		case f.Field == roster.CustomField:
			add("R27", "R51", "R54")
		case f.Fed() && f.Field != roster.EmployeeID && f.Field != roster.Username:
			add("R51", "R54")
		}
		switch f.Field {
		case roster.PasswordField:
			add("R80")
			if c.Action != plan.Add {
				add("R84")
			}
		case roster.FallbackOwner:
			add("R63")
		}
	}
	if len(c.Memberships) > 0 {
		add("R94")
	}
	return unique(rules)
}

// rulesOfState are the rules by which an account's status moves: by why it has the
// new one, or had the old.
func rulesOfState(c plan.Change) []string {
	if c.ByDate {
		return []string{"R70", "R71", "R72"}
	}
	because := ""
	if f := c.Field(roster.StatusReason); f != nil {
		because = f.New
		if because == "" {
			because = f.Old
		}
	}
	var rules []string
	switch roster.Reason(because) {
	case roster.Missing:
		rules = []string{"R62", "R5"}
	case roster.GraceOver:
		rules = []string{"R62", "R63", "R65"}
	case roster.FeedDelete:
		rules = []string{"R60", "R63", "R65"}
	case roster.Expired:
		rules = []string{"R70", "R71"}
	case roster.NotStarted:
		rules = []string{"R72"}
	case roster.OnLeave:
		rules = []string{"R67"}
	case roster.OutOfScope:
		rules = []string{"R68"}
	default:
		rules = []string{"R60"}
	}
	switch c.Action {
	case plan.Reactivate:
		rules = append(rules, "R61")
	case plan.Delete:
		rules = append(rules, "R63")
	}
	return rules
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
