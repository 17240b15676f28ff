package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"rollcall/internal/index"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
)

// counted gives chunks of changes that have nothing but their numbers, up to last.
func counted(last, size int64) func(*gorm.DB, int64, []storedChange) ([]storedChange, error) {
	return func(tx *gorm.DB, after int64, room []storedChange) ([]storedChange, error) {
		room = room[:0]
		for n := after + 1; n <= min(after+size, last); n++ {
			room = append(room, storedChange{ord: n})
		}
		return room, tx.Statement.Context.Err()
	}
}

func TestWhatIsReadAheadComesWholeAndInItsOrder(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for _, last := range []int64{0, 1, 9, 10, 11, 30, 97} {
			var seen int64
			for list, err := range ahead(db.gorm.WithContext(t.Context()), 10, counted(last, 10)) {
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range list {
					if seen++; c.ord != seen {
						t.Fatalf("of %d: change %d came as number %d", last, c.ord, seen)
					}
				}
			}
			if seen != last {
				t.Errorf("%d of %d came", seen, last)
			}
		}
	})
}

func TestWhoReadsAheadStopsWithWhomItReadsFor(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		broken, cancelled := errors.New("broken"), 0
		reading := counted(100, 10)
		fails := func(tx *gorm.DB, after int64, room []storedChange) ([]storedChange, error) {
			if after == 50 {
				return nil, broken
			}
			return reading(tx, after, room)
		}
		var got error
		for list, err := range ahead(db.gorm.WithContext(t.Context()), 10, fails) {
			if got = err; err == nil && list[0].ord > 41 {
				t.Errorf("change %d came behind the error", list[0].ord)
			}
		}
		if !errors.Is(got, broken) {
			t.Errorf("the error of the reading is lost: %v", got)
		}
		deaf := func(_ *gorm.DB, after int64, room []storedChange) ([]storedChange, error) { // what was asked is answered, though nobody waits for it any more
			time.Sleep(time.Millisecond)
			return reading(db.gorm.WithContext(t.Context()), after, room)
		}
		for range 50 {
			for range ahead(db.gorm.WithContext(t.Context()), 10, deaf) {
				break // or the test never ends
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for list, err := range ahead(db.gorm.WithContext(ctx), 10, reading) {
			if cancel(); err != nil {
				if cancelled++; !errors.Is(err, context.Canceled) || list != nil {
					t.Errorf("cut short: %v, %v", err, list)
				}
			}
		}
		if cancelled != 1 {
			t.Errorf("a reading that was cut short says so %d times, want once", cancelled)
		}
	})
}

// TestP1ATransactionWaitsForNoSecondConnection lets all others be somebody's: those who
// hold them may wait for what the transaction holds, as at half past five, when all
// profiles of a site are due at once.
func TestP1ATransactionWaitsForNoSecondConnection(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		db.pool.SetMaxOpenConns(1)
		run, digest := newcomers(t, db, chunk+few)
		if a, err := db.Apply(ctx, Order{Run: run, Digest: digest}); err != nil || a.Carried != chunk+few {
			t.Fatalf("a first load: %v, %+v", err, a)
		}
		more := story{t, db}.more(chunk + 1)
		if a, err := db.Apply(ctx, order(more)); err != nil || a.Carried != chunk+1 {
			t.Fatalf("a plan that a person has seen: %v, %+v", err, a)
		}
		look := Look{Run: run.Number, Profile: "hr", Digest: "d", Made: noon}
		prints := func(n int) iter.Seq2[[]byte, error] {
			return index.Parts(func(yield func(index.Lined, error) bool) {
				for i := range n {
					if !yield(index.Lined{Print: index.Print{Identity: uint64(i), Account: uint64(i + 1)}}, nil) {
						return
					}
				}
			})
		}
		none := index.Numbers(func(func(uint64) bool) {})
		if err := db.StoreLook(ctx, look, prints(10), none); err != nil {
			t.Fatal(err)
		}
		if err := db.gorm.Exec("UPDATE look SET current = 1").Error; err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second reads the added prints of the first
			old, err := db.Look(ctx, "hr")
			if err != nil {
				t.Fatal(err)
			}
			patch, err := db.Patch(ctx, old)
			if err != nil {
				t.Fatal(err)
			}
			patch.Added = joined(patch.Added, added(1))
			next := &journal.Run{Profile: "hr", Kind: journal.Sync}
			if err := db.Begin(ctx, next); err != nil {
				t.Fatal(err)
			}
			look.Run = next.Number
			if err := db.PatchLook(ctx, look, old, patch, none); err != nil {
				t.Fatalf("a patch: %v", err)
			}
			if err := db.gorm.Exec("UPDATE look SET current = CASE WHEN run = ? THEN 1 ELSE 0 END", look.Run).Error; err != nil {
				t.Fatal(err)
			}
		}
		if got, err := db.Look(ctx, "hr"); err != nil || got.Run != look.Run {
			t.Errorf("%v, %+v", err, got)
		}
	})
}

// more is a plan of n new people that waits for a person.
func (s story) more(n int) *journal.Run {
	s.Helper()
	var changes []plan.Change
	for i := range n {
		changes = append(changes, add("hr", fmt.Sprint("n", i)))
	}
	r := s.plan("hr", changes...)
	r.Facts.Rows.Added = n
	return s.held(r)
}

// TestP1NobodyComesBetweenATransactionAndWhatIsReadForIt has an administrator wait for
// the plans to be his alone, who waits for the transaction, which waits for its plan.
func TestP1NobodyComesBetweenATransactionAndWhatIsReadForIt(t *testing.T) {
	t.Parallel()
	db := openAt(t, shore.Postgres(t), newClock().now)
	s := story{t, db}
	s.people("hr", "ada")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	o := order(s.more(chunk + 1))
	full := make(chan error, 1)
	o.Watch = func(at Stage, n int) {
		if at != Applying || n > 0 {
			return
		}
		go func() {
			_, err := db.pool.ExecContext(ctx, "VACUUM FULL change")
			full <- err
		}()
		for waits := false; !waits && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if err := db.pool.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'change'::regclass AND NOT granted)").Scan(&waits); err != nil {
				t.Error(err)
			}
		}
	}
	if a, err := db.Apply(ctx, o); err != nil || a.Carried != chunk+1 {
		t.Errorf("%v, %+v", err, a)
	}
	if err := <-full; err != nil {
		t.Error(err)
	}
}

// added are n packed prints of a patch, all before the first of the base.
func added(n int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { yield(make([]byte, n*index.AddedSize), nil) }
}

// joined is one behind the other; either may be nil.
func joined(all ...iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, one := range all {
			if one == nil {
				continue
			}
			for part, err := range one {
				if !yield(part, err) {
					return
				}
			}
		}
	}
}

func TestManyAreFoundAsOneByOne(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		var adds []plan.Change
		q := plan.Query{Profile: "hr", Field: roster.EmployeeID, Now: noon}
		for i := range 3*handful + 7 {
			name := fmt.Sprintf("p%04d", i)
			adds = append(adds, add("hr", name))
			q.Keys = append(q.Keys, roster.Key("k-"+name))
			q.Usernames, q.Emails = append(q.Usernames, name, "no"+name), append(q.Emails, name+"@example.org")
		}
		s.apply(s.plan("hr", adds...))
		found, err := db.Find(t.Context(), q)
		if err != nil || len(found.Accounts) != len(adds) {
			t.Fatalf("%v, %d accounts of %d", err, len(found.Accounts), len(adds))
		}
		for i := range found.Accounts {
			a := &found.Accounts[i]
			if i > 0 && a.ID <= found.Accounts[i-1].ID {
				t.Fatalf("account %d comes after %d", a.ID, found.Accounts[i-1].ID)
			}
			one, err := db.Find(t.Context(), plan.Query{Profile: "hr", Usernames: []string{a.Values[roster.Username]}, Now: noon})
			if err != nil || len(one.Accounts) != 1 || fmt.Sprint(one.Accounts[0]) != fmt.Sprint(*a) {
				t.Fatalf("%v: alone\n%+v, among many\n%+v", err, one.Accounts, *a)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.Find(ctx, q); err == nil || !strings.Contains(err.Error(), "find accounts") {
			t.Errorf("cut short: %v", err)
		}
	})
}
