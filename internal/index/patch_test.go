package index

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// collected are parts that last.
func collected(t *testing.T, parts iter.Seq2[[]byte, error]) (all [][]byte) {
	t.Helper()
	for part, err := range parts {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.Clone(part))
	}
	return all
}

func unpackedAll(t *testing.T, parts iter.Seq2[[]byte, error]) (all []Print) {
	t.Helper()
	for p, err := range Prints(parts) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// A site is a roster that changes from day to day, whose prints are a patch upon a patch.
type site struct {
	r     *rand.Rand
	next  int // the next hash that nobody has yet
	today []Mark
	base  []Print
	patch *Patch
}

func printOf(n int) Print {
	return Print{Identity: uint64(n), Hash: number(n), Entry: uint64(n), Account: uint64(n)}
}

func (s *site) fresh() Mark { s.next++; return Mark{Hash: number(s.next)} }

// day changes something: rows that differ, come, go, or lie elsewhere.
func (s *site) day() {
	for range s.r.IntN(4) {
		i := s.r.IntN(len(s.today))
		switch s.r.IntN(4) {
		case 0:
			s.today[i] = s.fresh()
		case 1:
			s.today = slices.Insert(s.today, i, s.fresh())
		case 2:
			s.today = slices.Delete(s.today, i, i+1)
		case 3:
			m := s.today[i]
			s.today = slices.Insert(slices.Delete(s.today, i, i+1), s.r.IntN(len(s.today)), m)
		}
	}
	for i := range s.today {
		s.today[i].Line = i + 2
	}
}

// TestAPatchUponAPatchSaysWhatIsStoredWhole lives days on which little differs.
func TestAPatchUponAPatchSaysWhatIsStoredWhole(t *testing.T) {
	patched, anew, dir := 0, 0, t.TempDir()
	for round := range 60 {
		s := &site{r: rand.New(rand.NewPCG(uint64(round), 3)), patch: &Patch{}}
		for range 20 + s.r.IntN(60) {
			m := s.fresh()
			s.today, s.base = append(s.today, m), append(s.base, printOf(s.next))
		}
		for day := range 12 {
			s.day()
			stored := collected(t, s.patch.On(packed(s.base)()))
			remembered := map[uint64]Print{}
			for _, p := range unpackedAll(t, each(stored)()) {
				remembered[p.Account] = p
			}
			l := &Looker{Parts: each(stored), Marks: each(s.today), Scratch: dir, Budget: []int{0, 3}[s.r.IntN(2)]}
			for _, m := range s.today {
				if s.r.IntN(40) == 0 {
					l.Touched.Add(m.Hash.Lo)
				}
			}
			v, err := l.Look()
			if err != nil {
				t.Fatal(err)
			}
			if s.r.IntN(3) == 0 { // S5, of a key that some other record bears
				m := s.today[s.r.IntN(len(s.today))]
				if err := l.Withdraw(v, map[uint64]struct{}{m.Hash.Lo: {}}); err != nil {
					t.Fatal(err)
				}
			}
			sorter := NewSorter(l.Scratch, 0)
			want := map[uint64]Print{}
			order := []Lined{}
			for n, m := range s.today {
				p := remembered[m.Hash.Lo]
				if v.Left.Has(uint64(n)) {
					p = printOf(int(m.Hash.Lo))
					if s.r.IntN(5) == 0 { // it ends with a problem, and is not remembered
						continue
					}
					p.Entry += uint64(day) // what is read is remembered anew
					if err := sorter.Add(m.Line, p); err != nil {
						t.Fatal(err)
					}
				}
				want[p.Account], order = p, append(order, Lined{m.Line, p})
			}
			next := s.patch.Then(v, sorter.Prints())
			if next == nil {
				anew++
				s.base, s.patch = nil, &Patch{}
				for _, p := range order {
					s.base = append(s.base, p.Print)
				}
				continue
			}
			patched++
			next.Added = each(collected(t, next.Added))()
			s.patch = next
			got := map[uint64]Print{}
			again := unpackedAll(t, next.On(packed(s.base)()))
			for _, p := range again {
				got[p.Account] = p
			}
			if diff := cmp.Diff(want, got); diff != "" || len(again) != len(want) {
				t.Fatalf("round %d, day %d: %d prints, want %d (-want +got):\n%s", round, day, len(again), len(want), diff)
			}
			entries := 0
			for range next.Dropped.All() {
				entries++
			}
			for _, part := range collected(t, next.Added) {
				entries += len(part) / AddedSize
			}
			if entries > next.Entries {
				t.Fatalf("round %d, day %d: %d entries, and %d are said", round, day, entries, next.Entries)
			}
		}
	}
	if patched < anew || anew == 0 {
		t.Errorf("%d days were patched and %d stored anew", patched, anew)
	}
}

// TestARecordThatIsReadStandsInItsPlaceAgain or each night would have to look for more.
func TestARecordThatIsReadStandsInItsPlaceAgain(t *testing.T) {
	var base []Print
	var marks []Mark
	for i := range 1000 {
		base = append(base, printOf(i+1))
		m := Mark{Line: i + 2, Hash: number(i + 1)}
		if i%20 == 3 {
			m.Hash = number(5000 + i)
		}
		marks = append(marks, m)
	}
	for _, i := range []int{900, 500, 100} {
		marks = slices.Insert(slices.Delete(marks, i+30, i+33), i, Mark{Hash: number(9000 + i)})
	}
	for i := range marks {
		marks[i].Line = i + 2
	}
	look := func(p *Patch) (*Verdict, *Looker) {
		l := &Looker{Parts: each(collected(t, p.On(packed(base)()))), Marks: each(marks), Scratch: t.TempDir()}
		v, err := l.Look()
		if err != nil {
			t.Fatal(err)
		}
		return v, l
	}
	v, l := look(&Patch{})
	sorter := NewSorter(l.Scratch, 0)
	for n, m := range marks {
		if v.Left.Has(uint64(n)) {
			_ = sorter.Add(m.Line, printOf(int(m.Hash.Lo)))
		}
	}
	p := (&Patch{}).Then(v, sorter.Prints())
	p.Added = each(collected(t, p.Added))()
	if v, _ := look(p); v.Same != len(marks) || v.jumps != 0 {
		t.Errorf("the next night %d of %d are the same, and %d were not next in line", v.Same, len(marks), v.jumps)
	}
}

func TestATornPatchIsSaid(t *testing.T) {
	p := &Patch{Added: each([][]byte{make([]byte, AddedSize-1)})()}
	var failed error
	for _, err := range p.On(packed([]Print{printOf(1)})()) {
		failed = err
	}
	if want := fmt.Sprintf("a part has %d bytes, which are no prints with their places", AddedSize-1); !errors.Is(failed, ErrTorn) || !strings.Contains(failed.Error(), want) {
		t.Errorf("%v, want ErrTorn and %s", failed, want)
	}
}
