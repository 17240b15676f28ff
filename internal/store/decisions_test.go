package store

import (
	"testing"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestR49WhatAPersonDecidedToBeNewIsFoundByTheNextRunOfThatProfile(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for _, reason := range []string{"ticket 12", "ticket 13"} { // said twice, it is one decision
			if err := db.DecideNew(t.Context(), "hr-csv", "Ä77", "m.nowak", reason); err != nil {
				t.Fatal(err)
			}
		}
		for profile, want := range map[string]bool{"hr-csv": true, "school": false} {
			found, err := db.Find(t.Context(), plan.Query{Profile: profile, Keys: []roster.Key{"Ä77", "78"}, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			if got := found.New[roster.Key(roster.Fold("Ä77"))]; got != want || len(found.New) > 1 {
				t.Errorf("%s: %v, want %v", profile, found.New, want)
			}
		}
		var reason string
		if err := db.gorm.Raw("SELECT reason FROM decision").Scan(&reason).Error; err != nil || reason != "ticket 13" {
			t.Errorf("reason %q, %v; want the last one", reason, err)
		}
		if err := db.DecideNew(t.Context(), "hr-csv", "a\x00", "x", "y"); err == nil {
			t.Error("a key that only SQLite could store was taken")
		}
	})
}
