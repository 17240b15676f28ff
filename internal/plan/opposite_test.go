package plan

import (
	"testing"

	"rollcall/internal/roster"
)

// suspendedBy is a run that suspended account 1 and moved it to Ulm.
func suspendedBy(t *testing.T) (*memory, Change) {
	t.Helper()
	m := directory("1", "2")
	p, _ := planned(t, staff(), m, row(2, "1", "u1", wishes(roster.WishLeaver), says(roster.City, "Ulm")), row(3, "2", "u2"))
	m.apply(p)
	return m, p.Changes[0]
}

func TestR103WhatChangedSinceIsLeftAloneAndTold(t *testing.T) {
	m, c := suspendedBy(t)
	m.account("1").Values[roster.City] = "Bonn"
	back, left := Opposite(c, m.account("1"))
	if back == nil || back.Action != Reactivate || back.Field(roster.City) != nil {
		t.Errorf("back %+v", back)
	}
	if len(left) != 1 || left[0].Field != "city" || left[0].Severity != roster.SeverityNote {
		t.Errorf("left %+v", left)
	}
}

func TestR103ALaterSuspensionIsNotTakenBackWithAnEarlierOne(t *testing.T) {
	m, c := suspendedBy(t)
	v := &m.account("1").Values // reactivated, and suspended by a person, since
	v[roster.StatusBy], v[roster.StatusReason], v[roster.StatusSince] = "person:ada", string(roster.ByHand), "2026-09-02T12:00:00Z"
	back, left := Opposite(c, m.account("1"))
	if back == nil || back.Action != Update || back.Field(roster.StatusField) != nil || back.Field(roster.City) == nil {
		t.Errorf("back %+v, want the city alone", back)
	}
	if len(left) == 0 {
		t.Error("nobody is told that the status is left alone")
	}
}

func TestR103WhatIsAsBeforeAlreadyNeedsNothing(t *testing.T) {
	m, c := suspendedBy(t)
	a := m.account("1")
	for _, f := range c.Fields {
		a.Values[f.Field] = f.Old
	}
	a.Link("hr").Claim = roster.ClaimActive
	back, left := Opposite(c, a)
	if back != nil || len(left) != 0 {
		t.Errorf("back %+v, left %+v", back, left)
	}
	a.Link("hr").Key = "another"
	if back, left := Opposite(c, a); back != nil || len(left) != 1 {
		t.Errorf("its link has moved: back %+v, left %+v", back, left)
	}
	if back, left := Opposite(c, nil); back != nil || len(left) != 1 {
		t.Errorf("of an account that is gone: back %+v, left %+v", back, left)
	}
}

func TestR103AnAddedAccountIsRemovedOutrightIfNobodyElseChangedIt(t *testing.T) {
	m := directory()
	p, _ := planned(t, staff(), m, row(2, "1", "u1"))
	m.apply(p)
	c := p.Changes[0]
	c.Account = m.account("1").ID
	back, left := Opposite(c, m.account("1"))
	if back == nil || back.Action != Purge || len(left) != 0 || Takes(*back) != "" {
		t.Fatalf("back %+v, left %+v", back, left)
	}
	m.account("1").Version++
	if back, left := Opposite(c, m.account("1")); back != nil || len(left) != 1 {
		t.Errorf("changed since: back %+v, left %+v", back, left)
	}
}

func TestTakesIsTheNameThatAChangeNeedsToBeFree(t *testing.T) {
	status := FieldChange{Field: roster.StatusField, Old: string(roster.Deleted), New: string(roster.Active)}
	tests := []struct {
		name string
		c    Change
		want string
	}{
		{"a rename", Change{Username: "x1", Fields: []FieldChange{{Field: roster.Username, Old: "u1", New: "x1"}}}, "x1"},
		{"a return", Change{Username: "u1", Fields: []FieldChange{status}}, "u1"},
		{"a suspension", Change{Username: "u1", Fields: []FieldChange{{Field: roster.StatusField, Old: "active", New: "suspended"}}}, ""},
	}
	for _, tt := range tests {
		if got := Takes(tt.c); got != tt.want {
			t.Errorf("%s takes %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestR103R80WhoLogsInOtherwiseAfterARevertHasNoPasswordHere(t *testing.T) {
	o, m := staff(), directory("1")
	o.Policy.GeneratePassword = true
	m.account("1").Values[roster.Auth] = "ldap"
	p, _ := planned(t, o, m, row(2, "1", "u1", says(roster.Auth, "manual")))
	m.apply(p)
	sent := roster.NewPassword(noon, true).String() // the welcome mail is no run
	m.account("1").Values[roster.PasswordField] = sent
	back, left := Opposite(p.Changes[0], m.account("1"))
	if back == nil || back.Field(roster.Auth) == nil || back.Field(roster.PasswordField) == nil || back.Field(roster.PasswordField).New != "" || back.Field(roster.PasswordField).Old != sent {
		t.Errorf("back %+v, left %+v, want the password gone", back, left)
	}

	o, m = staff(), directory("1")
	m.account("1").Values[roster.PasswordField] = sent
	p, _ = planned(t, o, m, row(2, "1", "u1", says(roster.Auth, "ldap"), says(roster.City, "Ulm")))
	m.apply(p)
	m.account("1").Values[roster.Auth] = "saml2"
	back, left = Opposite(p.Changes[0], m.account("1"))
	if back == nil || back.Field(roster.City) == nil || back.Field(roster.PasswordField) != nil {
		t.Errorf("back %+v, want no password for saml2", back)
	}
	told := 0
	for _, l := range left {
		if l.Field == "auth" || l.Field == "password" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("left %+v, want both told", left)
	}
}
