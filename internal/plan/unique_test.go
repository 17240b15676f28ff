package plan

import (
	gocmp "cmp"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/roster"
)

// badged has a badge that no two accounts share; accounts 1, 2 and 3 have the
// badges a, b and c.
func badged(more ...func(*Options, *memory)) func(*Options, *memory) {
	return func(o *Options, m *memory) {
		o.Custom = []roster.Item{{Kind: roster.FieldKind, Name: "badge", Type: roster.TextField, Unique: true}}
		for key, badge := range map[string]string{"1": "a", "2": "b", "3": "c"} {
			m.account(key).Write("fields.badge", badge, "hr")
		}
		for _, f := range more {
			f(o, m)
		}
	}
}

// back3 is a rehire: account 3 is deleted, account 1 has its badge by now, and a witness agrees.
func back3(o *Options, m *memory) {
	deleted3(o, m)
	m.account("3").Write("fields.badge", "a", "hr")
	o.Match.Witness = []roster.Name{"last_name"}
}

// makesBadge makes the badge of the username.
func makesBadge(e *roster.Entry) {
	e.Late = []roster.Late{{Field: roster.CustomField, Custom: "badge", Value: func(name string) string { return name }}}
}

// byBadge makes the badge the match key.
func byBadge(o *Options, m *memory) {
	o.Match.Key, o.Match.By = roster.CustomField, "fields.badge"
	for i := range m.accounts {
		m.accounts[i].Links[0].Key = roster.Key(m.accounts[i].Value("fields.badge"))
	}
}

// wearing is a row of a profile whose key is the badge.
func wearing(line int, badge, key, username string, more ...func(*roster.Entry)) roster.Entry {
	e := row(line, key, username, append(more, tells("badge", badge))...)
	e.Key, e.KeyBad = roster.Key(badge), badge == ""
	return e
}

func TestStoriesOfUniqueCustomFieldsR27(t *testing.T) {
	first, second := row(2, "1", "u1"), row(3, "2", "u2")
	tell(t, []story{
		{"R27 a value that another account has stays his", badged(), []roster.Entry{first, second, row(4, "3", "u3", tells("badge", "A"), says(roster.City, "Ulm"))}, []string{"E130 line 4 warning", "update 3 city=Ulm"}},
		{"R27 a new account is added without it", badged(), []roster.Entry{first, second, row(4, "3", "u3"), row(5, "9", "u9", tells("badge", "a"))}, []string{"E130 line 5 warning", "add 9 u9"}},
		{"R27 or not at all, where it is required", badged(func(o *Options, _ *memory) { o.Custom[0].Required = true }), []roster.Entry{first, second, row(4, "3", "u3"), row(5, "9", "u9", tells("badge", "a"))}, []string{"E130 line 5 error"}},
		{"R3 and protects then whose name it bears", badged(func(o *Options, _ *memory) { o.Custom[0].Required = true }), []roster.Entry{first, second, row(5, "9", "u3", tells("badge", "a"))}, []string{"E303 line 5 error"}},
		{"R27 two newcomers want one value", badged(), []roster.Entry{first, second, row(4, "3", "u3"), row(5, "8", "u8", tells("badge", "z")), row(6, "9", "u9", tells("badge", "z"))}, []string{"E130 line 5 warning", "E130 line 6 warning", "add 8 u8", "add 9 u9"}},
		{"R36 values go round in a ring", badged(), []roster.Entry{row(2, "1", "u1", tells("badge", "b")), row(3, "2", "u2", tells("badge", "c")), row(4, "3", "u3", tells("badge", "a"))}, []string{"update 1 fields.badge=b", "update 2 fields.badge=c", "update 3 fields.badge=a"}},
		{"R36 and in a chain", badged(), []roster.Entry{row(2, "1", "u1", tells("badge", "b")), row(3, "2", "u2", tells("badge", "x")), row(4, "3", "u3"), row(5, "9", "u9", tells("badge", "a"))}, []string{"add 9 u9", "update 1 fields.badge=b", "update 2 fields.badge=x"}},
		{"R36 who does not get one keeps what he has, and so does who waits for him", badged(func(o *Options, _ *memory) { o.SetCustom = map[string]roster.SetMode{} }), []roster.Entry{row(2, "1", "u1", tells("badge", "b")), row(3, "2", "u2", tells("badge", "c")), row(4, "3", "u3")}, []string{"E130 line 2 warning", "E130 line 3 warning"}},
		{"R27 who is emptied gives his up", badged(), []roster.Entry{row(2, "1", "u1", tells("badge", "")), second, row(4, "3", "u3", tells("badge", "a"))}, []string{"update 1 fields.badge=", "update 3 fields.badge=a"}},
		{"R27 a deleted account holds none", badged(deleted3), []roster.Entry{row(2, "1", "u1", tells("badge", "c")), second}, []string{"update 1 fields.badge=c"}},
		{"R27 R45 who comes back gets no value that is another's by now", badged(back3), []roster.Entry{first, second, row(4, "3", "u3")}, []string{"E130 line 4 warning", "reactivate 3 fields.badge="}},
		{"R27 R45 also where the record says it", badged(back3), []roster.Entry{first, second, row(4, "3", "u3", tells("badge", "a"))}, []string{"E130 line 4 warning", "reactivate 3 fields.badge="}},
		{"R27 R51 who comes back has none that would have to be kept", badged(back3, func(o *Options, _ *memory) { o.Policy.Update = "fill_missing" }), []roster.Entry{first, second, row(4, "3", "u3", tells("badge", "z"))}, []string{"reactivate 3 fields.badge=z"}},
		{"R27 R31 a value made of the username can be another's", badged(), []roster.Entry{first, second, row(4, "3", "u3"), row(5, "9", "a", makesBadge)}, []string{"E130 line 5 warning", "add 9 a"}},
		{"R27 R33 also one that is made of a counted name", badged(func(_ *Options, m *memory) { m.account("2").Write("fields.badge", "u32", "hr") }), []roster.Entry{first, second, row(4, "3", "u3"), row(5, "9", "u3", number, makesBadge)}, []string{"E130 line 5 warning", "add 9 u32"}},
		{"R40 a unique custom field is the key", badged(byBadge), []roster.Entry{wearing(2, "a", "1", "u1", says(roster.City, "Ulm")), wearing(3, "b", "2", "u2"), wearing(4, "c", "3", "u3")}, []string{"update a city=Ulm"}},
		{"R40 an account that the profile does not own is found by it", badged(byBadge, func(_ *Options, m *memory) { m.account("3").Links = nil }), []roster.Entry{wearing(2, "a", "1", "u1"), wearing(3, "b", "2", "u2"), wearing(4, "c", "3", "u3")}, []string{"update c"}},
		{"R42 who is adopted gets it", badged(byBadge, func(o *Options, m *memory) {
			o.Match.Fallback.By = "username"
			m.account("3").Links, m.account("3").Custom = nil, nil
		}), []roster.Entry{wearing(2, "a", "1", "u1"), wearing(3, "b", "2", "u2"), wearing(4, "c", "3", "u3")}, []string{"update c fields.badge=c"}},
		{"R46 who has another one is re-keyed", badged(byBadge), []roster.Entry{wearing(2, "a", "1", "u1"), wearing(3, "b", "2", "u2"), wearing(4, "d", "3", "u3", before("c"))}, []string{"update d fields.badge=d"}},
		{"R43 newcomers have it", badged(byBadge), []roster.Entry{wearing(2, "a", "1", "u1"), wearing(3, "b", "2", "u2"), wearing(4, "c", "3", "u3"), wearing(5, "z", "9", "u9")}, []string{"add z u9"}},
		{"R41 two accounts with the key are in dispute", badged(byBadge, func(_ *Options, m *memory) {
			m.account("3").Links, m.account("2").Links = nil, nil
			m.account("2").Write("fields.badge", "c", "")
		}), []roster.Entry{wearing(2, "a", "1", "u1"), wearing(3, "c", "7", "u7")}, []string{"E301 line 3 error"}},
	})
}

func TestR27NoTwoAccountsComeToShareAUniqueValue(t *testing.T) {
	law(t, "R27, no unique value comes to be shared", func(t *rapid.T) {
		n := someNight(t)
		if !n.Custom[0].Unique {
			return
		}
		shared := func(m *memory) map[string][]uint64 {
			all := map[string][]uint64{}
			for _, a := range m.accounts {
				if v := a.Value("fields.cost_centre"); v != "" && a.Status() != roster.Deleted {
					all[roster.Fold(v)] = append(all[roster.Fold(v)], a.ID)
				}
			}
			return all
		}
		before := shared(n.before)
		for v, ids := range shared(n.after) {
			if len(ids) > 1 && slices.ContainsFunc(ids, func(id uint64) bool { return !slices.Contains(before[v], id) }) {
				n.show(t, "%s is shared by %v", v, ids)
			}
		}
	})
}

// wears makes the badge of the username, as one template of several people does.
func wears(badge string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		e.Late = append(e.Late, roster.Late{Field: roster.CustomField, Custom: "badge", Value: func(string) string { return badge }})
	}
}

func TestR4WhoGetsAValueThatIsMadeOfTheUsernameHangsOnNoOrder(t *testing.T) {
	first, second, third := row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")
	noName := without(roster.Username)
	for _, tt := range []struct {
		name string
		with func(*Options, *memory)
		a, b roster.Entry
		want []string
	}{
		{"R27 made for two newcomers", badged(), row(5, "8", "u8", wears("z")), row(6, "9", "u9", wears("z")), []string{"E130 warning", "E130 warning", "add 8 u8", "add 9 u9"}},
		{"R27 made for one and said of another", badged(), row(5, "8", "u8", wears("z")), row(6, "9", "u9", tells("badge", "z")), []string{"E130 warning", "E130 warning", "add 8 u8", "add 9 u9"}},
		{"R27 made for a newcomer and for somebody who is known", badged(), row(4, "3", "u3", wears("z")), row(6, "9", "u9", wears("z")), []string{"E130 warning", "E130 warning", "add 9 u9"}},
		{"R22 two without a username, whose template makes one address", func(o *Options, _ *memory) { o.Required = nil }, row(5, "8", "", noName, made("z@example.org")), row(6, "9", "", noName, made("z@example.org")), []string{"add 8 ", "add 9 "}},
		{"R22 one without a username, and another who says the address", func(o *Options, _ *memory) { o.Required = nil }, row(5, "8", "", noName, made("z@example.org")), row(6, "9", "u9", says(roster.Email, "z@example.org")), []string{"add 8 ", "add 9 u9"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before []Change
			for _, order := range [][]roster.Entry{{tt.a, tt.b}, {tt.b, tt.a}} {
				o, m := staff(), directory("1", "2", "3")
				if tt.with != nil {
					tt.with(&o, m)
				}
				rows := []roster.Entry{first, second}
				if tt.a.Key != "3" {
					rows = append(rows, third)
				}
				p, _ := planned(t, o, m, append(rows, order...)...)
				var got []string
				for _, line := range p.told() {
					got = append(got, aLine.ReplaceAllString(line, ""))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("with %s first (-want +got):\n%s", order[0].Key, diff)
				}
				slices.SortFunc(p.Changes, func(a, b Change) int { return gocmp.Compare(a.Key, b.Key) })
				if diff := cmp.Diff(before, p.Changes, cmpopts.IgnoreFields(Change{}, "Line")); before != nil && diff != "" {
					t.Errorf("with %s first (-before +got):\n%s", order[0].Key, diff)
				}
				before = p.Changes
			}
		})
	}
}

var aLine = regexp.MustCompile(` line \d+`)
