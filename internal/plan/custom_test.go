package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

// tells is an addition to a row: a custom field.
func tells(name, v string) func(*roster.Entry) {
	return func(e *roster.Entry) { e.Say(roster.CustomSaid{Name: name, Value: v}) }
}

// proposes is an addition to a row: the default of a custom field.
func proposes(name, v string) func(*roster.Entry) {
	return func(e *roster.Entry) { e.Say(roster.CustomSaid{Name: name, Value: v, Default: true}) }
}

// holds3 gives account 3 a cost centre, which somebody wrote.
func holds3(v string, by roster.Origin) func(*Options, *memory) {
	return func(_ *Options, m *memory) { m.account("3").Write("fields.cost_centre", v, by) }
}

func TestStoriesOfCustomFieldsR27(t *testing.T) {
	own := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}
	with := func(e roster.Entry) []roster.Entry { return append(append([]roster.Entry{}, own...), e) }
	third := func(more ...func(*roster.Entry)) []roster.Entry { return with(row(4, "3", "u3", more...)) }
	tell(t, []story{
		{"R27 a custom field is written", nil, third(tells("cost_centre", "4711")), []string{"update 3 fields.cost_centre=4711"}},
		{"R27 as it is, it is unchanged", holds3("4711", "hr"), third(tells("cost_centre", "4711")), nil},
		{"R52 however accents are composed", holds3("Caf\u00e9", "hr"), third(tells("cost_centre", "Cafe\u0301")), nil},
		{"R14 an absent column changes nothing", holds3("4711", "hr"), third(), nil},
		{"R14 blank: clear empties it", holds3("4711", "hr"), third(tells("cost_centre", "")), []string{"update 3 fields.cost_centre="}},
		{"R51 update: none writes nothing", func(o *Options, m *memory) { o.Policy.Update = "none"; holds3("4711", "hr")(o, m) }, third(tells("cost_centre", "1")), nil},
		{"R51 fill_missing fills what is empty alone", func(o *Options, m *memory) { o.Policy.Update = "fill_missing"; holds3("4711", "hr")(o, m) }, third(tells("cost_centre", "1"), tells("shift", "late")), []string{"update 3 fields.shift=late"}},
		{"R51 set: once", func(o *Options, m *memory) { o.SetCustom = map[string]roster.SetMode{"cost_centre": roster.SetOnce} }, third(tells("cost_centre", "1")), nil},
		{"R51 set: until_edited leaves a person's edit", func(o *Options, m *memory) {
			o.SetCustom = map[string]roster.SetMode{"cost_centre": roster.SetUntilEdited}
			holds3("4711", "person:ada")(o, m)
		}, third(tells("cost_centre", "1")), nil},
		{"R53 a default is for newcomers", nil, with(row(4, "3", "u3", proposes("cost_centre", "0"))), nil},
		{"R53 file_and_defaults", func(o *Options, _ *memory) { o.Policy.Update = "file_and_defaults" }, third(proposes("cost_centre", "0"), proposes("shift", "early"), tells("shift", "late")), []string{"update 3 fields.cost_centre=0 fields.shift=late"}},
		{"R54 another feed's value stays, with a note", func(o *Options, m *memory) {
			holds3("4711", "ad")(o, m)
			m.account("3").Links = append(m.account("3").Links, roster.Link{Profile: "ad", Key: "3", Claim: roster.ClaimActive})
		}, third(tells("cost_centre", "1")), []string{"E310 line 4 note"}},
		{"R54 authority may be given over one custom field", func(o *Options, m *memory) {
			o.Authority = map[string][]string{"fields.cost_centre": {"hr", "ad"}}
			holds3("4711", "ad")(o, m)
			m.account("3").Links = append(m.account("3").Links, roster.Link{Profile: "ad", Key: "3", Claim: roster.ClaimActive})
		}, third(tells("cost_centre", "1")), []string{"update 3 fields.cost_centre=1"}},
		{"R45 a custom field is a witness", func(o *Options, m *memory) {
			suspended3(o, m)
			o.Match.Witness = []roster.Name{"fields.birth_date"}
			m.account("3").Write("fields.birth_date", "1980-01-31", "hr")
		}, third(tells("birth_date", "1999-12-31")), []string{"E307 line 4 error"}},
		{"R45 and where it agrees it is a rehire", func(o *Options, m *memory) {
			deleted3(o, m)
			o.Match.Witness = []roster.Name{"fields.birth_date"}
			m.account("3").Write("fields.birth_date", "1980-01-31", "hr")
		}, third(tells("birth_date", "1980-01-31")), []string{"reactivate 3"}},
		{"R48 and tells who looks like whom", func(o *Options, m *memory) {
			o.Match.Lookalike, o.Match.Witness = "wait", []roster.Name{"last_name", "fields.birth_date"}
			m.account("3").Write("fields.birth_date", "1980-01-31", "hr")
		}, with(row(4, "9", "u9", says(roster.LastName, "Last 3"), tells("birth_date", "1980-01-31"))), []string{"E309 line 4 warning"}},
		{"R27 who lacks a required field is not added", func(o *Options, _ *memory) {
			o.Custom = []roster.Item{{Name: "shift", Required: true}}
		}, append(third(), row(5, "9", "u9")), []string{"E120 line 5 error"}},
		{"R27 who has it is", func(o *Options, _ *memory) {
			o.Custom = []roster.Item{{Name: "shift", Required: true}}
		}, append(third(), row(5, "9", "u9", proposes("shift", "early"))), []string{"add 9 u9"}},
		{"R41 records that differ in a custom field alone differ", nil, append(own, row(4, "3", "u3", tells("shift", "early")), row(5, "3", "u3", tells("shift", "late"))), []string{"E105 line 4 error", "E105 line 5 error"}},
	})
}

func TestR27ANewAccountsCustomFieldsSayWhoWroteThem(t *testing.T) {
	m := directory()
	p, f := planned(t, staff(), m, row(2, "1", "u1", tells("cost_centre", "4711"), proposes("shift", "early")))
	want := []FieldChange{
		{Field: roster.CustomField, Name: "fields.cost_centre", New: "4711", Is: "hr"},
		{Field: roster.CustomField, Name: "fields.shift", New: "early", Is: roster.OriginDefault},
	}
	got := p.Changes[0].Fields
	if diff := cmp.Diff(want, got[len(got)-2:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(f.FieldChanges) > 0 {
		t.Errorf("a new account changes nothing: %v", f.FieldChanges)
	}
	m.apply(p)
	_, f = planned(t, staff(), m, row(2, "1", "u1", tells("cost_centre", "1"), tells("badge", "7")))
	if f.FieldChanges["fields.cost_centre"] != 1 || f.FieldChanges["fields.badge"] != 0 {
		t.Errorf("changes of fields that somebody has: %v", f.FieldChanges)
	}
}

func TestR27APersonsCustomFieldsAreCheckedAsAFeedsAre(t *testing.T) {
	listed := []roster.Item{
		{Kind: roster.FieldKind, Name: "badge", Type: roster.TextField, Unique: true},
		{Kind: roster.FieldKind, Name: "shift", Type: roster.TextField, Required: true},
	}
	tests := []struct {
		name string
		with func(*memory)
		said []roster.Custom
		want string // in the error; "" where it is done
	}{
		{"a free value", nil, []roster.Custom{{Name: "badge", Value: "9"}}, ""},
		{"another's value of a unique field", func(m *memory) { m.account("2").Write("fields.badge", "X9", "hr") }, []roster.Custom{{Name: "badge", Value: "x9"}}, "E130"},
		{"that of somebody deleted", func(m *memory) { deleted3(nil, m); m.account("3").Write("fields.badge", "9", "hr") }, []roster.Custom{{Name: "badge", Value: "9"}}, ""},
		{"another's value of any other", func(m *memory) { m.account("2").Write("fields.shift", "9", "hr") }, []roster.Custom{{Name: "shift", Value: "9"}}, ""},
		{"a required one emptied", func(m *memory) { m.account("1").Write("fields.shift", "9", "hr") }, []roster.Custom{{Name: "shift"}}, "E120"},
		{"one that says so already", func(m *memory) { m.account("1").Write("fields.badge", "9", "hr") }, []roster.Custom{{Name: "badge", Value: "9"}}, "nothing to do"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("1", "2", "3")
			if tt.with != nil {
				tt.with(m)
			}
			w := Wants{Custom: tt.said, Listed: listed}
			c, err := m.edit(t, "1", w)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			n := roster.CustomName(tt.said[0].Name)
			if err != nil || len(c.Fields) != 1 || m.account("1").OriginOf(n) != "person:ada" {
				t.Fatalf("%+v, %v", c, err)
			}
			back, err := ada.Release(m.account("1"), []roster.Name{n})
			if err != nil || len(back.Fields) != 1 || back.Fields[0].New != tt.said[0].Value || back.Fields[0].Is != "" {
				t.Errorf("released: %+v, %v", back, err)
			}
		})
	}
}
