package run

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
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

// BenchmarkEntries reads and maps a staff list of sixteen columns from its file, and
// hashes what each record means, as after an edit of the map. With -cpu 1,2 it tells
// what a second core is worth.
func BenchmarkEntries(b *testing.B) {
	const n = 100_000
	names := []string{
		"employee_id", "username", "first_name", "last_name", "email", "department", "title", "manager",
		"city", "country", "phone1", "starts_on", "expires_on", "institution", "description", "address",
	}
	csv, xml := strings.Join(names, ",")+"\n", "<people>\n"
	var rows, elements strings.Builder
	for i := range n {
		k := strconv.Itoa(i)
		cells := []string{k, "u" + k, "Zoë", "Łęcka-" + k, "p" + k + "@example.org", "Ward 7", "Registered Nurse", "m" + k, "Warszawa", "PL", "+48 22 555 01 02", "2019-04-01", "2030-01-31", "Main", "Desk " + k, "Street " + k}
		rows.WriteString(strings.Join(cells, ",") + "\n")
		elements.WriteString("<person>")
		for j, cell := range cells {
			elements.WriteString("<" + names[j] + ">" + cell + "</" + names[j] + ">")
		}
		elements.WriteString("</person>\n")
	}
	columns := map[string]mapping.Column{}
	for _, name := range names {
		columns[name] = mapping.Column{From: name}
	}
	for _, form := range []struct {
		name, text string
		format     format.Options
	}{
		{"csv", csv + rows.String(), format.Options{Content: "full"}},
		{"xml", xml + elements.String() + "</people>\n", format.Options{Content: "full", Record: "/people/person", Elements: names}},
	} {
		path := filepath.Join(b.TempDir(), "people."+form.name)
		if err := os.WriteFile(path, []byte(form.text), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(form.name, func(b *testing.B) {
			file, err := format.Open(path, filepath.Base(path), form.format, 0)
			if err != nil {
				b.Fatal(err)
			}
			mapper, _, err := mapping.Compile(mapping.Options{Key: roster.EmployeeID, Map: columns}, file.Header())
			if err != nil {
				b.Fatal(err)
			}
			x := &reading{file: file, mapper: mapper, options: mapping.Options{Key: roster.EmployeeID, Map: columns}}
			b.SetBytes(int64(len(form.text)))
			b.ReportAllocs()
			for b.Loop() {
				rows := 0
				for m, err := range x.meant(1) {
					if err != nil || m.Entry == 0 {
						b.Fatal(m, err)
					}
					rows++
				}
				if rows != n {
					b.Fatalf("%d records, want %d", rows, n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
}
