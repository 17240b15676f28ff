package mapping

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"rollcall/internal/roster"
)

func TestValidateReportsEveryFaultByItsPath(t *testing.T) {
	tests := []struct {
		name string
		c    Column
		want string // paths
	}{
		{"emial", Column{From: "Mail"}, "emial"},
		{"email", Column{From: "a", Const: "b@example.org"}, "email"},
		{"email", Column{From: "a", Template: "{b}", Const: "c@example.org"}, "email"},
		{"email", Column{}, "email"},
		{"email", Column{From: "\u200b"}, "email.from"},
		{"email", Column{From: "{First}.{Last}"}, "email.from"},
		{"email", Column{From: "a", Date: "YYYY-MM-DD"}, "email.date"},
		{"email", Column{From: "a", Blank: "empty"}, "email.blank"},
		{"email", Column{From: "a", OnInvalid: "drop"}, "email.on_invalid"},
		{"email", Column{From: "a", OnTaken: "number"}, "email.on_taken"},
		{"email", Column{From: "a", OnTaken: "count"}, "email.on_taken email.on_taken"},
		{"email", Column{From: "a", Set: "never"}, "email.set"},
		{"email", Column{From: "a", Set: "until_noon"}, "email.set"},
		{"email", Column{From: "a", Transform: []string{"lower", "rot13"}}, "email.transform"},
		{"email", Column{From: "a", Other: "keep"}, "email.other"},
		{"email", Column{Const: "a@b.example", Values: map[string]string{"a": "b"}}, "email.values"},
		{"email", Column{Const: "nobody"}, "email.const"},
		{"email", Column{Template: "{a"}, "email.template"},
		{"email", Column{Template: "{}"}, "email.template"},
		{"email", Column{Template: "{a|rot13}"}, "email.template"},
		{"email", Column{Template: "{a|after:}"}, "email.template"},
		{"email", Column{Template: "%0f"}, "email.template"},
		{"email", Column{Template: "%99999f"}, "email.template"},
		{"email", Column{Template: strings.Repeat("x", 1001)}, "email.template"},
		{"email", Column{Template: strings.Repeat("%f", 65)}, "email.template"},
		{"email", Column{Default: "{a"}, "email.default"},
		{"username", Column{Template: "  "}, "username.template"},
		{"city", Column{Template: "\u00a0\u200b\t"}, "city.template"},
		{"city", Column{From: "a", Default: " "}, "city.default"},
		{"city", Column{Const: " "}, "city.const"},
		{"city", Column{From: "\x01"}, "city.from"},
		{"country", Column{Default: "UK"}, "country.default"},
		{"country", Column{Const: "Poland"}, "country.const"},
		{"language", Column{Default: "klingonish"}, "language.default"},
		{"timezone", Column{Const: "Warsaw"}, "timezone.const"},
		{"auth", Column{Const: "magic"}, "auth.const"},
		{"expires_on", Column{From: "a", Date: "yyyy"}, "expires_on.date"},
		{"expires_on", Column{Default: "30.11.2026"}, "expires_on.default"},
		{"username", Column{Template: "%u"}, "username.template"},
		{"username", Column{Default: "%u"}, "username.default"},
		{"username", Column{Const: "guest"}, "username.const"},
		{"username", Column{From: "a", Blank: "clear"}, "username.blank"},
		{"username", Column{From: "a", OnInvalid: "blank"}, "username.on_invalid"},
		{"employee_id", Column{Const: "17"}, "employee_id.const"},
		{"employee_id", Column{Default: "{a}"}, "employee_id"},
		{"employee_id", Column{Template: "%u"}, "employee_id.template"},
		{"employee_id", Column{From: "a", Default: "7"}, "employee_id.default"},
		{"employee_id", Column{From: "a", Blank: "clear"}, "employee_id.blank"},
		{"last_name", Column{Template: "%l"}, "last_name.template"},
		{"last_name", Column{Default: "%l"}, "last_name.default"},
		{"suspended", Column{From: "a", Default: "1"}, "suspended.default"},
		{"suspended", Column{From: "a", Values: map[string]string{"y": "yes"}}, "suspended.values"},
		{"status", Column{From: "a", Values: map[string]string{"A": "activ", "B": "deleted", "C": "leave"}}, "status.values status.values"},
		{"status", Column{From: "a", Values: map[string]string{"A": "active"}, Other: "gone"}, "status.other"},
		{"status", Column{Const: "gone"}, "status.const"},
		{"status", Column{Template: "{a}"}, "status.template"},
		{"oldusername", Column{Const: "a"}, "oldusername.const"},
		{"previous_key", Column{From: "a", Set: "once", OnTaken: "number"}, "previous_key.on_taken previous_key.set"},
		{"roles", Column{From: "a"}, "roles"},
		{"cohorts", Column{From: "a"}, "cohorts"},
		{"password", Column{From: "a", Date: "DD.MM.YYYY"}, "password.date"},
		{"fields.", Column{From: "a"}, "fields."},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, " ", tt.want), func(t *testing.T) {
			o := Options{Map: maps.Clone(people)}
			o.Map[tt.name] = tt.c
			var paths []string
			for _, f := range o.Validate() {
				paths = append(paths, f.Path)
				if f.Text == "" || strings.HasSuffix(f.Text, ".") {
					t.Errorf("text = %q", f.Text)
				}
			}
			same(t, "paths", strings.Join(paths, " "), tt.want)
			if _, _, err := Compile(o, []string{"No", "First", "Last", "a", "b"}); err == nil {
				t.Error("it was compiled all the same")
			}
		})
	}
}

func TestValidateTakesWhatTheContractShows(t *testing.T) {
	o := Options{Map: map[string]Column{
		"employee_id": {From: "PersonNo"},
		"username":    {Template: "%-1f%-l", Transform: []string{"ascii"}, OnTaken: "number"},
		"email":       {From: "WorkEmail", OnInvalid: "keep"},
		"status":      {From: "Status", Values: map[string]string{"A": "active", "L": "leave", "T": "leaver"}, Other: "reject"},
		"expires_on":  {From: "EndDate", Date: "DD.MM.YYYY", Blank: "clear"},
		"language":    {From: "Lang", Default: "en"},
		"timezone":    {Const: "Europe/Warsaw"},
		"site":        {Template: "{Hospital}/{Building}"},
		"starts_on":   {Default: "2026-12-01"},
		"last_name":   {From: "Family", Default: "%f"},
		"first_name":  {From: "Given"},
		"url":         {Default: "http://www.example.com/~%u/"},
		"suspended":   {From: "Locked", Values: map[string]string{"Y": "1", "N": "0", "?": ""}},
	}}
	for _, f := range o.Validate() {
		t.Error(f)
	}
	for _, f := range (Options{}).Validate() {
		t.Error("without a map:", f)
	}
}

func TestValidateKnowsWhatWasMeant(t *testing.T) {
	o := Options{Map: with(map[string]Column{"emial": {From: "a"}, "shoe": {From: "a"}})}
	faults := o.Validate()
	same(t, "hint", faults[0].Hint, `did you mean "email"?`)
	if !strings.HasPrefix(faults[1].Hint, "write one of status, suspended") {
		t.Errorf("hint = %q", faults[1].Hint)
	}
}

func TestValidateMissesTheKey(t *testing.T) {
	o := Options{Map: map[string]Column{"username": {From: "Login"}}}
	same(t, "faults without the key", len(o.Validate()), 1)
	same(t, "path", o.Validate()[0].Path, "employee_id")

	o.Fallback = true
	same(t, "faults with a fallback", len(o.Validate()), 0)

	o = Options{Key: roster.Username, Map: map[string]Column{"username": {Template: "{a}"}}}
	same(t, "path", o.Validate()[0].Path, "username.template")

	o = Options{Standardise: "maybe"}
	same(t, "faults of another word", len(o.Validate()), 1)
}

func TestDigestTellsMappingsApart(t *testing.T) {
	base := func() Options {
		return Options{Map: map[string]Column{
			"employee_id": {From: "No"}, "status": {From: "S", Values: map[string]string{"A": "active", "B": "leave", "C": "leaver"}}, "city": {From: "C"},
		}}
	}
	want := base().Digest()
	for range 20 {
		same(t, "digest of the same", base().Digest(), want)
	}
	same(t, "length", len(want), 64)

	o := base()
	o.Standardise, o.Auth, o.Zone = "on", []string{"saml2", "oauth2", "ldap", "manual"}, time.UTC
	same(t, "digest with the defaults written out", o.Digest(), want)

	for name, change := range map[string]func(*Options){
		"key":         func(o *Options) { o.Key = roster.Email },
		"fallback":    func(o *Options) { o.Fallback = true },
		"standardise": func(o *Options) { o.Standardise = "off" },
		"auth":        func(o *Options) { o.Auth = []string{"manual"} },
		"zone":        func(o *Options) { o.Zone = warsaw(t) },
		"a column":    func(o *Options) { o.Map["city"] = Column{From: "D"} },
		"a value":     func(o *Options) { o.Map["status"].Values["A"] = "leave" },
		"a transform": func(o *Options) { o.Map["city"] = Column{From: "C", Transform: []string{"lower"}} },
		"a mode":      func(o *Options) { o.Map["city"] = Column{From: "C", Set: roster.SetOnce} },
		"one less":    func(o *Options) { delete(o.Map, "city") },
	} {
		o := base()
		change(&o)
		if o.Digest() == want {
			t.Errorf("%s does not change the digest", name)
		}
	}
}
