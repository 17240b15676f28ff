package run

import (
	"context"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/index"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// empty is a directory without anybody.
type empty struct{}

func (empty) Find(context.Context, plan.Query) (plan.Found, error) { return plan.Found{}, nil }
func (empty) Numbered(context.Context, string, time.Time) ([]string, error) {
	return nil, nil
}

func (empty) Roll(context.Context, string) iter.Seq2[plan.Listed, error] {
	return func(func(plan.Listed, error) bool) {}
}

// heap is a sink that keeps nothing but how much memory was in use at most.
type heap struct {
	changes int
	peak    uint64
}

func (h *heap) Problem(roster.Problem) error { return nil }

func (h *heap) Change(plan.Change) error {
	if h.changes++; h.changes%50_000 == 0 {
		h.look()
	}
	return nil
}

func (h *heap) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.peak = max(h.peak, m.HeapAlloc)
}

// BenchmarkFirstLoad plans a first load as a run does, from records to changes:
// with what is known of names and keys in scratch files. Its heap must not grow with
// the people.
func BenchmarkFirstLoad(b *testing.B) {
	header := []string{"employee_id", "username", "first_name", "last_name", "email", "department"}
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			if testing.Short() && n > 100_000 {
				b.Skip("a million")
			}
			mapper, _, err := mapping.Compile(mapping.Options{Key: roster.EmployeeID}, header)
			if err != nil {
				b.Fatal(err)
			}
			x := &reading{file: &format.File{}, mapper: mapper}
			records := func(yield func(roster.Record, error) bool) {
				for i := range n {
					k := strconv.Itoa(i)
					if !yield(roster.Record{Line: i + 2, Values: []string{k, "u" + k, "First", "Last", "p" + k + "@example.org", "Ward"}}, nil) {
						return
					}
				}
			}
			dir := b.TempDir()
			o := plan.Options{
				Profile: "hr", Full: true, Policy: plan.DefaultPolicy(), UniqueEmail: "on", Match: plan.Match{Key: roster.EmployeeID},
				Required: []roster.Field{roster.Username, roster.FirstName, roster.LastName, roster.Email}, Zone: time.UTC,
				Pairs: func() plan.Pairs { return index.NewPairs(dir, 0) },
			}
			entries := func() iter.Seq2[roster.Entry, error] { return x.entriesOf(records) }
			b.ReportAllocs()
			for b.Loop() {
				runtime.GC()
				var sink heap
				if _, err := plan.Make(context.Background(), o, entries, empty{}, &sink, time.Unix(0, 0)); err != nil {
					b.Fatal(err)
				}
				sink.look()
				if sink.changes != n {
					b.Fatalf("%d changes, want %d", sink.changes, n)
				}
				b.ReportMetric(float64(sink.peak)/(1<<20), "MB-heap")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}
