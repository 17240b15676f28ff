package plan

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

// outside puts a row out of scope.
func outside(e *roster.Entry) { e.Outside = "Type" }

func leavers(o *Options, _ *memory) { o.ScopeLeft = "suspend" }

func TestStoriesOfScopeR68(t *testing.T) {
	tell(t, []story{
		{"R68 a record out of scope is skipped, and nobody is added", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", outside)}, []string{"skip line 5 skip"}},
		{"R68 it mentions its account, which is not absent", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside)}, []string{"claim 3", "skip line 4 skip"}},
		{"R68 who leaves the scope is suspended where the profile says so", leavers, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside)}, []string{"suspend 3"}},
		{"R68 with another record that is in scope nobody has left", leavers, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "3", "x3", outside)}, []string{"skip line 5 skip"}},
		{"R1 what is wrong with a record out of scope does not matter", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "", "u9", outside)}, []string{"skip line 5 skip"}},
		{"R68 a name or an address out of scope protects who bears it", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", outside)}, []string{"skip line 4 skip"}},
		{"R68 a leaver out of scope is not this profile's to remove", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside, wishes(roster.WishLeaver))}, []string{"claim 3", "skip line 4 skip"}},
		{"R68 who is back in scope is back", func(o *Options, m *memory) {
			state3(roster.Suspended, "hr", roster.OutOfScope)(o, m)
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"reactivate 3"}},
		{"R61 who was suspended by a person and left the scope stays so", func(o *Options, m *memory) {
			leavers(o, m)
			state3(roster.Suspended, "person:ada", roster.ByHand)(o, m)
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside)}, []string{"skip line 4 skip"}},
		{"R64 a protected account that leaves the scope stays, with a note", func(o *Options, m *memory) {
			leavers(o, m)
			o.Policy.Protect = []string{"u3"}
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside)}, []string{"E304 line 4 note", "claim 3", "skip line 4 skip"}},
		{"R5 while another feed claims her she stays", func(o *Options, m *memory) {
			leavers(o, m)
			m.account("3").Links = append(m.account("3").Links, roster.Link{Profile: "school", Key: "3", Claim: roster.ClaimActive})
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside)}, []string{"claim 3", "skip line 4 skip"}},
		{"R50 with upload: add known accounts are left alone", func(o *Options, m *memory) {
			leavers(o, m)
			o.Policy.Upload = "add"
		}, []roster.Entry{row(2, "1", "u1", outside), row(3, "2", "u2", outside), row(4, "3", "u3", outside)}, []string{"skip line 2 skip", "skip line 3 skip", "skip line 4 skip"}},
		{"R68 R46 of two accounts with the key the one that has a record of its own has not left", func(o *Options, m *memory) {
			leavers(o, m)
			m.account("2").Link("hr").Key = "3"
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside)}, []string{"suspend 3", "update 2"}},
		{"R41 R68 of two accounts with the key, and no record of their own, nobody has left", func(o *Options, m *memory) {
			leavers(o, m)
			m.account("2").Link("hr").Key = "3"
		}, []roster.Entry{row(2, "1", "u1"), row(4, "3", "u3", outside)}, []string{"skip line 4 skip"}},
		{"R3 R47 whom a rejected record means stays as he is, whatever one out of scope says", with(anchors, leavers), []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "x3", anchored("D")), row(5, "9", "x9", anchored("C")), row(6, "3", "u3", outside)}, []string{"E302 line 4 error", "E302 line 5 error", "skip line 6 skip"}},
		{"R3 R36 nor does it where the rejected record has an old name that is another's", with(byUsername, leavers), []roster.Entry{named(2, "u1"), named(3, "u2"), named(4, "u3", was("u1")), named(5, "u3", outside)}, []string{"E302 line 4 error", "skip line 5 skip"}},
		{"R47 a record out of scope is known by its anchor", with(anchors, leavers), []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(6, "9", "x9", anchored("C"), outside)}, []string{"suspend 3"}},
		{"R41 a record out of scope is no copy of one that is in it", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9"), row(6, "9", "x9", outside), row(7, "8", "u9", outside)}, []string{"add 9 u9", "skip line 6 skip", "skip line 7 skip"}},
	})
}

func TestR68WhoLeavesTheScopeIsCounted(t *testing.T) {
	for left, want := range map[string]Rows{
		"keep":    {Read: 4, Unchanged: 2, Skipped: 2},
		"suspend": {Read: 4, Unchanged: 2, Skipped: 1, Suspended: 1},
	} {
		o, m := staff(), directory("1", "2", "3")
		o.ScopeLeft = left
		rows := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", outside), row(5, "9", "u9", outside)}
		p, f := planned(t, o, m, rows...)
		if f.Rows != want || f.Scope != (Scope{Outside: 2, Left: 1}) || f.Absent.Total != 0 || f.Removals != want.Suspended {
			t.Errorf("left: %s: rows %+v, scope %+v, absent %+v, %d removals", left, f.Rows, f.Scope, f.Absent, f.Removals)
		}
		m.apply(p)
		_, f = planned(t, o, m, rows...)
		if f.Rows.Skipped != 2 || f.Scope != (Scope{Outside: 2, Left: 1}) {
			t.Errorf("left: %s, the next night: rows %+v, scope %+v", left, f.Rows, f.Scope)
		}
	}
}

// Who leaves the scope of one feed and is another's by now is that feed's to
// remove: the first no longer claims anybody whom it leaves out.
func TestR5R68WhoHasLeftTheScopeIsAnothersToRemove(t *testing.T) {
	m := directory("1")
	agency := staff()
	agency.Profile = "agency"
	for _, feed := range []struct {
		o   Options
		row roster.Entry
	}{{staff(), row(2, "1", "u1", outside)}, {agency, row(2, "1", "u1")}, {agency, row(2, "1", "u1", wishes(roster.WishLeaver))}} {
		p, _ := planned(t, feed.o, m, feed.row)
		m.apply(p)
	}
	if got := m.account("1").Status(); got != roster.Suspended {
		t.Errorf("the agency says that she has left: %s, want suspended", got)
	}
}

// Several records out of scope may mean one account: by its key, by a number that
// it has beside, by its anchor. One of them is heard, the same in every order.
func TestR4R68WhichRecordOutOfScopeIsHeardHangsOnNoOrder(t *testing.T) {
	elsewhere := func(e *roster.Entry) { e.Outside = "Site" }
	direct := row(0, "3", "u3", outside)
	indirect := []roster.Entry{row(0, "9", "x9", anchored("C"), outside), row(0, "8", "x8", anchored("C"), outside), row(0, "8", "x8", anchored("C"), outside), row(0, "8", "x8", anchored("C"), elsewhere), row(0, "30", "x7", outside)}
	for _, left := range []string{"keep", "suspend"} {
		for _, rows := range [][]roster.Entry{indirect, append([]roster.Entry{direct}, indirect...)} {
			var first []string
			for turn := range 2 * len(rows) {
				o, m := staff(), directory("1", "2", "3")
				anchors(&o, m)
				m.account("3").Link("hr").Key, o.ScopeLeft = "3", left
				m.account("3").Values[roster.EmployeeID] = "30"
				drop := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}
				for i := range rows {
					j := (i + turn) % len(rows)
					if turn >= len(rows) {
						j = len(rows) - 1 - j
					}
					e := rows[j]
					e.Line = i + 4
					drop = append(drop, e)
				}
				p, _ := planned(t, o, m, drop...)
				var told []string
				heard := 0
				for _, x := range p.Problems {
					told = append(told, string(x.Key)+" "+x.Column+" "+strconv.FormatUint(x.Account, 10))
					if x.Account != 0 {
						heard++
					}
				}
				slices.Sort(told)
				if len(p.Changes) != 1 || left == "keep" && heard != 1 || left == "suspend" && heard+len(told) != len(rows)-1 {
					t.Fatalf("left: %s: %d changes, %d of %d records are heard, want one", left, len(p.Changes), heard, len(rows))
				}
				if first == nil {
					first = told
				}
				if diff := cmp.Diff(first, told); diff != "" {
					t.Fatalf("left: %s, another order:\n%s", left, diff)
				}
			}
		}
	}
}
