package roster

import "testing"

func TestAProblemIsTheSameInTheNextDropAndAnotherOneIsNot(t *testing.T) {
	p := NewProblem("E120", 12, "104417")
	p.Field = "last_name"
	same := p
	same.Line, same.Text = 40, "said otherwise"
	if same.Identity() != p.Identity() {
		t.Error("the same problem on another line has another identity")
	}

	seen := map[string]string{p.Identity(): "the problem itself"}
	for _, tt := range []struct {
		name string
		edit func(*Problem)
	}{
		{"another code", func(p *Problem) { p.Code = "E131" }},
		{"a warning", func(p *Problem) { p.Severity = SeverityWarning }},
		{"another field", func(p *Problem) { p.Field = "email" }},
		{"another key", func(p *Problem) { p.Key = "104418" }},
		{"no key", func(p *Problem) { p.Key = "" }},
		{"no key, on another line", func(p *Problem) { p.Key, p.Line = "", 13 }},
	} {
		o := p
		tt.edit(&o)
		if was, dup := seen[o.Identity()]; dup {
			t.Errorf("%s has the identity of %s", tt.name, was)
		}
		seen[o.Identity()] = tt.name
	}
}
