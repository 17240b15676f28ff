package mapping

import (
	"strings"
	"testing"

	"rollcall/internal/roster"
)

// shownOf maps one record, and gives what a report would show of each problem: field or
// column and value.
func shownOf(t *testing.T, o Options, header, record string) string {
	t.Helper()
	m := compiled(t, o, header)
	e, err := m.Entry(roster.Record{Line: 2, Values: strings.Split(record, ";")})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range e.Problems {
		p = m.Tellable(p)
		name := p.Field
		if name == "" {
			name = p.Column
		}
		all = append(all, name+"="+p.Value)
	}
	return strings.Join(all, " ")
}

func TestAProblemKeepsTheValueThatWasWrong(t *testing.T) {
	const header = "No;Login;Mail;End;Status;Off;Old;Note"
	base := func() Options {
		return Options{Key: roster.EmployeeID, Standardise: "off", Values: true, Map: map[string]Column{
			"employee_id": {From: "No"}, "username": {From: "Login"}, "email": {From: "Mail"}, "expires_on": {From: "End"},
			"status": {From: "Status", Values: map[string]string{"A": "active"}}, "suspended": {From: "Off"}, "oldusername": {From: "Old"},
		}}
	}
	for _, tt := range []struct {
		name, record, want string
		change             func(*Options)
	}{
		{"nothing is wrong", "1;ada;ada@example.org;2026-12-31;A;0;;", "", nil},
		{"as HR sees it", "1;A da!; ada(at)example.org ;31.12.2026;Q;yes;?!;", "username=A da! email=ada(at)example.org expires_on=31.12.2026 suspended=yes status=Q oldusername=?!", nil},
		{"before the transforms", "1;ada;NOBODY;;;;;", "email=NOBODY", func(o *Options) { o.Map["email"] = Column{From: "Mail", Transform: []string{"lower"}} }},
		{"with what cannot be seen", "1;ada;a\u202e@example;;;;;", "email=a‹U+202E›@example", nil},
		{"a control character", "1;ada;a\x1b@example.org;;;;;", "email=a‹ESC›@example.org", nil},
		{"cut", "1;ada;" + strings.Repeat("x", 10_000) + ";;;;;", "email=" + strings.Repeat("x", 100) + "…", nil},
		{"an empty one has none", ";ada;;;;;;", "employee_id=", nil},
		{"of what no profile uses nobody knows what it is", "1;ada;;;;;;a\x00b", "Note=", nil},
		{"of a template what it made", "1;ada;;;;;;", "country=ada!", func(o *Options) { o.Map["country"] = Column{Template: "{Login}!"} }},

		{"a sensitive field", "1;ada;nobody;31.12.2026;;;;", "email=*** expires_on=31.12.2026", func(o *Options) { o.Map["email"] = Column{From: "Mail", Sensitive: true} }},
		{"sensitive in another profile", "1;ada;nobody;31.12.2026;;;;", "email=*** expires_on=31.12.2026", func(o *Options) { o.Hidden = roster.Hidden{"email": true} }},
		{"a column that a sensitive field shares", "1;ada;nobody;;;;;", "email=***", func(o *Options) {
			o.Map["phone1"] = Column{From: "No", Sensitive: true}
			o.Map["address"] = Column{Template: "{mail}", Sensitive: true}
		}},
		{"nothing where mails show no values", "1;A da!;nobody;31.12.2026;Q;yes;?!;\x00", "Note= username= email= expires_on= suspended= status= oldusername=", func(o *Options) { o.Values = false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := base()
			if tt.change != nil {
				tt.change(&o)
			}
			if got := shownOf(t, o, header, tt.record); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestPasswordsNationalIDsAndBirthDatesAreNeverKept(t *testing.T) {
	for _, column := range []string{"DateOfBirth", "Date of birth", "PESEL", "user_pwd"} {
		o := Options{Key: roster.EmployeeID, Values: true, Map: map[string]Column{"employee_id": {From: "No"}, "expires_on": {From: column}}}
		if got, want := shownOf(t, o, "No;"+column, "1;soon"), "expires_on=***"; got != want {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
		o.Map = map[string]Column{"employee_id": {From: "No"}, "country": {Template: "{" + column + "}"}}
		if got, want := shownOf(t, o, "No;"+column, "1;soon"), "country=***"; got != want {
			t.Errorf("%s in a template: got %q, want %q", column, got, want)
		}
	}
}

func TestWhatIsToldIsNoPartOfWhatARecordMeans(t *testing.T) {
	o := Options{Key: roster.EmployeeID, Map: map[string]Column{"employee_id": {From: "No"}, "phone1": {From: "Phone"}}}
	before := o.Digest()
	o.Values, o.Hidden = true, roster.Hidden{"phone1": true}
	o.Map["phone1"] = Column{From: "Phone", Sensitive: true}
	if got := o.Digest(); got != before {
		t.Errorf("digest = %s, before %s: the next night would read and judge everything anew", got, before)
	}
}
