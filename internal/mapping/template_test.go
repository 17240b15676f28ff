package mapping

import (
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func TestR31TemplatesMakeValues(t *testing.T) {
	tests := []struct{ template, want string }{
		{"%l%f", "DoeJohn"},
		{"%l%1f", "DoeJ"},
		{"%-l%+f", "doeJOHN"},
		{"%-f_%-l", "john_doe"},
		{"%-1f%-l", "jdoe"},
		{"%+2l", "DO"},
		{"%~l", "Doe"},
		{"100%% %f", "100% John"},
		{"%f 100%", "John 100%"},
		{"%f %x %", "John %x %"},
		{"%f %-", "John %-"},
		{"{Ward|slug}", "icu-ward-3-oddzial"},
		{"{cn|after:LMS-}", "Nurses"},
		{"{cn|after:LMS-|lower}", "nurses"},
		{"{First:1}{Last}", "JDoe"},
		{"{first:1|lower}", "j"},
		{"{Ward|upper}", "ICU / WARD 3 (ODDZIAŁ)"},
		{"{cn|after:nothing}", ""},
	}
	m := with(nil)
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			m["department"] = Column{Template: tt.template}
			e := one(t, Options{Map: m}, "No;First;Last;Ward;cn", "17;John;Doe;ICU / Ward 3 (oddział);LMS-Nurses")
			same(t, "value", e.Values[roster.Department], tt.want)
			same(t, "said", e.Set.Has(roster.Department), tt.want != "")
		})
	}
}

func TestR31ATemplateCountsCharactersAndCutsFirst(t *testing.T) {
	m := with(map[string]Column{"title": {Template: "%+2l"}, "city": {Template: "%~f"}, "institution": {Template: "%2l", Transform: []string{"ascii"}}})
	e := one(t, Options{Map: m}, "No;First;Last", "17;anna-maria o’neill;łęcki")
	same(t, "cut, then raised", e.Values[roster.Title], "ŁĘ")
	same(t, "each word", e.Values[roster.City], "Anna-Maria O’neill")
	same(t, "cut, then written in ASCII", e.Values[roster.Institution], "le")
}

func TestR31TheFinalUsernameComesLater(t *testing.T) {
	m := with(map[string]Column{
		"url":   {Template: "http://www.example.com/~%u/"},
		"email": {Default: "%u@example.org"},
		"title": {Template: "%+1u"},
	})
	e := one(t, Options{Map: m}, "No;First;Last", "17;John;Doe")
	same(t, "late values", len(e.Late), 3)
	got := map[string]string{}
	for _, l := range e.Late {
		got[l.Field.String()] = l.Value("jdoe")
		same(t, "default of "+l.Field.String(), l.Default, l.Field == roster.Email)
		if v := l.Value(""); v != "" {
			t.Errorf("%s of nobody = %q, want nothing", l.Field, v)
		}
	}
	same(t, "url", got["url"], "http://www.example.com/~jdoe/")
	same(t, "email", got["email"], "jdoe@example.org")
	same(t, "title", got["title"], "J")
	same(t, "said", said(e), "employee_id=17 first_name=John last_name=Doe")
}

func TestR31ALateValueIsCheckedLikeAnyOther(t *testing.T) {
	m := with(map[string]Column{"email": {Template: "%u"}, "phone1": {Template: "%u"}})
	e := one(t, Options{Map: m}, "No;First;Last", "17;John;Doe")
	same(t, "no address", e.Late[0].Value("jdoe"), "")
	same(t, "too long", e.Late[1].Value(strings.Repeat("x", 31)), "")
	same(t, "long enough", e.Late[1].Value(strings.Repeat("x", 30)), strings.Repeat("x", 30))
}

func TestR31TemplatesNeverActOnWhatAFileSays(t *testing.T) {
	m := with(map[string]Column{"title": {From: "Title"}, "city": {Template: "{Title}"}})
	e := one(t, Options{Map: m}, "No;First;Last;Title", "17;John;Doe;%f {Last} {{.}} ${x} %u")
	same(t, "said by the file", e.Values[roster.Title], "%f {Last} {{.}} ${x} %u")
	same(t, "put into a template", e.Values[roster.City], "%f {Last} {{.}} ${x} %u")
	same(t, "late values", len(e.Late), 0)
}

func TestR31ATemplateOfNothingButSeparatorsIsNoValue(t *testing.T) {
	m := with(map[string]Column{
		"username": {Template: "%-f.%-l"}, "address": {Template: "{Street}, {Town}"}, "department": {Template: "dept-{Ward|slug}"},
		"email": {Template: "%-f.%-l@example.org"}, "title": {Default: "-"},
	})
	e := one(t, Options{Map: m}, "No;First;Last;Street;Town;Ward", "17;;;;;")
	same(t, "said", said(e), "employee_id=17")
	same(t, "defaults", defaults(e), "title=-")
	same(t, "problems", codes(e.Problems), "")
}

func TestR31ACellThatCannotBeUsedMakesNothing(t *testing.T) {
	m := with(map[string]Column{"title": {Template: "{Ward}"}})
	e := one(t, Options{Map: m}, "No;First;Last;Ward", "17;A;L;I\x00CU")
	same(t, "said", said(e), "employee_id=17 first_name=A last_name=L")
}

func TestR31ATemplateOnUsernameIsSetOnce(t *testing.T) {
	o := Options{Map: with(map[string]Column{"username": {Template: "%f"}, "city": {From: "City", Set: "if_empty"}})}
	modes := o.SetModes()
	same(t, "username", modes[roster.Username], roster.SetOnce)
	same(t, "city", modes[roster.City], roster.SetIfEmpty)
	same(t, "title", modes[roster.Title], roster.SetAlways)

	o.Map["username"] = Column{From: "Login"}
	same(t, "a given username", o.SetModes()[roster.Username], roster.SetAlways)
}

func TestR32AUsernameMadeByATemplateKeepsLettersDigitsDashAndDot(t *testing.T) {
	tests := []struct{ mode, first, last, want string }{
		{"on", "John Jr.", "Doe", "johnjr.doe"},
		{"off", "John Jr.", "Doe", "johnjr.doe"},
		{"extended", "John Jr.", "Doe", "john jr._doe"},
		{"on", "José", "Muñoz", "josmuoz"},
		{"extended", "José", "O'Neill", "josé_oneill"},
		{"extended", "John /", "Doe", "john _doe"},
		{"extended", "John", "Doe / x /", "john_doe x"},
		{"on", "Nina", "Okafor", "ninaokafor"},
	}
	for _, tt := range tests {
		m := with(map[string]Column{"username": {Template: "%-f_%-l"}})
		e := one(t, Options{Map: m, Standardise: tt.mode}, "No;First;Last", "17;"+tt.first+";"+tt.last)
		same(t, tt.mode, e.Values[roster.Username], tt.want)
		same(t, "template", e.Template, true)
	}
}

func TestR32AsciiWritesLettersThatPeopleRead(t *testing.T) {
	m := with(map[string]Column{"username": {Template: "%-f.%-l", Transform: []string{"ascii"}}})
	for name, want := range map[string]string{
		"Zoé;Größe": "zoe.grosse", "Søren;Łukasz": "soren.lukasz", "Ⅻ;Ｗｉｄｅ": "xii.wide", "Иван;Đức": "ivan.duc",
	} {
		e := one(t, Options{Map: m}, "No;First;Last", "17;"+name)
		same(t, name, e.Values[roster.Username], want)
	}
}

func TestR33ATakenNameGetsACounterOrNot(t *testing.T) {
	tests := []struct {
		name             string
		c                Column
		login            string
		number, template bool
	}{
		{"a template", Column{Template: "%-f"}, "", true, true},
		{"a template that may not", Column{Template: "%-f", OnTaken: "reject"}, "", false, true},
		{"a given name", Column{From: "Login"}, "ada", false, false},
		{"a given name that may", Column{From: "Login", OnTaken: "number"}, "ada", true, false},
		{"a given name with a default", Column{From: "Login", Default: "%-f"}, "ada", false, false},
		{"a default", Column{From: "Login", Default: "%-f"}, "", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := one(t, Options{Map: with(map[string]Column{"username": tt.c})}, "No;First;Last;Login", "17;Ada;L;"+tt.login)
			same(t, "number", e.Number, tt.number)
			same(t, "template", e.Template, tt.template)
		})
	}
}

func TestR53DefaultsFillWhatTheRecordLeavesEmpty(t *testing.T) {
	m := with(map[string]Column{
		"city": {From: "City", Default: "Łódź"}, "country": {Default: "pl"}, "username": {From: "Login", Default: "%-1f%-l"},
		"timezone": {Const: "Europe/Warsaw"}, "title": {From: "Title", Blank: "clear", Default: "none"},
	})
	e := one(t, Options{Map: m}, "No;First;Last;City;Login;Title", "17;Ada;Lovelace;;;")
	same(t, "defaults", defaults(e), "username=alovelace title=none city=Łódź country=PL")
	same(t, "said", said(e), "employee_id=17 first_name=Ada last_name=Lovelace timezone=Europe/Warsaw title=")

	e = one(t, Options{Map: m}, "No;First;Last;City;Login;Title", "17;Ada;Lovelace;Gdynia;ada;Dr")
	same(t, "defaults of a full row", defaults(e), "country=PL")
}

func TestR53ANameMayBeTheDefaultOfTheOther(t *testing.T) {
	m := map[string]Column{"employee_id": {From: "No"}, "first_name": {From: "First"}, "last_name": {From: "Last", Default: "%f"}, "username": {Template: "%-f.%-l"}}
	e := one(t, Options{Map: m}, "No;First;Last", "17;Suharto;")
	same(t, "defaults", defaults(e), "last_name=Suharto")
	same(t, "username", e.Values[roster.Username], "suharto.suharto")
}

func TestATemplateThatMakesTooMuchIsE118(t *testing.T) {
	m := with(map[string]Column{"username": {Template: "%-l"}})
	e := one(t, Options{Map: m}, "No;First;Last", "17;Ada;"+strings.Repeat("x", 100))
	same(t, "username of 100", len(e.Values[roster.Username]), 100)

	m["city"] = Column{Template: "{Last}{Last}"}
	e = one(t, Options{Map: m}, "No;First;Last", "17;Ada;"+strings.Repeat("x", 61))
	same(t, "problems", codes(e.Problems), "E118 warning city")
}
