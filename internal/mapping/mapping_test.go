package mapping

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/internal/roster"
)

// one maps a single record of a drop.
func one(t *testing.T, o Options, header, record string) roster.Entry {
	t.Helper()
	m := compiled(t, o, header)
	e, err := m.Entry(roster.Record{Line: 2, Values: strings.Split(record, ";")})
	if err != nil {
		t.Fatalf("Entry: %v", err)
	}
	return e
}

func compiled(t *testing.T, o Options, header string) *Mapper {
	t.Helper()
	m, _, err := Compile(o, strings.Split(header, ";"))
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return m
}

func warsaw(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// codes are the problems as "E112 warning email WorkEmail".
func codes(problems []roster.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, strings.TrimSpace(strings.Join([]string{p.Code, string(p.Severity), p.Field, p.Column}, " ")))
	}
	return strings.Join(all, ", ")
}

// said are the fields of which an entry speaks, as name=value.
func said(e roster.Entry) string {
	var all []string
	for _, f := range roster.FeedFields() {
		if e.Set.Has(f) {
			all = append(all, f.String()+"="+e.Values[f])
		}
	}
	return strings.Join(all, " ")
}

func defaults(e roster.Entry) string {
	var all []string
	for _, f := range roster.FeedFields() {
		if e.HasDef.Has(f) {
			all = append(all, f.String()+"="+e.Defaults[f])
		}
	}
	return strings.Join(all, " ")
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// people is a header that most tests share.
var people = map[string]Column{
	"employee_id": {From: "No"},
	"first_name":  {From: "First"},
	"last_name":   {From: "Last"},
}

// with is people and more.
func with(more map[string]Column) map[string]Column {
	all := map[string]Column{}
	for name, c := range people {
		all[name] = c
	}
	for name, c := range more {
		all[name] = c
	}
	return all
}

func TestARecordBecomesAnEntry(t *testing.T) {
	e := one(t, Options{Map: with(map[string]Column{"email": {From: "Mail"}})}, "No;First;Last;Mail", " 000123 ;Zofia;Król;z.krol@example.org")

	same(t, "said", said(e), "employee_id=000123 email=z.krol@example.org first_name=Zofia last_name=Król")
	same(t, "key", e.Key, "000123")
	same(t, "line", e.Line, 2)
	same(t, "problems", codes(e.Problems), "")
	same(t, "key bad", e.KeyBad, false)
}

func TestR11OuterWhiteSpaceGoesTheNoBreakKindToo(t *testing.T) {
	e := one(t, Options{Map: people}, "No;First;Last", "\u00a0 17\u202f;\tAda\u3000; \u00a0Lovelace  ")
	same(t, "said", said(e), "employee_id=17 first_name=Ada last_name=Lovelace")
}

func TestR11ADecomposedNameIsTheComposedOne(t *testing.T) {
	e := one(t, Options{Map: people}, "No;First;Last", "17;Zoe\u0308;Okafor")
	same(t, "first name", e.Values[roster.FirstName], "Zoë")
}

func TestR14ABlankKeepsAndAnAbsentColumnSaysNothing(t *testing.T) {
	m := with(map[string]Column{"city": {From: "City"}, "title": {From: "Title", Blank: "clear"}})
	e := one(t, Options{Map: m}, "No;First;Last;City;Title", "17;Ada;;\u00a0;  ")
	same(t, "said", said(e), "employee_id=17 first_name=Ada title=")
}

func TestR14AWordThatIsNotTranslatedIsNoBlank(t *testing.T) {
	m := with(map[string]Column{"title": {From: "Title", Blank: "clear", Values: map[string]string{"A": "Nurse", "N/A": ""}, Other: "keep"}})
	h := "No;First;Last;Title"
	same(t, "known", said(one(t, Options{Map: m}, h, "17;Ada;L;A")), "employee_id=17 first_name=Ada last_name=L title=Nurse")
	same(t, "other: keep", said(one(t, Options{Map: m}, h, "17;Ada;L;B")), "employee_id=17 first_name=Ada last_name=L")
	same(t, "translated to nothing", said(one(t, Options{Map: m}, h, "17;Ada;L;N/A")), "employee_id=17 first_name=Ada last_name=L title=")
}

func TestR16AControlCharacterInAnyCellRejectsTheRow(t *testing.T) {
	tests := []struct{ name, record, want string }{
		{"in a mapped cell", "17;A\x00da;L;x", "E104 error first_name First"},
		{"in a cell that nobody uses", "17;Ada;L;x\x07", "E104 error  Shoe"},
		{"of the second block", "17;Ada;L\u0085;x", "E104 error last_name Last"},
		{"delete", "17;Ada;L\x7f;x", "E104 error last_name Last"},
		{"a tab is none", "17;A\tda;L;x", ""},
		{"a line break is none", "17;A\r\nda;L;x", ""},
		{"neither is a letter of two bytes", "17;Âda;Ł;x", ""},
		{"one problem for each cell", "17;\x01;\x02;x", "E104 error first_name First, E104 error last_name Last"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := one(t, Options{Map: people}, "No;First;Last;Shoe", tt.record)
			same(t, "problems", codes(e.Problems), tt.want)
			same(t, "key", e.Key, "17")
			same(t, "key bad", e.KeyBad, false)
		})
	}
}

func TestR16ANameThatTurnsTheDirectionOfWritingRejectsTheRow(t *testing.T) {
	e := one(t, Options{Map: people}, "No;First;Last", "17;Ada\u202egpj;L")
	same(t, "problems", codes(e.Problems), "E104 error first_name First")

	e = one(t, Options{Map: people}, "No;First;Last", "17;\u200fדוד;L")
	same(t, "problems of a plain mark", codes(e.Problems), "")
}

func TestR18AKeyWithALineBreakRefusesTheDrop(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      Options
		header string
	}{
		{"the key", Options{Map: people}, "No;First;Last"},
		{"the previous key", Options{Map: map[string]Column{"employee_id": {From: "First"}, "previous_key": {From: "No"}}}, "No;First;Last"},
		{"the name that stands in for it", Options{Fallback: true}, "username;first_name;last_name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compiled(t, tt.o, tt.header).Entry(roster.Record{Line: 10, Values: []string{"17\n18;Bob", "Ada", "L"}})
			var refused *roster.Refusal
			if !errors.As(err, &refused) {
				t.Fatalf("error = %v, want a refusal", err)
			}
			same(t, "code", refused.Code, "E102")
			same(t, "line", refused.Line, 10)
			same(t, "column", refused.Column, strings.Split(tt.header, ";")[0])
			if strings.Contains(err.Error(), "Bob") {
				t.Errorf("the refusal tells a value: %v", err)
			}
		})
	}
}

func TestR40AnInvisibleCharacterInAKeyMakesItUnreadable(t *testing.T) {
	for _, cell := range []string{"1\u200b7", "\ufeff17", "17\u200e", "1\x007", "1\u00ad7", "1\t7"} {
		e := one(t, Options{Map: people}, "No;First;Last", cell+";Ada;L")
		same(t, "problems", codes(e.Problems), "E104 error employee_id No")
		same(t, "key", e.Key, "")
		same(t, "key bad", e.KeyBad, true)
		same(t, "said", said(e), "first_name=Ada last_name=L")
	}
}

func TestR40TheKeyIsTextInItsCompatibleForm(t *testing.T) {
	e := one(t, Options{Map: people}, "No;First;Last", "００１7;Ada;L")
	same(t, "key", e.Key, "0017")
	same(t, "field", e.Values[roster.EmployeeID], "0017")
}

func TestR40AKeyThatIsANameOrAnAddressIsItsNormalForm(t *testing.T) {
	o := Options{Key: roster.Username, Map: map[string]Column{"username": {From: "Login"}}}
	same(t, "username", one(t, o, "Login", "Bad Name!").Key, "badname")

	o = Options{Key: roster.Email, Map: map[string]Column{"email": {From: "Mail"}}}
	same(t, "email", one(t, o, "Mail", " A.L@Example.org").Key, "A.L@Example.org")
	e := one(t, o, "Mail", "nobody")
	same(t, "key of no address", e.Key, "")
	same(t, "key bad", e.KeyBad, true)
	same(t, "problems", codes(e.Problems), "E131 error email Mail")
}

func TestR3AnEmptyKeyCannotBeRead(t *testing.T) {
	e := one(t, Options{Map: people}, "No;First;Last", "\u00a0;Ada;L")
	same(t, "key", e.Key, "")
	same(t, "key bad", e.KeyBad, true)
	same(t, "problems", codes(e.Problems), "E120 error employee_id No")
}

func TestR42WithAFallbackTheKeyMayBeEmptyOrAbsent(t *testing.T) {
	m := map[string]Column{"employee_id": {From: "No"}, "username": {From: "Login"}, "last_name": {From: "Last"}}
	o := Options{Map: m, Fallback: true}
	tests := []struct {
		name, header, record string
		bad                  bool
		problems             string
	}{
		{"empty, with a name", "No;Login;Last", ";ada;L", false, ""},
		{"empty, without a name", "No;Login;Last", ";;L", true, "E120 error employee_id No"},
		{"invisible, with a name", "No;Login;Last", "1\u200b;ada;L", false, "E104 error employee_id No"},
		{"absent, with a name", "Login;Last", "ada;L", false, ""},
		{"absent, without a name", "Login;Last", ";L", true, "E120 error username"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := one(t, o, tt.header, tt.record)
			same(t, "key", e.Key, "")
			same(t, "key bad", e.KeyBad, tt.bad)
			same(t, "problems", codes(e.Problems), tt.problems)
		})
	}
}

func TestR42ANameFromATemplateIsNoWayToFindAnybody(t *testing.T) {
	m := with(map[string]Column{"username": {Template: "%-f.%-l"}})
	e := one(t, Options{Map: m, Fallback: true}, "No;First;Last", ";Ada;L")
	same(t, "key bad", e.KeyBad, true)
}

func TestR15ABrokenRowKeepsTheKeyThatItsCellHolds(t *testing.T) {
	m := compiled(t, Options{Map: people}, "First;No;Last")
	tests := []struct {
		name  string
		cells []string
		key   roster.Key
	}{
		{"there", []string{"Ada", " 17"}, "17"},
		{"too few cells", []string{"Ada"}, ""},
		{"empty", []string{"Ada", " ", "L", "x"}, ""},
		{"invisible", []string{"Ada", "1\u200b7"}, ""},
		{"spans lines", []string{"Ada", "1\n7"}, ""},
		{"none", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := m.Broken(&roster.RowError{Record: roster.Record{Line: 7, Values: tt.cells}, Problem: roster.NewProblem("E101", 7, "")})
			same(t, "key", e.Key, tt.key)
			same(t, "key bad", e.KeyBad, tt.key == "")
			same(t, "broken", e.Broken, true)
			same(t, "line", e.Line, 7)
			same(t, "problems", codes(e.Problems), "E101 error")
			same(t, "the problem's key", e.Problems[0].Key, tt.key)
		})
	}
}

func TestR7AWrongValueKeepsIsBlankOrRejects(t *testing.T) {
	for _, tt := range []struct{ onInvalid, said, problems string }{
		{"", "employee_id=17", "E131 warning email Mail"},
		{"keep", "employee_id=17", "E131 warning email Mail"},
		{"blank", "employee_id=17 email=", "E131 warning email Mail"},
		{"reject", "employee_id=17", "E131 error email Mail"},
	} {
		o := Options{Map: map[string]Column{"employee_id": {From: "No"}, "email": {From: "Mail", OnInvalid: tt.onInvalid}}}
		e := one(t, o, "No;Mail", "17;ada at example.org")
		same(t, "said with "+tt.onInvalid, said(e), tt.said)
		same(t, "problems with "+tt.onInvalid, codes(e.Problems), tt.problems)
		same(t, "the problem's key", e.Problems[0].Key, "17")
		same(t, "the problem's line", e.Problems[0].Line, 2)
	}
}

func TestProblemsNeverTellAValue(t *testing.T) {
	m := map[string]Column{
		"employee_id": {From: "a"}, "email": {From: "b"}, "country": {From: "c"}, "auth": {From: "d"}, "language": {From: "e"},
		"timezone": {From: "f"}, "expires_on": {From: "g"}, "status": {From: "h"}, "suspended": {From: "i"}, "city": {From: "j", Values: map[string]string{"x": "y"}, Other: "reject"},
		"username": {From: "k"}, "phone1": {From: "l"},
	}
	e := one(t, Options{Map: m, Standardise: "off"}, "a;b;c;d;e;f;g;h;i;j;k;l", "17"+strings.Repeat(";quuxquux quuxquux quuxquux quuxquux", 11))
	same(t, "number of problems", len(e.Problems), 11)
	for _, p := range e.Problems {
		if text := p.String() + p.Remedy(); strings.Contains(text, "quux") {
			t.Errorf("problem tells a value: %s", text)
		}
		if _, ok := roster.Codes[p.Code]; !ok {
			t.Errorf("code %q is unknown", p.Code)
		}
	}
}

func TestTheEntriesOfOneRecordAreEqual(t *testing.T) {
	m := compiled(t, Options{Map: people}, "No;First;Last")
	rec := roster.Record{Line: 3, Values: []string{"17", "A\x00", "L"}}
	a, _ := m.Entry(rec)
	b, _ := m.Entry(rec)
	same(t, "second", said(b)+codes(b.Problems), said(a)+codes(a.Problems))
}
