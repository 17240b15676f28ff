package plan

import (
	"slices"
	"testing"
	"time"

	"rollcall/internal/roster"
)

// dated is an account of hr with the instants between which it is active.
func dated(status roster.Status, why roster.Reason, by roster.Origin, starts, ends time.Time) *roster.Account {
	a := &roster.Account{ID: 7, Version: 4, Links: []roster.Link{{Profile: "hr", Key: "00123", Claim: roster.ClaimActive}}}
	v := &a.Values
	v[roster.EmployeeID], v[roster.Username] = "00123", "ada"
	v[roster.StatusField], v[roster.StatusReason], v[roster.StatusBy] = string(status), string(why), string(by)
	v[roster.StartsAt], v[roster.ExpiresAt] = roster.Stamp(starts), roster.Stamp(ends)
	v[roster.StartsOn], v[roster.ExpiresOn] = "the day it starts", "the last day"
	return a
}

// root are the protected of these tests.
var root = Protected{Names: []string{"root"}}

func TestR71TheSweepDoesWhatTheDatesAskForAndNothingElse(t *testing.T) {
	never, hour := time.Time{}, time.Hour
	past, future := noon.Add(-hour), noon.Add(hour)
	gone := func(a *roster.Account) { a.Links[0].Claim = roster.ClaimGone }
	tests := []struct {
		name string
		a    *roster.Account
		with func(*roster.Account)
		want Action // "" where the account is left alone
	}{
		{"no dates", dated(roster.Active, "", "", never, never), nil, ""},
		{"the end is an hour ahead", dated(roster.Active, "", "", never, future), nil, ""},
		{"the end is this instant", dated(roster.Active, "", "", never, noon), nil, Suspend},
		{"the end is past", dated(roster.Active, "", "", never, past), nil, Suspend},
		{"the end is past, and it is suspended already", dated(roster.Suspended, roster.Expired, roster.OriginDate, never, past), nil, ""},
		{"the start is this instant", dated(roster.Suspended, roster.NotStarted, roster.OriginDate, noon, never), nil, Reactivate},
		{"the start is ahead", dated(roster.Suspended, roster.NotStarted, roster.OriginDate, future, never), nil, ""},
		{"start and end are past", dated(roster.Suspended, roster.NotStarted, roster.OriginDate, past, past), nil, ""},
		{"the start is past, but a person suspended it (R61)", dated(roster.Suspended, roster.ByHand, "person:ada", past, never), nil, ""},
		{"the start is past, but no feed claims it (R75)", dated(roster.Suspended, roster.NotStarted, roster.OriginDate, past, never), gone, ""},
		{"the start is past, and no feed ever knew it", dated(roster.Suspended, roster.NotStarted, roster.OriginDate, past, never), func(a *roster.Account) { a.Links = nil }, Reactivate},
		{"the end is past, and it is protected (R64)", dated(roster.Active, "", "", never, past), func(a *roster.Account) { a.Values[roster.Username] = "Root" }, ""},
		{"the end is past, and it is deleted", dated(roster.Deleted, roster.Leaver, "hr", never, past), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.with != nil {
				tt.with(tt.a)
			}
			c, ok := ByDates(tt.a, root, roster.Stamp(noon))
			if c.Action != tt.want || ok != (tt.want != "") {
				t.Fatalf("action %q, %v; want %q", c.Action, ok, tt.want)
			}
			if !ok {
				return
			}
			if !c.ByDate || c.Account != 7 || c.Version != 4 || c.Reason == "" {
				t.Errorf("change %+v", c)
			}
			after := &memory{accounts: []roster.Account{*tt.a}}
			after.apply(Plan{Changes: []Change{c}})
			if c, again := ByDates(after.byID(7), root, roster.Stamp(noon)); again {
				t.Errorf("swept, and due again: %+v", c)
			}
		})
	}
}

func TestAPersonSuspendsAndActivates(t *testing.T) {
	never, past := time.Time{}, noon.Add(-time.Hour)
	tests := []struct {
		name   string
		a      *roster.Account
		action Action
		done   bool
	}{
		{"an active account is suspended", dated(roster.Active, "", "", never, never), Suspend, true},
		{"a suspended one is suspended already", dated(roster.Suspended, roster.Missing, "hr", never, never), Suspend, false},
		{"a suspended one is activated, whoever suspended it", dated(roster.Suspended, roster.Missing, "hr", never, never), Reactivate, true},
		{"an active one is active already", dated(roster.Active, "", "", never, never), Reactivate, false},
		{"one that has expired stays suspended", dated(roster.Suspended, roster.Expired, roster.OriginDate, never, past), Reactivate, false},
		{"a deleted one is not suspended", dated(roster.Deleted, roster.Leaver, "hr", never, never), Suspend, false},
		{"a deleted one is not activated", dated(roster.Deleted, roster.Leaver, "hr", never, never), Reactivate, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ByHand(tt.a, tt.action, Protected{}, roster.Person("ada"), "asked by phone", roster.Stamp(noon))
			if (err == nil) != tt.done {
				t.Fatalf("error %v, want done: %v", err, tt.done)
			}
			if !tt.done {
				return
			}
			if c.Action != tt.action || c.Reason != "asked by phone" || c.Field(roster.StatusBy).New != "person:ada" || c.Field(roster.StatusSince).New != roster.Stamp(noon) {
				t.Errorf("change %+v", c)
			}
			if !slices.IsSortedFunc(c.Fields, func(a, b FieldChange) int { return int(a.Field) - int(b.Field) }) {
				t.Errorf("fields in no order: %+v", c.Fields)
			}
		})
	}
	if _, err := ByHand(dated(roster.Active, "", "", never, never), Suspend, Protected{Names: []string{"a?a"}}, "person:ada", "", roster.Stamp(noon)); err == nil {
		t.Error("R64: a protected account was suspended by hand")
	}
}

func TestR49APersonTiesAKeyToAnAccountAndTakesItAway(t *testing.T) {
	m := directory("1", "2", "3")
	deleted3(nil, m)
	a := m.account("3")
	m.apply(Plan{Changes: []Change{Tie(a, "hr", "9", "the same person")}})
	if l := m.account("3").Link("hr"); l.Key != "9" || l.Claim != roster.ClaimActive || !l.Decided {
		t.Fatalf("link %+v", l)
	}
	p, _ := planned(t, staff(), m, row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", without(roster.Email)))
	if len(p.Changes) != 1 || p.Changes[0].Action != Reactivate || p.Changes[0].Username != "u3" {
		t.Errorf("the next run does not follow the person: %v", p.told())
	}

	was := *m.account("3").Link("hr")
	c, ok := Untie(m.account("3"), "hr", "somebody else")
	if !ok {
		t.Fatal("no link to take away")
	}
	m.apply(Plan{Changes: []Change{c}})
	if l := m.account("3").Link("hr"); l != nil {
		t.Fatalf("link %+v", l)
	}
	if _, ok := Untie(m.account("3"), "hr", "again"); ok {
		t.Error("a link was taken away twice")
	}
	back, _ := Opposite(c, m.account("3"))
	m.apply(Plan{Changes: []Change{*back}})
	if l := m.account("3").Link("hr"); l == nil || *l != was {
		t.Errorf("taken back: link %+v, want %+v", l, was)
	}
}
