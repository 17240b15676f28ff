package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/password"
	"rollcall/internal/roster"
)

// secret says that a record gives a password.
func secret(p roster.Clear) func(*roster.Entry) { return func(e *roster.Entry) { e.Password = p } }

// passworded is a site whose accounts 1, 2 and 3 have the password Old-pass-1,
// and a profile that may change it. asked counts the comparisons.
func passworded(asked *int, more ...func(*Options)) (Options, *memory) {
	o, m := staff(), directory("1", "2", "3")
	o.Passwords.Site, o.Policy.Passwords = password.DefaultPolicy(), "update"
	for i := range m.accounts {
		a := &m.accounts[i]
		a.Values[roster.PasswordField] = roster.NewPassword(noon.AddDate(0, -1, 0), false).String()
	}
	o.Passwords.Same = func(_ context.Context, guesses []Guess) ([]bool, error) {
		same := make([]bool, len(guesses))
		for i, g := range guesses {
			*asked++
			same[i] = g.Password == "Old-pass-1"
		}
		return same, nil
	}
	for _, f := range more {
		f(&o)
	}
	return o, m
}

func TestR81WhoComesToLogInHereAwaitsAPassword(t *testing.T) {
	for _, tt := range []struct {
		name string
		with func(*Options)
		row  []func(*roster.Entry)
		want string
	}{
		{"none is given", nil, nil, roster.AwaitedPassword().String()},
		{"one is given, which may not be used (R84)", nil, []func(*roster.Entry){secret("New-pass-1")}, roster.AwaitedPassword().String()},
		{"one is given", func(o *Options) { o.Policy.Passwords = "update" }, []func(*roster.Entry){secret("New-pass-1")}, "set 2026-09-01T12:00:00"},
		{"a 0 is given (R17)", func(o *Options) { o.Policy.Passwords = "update" }, []func(*roster.Entry){secret("0")}, roster.AwaitedPassword().String()},
		{"none is made", func(o *Options) { o.Policy.GeneratePassword = false }, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, m := staff(), directory("1", "2")
			o.Policy.GeneratePassword = true
			if tt.with != nil {
				tt.with(&o)
			}
			m.account("1").Values[roster.Auth] = "ldap"
			p, f := planned(t, o, m, row(2, "1", "u1", append(tt.row, says(roster.Auth, "manual"))...), row(3, "2", "u2", says(roster.Auth, "manual")))
			m.apply(p)
			if got := m.account("1").Values[roster.PasswordField]; !strings.HasPrefix(got, tt.want) || got == "" != (tt.want == "") {
				t.Errorf("password %q, want %q", got, tt.want)
			}
			if got := m.account("2").Values[roster.PasswordField]; got != "" {
				t.Errorf("who logged in here before: %q", got)
			}
			if want := map[bool]int{true: 1}[tt.want == roster.AwaitedPassword().String()]; f.Passwords.ToGenerate != want || f.Passwords.Welcome != want {
				t.Errorf("counted %+v, want %d to be made", f.Passwords, want)
			}
		})
	}
}

func TestR84OnlyAnotherPasswordIsAChange(t *testing.T) {
	asked := 0
	o, m := passworded(&asked)
	p, f := planned(t, o, m, row(2, "1", "u1", secret("Old-pass-1")), row(3, "2", "u2", secret("New-pass-1")), row(4, "3", "u3"))
	if len(p.Changes) != 1 || p.Changes[0].Account != 2 || p.Changes[0].Clear != "New-pass-1" || f.Passwords.Given != 1 || f.FieldChanges["password"] != 1 {
		t.Errorf("changes %+v, facts %+v %v", p.Changes, f.Passwords, f.FieldChanges)
	}
	if asked != 2 {
		t.Errorf("%d comparisons, want those of the two records that give one", asked)
	}
	for _, tt := range []struct {
		name string
		with func(*Options)
	}{
		{"passwords: add", func(o *Options) { o.Policy.Passwords = "add" }},
		{"passwords: ignore", func(o *Options) { o.Policy.Passwords = "ignore" }},
		{"update: none", func(o *Options) { o.Policy.Update = "none" }},
		{"update: fill_missing", func(o *Options) { o.Policy.Update = "fill_missing" }},
	} {
		asked = 0
		o, m := passworded(&asked, tt.with)
		if p, _ := planned(t, o, m, row(5, "1", "u1"), row(6, "2", "u2", secret("New-pass-1")), row(7, "3", "u3")); len(p.Changes) != 0 || asked != 0 {
			t.Errorf("%s: %d comparisons, %+v", tt.name, asked, p.Changes)
		}
	}
}

func TestR54TwoFeedsDoNotSetAPasswordInTurn(t *testing.T) {
	asked := 0
	o, m := passworded(&asked)
	for i := range m.accounts {
		a := &m.accounts[i]
		state := a.Password()
		state.By = "ad"
		a.Values[roster.PasswordField] = state.String()
		if a.ID < 3 {
			a.Links = append(a.Links, roster.Link{Profile: "ad", Key: "x", Claim: roster.ClaimActive})
		}
	}
	rows := []roster.Entry{row(2, "1", "u1", secret("New-pass-1")), row(3, "2", "u2", secret("Old-pass-1")), row(4, "3", "u3", secret("New-pass-1"))}
	p, f := planned(t, o, m, rows...)
	if len(p.Changes) != 1 || p.Changes[0].Account != 3 || f.Notes != 1 || len(p.Problems) != 1 || p.Problems[0].Code != "E310" {
		t.Errorf("the other feed's password is overwritten: %+v %+v", p.Changes, p.Problems)
	}
	if got := roster.ReadPasswordState(p.Changes[0].Field(roster.PasswordField).New).By; got != "hr" {
		t.Errorf("the new password is by %q", got)
	}
	o.Authority = map[string][]string{"password": {"hr"}}
	if p, _ := planned(t, o, m, rows...); len(p.Changes) != 2 {
		t.Errorf("with authority over it: %+v", p.Changes)
	}
}

func TestR41RowsThatDifferInThePasswordAlone(t *testing.T) {
	asked := 0
	o, m := passworded(&asked)
	_, f := planned(t, o, m, row(8, "1", "u1", secret("New-pass-1")), row(9, "1", "u1", secret("New-pass-2")), row(10, "2", "u2", secret("New-pass-1")), row(11, "2", "u2", secret("New-pass-1")), row(12, "3", "u3"))
	if f.Rows.Rejected != 2 || f.Rows.Skipped != 1 {
		t.Errorf("rows = %+v: those of 1 differ, those of 2 are equal", f.Rows)
	}
}

// A comparison costs as much as a hash: a record is compared once, however it
// finds its account.
func TestR84ARecordIsComparedOnce(t *testing.T) {
	asked := 0
	o, m := passworded(&asked)
	o.Match.Fallback.By = "username"
	for i := range m.accounts {
		a := &m.accounts[i]
		a.Links, a.Values[roster.EmployeeID] = nil, ""
	}
	p, _ := planned(t, o, m, row(13, "1", "u1", secret("Old-pass-1")), row(14, "2", "u2", secret("New-pass-1")), row(15, "3", "u3", secret("Old-pass-1")))
	if asked != 3 || len(p.Changes) != 3 {
		t.Errorf("%d comparisons for 3 records, changes %+v", asked, p.Changes)
	}
	for _, c := range p.Changes {
		if set := c.Field(roster.PasswordField) != nil; set != (c.Account == 2) {
			t.Errorf("account %d: %+v", c.Account, c.Fields)
		}
	}
}

func TestR81FactsOfWelcomeMails(t *testing.T) {
	o, m := staff(), directory()
	o.Policy.GeneratePassword, o.Policy.MaxWelcome = true, 1
	o.Required = nil
	starts := func(e *roster.Entry) {
		e.Values[roster.StartsOn], e.Set = "2027-01-01", e.Set.With(roster.StartsOn)
	}
	nowhere := func(e *roster.Entry) { e.Values[roster.Email], e.Set = "", e.Set.Without(roster.Email) }
	_, f := planned(t, o, m, row(16, "1", "u1"), row(17, "2", "u2"), row(18, "3", "u3", starts), row(19, "4", "u4", nowhere), row(20, "5", "u5", secret("Given-Pass-1")))
	if got, want := fmt.Sprintf("%+v", f.Passwords), "{Given:1 ToGenerate:4 Weak:0 Removed:0 Welcome:2 NoAddress:1 Later:1 Waits:true}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestMeaningsOfRecordsWithAPasswordAreNeverKept(t *testing.T) {
	e := row(21, "1", "u1", secret("Given-Pass-1"))
	if hash, _ := (Options{Seed: 7}).Meaning(e, nil); hash != 0 {
		t.Error("a quick hash is made of a password")
	}
	if hash, _ := (Options{Seed: 7}).Meaning(row(22, "1", "u1"), nil); hash == 0 {
		t.Error("the control has none")
	}
}

func TestStoriesOfAPasswordThatMustStandInTheFileR43(t *testing.T) {
	needs := func(o *Options, _ *memory) { o.Required = append(o.Required, roster.PasswordField) }
	own := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}
	newcomer := func(more ...func(*roster.Entry)) []roster.Entry {
		return append(slices.Clone(own), row(5, "9", "u9", more...))
	}
	tell(t, []story{
		{"R43 a newcomer without one is rejected", needs, newcomer(), []string{"E120 line 5 error"}},
		{"R43 one with a password is added", needs, newcomer(secret("Good-pass-1")), []string{"add 9 u9"}},
		{"R17 a password of 0 is none, and is told", needs, newcomer(secret("0")), []string{"E120 line 5 error", "E127 line 5 warning"}},
		{"R80 who logs in elsewhere needs none", needs, newcomer(says(roster.Auth, "ldap")), []string{"add 9 u9"}},
		{"R43 without that word nobody needs one", nil, newcomer(), []string{"add 9 u9"}},
	})
}
