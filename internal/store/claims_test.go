package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func TestR5WhatUnknownProfilesClaimIsCounted(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		claim := func(profile string, c roster.Claim) roster.Link {
			return roster.Link{Profile: profile, Key: "1", Claim: c}
		}
		plantAccounts(
			t, db,
			linked(person(1, "ada"), claim("hr", roster.ClaimActive), claim("school", roster.ClaimActive), claim("away", roster.ClaimGone)),
			linked(person(2, "bob"), claim("school", roster.ClaimLeave)),
			linked(person(3, "eve"), claim("school", roster.ClaimGone)),
			linked(person(4, "dan", "status", "deleted"), claim("school", roster.ClaimActive)),
		)
		for _, name := range []string{"hr", "school", "away"} {
			if err := db.gorm.Exec("INSERT INTO tally (profile, owned, active) VALUES (?, 1, 1)", name).Error; err != nil {
				t.Fatal(err)
			}
		}
		got, err := db.Claims(t.Context(), []string{"hr"})
		if diff := cmp.Diff(map[string]int{"school": 2}, got); diff != "" || err != nil {
			t.Errorf("claims (-want +got):\n%s%v", diff, err)
		}
		if got, err := db.Claims(t.Context(), []string{"hr", "school"}); len(got) > 0 || err != nil {
			t.Errorf("claims = %v, %v, want none", got, err)
		}
	})
}
