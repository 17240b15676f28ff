package format

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// Options say how a drop is written (profile key format:).
type Options struct {
	Type      string   `yaml:"type"`      // csv, xml or ldif; "" takes it from the name's suffix
	Delimiter string   `yaml:"delimiter"` // one character; "" is sniffed
	Quote     string   `yaml:"quote"`     // one character; "" is "
	Encoding  string   `yaml:"encoding"`  // an IANA name; "" is that of the byte-order mark, else UTF-8
	Header    *int     `yaml:"header"`    // number of header rows, of which the first names the columns; nil is 1; 0 needs Columns
	Columns   []string `yaml:"columns"`   // csv: names, where the file has none; ldif: attributes that the file may lack
	Trailer   *Trailer `yaml:"trailer"`   // nil: none is expected
	Content   string   `yaml:"content"`   // full or delta

	Record        string            `yaml:"record" json:",omitempty"`         // XML: the path of the elements that are people, like /changes/person; LDIF: the object class of the entries that are, "" for all
	Namespaces    map[string]string `yaml:"namespaces" json:",omitempty"`     // XML: URIs by the prefixes that Record and the map use
	Dialect       string            `yaml:"dialect" json:",omitempty"`        // LDIF: ad, openldap, 389ds, generic; "" is generic
	Preset        string            `yaml:"preset" json:",omitempty"`         // what filled format, match and map; "" for nothing
	Commas        bool              `yaml:"commas" json:",omitempty"`         // &#44 in a cell is a comma (R12); mapping reads it
	DoubledQuotes bool              `yaml:"doubled_quotes" json:",omitempty"` // CSV: a cell ""x"" is "x" with its marks; else its row is rejected (E102)
	Fields        string            `yaml:"fields" json:",omitempty"`         // columns that begin so are custom fields, with * all that are called like one (R27); mapping reads it
	Ignore        map[string]string `yaml:"ignore" json:",omitempty"`         // columns that are left aside, and why (R26); mapping reads it
	Action        Action            `yaml:"action" json:",omitzero"`          // what a delta's rows do; mapping reads it
	Dedupe        Dedupe            `yaml:"dedupe" json:",omitzero"`          // whose several rows are one person; mapping joins them
	Elements      []string          `yaml:"-" json:"-"`                       // XML: the names that the map speaks of; the columns, for there is no header
	JSON          *Shape            `yaml:"-" json:"-"`                       // JSON: what its members are
	Lookups       []Lookup          `yaml:"-" json:"-"`                       // LDIF: attributes that name other entries
	Lists         []string          `yaml:"-" json:"-"`                       // XML, LDIF: of them, those of which a record may have several values; the cell is all of them, joined by [roster.Between]
}

// An Action is the column of a delta that says what each row does.
type Action struct {
	From   string            `yaml:"from"`
	Values map[string]string `yaml:"values"`
}

// A Dedupe says how the rows of one person become one.
type Dedupe struct {
	By        string            `yaml:"by"`
	Prefer    map[string]string `yaml:"prefer"`
	Status    string            `yaml:"status"`
	ExpiresOn string            `yaml:"expires_on"`
	Lists     string            `yaml:"lists"`
}

// A Trailer is a last row that counts the others.
type Trailer struct {
	Starts string `yaml:"starts"` // its first field
	Count  int    `yaml:"count"`  // the field, counted from 1, that holds the number of rows
}

// maxHeader is the most rows that a header may have.
const maxHeader = 20

// headerRows is how many rows stand before the first record.
func (o Options) headerRows() int {
	if o.Header == nil {
		return 1
	}
	return *o.Header
}

// Validate reports everything that is wrong with o, by path below format.
func (o Options) Validate() []*roster.Fault {
	var faults []*roster.Fault
	fault := func(path, hint, text string, args ...any) {
		faults = append(faults, &roster.Fault{Path: path, Text: fmt.Sprintf(text, args...), Hint: hint})
	}
	if o.Dialect != "" && o.Type != "ldif" {
		fault("dialect", "write type: ldif, or remove it", "belongs to ldif")
	}
	switch o.Type {
	case "", "csv":
		if o.Type == "csv" && o.Record != "" {
			fault("record", "leave it out", "is for XML and LDIF, and the type is csv")
		} else if o.Record != "" {
			o.validatePath(fault)
		}
	case "xml":
		o.validateXML(fault)
	case "ldif":
		o.validateLDIF(fault)
		o.validateContent(fault)
		return faults
	case "json":
		fault("type", "use csv, xml or ldif", "%s is not built yet", o.Type)
	default:
		fault("type", "use csv, xml or ldif", "%q is not a format", o.Type)
	}
	if o.Delimiter != "" && !separates(o.Delimiter) {
		fault("delimiter", `write one like "," ";" "|" or "\t", or leave it out`, "%q is not one plain character", o.Delimiter)
	}
	if o.Quote != "" && !separates(o.Quote) {
		fault("quote", `write one like "'", or leave it out`, "%q is not one plain character", o.Quote)
	}
	quote := o.Quote
	if quote == "" {
		quote = `"`
	}
	if o.Delimiter == quote {
		fault("delimiter", "choose two characters", "delimiter and quote are the same")
	}
	o.validateHeader(fault)
	if t := o.Trailer; t != nil {
		if strings.TrimSpace(t.Starts) == "" || strings.TrimSpace(t.Starts) != t.Starts {
			fault("trailer.starts", "write the first field of the last row, without blanks around it", "%q begins no row", t.Starts)
		}
		if t.Count < 1 || t.Count > maxColumns {
			fault("trailer.count", "count the trailer's fields from 1", "%d is not a field", t.Count)
		}
	}
	o.validateContent(fault)
	return faults
}

// validateContent looks at what every format has.
func (o Options) validateContent(fault func(path, hint, text string, args ...any)) {
	if o.Encoding != "" {
		if _, err := charsetNamed(o.Encoding); err != nil {
			fault("encoding", "use an IANA name like utf-8, windows-1252, iso-8859-2 or shift_jis", "%v", err)
		}
	}
	switch o.Content {
	case "full", "delta":
	case "":
		fault("content", "write full where each file lists everybody, delta where it lists changes", "missing")
	default:
		fault("content", "write full or delta", "%q is neither full nor delta", o.Content)
	}
}

// validateLDIF looks at what concerns entries, and at what does not.
func (o Options) validateLDIF(fault func(path, hint, text string, args ...any)) {
	for _, k := range []struct {
		key string
		set bool
	}{
		{"delimiter", o.Delimiter != ""},
		{"quote", o.Quote != ""},
		{"header", o.Header != nil},
		{"trailer", o.Trailer != nil},
		{"namespaces", len(o.Namespaces) > 0},
	} {
		if k.set {
			fault(k.key, "remove it", "belongs to other formats, and this is ldif")
		}
	}
	if o.Dialect != "" && !slices.Contains(dialects, o.Dialect) {
		fault("dialect", "write "+strings.Join(dialects, ", "), "%q is not a dialect", o.Dialect)
	}
	if o.Record != "" && !isDescription([]byte(o.Record)) {
		fault("record", "write the name of one, like inetOrgPerson", "%q is not an object class", o.Record)
	}
	for i, c := range o.Columns {
		if !isDescription([]byte(c)) {
			fault(fmt.Sprintf("columns[%d]", i), "write its name, like departmentNumber", "%q is not an attribute", c)
		}
	}
	if len(o.Columns) > maxColumns {
		fault("columns", "", "%d attributes are more than %d", len(o.Columns), maxColumns)
	}
}

func (o Options) validateHeader(fault func(path, hint, text string, args ...any)) {
	n := o.headerRows()
	if n < 0 || n > maxHeader {
		fault("header", "write the number of header rows", "%d is not from 0 to %d", n, maxHeader)
	}
	if n == 0 && len(o.Columns) == 0 {
		fault("columns", "name the columns in their order", "a file without a header needs columns")
	}
	if n != 0 && len(o.Columns) > 0 {
		fault("columns", "leave them out, or set header: 0", "the file's own header names the columns")
	}
	if len(o.Columns) > maxColumns {
		fault("columns", "", "%d columns are more than %d", len(o.Columns), maxColumns)
	}
	seen := map[string]bool{}
	for i, c := range o.Columns {
		name := strings.ToLower(cleanName(c))
		path := fmt.Sprintf("columns[%d]", i)
		switch {
		case name == "":
			fault(path, "name it; a column that is not used may have any name", "a column without a name")
		case seen[name]:
			fault(path, "give each column a name of its own", "%q is there twice", c)
		}
		seen[name] = true
	}
}

// separates tells whether s can stand between fields or around them: one
// ASCII character that is no letter, no digit and no line end.
func separates(s string) bool {
	if len(s) != 1 {
		return false
	}
	c := s[0]
	switch {
	case c >= 0x7f, c == 0, c == '\n', c == '\r', c == 0x1a:
		return false
	case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return false
	}
	return true
}
