package mapping

import (
	"maps"
	"testing"

	"rollcall/internal/roster"
)

// tenColumns is a mapping of ten columns, a record of which stands beside it.
func tenColumns() (Options, []string, roster.Record) {
	o := Options{Map: map[string]Column{
		"employee_id": {From: "No"}, "username": {From: "Login"}, "email": {From: "Mail"}, "first_name": {From: "First"}, "last_name": {From: "Last"},
		"department": {From: "Ward"}, "title": {From: "Title"}, "city": {From: "City"}, "country": {From: "Country"}, "expires_on": {From: "End"},
	}}
	header := []string{"No", "Login", "Mail", "First", "Last", "Ward", "Title", "City", "Country", "End"}
	cells := []string{"104417", "z.krol", "z.krol@example.org", "Zofia", "Krol", "ICU", "Nurse", "Gdansk", "PL", "2026-11-30"}
	return o, header, roster.Record{Line: 2, Values: cells}
}

func benchmark(b *testing.B, o Options, header []string, rec roster.Record) {
	m, _, err := Compile(o, header)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Entry(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEntry(b *testing.B) {
	o, header, rec := tenColumns()
	b.Run("plain", func(b *testing.B) { benchmark(b, o, header, rec) })

	rec.Values[3], rec.Values[4], rec.Values[7] = "Żaneta", "Król", "Gdańsk"
	b.Run("accents", func(b *testing.B) { benchmark(b, o, header, rec) })

	codes := o
	codes.Map = maps.Clone(o.Map)
	codes.Map["status"] = Column{From: "Title", Values: map[string]string{"Nurse": "active", "Gone": "leaver"}}
	codes.Map["expires_on"] = Column{From: "End", Date: "YYYY-MM-DD", Blank: "clear"}
	codes.Map["department"] = Column{From: "Ward", Values: map[string]string{"ICU": "Intensive Care"}, Other: "keep"}
	b.Run("codes", func(b *testing.B) { benchmark(b, codes, header, rec) })

	o.Map["username"] = Column{Template: "%-1f%-l", Transform: []string{"ascii"}}
	o.Map["language"], o.Map["timezone"] = Column{Default: "pl"}, Column{Const: "Europe/Warsaw"}
	b.Run("template", func(b *testing.B) { benchmark(b, o, header, rec) })

	o.Map["description"] = Column{Template: "{Ward|slug} of {City|lower}"}
	b.Run("pipes", func(b *testing.B) { benchmark(b, o, header, rec) })
}

func TestAPlainRecordIsMappedWithoutAllocations(t *testing.T) {
	o, header, rec := tenColumns()
	m, _, err := Compile(o, header)
	if err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(100, func() {
		if _, err := m.Entry(rec); err != nil {
			t.Fatal(err)
		}
	})
	same(t, "allocations", got, 0)
}
