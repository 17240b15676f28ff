package corpus_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"
)

// The columns of the drops, in the order of the reference file.
const (
	personNo = iota
	login
	firstName
	lastName
	workEmail
	department
	endDate
	status
)

var columns = []string{"PersonNo", "Login", "FirstName", "LastName", "WorkEmail", "Department", "EndDate", "Status"}

// Invented names, some of them with letters beyond ASCII, none of them a word
// that a report has.
var (
	firsts = []string{"Zoë", "Łukasz", "Ingrid", "José", "Priya", "Åsa", "Tomasz", "Noor", "Björn", "Renée"}
	lasts  = []string{"Wrona", "Brzęczyk", "Okafor", "Müller", "Nakamura", "Ødegård", "Castañeda", "Virtanen", "Kowalska", "O'Hara", "Dvořák"}
	wards  = []string{"ICU", "Ward 3", "Oncology", "Kitchen", "Radiology"}
)

// A sheet is a drop as rows of cells. Row 0 is the header, so that row i is
// person i, on line i+1.
type sheet [][]string

// person is row i of the reference file, E0001 and on.
func person(i int) []string {
	end := ""
	if i%10 == 0 {
		end = "2027-12-31"
	}
	return []string{
		fmt.Sprintf("E%04d", i), fmt.Sprintf("p%04d", i), firsts[i%len(firsts)], lasts[i%len(lasts)],
		fmt.Sprintf("p%04d@example.org", i), wards[i%len(wards)], end, "A",
	}
}

// people is a sheet of the first n.
func people(n int) sheet {
	s := sheet{slices.Clone(columns)}
	for i := 1; i <= n; i++ {
		s = append(s, person(i))
	}
	return s
}

// good is good-1000.csv, the reference.
func good() sheet { return people(1000) }

// csv writes the sheet as a careful export does: a comma, and quotes where a cell needs them.
func (s sheet) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(s); err != nil {
		panic(err) // a Buffer takes all
	}
	return b.Bytes()
}

// raw joins cells as they are, whatever is in them.
func (s sheet) raw(delimiter, end string) []byte {
	var b bytes.Buffer
	for _, row := range s {
		b.WriteString(strings.Join(row, delimiter) + end)
	}
	return b.Bytes()
}

// set changes one column of some rows.
func (s sheet) set(column int, value string, rows ...int) sheet {
	for _, i := range rows {
		s[i][column] = value
	}
	return s
}

// add appends a person who is not in the reference file.
func (s sheet) add(cells ...string) sheet { return append(s, cells) }

// without leaves people out.
func (s sheet) without(rows ...int) sheet {
	var kept sheet
	for i, row := range s {
		if !slices.Contains(rows, i) {
			kept = append(kept, row)
		}
	}
	return kept
}

// shuffled has the same people in another order, always the same one.
func (s sheet) shuffled() sheet {
	r := rand.New(rand.NewPCG(1, 2))
	body := s[1:]
	r.Shuffle(len(body), func(i, j int) { body[i], body[j] = body[j], body[i] })
	return s
}

// turned has the columns the other way round.
func (s sheet) turned() sheet {
	for _, row := range s {
		slices.Reverse(row)
	}
	return s
}

// each changes every cell but those of the header.
func (s sheet) each(f func(string) string) sheet {
	for _, row := range s[1:] {
		for i := range row {
			row[i] = f(row[i])
		}
	}
	return s
}

// renamed gives row from the login of row from+1, and so on up to row to,
// which takes a name that nobody has.
func (s sheet) renamed(from, to int) sheet {
	for i := from; i < to; i++ {
		s[i][login] = s[i+1][login]
	}
	s[to][login] = "fresh"
	return s
}

// rows are the numbers from a to b.
func rows(a, b int) []int {
	var all []int
	for i := a; i <= b; i++ {
		all = append(all, i)
	}
	return all
}

const bom = "\uFEFF"

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

// swallow opens a quote in the last name of row from and closes it in that of
// row to, so that both ends together have the right number of fields.
func swallow(from, to int) []byte {
	s := good()
	s[from][lastName] = `"` + s[from][lastName]
	s[to][lastName] += `"`
	return s.raw(",", "\n")
}

func utf16(b []byte, mark unicode.BOMPolicy) []byte {
	out, err := unicode.UTF16(unicode.LittleEndian, mark).NewEncoder().Bytes(b)
	if err != nil {
		panic(err)
	}
	return out
}

func windows1252(b []byte) []byte {
	out, err := charmap.Windows1252.NewEncoder().Bytes(b)
	if err != nil {
		panic(err)
	}
	return out
}

func decomposed(s string) string { return norm.NFD.String(s) }

// western has no name that windows-1252 cannot write.
func western(s sheet) sheet {
	plain := strings.NewReplacer("Ł", "L", "ę", "e", "ř", "r", "á", "a")
	return s.each(plain.Replace)
}
