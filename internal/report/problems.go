package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// What a report holds of problems; problems.csv has them all.
const (
	maxGroups   = 200
	maxExamples = 10
)

// A Group is problems of one cause.
type Group struct {
	Code     string          `json:"code"` // "" for a note without one
	Severity roster.Severity `json:"severity"`
	Field    string          `json:"field"`
	Column   string          `json:"column"`
	Count    int             `json:"count"`
	New      int             `json:"new"`   // of Count: not seen in the run before
	Since    Instant         `json:"since"` // when the oldest of them was first seen; null where all are new
	Message  string          `json:"message"`
	Fix      string          `json:"fix"`
	Examples []Example       `json:"examples"`
	Rejected bool            `json:"rejected,omitempty"` // warnings of rows that an error rejects: nothing of them was applied
}

// An Example says where, and of a run whose profile asks for it whose row it is
// and what was wrong.
type Example struct {
	Line     int        `json:"line"` // 0: no row's
	Key      roster.Key `json:"key"`
	Account  uint64     `json:"account,omitempty"` // who has no key and no name that is told
	Username string     `json:"username,omitempty"`
	Name     string     `json:"name,omitempty"`
	Value    string     `json:"value,omitempty"` // [roster.Withheld] where nobody may read it here
}

// cause is what the problems of a group have in common.
type cause struct {
	code, field, column, message string
	severity                     roster.Severity
	rejected                     bool
}

type groups struct {
	profile string
	by      map[cause]*Group
	rest    *Group // where there are more causes than groups

	row    []roster.Problem // those of the row that is being read
	broken bool             // an error is among them
}

// add takes in the next problem. Those of one row stand together.
func (g *groups) add(p roster.Problem) {
	if n := len(g.row); n > 0 && (p.Line == 0 || p.Line != g.row[n-1].Line || p.Key != g.row[n-1].Key) {
		g.end()
	}
	g.row = append(g.row, p)
	g.broken = g.broken || p.Severity == roster.SeverityError
}

// end ends a row: only now is known whether it is rejected.
func (g *groups) end() {
	for _, p := range g.row {
		g.enter(p, g.broken && p.Severity == roster.SeverityWarning)
	}
	g.row, g.broken = g.row[:0], false
}

func (g *groups) enter(p roster.Problem, rejected bool) {
	c := cause{p.Code, p.Field, p.Column, p.Message(), p.Severity, rejected}
	one := g.by[c]
	switch {
	case one != nil:
	case len(g.by) < maxGroups-1:
		one = &Group{
			Code: p.Code, Severity: p.Severity, Field: p.Field, Column: p.Column, Message: c.message,
			Fix: remedy(p, g.profile, ""), Examples: []Example{}, Rejected: rejected,
		}
		g.by[c] = one
	default:
		one = g.other(p.Severity)
	}
	one.Count++
	if p.Since.IsZero() {
		one.New++
	} else if one.Since.IsZero() || p.Since.Before(one.Since.Time) {
		one.Since = Instant{p.Since.UTC().Truncate(time.Second)}
	}
	if len(one.Examples) < maxExamples {
		e := Example{Line: p.Line, Key: p.Key, Username: p.Who.Username, Name: p.Who.Name, Value: p.Value}
		if p.Key == "" && p.Who.Username == "" {
			e.Account = p.Account
		}
		one.Examples = append(one.Examples, e)
	}
}

// other is the group of what has no group of its own; it is as bad as the worst in it.
func (g *groups) other(s roster.Severity) *Group {
	if g.rest == nil {
		g.rest = &Group{Severity: s, Message: "problems of other kinds", Fix: "see problems.csv, which has them all", Examples: []Example{}}
	}
	if badness(s) < badness(g.rest.Severity) {
		g.rest.Severity = s
	}
	return g.rest
}

func (g *groups) sorted() []Group {
	all := []Group{}
	for _, one := range g.by {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(
			badness(a.Severity)-badness(b.Severity), b.Count-a.Count,
			strings.Compare(a.Code, b.Code), strings.Compare(a.Field, b.Field),
			strings.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message), rejectedFirst(a, b),
		)
	})
	if g.rest != nil {
		all = append(all, *g.rest)
	}
	return all
}

func rejectedFirst(a, b Group) int {
	switch {
	case a.Rejected == b.Rejected:
		return 0
	case a.Rejected:
		return -1
	}
	return 1
}

// badness puts errors before warnings before notes.
func badness(s roster.Severity) int {
	return slices.Index([]roster.Severity{roster.SeverityError, roster.SeverityWarning, roster.SeverityNote}, s)
}

// imported is the profile of a file that a person imports.
const imported = "import"

// remedy is a problem's fix with its place filled in, so that it can be typed as
// it stands; the key only where there is one.
func remedy(p roster.Problem, profile string, key roster.Key) string {
	fix := p.Remedy()
	if profile == imported {
		return roster.ForImport(p.Code, fix)
	}
	if p.Fix != "" {
		return fix
	}
	if p.Field != "" {
		fix = strings.ReplaceAll(fix, "map.FIELD", "map."+p.Field)
	}
	if profile != "" {
		fix = strings.ReplaceAll(fix, "link PROFILE", "link "+profile)
	}
	if key != "" {
		fix = strings.ReplaceAll(fix, " KEY ", " "+word(string(key))+" ")
	}
	return fix
}

// forHR is a fix for those who read problems.csv: without what only the
// operator of the profile can do instead.
func forHR(fix string) string {
	if hr, operator, both := strings.Cut(fix, ", or "); both && (strings.Contains(operator, "map.") || strings.Contains(operator, "unique_email")) {
		return hr
	}
	return fix
}
