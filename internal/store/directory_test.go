package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestAnAccountIsFoundByAnyOfItsWays(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "Ada", "Ünal", `b"o\b,{}`, "gone", "eve")
		s.apply(s.plan("hr", remove(p[3], noon), touch(plan.Update, p[4], field(roster.Phone1, "", "+49 X1", "hr"))))
		school := touch(plan.Claim, p[4])
		school.Links = []plan.LinkChange{{Profile: "school", NewKey: "k-Ada", New: roster.ClaimLeave}}
		s.apply(s.plan("school", school))

		tests := []struct {
			name string
			q    plan.Query
			want []string
		}{
			{"nothing asked", plan.Query{}, nil},
			{"a key, whatever its case", plan.Query{Profile: "hr", Keys: []roster.Key{"K-ADA", "k-nobody"}}, []string{"Ada"}},
			{"a key of another profile", plan.Query{Profile: "school", Keys: []roster.Key{"k-ada"}}, []string{"eve"}},
			{"the key of a deleted account", plan.Query{Profile: "hr", Keys: []roster.Key{"k-gone"}}, []string{"gone"}},
			{"a username", plan.Query{Usernames: []string{"ada", "ünal"}}, []string{"Ada", "Ünal"}},
			{"a username with signs of every syntax", plan.Query{Usernames: []string{`b"o\b,{}`}}, []string{`b"o\b,{}`}},
			{"the username of a deleted account", plan.Query{Usernames: []string{"gone"}}, nil},
			{"an address", plan.Query{Emails: []string{"ada@example.org", "gone@example.org"}}, []string{"Ada"}},
			{"an id", plan.Query{IDs: []uint64{p[3].ID, 999}}, []string{"gone"}},
			{"the match key by value, of a deleted account too", plan.Query{Field: roster.EmployeeID, Values: []string{"K-GONE", ""}}, []string{"gone"}},
			{"another match key", plan.Query{Field: roster.Phone1, Values: []string{"+49 x1"}}, []string{"eve"}},
			{"all witnesses", plan.Query{Witness: []roster.Name{"username", "phone1"}, Likes: []string{"ada" + plan.Between + "+49 x1", "eve" + plan.Between + "+49 x1"}}, []string{"eve"}},
			{"a witness of a deleted account", plan.Query{Witness: []roster.Name{"username"}, Likes: []string{"gone"}}, nil},
			{"one account by several ways", plan.Query{Profile: "hr", Keys: []roster.Key{"k-ada"}, Usernames: []string{"ada"}, IDs: []uint64{p[0].ID}}, []string{"Ada"}},
			{"texts that no database holds", plan.Query{Usernames: []string{"a\x00", "\xff", "ada"}}, []string{"Ada"}},
		}
		for _, tt := range tests {
			found, err := db.Find(t.Context(), tt.q)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			var got []string
			for _, a := range found.Accounts {
				got = append(got, a.Values[roster.Username])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
		want := []roster.Link{{Profile: "hr", Key: "k-eve", Claim: roster.ClaimActive}, {Profile: "school", Key: "k-Ada", Claim: roster.ClaimLeave}}
		if got := s.get(p[4].ID).Links; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestOwnedListsEverybodyByIDWhileSomebodyWrites(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		var adds []plan.Change
		for i := range page + 5 {
			adds = append(adds, add("hr", fmt.Sprintf("p%04d", i)))
		}
		s.apply(s.plan("hr", adds...))
		s.people("school", "other")
		w := db.Writer(t.Context(), s.plan("hr").Number)
		var last uint64
		n := 0
		for a, err := range db.Owned(t.Context(), "hr") {
			if err != nil {
				t.Fatal(err)
			}
			if a.ID <= last || len(a.Links) != 1 {
				t.Errorf("got account %d after %d, with %d links, want them by id, with 1", a.ID, last, len(a.Links))
			}
			last = a.ID
			n++
			if err := w.Change(touch(plan.Claim, a)); err != nil {
				t.Fatal(err)
			}
		}
		if n != page+5 {
			t.Errorf("got %d accounts, want %d", n, page+5)
		}
	})
}

func TestR49WhatAPersonDecidedIsForgottenOnceItCameTrue(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		if err := db.DecideNew(t.Context(), "hr", "K-ada", "eve", "she is somebody new"); err != nil {
			t.Fatal(err)
		}
		q := plan.Query{Profile: "hr", Keys: []roster.Key{"K-ada", "k-bob"}}
		found, err := db.Find(t.Context(), q)
		if err != nil || len(found.New) != 1 || !found.New["k-ada"] {
			t.Errorf("got %v, %v, want k-ada", found.New, err)
		}
		c := add("hr", "ada")
		c.Key = "K-ada"
		s.apply(s.plan("hr", c))
		if found, err = db.Find(t.Context(), q); err != nil || len(found.New) != 0 {
			t.Errorf("got %v, %v, want none", found.New, err)
		}
	})
}

func TestOriginsComeBackAsTheyWere(t *testing.T) {
	var mixed, mostly [roster.NumFeedFields]roster.Origin
	for f := range mixed {
		mixed[f] = roster.Origin(strings.Repeat("x", f%3))
		mostly[f] = "hr-csv"
	}
	mostly[roster.Email], mostly[roster.Phone1] = roster.Person("o;=%3B Brien"), ""
	for _, o := range [][roster.NumFeedFields]roster.Origin{{}, mixed, mostly} {
		text := writeOrigins(o)
		got, err := readOrigins(text)
		if err != nil || got != o {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, o)
		}
	}
	if got, want := writeOrigins(mostly), "hr-csv;email=person:o%3B%3D%253B Brien;phone1="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := readOrigins("hr;nonsense"); err == nil {
		t.Error("nonsense was read")
	}
}
