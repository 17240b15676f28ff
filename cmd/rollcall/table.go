package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"rollcall/internal/journal"
)

// sized is how many rows of a table its widths are taken from: a list may be
// longer than memory, so what comes later may stand out of its column.
const sized = 500

// table writes columns for a person. Nothing in a cell can move the cursor.
type table struct {
	w      *bufio.Writer
	rows   [][]string // that are still to be written
	widths []int      // nil until they are known
}

func newTable(w io.Writer, heads ...string) *table {
	for i, h := range heads {
		heads[i] = strings.ToUpper(h)
	}
	return &table{w: bufio.NewWriter(w), rows: [][]string{heads}}
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = clean(c)
	}
	t.rows = append(t.rows, cells)
	if t.widths != nil || len(t.rows) > sized {
		t.write()
	}
}

// write writes the rows that wait.
func (t *table) write() {
	if t.widths == nil {
		t.widths = make([]int, len(t.rows[0]))
		for _, r := range t.rows {
			for i, c := range r {
				t.widths[i] = max(t.widths[i], pretty.StringWidthWithoutEscSequences(c))
			}
		}
	}
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r {
			line.WriteString(c + strings.Repeat(" ", max(0, t.widths[i]-pretty.StringWidthWithoutEscSequences(c))+2))
		}
		fmt.Fprintln(t.w, strings.TrimRight(line.String(), " "))
	}
	t.rows = t.rows[:0]
}

// end writes what is left; the error is the first of all.
func (t *table) end() error {
	t.write()
	return t.w.Flush()
}

// clean is a text as a terminal may show it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// at tells a time in the site's zone; "" for none.
func (d *desk) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(d.site.Zone).Format("2006-01-02 15:04")
}

// named is the profile of a run, or what sort of run it is where it has none.
func named(j *journal.Run) string {
	if j.Profile == "" {
		return "(" + string(j.Kind) + ")"
	}
	return j.Profile
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func count(n int) string { return humanize.Comma(int64(n)) }

// plural is a number with its noun: "1 account", "1,200 accounts".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
