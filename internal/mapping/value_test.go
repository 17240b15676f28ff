package mapping

import (
	"strings"
	"testing"

	"rollcall/internal/roster"
)

// value maps one cell of one field; wrong is the code of what is wrong with it.
func cellOf(t *testing.T, o Options, name string, c Column, cell string) (value, wrong string, p roster.Problem) {
	t.Helper()
	c.From = "Cell"
	o.Map = map[string]Column{"employee_id": {From: "No"}, name: c}
	e := one(t, o, "No;Cell", "17;"+cell)
	f, _ := roster.FieldNamed(name)
	if len(e.Problems) > 0 {
		if e.Set.Has(f) {
			t.Errorf("%s is set although it is wrong", name)
		}
		return "", e.Problems[0].Code, e.Problems[0]
	}
	if !e.Set.Has(f) {
		t.Errorf("%s is not set", name)
	}
	return e.Values[f], "", roster.Problem{}
}

func TestTheNormalFormsOfValues(t *testing.T) {
	long := strings.Repeat("ł", 120)
	tests := []struct {
		rule, field, cell, want string // want begins with E where the value is wrong
	}{
		{"R20", "country", "PL", "PL"},
		{"R20", "country", "pl", "PL"},
		{"R20", "country", "GB", "GB"},
		{"R20", "country", "UK", "E133"},
		{"R20", "country", "POL", "E133"},
		{"R20", "country", "D ", "E133"},
		{"R20", "country", "XX", "E133"},
		{"R20", "country", "D A", "E133"},
		{"R20", "country", "ﬁ", "E133"},
		{"R21", "city", long, long},
		{"R21", "city", long + "x", "E118"},
		{"R21", "employee_id", strings.Repeat("1", 101), "E118"},
		{"R22", "email", "Zofia.Krol@Example.org", "Zofia.Krol@Example.org"},
		{"R22", "email", "zofia.król@przykład.pl", "zofia.król@przykład.pl"},
		{"R22", "email", "o'neill+lms@mail.example.org", "o'neill+lms@mail.example.org"},
		{"R22", "email", "zofia@localhost", "E131"},
		{"R22", "email", "zofia", "E131"},
		{"R22", "email", "@example.org", "E131"},
		{"R22", "email", "zofia@", "E131"},
		{"R22", "email", "zofia@example.", "E131"},
		{"R22", "email", "zofia@.org", "E131"},
		{"R22", "email", "a b@example.org", "E131"},
		{"R22", "email", "a@b@example.org", "E131"},
		{"R22", "email", "a..b@example.org", "E131"},
		{"R22", "email", "Zofia <zofia@example.org>", "E131"},
		{"R22", "email", "zofia@example.org,bob@example.org", "E131"},
		{"R22", "email", "zofia@example-.org", "E131"},
		{"R22", "email", "zo\u200bfia@example.org", "E131"},
		{"R22", "email", "zofia@exam\nple.org", "E131"},
		{"R24", "auth", "ldap", "ldap"},
		{"R24", "auth", "LDAP", "E122"},
		{"R24", "auth", "shibboleth", "E122"},
		{"R25", "language", "en_us", "en-US"},
		{"R25", "language", "en-US", "en-US"},
		{"R25", "language", "PL", "pl"},
		{"R25", "language", "zh_hant_tw", "zh-Hant-TW"},
		{"R25", "language", "polish", "E122"},
		{"R25", "language", "xx", "E122"},
		{"R25", "language", "und", "E122"},
		{"R25", "language", "x-klingon", "E122"},
		{"R25", "timezone", "Europe/Warsaw", "Europe/Warsaw"},
		{"R25", "timezone", "UTC", "UTC"},
		{"R25", "timezone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"},
		{"R25", "timezone", "Etc/GMT+1", "Etc/GMT+1"},
		{"R25", "timezone", "Local", "E122"},
		{"R25", "timezone", "99", "E122"},
		{"R25", "timezone", "../../etc/passwd", "E122"},
		{"R25", "timezone", "/etc/localtime", "E122"},
		{"R25", "timezone", "posix/Europe/Warsaw", "E122"},
		{"R25", "timezone", "Europe/Atlantis", "E122"},
		{"R30", "username", "k.wrona", "k.wrona"},
		{"R30", "username", "Bad Name!", "badname"},
		{"R30", "username", "JSmith", "jsmith"},
		{"R30", "username", "a_b-c.d@e", "a_b-c.d@e"},
		{"R30", "username", "ｊｄｏｅ", "jdoe"},
		{"R30", "username", "İlker", "ilker"},
		{"R30", "username", "łłł", "E134"},
		{"R30", "username", "-.-", "E134"},
		{"R30", "username", strings.Repeat("x", 101), "E118"},
	}
	for _, tt := range tests {
		t.Run(tt.rule+" "+tt.field+" "+cut(tt.cell, 20), func(t *testing.T) {
			if tt.field == "employee_id" {
				e := one(t, Options{Map: people}, "No;First;Last", tt.cell+";A;L")
				same(t, "problems", codes(e.Problems), "E118 error employee_id No")
				same(t, "key bad", e.KeyBad, true)
				return
			}
			got, wrong, _ := cellOf(t, Options{}, tt.field, Column{}, tt.cell)
			if wrong != "" {
				got = wrong
			}
			same(t, "value", got, tt.want)
		})
	}
}

func TestR20TheUnitedKingdomIsGB(t *testing.T) {
	_, _, p := cellOf(t, Options{}, "country", Column{}, "uk")
	same(t, "fix", p.Remedy(), "did you mean GB?")
	same(t, "countries", len(strings.Fields(countries)), 249)
}

func TestR24TheSiteMayAllowOtherMethods(t *testing.T) {
	got, _, _ := cellOf(t, Options{Auth: []string{"manual", "cas"}}, "auth", Column{}, "cas")
	same(t, "auth", got, "cas")
	_, wrong, p := cellOf(t, Options{Auth: []string{"manual", "cas"}}, "auth", Column{}, "ldap")
	same(t, "code", wrong, "E122")
	same(t, "text", p.Text, "not one of manual, cas")
}

func TestR30WithoutStandardisingAUsernameIsTakenOrRejected(t *testing.T) {
	tests := []struct{ mode, cell, want string }{
		{"off", "Bad Name!", "E134"},
		{"off", "JSmith", "jsmith"},
		{"off", "josé", "E134"},
		{"off", "...", "E134"},
		{"extended", "José Muñoz", "josé muñoz"},
		{"extended", "josé_m@x.y-1", "josé_m@x.y-1"},
		{"extended", "Groß", "groß"},
		{"extended", "Bad Name!", "E134"},
		{"extended", "jo\u200bsé", "E134"},
		{"extended", "ЖУК", "жук"},
		{"extended", "KARSİ", "karsi\u0307"}, // not karsi: İ is two letters in lower case
		{"extended", "karsı", "karsı"},
		{"on", "KARSİ", "karsi"},
	}
	for _, tt := range tests {
		got, wrong, p := cellOf(t, Options{Standardise: tt.mode}, "username", Column{}, tt.cell)
		if wrong != "" {
			got = wrong
			same(t, "severity", p.Severity, roster.SeverityError)
		}
		same(t, tt.mode+" "+tt.cell, got, tt.want)
	}
}

func TestR30ANormalUsernameStaysAsItIs(t *testing.T) {
	for _, mode := range []string{"on", "off", "extended"} {
		n := newNamer(mode)
		for _, s := range []string{"İlker", "ǅ", "ﬀ", "Å", "Σ Ας", "e\u0301", "ⓐ", "ſ", "ẞ"} {
			once, wrong := n.given(s)
			if wrong != nil {
				continue
			}
			twice, wrong := n.given(once)
			if wrong != nil || twice != once {
				t.Errorf("%s: %q becomes %q, then %q", mode, s, once, twice)
			}
		}
	}
}

func TestCodeTables(t *testing.T) {
	table := map[string]string{"FT": "Full time", "": "Unknown"}
	tests := []struct{ name, other, cell, said, problems string }{
		{"a known word", "", " FT ", " title=Full time", ""},
		{"compared exactly", "", "ft", "", "E122 warning title Kind"},
		{"an empty cell may be a word", "", "", " title=Unknown", ""},
		{"unknown is kept with a warning", "", "X", "", "E122 warning title Kind"},
		{"unknown is kept", "keep", "X", "", ""},
		{"unknown rejects", "reject", "X", "", "E122 error title Kind"},
		{"unknown is another value", "Other", "X", " title=Other", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := map[string]Column{"employee_id": {From: "No"}, "title": {From: "Kind", Values: table, Other: tt.other}}
			e := one(t, Options{Map: m}, "No;Kind", "17;"+tt.cell)
			same(t, "said", said(e), "employee_id=17"+tt.said)
			same(t, "problems", codes(e.Problems), tt.problems)
		})
	}
}

func TestTransformsAct(t *testing.T) {
	for _, tt := range []struct {
		transform  []string
		cell, want string
	}{
		{[]string{"ascii"}, "Gdańsk Główny", "Gdansk Glowny"},
		{[]string{"lower"}, "ŁÓDŹ", "łódź"},
		{[]string{"upper"}, "łódź", "ŁÓDŹ"},
		{[]string{"alnum"}, "a-b c_é 1", "abcé1"},
		{[]string{"primary_smtp"}, "SMTP:Anna@Example.org", "Anna@Example.org"},
		{[]string{"slug"}, "  Ward 3 / ICU -- Główny ", "ward-3-icu-glowny"},
		{[]string{"ascii", "alnum", "lower"}, "O’Neill-Żuk", "oneillzuk"},
	} {
		got, _, _ := cellOf(t, Options{}, "title", Column{Transform: tt.transform}, tt.cell)
		same(t, strings.Join(tt.transform, " "), got, tt.want)
	}
}

func TestR60WhatARecordAsksOfTheState(t *testing.T) {
	const clash = "E115 error status Status"
	tests := []struct {
		status, suspended, deleted string
		want                       roster.Wish
		problems                   string
	}{
		{"", "", "", roster.WishNone, ""},
		{"active", "", "", roster.WishActive, ""},
		{"suspended", "", "", roster.WishSuspend, ""},
		{"leave", "", "", roster.WishLeave, ""},
		{"leaver", "", "", roster.WishLeaver, ""},
		{"", "1", "", roster.WishSuspend, ""},
		{"", "0", "", roster.WishActive, ""},
		{"", "", "1", roster.WishDelete, ""},
		{"", "", "0", roster.WishNone, ""},
		{"active", "1", "1", roster.WishDelete, ""},
		{"active", "0", "0", roster.WishActive, ""},
		{"leave", "0", "", roster.WishLeave, ""},
		{"leave", "1", "", roster.WishSuspend, ""},
		{"leaver", "1", "", roster.WishLeaver, ""},
		{"leaver", "0", "", roster.WishNone, clash},
		{"suspended", "0", "", roster.WishNone, clash},
		{"active", "1", "", roster.WishNone, clash},
		{"Active", "", "", roster.WishNone, clash},
		{"retired", "1", "", roster.WishSuspend, clash},
		{"retired", "", "1", roster.WishDelete, clash},
		{"", "yes", "", roster.WishNone, "E115 error suspended Suspended"},
		{"", "", "true", roster.WishNone, "E115 error deleted Deleted"},
		{"", "", "01", roster.WishNone, "E115 error deleted Deleted"},
	}
	m := map[string]Column{"employee_id": {From: "No"}, "status": {From: "Status"}, "suspended": {From: "Suspended"}, "deleted": {From: "Deleted"}}
	for _, tt := range tests {
		t.Run(tt.status+" "+tt.suspended+" "+tt.deleted, func(t *testing.T) {
			e := one(t, Options{Map: m}, "No;Status;Suspended;Deleted", "17;"+tt.status+";"+tt.suspended+";"+tt.deleted)
			same(t, "wish", e.Wish, tt.want)
			same(t, "problems", codes(e.Problems), tt.problems)
		})
	}
}

func TestR13OtherSpellingsAreTranslated(t *testing.T) {
	m := map[string]Column{
		"employee_id": {From: "No"},
		"suspended":   {From: "Locked", Values: map[string]string{"yes": "1", "no": "0", "": "0"}},
		"status":      {From: "Status", Values: map[string]string{"A": "active", "T": "leaver"}, Other: "keep"},
	}
	h := "No;Locked;Status"
	same(t, "yes", one(t, Options{Map: m}, h, "17;yes;").Wish, roster.WishSuspend)
	same(t, "empty", one(t, Options{Map: m}, h, "17;;").Wish, roster.WishActive)
	same(t, "unknown status", one(t, Options{Map: m}, h, "17;no;X").Wish, roster.WishActive)

	e := one(t, Options{Map: m}, h, "17;1;A")
	same(t, "outside the table", codes(e.Problems), "E115 error suspended Locked")
	same(t, "wish", e.Wish, roster.WishActive)
}

func TestR60AConstantStatusSpeaksForEveryRow(t *testing.T) {
	m := map[string]Column{"employee_id": {From: "No"}, "status": {Const: "leaver"}}
	same(t, "wish", one(t, Options{Map: m}, "No", "17").Wish, roster.WishLeaver)
}

func TestR35AnOldUsernameIsNormalisedLikeAUsername(t *testing.T) {
	m := map[string]Column{"employee_id": {From: "No"}, "oldusername": {From: "Old"}}
	same(t, "old username", one(t, Options{Map: m}, "No;Old", "17; Anna Nowak ").OldUsername, "annanowak")

	e := one(t, Options{Map: m, Standardise: "off"}, "No;Old", "17;Anna Nowak")
	same(t, "old username", e.OldUsername, "")
	same(t, "problems", codes(e.Problems), "E134 error oldusername Old")
}

func TestR46APreviousKeyIsNormalisedLikeTheKey(t *testing.T) {
	m := map[string]Column{"employee_id": {From: "No"}, "previous_key": {From: "Old"}}
	same(t, "previous key", one(t, Options{Map: m}, "No;Old", "17; ００16\u00a0").PreviousKey, "0016")

	e := one(t, Options{Map: m}, "No;Old", "17;1\u200b6")
	same(t, "previous key", e.PreviousKey, "")
	same(t, "problems", codes(e.Problems), "E104 error previous_key Old")

	m = map[string]Column{"username": {From: "No"}, "previous_key": {From: "Old"}}
	same(t, "of a username", one(t, Options{Map: m, Key: roster.Username}, "No;Old", "a;A.B").PreviousKey, "a.b")
}

func TestLookupsHaveABound(t *testing.T) {
	asked := 0
	m := newMemo(func(s string) (string, bool) { asked++; return s, true }, &flaw{code: "E122"})
	for range 2 {
		for i := range maxMemo + 10 {
			if v, wrong := m.form(strings.Repeat("x", i%50) + string(rune('a'+i/50))); v == "" || wrong != nil {
				t.Fatal("no answer")
			}
		}
	}
	same(t, "remembered", len(m.known), maxMemo)
	same(t, "asked", asked, maxMemo+20)
	if _, wrong := m.form(strings.Repeat("x", 65)); wrong == nil {
		t.Error("a text of 65 bytes was looked up")
	}
}
