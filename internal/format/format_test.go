package format

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"rollcall/internal/roster"
)

// A reading is all that a drop says, in short: rows joined with |, rejected
// ones behind their code, and the refusal that ends it.
type reading struct {
	file   *File
	header []string
	rows   []string
	err    error
}

func (r reading) code() string {
	var refused *roster.Refusal
	if errors.As(r.err, &refused) {
		return refused.Code
	}
	return ""
}

func (r reading) line() int {
	var refused *roster.Refusal
	if errors.As(r.err, &refused) {
		return refused.Line
	}
	return 0
}

func spool(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "drop")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileOfEmptyLinesHasNoHeader(t *testing.T) {
	wantRefusal(t, read(t, "s.csv", strings.Repeat("\r\n", 500), Options{}, 0), "E411", 0, "no header", "nothing but empty lines")
	wantRefusal(t, read(t, "s.csv", "", Options{}, 0), "E411", 0, "the file is empty")
}

func TestADeltaOfAHeaderAloneIsNotAskedForTheWholeList(t *testing.T) {
	wantRefusal(t, read(t, "s.csv", "id,name\n", Options{Content: "delta"}, 0), "E411", 0, "no rows", "where nothing has changed send no file")
	wantRefusal(t, read(t, "s.csv", "id,name\n", Options{Content: "full"}, 0), "E411", 0, "no rows", "the whole list")
}

func read(t testing.TB, name, content string, o Options, maxSize int64) reading {
	t.Helper()
	if o.Content == "" {
		o.Content = "full"
	}
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatalf("options: %v", faults)
	}
	f, err := Open(spool(t, []byte(content)), name, o, maxSize)
	if err != nil {
		return reading{err: err}
	}
	first := drain(f)
	if again := drain(f); !reflect.DeepEqual(again, first) {
		t.Errorf("read again: %+v\nfirst: %+v", again, first)
	}
	return first
}

func drain(f *File) reading {
	r := reading{file: f, header: f.Header()}
	for rec, err := range f.Records() {
		var wrong *roster.RowError
		switch {
		case errors.As(err, &wrong):
			r.rows = append(r.rows, fmt.Sprintf("%d:%s %s", wrong.Problem.Line, wrong.Problem.Code, strings.Join(wrong.Record.Values, "|")))
		case err != nil:
			r.err = err
		default:
			r.rows = append(r.rows, fmt.Sprintf("%d:%s", rec.Line, strings.Join(rec.Values, "|")))
		}
	}
	return r
}

func wantRows(t *testing.T, got reading, want ...string) {
	t.Helper()
	if got.err != nil {
		t.Fatalf("refused: %v", got.err)
	}
	if !reflect.DeepEqual(got.rows, want) {
		t.Errorf("rows = %q\nwant   %q", got.rows, want)
	}
}

func wantRefusal(t *testing.T, got reading, code string, line int, words ...string) {
	t.Helper()
	if got.code() != code || got.line() != line {
		t.Fatalf("got %v (rows %q), want %s in line %d", got.err, got.rows, code, line)
	}
	for _, w := range words {
		if !strings.Contains(got.err.Error(), w) {
			t.Errorf("message %q lacks %q", got.err, w)
		}
	}
}

func TestR10TheHeaderLosesWhatNobodySees(t *testing.T) {
	got := read(t, "staff.csv", "\uFEFF\u00a0Person\u00a0No ,\u200bLog\u200din,  EMail\t,,\n1,ada,a@x.org\n", Options{}, 0)
	wantRows(t, got, "2:1|ada|a@x.org")
	if want := []string{"Person No", "Login", "EMail"}; !reflect.DeepEqual(got.header, want) {
		t.Errorf("header = %q, want %q", got.header, want)
	}
}

func TestR10TheSameColumnTwiceRefusesTheFile(t *testing.T) {
	got := read(t, "staff.csv", "id,Login,LOGIN \n1,a,b\n", Options{}, 0)
	wantRefusal(t, got, "E411", 1, "columns 2 and 3", `"LOGIN"`)
}

func TestAMissingHeaderNeverNamesAPerson(t *testing.T) {
	got := read(t, "staff.csv", "1001,Smith,Smith\n1002,Jones,Bob\n", Options{}, 0)
	wantRefusal(t, got, "E411", 1, "header: 0")
	if strings.Contains(got.err.Error(), "Smith") {
		t.Errorf("message names a person: %v", got.err)
	}
}

func TestR10EmptyCellsAtTheEndOfTheHeaderAreNoColumns(t *testing.T) {
	got := read(t, "staff.csv", "id;login;;;\n1;ada;;;\n2;bob\n3;cy; ;x;\n", Options{}, 0)
	wantRows(t, got, "2:1|ada", "3:2|bob", "4:E101 3|cy| |x")
}

func TestR11ValuesAreLeftAsTheyAre(t *testing.T) {
	got := read(t, "staff.csv", "id,name\n 0042 ,\u00a0Ada \n", Options{}, 0)
	wantRows(t, got, "2: 0042 |\u00a0Ada ")
}

func TestR15ShapesOfRows(t *testing.T) {
	const header = "id,name,town\n"
	tests := []struct {
		name, body string
		want       []string
	}{
		{"too few cells reject that row alone", "1,a\n2,b,c\n", []string{"2:E101 1|a", "3:2|b|c"}},
		{"too many cells reject that row alone", "1,a,b,c\n2,b,c\n", []string{"2:E101 1|a|b|c", "3:2|b|c"}},
		{"surplus empty cells are nothing", "1,a,b,, ,\n", []string{"2:1|a|b"}},
		{"surplus empty quoted cells are nothing", "1,a,b,\"\"\n", []string{"2:1|a|b"}},
		{"empty lines are nothing", "\n\n1,a,b\n  \t\n2,a,b\n\n", []string{"4:1|a|b", "6:2|a|b"}},
		{"rows of nothing but delimiters are rows, whose key may have been lost", "1,a,b\n,,\n,,,,\n", []string{"2:1|a|b", "3:||", "4:||"}},
		{"an empty last cell is a cell", "1,a,\n", []string{"2:1|a|"}},
		{"a whole last row needs no line end", "1,a,b", []string{"2:1|a|b"}},
		{"a short last row with a line end is only short", "1,a,b\n2,a\n", []string{"2:1|a|b", "3:E101 2|a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantRows(t, read(t, "staff.csv", header+tt.body, Options{}, 0), tt.want...) })
	}
}

func TestR15ALastRowThatIsShortAndHasNoLineEndIsACutFile(t *testing.T) {
	wantRefusal(t, read(t, "staff.csv", "id,name,town\n1,a,b\n2,a", Options{}, 0), "E408", 3, "2 fields of 3")
	wantRefusal(t, read(t, "staff.csv", "id,name,town\n1,a,b\n2", Options{}, 0), "E408", 3, "1 field of 3")
	wantRefusal(t, read(t, "staff.csv", "id,name,town\n1,a,b\n,", Options{}, 0), "E408", 3)
}

func TestR15RowErrorsNameThePlaceAndNeverAValue(t *testing.T) {
	f, err := Open(spool(t, []byte("id,name\n7,Ada,secret\n")), "staff.csv", Options{Content: "full"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range f.Records() {
		if got, want := err.Error(), "E101 line 2: the row has 3 fields, the header 2"; got != want {
			t.Errorf("error = %q, want %q", got, want)
		}
	}
}

func TestQuotes(t *testing.T) {
	const header = "id,name,town\n"
	tests := []struct {
		name, body string
		want       []string
	}{
		{"a quoted delimiter is text", "1,\"Smith, Ann\",b\n", []string{"2:1|Smith, Ann|b"}},
		{"a doubled quote is one", "1,\"say \"\"hi\"\"\",b\n", []string{`2:1|say "hi"|b`}},
		{"an empty quoted cell is empty", "1,\"\",\"\"\n", []string{"2:1||"}},
		{"blanks around the quotes are nothing", "1 , \"Ann\"\t, \"b\" \n", []string{"2:1 |Ann|b"}},
		{"a quote in a cell without rejects that row alone", "1,O\"Brien,b\n2,x,y\n", []string{"2:E102 1|O\"Brien|b", "3:2|x|y"}},
		{"text behind a closing quote rejects that row alone", "1,\"Ann\"x,b\n2,x,y\n", []string{"2:E102 1|\"Ann\"x|b", "3:2|x|y"}},
		{"an opening quote that is missing", "1,Ann\",b\n2,\"x\",y\n", []string{"2:E102 1|Ann\"|b", "3:2|x|y"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantRows(t, read(t, "staff.csv", header+tt.body, Options{}, 0), tt.want...) })
	}
	for _, tt := range []struct {
		name, body string
		want       []string
	}{
		{"the marks of a cell in doubled ones are its own", "1,\"\"Ottawa\"\",b\n2, \"\"St. John's\"\"\t,\"\"c\"\"\n", []string{`2:1|"Ottawa"|b`, `3:2|"St. John's"|"c"`}},
		{"the last cell of a file without a line end", "1,a,\"\"b\"\"", []string{`2:1|a|"b"`}},
		{"what is CSV stays what it is", "1,\"\",\"\"\"Ottawa\"\"\"\n2,'Ottawa',\"Ottawa\"\n3,\"\"\"\",\"say \"\"hi\"\"\"\n", []string{`2:1||"Ottawa"`, `3:2|'Ottawa'|Ottawa`, `4:3|"|say "hi"`}},
		{"a delimiter in it rejects that row alone", "1,\"\"Ottawa, ON\"\",b\n2,x,y\n", []string{"2:E102 1|\"\"Ottawa| ON\"\"|b", "3:2|x|y"}},
		{"marks that do not pair reject that row alone", "1,\"\"Ottawa\",b\n2,\"\"Ottawa\"\"x,y\n3,x,y\n", []string{"2:E102 1|\"\"Ottawa\"|b", "3:E102 2|\"\"Ottawa\"\"x|y", "4:3|x|y"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRows(t, read(t, "staff.csv", header+tt.body, Options{DoubledQuotes: true}, 0), tt.want...)
		})
	}
	t.Run("without being told a doubled mark rejects that row alone", func(t *testing.T) {
		wantRows(t, read(t, "staff.csv", header+"1,\"\"Ottawa\"\",b\n2,x,y\n", Options{}, 0), "2:E102 1|\"\"Ottawa\"\"|b", "3:2|x|y")
	})
	t.Run("another quote", func(t *testing.T) {
		wantRows(t, read(t, "staff.csv", header+"1,'O\"Brien, Ann',b\n", Options{Quote: "'"}, 0), `2:1|O"Brien, Ann|b`)
	})
}

func TestR18AQuotedCellMaySpanLines(t *testing.T) {
	got := read(t, "staff.csv", "id,name,town\r\n1,\"Ann\r\nMarie\",b\r\n2,\"x\ry\",\"p\nq\nr\"\r\n3,z,z\r\n", Options{}, 0)
	wantRows(t, got, "2:1|Ann\nMarie|b", "4:2|x\ny|p\nq\nr", "8:3|z|z")
}

func TestR18AQuoteThatSwallowsRowsRefusesTheDrop(t *testing.T) {
	const header = "id,name,town,mail\n"
	twenty := strings.Repeat("x\n", 19)
	tests := []struct {
		name, body string
		line       int
		words      string
	}{
		{"a row lies inside the cell", "1,\"a,b,c\n2,d,e,f\n3,g\",h,i\n4,j,k,l\n", 2, "closes in line 4"},
		{"a row with surplus empty cells lies inside", "1,\"a,b,c\n2,d,e,f,,\n3,g\",h,i\n", 2, "closes in line 4"},
		{"its own lines are none, one between is", "1,\"a\n2,d,e,f\nx\",b,c\n", 2, "closes in line 4"},
		{"one between is, with surplus empty cells", "1,\"a\n2,d,e,f,,\nx\",b,c\n", 2, "closes in line 4"},
		{"exactly one row is glued on", "1,\"a,b,c\n2,d\",e,f\n", 2, "closes in line 3"},
		{"one row is glued on and the number of fields is wrong", "1,\"a,b,c\n2,d,e\",f\n", 2, "closes in line 3"},
		{"the quote meets another in the next row", "1,\"a,b,c\n2,\"d\",e,f\n3,\"g\",h,i\n", 2, "closes in line 3"},
		{"the last quote of a row is missing", "\"1\",\"a\",\"b\",\"c\n\"2\",\"d\",\"e\",\"f\"\n", 2, "closes in line 3"},
		{"more than twenty lines", "1,\"" + twenty + "x\ny\",b,c\n", 2, "closes in line 22 makes a cell of more than 20 lines"},
		{"it never closes", "1,a,b,c\n2,\"d,e,f\n3,g,h,i\n4,j,k,l\n", 3, "never closed"},
		{"it never closes in the last row", "1,a,b,c\n2,a,b,\"c\n", 3, "never closed"},
		{"the last row is inside, without line end", "1,\"a,b,c\n2,d,e,f", 2, "never closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, read(t, "staff.csv", header+tt.body, Options{}, 0), "E102", tt.line, tt.words)
		})
	}
	t.Run("twenty lines are allowed", func(t *testing.T) {
		wantRows(t, read(t, "staff.csv", header+"1,\""+twenty+"y\",b,c\n", Options{}, 0), "2:1|"+twenty+"y|b|c")
	})
	t.Run("of a thousand rows four hundred are swallowed", func(t *testing.T) {
		var b strings.Builder
		b.WriteString(header)
		for i := 2; i <= 1000; i++ {
			name := "name"
			switch i {
			case 10:
				name = "\"name"
			case 400:
				name = "name\""
			}
			fmt.Fprintf(&b, "E%04d,%s,town,mail\n", i, name)
		}
		wantRefusal(t, read(t, "staff.csv", b.String(), Options{}, 0), "E102", 10, "closes in line 400")
	})
}

// The line that closes the quote may lie far behind what the buffer holds, and
// the buffer may end between the two halves of a doubled quote.
func TestR18TheClosingLineIsFoundHoweverFar(t *testing.T) {
	for pad := range 3 {
		body := "1,\"a,b\n2,c,d\n" + strings.Repeat("x", pad) + strings.Repeat("\"\"\n", 200_000) + "y\",b\n"
		wantRefusal(t, read(t, "staff.csv", "id,name,town\n"+body, Options{}, 0), "E102", 2, "closes in line 200004")
	}
}

func TestAFileThatEndsInsideAQuoteIsCut(t *testing.T) {
	got := read(t, "staff.csv", "id,name,town\n1,a,b\n2,\"Smi", Options{}, 0)
	wantRefusal(t, got, "E408", 3, "ends inside a quote that opens here")
}

func TestR18LineEnds(t *testing.T) {
	tests := map[string]string{
		"line feeds":           "id,name\n1,a\n2,b\n",
		"both":                 "id,name\r\n1,a\r\n2,b\r\n",
		"lone returns":         "id,name\r1,a\r2,b\r",
		"mixed":                "id,name\r\n1,a\r2,b\n",
		"none at the end":      "id,name\n1,a\n2,b",
		"a return at the end":  "id,name\n1,a\n2,b\r",
		"quoted, lone returns": "\"id\",name\r\"1\",a\r2,\"b\"\r",
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) { wantRows(t, read(t, "staff.csv", content, Options{}, 0), "2:1|a", "3:2|b") })
	}
}

// The buffer's edges fall on every byte of a row, sooner or later.
func TestRowsAcrossBufferEdges(t *testing.T) {
	for _, eol := range []string{"\n", "\r\n", "\r"} {
		var b strings.Builder
		b.WriteString("id,name,note" + eol)
		var want []string
		line := 2
		for i := range 40_000 {
			fmt.Fprintf(&b, "%d,\"Żółć \"\"%d\"\"\",\"two%slines\"%s", i, i%7, eol, eol)
			want = append(want, fmt.Sprintf("%d:%d|Żółć \"%d\"|two\nlines", line, i, i%7))
			line += 2
		}
		wantRows(t, read(t, "staff.csv", b.String(), Options{}, 0), want...)
	}
}

func TestDelimiters(t *testing.T) {
	for _, d := range []string{",", ";", "\t", "|"} {
		content := strings.ReplaceAll("id;first name;note\n1;Ann;x\n2;Bob;\n", ";", d)
		got := read(t, "staff.txt", content, Options{}, 0)
		wantRows(t, got, "2:1|Ann|x", "3:2|Bob|")
		if facts := got.file.Facts(); facts.Delimiter != d {
			t.Errorf("delimiter = %q, want %q", facts.Delimiter, d)
		}
	}
	t.Run("commas in values do not outvote the header", func(t *testing.T) {
		wantRows(t, read(t, "s.csv", "id;name;pay\n1;Smith, Ann, Dr;1,5\n2;Roe, Bob, Dr;2,5\n", Options{}, 0), "2:1|Smith, Ann, Dr|1,5", "3:2|Roe, Bob, Dr|2,5")
	})
	t.Run("any declared one is taken", func(t *testing.T) {
		wantRows(t, read(t, "s.csv", "id^na,me\n1^Ann\n", Options{Delimiter: "^"}, 0), "2:1|Ann")
	})
	t.Run("a wrong declaration is refused with what it looks like", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv", "id;name;town\n1;a;b\n", Options{Delimiter: ","}, 0), "E411", 1, `';'`, "format.delimiter")
	})
	t.Run("one column", func(t *testing.T) {
		wantRows(t, read(t, "s.csv", "id\n1\n2\n", Options{}, 0), "2:1", "3:2")
	})
}

func TestHeaderRows(t *testing.T) {
	none, two := 0, 2
	t.Run("none, with columns", func(t *testing.T) {
		got := read(t, "s.csv", "1;Ann\n2;Bob\n", Options{Header: &none, Columns: []string{"id", "name"}}, 0)
		wantRows(t, got, "1:1|Ann", "2:2|Bob")
		if want := []string{"id", "name"}; !reflect.DeepEqual(got.header, want) {
			t.Errorf("header = %q, want %q", got.header, want)
		}
	})
	t.Run("of two the first names the columns", func(t *testing.T) {
		got := read(t, "s.csv", "id,name\nnumber,text\n1,Ann\n", Options{Header: &two}, 0)
		wantRows(t, got, "3:1|Ann")
		if want := []string{"id", "name"}; !reflect.DeepEqual(got.header, want) {
			t.Errorf("header = %q, want %q", got.header, want)
		}
	})
}

func TestTrailer(t *testing.T) {
	o := Options{Trailer: &Trailer{Starts: "T", Count: 2}}
	const rows = "id,name,town\n1,a,b\n2,c,d\n"
	t.Run("it counts the rows and is none", func(t *testing.T) {
		for _, end := range []string{"T,2\n", "T,2", " T , 0002 ,x,y,z\n\n", "\"T\",\"2\"\n"} {
			wantRows(t, read(t, "s.csv", rows+end, o, 0), "2:1|a|b", "3:2|c|d")
		}
	})
	t.Run("rejected rows count too", func(t *testing.T) {
		wantRows(t, read(t, "s.csv", rows+"3,e\nT,3\n", o, 0), "2:1|a|b", "3:2|c|d", "4:E101 3|e")
	})
	refusals := []struct {
		name, end string
		line      int
		words     string
	}{
		{"missing", "", 0, "missing"},
		{"of another number", "T,3\n", 4, "counts 3 rows, the file has 2"},
		{"without a number", "T,many\n", 4, "field 2 of the trailer"},
		{"too short", "T\n", 4, "1 field"},
		{"followed by rows", "T,2\n3,e,f\n", 4, "follow"},
		{"twice", "T,2\nT,2\n", 4, "follow"},
	}
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, read(t, "s.csv", rows+tt.end, o, 0), "E408", tt.line, tt.words)
		})
	}
	t.Run("undeclared it is a row like any other", func(t *testing.T) {
		wantRows(t, read(t, "s.csv", rows+"T,2\n", Options{}, 0), "2:1|a|b", "3:2|c|d", "4:E101 T|2")
	})
}

func encoded(t testing.TB, enc encoding.Encoding, text string) string {
	t.Helper()
	s, err := enc.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestR16DeclaredEncodingsAreRead(t *testing.T) {
	tests := map[string]string{ // by declared name: a name that it can write
		"utf-8":        "Zoë Łęcka 王",
		"us-ascii":     "Zoe",
		"ISO-8859-1":   "Zoë",
		"iso-8859-2":   "Łęcka",
		"iso-8859-5":   "Иван",
		"iso-8859-15":  "Zoë €",
		"iso-8859-16":  "Știucă",
		"windows-1250": "Łęcka",
		"windows-1251": "Иван",
		"windows-1252": "Zoë €",
		"cp1252":       "Zoë €",
		"windows-1257": "Žemaitė",
		"koi8-r":       "Иван",
		"koi8-u":       "Їжак",
		"ibm850":       "Zoë",
		"cp437":        "Zoë",
		"cp858":        "Zoë €",
		"cp932":        "山田 ヤマダ",
		"cp936":        "王小明",
		"cp949":        "김철수",
		"cp950":        "王小明",
		"shift_jis":    "山田 ヤマダ",
		"Shift-JIS":    "山田",
		"gbk":          "王小明",
		"gb2312":       "王小明",
		"gb18030":      "王小明 😀",
		"big5":         "王小明",
		"euc-kr":       "김철수",
		"euc-jp":       "山田",
		"utf-16le":     "Zoë 王 😀",
		"utf-16be":     "Zoë 王 😀",
	}
	for name, person := range tests {
		t.Run(name, func(t *testing.T) {
			content := "id,name\n" + strings.Repeat("1,"+person+"\n", 10_000)
			c, err := charsetNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]string, 10_000)
			for i := range want {
				want[i] = fmt.Sprintf("%d:1|%s", i+2, person)
			}
			got := read(t, "s.csv", encodeAs(t, c, content), Options{Encoding: name}, 0)
			wantRows(t, got, want...)
			if facts := got.file.Facts(); facts.Encoding != c.name || strings.ContainsAny(facts.Encoding, ":") || facts.Encoding != strings.ToLower(facts.Encoding) {
				t.Errorf("encoding = %q, want %q", facts.Encoding, c.name)
			}
		})
	}
}

// encodeAs writes text in c, the long way where there is only a table.
func encodeAs(t testing.TB, c charset, text string) string {
	t.Helper()
	if c.enc != nil {
		return encoded(t, c.enc, text)
	}
	if c.table == nil {
		return text
	}
	byText := map[string]byte{}
	for b, e := range c.table {
		byText[string(e.text[:e.n])] = byte(b)
	}
	var out []byte
	for _, r := range text {
		b, ok := byText[string(r)]
		if !ok {
			t.Fatalf("%s cannot write %q", c.name, r)
		}
		out = append(out, b)
	}
	return string(out)
}

func TestR16ByteOrderMarksAreBelieved(t *testing.T) {
	const text = "id,name\n1,Zoë\n"
	utf16 := func(order unicode.Endianness) string {
		return encoded(t, unicode.UTF16(order, unicode.UseBOM), text)
	}
	tests := []struct{ name, content, declared, want string }{
		{"utf-8", "\uFEFF" + text, "", "utf-8"},
		{"utf-8 before a quoted header", "\uFEFF" + strings.Replace(text, "id", `"id"`, 1), "", "utf-8"},
		{"little-endian", utf16(unicode.LittleEndian), "", "utf-16le"},
		{"big-endian", utf16(unicode.BigEndian), "", "utf-16be"},
		{"declared without order", utf16(unicode.BigEndian), "utf-16", "utf-16be"},
		{"declared with its order", utf16(unicode.LittleEndian), "utf-16le", "utf-16le"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, "s.csv", tt.content, Options{Encoding: tt.declared}, 0)
			wantRows(t, got, "2:1|Zoë")
			if got := got.file.Facts().Encoding; got != tt.want {
				t.Errorf("encoding = %q, want %q", got, tt.want)
			}
			if got.header[0] != "id" {
				t.Errorf("header = %q", got.header)
			}
		})
	}
}

func TestR16AByteThatIsNotValidRefusesTheFile(t *testing.T) {
	c1252, err := charsetNamed("windows-1252")
	if err != nil {
		t.Fatal(err)
	}
	western := encodeAs(t, c1252, "id,name\n1,Ann\n2,Zoë Müller\n")
	tests := []struct {
		name, content, declared string
		line                    int
		words                   []string
	}{
		{"undeclared", western, "", 3, []string{"offset 18", "utf-8", "windows-1252; set format.encoding"}},
		{"declared utf-8", western, "utf-8", 3, []string{"offset 18", "windows-1252"}},
		{"in the header", encodeAs(t, c1252, "id,prénom\n1,Ann\n"), "", 1, []string{"offset 5"}},
		{"overlong", "id,name\n1,\xc0\xaf\n", "", 2, []string{"offset 10"}},
		{"surrogate", "id,name\n1,\xed\xa0\x80\n", "", 2, []string{"offset 10"}},
		{"cut inside a character", "id,name\n1,Zo\xc3", "", 2, []string{"offset 12"}},
		{"behind a byte-order mark", "\uFEFFid,name\n1,\xff\n", "", 2, []string{"offset 13"}},
		{"with lone returns", "id,name\r1,a\r2,\xff\r", "", 3, []string{"offset 14"}},
		{"undefined in windows-1252", "id,name\n1,\x81\n", "windows-1252", 2, []string{"offset 10", "windows-1252"}},
		{"not ascii", "id,name\n1,Zo\xc3\xab\n", "us-ascii", 2, []string{"offset 12"}},
		{"a lone lead byte in shift_jis", "id,name\n1,\x83\n", "shift_jis", 2, []string{"offset 10"}},
		{"not of big5", "id,name\n1,\xff\n", "big5", 2, []string{"offset 10"}},
		{"half a surrogate in utf-16", "i\x00d\x00\n\x001\x00\x00\xd8\n\x00", "utf-16le", 2, []string{"offset 8"}},
		{"half a unit in utf-16", "i\x00d\x00\n\x001\x00\n\x00x", "utf-16le", 3, []string{"offset 10"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, "s.csv", tt.content, Options{Encoding: tt.declared}, 0)
			wantRefusal(t, got, "E103", tt.line, tt.words...)
		})
	}
	t.Run("far into the file", func(t *testing.T) {
		content := "id,name\n" + strings.Repeat("1,Ann Marie\n", 100_000)
		table := read(t, "s.csv", content+"2,Jos\x81\n", Options{Encoding: "windows-1252"}, 0)
		wantRefusal(t, table, "E103", 100_002, fmt.Sprintf("offset %d", len(content)+5))
		got := read(t, "s.csv", content+"2,Jos\xe9 Garc\xeda\n", Options{}, 0)
		wantRefusal(t, got, "E103", 100_002, fmt.Sprintf("offset %d", len(content)+5), "windows-1252")
		if len(got.rows) != 100_000 {
			t.Errorf("rows before it = %d, want 100000", len(got.rows))
		}
	})
}

func TestR16ReplacementCharactersThatSomebodyTypedAreText(t *testing.T) {
	const text = "id,name\n1,a\uFFFDb\n"
	wantRows(t, read(t, "s.csv", text, Options{}, 0), "2:1|a\uFFFDb")
	c, err := charsetNamed("utf-16le")
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, read(t, "s.csv", encodeAs(t, c, text), Options{Encoding: "utf-16le"}, 0), "2:1|a\uFFFDb")
}

func TestR16HintsNameALikelyEncoding(t *testing.T) {
	tests := map[string]string{
		"windows-1252": "Müller,Zoë,François,Ångström,Peña",
		"windows-1250": "Wałęsa,Brzęczyszczykiewicz,Łukasz,Żółkiewski,Kraków",
		"windows-1251": "Иванов,Пётр,Сергей,Наталья",
		"koi8-r":       "Иванов,Пётр,Сергей,Наталья",
		"shift_jis":    "山田 太郎,やまだ,ヤマダ タロウ",
		"gbk":          "王小明,张伟,李娜,刘洋",
		"euc-kr":       "김철수,이영희,박지훈",
		"utf-16le":     "Zoë,Ann,Bob",
	}
	for name, people := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := charsetNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			content := encodeAs(t, c, "id,name\n"+strings.ReplaceAll("1,"+people, ",", "\n1,")+"\n")
			got := read(t, "s.csv", content, Options{}, 0)
			if got.code() != "E103" || !strings.Contains(got.err.Error(), "set format.encoding: "+name) {
				t.Errorf("got %v, want E103 with a hint at %s", got.err, name)
			}
		})
	}
}

func TestR16MarksAndDeclarationsThatDisagree(t *testing.T) {
	tests := []struct{ name, content, declared, code, words string }{
		{"two marks", "\uFEFF\uFEFFid\n1\n", "", "E411", "two byte-order marks"},
		{"utf-8 declared as windows-1252", "\uFEFFid\n1\n", "windows-1252", "E103", "mark of utf-8"},
		{"utf-16 declared as utf-8", "\xff\xfei\x00d\x00\n\x00", "utf-8", "E103", "mark of utf-16le"},
		{"utf-16 without mark nor order", "i\x00d\x00\n\x001\x00\n\x00", "utf-16", "E103", "utf-16le or utf-16be"},
		{"utf-16 of the other order", "\x00i\x00d\x00\n\x001\x00\n", "utf-16le", "E103", "looks like utf-16be"},
		{"utf-32", "\xff\xfe\x00\x00i\x00\x00\x00", "", "E103", "utf-32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, read(t, "s.csv", tt.content, Options{Encoding: tt.declared}, 0), tt.code, 1, tt.words)
		})
	}
}

func TestUTF8DeclaredAsSomethingElseIsNoted(t *testing.T) {
	got := read(t, "s.csv", "id,name\n1,Zoë\n2,Müller\n3,Peña\n4,Ångström\n", Options{Encoding: "windows-1252"}, 0)
	notes := got.file.Notes()
	if len(notes) != 1 || notes[0].Code != "E103" || notes[0].Severity != roster.SeverityWarning {
		t.Errorf("notes = %v, want one warning E103", notes)
	}
}

func TestControlZAtTheEndIsLeftOutAndNoted(t *testing.T) {
	got := read(t, "s.csv", "id,name\n1,a\n2,b\n\x1a\x1a", Options{}, 0)
	wantRows(t, got, "2:1|a", "3:2|b")
	notes := got.file.Notes()
	if len(notes) != 1 || notes[0].Severity != roster.SeverityNote {
		t.Errorf("notes = %v, want one note", notes)
	}
}

func TestControlCharactersInsideCellsAreLeftToTheMapping(t *testing.T) {
	zeros := strings.Repeat("\x00bcde", 40)
	wantRows(t, read(t, "s.csv", "id,name\n1,a"+zeros+"\n2,c\x1bd\n", Options{}, 0), "2:1|a"+zeros, "3:2|c\x1bd")
}

func TestDropsThatAreNoTableAreRefused(t *testing.T) {
	zeros := strings.Repeat("\x00", 4096)
	tests := []struct {
		name, file, content string
		line                int
		words               string
	}{
		{"empty", "s.csv", "", 0, "empty"},
		{"only a byte-order mark", "s.csv", "\uFEFF", 0, "empty"},
		{"only a mark of UTF-16", "s.csv", "\xff\xfe", 0, "empty"},
		{"only newlines", "s.csv", strings.Repeat("\r\n", 500), 0, "empty"},
		{"only Control-Z", "s.csv", "\x1a", 0, "empty"},
		{"header only", "s.csv", "id,name\n", 0, "no rows"},
		{"header only, without line end", "s.csv", "id,name", 0, "no rows"},
		{"header and empty rows", "s.csv", "id,name\n,\n\n", 0, "no rows"},
		{"padding at the end", "s.csv", "id,name\n1,a\n" + zeros, 3, "binary"},
		{"nothing but padding", "s.csv", zeros, 1, "binary"},
		{"controls", "s.csv", strings.Repeat("\x01\x02\x03a", 50), 0, "binary"},
		{"HTML", "s.csv", "\n<!DOCTYPE html>\n<html><body>503</body></html>", 0, "HTML"},
		{"XML", "s.csv", "<?xml version='1.0'?><a/>", 0, "XML"},
		{"JSON", "s.csv", "[\n {\"id\": 1}]", 0, "JSON"},
		{"gzip without its name", "s.csv", packed(t, "id\n1\n"), 0, "looks like gzip"},
		{"gzip in gzip", "s.csv.gz", packed(t, packed(t, "id\n1\n")), 0, "looks like gzip"},
		{"its name without gzip", "s.csv.gz", "id,name,town\n1,a,b\n", 0, "not gzip"},
		{"zip", "s.csv", "PK\x03\x04staff.csv", 0, "zip"},
		{"spreadsheet", "s.csv", "PK\x03\x04\x14\x00[Content_Types].xml", 0, "spreadsheet; export it as CSV"},
		{"old spreadsheet", "s.csv", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "spreadsheet; export it as CSV"},
		{"named .xlsx", "s.xlsx", "id\n1\n", 0, "export it as CSV"},
		{"named .zip", "s.ZIP", "id\n1\n", 0, "not built yet"},
		{"named .pgp", "s.csv.gz.pgp", "id\n1\n", 0, "not built yet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, read(t, tt.file, tt.content, Options{}, 0), "E411", tt.line, tt.words)
		})
	}
}

func packed(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGzip(t *testing.T) {
	const content = "id,name\n1,Ann\n2,Zoë\n"
	t.Run("is unwrapped", func(t *testing.T) {
		got := read(t, "STAFF.CSV.GZ", packed(t, content), Options{}, 0)
		wantRows(t, got, "2:1|Ann", "3:2|Zoë")
		if w := got.file.Facts().Wrapped; !reflect.DeepEqual(w, []string{"gzip"}) {
			t.Errorf("wrapped = %q", w)
		}
	})
	t.Run("in several parts is one file", func(t *testing.T) {
		wantRows(t, read(t, "s.csv.gz", packed(t, content)+packed(t, "3,Cy\n"), Options{}, 0), "2:1|Ann", "3:2|Zoë", "4:3|Cy")
	})
	whole := packed(t, "id,name\n"+strings.Repeat("1,Ann\n", 1000))
	for name, content := range map[string]string{
		"cut":                  whole[:len(whole)-9],
		"cut in its head":      whole[:5],
		"with a wrong sum":     whole[:len(whole)-8] + "xxxx" + whole[len(whole)-4:],
		"with something after": whole + "more than nothing",
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, read(t, "s.csv.gz", content, Options{}, 0), "E408", 0, "gzip")
		})
	}
	t.Run("empty", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv.gz", "", Options{}, 0), "E411", 0, "empty")
	})
	t.Run("bomb", func(t *testing.T) {
		bomb := packed(t, "id,name\n"+strings.Repeat("1,"+strings.Repeat(" ", 60_000)+"\n", 400))
		wantRefusal(t, read(t, "s.csv.gz", bomb, Options{}, 0), "E411", 0, "more than 100 times")
	})
}

func TestBoundsAreNamedRefusals(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	wide := strings.TrimSuffix(strings.Repeat("c,", 600), ",")
	columns := func(n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("c%d", i)
		}
		return strings.Join(names, ",") + "\n"
	}
	t.Run("a long line", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv", "id,name\n1,a\n2,"+long+"\n3,b\n", Options{}, 0), "E411", 3, "longer than 64 KiB")
	})
	t.Run("a long quoted line", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv", "id,name\n1,a\n2,\""+long+"\"\n3,b\n", Options{}, 0), "E411", 3, "longer than 64 KiB")
	})
	t.Run("a row that is long because of several lines", func(t *testing.T) {
		cell := strings.Repeat(strings.Repeat("x", 20<<10)+"\n", 4)
		wantRefusal(t, read(t, "s.csv", "id,name\n2,\""+cell+"\"\n3,b\n", Options{}, 0), "E411", 2, "longer than 64 KiB")
	})
	t.Run("a line without end", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv", "id,name\n1,"+strings.Repeat("x", 8<<20), Options{}, 0), "E411", 2, "longer than 64 KiB")
	})
	t.Run("a quote without end", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv", "id,name\n1,\""+strings.Repeat("x", 8<<20), Options{}, 0), "E411", 2, "longer than 64 KiB")
	})
	t.Run("a row of just the bound", func(t *testing.T) {
		cell := strings.Repeat("x", maxRow-2)
		wantRows(t, read(t, "s.csv", "id,name\n1,"+cell+"\r\n2,b\n", Options{}, 0), "2:1|"+cell, "3:2|b")
	})
	t.Run("columns", func(t *testing.T) {
		wantRefusal(t, read(t, "s.csv", columns(501)+wide+"\n", Options{}, 0), "E411", 1, "501 columns")
		if got := read(t, "s.csv", columns(500)+"1"+strings.Repeat(",", 499)+"\n", Options{}, 0); got.err != nil {
			t.Errorf("500 columns: %v", got.err)
		}
	})
	t.Run("size", func(t *testing.T) {
		content := "id,name\n1,aaaa\n"
		wantRows(t, read(t, "s.csv", content, Options{}, int64(len(content))), "2:1|aaaa")
		wantRefusal(t, read(t, "s.csv", content, Options{}, int64(len(content))-1), "E411", 0, "more than 14 bytes")
		wantRefusal(t, read(t, "s.csv.gz", packed(t, content), Options{}, int64(len(content))-1), "E411", 0, "more than 14 bytes")
	})
	t.Run("rows", func(t *testing.T) {
		f, err := Open(spool(t, []byte("id,name\n1,a\n2,b\n3,c\n")), "s.csv", Options{Content: "full"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.maxRows = 2
		wantRefusal(t, drain(f), "E411", 4, "more than 2 rows")
	})
}

func TestRecordsEndsWhereItsReaderStops(t *testing.T) {
	f, err := Open(spool(t, []byte("id,name\n1,a\n2,b\n")), "s.csv", Options{Content: "full"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	open := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc: ", err)
		}
		return len(fds)
	}
	before := open()
	for range 5 {
		for rec, err := range f.Records() {
			if err != nil || rec.Line != 2 {
				t.Fatalf("first record: line %d, %v", rec.Line, err)
			}
			break
		}
	}
	if after := open(); after != before {
		t.Errorf("open files = %d, before %d", after, before)
	}
}

func TestAFileThatIsGoneIsAnOrdinaryError(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none"), "s.csv", Options{Content: "full"}, 0)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want one that is os.ErrNotExist", err)
	}
}
