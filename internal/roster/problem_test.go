package roster

import "testing"

func TestAProblemIsTheSameInTheNextDropAndAnotherOnesIsNot(t *testing.T) {
	p := NewProblem("E120", 12, "104417")
	p.Field = "last_name"
	same := p
	same.Line, same.Text = 40, "said otherwise"
	if same.Identity() != p.Identity() {
		t.Error("the same problem on another line has another identity")
	}

	others := map[string]Problem{"code": p, "field": p, "key": p, "no key": p, "no key, another line": p}
	for name, edit := range map[string]func(*Problem){
		"code":                 func(p *Problem) { p.Code = "E131" },
		"field":                func(p *Problem) { p.Field = "email" },
		"key":                  func(p *Problem) { p.Key = "104418" },
		"no key":               func(p *Problem) { p.Key = "" },
		"no key, another line": func(p *Problem) { p.Key, p.Line = "", 13 },
	} {
		o := others[name]
		edit(&o)
		others[name] = o
	}
	seen := map[string]string{p.Identity(): "the problem itself"}
	for name, o := range others {
		if was, dup := seen[o.Identity()]; dup {
			t.Errorf("another %s has the identity of %s", name, was)
		}
		seen[o.Identity()] = name
	}
}
