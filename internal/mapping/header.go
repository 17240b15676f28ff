package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// maxNamed is how many columns a message lists.
const maxNamed = 20

// columnForm is the form in which names of columns are compared (R10): without
// byte-order mark, no-break and zero-width characters, outer blanks and case.
func columnForm(name string) string {
	if !ascii(name) {
		name = strings.Map(func(r rune) rune {
			if r >= utf8.RuneSelf && (invisible(r) || r == 0x00A0 || r == 0x202F || r == 0x2007) {
				return -1
			}
			return r
		}, name)
	}
	return strings.TrimSpace(roster.Fold(name))
}

// A header is the drop's columns, by the form of their names.
type header struct {
	names []string // as written, without outer blanks
	place map[string]int
}

func readHeader(names []string) (header, error) {
	h := header{names: make([]string, len(names)), place: make(map[string]int, len(names))}
	for i, name := range names {
		h.names[i] = strings.TrimSpace(name)
		form := columnForm(name)
		if form == "" {
			continue // an empty cell is no column
		}
		if before, twice := h.place[form]; twice {
			return h, &roster.Refusal{
				Code: "E411", Column: h.shown(i),
				Text: fmt.Sprintf("columns %d and %d of the header have the same name", before+1, i+1),
				Fix:  "rename or remove one of them in HR",
			}
		}
		h.place[form] = i
	}
	return h, nil
}

// find is the place of a column, -1 where there is none of that name.
func (h header) find(name string) int {
	if i, ok := h.place[columnForm(name)]; ok {
		return i
	}
	return -1
}

// shown is a column's name as a message may show it: where the first line is
// a person's row, its cells are no names.
func (h header) shown(i int) string {
	if h.looksLikeData() {
		return ""
	}
	return cut(h.names[i], 60)
}

// looksLikeData tells whether the header has a cell that no column is called:
// an address, a number, a date.
func (h header) looksLikeData() bool {
	return slices.ContainsFunc(h.names, func(name string) bool {
		if strings.LastIndexByte(name, '@') > 0 { // @name is an attribute of XML, @status a column of LDIF
			return true
		}
		return name != "" && !strings.ContainsFunc(name, unicode.IsLetter) && strings.ContainsFunc(name, unicode.IsDigit)
	})
}

// A want is a column that a mapping speaks of.
type want struct {
	column string // its name
	path   string // which key of the profile names it
}

// missing is the refusal of a drop without the columns that are wanted:
// expected, found, nearest. Where it is one, the refusal's own column names it.
//
// strange is a header of which the mapping knows no column at all: where none is
// even near, it may be a person's row, and its cells are not shown.
func (h header) missing(wants []want, strange bool) error {
	column, text := cut(wants[0].column, 60), "missing, and "+wants[0].path+" expects it"
	if len(wants) > 1 {
		expected := make([]string, 0, len(wants))
		for _, w := range wants {
			expected = append(expected, fmt.Sprintf("%q (%s)", cut(w.column, 60), w.path))
		}
		column, text = "", "columns are missing: expected "+list(expected)
	}
	if h.looksLikeData() {
		return &roster.Refusal{
			Code: "E411", Column: column,
			Text: fmt.Sprintf("%s; found %d cells that look like a person's, not like names of columns", text, len(h.names)),
			Fix:  "ask HR for a file with a header, or set format.header: 0 and format.columns",
		}
	}
	var found, near []string
	for _, name := range h.names {
		if name != "" {
			found = append(found, fmt.Sprintf("%q", cut(name, 60)))
		}
	}
	for _, w := range wants {
		name := nearest(w.column, h.names)
		switch {
		case name == "":
		case column != "":
			near = append(near, fmt.Sprintf("%q", cut(name, 60)))
		default:
			near = append(near, fmt.Sprintf("%q for %q", cut(name, 60), cut(w.column, 60)))
		}
	}
	if strange && len(near) == 0 {
		return &roster.Refusal{
			Code: "E411", Column: column,
			Text: fmt.Sprintf("%s; found %d columns, and the profile knows none of them", text, len(found)),
			Fix:  "check that the first line of the file is its header and that the delimiter is right; correct the names under map:",
		}
	}
	if len(found) == 0 {
		found = []string{"none"}
	}
	text += "; found " + list(found)
	if len(near) > 0 {
		text += "; nearest " + list(near)
	}
	fix := "correct the name under map: in the profile, or ask HR for the column"
	if h.find("dn") >= 0 && slices.ContainsFunc(wants, func(w want) bool { return strings.HasPrefix(w.column, "@") }) { // LDIF
		fix = "have it exported with the operational attributes too, of which such a column is made (ldapsearch -LLL … '*' +, or slapcat), and check format.dialect; where nobody has one of them, as where nobody is locked, name it in format.columns: rollcall help ldap"
	}
	return &roster.Refusal{Code: "E411", Column: column, Text: text, Fix: fix}
}

// strange tells whether no column of the header is one that the mapping names,
// nor bears the name of an account field.
func (h header) strange(columns map[string]Column) bool {
	for _, c := range columns {
		if c.From != "" && h.find(c.From) >= 0 {
			return false
		}
	}
	return !slices.ContainsFunc(h.names, func(name string) bool {
		_, known := roster.FieldNamed(columnForm(name))
		return known
	})
}

// list joins the first of items and says how many there are besides.
func list(items []string) string {
	if len(items) <= maxNamed {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:maxNamed], ", "), len(items)-maxNamed)
}

// nearest is the one of a drop's columns that is most like name, with half of
// its letters at least; "" where none is.
func nearest(name string, names []string) string {
	return closest(name, names, len([]rune(columnForm(name)))/2)
}

// suggest is the one of the names we know that name seems to mean; "" where none is.
func suggest(name string, names []string) string {
	return closest(name, names, min(2, (len(name)-1)/2))
}

// closest is the first of names with the fewest letters to change, at most
// limit of them and fewer than name has. A name that holds the other, like
// FirstName and First, is as near as the limit.
func closest(name string, names []string, limit int) string {
	want := []rune(cut(columnForm(name), 60))
	best, bound := "", min(limit+1, len(want))
	for _, n := range names {
		form := cut(columnForm(n), 60)
		if form == "" {
			continue
		}
		d := distance(want, []rune(form))
		if len(want) > 2 && len(form) > 2 && (strings.Contains(form, string(want)) || strings.Contains(string(want), form)) {
			d = min(d, limit)
		}
		if d < bound {
			best, bound = n, d
		}
	}
	return best
}

// distance is the number of letters to add, drop or change between a and b.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner := row[0]
		row[0] = i + 1
		for j := range b {
			d := corner
			if a[i] != b[j] {
				d = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
