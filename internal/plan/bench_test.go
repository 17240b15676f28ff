package plan

import (
	"context"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"rollcall/internal/roster"
)

// crowd is a directory of many accounts, found by key, name and address without
// a walk. It makes them as they are asked for, so that what a planning holds is
// the planner's own.
type crowd struct{ size int }

func (c crowd) account(i int) roster.Account {
	k := strconv.Itoa(i)
	a := roster.Account{ID: uint64(i + 1), Version: 1, Links: []roster.Link{{Profile: "hr", Key: roster.Key(k), Claim: roster.ClaimActive}}}
	for f, v := range row(0, k, "u"+k).Values {
		a.Values[f] = v
	}
	a.Values[roster.StatusField] = string(roster.Active)
	return a
}

func (c crowd) Find(_ context.Context, q Query) (Found, error) {
	var f Found
	for _, k := range q.Keys {
		if i, err := strconv.Atoi(string(k)); err == nil && i < c.size {
			f.Accounts = append(f.Accounts, c.account(i))
		}
	}
	return f, nil
}

func (c crowd) Numbered(context.Context, string, time.Time) ([]string, error) { return nil, nil }

func (c crowd) Roll(context.Context, string) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for i := range c.size {
			if !yield(Listed{uint64(i + 1), roster.Active}, nil) {
				return
			}
		}
	}
}

// counter is a sink that keeps nothing but, now and then, how much memory is in use.
type counter struct {
	changes int
	peak    uint64
}

func (c *counter) Change(Change) error {
	if c.changes++; c.changes%50_000 == 0 {
		c.look()
	}
	return nil
}

func (c *counter) Problem(roster.Problem) error { return nil }

func (c *counter) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.peak = max(c.peak, m.HeapAlloc)
}

// many are n records; change says what is different about one of them.
func many(n int, change func(i int, e *roster.Entry)) Entries {
	return func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			for i := range n {
				k := strconv.Itoa(i)
				e := row(i+2, k, "u"+k)
				change(i, &e)
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// BenchmarkMake plans ordinary nights and first loads. The time for a record
// must not grow with their number.
func BenchmarkMake(b *testing.B) {
	same := func(int, *roster.Entry) {}
	hundredth := func(i int, e *roster.Entry) {
		if i%100 == 0 {
			says(roster.City, "Ulm")(e)
		}
	}
	doe := func(_ int, e *roster.Entry) { says(roster.Username, "jdoe")(e); template(e) }
	const n = 100_000
	for _, bb := range []struct {
		name    string
		have    int
		records int
		change  func(int, *roster.Entry)
		want    int
	}{
		{"unchanged", n, n, same, 0},
		{"one in a hundred", n, n, hundredth, n / 100},
		{"first load", 0, n, same, n},
		{"first load of one name", 0, n, doe, n},
		{"first load of a million", 0, 10 * n, same, 10 * n},
	} {
		b.Run(bb.name, func(b *testing.B) {
			if testing.Short() && bb.records > n {
				b.Skip("a million")
			}
			b.ReportAllocs()
			for b.Loop() {
				var sink counter
				runtime.GC()
				if _, err := Make(context.Background(), staff(), many(bb.records, bb.change), crowd{bb.have}, &sink, noon); err != nil {
					b.Fatal(err)
				}
				sink.look()
				if sink.changes != bb.want {
					b.Fatalf("%d changes, want %d", sink.changes, bb.want)
				}
				b.ReportMetric(float64(sink.peak)/(1<<20), "MB-heap")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bb.records), "ns/record")
		})
	}
}
