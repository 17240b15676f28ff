package store

import (
	"strings"
	"testing"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestR47AnAnchorIsKeptBesideTheKeyAndFindsItsAccount(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		ada, bob := add("ad", "ada"), add("ad", "bob")
		ada.Links[0].NewAnchor = `2d1589e9-"5ffb"`
		s.apply(s.plan("ad", ada, bob))
		s.people("hr", "eve")

		find := func(profile, anchor string) []roster.Account {
			t.Helper()
			found, err := db.Find(t.Context(), plan.Query{Profile: profile, Anchors: []string{anchor}, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			return found.Accounts
		}
		got := find("ad", `2d1589e9-"5ffb"`)
		if len(got) != 1 || got[0].Values[roster.Username] != "ada" || got[0].Links[0].Anchor != `2d1589e9-"5ffb"` || got[0].Links[0].Key != "k-ada" {
			t.Fatalf("found %+v", got)
		}
		for _, other := range [][2]string{{"hr", `2d1589e9-"5ffb"`}, {"ad", `2D1589E9-"5ffb"`}, {"ad", ""}} {
			if got := find(other[0], other[1]); len(got) > 0 {
				t.Errorf("%s knows the anchor %q: %+v", other[0], other[1], got)
			}
		}

		// A claim learns one, and the account's version stays; what the plan saw must still be so.
		b := s.named("bob")
		learn := touch(plan.Claim, b)
		learn.Links = []plan.LinkChange{{Profile: "ad", OldKey: "k-bob", NewKey: "k-bob", Old: roster.ClaimActive, New: roster.ClaimActive, NewAnchor: "B"}}
		stored := s.plan("ad", learn)
		s.apply(s.plan("ad2")) // another profile is in nobody's way
		s.apply(stored)
		if got := s.get(b.ID); got.Links[0].Anchor != "B" || got.Version != b.Version {
			t.Errorf("link %+v, version %d, want B and %d", got.Links[0], got.Version, b.Version)
		}
		stale := touch(plan.Claim, b)
		stale.Links = []plan.LinkChange{{Profile: "ad", OldKey: "k-bob", NewKey: "k-bob", Old: roster.ClaimActive, New: roster.ClaimGone, OldAnchor: "C", NewAnchor: "C"}}
		run := s.plan("ad", stale)
		run.Seen = 0 // it is older
		s.apply(run)
		if lost := s.lost(run.Number); len(lost) != 1 || !strings.Contains(lost[0], "the link of profile ad has changed") {
			t.Errorf("left out: %q", lost)
		}
	})
}

// What an older rollcall has stored of links, and what this one stores of those
// without an anchor, are one text.
func TestR47LinksWithoutAnAnchorAreStoredAsBefore(t *testing.T) {
	for _, l := range [][]plan.LinkChange{
		{{Profile: "hr", NewKey: "1", New: roster.ClaimActive}},
		{{Profile: "hr", OldKey: "1", NewKey: "2", Old: roster.ClaimActive, New: roster.ClaimGone, Decided: true}},
		{{Profile: "hr", NewKey: "1", New: roster.ClaimActive, NewAnchor: "a\"b"}},
		{{Profile: "hr", NewKey: "1", New: roster.ClaimActive, NewAnchor: "A"}, {Profile: "ad", OldKey: "1", NewKey: "1", Old: roster.ClaimGone, New: roster.ClaimActive, OldAnchor: "A", NewAnchor: "B"}},
	} {
		text := linksText(l)
		if strings.Contains(text, "anchor") != (l[0].NewAnchor != "") {
			t.Errorf("stored as %s", text)
		}
		got, err := readLinks(text)
		if err != nil || len(got) != len(l) || got[0] != l[0] || got[len(l)-1] != l[len(l)-1] {
			t.Errorf("%s is read as %+v, %v, want %+v", text, got, err, l)
		}
	}
}
