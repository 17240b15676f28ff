package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

// erased3 anonymises account 3.
func erased3(_ *Options, m *memory) {
	c, err := ada.Anonymise(m.account("3"))
	if err != nil {
		panic(err)
	}
	m.apply(Plan{Changes: []Change{c}})
}

func TestStoriesOfErasedKeysR45R49(t *testing.T) {
	two := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}
	again := append(two[:2:2], row(4, "3", "u3"))
	tell(t, []story{
		{"R45 a feed that still names it gets E307 and no new account", erased3, again, []string{"E307 line 4 error"}},
		{"R45 the control: without the hash there is a new account", func(o *Options, m *memory) { erased3(o, m); m.erased = nil }, again, []string{"add 3 u3"}},
		{"R45 nobody is absent because of it", erased3, two, nil},
		{"R66 deleting it again is nothing", func(o *Options, m *memory) { erased3(o, m); o.Policy.Delete = true }, append(two[:2:2], row(4, "3", "u3", wishes(roster.WishDelete))), nil},
		{"R49 a person decides that the key is somebody new", func(o *Options, m *memory) { erased3(o, m); m.decided["3"] = true }, again, []string{"add 3 u3"}},
		{"R3 its row protects who bears its name", func(o *Options, m *memory) { erased3(o, m); m.account("2").Links[0].Key = "9" }, []roster.Entry{row(2, "1", "u1"), row(3, "3", "u2")}, []string{"E307 line 3 error"}},
	})
}

func TestR63WhatMayBeErasedAndWhatComesOfIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		with func(*Options, *memory)
		want string
	}{
		{"an active account", nil, ""},
		{"a deleted one", deleted3, ""},
		{"R64 a protected one", func(_ *Options, m *memory) { m.account("3").Values[roster.Username] = "Root" }, "E304"},
		{"one under a legal hold", held3, "E304"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("1", "3")
			if tt.with != nil {
				tt.with(nil, m)
			}
			for _, erase := range []func(*roster.Account) (Change, error){ada.Anonymise, ada.Purge} {
				c, err := erase(m.account("3"))
				if tt.want != "" {
					if err == nil || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("error %v, want %q", err, tt.want)
					}
					continue
				}
				if err != nil || !c.Erases() {
					t.Fatalf("%+v, %v", c, err)
				}
				for _, f := range c.Fields {
					if f.Field < roster.NumFeedFields {
						t.Errorf("the plan tells %s", f.Name)
					}
				}
			}
		})
	}
	m := directory("3")
	erased3(nil, m)
	if _, err := ada.Anonymise(&m.accounts[0]); !errors.Is(err, ErrNothing) {
		t.Errorf("anonymised twice: %v", err)
	}
	if back, left := Opposite(Change{Action: Update, Account: m.accounts[0].ID}, &m.accounts[0]); back != nil || len(left) != 1 || !strings.Contains(left[0].Text, "anonymised") {
		t.Errorf("R103: %+v, %+v", back, left)
	}
	if _, err := ada.Restore(&m.accounts[0], nil, Wants{}, Found{}); err == nil {
		t.Error("who is anonymised was restored")
	}
}

func TestR63TermsAskForErasureOnTheirDay(t *testing.T) {
	ago := func(days int) string { return roster.Stamp(noon.AddDate(0, 0, -days)) }
	terms := Forgotten{Anonymise: ago(365), Purge: ago(730)}
	for _, tt := range []struct {
		name    string
		deleted string
		with    func(*roster.Account)
		terms   Forgotten
		want    Action
	}{
		{"not deleted", "", func(a *roster.Account) { a.Values[roster.StatusField] = string(roster.Active) }, terms, ""},
		{"a day before", ago(364), nil, terms, ""},
		{"on the day", ago(365), nil, terms, Anonymise},
		{"not twice", ago(400), func(a *roster.Account) { a.Values[roster.StatusReason] = string(roster.Anonymised) }, terms, ""},
		{"the second day", ago(730), func(a *roster.Account) { a.Values[roster.StatusReason] = string(roster.Anonymised) }, terms, Purge},
		{"a legal hold", ago(900), func(a *roster.Account) { a.Values[roster.LegalHold] = ago(1) }, terms, ""},
		{"R64 protected", ago(900), func(a *roster.Account) { a.Values[roster.Username] = "root" }, terms, ""},
		{"no terms", ago(9000), nil, Forgotten{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("3")
			deleted3(nil, m)
			a := m.account("3")
			a.Values[roster.DeletedAt] = tt.deleted
			if tt.with != nil {
				tt.with(a)
			}
			if c, ok := ada.ByTerm(a, tt.terms); c.Action != tt.want || ok != (tt.want != "") {
				t.Errorf("%s, %v; want %s", c.Action, ok, tt.want)
			}
		})
	}
	if all := slices.DeleteFunc([]Action{Suspend, Delete, Anonymise, Purge, Update}, Action.Removes); !slices.Equal(all, []Action{Update}) {
		t.Errorf("these remove nobody: %v", all)
	}
}
