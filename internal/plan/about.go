package plan

import "rollcall/internal/roster"

// about adds to a problem what its record says of the person and of the field,
// as far as reports tell it. Of a row of a wrong shape nobody knows what its cells
// are.
func (p *planner) about(x roster.Problem, e roster.Entry) roster.Problem {
	if e.Broken {
		return x
	}
	switch {
	case p.Names:
		x.Who = roster.WhoIs(&e.Values, p.Hidden)
	case e.Key == "" && !e.KeyBad && p.Match.Fallback.By != "": // the username is the key then
		x.Who.Username = roster.WhoIs(&e.Values, p.Hidden).Username
	}
	if !p.Values || x.Value != "" {
		return x
	}
	if f, ok := roster.FieldNamed(x.Field); ok && f < roster.NumFeedFields {
		x.Value = roster.Visible(e.Values[f], roster.MaxShown)
		if x.Value != "" && p.Hidden.Has(f) {
			x.Value = roster.Withheld
		}
	}
	return x
}
