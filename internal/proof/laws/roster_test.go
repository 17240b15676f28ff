package laws_test

import (
	"strings"

	"pgregory.net/rapid"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

func oneIn(t *rapid.T, n int, what string) bool { return rapid.IntRange(1, n).Draw(t, what) == 1 }

func oneOf[T any](t *rapid.T, list []T, what string) T { return rapid.SampledFrom(list).Draw(t, what) }

// The universe is small, so that collisions, swaps and rings are frequent.
var (
	feeds = []string{"ad", "hr", "school"}
	keys  = []string{"1", "2", "3", "4", "5", "6"}
	names = []string{"ann", "bob", "cat", "dan", "eve", "root"}
	mails = []string{"", "m1@example.org", "m2@example.org", "m3@example.org", "no address"}
	days  = []string{"", "", "", "2026-08-30", "2026-09-04", "2026-12-31", "31.02.2026"}
	words = []string{"", "", "", "", "A", "S", "L", "X", "?"}
)

// someProfiles are three feeds as a configuration could have them.
func someProfiles(t *rapid.T) []*run.Profile {
	authority := oneOf(t, []map[string][]string{nil, {"email": {"ad", "hr"}, "*": {"hr"}}, {"*": {"school", "ad"}}}, "authority")
	var all []*run.Profile
	for _, name := range feeds {
		all = append(all, feed(name, func(p *run.Profile) {
			o := &p.Plan
			o.Authority = authority
			o.Full = !oneIn(t, 5, "delta")
			if !o.Full {
				p.Format.Content = "delta"
			}
			o.UniqueEmail = oneOf(t, []string{"on", "on", "warn", "off"}, "unique_email")
			if oneIn(t, 3, "fallback") {
				o.Match.Fallback = plan.Fallback{By: "username", Rekey: oneIn(t, 2, "rekey")}
			}
			if oneIn(t, 3, "witness") {
				o.Match.Witness = []roster.Name{"last_name"}
			}
			o.Policy.Upload = oneOf(t, []string{"add_update", "add_update", "add_update", "update", "add"}, "upload")
			o.Policy.Update = oneOf(t, []string{"file", "file", "fill_missing", "none"}, "update")
			o.Policy.Missing = oneOf(t, []string{"keep", "suspend"}, "missing")
			o.Policy.Leave = oneOf(t, []string{"keep", "suspend"}, "leave")
			o.Policy.Protect = []string{"root"}
			o.Policy.Delete = oneIn(t, 2, "delete")
			if o.Policy.Delete && oneIn(t, 2, "missing: delete") {
				o.Policy.Missing = "delete"
			}
			if !o.Full {
				o.Policy.Missing = "keep"
			}
		}))
	}
	return all
}

// someRows are a drop with what is wrong with drops; every row has a cell for
// each column, but those that are broken.
func someRows(t *rapid.T) [][]string {
	var rows [][]string
	for range rapid.IntRange(1, 6).Draw(t, "rows") {
		row := []string{
			oneOf(t, keys, "key"), oneOf(t, names, "name"), "Jo", oneOf(t, []string{"Doe", "Roe", "O'Neil; Jr"}, "last name"), oneOf(t, mails, "mail"),
			oneOf(t, []string{"", "Ulm", "Łódź"}, "city"), oneOf(t, days, "ends"), oneOf(t, days, "starts"), oneOf(t, words, "state"),
			oneOf(t, []string{"", "", "", "", "", "1"}, "deleted"), "", "",
		}
		switch oneOf(t, []string{"", "", "", "", "", "", "broken", "old name", "previous key", "twice", "no key"}, "twist") {
		case "broken":
			row = row[:3]
		case "old name":
			row[10] = oneOf(t, names, "old name")
		case "previous key":
			row[11] = oneOf(t, keys, "previous key")
		case "twice":
			rows = append(rows, row)
		case "no key":
			row[0] = ""
		}
		rows = append(rows, row)
	}
	return rows
}

// A dialect is how a drop is written down.
type dialect struct {
	delimiter, quote, end, bom string
	order                      []int // of the columns
}

var plainly = dialect{delimiter: ",", end: "\n", order: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}

// someDialect is another way to write the same.
func someDialect(t *rapid.T) dialect {
	return dialect{
		delimiter: oneOf(t, []string{",", ";", "\t", "|"}, "delimiter"), quote: oneOf(t, []string{"", `"`}, "quote"), end: oneOf(t, []string{"\n", "\r\n"}, "line end"),
		bom: oneOf(t, []string{"", "\ufeff"}, "byte order mark"), order: rapid.Permutation(plainly.order).Draw(t, "order of columns"),
	}
}

// text is rows under the header. A row that is broken stays so.
func (d dialect) text(rows [][]string) []byte {
	var b strings.Builder
	b.WriteString(d.bom)
	line := func(row []string) {
		for i, at := range d.order {
			if len(row) < len(columns) {
				at = i
			}
			if at >= len(row) {
				break
			}
			if i > 0 {
				b.WriteString(d.delimiter)
			}
			cell := row[at]
			if d.quote != "" || strings.ContainsAny(cell, d.delimiter+`"`) {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			b.WriteString(cell)
		}
		b.WriteString(d.end)
	}
	line(columns)
	for _, row := range rows {
		line(row)
	}
	return []byte(b.String())
}

// whole tells whether no row is broken: a broken one is another in another order
// of the columns.
func whole(rows [][]string) bool {
	for _, row := range rows {
		if len(row) < len(columns) {
			return false
		}
	}
	return true
}
