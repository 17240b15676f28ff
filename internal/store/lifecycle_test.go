package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestR63ALegalHoldThatCameAfterThePlanKeepsTheAccount(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		ada, bob := s.people("hr", "ada", "bob")[0], s.named("bob")
		remove := func(a roster.Account) plan.Change {
			return touch(plan.Delete, a, field(roster.StatusField, "active", "deleted", ""), field(roster.StatusBy, "", "hr", ""))
		}
		var some []roster.Account // so that one that is left out is less than a tenth
		for _, name := range []string{"c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
			some = append(some, s.people("hr", name)...)
		}
		changes := []plan.Change{remove(ada), remove(bob)}
		for _, a := range some {
			changes = append(changes, touch(plan.Update, a, field(roster.City, "", "Ulm", "hr")))
		}
		stored := s.plan("hr", changes...)
		s.apply(s.plan("", touch(plan.Update, ada, field(roster.LegalHold, "", roster.Stamp(noon), ""))))
		if a := s.apply(stored); a.LeftOut != 1 {
			t.Errorf("%d were left out, want 1", a.LeftOut)
		}
		if got := s.get(ada.ID); got.Status() != roster.Active {
			t.Errorf("who is under a legal hold is %s", got.Status())
		}
		if got := s.get(bob.ID); got.Status() != roster.Deleted { // the control
			t.Errorf("the other is %s", got.Status())
		}
		for o, err := range db.Changes(t.Context(), stored.Number) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Account == ada.ID && (o.Done != journal.LeftOut || o.Note != "the account is under a legal hold") {
				t.Errorf("%s: %s", o.Done, o.Note)
			}
		}
	})
}

func TestR63WhatAnAccountLeadsIsFound(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		plantAccounts(t, db,
			person(1, "ada", "email", "ada@example.org", "employee_id", "00001"), person(2, "bob", "manager", "ADA"), person(3, "eve", "manager", "Ada@example.org"),
			person(4, "kim", "manager", "00001"), person(5, "jan", "manager", "1"), person(6, "old", "manager", "ada", "status", "deleted", "fallback_owner", "ada"))
		for _, m := range [][]string{{"course", "FIRE-101", "teacher", ""}, {"course", "FIRE-102", "student", ""}, {"role", "manager", "", ""}, {"course", "OLD", "teacher", "2020-01-01T00:00:00Z"}} {
			if err := db.gorm.Exec(`INSERT INTO membership (account, kind, name, role, group_name, origin, since, starts, until, suspended, ended, said)
				VALUES (1, ?, ?, ?, '', 'hr', '', '', '', 0, ?, '')`, m[0], m[1], m[2], m[3]).Error; err != nil {
				t.Fatal(err)
			}
		}
		leads, err := db.Leads(t.Context(), []uint64{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := leads[1]; !slices.Equal(got.Manages, []string{"bob", "eve", "kim"}) || got.Inherits != 1 ||
			!slices.Equal(got.Roles, []string{"course:FIRE-101:teacher", "role:manager"}) {
			t.Errorf("%+v", got)
		}
		if got := leads[2]; len(got.Manages) > 0 || got.Inherits > 0 {
			t.Errorf("%+v", got)
		}
	})
}

// everything is the text of every row of every table.
func everything(t *testing.T, db *DB) string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
	if db.engine.name() == "postgres" {
		query = "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
	}
	var tables []string
	if err := db.gorm.Raw(query).Scan(&tables).Error; err != nil || len(tables) < 10 {
		t.Fatalf("%v: %v", tables, err)
	}
	var b strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		if err := db.gorm.Table(table).Find(&rows).Error; err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		fmt.Fprintln(&b, table, rows)
	}
	return b.String()
}

func TestR63EveryTableThatSpeaksOfAnAccountIsErased(t *testing.T) {
	db := openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "rollcall.db"), newClock().now)
	var tables []string
	if err := db.gorm.Raw("SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'account' WHERE m.type = 'table' ORDER BY m.name").Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	// These are emptied of what they know, row by row, and stay: see erase.
	emptied := []string{"change", "problem", "link", "erased_key"}
	// This says again the dates of the account itself, which stay.
	emptied = append(emptied, "due")
	for _, table := range tables {
		if !slices.Contains(ofAccount, table) && !slices.Contains(emptied, table) {
			t.Errorf("table %s speaks of accounts, and keeps what it says when one is erased: add it to ofAccount", table)
		}
	}
	if len(tables) < len(ofAccount)+len(emptied) {
		t.Errorf("tables %v", tables)
	}
}

func TestR63WhatIsErasedStandsNowhereInTheDatabaseAndItsKeysAreKnownR45(t *testing.T) {
	for _, action := range []plan.Action{plan.Anonymise, plan.Purge} {
		t.Run(string(action), func(t *testing.T) {
			both(t, func(t *testing.T, db *DB) {
				s := story{t, db}
				first := add("hr", "lovelace")
				first.Fields = append(first.Fields, field(roster.FirstName, "", "Ada", "hr"), field(roster.LastName, "", "Lovelace", "hr"))
				first.Links[0].NewAnchor = "a-lovelace"
				rejected := s.plan("hr", first) // a first plan that nobody approved
				rejected.Status = journal.Rejected
				if err := db.Finish(t.Context(), rejected); err != nil {
					t.Fatal(err)
				}
				s.apply(s.plan("hr", first))
				s.people("hr", "brandt")
				a := s.named("lovelace")
				moved := touch(plan.Rename, a, field(roster.Username, "lovelace", "countess", "person:ada"), field(roster.Email, "lovelace@example.org", "countess@example.org", "hr"))
				moved.Links = []plan.LinkChange{{Profile: "hr", OldKey: "k-lovelace", NewKey: "k-countess", Old: roster.ClaimActive, New: roster.ClaimActive, OldAnchor: "a-lovelace", NewAnchor: "a-countess"}}
				s.apply(s.plan("hr", moved))
				held := s.plan("hr", touch(plan.Update, s.get(a.ID), field(roster.City, "", "Bern", "hr")), touch(plan.Update, s.named("brandt"), field(roster.City, "", "Bern", "hr")))
				held.Status, held.Decision = journal.Held, "Countess asked"
				w := db.Writer(t.Context(), held.Number)
				problem := roster.NewProblem("E112", 2, "k-countess")
				problem.Account = a.ID
				if err := errors.Join(w.Problem(problem), w.Problem(roster.NewProblem("E307", 3, "k-lovelace"))); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Seal(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := db.Finish(t.Context(), held); err != nil {
					t.Fatal(err)
				}
				if err := db.DecideNew(t.Context(), "hr", "k-lovelace", "ada", "a namesake"); err != nil {
					t.Fatal(err)
				}
				mail := func(id, to, text string) {
					if err := db.Post(t.Context(), held.Number, notify.Message{ID: id, To: []string{to}, Subject: "A report", Text: text, HTML: "<p>" + text}); err != nil {
						t.Fatal(err)
					}
				}
				mail("1@x", "hr@example.org", "line 2: k-countess")
				mail("2@x", "hr@example.org", "line 3: k-brandt")
				mail("3@x", "countess@example.org", "Welcome")

				words := []string{"ovelace", "ountess"}
				before := everything(t, db)
				for _, word := range words {
					if !strings.Contains(before, word) {
						t.Fatalf("the control: %q stood nowhere before", word)
					}
				}
				p := plan.Person{Who: "person:kim", At: roster.Stamp(noon), Reason: "asked for"}
				now := s.get(a.ID)
				c, err := p.Anonymise(&now)
				if action == plan.Purge {
					c, err = p.Purge(&now)
				}
				if err != nil {
					t.Fatal(err)
				}
				done := s.apply(s.plan("", c))
				after := everything(t, db)
				for _, word := range words {
					if i := strings.Index(after, word); i >= 0 {
						t.Errorf("%q stands there still: …%s…", word, after[max(0, i-200):min(len(after), i+50)])
					}
				}
				if !strings.Contains(after, "k-brandt") || !strings.Contains(after, "line 3: k-brandt") {
					t.Error("somebody else was erased too")
				}
				got := s.get(a.ID)
				switch {
				case action == plan.Purge && got.ID != 0:
					t.Errorf("the row stays: %+v", got)
				case action == plan.Anonymise && (got.Status() != roster.Deleted || got.Version != now.Version+1 || len(got.Links) != 1 || got.Links[0].Key != ""):
					t.Errorf("account %+v", got)
				}
				if r, err := db.Run(t.Context(), held.Number); err != nil || r.Status != journal.Superseded || !slices.Contains(done.Rewrite, held.Number) {
					t.Errorf("a plan that waits and is not the one any more that was shown: %v, %v", r.Status, err)
				}
				for key, want := range map[roster.Key]bool{"k-lovelace": true, "K-Countess": true, "k-brandt": false, "k-nobody": false} {
					found, err := db.Find(t.Context(), plan.Query{Profile: "hr", Keys: []roster.Key{key}, Field: roster.EmployeeID, Now: noon})
					if err != nil || found.Erased[roster.Fold(string(key))] != want {
						t.Errorf("key %s: erased %v, %v; want %v", key, found.Erased, err, want)
					}
					other, err := db.Find(t.Context(), plan.Query{Profile: "ad", Keys: []roster.Key{key}, Field: roster.Username, Now: noon})
					if err != nil || len(other.Erased) > 0 {
						t.Errorf("another profile's key %s: %v, %v", key, other.Erased, err)
					}
				}
				box, err := db.Outbox(t.Context(), held.Number)
				if err != nil || len(box) != 3 || box[0].State != mailPending || box[2].State != mailDead || len(box[2].Message.To) > 0 {
					t.Errorf("outbox %+v, %v", box, err)
				}
				if err := db.Scrub(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestR49TheNamesOfWhoIsMergedAreTheOthers(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		s.people("hr", "ada", "bob")
		s.apply(s.plan("hr", touch(plan.Rename, s.named("ada"), field(roster.Username, "ada", "ada.l", "hr"))))
		people := s.people("learning", "countess")
		from, into := s.named("ada.l"), people[0]
		changes, err := plan.Person{Who: "person:kim", At: roster.Stamp(noon)}.Merge(&from, &into)
		if err != nil {
			t.Fatal(err)
		}
		s.apply(s.plan("", changes...))
		got := s.get(into.ID)
		if l := got.Link("hr"); l == nil || l.Key != "k-ada" || !l.Decided {
			t.Errorf("links %+v", got.Links)
		}
		if gone := s.get(from.ID); gone.Status() != roster.Deleted || len(gone.Links) > 0 {
			t.Errorf("the one that went: %+v", gone)
		}
		found, err := db.Find(t.Context(), plan.Query{Usernames: []string{"ada", "ada.l"}, Now: noon})
		if err != nil || len(found.Holds) != 2 || found.Holds[0].Account != into.ID || found.Holds[1].Account != into.ID {
			t.Errorf("holds %+v, %v: the names are kept for the one that stays", found.Holds, err)
		}
		s.apply(s.plan("hr", touch(plan.Rename, got, field(roster.Username, "countess", "ada", "hr"))))
		if now := s.get(into.ID); now.Values[roster.Username] != "ada" {
			t.Errorf("it cannot take its person's former name: %q", now.Values[roster.Username])
		}
	})
}

// While the person looks at the plan of a merge, one of the two accounts moves.
func TestR49AMergeIsCarriedOutWholeOrNotAtAll(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		merge := func(from, into string) (*journal.Run, roster.Account, roster.Account) {
			a, b := s.people("hr", from)[0], s.people("learning", into)[0]
			changes, err := plan.Person{Who: "person:kim", At: roster.Stamp(noon)}.Merge(&a, &b)
			if err != nil {
				t.Fatal(err)
			}
			return s.plan("", changes...), a, b
		}
		link := func(a roster.Account, l plan.LinkChange) {
			c := touch(plan.Claim, a)
			c.Links = []plan.LinkChange{l}
			s.apply(s.plan("", c))
		}
		r, from, _ := merge("ada", "countess")
		link(from, plan.LinkChange{Profile: "hr", OldKey: "k-ada", NewKey: "k-ada", Old: roster.ClaimActive, New: roster.ClaimLeave})
		s.refused(order(r), "whole or not at all")
		r, _, into := merge("bob", "baron")
		link(into, plan.LinkChange{Profile: "hr", NewKey: "k-baron", New: roster.ClaimActive})
		s.refused(order(r), "whole or not at all")
		r, _, _ = merge("eve", "earl") // the control
		if a := s.apply(r); a.Carried != 2 {
			t.Errorf("%d carried out, want 2", a.Carried)
		}
	})
}
