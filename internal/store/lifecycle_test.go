package store

import (
	"slices"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestR63ALegalHoldThatCameAfterThePlanKeepsTheAccount(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		ada, bob := s.people("hr", "ada", "bob")[0], s.named("bob")
		remove := func(a roster.Account) plan.Change {
			return touch(plan.Delete, a, field(roster.StatusField, "active", "deleted", ""), field(roster.StatusBy, "", "hr", ""))
		}
		var some []roster.Account // so that one that is left out is less than a tenth
		for _, name := range []string{"c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
			some = append(some, s.people("hr", name)...)
		}
		changes := []plan.Change{remove(ada), remove(bob)}
		for _, a := range some {
			changes = append(changes, touch(plan.Update, a, field(roster.City, "", "Ulm", "hr")))
		}
		stored := s.plan("hr", changes...)
		s.apply(s.plan("", touch(plan.Update, ada, field(roster.LegalHold, "", roster.Stamp(noon), ""))))
		if a := s.apply(stored); a.LeftOut != 1 {
			t.Errorf("%d were left out, want 1", a.LeftOut)
		}
		if got := s.get(ada.ID); got.Status() != roster.Active {
			t.Errorf("who is under a legal hold is %s", got.Status())
		}
		if got := s.get(bob.ID); got.Status() != roster.Deleted { // the control
			t.Errorf("the other is %s", got.Status())
		}
		for o, err := range db.Changes(t.Context(), stored.Number) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Account == ada.ID && (o.Done != journal.LeftOut || o.Note != "the account is under a legal hold") {
				t.Errorf("%s: %s", o.Done, o.Note)
			}
		}
	})
}

func TestR63WhatAnAccountLeadsIsFound(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		plantAccounts(t, db,
			person(1, "ada", "email", "ada@example.org", "employee_id", "00001"), person(2, "bob", "manager", "ADA"), person(3, "eve", "manager", "Ada@example.org"),
			person(4, "kim", "manager", "00001"), person(5, "jan", "manager", "1"), person(6, "old", "manager", "ada", "status", "deleted", "fallback_owner", "ada"))
		leads, err := db.Leads(t.Context(), []uint64{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := leads[1]; !slices.Equal(got.Manages, []string{"bob", "eve", "kim"}) || got.Inherits != 1 {
			t.Errorf("%+v", got)
		}
		if got := leads[2]; len(got.Manages) > 0 || got.Inherits > 0 {
			t.Errorf("%+v", got)
		}
	})
}
