// Package roster holds the nouns that every other room speaks of: what was
// said (Drop, Record, Entry), who is there (Account, Link), and what is wrong
// (Problem, Refusal, Fault). It has no behaviour beyond naming and printing.
package roster

import (
	"fmt"
	"time"
)

// A Drop is one delivery: our own copy of a file, in the spool.
type Drop struct {
	Source   string    // sftp, dir or file
	Name     string    // the file's name at its source, without folders
	Path     string    // of our copy
	Remote   string    // where it lies at the source; "" where nothing is done to it afterwards
	Size     int64     // bytes, as delivered
	SHA256   string    // hex, of the bytes as delivered
	Modified time.Time // at the source
	Reading  *Reading  // of a directory that is asked for its changes; else nil
}

// A Reading is how the drop of a directory came about: all of it was read, or what
// had changed since another drop, which was put together with that one. Either way
// the drop lists everybody.
type Reading struct {
	All     bool
	Why     Doubt  // why all was read; zero: nothing had been read before
	Changed int    // entries that are new or otherwise than in the drop before
	Gone    int    // entries of the drop before that are no longer there
	Same    bool   // nothing has changed: the drop is the one before, in its place
	State   []byte // where the next reading can go on; nil: nowhere
	Lack    Doubt  // why it can go on nowhere
	Blind   Doubt  // why nobody is seen to be deleted until all is read again; zero: they are
}

// A Doubt is something that is not as one would wish, and what can be done about it.
type Doubt struct{ Text, Fix string }

// Between stands between the values of a cell that has several: no text has it.
const Between = "\x1f"

// A Record is one row of a drop, as text.
type Record struct {
	Line   int      // physical line on which it begins, counted from 1
	Values []string // one for each column of the header, outer blanks still on
	Unsaid []int    // places of columns that the record does not have, where that is not to be empty (JSON)
	Hash   Hash     // of its bytes, where somebody asked for it
}

// A Hash stands for all that is written in a record.
type Hash struct{ Hi, Lo uint64 }

// A Wish is what a record asks of an account's state (R60).
type Wish string

// What a record can ask for.
const (
	WishNone    Wish = ""        // listed, and nothing said of the state
	WishActive  Wish = "active"  // status active, or suspended 0
	WishSuspend Wish = "suspend" // suspended 1
	WishLeave   Wish = "leave"
	WishLeaver  Wish = "leaver"
	WishDelete  Wish = "delete" // deleted 1
)

// An Entry is what a record asks of one account, after mapping.
type Entry struct {
	Line      int
	Hash      Hash         // of the record's bytes; zero where nobody asked for it
	Key       Key          // "" where the record has none, or it cannot be read
	KeyBad    bool         // the key is there and cannot be read, or is needed and empty (R3)
	Joined    []int        // lines of the person's other rows (format.dedupe)
	Preferred bool         // one of the rows that format.dedupe prefers
	Outside   string       // the column by whose value the scope leaves the record out (R68); "" where it does not
	Broken    bool         // the row has a wrong shape: its key is believed only if the profile owns an account of it (R15)
	Values    Values       // normal forms
	Set       FieldSet     // the fields of which the record speaks; with an empty value it clears them (R14)
	Defaults  Values       // for an account that is added (R53)
	HasDef    FieldSet     // the fields of Defaults
	Custom    []CustomSaid // custom profile fields (R27), sorted by name, defaults behind what is said; nil for most
	Late      []Late       // values that need the final username (%u)
	Number    bool         // a taken username gets a counter (R33)
	Template  bool         // the username comes from a template: it names, it never renames (R31)

	Password    Clear // that the record gives; "" for none
	FirstOnly   bool  // the profile gives the password, for a new account alone
	Wish        Wish
	OldUsername string   // R35
	PreviousKey Key      // R46
	Account     uint64   // that the record itself names, in a file that a person imports; zero where it names none
	Anchor      string   // the source's own name for the entry, for good (R47); "" where it has none
	Members     *Members // nil where the drop says nothing of memberships
	Problems    []Problem
}

// Late is a value of an entry that cannot be known before the username is.
type Late struct {
	Field   Field
	Custom  string // the catalog's name of a [CustomField]
	Default bool   // fills like a default; else like a given value
	Value   func(username string) string
}

// A RowError is a row that could not be used. The rest of the drop still can:
// whoever reads the stream notes the row as rejected and goes on.
type RowError struct {
	Record  Record // what could be read of it; Values may be short or long
	Problem Problem
}

func (e *RowError) Error() string { return e.Problem.String() }

// A Refusal is a drop that is not believed: nothing of it is used. It says
// where and what to do, and never a person's data.
type Refusal struct {
	Code   string // of [Codes], E401 to E411, or E102 and its kin where a row proves the whole drop wrong; C107: a secret is missing
	Line   int    // zero where the whole drop is at fault
	Column string
	Text   string // what is wrong
	Fix    string // what to do; "" takes the code's own
}

// Remedy is what to do.
func (e *Refusal) Remedy() string {
	if e.Fix != "" {
		return e.Fix
	}
	return Codes[e.Code].Fix
}

func (e *Refusal) Error() string {
	at := ""
	switch {
	case e.Line > 0 && e.Column != "":
		at = fmt.Sprintf("line %d, column %q: ", e.Line, e.Column)
	case e.Line > 0:
		at = fmt.Sprintf("line %d: ", e.Line)
	case e.Column != "":
		at = fmt.Sprintf("column %q: ", e.Column)
	}
	return fmt.Sprintf("%s: %s%s; %s", e.Code, at, e.Text, e.Remedy())
}

// A Fault is one thing wrong with the configuration. Rooms report faults by
// path; config adds file, line and column.
type Fault struct {
	Path string // like "source.host" or "map.email.date"
	Code string // C1xx; "" for C110, a value that is not allowed
	Text string // what is wrong
	Hint string // what to write instead; may be ""
}

func (f *Fault) Error() string {
	if f.Hint == "" {
		return f.Path + ": " + f.Text
	}
	return f.Path + ": " + f.Text + "; " + f.Hint
}
