package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

// lists is an addition to a row: the memberships that it lists, like
// "cohort:icu", "course:FIRE-101:learner:Night 30" with a period in days, or
// "-role:manager". A drop that lists any speaks of every kind.
func lists(texts ...string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		m := &roster.Members{Kinds: []roster.Kind{roster.CohortKind, roster.CourseKind, roster.ProgramKind, roster.SessionKind, roster.RoleKind, roster.CategoryKind}}
		for _, text := range texts {
			w := roster.Wanted{}
			text, w.Take = strings.CutPrefix(text, "-")
			text, period, _ := strings.Cut(text, " ")
			for period != "" {
				w.Days = w.Days*10 + int(period[0]-'0')
				period = period[1:]
			}
			var err error
			if w.Membership, err = roster.ParseMembership(text); err != nil {
				panic(err)
			}
			m.Want(w)
		}
		e.Members = m
	}
}

func exact(o *Options, _ *memory) { o.Policy.Memberships = "exact" }

// granted gives account 1 a membership of an origin.
func granted(by roster.Origin, text string, terms roster.Terms) func(*Options, *memory) {
	return func(_ *Options, m *memory) {
		membership, err := roster.ParseMembership(text)
		if err != nil {
			panic(err)
		}
		a := m.account("1")
		a.Grants = append(a.Grants, roster.Grant{Membership: membership, Origin: by, Terms: terms})
		roster.SortGrants(a.Grants)
	}
}

func both(all ...func(*Options, *memory)) func(*Options, *memory) {
	return func(o *Options, m *memory) {
		for _, f := range all {
			f(o, m)
		}
	}
}

// joined is the plan in a few words a change: "update 1 +cohort:a -role:b".
func (p Plan) joined() []string {
	var all []string
	for _, c := range p.Changes {
		s := string(c.Action) + " " + string(c.Key)
		added, removed := c.Joined()
		for _, m := range added {
			s += " +" + m.String()
		}
		for _, m := range removed {
			s += " -" + m.String()
		}
		all = append(all, s)
	}
	for _, x := range p.Problems {
		all = append(all, x.Code+string(x.Severity))
	}
	slices.Sort(all)
	return all
}

func TestMemberships(t *testing.T) {
	ended := roster.Terms{Since: "2026-07-01T00:00:00Z", Until: "2026-07-31T00:00:00Z", Ended: "2026-07-31T00:00:00Z", Said: "30 "}
	runs := roster.Terms{Since: "2026-08-31T00:00:00Z", Until: "2026-09-30T00:00:00Z", Said: "30 "}
	over := roster.Terms{Since: "2026-07-31T00:00:00Z", Until: "2026-08-30T00:00:00Z", Said: "30 "}
	school := func(claim roster.Claim) func(*Options, *memory) {
		return func(_ *Options, m *memory) {
			a := m.account("1")
			a.Links = append(a.Links, roster.Link{Profile: "school", Key: "1", Claim: claim})
		}
	}
	for _, tt := range []struct {
		name string
		with func(*Options, *memory)
		row  func(*roster.Entry)
		want []string
	}{
		{"R90: what a record lists is granted, and that alone is an update", nil, lists("cohort:icu", "course:FIRE-101:learner:Night", "role:manager"), []string{"update 1 +cohort:icu +course:FIRE-101:learner:Night +role:manager"}},
		{"R94: add only adds", granted("hr", "cohort:old", roster.Terms{}), lists("cohort:icu"), []string{"update 1 +cohort:icu"}},
		{"R94: exact removes what the profile granted and the record no longer lists", both(exact, granted("hr", "cohort:old", roster.Terms{})), lists("cohort:icu"), []string{"update 1 +cohort:icu -cohort:old"}},
		{"R94: exact with an empty list removes all of it", both(exact, granted("hr", "cohort:old", roster.Terms{})), lists(), []string{"update 1 -cohort:old"}},
		{"R94: a drop without such columns removes nothing", both(exact, granted("hr", "cohort:old", roster.Terms{})), nil, nil},
		{"R94: of a kind of which the drop does not speak nothing is removed", both(exact, granted("hr", "role:manager", roster.Terms{})), func(e *roster.Entry) {
			e.Members = &roster.Members{Kinds: []roster.Kind{roster.CohortKind}}
		}, nil},
		{"R7: of a kind of which something could not be read nothing is removed", both(exact, granted("hr", "cohort:old", roster.Terms{})), func(e *roster.Entry) {
			e.Members = &roster.Members{Kinds: []roster.Kind{roster.CohortKind}, Unsure: []roster.Kind{roster.CohortKind}}
		}, nil},
		{"R7: a course whose role could not be read keeps what is there", both(exact, granted("hr", "course:A:learner", roster.Terms{})), func(e *roster.Entry) {
			e.Members = &roster.Members{Kinds: []roster.Kind{roster.CourseKind}, List: []roster.Wanted{{Membership: roster.Membership{Kind: roster.CourseKind, Name: "A"}, Only: true}}}
		}, nil},
		{"R94: what a person granted is never removed", both(exact, granted("person:ada", "cohort:old", roster.Terms{})), lists(), nil},
		{"R94: what a person granted stays where the feed had granted it too", both(exact, granted("person:ada", "cohort:old", roster.Terms{}), granted("hr", "cohort:old", roster.Terms{})), lists(), []string{"claim 1"}},
		{"R94: what another profile granted stays", both(exact, granted("school", "cohort:old", roster.Terms{})), lists(), nil},
		{"R94: of what two grant, the other's stays", both(exact, granted("school", "cohort:old", roster.Terms{}), granted("hr", "cohort:old", roster.Terms{})), lists(), []string{"claim 1"}},
		{"R94: what another granted is granted here too, which nobody sees", granted("school", "cohort:icu", roster.Terms{}), lists("cohort:icu"), []string{"claim 1"}},
		{"R92: a period that runs is neither moved nor renewed", granted("hr", "cohort:icu", runs), lists("cohort:icu 30"), nil},
		{"R92: nor by another text", granted("hr", "cohort:icu", runs), lists("cohort:icu 90"), nil},
		{"R92: what ended is not granted again while the text stays", granted("hr", "cohort:icu", ended), lists("cohort:icu 30"), nil},
		{"R92: with another text it is", granted("hr", "cohort:icu", ended), lists("cohort:icu 90"), []string{"update 1 +cohort:icu"}},
		{"R92: a period that is over is ended by the run as by the sweep", granted("hr", "cohort:icu", over), lists("cohort:icu 30"), []string{"update 1 -cohort:icu"}},
		{"R92: what ended and is listed no more is forgotten", granted("hr", "cohort:icu", ended), lists(), []string{"claim 1"}},
		{"R93: -manager takes the role away", granted("hr", "role:manager", roster.Terms{}), lists("-role:manager"), []string{"update 1 -role:manager"}},
		{"R93: what is not assigned is not taken away", nil, lists("-role:manager"), nil},
		{"R93: a role that another feed gave, which no longer claims the person, goes", both(school(roster.ClaimGone), granted("school", "role:manager", roster.Terms{})), lists("-role:manager"), []string{"update 1 -role:manager"}},
		{"R93: a role that another feed gives stays, with a note", both(school(roster.ClaimActive), granted("school", "role:manager", roster.Terms{})), lists("-role:manager"), []string{"note"}},
		{"R93: a role that a person gave stays, with a note", granted("person:ada", "role:manager", roster.Terms{}), lists("-role:manager"), []string{"note"}},
		{"R94: a leaver whom another feed claims loses what this one granted", both(exact, school(roster.ClaimActive), granted("hr", "cohort:icu", roster.Terms{})), func(e *roster.Entry) { lists("cohort:icu")(e); e.Wish = roster.WishLeaver }, []string{"note", "update 1 -cohort:icu"}},
		{"R94: a leaver who is suspended keeps it, for the day that it was a mistake", both(exact, granted("hr", "cohort:icu", roster.Terms{})), func(e *roster.Entry) { lists("cohort:icu")(e); e.Wish = roster.WishLeaver }, []string{"suspend 1"}},
		{"R51: under update: none memberships are granted all the same", func(o *Options, _ *memory) { o.Policy.Update = "none" }, lists("cohort:icu"), []string{"update 1 +cohort:icu"}},
		{"R50: under upload: add a known account is left alone", func(o *Options, _ *memory) { o.Policy.Upload = "add" }, lists("cohort:icu"), []string{"skip"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, m := staff(), directory("1")
			if tt.with != nil {
				tt.with(&o, m)
			}
			r := row(2, "1", "u1")
			if tt.row != nil {
				tt.row(&r)
			}
			before := m.copy()
			p, _ := planned(t, o, m, r)
			if diff := cmp.Diff(tt.want, p.joined()); diff != "" {
				t.Fatalf("plan differs (-want +got):\n%s", diff)
			}
			m.apply(p)
			if again, _ := planned(t, o, m, r); len(again.Changes) > 0 {
				t.Errorf("R6: applied, and planned again: %v", again.joined())
			}
			for _, c := range p.Changes { // R103
				back, left := Opposite(c, m.byID(c.Account))
				if back == nil || len(left) > 0 {
					t.Fatalf("R103: taking it back gives %v, left %v", back, left)
				}
				m.apply(Plan{Changes: []Change{*back}})
			}
			if diff := cmp.Diff(before.account("1").Grants, m.account("1").Grants); diff != "" && len(before.account("1").Grants)+len(m.account("1").Grants) > 0 {
				t.Errorf("R103: not as before (-before +after):\n%s", diff)
			}
		})
	}
}

func TestR92APeriodIsInDaysFromTheDayItIsGranted(t *testing.T) {
	o, m := staff(), directory()
	o.Zone, _ = time.LoadLocation("Europe/Warsaw")
	late := time.Date(2026, 3, 27, 22, 30, 0, 0, time.UTC) // a quarter past eleven at night in Warsaw, before a day of 23 hours
	future := roster.Wanted{Membership: roster.Membership{Kind: roster.CourseKind, Name: "B"}, Days: 10, From: "2026-05-01", Status: "1"}
	p, _ := plannedAt(t, o, m, late, row(2, "1", "u1", lists("course:A 3", "cohort:c"), func(e *roster.Entry) { e.Members.Want(future) }))
	m.apply(p)
	var got []string
	for _, h := range m.account("1").Memberships() {
		s := h.String() + " " + h.From + " " + h.Until
		if h.Suspended {
			s += " suspended"
		}
		got = append(got, s)
	}
	want := []string{"cohort:c  ", "course:A  2026-03-29T22:00:00Z", "course:B 2026-04-30T22:00:00Z 2026-05-10T22:00:00Z suspended"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	// The sweep ends it, not a moment before, and then nothing more is due.
	a := m.account("1")
	if c, ok := Ending(a, "2026-03-29T21:59:59Z"); ok {
		t.Errorf("ends too early: %v", c)
	}
	c, ok := Ending(a, "2026-03-29T22:00:00Z")
	if got := (Plan{Changes: []Change{c}}).joined(); !ok || !slices.Equal(got, []string{"update 1 -course:A"}) {
		t.Errorf("due: %v %v", got, ok)
	}
	m.apply(Plan{Changes: []Change{c}})
	if _, again := Ending(m.account("1"), "2026-03-30T00:00:00Z"); again {
		t.Error("it ends twice")
	}
	if n, _ := plannedAt(t, o, m, late.AddDate(0, 0, 7), row(2, "1", "u1", lists("course:A 3", "cohort:c"), func(e *roster.Entry) { e.Members.Want(future) })); len(n.Changes) > 0 {
		t.Errorf("R92: granted again: %v", n.joined())
	}
}

func TestR94WhoIsAbsentAndClaimedByOthersLosesWhatThisFeedGranted(t *testing.T) {
	for _, tt := range []struct {
		policy string
		want   []string
	}{{"exact", []string{"update 1 -cohort:icu"}}, {"add", []string{"claim 1"}}} {
		o, m := staff(), directory("1", "2")
		o.Policy.Memberships = tt.policy
		granted("hr", "cohort:icu", roster.Terms{})(&o, m)
		granted("school", "cohort:pupils", roster.Terms{})(&o, m)
		a := m.account("1")
		a.Links = append(a.Links, roster.Link{Profile: "school", Key: "1", Claim: roster.ClaimActive})
		p, f := planned(t, o, m, row(2, "2", "u2", lists()))
		if diff := cmp.Diff(tt.want, p.joined()); diff != "" {
			t.Errorf("%s: plan differs (-want +got):\n%s", tt.policy, diff)
		}
		if f.Absent.Kept != 1 || (f.Changes() == 1) != (tt.policy == "exact") || (f.MembershipsRemoved == 1) != (tt.policy == "exact") {
			t.Errorf("%s: facts %+v", tt.policy, f)
		}
		m.apply(p)
		if again, _ := planned(t, o, m, row(2, "2", "u2", lists())); len(again.Changes) > 0 {
			t.Errorf("R6: planned again: %v", again.joined())
		}
	}
}

func TestAPersonsMembershipsAreNoFeedsToTake(t *testing.T) {
	o, m := staff(), directory("1")
	exact(&o, m)
	granted("hr", "course:A:learner:Night", roster.Terms{})(&o, m)
	person := Person{Who: roster.Person("ada"), At: roster.Stamp(noon)}
	cohort := roster.Membership{Kind: roster.CohortKind, Name: "icu"}
	c, err := person.Enrol(m.account("1"), []roster.Membership{cohort}, []roster.Membership{{Kind: roster.CourseKind, Name: "A"}})
	if err != nil {
		t.Fatal(err)
	}
	m.apply(Plan{Changes: []Change{c}})
	if got := (Plan{Changes: []Change{c}}).joined(); !slices.Equal(got, []string{"update 1 +cohort:icu -course:A:learner:Night"}) {
		t.Errorf("by hand: %v", got)
	}
	p, _ := planned(t, o, m, row(2, "1", "u1", lists()))
	if len(p.Changes) > 0 {
		t.Errorf("the feed changes what a person granted: %v", p.joined())
	}
	if _, err := person.Enrol(m.account("1"), []roster.Membership{cohort}, nil); err == nil {
		t.Error("granted twice")
	}
}
