// Package format turns the bytes of a drop into records. It unpacks with
// bounds, finds encoding, delimiter and header, and proves the content: its
// end, its trailer, its quotes. It never knows what a column means.
package format

import (
	"iter"

	"rollcall/internal/roster"
)

// Options say how a drop is written (profile key format:).
type Options struct {
	Type      string   `yaml:"type"`      // csv; "" takes it from the name's suffix
	Delimiter string   `yaml:"delimiter"` // one character; "" is sniffed
	Quote     string   `yaml:"quote"`     // one character; "" is "
	Encoding  string   `yaml:"encoding"`  // an IANA name; "" is detected
	Header    *int     `yaml:"header"`    // number of header rows; nil is 1; 0 needs Columns
	Columns   []string `yaml:"columns"`   // names, where the file has none
	Trailer   *Trailer `yaml:"trailer"`   // nil: none is expected
	Content   string   `yaml:"content"`   // full or delta
}

// A Trailer is a last row that counts the others.
type Trailer struct {
	Starts string `yaml:"starts"` // its first field
	Count  int    `yaml:"count"`  // the field, counted from 1, that holds the number of rows
}

// Validate reports everything that is wrong with o, by path below format.
func (o Options) Validate() []*roster.Fault { panic("not built") }

// Facts are what was found in a file, for the report.
type Facts struct {
	Format    string // csv
	Encoding  string // IANA name, lower case
	Delimiter string
	Wrapped   []string // what was unwrapped, outermost first: gzip
}

// A File is an opened drop, whose head has been read.
type File struct{}

// Open reads the head of the file at path, a drop called name. maxSize bounds
// what it may hold when unpacked, in bytes. A drop that is not believed is a
// [*roster.Refusal].
func Open(path, name string, o Options, maxSize int64) (*File, error) { panic("not built") }

// Header is the names of the columns as written, without byte-order mark,
// invisible characters and outer blanks (R10).
func (f *File) Header() []string { panic("not built") }

// Facts are what was found so far.
func (f *File) Facts() Facts { panic("not built") }

// Records reads the file from its first record, each time that it is called,
// in constant memory. A [*roster.RowError] is a row that cannot be used; a
// [*roster.Refusal] ends the reading and refuses the whole drop.
func (f *File) Records() iter.Seq2[roster.Record, error] { panic("not built") }
