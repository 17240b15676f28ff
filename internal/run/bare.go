package run

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"rollcall/internal/format"
	"rollcall/internal/roster"
)

// bareSuffix ends the name of what is kept of a drop that gives passwords: its
// records as CSV, each on its line, without them. It can be planned again, and
// explained, like any drop: who has a password keeps it.
const bareSuffix = ".without-passwords.csv"

// broken is what a row of a wrong shape comes to, for its cells stand in no known
// place and one of them may be a password: a row of a wrong shape, which is
// nobody's and keeps the absent (R3).
const broken = "?"

// keepBare writes what may be kept of a drop that gives passwords, and removes
// the drop.
func (r *Runner) keepBare(got *fetched, kept string) error {
	if err := r.tidy(filepath.Dir(kept)); err != nil {
		return err
	}
	if err := appear(kept, func(w io.Writer) error { return got.reading.bare(w) }); err != nil {
		return err
	}
	if err := os.Remove(got.drop.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	got.bare, got.delimiter = true, got.reading.file.Facts().Delimiter
	return nil
}

// bareFormat is how what [reading.bare] wrote is read.
func bareFormat(o format.Options, delimiter string) format.Options {
	return format.Options{Type: "csv", Encoding: "utf-8", Delimiter: delimiter, Content: o.Content}
}

// bareDelimiter is that of the drop, so that what a cell spans means what it meant (R18).
func bareDelimiter(of string) string {
	if len(of) == 1 {
		return of
	}
	return ","
}

// bare writes the records of a drop without their passwords.
func (x *reading) bare(into io.Writer) error {
	w := csv.NewWriter(into)
	w.Comma = rune(bareDelimiter(x.file.Facts().Delimiter)[0])
	lines := 0
	write := func(at int, cells []string) error {
		for ; lines < at-1; lines++ { // an empty line is nothing
			w.Flush()
			if _, err := io.WriteString(into, "\n"); err != nil {
				return err
			}
		}
		for _, cell := range cells {
			lines += strings.Count(cell, "\n")
		}
		lines++
		return w.Write(cells)
	}
	if err := write(0, x.file.Header()); err != nil {
		return err
	}
	hidden := x.mapper.Secrets()
	for record, err := range x.file.Records() {
		var row *roster.RowError
		switch {
		case errors.As(err, &row):
			err = write(row.Record.Line, []string{broken})
		case err == nil && len(record.Unsaid) > 0: // an empty cell would say something
			err = write(record.Line, []string{broken})
		case err == nil:
			cells := record.Values
			cells = slices.Clone(cells)
			for _, i := range hidden {
				if i < len(cells) {
					cells[i] = ""
				}
			}
			err = write(record.Line, cells)
		}
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// passwordsOf names a number of passwords.
func passwordsOf(n int) string {
	if n == 1 {
		return "1 password"
	}
	return humanize.Comma(int64(n)) + " passwords"
}
