package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func customField(name, was, is string, by roster.Origin) plan.FieldChange {
	return plan.FieldChange{Field: roster.CustomField, Name: "fields." + name, Old: was, New: is, Is: by}
}

func TestR27CustomFieldsAreWrittenReadAndTakenBack(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		ada := add("hr", "ada")
		ada.Fields = append(ada.Fields, customField("shift", "", "late", "hr"), customField("birth_date", "", "1980-01-31", roster.OriginDefault))
		s.apply(s.plan("hr", ada, add("hr", "bob")))
		a, b := s.named("ada"), s.named("bob")
		want := []roster.Custom{{Name: "birth_date", Value: "1980-01-31", Origin: roster.OriginDefault}, {Name: "shift", Value: "late", Origin: "hr"}}
		if diff := cmp.Diff(want, a.Custom); diff != "" || b.Custom != nil {
			t.Errorf("bob has %v, ada (-want +got):\n%s", b.Custom, diff)
		}

		long := strings.Repeat("ﷺ", 255) // folds into 18 times as many letters
		run := s.plan("hr", touch(plan.Update, a, customField("shift", "late", "", "hr"), customField("birth_date", "1980-01-31", "", "")), touch(plan.Update, b, customField("shift", "", long, "person:a;b=c")))
		s.apply(run)
		if diff := cmp.Diff([]roster.Custom{{Name: "shift", Origin: "hr"}}, s.get(a.ID).Custom); diff != "" {
			t.Errorf("ada, emptied by hr (-want +got):\n%s", diff)
		}
		if got := s.get(b.ID).Custom; len(got) != 1 || got[0].Value != long || got[0].Origin != "person:a;b=c" {
			t.Errorf("bob has %.60v", got)
		}
		if got := s.read("SELECT account || ' ' || name || ' ' || length(value) FROM " + view(db, "account_fields")); !slices.Equal(got, []string{fmt.Sprint(b.ID, " shift 255")}) {
			t.Errorf("the view has %q", got)
		}
		if names, err := db.CustomNames(t.Context()); err != nil || !slices.Equal(names, []string{"shift"}) {
			t.Errorf("names %q, %v", names, err)
		}

		var back []plan.Change
		for o, err := range db.Changes(t.Context(), run.Number) {
			if err != nil {
				t.Fatal(err)
			}
			now := s.get(o.Account)
			c, left := plan.Opposite(o.Change, &now)
			if c == nil || len(left) > 0 {
				t.Fatalf("nothing takes it back: %v", left)
			}
			back = append(back, *c)
		}
		s.apply(s.plan("hr", back...))
		if diff := cmp.Diff([]roster.Custom{{Name: "birth_date", Value: "1980-01-31"}, {Name: "shift", Value: "late"}}, s.get(a.ID).Custom); diff != "" {
			t.Errorf("ada, taken back (-want +got):\n%s", diff)
		}
		if got := s.get(b.ID).Custom; got != nil {
			t.Errorf("bob, taken back: %v", got)
		}
	})
}

func TestAPlanWhoseCustomFieldHasMovedIsLeftOut(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		people := s.people("hr", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
		var all []plan.Change
		for _, p := range people {
			all = append(all, touch(plan.Update, p, customField("shift", "", "late", "hr")))
		}
		run := s.plan("hr", all...)
		s.apply(s.plan("ad", touch(plan.Update, people[0], customField("shift", "", "early", "ad"))))
		if got := s.apply(run); got.LeftOut != 1 || got.Carried != 11 {
			t.Errorf("left out %d, carried %d", got.LeftOut, got.Carried)
		}
		s.wantLost(run.Number, "update a: left_out fields.shift has changed since the plan was made")
	})
}

func TestAccountsAreFoundByTheirCustomFields(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob", "gone")
		long := strings.Repeat("ﷺ", 255)
		s.apply(s.plan("hr",
			touch(plan.Update, p[0], customField("badge", "", "Ünal-7", "hr"), customField("note", "", long, "hr")),
			touch(plan.Update, p[1], customField("badge", "", "8", "hr"), customField("born", "", "1980-01-31", "hr")),
			touch(plan.Update, p[2], customField("badge", "", "9", "hr"), customField("born", "", "1980-01-31", "hr"))))
		gone := s.get(p[2].ID)
		s.apply(s.plan("hr", remove(gone, noon)))
		tests := []struct {
			name string
			q    plan.Query
			want []string
		}{
			{"by the match key, a deleted one too", plan.Query{Field: roster.CustomField, Custom: "fields.badge", Values: []string{"ünal-7", "9", "7"}}, []string{"ada", "gone"}},
			{"by another field of that value", plan.Query{Field: roster.CustomField, Custom: "fields.born", Values: []string{"8"}}, nil},
			{"holders of a unique value, the deleted hold none", plan.Query{Unique: []plan.UniqueQuery{{Name: "fields.badge", Values: []string{"8", "9"}}}}, []string{"bob"}},
			{"of one that is long", plan.Query{Unique: []plan.UniqueQuery{{Name: "fields.note", Values: []string{roster.Fold(long)}}}}, []string{"ada"}},
			{"by all witnesses", plan.Query{Witness: []roster.Name{"username", "fields.born"}, Likes: []string{"bob" + plan.Between + "1980-01-31", "ada" + plan.Between + "1980-01-31", "gone" + plan.Between + "1980-01-31"}}, []string{"bob"}},
			{"by a witness that no catalog has", plan.Query{Witness: []roster.Name{"fields.a'?b"}, Likes: []string{"x"}}, nil},
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
	})
}
