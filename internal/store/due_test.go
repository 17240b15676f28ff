package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestNoIndexOfTheAccountsHangsOnWhatASuspensionWrites(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		query := "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'account' AND sql IS NOT NULL"
		if db.engine.name() == "postgres" {
			query = "SELECT indexdef FROM pg_indexes WHERE tablename = 'account'"
		}
		var indexes []string
		if err := db.gorm.Raw(query).Scan(&indexes).Error; err != nil || len(indexes) < 3 {
			t.Fatalf("%v, %v", err, indexes)
		}
		for _, index := range indexes {
			for _, column := range []string{"status", "status_reason", "status_by", "status_since", "starts_at", "expires_at", "origins", "updated_at", "version"} {
				if strings.Contains(strings.NewReplacer("(", " ", ")", " ", ",", " ").Replace(index)+" ", " "+column+" ") {
					t.Errorf("whoever is suspended is entered into every index again: %s", index)
				}
			}
		}
	})
}

// TestOfAnAccountOnlyWhatDiffersIsWrittenAndAllOfIt changes other fields of each
// account: more sets of columns than SQLite keeps statements for.
func TestOfAnAccountOnlyWhatDiffersIsWrittenAndAllOfIt(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		const n = 120
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprint("u", i)
		}
		accounts := s.people("hr", names...)
		var changes []plan.Change
		var want []roster.Values
		for i, a := range accounts {
			c := plan.Change{Action: plan.Update, Account: a.ID, Version: a.Version, Username: a.Values[roster.Username]}
			values := a.Values
			for bit, f := range []roster.Field{roster.FirstName, roster.LastName, roster.Email, roster.City, roster.Country, roster.Phone1, roster.Department} {
				if (i+1)&(1<<bit) != 0 {
					value := fmt.Sprint("New", i, "@", f)
					c.Fields = append(c.Fields, plan.FieldChange{Field: f, Name: f.String(), Old: values[f], New: value, Is: "hr"})
					values[f] = value
				}
			}
			changes, want = append(changes, c), append(want, values)
		}
		s.apply(s.plan("hr", changes...))
		for i, a := range accounts {
			got := s.get(a.ID)
			if diff := cmp.Diff(want[i], got.Values); diff != "" || got.Version != a.Version+1 || !got.UpdatedAt.Equal(db.now()) {
				t.Fatalf("account %d, version %d, -want +got:\n%s", a.ID, got.Version, diff)
			}
			if (i+1)&4 == 0 {
				continue
			}
			found, err := db.Find(t.Context(), plan.Query{Emails: []string{roster.Fold(got.Values[roster.Email])}, Now: db.now()})
			if err != nil || len(found.Accounts) != 1 || found.Accounts[0].ID != a.ID {
				t.Fatalf("account %d is not found by its new address: %v, %v", a.ID, err, found.Accounts)
			}
		}
	})
}
