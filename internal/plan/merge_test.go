package plan

import (
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func TestR46APersonGivesAnAccountAnotherKey(t *testing.T) {
	m := directory("1", "2")
	m.account("1").Links = append(m.account("1").Links, roster.Link{Profile: "learning", Key: "L-1", Claim: roster.ClaimActive})
	find := func(key roster.Key) Found {
		f, _ := m.Find(t.Context(), Query{Profile: "hr", Keys: []roster.Key{key}, Field: roster.EmployeeID, Values: []string{roster.Fold(string(key))}})
		return f
	}
	if _, err := ada.Rekey(m.account("1"), "", "1", "2", find("2")); err == nil || !strings.Contains(err.Error(), "E301") {
		t.Errorf("another's key: %v", err)
	}
	if _, err := ada.Rekey(m.account("1"), "learning", "9", "8", find("8")); err == nil {
		t.Error("a key that it has not was moved")
	}
	c, err := ada.Rekey(m.account("1"), "", "1", "7", find("7"))
	if err != nil || c.Action != Update || len(c.Links) != 1 || !c.Links[0].Decided {
		t.Fatalf("%+v, %v", c, err)
	}
	before := *clone(m.account("1"))
	m.apply(Plan{Changes: []Change{c}})
	if l := m.account("7").Link("learning"); l == nil || l.Key != "L-1" {
		t.Errorf("another feed's key moved too: %+v", l)
	}
	rows := []roster.Entry{row(2, "7", "u1", says(roster.FirstName, "First 1"), says(roster.LastName, "Last 1"), says(roster.Email, "p1@example.org")), row(3, "2", "u2")}
	if p, _ := planned(t, staff(), m, rows...); len(p.told()) > 0 {
		t.Errorf("the next drop with the new key: %v", p.told())
	}
	if p, _ := planned(t, staff(), directory("1", "2"), rows...); len(p.told()) == 0 { // the control
		t.Errorf("without it there is nothing to tell")
	}
	back, _ := Opposite(c, m.account("7"))
	m.apply(Plan{Changes: []Change{*back}})
	if l := m.account("1").Link("hr"); l == nil || *l != before.Links[0] && l.Key != "1" {
		t.Errorf("R103: taken back: %+v", l)
	}
}

func TestR49TwoAccountsOfOnePersonBecomeOne(t *testing.T) {
	live := func(m *memory) { m.account("2").Links[0].Profile = "learning" }
	for _, tt := range []struct {
		name string
		with func(*memory)
		want string // in the error
		hr   roster.Key
	}{
		{"by links of different feeds", live, "", "1"},
		{"the one that stays is gone in HR", func(m *memory) { m.account("2").Links[0].Claim = roster.ClaimGone }, "", "1"},
		{"the one that goes is gone in HR", func(m *memory) { m.account("1").Links[0].Claim = roster.ClaimGone }, "", "2"},
		{"HR lists both", nil, "HR must end one", ""},
		{"the one that goes is protected (R64)", func(m *memory) { live(m); m.account("1").Values[roster.Username] = "root" }, "E304", ""},
		{"the one that goes is under a legal hold", func(m *memory) { live(m); m.account("1").Values[roster.LegalHold] = roster.Stamp(noon) }, "E304", ""},
		{"the one that stays is deleted", func(m *memory) { live(m); m.account("2").Values[roster.StatusField] = string(roster.Deleted) }, "merge the other way round", ""},
		{"the one that goes is deleted already", func(m *memory) { live(m); m.account("1").Values[roster.StatusField] = string(roster.Deleted) }, "", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("1", "2")
			m.account("1").Values[roster.City], m.account("1").Origins[roster.City] = "Ulm", "hr"
			m.account("1").Values[roster.ExpiresOn] = "2026-12-31"
			if tt.with != nil {
				tt.with(m)
			}
			ward := roster.Grant{Membership: roster.Membership{Kind: roster.CohortKind, Name: "ward-3"}, Origin: "hr"}
			icu := roster.Grant{Membership: roster.Membership{Kind: roster.CohortKind, Name: "icu"}, Origin: "hr"}
			m.accounts[0].Grants, m.accounts[1].Grants = []roster.Grant{icu, ward}, []roster.Grant{ward}
			changes, err := ada.Merge(&m.accounts[0], &m.accounts[1])
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m.apply(Plan{Changes: changes})
			gone, stays := &m.accounts[0], &m.accounts[1]
			if gone.Status() != roster.Deleted || gone.Values[roster.MergedInto] != "2" || gone.Values[roster.FallbackOwner] != "u2" || len(gone.Links) > 0 {
				t.Errorf("the one that goes: %+v", gone)
			}
			if stays.Status() != roster.Active || stays.Values[roster.Username] != "u2" || stays.Values[roster.City] != "Ulm" || stays.Values[roster.ExpiresOn] != "" || stays.Link("hr") == nil || stays.Link("hr").Key != tt.hr {
				t.Errorf("the one that stays: %+v", stays)
			}
			if added, _ := changes[len(changes)-1].Joined(); !slices.Equal(added, []roster.Membership{icu.Membership}) {
				t.Errorf("memberships that it gains: %v", added)
			}
			if stays.Values[roster.EmployeeID] == "" || tt.name == "the one that stays is gone in HR" && stays.Values[roster.EmployeeID] != "1" {
				t.Errorf("employee ID %q", stays.Values[roster.EmployeeID])
			}
			for _, c := range changes {
				if back, left := Opposite(c, m.byID(c.Account)); c.Account == gone.ID && (back != nil || len(left) == 0 || !strings.Contains(left[0].Text, "merged into account 2")) {
					t.Errorf("R103: %+v, %+v", back, left)
				}
			}
			if _, err := ada.Restore(gone, nil, Wants{}, Found{}); err == nil {
				t.Error("who was merged was restored")
			}
		})
	}
}
