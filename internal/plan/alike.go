package plan

import (
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// likeness is by what two people are alike where all witnesses agree (R48); ""
// where there are no witnesses, or one of them says nothing.
func likeness(witness []roster.Name, value func(roster.Name) string) string {
	var all []string
	for _, n := range witness {
		v := value(n)
		if v == "" {
			return ""
		}
		all = append(all, roster.Fold(v))
	}
	return strings.Join(all, Between)
}

// Between stands between the values of several witnesses.
const Between = "\x1f"

// compares tells whether unmatched records are compared with the accounts there are.
func (p *planner) compares() bool {
	return p.Match.Lookalike == "warn" || p.Match.Lookalike == "wait"
}

// alike are the accounts that the person of an unmatched record has already, as
// far as the address or all witnesses tell (R48).
func (w *people) alike(e roster.Entry) []*roster.Account {
	if !w.compares() || e.Key != "" && w.decided[roster.Fold(string(e.Key))] {
		return nil
	}
	var all []*roster.Account
	if mail := e.Values[roster.Email]; mail != "" {
		for _, a := range w.byEmail[roster.Fold(mail)] {
			if w.sees(a) {
				all = append(all, a)
			}
		}
	}
	if like := likeness(w.Match.Witness, e.Value); like != "" {
		for _, a := range w.byLikeness[like] {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// likens notes whom an unmatched record looks like, where a person has to say whose
// it is: they count as mentioned.
func (w *people) likens(e roster.Entry) {
	if w.Match.Lookalike != "wait" {
		return
	}
	for _, a := range w.alike(e) {
		w.hinted.add(a.ID)
	}
}

// lookalike is the problem of a newcomer who looks like somebody that no record
// of the drop mentions; ok is false where there is nobody. Whom another record
// mentions is another person.
func (w *people) lookalike(e roster.Entry) (problem roster.Problem, ok bool) {
	for _, a := range w.alike(e) {
		if w.mentioned(a.ID) {
			continue
		}
		problem = roster.NewProblem("E309", e.Line, e.Key)
		problem.Account = a.ID
		if mail := e.Values[roster.Email]; mail != "" && roster.Fold(mail) == roster.Fold(a.Values[roster.Email]) {
			problem.Field = roster.Email.String()
		}
		return problem, true
	}
	return problem, false
}
