package index

import (
	"os"
	"slices"
	"testing"
)

func TestPairsOfOneFirstNumberLieInOnePart(t *testing.T) {
	for _, tt := range []struct {
		name string
		most int
	}{{"in memory", 0}, {"in files", 10}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			p := NewPairs(dir, tt.most)
			defer p.Close()
			want := map[[2]uint64]int{}
			for i := range uint64(1000) {
				first := (i % 300) * 0x9e3779b97f4a7c15
				want[[2]uint64{first, i % 7}]++
				if err := p.Add(first, i%7); err != nil {
					t.Fatal(err)
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("the scratch folder has %d files with a name (%v): they would outlive the process", len(left), err)
			}
			parts, at := 0, map[uint64]int{}
			for part, err := range p.Parts() {
				if err != nil {
					t.Fatal(err)
				}
				parts++
				for _, pair := range slices.Clone(part) {
					if want[pair]--; want[pair] < 0 {
						t.Errorf("%v came more often than it was added", pair)
					}
					if before, ok := at[pair[0]]; ok && before != parts {
						t.Errorf("%d lies in two parts", pair[0])
					}
					at[pair[0]] = parts
				}
			}
			for pair, n := range want {
				if n != 0 {
					t.Errorf("%v: %d are missing", pair, n)
				}
			}
			if (tt.most > 0) != (parts > 1) {
				t.Errorf("%d parts", parts)
			}
		})
	}
}

func TestPairsThatCannotBeSpiltSaySo(t *testing.T) {
	p := NewPairs("/nowhere", 1)
	defer p.Close()
	if err := p.Add(1, 1); err != nil {
		t.Fatal(err)
	}
	if err := p.Add(2, 1); err == nil {
		t.Error("two pairs were taken where there is room for one, and no folder")
	}
}
