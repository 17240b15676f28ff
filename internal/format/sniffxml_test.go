package format

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// someField is what a few names are called like.
func someField(called string) string {
	return map[string]string{"id": "employee_id", "no": "employee_id", "first": "first_name", "last": "last_name", "mail": "email", "login": "username"}[called]
}

func TestSniffFindsThePeopleOfAnXMLFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, record, columns, several string
		rows, bad                            int
	}{
		{"flat", `<a><p><id>1</id><mail>x</mail></p><p><id>2</id><mail>y</mail></p></a>`, "/a/p", "id mail", "", 2, 0},
		{"by attributes", `<a><p no="1" login="x"/><p no="2" login="y"/></a>`, "/a/p", "@no @login", "", 2, 0},
		{"deeper, and other lists beside it", `<a><g><id>g</id></g><g><id>h</id></g><p><id>1</id><n><first>A</first><last>B</last></n></p><p><id>2</id><n><first>C</first></n></p></a>`, "/a/p", "id n/first n/last", "", 2, 0},
		{"told apart by an attribute", `<a><p no="1"><c t="w"><mail>x</mail></c><c t="h"><mail>y</mail></c></p><p no="2"><c t="w"><mail>z</mail></c></p></a>`, "/a/p", "@no c[@t='w']/mail c[@t='h']/mail", "", 2, 0},
		{"told apart by nothing", `<a><p><id>1</id><mail>x</mail><tag>q</tag><tag>r</tag></p><p><id>2</id><mail>y</mail></p></a>`, "/a/p", "id mail", "tag", 2, 0},
		{"an attribute that is the same twice tells nothing", `<a><p><id>1</id><mail>x</mail><tag k="1">q</tag><tag k="1">r</tag></p><p><id>2</id></p></a>`, "/a/p", "id mail", "tag", 2, 0},
		{"in departments, with an attribute that might tell people apart", `<a><d id="x"><p op="I"><id>1</id><mail>x</mail></p><p op="U"><id>2</id><mail>y</mail></p></d><d id="y"><p op="I"><id>3</id><mail>z</mail></p></d></a>`, "/a/d/p", "@op id mail", "", 3, 0},
		{"one person alone", `<a><p><id>1</id><n><first>A</first></n></p></a>`, "/a/p", "id n/first", "", 1, 0},
		{"in a namespace", `<a xmlns="urn:a"><p><id>1</id><mail>x</mail></p><p><id>2</id><mail>x</mail></p></a>`, "/p:a/p:p", "id mail", "", 2, 0},
		{"in two", `<a xmlns="urn:a" xmlns:q="urn:b"><p q:no="1"><q:mail>x</q:mail></p><p q:no="2"><q:mail>x</q:mail></p></a>`, "/p:a/p:p", "@p2:no p2:mail", "", 2, 0},
		{"a record that cannot be read", "<a><p><id>1</id><mail>x</mail></p><p><id>2</id><id>3</id><mail>y</mail></p><p><id>4</id><mail>y</mail></p></a>", "/a/p", "mail", "id", 3, 0},
	} {
		path := filepath.Join(t.TempDir(), "x.xml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := SniffXML(path, "x.xml", 0, someField)
		if tt.name == "a record that cannot be read" { // of what people have one field remains
			if err == nil || !strings.Contains(err.Error(), "what a person has") {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || s.Record != tt.record || strings.Join(s.Header, " ") != tt.columns || strings.Join(s.Several, " ") != tt.several || s.Rows != tt.rows || s.Bad != tt.bad || len(s.Sample) != tt.rows {
			t.Errorf("%s: %v, record %q, columns %q, several %q, %d rows, %d bad, sample %d", tt.name, err, s.Record, s.Header, s.Several, s.Rows, s.Bad, len(s.Sample))
		}
		if !BeginsAsXML(path, "x.txt", 0) {
			t.Errorf("%s: does not begin as XML", tt.name)
		}
	}
}

func TestSniffOfXMLHasBounds(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	for i := range sniffShapes + 10 {
		wide.WriteString("<e" + strings.Repeat("x", i%60) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + "/>")
	}
	for _, tt := range []struct{ name, text, want string }{
		{"too many elements", "<a>" + wide.String() + "</a>", "too many different ones"},
		{"too deep", strings.Repeat("<a>", maxDepth+2), "too deep"},
		{"a document type", "<!DOCTYPE a><a><p><id>1</id></p></a>", "document type"},
		{"cut", "<a><p><id>1</id>", "not well-formed"},
		{"nobody", "<a><p>1</p><p>2</p></a>", "what a person has"},
		{"a table", "id,mail\n1,x\n", "does not begin as XML"},
	} {
		path := filepath.Join(t.TempDir(), "x.xml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := SniffXML(path, "x.xml", 0, someField); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	many := "<a>" + strings.Repeat("<p><id>1</id><mail>some address</mail></p>", sniffBytes/40) + "<p><id>1</id><mail>x</mail></p></a>"
	path := filepath.Join(t.TempDir(), "x.xml")
	if err := os.WriteFile(path, []byte(many), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := SniffXML(path, "x.xml", 0, someField)
	if err != nil || !slices.Equal(s.Header, []string{"id", "mail"}) || s.Rows != sniffBytes/40+1 || len(s.Sample) != sampleRows {
		t.Errorf("%v, %q, %d rows", err, s.Header, s.Rows)
	}
}
