package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/journal"
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
		return d.tale([]*run.Story{s}, true)
	case c.File != "" && len(d.site.Loaded) != 1:
		return errors.New("--file is a drop of one profile: write rollcall explain PROFILE KEY --file F")
	}
	stories, silent, err := d.everywhere(key, c.File)
	if err != nil {
		return err
	}
	if err := d.tale(stories, false); err != nil || len(silent) == 0 || d.Output == "json" {
		return err
	}
	_, err = fmt.Fprintf(d.stdout, "\nNo word of this person in %s.\n", names(silent))
	return err
}

// everywhere follows a person through each profile that has read a drop: by the key
// that was typed, and by the one under which a profile links the account that others
// have found by it. silent are the profiles that have no word of them; where all
// are, the stories say so.
func (d *desk) everywhere(key roster.Key, file string) (stories []*run.Story, silent []string, err error) {
	var all []*run.Story
	people := map[uint64]*roster.Account{}
	for _, p := range d.site.Loaded {
		s, err := d.r.Explain(d.ctx, feed(d.site, p), key, file)
		switch {
		case noDrop(err):
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("profile %s: %w", p.Name, err)
		}
		all = append(all, s)
		if s.Account != nil && s.Concerned() {
			people[s.Account.ID] = s.Account
		}
	}
	if len(all) == 0 {
		return nil, nil, errors.New("no profile has applied a drop yet; name one: rollcall explain PROFILE KEY --file F")
	}
	for _, s := range all {
		known := s.Concerned()
		if known {
			stories = append(stories, s)
		}
		for _, id := range slices.Sorted(maps.Keys(people)) {
			l := people[id].Link(s.Profile)
			if l == nil || l.Key == "" || l.Key == s.Key {
				continue
			}
			p, err := profileOf(d.site, s.Profile)
			if err != nil {
				return nil, nil, err
			}
			other, err := d.r.Explain(d.ctx, feed(d.site, p), l.Key, file)
			if err != nil {
				return nil, nil, fmt.Errorf("profile %s: %w", s.Profile, err)
			}
			stories, known = append(stories, other), true
		}
		if !known {
			silent = append(silent, s.Profile)
		}
	}
	if len(stories) == 0 {
		return all, nil, nil
	}
	return stories, silent, nil
}

// noDrop tells that a profile has read nothing yet.
func noDrop(err error) bool {
	var refused *roster.Refusal
	return errors.As(err, &refused) && refused.Code == "E405"
}

// A step is one step of a person's way, with the rules that decided it.
type step struct {
	Step  string   `json:"step"` // read, mapped, correlated, planned, judged
	Text  string   `json:"text"`
	More  []string `json:"details"`
	Rules []string `json:"rules"`
}

// tale tells stories: one as an object, several as a list.
func (d *desk) tale(stories []*run.Story, one bool) error {
	type told struct {
		Profile  string          `json:"profile"`
		Key      roster.Key      `json:"key"`      // that was followed; "" where the person has none
		Username string          `json:"username"` // that was followed in place of a key; else ""
		Account  uint64          `json:"account"`  // 0 where there is none
		Input    string          `json:"input"`
		Run      int64           `json:"run"`         // the newest with this drop; 0 where none has had it
		Status   journal.Status  `json:"run_status"`  // "" for none
		Waiting  int64           `json:"held"`        // the held run that would change this person; 0 for none
		Would    *report.Change  `json:"held_change"` // what it would do; nil for nothing
		Hint     string          `json:"hint"`        // what was probably meant; "" where the key is known
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
		if t.Waiting, t.Would, err = d.waiting(s); err != nil {
			return err
		}
		if t.Hint, err = d.hint(s); err != nil {
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
		t.Steps = steps(s, doc.Problems, d.r.Now())
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
			fmt.Fprintf(d.stdout, "Run %[1]d is held and would %[2]s this person (%[3]s): rollcall runs show %[1]d\n", t.Waiting, t.Would.Action, clean(t.Would.Reason))
		}
	}
	return nil
}
