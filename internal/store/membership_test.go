package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func granting(c plan.Change, grants ...plan.GrantChange) plan.Change {
	c.Memberships = append(c.Memberships, grants...)
	return c
}

func TestAPlanWithMembershipsIsStoredAppliedAndReadBack(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		icu := roster.Membership{Kind: roster.CohortKind, Name: "icu ąé"}
		fire := roster.Membership{Kind: roster.CourseKind, Name: "FIRE-101", Role: "learner", Group: "Night"}
		since, until := roster.Stamp(noon), roster.Stamp(noon.Add(48*time.Hour))
		first := granting(add("hr", "ada"),
			plan.GrantChange{Membership: icu, Origin: "hr", New: &roster.Terms{Since: since}, Is: true},
			plan.GrantChange{Membership: fire, Origin: "hr", New: &roster.Terms{Since: since, Until: until, Suspended: true, Said: "2 "}, Is: true})
		r := s.plan("hr", first, add("hr", "bob"))
		s.apply(r)
		ada, err := db.Named(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		want := []roster.Grant{
			{Membership: icu, Origin: "hr", Terms: roster.Terms{Since: since}},
			{Membership: fire, Origin: "hr", Terms: roster.Terms{Since: since, Until: until, Suspended: true, Said: "2 "}},
		}
		if diff := cmp.Diff(want, ada.Grants); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		for o, err := range db.Changes(t.Context(), r.Number) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Username == "ada" {
				if diff := cmp.Diff(first.Memberships, o.Memberships); diff != "" {
					t.Errorf("journal: -want +got\n%s", diff)
				}
			} else if o.Memberships != nil {
				t.Errorf("%s: %v", o.Username, o.Memberships)
			}
		}

		// The view has each membership once, whoever grants it, and for as long as anybody does.
		s.apply(s.plan("school", granting(plan.Change{Action: plan.Claim, Account: ada.ID, Version: ada.Version},
			plan.GrantChange{Membership: fire, Origin: "school", New: &roster.Terms{Since: since}, Was: true, Is: true})))
		rows := func() []string {
			return s.read("SELECT account || ' ' || kind || ' ' || name || ' ' || role || ' ' || group_name || CASE WHEN until IS NULL THEN '' ELSE ' until' END FROM " + view(db, "memberships") + " ORDER BY 1")
		}
		if got, want := rows(), []string{"1 cohort icu ąé  ", "1 course FIRE-101 learner Night"}; !slices.Equal(got, want) {
			t.Errorf("view %q, want %q", got, want)
		}
		if after, _ := db.Account(t.Context(), ada.ID); after.Version != ada.Version {
			t.Errorf("a grant that changes nothing for anybody has raised the version to %d", after.Version)
		}

		// What is due is what has a period, of who is there.
		due := func(at time.Time) (ids []uint64) {
			for a, err := range db.Due(t.Context(), at) {
				if err != nil {
					t.Fatal(err)
				}
				if len(a.Grants) == 0 {
					t.Error("the grants of what is due are missing")
				}
				ids = append(ids, a.ID)
			}
			return ids
		}
		if got := due(noon.Add(47 * time.Hour)); len(got) > 0 {
			t.Errorf("due too early: %v", got)
		}
		if got := due(noon.Add(48 * time.Hour)); !slices.Equal(got, []uint64{ada.ID}) {
			t.Errorf("due: %v", got)
		}
		now := s.named("ada")
		s.apply(s.plan("hr", remove(now, noon)))
		if got := rows(); len(got) > 0 || len(due(noon.Add(48*time.Hour))) > 0 {
			t.Errorf("a deleted account is a member of %v", got)
		}
	})
}

func TestAMembershipThatMovedIsLeftOut(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		var adds []plan.Change
		icu := roster.Membership{Kind: roster.CohortKind, Name: "icu"}
		granted := &roster.Terms{Since: roster.Stamp(noon)}
		names := []string{"ada", "bob", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "jan", "kim"}
		for _, n := range names {
			adds = append(adds, granting(add("hr", n), plan.GrantChange{Membership: icu, Origin: "hr", New: granted, Is: true}))
		}
		s.apply(s.plan("hr", adds...))
		gone := plan.GrantChange{Membership: icu, Origin: "hr", Old: granted, Was: true}
		var takes []plan.Change
		for _, n := range names {
			takes = append(takes, granting(touch(plan.Update, s.named(n)), gone))
		}
		stale := s.plan("hr", takes...)
		batch := s.plan("", granting(touch(plan.Update, s.named("ada")), gone)) // somebody is faster
		batch.Kind = journal.Batch
		s.apply(batch)
		if a := s.apply(stale); a.LeftOut != 1 || a.Carried != 10 {
			t.Errorf("%d left out, %d carried", a.LeftOut, a.Carried)
		}
		s.wantLost(stale.Number, "update ada: left_out a membership has changed since the plan was made")
		if n, err := db.Granted(t.Context(), "hr"); n != 0 || err != nil {
			t.Errorf("%d grants are left, %v", n, err)
		}
	})
}

func TestR64WhoHasAProtectedRoleIsLeftOutOfAPlanThatWasMadeBefore(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		var names []string
		for i := range 40 {
			names = append(names, fmt.Sprintf("p%02d", i))
		}
		p := s.people("hr", names...)
		protect := []string{"p02", "role:ward*"}
		var list []plan.Change
		for _, a := range p[:36] {
			list = append(list, suspend(a, noon))
		}
		list = append(list, rename(p[37], "new"), rename(p[38], "name"), touch(plan.Update, p[39], field(roster.City, "", "Ulm", "hr")))
		held := s.plan("hr", list...)

		grant := func(who roster.Account, kind roster.Kind, name string) {
			t.Helper()
			terms := &roster.Terms{Since: roster.Stamp(noon)}
			s.apply(s.plan("other", granting(touch(plan.Update, who), plan.GrantChange{Membership: roster.Membership{Kind: kind, Name: name}, Origin: "person:ada", New: terms, Is: true})))
		}
		grant(p[0], roster.RoleKind, "warden")
		grant(p[37], roster.RoleKind, "siteadmin")
		grant(p[1], roster.CohortKind, "warden") // that is none
		grant(p[3], roster.RoleKind, "learner")
		grant(p[39], roster.RoleKind, "warden")
		if who, err := db.Holders(t.Context(), protect); err != nil || len(who) != 3 || !who[p[0].ID] || !who[p[37].ID] {
			t.Errorf("protected by role are %v, %v", who, err)
		}
		if who, err := db.Holders(t.Context(), nil); err != nil || len(who) != 1 || !who[p[37].ID] {
			t.Errorf("protected by role, where nothing is named, are %v, %v", who, err)
		}

		o := order(held)
		o.Protect = protect
		if _, err := db.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		s.wantLost(held.Number,
			"rename new: left_out the account is protected by now",
			"suspend p00: left_out the account is protected by now",
			"suspend p02: left_out the account is protected by now")
	})
}

func TestAPlanWithoutMembershipsHasTheDigestThatItHadBefore(t *testing.T) {
	const before = "sha256:5b19f6df5656f3cd253164a598ab751efa2fb44fbf2f53655eb149478f3bd0f5" // as plans that were stored before there were memberships have it
	c := planned{fields: "null", links: "null"}
	d := newDigester()
	d.add(&c)
	was := d.String()
	if was != before {
		t.Errorf("digest %s, want %s", was, before)
	}
	c.grants = `[{"kind":"cohort"}]`
	d = newDigester()
	d.add(&c)
	if d.String() == was {
		t.Error("memberships are not in the digest: another plan than the one that was shown could be applied")
	}
}

func TestMembershipsAreStoredAsEncodingJSONWritesThem(t *testing.T) {
	text := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-zé"\\\\<& ]{0,4}`))
	stamp := rapid.SampledFrom([]string{"", "2026-09-01T12:00:00Z"})
	terms := func(t *rapid.T) *roster.Terms {
		if rapid.IntRange(0, 3).Draw(t, "none") == 0 {
			return nil
		}
		return &roster.Terms{Since: stamp.Draw(t, "since"), From: stamp.Draw(t, "from"), Until: stamp.Draw(t, "until"), Suspended: rapid.Bool().Draw(t, "suspended"), Ended: stamp.Draw(t, "ended"), Said: text.Draw(t, "said")}
	}
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plan.GrantChange {
			g := plan.GrantChange{
				Membership: roster.Membership{Kind: roster.CourseKind, Name: text.Draw(t, "name"), Role: text.Draw(t, "role"), Group: text.Draw(t, "group")},
				Origin:     roster.Origin(text.Draw(t, "origin")), New: &roster.Terms{Since: "2026-09-01T12:00:00Z", Until: stamp.Draw(t, "until"), Said: text.Draw(t, "said")}, Is: true,
			}
			if rapid.IntRange(0, 3).Draw(t, "other") == 0 {
				g.Old, g.New, g.Was, g.Is = terms(t), terms(t), rapid.Bool().Draw(t, "was"), rapid.Bool().Draw(t, "is")
			}
			return g
		}), 1, 4).Draw(t, "grants")
		want, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		got, err := grantsText(all)
		if err != nil || got != string(want) {
			t.Fatalf("stored as %s, %v, want %s", got, err, want)
		}
		back, err := readGrants(got)
		if diff := cmp.Diff(all, back); diff != "" || err != nil {
			t.Fatalf("read back: %v\n%s", err, diff)
		}
	})
}
