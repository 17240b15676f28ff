package run_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// A follower is a program of somebody else's, that reads the view and nothing
// else and remembers how far it has come.
type follower struct {
	db   *sql.DB
	view string
	last int64
	seen []string // "applied_seq account action", in the order in which they came
}

func follow(t *testing.T, s *site, engine string) *follower {
	t.Helper()
	f := &follower{view: "account_changes"}
	driver, dsn := "sqlite", "file:"+filepath.Join(filepath.Dir(s.drops), "rollcall.db")+"?mode=ro&_pragma=busy_timeout(10000)"
	if engine == "postgres" {
		driver, dsn, f.view = "pgx", s.dsn, "directory.account_changes"
	}
	var err error
	if f.db, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.db.Close() })
	return f
}

// look reads what is new.
func (f *follower) look() error {
	rows, err := f.db.Query(fmt.Sprintf("SELECT applied_seq, account, action FROM %s WHERE applied_seq > %d ORDER BY applied_seq, account", f.view, f.last))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, account int64
		var action string
		if err := rows.Scan(&seq, &account, &action); err != nil {
			return err
		}
		f.last = seq
		f.seen = append(f.seen, fmt.Sprintf("%d %d %s", seq, account, action))
	}
	return rows.Err()
}

// every is what the view says in the end.
func (f *follower) every(t *testing.T) []string {
	t.Helper()
	all := &follower{db: f.db, view: f.view}
	if err := all.look(); err != nil {
		t.Fatal(err)
	}
	return all.seen
}

// TestR105AFollowerMissesNothing applies four profiles at once, some of their
// changes those of an older run that was held, while somebody else follows.
func TestR105AFollowerMissesNothing(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			s := open(t, engine)
			const nights, staff, more = 6, 40, 20
			held := s.feed("held", func(p *run.Profile) { p.Limits.HoldFor = 1000 * time.Hour })
			s.read(held, journal.OK, crew("held", staff, "Ward 1")...)
			waiting := s.read(held, journal.Held, crew("held", staff/2, "Ward 1")...)

			f := follow(t, s, engine)
			done := make(chan struct{})
			var following error
			var reader sync.WaitGroup
			reader.Go(func() {
				for {
					select {
					case <-done:
						following = f.look()
						return
					default:
						if following = f.look(); following != nil {
							return
						}
					}
				}
			})

			s.everyNight(nights, staff, more)
			var runs sync.WaitGroup
			for _, name := range []string{"a", "b", "c"} {
				p := s.feed(name, func(p *run.Profile) { p.Source.Pick = "all" })
				runs.Go(func() {
					all, err := s.RunAll(context.Background(), run.Request{Profile: p})
					if err != nil || len(all) != nights {
						t.Errorf("%s: %d runs, %v", name, len(all), err)
					}
				})
			}
			runs.Go(func() {
				for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
					if newer, err := s.Store.Newest(context.Background(), "a"); err == nil && newer.AppliedSeq != 0 {
						break
					}
				}
				if _, err := s.Approve(context.Background(), held, run.Decision{Run: waiting.Number, Who: "ada", Reason: "they have left"}); err != nil {
					t.Errorf("approve: %v", err)
				}
			})
			runs.Wait()
			close(done)
			reader.Wait()
			if following != nil {
				t.Fatal(following)
			}

			want := f.every(t)
			if n := staff + staff/2 + 3*(staff+(nights-1)*more); len(want) != n {
				t.Errorf("the view has %d changes, want %d", len(want), n)
			}
			if len(f.seen) != len(want) {
				t.Fatalf("the follower saw %d changes of %d", len(f.seen), len(want))
			}
			for i := range want {
				if f.seen[i] != want[i] {
					t.Fatalf("change %d: the follower saw %q, the view has %q", i, f.seen[i], want[i])
				}
			}
			late, err := s.Store.Run(t.Context(), waiting.Number)
			if err != nil || late.AppliedSeq <= 2 {
				t.Errorf("the held run came as number %d, so nothing newer was applied before it: %v", late.AppliedSeq, err)
			}
		})
	}
}

// crew are people of a feed's own.
func crew(feed string, n int, department string) []string {
	lines := []string{header}
	for i := range n {
		key := fmt.Sprintf("%s%03d", feed, i)
		lines = append(lines, person(key, "u"+key, department))
	}
	return lines
}

// everyNight writes nights drops of three feeds, each with more people.
func (s *site) everyNight(nights, staff, more int) {
	for night := range nights {
		for _, name := range []string{"a", "b", "c"} {
			p := s.feed(name)
			s.drop(p, crew(name, staff+night*more, "Ward 1")...)
		}
	}
}
