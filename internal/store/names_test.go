package store

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// bring is the change that brings back a deleted account, with the name that it had.
func bring(a roster.Account) plan.Change {
	return touch(plan.Reactivate, a, field(roster.StatusField, string(roster.Deleted), string(roster.Active), ""), field(roster.DeletedAt, a.Values[roster.DeletedAt], "", ""))
}

// atOnce carries a planned run out; the names that it frees are held from nobody.
func (s story) atOnce(r *journal.Run) Applied {
	s.Helper()
	o := order(r)
	o.HoldNames = 0
	a, err := s.db.Apply(s.Context(), o)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// standing are all names of live accounts, folded, by their account. Every account's is
// entered as it is.
func (s story) standing() map[string]uint64 {
	s.Helper()
	live := map[string]uint64{}
	err := each(s.db.gorm, func(row scanner) error {
		var id uint64
		var name, folded string
		var gone bool
		if err := row.Scan(&id, &name, &folded, &gone); err != nil {
			return err
		}
		if folded != roster.Fold(name) {
			s.Errorf("account %d has the name %q, and is entered as %q", id, name, folded)
		}
		if !gone {
			live[folded] = id
		}
		return nil
	}, "SELECT id, username, username_folded, gone = 1 FROM account")
	if err != nil {
		s.Fatal(err)
	}
	return live
}

// TestR36NamesChangeHandsAsIfAllChangesCameAtOnce compares plans of a few people who
// want one another's names with a model that knows no order: somebody is left out who
// wants a name that neither is free nor is given up by somebody who is not left out.
func TestR36NamesChangeHandsAsIfAllChangesCameAtOnce(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		fallen, chance := 0, rand.New(rand.NewPCG(36, 33))
		for round := range 25 {
			pool := strings.Fields("a A b B c C d e f g h i")
			for i := range pool {
				pool[i] = fmt.Sprintf("%s-%d", pool[i], round)
			}
			chance.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
			free := map[string]bool{} // folded
			for _, n := range pool {
				free[roster.Fold(n)] = true
			}
			take := func(n string) bool {
				ok := free[roster.Fold(n)]
				delete(free, roster.Fold(n))
				return ok
			}
			var names []string
			for _, n := range pool {
				if len(names) < 7 && take(n) {
					names = append(names, n)
				}
			}
			p := s.people("hr", names...)
			s.atOnce(s.plan("hr", remove(p[0], noon), remove(p[1], noon)))
			p[0], p[1] = s.get(p[0].ID), s.get(p[1].ID)

			// What the plan wants, each name once.
			wanted := map[string]bool{}
			want := func(from ...string) string {
				for _, k := range chance.Perm(len(from)) {
					if n := from[k]; !wanted[roster.Fold(n)] {
						wanted[roster.Fold(n)] = true
						return n
					}
				}
				return ""
			}
			type move struct {
				change       plan.Change
				gives, takes string
				fallen       bool
			}
			var moves []*move
			for i, a := range p {
				name := a.Values[roster.Username]
				m := &move{gives: roster.Fold(name)}
				switch kind := chance.IntN(8); {
				case i < 2: // one that is deleted holds no name
					if m.gives = ""; kind < 4 || want(name) == "" {
						continue
					}
					m.change, m.takes = bring(a), roster.Fold(name)
				case kind == 0:
					continue
				case kind == 1:
					m.change = remove(a, noon)
				case kind == 2:
					m.change = touch(plan.Purge, a)
				default:
					n := want(pool...)
					if n == "" || n == name {
						continue
					}
					m.change, m.takes = rename(a, n), roster.Fold(n)
				}
				moves = append(moves, m)
			}
			for i := range 2 {
				if n := want(pool...); n != "" {
					c := add("hr", n)
					c.Links[0].NewKey = roster.Key(fmt.Sprintf("new-%d-%d", round, i))
					moves = append(moves, &move{change: c, takes: roster.Fold(n)})
				}
			}
			var changes []plan.Change
			for _, m := range moves {
				changes = append(changes, m.change)
			}
			r := s.plan("hr", changes...)
			if round%3 > 0 { // meanwhile somebody takes a name that is free
				if n := slices.Sorted(maps.Keys(free)); len(n) > 0 {
					other := add("", n[chance.IntN(len(n))])
					other.Links = nil
					s.apply(s.plan("", other))
				}
			}

			left := s.standing() // names, as they will be
			for again := true; again; {
				again = false
				given := map[string]bool{}
				for _, m := range moves {
					given[m.gives] = given[m.gives] || !m.fallen
				}
				for _, m := range moves {
					if _, held := left[m.takes]; !m.fallen && m.takes != "" && held && !given[m.takes] {
						m.fallen, again = true, true
					}
				}
			}
			var lost []string
			for _, m := range moves {
				if m.fallen {
					lost = append(lost, fmt.Sprintf("%s %s: left_out %s", m.change.Action, m.change.Username, nameTaken))
				} else {
					delete(left, m.gives)
				}
			}
			for _, m := range moves {
				if !m.fallen && m.takes != "" {
					left[m.takes] = m.change.Account
				}
			}
			fallen += len(lost)

			s.atOnce(r)
			got := s.standing()
			for _, n := range slices.Sorted(maps.Keys(left)) { // a new account's number is not known
				if id := cmp.Or(left[n], got[n]); got[n] != id || id == 0 {
					t.Errorf("round %d: %s is the name of %d, want %d", round, n, got[n], id)
				}
			}
			if len(got) != len(left) {
				t.Errorf("round %d: there are %d names, want %d", round, len(got), len(left))
			}
			if was := s.lost(r.Number); !slices.Equal(sorted(was), sorted(lost)) {
				t.Errorf("round %d: got  %q\nwant %q", round, was, lost)
			}
		}
		if fallen < 15 {
			t.Errorf("only %d changes fell: the test tests nothing", fallen)
		}
	})
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestR36AChainOfNamesCrossesTheChunks lets each of more than a chunk take the name of
// the next, who gives it up later in the plan, and then of the one before. The last
// one's is that of somebody who leaves, at the end of both.
func TestR36AChainOfNamesCrossesTheChunks(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		const people = chunk + 100
		run, digest := newcomers(t, db, people)
		if _, err := db.Apply(t.Context(), Order{Run: run, Digest: digest}); err != nil {
			t.Fatal(err)
		}
		all := func() (list []roster.Account) {
			ids := make([]uint64, people)
			for i := range ids {
				ids[i] = uint64(i + 1)
			}
			found, err := db.Find(t.Context(), plan.Query{IDs: ids, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			return found.Accounts
		}
		name := func(i int) string { return fmt.Sprintf("uE%05d", (i+people)%people) }
		carry := func(shift int, changes ...plan.Change) {
			t.Helper()
			r := s.plan("hr", changes...)
			r.Facts.Rows.Renamed = len(changes)
			if shift == 0 { // seen by a person: it is read, and then carried out
				s.held(r)
			}
			if a := s.atOnce(r); a.Carried != len(changes) {
				t.Fatalf("%+v", a)
			}
			live := s.standing()
			for i := range people {
				if got := live[strings.ToLower(name(i+shift))]; i > 0 && got != uint64(i+1) {
					t.Fatalf("%s is the name of %d, want %d", name(i+shift), got, i+1)
				}
			}
		}
		p := all()
		var ring, back []plan.Change
		for i, a := range p {
			ring = append(ring, rename(a, name(i+1)))
		}
		carry(1, ring...)
		p = all()
		for i, a := range p[1:] { // the first leaves, whose name the last takes
			back = append(back, rename(a, name(i+1)))
		}
		carry(0, append(back, touch(plan.Purge, p[0]))...)
		if got := s.get(1); got.ID != 0 {
			t.Errorf("account %d is still there", got.ID)
		}
	})
}

// TestR36WhoKeepsANameIsNotRobbedOfIt leaves out, for two other causes than names, who
// would have given up what somebody else takes.
func TestR36WhoKeepsANameIsNotRobbedOfIt(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "ben", "cal", "dan", "eve", "fay")
		renamed := rename(p[2], "cally")
		renamed.Fields = append(renamed.Fields, field(roster.Department, "", "ICU", "hr"))
		r := s.plan("hr", remove(p[0], noon), rename(p[1], "Ada"), renamed, rename(p[3], "cal"), rename(p[4], "dan"))
		s.apply(s.plan("", touch(plan.Update, p[2], field(roster.Department, "", "Lab", "person:eve"))))
		o := order(r)
		o.ExceptRemovals, o.HoldNames = true, 0
		if _, err := db.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		s.wantLost(r.Number,
			"rename Ada: left_out the username is taken by now",
			"rename cally: left_out department has changed since the plan was made",
			"rename cal: left_out the username is taken by now",
			"rename dan: left_out the username is taken by now",
			"delete ada: excepted approved without removals")
		live := s.standing()
		for i, want := range []string{"ada", "ben", "cal", "dan", "eve", "fay"} {
			if live[want] != p[i].ID {
				t.Errorf("%s is the name of %d, want %d", want, live[want], p[i].ID)
			}
		}
	})
}
