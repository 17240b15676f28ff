package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func TestR90TheImportedCatalogIsKeptWholeOrNotAtAll(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		take := func(replace []roster.Kind, items ...roster.Item) (fresh, gone int) {
			t.Helper()
			fresh, gone, err := db.ImportCatalog(t.Context(), items, replace)
			if err != nil {
				t.Fatal(err)
			}
			return fresh, gone
		}
		expect := func(want ...roster.Item) {
			t.Helper()
			got, err := db.Catalog(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		}
		nurses := roster.Item{Kind: roster.CohortKind, ID: "nurses", IDNumber: "17"}
		night := roster.Item{Kind: roster.GroupKind, Course: "FIRE-101", Name: "Night"}
		shift := roster.Item{Kind: roster.FieldKind, Name: "shift", Type: roster.MenuField, Options: []string{"early", "późna"}, Required: true}
		if fresh, gone := take(nil, shift, night, nurses); fresh != 3 || gone != 0 {
			t.Errorf("%d new, %d gone", fresh, gone)
		}
		expect(nurses, shift, night)

		nurses.Name = "All nurses"
		doctors := roster.Item{Kind: roster.CohortKind, ID: "doctors"}
		if fresh, gone := take(nil, nurses, doctors); fresh != 1 || gone != 0 {
			t.Errorf("%d new, %d gone", fresh, gone)
		}
		if fresh, gone := take([]roster.Kind{roster.CohortKind}, doctors); fresh != 0 || gone != 1 {
			t.Errorf("%d new, %d gone", fresh, gone)
		}
		expect(doctors, shift, night)

		if _, _, err := db.ImportCatalog(t.Context(), []roster.Item{nurses, {Kind: roster.CohortKind, ID: "a\x00b"}}, []roster.Kind{roster.CohortKind}); err == nil {
			t.Error("a name with NUL was stored")
		}
		expect(doctors, shift, night)
	})
}
