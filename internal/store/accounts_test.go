package store

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// person is an active account as a test wants it.
func person(id uint64, username string, set ...string) roster.Account {
	a := roster.Account{ID: id, Version: 1, CreatedAt: noon, UpdatedAt: noon}
	a.Values[roster.Username], a.Values[roster.StatusField] = username, string(roster.Active)
	for i := 0; i+1 < len(set); i += 2 {
		f, ok := roster.FieldNamed(set[i])
		if !ok {
			panic(set[i] + " is no field")
		}
		a.Values[f] = set[i+1]
	}
	return a
}

func linked(a roster.Account, links ...roster.Link) roster.Account {
	a.Links = links
	return a
}

// plantAccounts writes accounts as they are, past any plan.
func plantAccounts(t *testing.T, db *DB, accounts ...roster.Account) {
	t.Helper()
	for _, a := range accounts {
		row := map[string]any{
			"id": int64(a.ID), "version": int64(a.Version), "origins": writeOrigins(a.Origins),
			"created_at": micros(a.CreatedAt), "updated_at": micros(a.UpdatedAt),
			"username_folded":    roster.Fold(a.Values[roster.Username]),
			"email_folded":       roster.Fold(a.Values[roster.Email]),
			"employee_id_folded": roster.Fold(a.Values[roster.EmployeeID]),
			"gone":               flag(a.Status() == roster.Deleted),
		}
		for f := range roster.NumFields {
			row[f.String()] = a.Values[f]
		}
		if err := db.gorm.Table("account").Create(row).Error; err != nil {
			t.Fatal(err)
		}
		for _, d := range duesOf(&a) {
			if err := db.gorm.Table("due").Create(map[string]any{"account": int64(a.ID), "kind": d.kind, "at": d.at}).Error; err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range a.Links {
			row := map[string]any{
				"profile": l.Profile, "account": int64(a.ID), "key": string(l.Key), "key_folded": roster.Fold(string(l.Key)),
				"claim": string(l.Claim), "decided": flag(l.Decided), "since": micros(noon),
			}
			if err := db.gorm.Table("link").Create(row).Error; err != nil {
				t.Fatal(err)
			}
		}
	}
}

// idsOf reads a stream of accounts to its end.
func idsOf(t *testing.T, all iter.Seq2[roster.Account, error]) []uint64 {
	t.Helper()
	ids := []uint64{}
	for a, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	return ids
}

func TestAnAccountIsReadWithAllItsLinks(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		want := linked(person(7, "ada", "email", "Ada@example.org", "status_by", "person:x"),
			roster.Link{Profile: "hr-csv", Key: "100", Claim: roster.ClaimActive},
			roster.Link{Profile: "school", Key: "s-9", Claim: roster.ClaimGone, Decided: true})
		want.Origins[roster.Email] = "hr-csv"
		plantAccounts(t, db, want, linked(person(8, "bob"), roster.Link{Profile: "hr-csv", Key: "101", Claim: roster.ClaimActive}))
		got, err := db.Account(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(*got, want); d != "" {
			t.Errorf("got -, want +:\n%s", d)
		}
		if _, err := db.Account(t.Context(), 9); !errors.Is(err, ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
	})
}

func TestAnAccountIsNamedByUsernameNumberOrKey(t *testing.T) {
	link := func(profile string, key roster.Key) roster.Link {
		return roster.Link{Profile: profile, Key: key, Claim: roster.ClaimActive}
	}
	both(t, func(t *testing.T, db *DB) {
		plantAccounts(
			t, db,
			person(1, "k.wrona", "employee_id", "104417"),
			person(2, "k.wrona", "status", "deleted", "employee_id", "104417"),
			linked(person(3, "gone", "status", "deleted"), link("hr-csv", "G1")),
			linked(person(4, "łukasz"), link("hr-csv", "104417"), link("school", "S4")),
			linked(person(5, "twin1"), link("hr-csv", "77")),
			linked(person(6, "twin2"), link("school", "77")),
			person(7, "old", "status", "deleted"),
			person(8, "old", "status", "deleted"),
			person(9, "upper", "employee_id", "ab"),
			linked(person(10, "both"), link("hr-csv", "B"), link("school", "B")),
		)
		for _, tt := range []struct {
			name, ref string
			want      uint64 // 0: nobody
			choice    string // of which the error speaks
		}{
			{"by username", "k.wrona", 1, ""},
			{"by username in capitals", "K.Wrona", 1, ""},
			{"beyond ASCII", "ŁUKASZ", 4, ""},
			{"a deleted one where no other is", "gone", 3, ""},
			{"two deleted ones", "old", 0, "id:7, id:8"},
			{"nobody's username", "nobody", 0, ""},
			{"no username", "", 0, ""},
			{"what no database holds", "a\x00b", 0, ""},
			{"by number", "id:4", 4, ""},
			{"by nobody's number", "id:99", 0, ""},
			{"by employee ID before any link", "key:104417", 1, ""},
			{"by a link", "key:S4", 4, ""},
			{"by a link to a deleted one", "key: G1 ", 3, ""},
			{"by two links to one account", "key:B", 10, ""},
			{"by two links to two accounts", "key:77", 0, "id:5, id:6"},
			{"by a key of another case", "key:AB", 0, ""},
			{"by no key", "key:", 0, ""},
		} {
			got, err := db.Named(t.Context(), tt.ref)
			switch {
			case tt.want != 0 && (err != nil || got.ID != tt.want):
				t.Errorf("%s: got %v, %v; want account %d", tt.name, got, err, tt.want)
			case tt.want == 0 && tt.choice == "" && !errors.Is(err, ErrNone):
				t.Errorf("%s: got %v, %v; want ErrNone", tt.name, got, err)
			case tt.choice != "" && (err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), tt.choice)):
				t.Errorf("%s: got %v, %v; want an error that says %s", tt.name, got, err, tt.choice)
			}
		}
		if _, err := db.Named(t.Context(), "id:x"); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("a number that is none: got %v", err)
		}
		if _, err := db.Named(t.Context(), "nobody"); strings.Contains(err.Error(), "nobody") {
			t.Errorf("the error repeats a username: %v", err)
		}
	})
}

func TestAccountsAreSelected(t *testing.T) {
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	both(t, func(t *testing.T, db *DB) {
		registered := person(2, "bob", "site", "Canada/Ontario", "last_login_at", "2026-08-01T00:00:00Z")
		registered.CreatedAt = day(-10)
		plantAccounts(
			t, db,
			linked(person(1, "ada", "first_name", "Åsa", "last_name", "Straße", "email", "Asa_S@example.org", "employee_id", "E-100", "site", "Canada"),
				roster.Link{Profile: "hr-csv", Key: "1", Claim: roster.ClaimActive}),
			registered,
			linked(person(3, "eve", "status", "suspended", "site", "Canadax", "expires_at", "2026-12-31T00:00:00Z"),
				roster.Link{Profile: "hr-csv", Key: "3", Claim: roster.ClaimGone}, roster.Link{Profile: "school", Key: "s3", Claim: roster.ClaimActive}),
			person(4, "dan", "status", "deleted", "site", "canada"),
			person(5, "asxs", "last_login_at", "2026-09-01T00:00:00Z", "expires_at", "2027-01-01T00:00:00Z"),
		)
		run := ran(t, db, 1, journal.Run{Profile: "hr-csv", Status: journal.OK, AppliedSeq: 1}).Number
		for id, a := range map[uint64]plan.Action{1: plan.Add, 2: plan.Update, 3: plan.Suspend, 4: plan.Delete, 5: plan.Claim} {
			plantChange(t, db, run, planted{account: id, action: a, done: journal.Applied})
		}
		next := ran(t, db, 2, journal.Run{Profile: "hr-csv", Status: journal.OK, AppliedSeq: 2}).Number
		plantChange(t, db, next, planted{account: 1, action: plan.Update, done: journal.LeftOut})
		plantChange(t, db, next, planted{account: 5, action: plan.Rename, done: journal.Applied})

		for _, tt := range []struct {
			name string
			q    AccountQuery
			want []uint64
		}{
			{"all but deleted", AccountQuery{}, []uint64{1, 2, 3, 5}},
			{"all", AccountQuery{Status: "all"}, []uint64{1, 2, 3, 4, 5}},
			{"suspended", AccountQuery{Status: "suspended"}, []uint64{3}},
			{"deleted", AccountQuery{Status: "deleted"}, []uint64{4}},
			{"at most two", AccountQuery{Limit: 2}, []uint64{1, 2}},
			{"text in a username", AccountQuery{Text: "A"}, []uint64{1, 5}},
			{"text beyond ASCII", AccountQuery{Text: "åSA"}, []uint64{1}},
			{"text that folds to more", AccountQuery{Text: "STRASSE"}, []uint64{1}},
			{"text in an address, where _ is itself", AccountQuery{Text: "a_s"}, []uint64{1}},
			{"a percent sign is itself", AccountQuery{Text: "%"}, []uint64{}},
			{"text in an employee ID", AccountQuery{Text: "e-1"}, []uint64{1}},
			{"text with a limit", AccountQuery{Text: "a", Limit: 1}, []uint64{1}},
			{"of a profile", AccountQuery{Profile: "hr-csv"}, []uint64{1, 3}},
			{"of a profile, suspended", AccountQuery{Profile: "school", Status: "suspended"}, []uint64{3}},
			{"R102 all of a run but claims", AccountQuery{Run: run, Status: "all", Outcome: "all"}, []uint64{1, 2, 3, 4}},
			{"R102 those of a run that are not deleted", AccountQuery{Run: run}, []uint64{1, 2, 3}},
			{"R102 the new of a run", AccountQuery{Run: run, Outcome: "added"}, []uint64{1}},
			{"R102 the updated of a run", AccountQuery{Run: run, Outcome: "updated"}, []uint64{2}},
			{"R102 the deleted of a run", AccountQuery{Run: run, Outcome: "deleted"}, []uint64{4}},
			{"R102 what was left out is not of the run", AccountQuery{Run: next}, []uint64{5}},
			{"a site and all below it", AccountQuery{Site: "Canada"}, []uint64{1, 2}},
			{"a site below", AccountQuery{Site: "Canada/Ontario"}, []uint64{2}},
			{"expired by the day after the last", AccountQuery{ExpiresBefore: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)}, []uint64{3}},
			{"registered before", AccountQuery{RegisteredBefore: noon}, []uint64{2}},
			{"registered after", AccountQuery{RegisteredAfter: noon, Limit: 1}, []uint64{1}},
			{"last login before, of those who ever did", AccountQuery{LastLoginBefore: day(-1)}, []uint64{2}},
		} {
			if d := cmp.Diff(idsOf(t, db.Accounts(t.Context(), tt.q)), tt.want); d != "" {
				t.Errorf("%s: got -, want +:\n%s", tt.name, d)
			}
		}
		for name, q := range map[string]AccountQuery{
			"a status that is none":     {Status: "gone"},
			"an outcome that is none":   {Run: run, Outcome: "gone"},
			"an outcome without a run":  {Outcome: "added"},
			"a site no database stores": {Site: "a\x00"},
		} {
			for _, err := range db.Accounts(t.Context(), q) {
				if err == nil {
					t.Errorf("%s is taken", name)
				}
				break
			}
		}
	})
}

func TestAListLongerThanAPageIsWholeAndMayBeWrittenWhileItIsRead(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		const n = 2*page + 1
		const ended = "2026-01-01T00:00:00Z"
		rows, due := make([]map[string]any, n), make([]map[string]any, n)
		for i := range rows {
			rows[i] = map[string]any{"id": i + 1, "version": 1, "status": "active", "expires_at": ended, "created_at": 0, "updated_at": 0}
			due[i] = map[string]any{"account": i + 1, "kind": dueExpires, "at": ended}
		}
		if err := errors.Join(db.gorm.Table("account").CreateInBatches(rows, 500).Error, db.gorm.Table("due").CreateInBatches(due, 500).Error); err != nil {
			t.Fatal(err)
		}
		for name, all := range map[string]iter.Seq2[roster.Account, error]{
			"list": db.Accounts(t.Context(), AccountQuery{}),
			"due":  db.Due(t.Context(), noon),
		} {
			want := uint64(0)
			for a, err := range all {
				if err != nil {
					t.Fatal(err)
				}
				if want++; a.ID != want {
					t.Fatalf("%s: account %d, want %d", name, a.ID, want)
				}
				if want%page == 1 {
					if err := db.gorm.Exec("UPDATE account SET version = version + 1 WHERE id = ?", int64(want)).Error; err != nil {
						t.Fatal(err)
					}
				}
			}
			if want != n {
				t.Errorf("%s: %d accounts, want %d", name, want, n)
			}
		}
		if got := idsOf(t, db.Accounts(t.Context(), AccountQuery{Limit: page + 1})); len(got) != page+1 {
			t.Errorf("%d accounts, want %d", len(got), page+1)
		}
	})
}

func TestR71DueIsWhatADateHasChangedAndTheStatusDoesNotShow(t *testing.T) {
	at := func(d time.Duration) string { return roster.Stamp(noon.Add(d)) }
	waits := func(starts string, more ...string) []string {
		return append([]string{"status", "suspended", "status_reason", "not_started", "status_by", "date:", "starts_at", starts}, more...)
	}
	both(t, func(t *testing.T, db *DB) {
		plantAccounts(
			t, db,
			linked(person(1, "expired", "expires_at", at(0)), roster.Link{Profile: "hr-csv", Key: "1", Claim: roster.ClaimActive}),
			person(2, "expires.next", "expires_at", at(time.Second)),
			person(3, "has.no.end"),
			person(4, "suspended.long.ago", "status", "suspended", "status_reason", "expired", "expires_at", at(-time.Hour)),
			person(5, "starts.now", waits(at(0))...),
			person(6, "starts.next", waits(at(time.Second))...),
			person(7, "a.person.decided", waits(at(0), "status_by", "person:x")...),
			person(8, "gone.meanwhile", waits(at(0), "status", "deleted")...),
			person(9, "another.reason", waits(at(0), "status_reason", "missing")...),
		)
		var got []roster.Account
		for a, err := range db.Due(t.Context(), noon) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a)
		}
		if len(got) != 2 || got[0].ID != 1 || got[1].ID != 5 {
			t.Fatalf("due: %v, want accounts 1 and 5", got)
		}
		if got[0].Link("hr-csv") == nil {
			t.Error("a due account lacks its link")
		}
	})
}
