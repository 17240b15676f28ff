package index

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"rollcall/internal/roster"
)

func each[T any](list []T) func() iter.Seq2[T, error] {
	return func() iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			for _, x := range list {
				if !yield(x, nil) {
					return
				}
			}
		}
	}
}

// packed packs prints, a few in a part.
func packed(prints []Print) func() iter.Seq2[[]byte, error] {
	var parts [][]byte
	for some := range slices.Chunk(prints, 7) {
		var part []byte
		for _, p := range some {
			part = p.append(part)
		}
		parts = append(parts, part)
	}
	return each(parts)
}

func number(n int) roster.Hash { return roster.Hash{Hi: uint64(n) * 0x9e3779b97f4a7c15, Lo: uint64(n)} }

// A feed is what was stored of yesterday, and what lies there today.
type feed struct {
	prints []Print
	marks  []Mark
}

// someFeed is a feed of n people that changes here and there, in an order that
// is more or less that of yesterday.
func someFeed(r *rand.Rand, n int) feed {
	var f feed
	for i := range n {
		f.prints = append(f.prints, Print{Identity: uint64(i + 1), Hash: number(i + 1), Account: uint64(i + 1)})
		switch r.IntN(12) {
		case 0: // gone
		case 1: // differs
			f.marks = append(f.marks, Mark{Hash: number(n + i + 1)})
		case 2: // twice
			f.marks = append(f.marks, Mark{Hash: number(i + 1)}, Mark{Hash: number(i + 1)})
		default:
			f.marks = append(f.marks, Mark{Hash: number(i + 1)})
		}
	}
	switch r.IntN(4) {
	case 0:
		r.Shuffle(len(f.marks), func(i, j int) { f.marks[i], f.marks[j] = f.marks[j], f.marks[i] })
	case 1:
		slices.Reverse(f.marks)
	case 2:
		for range r.IntN(4) {
			if len(f.marks) > 0 {
				i, j := r.IntN(len(f.marks)), r.IntN(len(f.marks))
				f.marks[i], f.marks[j] = f.marks[j], f.marks[i]
			}
		}
	}
	for i := range f.marks {
		f.marks[i].Line = i + 2
	}
	return f
}

// TestS2S7EveryPrintAndEveryRecordIsAccountedForOnce compares with the plainest
// way to say it, in memory and spilt.
func TestS2S7EveryPrintAndEveryRecordIsAccountedForOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	spilt, dir := 0, t.TempDir()
	for round := range 120 {
		f := someFeed(r, r.IntN(60))
		l := &Looker{Parts: packed(f.prints), Marks: each(f.marks), Scratch: dir, Budget: []int{0, 1, 5}[r.IntN(3)]}
		for _, p := range f.prints {
			if r.IntN(20) == 0 {
				l.Touched.Add(p.Account)
			}
			if r.IntN(20) == 0 {
				l.Watch = append(l.Watch, p.Identity)
			}
		}
		v, err := l.Look()
		if err != nil {
			t.Fatal(err)
		}
		if l.Budget > 0 {
			spilt++
		}
		byHash := map[roster.Hash]int{}
		for _, m := range f.marks {
			byHash[m.Hash]++
		}
		same, stray, back := 0, 0, 0
		for _, p := range f.prints {
			gone := slices.Contains(v.Gone, p.Account)
			switch {
			case byHash[p.Hash] == 0:
				stray++
			case l.Touched.Has(p.Account):
				back++
			default:
				same++
				if !v.Known.Has(p.Account) || gone {
					t.Fatalf("round %d: account %d has its record, known %t, gone %t", round, p.Account, v.Known.Has(p.Account), gone)
				}
				continue
			}
			if v.Known.Has(p.Account) || !gone {
				t.Fatalf("round %d: account %d has no record that passes, known %t, gone %t", round, p.Account, v.Known.Has(p.Account), gone)
			}
		}
		left := 0
		for n := range f.marks {
			if v.Left.Has(uint64(n)) {
				left++
			}
		}
		if v.Rows != len(f.marks) || v.Same != same || v.Stray != stray || v.Back != back || left != v.Rows-v.Same {
			t.Fatalf("round %d: %+v with %d left; want %d rows, %d the same, %d stray, %d back", round, v, left, len(f.marks), same, stray, back)
		}
		for i, id := range l.Watch {
			if v.Seen.Has(uint64(i)) != v.Known.Has(id) { // identities and accounts are alike here
				t.Fatalf("round %d: identity %d watched: %t", round, id, v.Seen.Has(uint64(i)))
			}
		}
		withdrawn(t, l, v, f)
	}
	if spilt == 0 {
		t.Error("nothing was spilt")
	}
}

// TestS3UnderAnotherMappingARecordThatMeansSomethingElseIsRead pairs as ever, and
// passes over those alone that mean what they meant; in memory and spilt.
func TestS3UnderAnotherMappingARecordThatMeansSomethingElseIsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	for round := range 60 {
		f := someFeed(r, 1+r.IntN(40))
		others := map[roster.Hash]bool{}
		for i := range f.prints {
			f.prints[i].Entry = uint64(i + 1)
			others[f.prints[i].Hash] = r.IntN(4) == 0
		}
		for i, m := range f.marks {
			if f.marks[i].Entry = m.Hash.Lo; others[m.Hash] {
				f.marks[i].Entry = []uint64{0, 1 << 40}[r.IntN(2)]
			}
		}
		l := &Looker{Parts: packed(f.prints), Marks: each(f.marks), Scratch: dir, Budget: []int{0, 1, 5}[r.IntN(3)], Mapped: true}
		v, err := l.Look()
		if err != nil {
			t.Fatal(err)
		}
		found := map[roster.Hash]bool{}
		for _, m := range f.marks {
			found[m.Hash] = true
		}
		same := 0
		for _, p := range f.prints {
			passes := found[p.Hash] && !others[p.Hash]
			if passes {
				same++
			}
			if v.Known.Has(p.Account) != passes || slices.Contains(v.Gone, p.Account) == passes {
				t.Fatalf("round %d: account %d passes %t, known %t, gone %v", round, p.Account, passes, v.Known.Has(p.Account), v.Gone)
			}
		}
		if v.Same != same {
			t.Fatalf("round %d: %d the same, want %d", round, v.Same, same)
		}
	}
}

// withdrawn checks S5: of records that bear one key no copy is passed over.
func withdrawn(t *testing.T, l *Looker, v *Verdict, f feed) {
	t.Helper()
	borne := map[uint64]struct{}{}
	for n, m := range f.marks {
		if v.Left.Has(uint64(n)) && m.Hash.Lo <= uint64(len(f.prints)) {
			borne[m.Hash.Lo] = struct{}{} // whose key it bears
		}
	}
	if err := l.Withdraw(v, borne); err != nil {
		t.Fatal(err)
	}
	kept := map[uint64]int{}
	if err := l.Keep(v, func(line int, p Print) error {
		if f.marks[line-2].Hash != p.Hash {
			return fmt.Errorf("line %d has the print of another record", line)
		}
		kept[p.Account]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(kept) != v.Same {
		t.Fatalf("%d kept, %d the same", len(kept), v.Same)
	}
	for account, n := range kept {
		_, twice := borne[account]
		if n != 1 || twice || !v.Known.Has(account) || slices.Contains(v.Gone, account) {
			t.Fatalf("account %d is kept %d times; its key is borne again: %t, known %t", account, n, twice, v.Known.Has(account))
		}
	}
}

func TestPrintsComeInTheOrderOfTheirRecordsHoweverTheyWereDecided(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		s := NewSorter(t.TempDir(), 1+r.IntN(8))
		n := r.IntN(100)
		lines := r.Perm(n)
		if r.IntN(2) == 0 {
			slices.Sort(lines)
		}
		for _, line := range lines {
			if err := s.Add(line, Print{Account: uint64(line)}); err != nil {
				t.Fatal(err)
			}
		}
		next := uint64(0)
		for p, err := range Prints(Parts(s.Prints())) {
			if err != nil || p.Account != next {
				t.Fatalf("print of line %d, want %d: %v", p.Account, next, err)
			}
			next++
		}
		if int(next) != n {
			t.Fatalf("%d prints of %d", next, n)
		}
		s.Close()
	}
}

// benchFeed is a million people of whom one in a hundred has changed.
func benchFeed(n, every int, shuffled bool) feed {
	var f feed
	for i := range n {
		f.prints = append(f.prints, Print{Identity: uint64(i), Hash: number(i + 1), Account: uint64(i + 1)})
		h := number(i + 1)
		if every > 0 && i%every == 0 {
			h = number(n + i + 1)
		}
		f.marks = append(f.marks, Mark{Line: i + 2, Hash: h})
	}
	if shuffled {
		rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { f.marks[i], f.marks[j] = f.marks[j], f.marks[i] })
	}
	return f
}

func BenchmarkLook(b *testing.B) {
	for _, bb := range []struct {
		name     string
		every    int
		shuffled bool
	}{{"same", 0, false}, {"one in a hundred", 100, false}, {"scattered", 0, true}} {
		b.Run(bb.name, func(b *testing.B) {
			f := benchFeed(1_000_000, bb.every, bb.shuffled)
			dir := b.TempDir()
			b.ReportAllocs()
			for b.Loop() {
				l := &Looker{Parts: packed(f.prints), Marks: each(f.marks), Scratch: dir}
				if _, err := l.Look(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSorter(b *testing.B) {
	dir := b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		s := NewSorter(dir, 0)
		for i := range 1_000_000 {
			if err := s.Add(i, Print{Account: uint64(i)}); err != nil {
				b.Fatal(err)
			}
		}
		for part, err := range Parts(s.Prints()) {
			if err != nil || len(part) == 0 {
				b.Fatal(err)
			}
		}
		s.Close()
	}
}
