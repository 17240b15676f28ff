package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestARollIsLongerThanAPageAndHasEveryAccountThatTheProfileLinks(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		const n = 2*page + 1
		var accounts, links []map[string]any
		var want []plan.Listed
		for i := 1; i <= n+2; i++ {
			status, profile := roster.Active, "hr"
			switch {
			case i%7 == 0:
				status = roster.Deleted
			case i%5 == 0:
				status = roster.Suspended
			case i%1000 == 1:
				profile = "ad"
			}
			accounts = append(accounts, map[string]any{"id": i, "version": 1, "status": string(status), "created_at": 0, "updated_at": 0})
			links = append(links, map[string]any{"profile": profile, "account": i, "key": "k", "key_folded": "k", "claim": "active", "decided": 0, "since": 0})
			if profile == "hr" {
				want = append(want, plan.Listed{Account: uint64(i), Status: status})
			}
		}
		if err := db.gorm.Table("account").CreateInBatches(accounts, 500).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.gorm.Table("link").CreateInBatches(links, 500).Error; err != nil {
			t.Fatal(err)
		}
		var got []plan.Listed
		for l, err := range db.Roll(t.Context(), "hr") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("roll (-want +got):\n%s", diff)
		}
		for l := range db.Roll(t.Context(), "nobody") {
			t.Errorf("nobody's roll has %+v", l)
		}
	})
}
