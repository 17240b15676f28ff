package format

import (
	"fmt"
	"regexp"
	"strings"

	"rollcall/internal/roster"
)

// A route leads from a record to a value that does not stand directly in it, as a
// map writes it: name/first, contact[@type='work']/mail, id[@type="no"], address/@country.
type route struct {
	text      string
	column    int
	steps     []step
	attribute *qname // of the last element; nil: its text
}

// A step is an element on a route, with the attributes that it must have.
type step struct {
	qname
	conditions []condition
}

// A condition is an attribute that an element must have.
type condition struct {
	qname
	value string
}

// maxSteps is the length of a route.
const maxSteps = maxDepth / 2

// isRoute tells a route from the name of an element, or of an attribute, of the
// record itself.
func isRoute(name string) bool { return strings.ContainsAny(name, "/[") }

// CheckElement tells what is wrong with a name of something below a record.
func CheckElement(name string, namespaces map[string]string) error {
	if isRoute(name) {
		_, err := newRoute(name, namespaces)
		return err
	}
	_, err := qualified(strings.TrimPrefix(name, "@"), namespaces)
	return err
}

// qualified reads a name with or without a prefix.
func qualified(word string, namespaces map[string]string) (qname, error) {
	parts := stepForm.FindStringSubmatch(word)
	if parts == nil {
		return qname{}, fmt.Errorf("%q is not the name of an element", word)
	}
	uri, known := namespaces[parts[1]]
	if parts[1] != "" && !known {
		return qname{}, fmt.Errorf("the prefix %q is not declared under format.namespaces", parts[1])
	}
	return qname{uri, parts[2]}, nil
}

// stepText is the next step of a route: a name, conditions, and what follows.
var stepText = regexp.MustCompile(`^([^/\[\]@'"=]+)((?:\[@[^\]='"]+=(?:'[^']*'|"[^"]*")\])*)(/|$)`)

// conditionText is one condition of a step.
var conditionText = regexp.MustCompile(`\[@([^\]='"]+)=(?:'([^']*)'|"([^"]*)")\]`)

// newRoute reads a route.
func newRoute(text string, namespaces map[string]string) (route, error) {
	r := route{text: text}
	for rest := text; rest != ""; {
		if name, ok := strings.CutPrefix(rest, "@"); ok && len(r.steps) > 0 {
			q, err := qualified(name, namespaces)
			r.attribute = &q
			return r, err
		}
		parts := stepText.FindStringSubmatch(rest)
		if parts == nil || parts[3] == "/" && len(parts[0]) == len(rest) {
			return r, fmt.Errorf("%q is no path of elements; write one like name/first, id[@type='no'] or address/@country", text)
		}
		q, err := qualified(parts[1], namespaces)
		if err != nil {
			return r, err
		}
		one := step{qname: q}
		for _, c := range conditionText.FindAllStringSubmatch(parts[2], -1) {
			name, err := qualified(c[1], namespaces)
			if err != nil {
				return r, err
			}
			one.conditions = append(one.conditions, condition{name, c[2] + c[3]})
		}
		if r.steps = append(r.steps, one); len(r.steps) > maxSteps {
			return r, fmt.Errorf("%q has more than %d steps", text, maxSteps)
		}
		rest = rest[len(parts[0]):]
	}
	return r, nil
}

// A trail is how far the routes have been followed in the element that is open.
type trail struct {
	routes []route
	alive  [][]bool // by depth below the record, from 1 on: whether a route has led there
	scopes []int    // of the open elements: the bindings in scope around each
}

// enter follows the routes into an element, the depth-th below the record, and
// gives those that end there: with the element's text, or the value of an attribute.
// [elementScanner.leaveElement] has to follow.
func (s *elementScanner) enter(t tag, depth int, found func(i int, value *string)) {
	x := &s.trail
	x.scopes = append(x.scopes, len(s.scope))
	s.bindOnly(t)
	for len(x.alive) <= depth {
		x.alive = append(x.alive, make([]bool, len(x.routes)))
	}
	name := s.resolve(t.name, true)
	for i := range x.routes {
		r := &x.routes[i]
		on := depth <= len(r.steps) && (depth == 1 || x.alive[depth-1][i]) && s.meets(r.steps[depth-1], name, t)
		x.alive[depth][i] = on
		switch {
		case !on || depth < len(r.steps):
		case r.attribute == nil:
			found(i, nil)
		default:
			for _, a := range t.attributes {
				if s.called(*r.attribute, s.resolve(a.name, false)) {
					found(i, &a.value)
				}
			}
		}
	}
}

// leaveElement leaves the element that was entered last.
func (s *elementScanner) leaveElement() {
	x := &s.trail
	last := len(x.scopes) - 1
	s.scope, x.scopes = s.scope[:x.scopes[last]], x.scopes[:last]
}

// meets tells whether an element is the one of a step.
func (s *elementScanner) meets(one step, name qname, t tag) bool {
	if !s.called(one.qname, name) {
		return false
	}
	for _, c := range one.conditions {
		met := false
		for _, a := range t.attributes {
			met = met || a.value == c.value && s.called(c.qname, s.resolve(a.name, false))
		}
		if !met {
			return false
		}
	}
	return true
}

// called tells whether a name is the one that a map means: without a prefix it
// is in the record's own namespace, or in none.
func (s *elementScanner) called(wanted, name qname) bool {
	if roster.Fold(wanted.local) != roster.Fold(name.local) {
		return false
	}
	if wanted.uri == "" {
		return name.uri == "" || name.uri == s.path[len(s.path)-1].uri
	}
	return name.uri == wanted.uri
}
