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

	"golang.org/x/text/encoding/unicode"

	"rollcall/internal/roster"
)

// staffXML is how these tests read: people below staff, with four columns.
var staffXML = Options{Type: "xml", Record: "/staff/person", Elements: []string{"id", "name", "mail", "@op"}}

func xmlOf(people ...string) string {
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<staff>\n" + strings.Join(people, "\n") + "\n</staff>\n"
}

const ann = "<person><id>1</id><name>Ann</name><mail>a@example.org</mail></person>"

func TestXMLIsReadByItsRecords(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          []string
	}{
		{"plain", xmlOf(ann, "<person><id>2</id><name>Zoë</name></person>"), []string{"3:1|Ann|a@example.org|", "4:2|Zoë||"}},
		{"white space between elements, over lines", xmlOf("<person>\n  <id>1</id>\n  <name>Ann</name>\n</person>", ann), []string{"3:1|Ann||", "7:1|Ann|a@example.org|"}},
		{"another order, unknown elements, an empty one", xmlOf("<person><x>9</x><name/><id>1</id></person>", ann), []string{"3:1|||", "4:1|Ann|a@example.org|"}},
		{"named references", xmlOf("<person><id>1</id><name>A &amp; &lt;B&gt; &quot;&apos;</name></person>"), []string{`3:1|A & <B> "'||`}},
		{"numbered references", xmlOf("<person><id>1</id><name>&#65;&#x142;</name></person>"), []string{"3:1|Ał||"}},
		{"106 CDATA, comments and instructions between", xmlOf("<!-- a person --><?php x ?><person><!-- <id>7</id> --><id><![CDATA[1]]></id><?x y?><name>A<!-- -->nn <![CDATA[<b>&amp;]]></name></person>"), []string{"3:1|Ann <b>&amp;||"}},
		{"attributes", xmlOf(`<person op="I" lang='x'><id type="n">1</id></person>`), []string{"3:1|||I"}},
		{"an attribute with a reference", xmlOf(`<person op="a&amp;b"><id>1</id></person>`), []string{"3:1|||a&b"}},
		{"line ends of all kinds, in values too", "<staff>\r\n<person>\r<id>1</id>\r\n<name>A\r\nB</name></person>\r" + ann + "</staff>", []string{"2:1|A\nB||", "6:1|Ann|a@example.org|"}},
		{"case of columns is ignored (R10)", xmlOf("<person><ID>1</ID><Name>Ann</Name></person>"), []string{"3:1|Ann||"}},
		{"elements in elements that nobody asks for", xmlOf("<person><id>1</id><home><id>7</id></home></person>"), []string{"3:1|||"}},
		{"other elements beside the records", xmlOf("<head><person>no</person><n>1</n></head>", ann, "<person2/>"), []string{"4:1|Ann|a@example.org|"}},
		{"references beside the records", xmlOf("<head>A &amp; B &#x20;</head>", ann), []string{"4:1|Ann|a@example.org|"}},
		{"an empty record", xmlOf("<person/>", ann), []string{"3:|||", "4:1|Ann|a@example.org|"}},
		{"no declaration", "<staff>" + ann + "</staff>", []string{"1:1|Ann|a@example.org|"}},
		{"a byte-order mark", "\uFEFF" + xmlOf(ann), []string{"3:1|Ann|a@example.org|"}},
		{"comments and white space around the root", "<!-- a --><staff>" + ann + "</staff>\n<!-- z -->\n<?end?>\n", []string{"1:1|Ann|a@example.org|"}},
		{"> and ' and \" in text", xmlOf(`<person><id>1</id><name>a > b "c" 'd' ]] ></name></person>`), []string{`3:1|a > b "c" 'd' ]] >||`}},
		{"tags with blanks", xmlOf("<person ><id >1</id ><name\n>Ann</name></person >"), []string{"3:1|Ann||"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRows(t, read(t, "s.xml", tt.content, staffXML, 0), tt.want...)
		})
	}
}

// Who stands slightly elsewhere is passed over, and would be absent.
func TestXMLPeopleWhoStandElsewhereAreNotPassedOverInSilence(t *testing.T) {
	for name, text := range map[string]string{
		"another namespace": `<staff xmlns:x="urn:x">` + ann + "\n<x:person><id>7</id></x:person></staff>",
		"other capitals":    "<staff>" + ann + "\n<Person><id>7</id></Person></staff>",
	} {
		_, err := readAll(t, text)
		var refused *roster.Refusal
		if !errors.As(err, &refused) || refused.Code != "E411" || refused.Line != 2 {
			t.Errorf("%s: %v, want E411 of line 2", name, err)
		}
	}
	f, err := readAll(t, "<staff>"+ann+"\n<group><person><id>7</id></person><person><id>8</id></person></group></staff>")
	if err != nil {
		t.Fatal(err)
	}
	notes := f.Notes()
	if len(notes) != 1 || notes[0].Code != "E411" || notes[0].Line != 2 || !strings.HasPrefix(notes[0].Text, "2 elements") {
		t.Errorf("notes %+v, want one of 2 elements, the first in line 2", notes)
	}
}

func TestXMLThatTheStandardDecoderWouldBelieveIsRefused(t *testing.T) {
	for _, text := range []string{
		"<staff><person><id>1</id><name>a&#xD800;b</name></person></staff>", "<staff><person><id>1</id><name>a&#57343;b</name></person></staff>",
		"<staff><person><id>1</id><z:name>L8</z:name></person></staff>", `<staff><person z:no="1"><id>1</id></person></staff>`,
	} {
		_, err := readAll(t, text)
		var refused *roster.Refusal
		if !errors.As(err, &refused) || refused.Code != "E411" {
			t.Errorf("%s: %v, want E411", text, err)
		}
	}
	if _, err := readAll(t, `<staff><person xml:lang="pl"><id>1</id><name><![CDATA[&#xD800;]]></name></person></staff>`); err != nil {
		t.Errorf("what is well-formed: %v", err)
	}
}

// readAll reads a file of staff to its end.
func readAll(t *testing.T, text string) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "staff.xml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, "staff.xml", staffXML, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range f.Records() {
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func TestXMLInOtherEncodings(t *testing.T) {
	text := strings.Replace(xmlOf("<person><id>1</id><name>Zoë</name></person>"), "UTF-8", "UTF-16", 1)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	latin := strings.NewReplacer("UTF-8", "ISO-8859-1", "ë", "\xeb").Replace(xmlOf("<person><id>1</id><name>Zoë</name></person>"))
	for name, content := range map[string]string{"104 UTF-16 with a mark": wide, "102 ISO-8859-1 as declared": latin} {
		t.Run(name, func(t *testing.T) {
			wantRows(t, read(t, "s.xml", content, staffXML, 0), "3:1|Zoë||")
		})
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, latin)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got := read(t, "s.xml.gz", packed.String(), staffXML, 0)
	wantRows(t, got, "3:1|Zoë||")
	if facts := got.file.Facts(); facts.Format != "xml" || facts.Encoding != "iso-8859-1" || !reflect.DeepEqual(facts.Wrapped, []string{"gzip"}) {
		t.Errorf("facts = %+v", facts)
	}
}

func TestXMLNamespaces(t *testing.T) {
	o := staffXML
	o.Record, o.Namespaces = "/h:staff/h:person", map[string]string{"h": "urn:hr", "x": "urn:extra"}
	o.Elements = []string{"id", "x:name"}
	for _, tt := range []struct{ name, content string }{
		{"a default namespace", `<staff xmlns="urn:hr" xmlns:e="urn:extra"><person><id>1</id><e:name>Ann</e:name></person></staff>`},
		{"a prefix of its own", `<q:staff xmlns:q="urn:hr" xmlns:e="urn:extra"><q:person><q:id>1</q:id><e:name>Ann</e:name></q:person></q:staff>`},
		{"declared on the record", `<q:staff xmlns:q="urn:hr"><person xmlns="urn:hr" xmlns:e="urn:extra"><id>1</id><e:name>Ann</e:name></person></q:staff>`},
		{"declared on an element", `<staff xmlns="urn:hr"><person><id>1</id><name xmlns="urn:extra">Ann</name></person></staff>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRows(t, read(t, "s.xml", tt.content, o, 0), "1:1|Ann")
		})
	}
	t.Run("the name of another namespace is another element", func(t *testing.T) {
		got := read(t, "s.xml", `<staff xmlns="urn:hr" xmlns:z="urn:z"><person><id>1</id><z:id>7</z:id></person></staff>`, o, 0)
		wantRows(t, got, "1:1|")
		if seen := got.file.Seen(); len(seen) != 2 || seen[0] != "id" || seen[1] == "id" {
			t.Errorf("seen = %q", seen)
		}
	})
}

func TestXMLRowsThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct{ name, person, want string }{
		{"100 two children of one name", "<person><id>1</id><name>Ann</name><name>Bob</name></person>", "3:E101 1|||"},
		{"two keys: neither is believed", "<person><id>1</id><id>2</id><name>Ann</name></person>", "3:E101 |Ann||"},
		{"two of one name in another case", "<person><id>1</id><ID>2</ID><name>Ann</name></person>", "3:E101 |Ann||"},
		{"elements in a value", "<person><id>1</id><name><first>Ann</first></name></person>", "3:E101 1|||"},
		{"text between the elements", "<person>hello<id>1</id></person>", "3:E101 1|||"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRows(t, read(t, "s.xml", xmlOf(tt.person, ann), staffXML, 0), tt.want, "4:1|Ann|a@example.org|")
		})
	}
}

func TestXMLThatIsRefused(t *testing.T) {
	deep := strings.Repeat("<a>", 100_000)
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, ` a%d="1"`, i)
	}
	for _, tt := range []struct {
		name, content string
		code, text    string
		line          int
	}{
		{"93 a document type", "<!DOCTYPE staff>\n" + xmlOf(ann)[39:], "E411", "document type", 1},
		{"94 nested entities", "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]>\n<staff>" + ann + "</staff>", "E411", "document type", 2},
		{"95 an external entity", `<!doctype x [<!ENTITY f SYSTEM "file:///etc/passwd">]><staff>` + ann + "</staff>", "E411", "document type", 1},
		{"a document type inside", "<staff><!DOCTYPE x>" + ann + "</staff>", "E411", "document type", 1},
		{"96 deep", "<staff>" + deep, "E411", "more than 32 deep", 1},
		{"96 deep in a record", "<staff><person>" + deep, "E411", "more than 32 deep", 1},
		{"97 cut before the end", strings.TrimSuffix(xmlOf(ann), "</staff>\n"), "E408", "ends inside the element <staff>", 2},
		{"97 cut in a record", xmlOf(ann)[:70], "E408", "ends inside", 2},
		{"97 cut in a tag", "<staff><per", "E408", "ends inside", 1},
		{"97 cut in a comment", "<staff>" + ann + "<!-- ", "E408", "ends inside", 1},
		{"98 two roots", xmlOf(ann) + "<staff/>", "E411", "a second root", 5},
		{"99 text after the root", xmlOf(ann) + "\nend", "E411", "text stands after the root", 6},
		{"99 CDATA after the root", xmlOf(ann) + "<![CDATA[x]]>", "E411", "outside of the root", 5},
		{"text before the root", "<!-- x -->hello<staff>" + ann + "</staff>", "E411", "text stands before the root", 1},
		{"101 another namespace", `<staff xmlns="urn:other">` + ann + "</staff>", "E411", "urn:other", 0},
		{"no records", "<staff></staff>", "E411", "no records", 0},
		{"another root", "<people>" + ann + "</people>", "E411", "root element is not the one with which format.record (/staff/person) begins; elements with others in them are /people, /people/person", 0},
		{"another path", "<staff><who><id>1</id></who></staff>", "E411", "no element /staff/person (format.record); elements with others in them are /staff, /staff/who", 0},
		{"103 declared as UTF-8 and is not", strings.Replace(xmlOf(ann), "Ann", "Zo\xe9", 1), "E103", "not valid in utf-8", 3},
		{"declared as UTF-16 and is not", strings.Replace(xmlOf(ann), "UTF-8", "UTF-16", 1), "E103", "no byte-order mark", 1},
		{"declared as something that is no encoding", strings.Replace(xmlOf(ann), "UTF-8", "x-none", 1), "E103", "x-none", 1},
		{"105 a reference to no character", xmlOf("<person><id>1</id><name>&#0;</name></person>"), "E411", "not well-formed", 3},
		{"an unknown reference", xmlOf(ann, "<person><id>1</id>\n<name>&nbsp;</name></person>"), "E411", "not well-formed", 5},
		{"an unknown reference beside the records", xmlOf("<head>A &nbsp;</head>", ann), "E411", "byte 9: a reference that XML does not know", 3},
		{"a reference that never ends", xmlOf("<head>A & B</head>", ann), "E411", "byte 9: a reference", 3},
		{"a control character", xmlOf("<person><id>1\x01</id></person>"), "E411", "a character that XML does not have", 3},
		{"107 many attributes", xmlOf("<person" + many.String() + "><id>1</id></person>"), "E411", "more than 512 attributes", 3},
		{"many elements", xmlOf("<person>" + strings.Repeat("<x/>", 600) + "</person>"), "E411", "more than 512 elements", 3},
		{"many plain elements", xmlOf("<person>" + strings.Repeat("<x></x>", 600) + "</person>"), "E411", "more than 512 elements", 3},
		{"108 a long text", xmlOf("<person><id>" + strings.Repeat("1", 65<<10) + "</id></person>"), "E411", "longer than 64 KiB", 3},
		{"a long comment", xmlOf("<!--" + strings.Repeat("x", 300<<10) + "-->" + ann), "E411", "longer than 256 KiB", 3},
		{"a long record", xmlOf("<person>" + strings.Repeat("<a>"+strings.Repeat("x", 60<<10)+"</a>", 9) + "</person>"), "E411", "longer than 256 KiB", 3},
		{"XML 1.1", "<?xml version='1.1'?><staff>" + ann + "</staff>", "E411", "version of XML is not 1.0", 1},
		{"a declaration that is not at the beginning", "\n" + xmlOf(ann), "E411", "does not stand at the beginning", 2},
		{"a tag in a tag", xmlOf("<person <id>1</id></person>"), "E411", "a < stands inside a tag", 3},
		{"many names", xmlOf(strings.Repeat(ann, 400) + manyNames()), "E411", "more than 500 different elements", 3},
		{"elements cross", xmlOf("<person><id>1</name></person>"), "E411", "byte 14: the element <id> is not closed before this", 3},
		{"elements cross outside", "<staff><a></staff></a>", "E411", "byte 11: the element <a> of line 1 is not closed before this", 1},
		{"an attribute twice", xmlOf(`<person op="1" op="2"><id>1</id></person>`), "E411", "an attribute is there twice", 3},
		{"an attribute without quotes", xmlOf(`<person op=1><id>1</id></person>`), "E411", "not quoted", 3},
		{"-- in a comment", xmlOf("<!-- a -- b -->" + ann), "E411", "-- stands inside a comment", 3},
		{"an HTML page", "<!DOCTYPE html><html><body>Please log in</body></html>", "E411", "HTML page", 1},
		{"CSV", "id,name\n1,Ann\n", "E411", "does not begin as XML does", 1},
		{"nothing", "", "E411", "empty", 0},
		{"blanks", " \n \n", "E411", "empty", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, "s.xml", tt.content, staffXML, 0)
			if got.code() != tt.code || got.line() != tt.line || !strings.Contains(fmt.Sprint(got.err), tt.text) {
				t.Errorf("refused with %v (line %d), want %s with %q in line %d", got.err, got.line(), tt.code, tt.text, tt.line)
			}
		})
	}
}

// manyNames is three records with 300 attributes each, all of other names.
func manyNames() string {
	var b strings.Builder
	for r := range 3 {
		b.WriteString("<person")
		for i := range 300 {
			fmt.Fprintf(&b, ` a%d="1"`, r*300+i)
		}
		b.WriteString("/>")
	}
	return b.String()
}

func TestR10ADropWithoutAHeaderTellsWhatItHadInTheEnd(t *testing.T) {
	got := read(t, "s.xml", xmlOf(ann, "<person op='x'><id>2</id><boss><id>1</id></boss></person>"), staffXML, 0)
	if want := []string{"id", "name", "mail", "@op", "boss"}; !reflect.DeepEqual(got.file.Seen(), want) {
		t.Errorf("seen = %q, want %q", got.file.Seen(), want)
	}
	if csv := read(t, "s.csv", "id,name\n1,Ann\n", Options{}, 0); csv.file.Headless() || csv.file.Seen() != nil {
		t.Error("a CSV file is taken for one without a header")
	}
}

func TestXMLNeedsAPathAndAMap(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"no path", Options{Elements: []string{"id"}}, "set format.record"},
		{"no map", Options{Record: "/staff/person"}, "under map:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, "s.xml", xmlOf(ann), tt.o, 0); got.code() != "E411" || !strings.Contains(got.err.Error(), tt.want) {
				t.Errorf("refused with %v, want %q", got.err, tt.want)
			}
		})
	}
}

// TestXMLOverTheEdgesOfTheBuffer moves a long file past every edge that the
// scanner's buffer can have: the rows are the same wherever it ends.
func TestXMLOverTheEdgesOfTheBuffer(t *testing.T) {
	var want []string
	var people strings.Builder
	for i := range 12_000 {
		name := fmt.Sprintf("Łęcka %d & co", i)
		switch i % 4 {
		case 0:
			fmt.Fprintf(&people, "<person><id>%d</id><name>%s</name></person>\n", i, strings.Replace(name, "&", "&amp;", 1))
		case 1:
			fmt.Fprintf(&people, "<person>\n<id>%d</id><!-- x --><name>%s</name></person>", i, strings.Replace(name, "&", "&#38;", 1))
		case 2:
			fmt.Fprintf(&people, "\r\n<person><name><![CDATA[%s]]></name><id>%d</id></person>", name, i)
		default:
			fmt.Fprintf(&people, "<person op=''><id>%d</id><name>%s</name></person>  <!-- no >person< -->", i, strings.Replace(name, "&", "&amp;", 1))
		}
		want = append(want, fmt.Sprintf("%d|%s||", i, name))
	}
	for _, pad := range []int{0, 1, 2, 3, 7, 64, 300} {
		content := xmlOf("<!--" + strings.Repeat("x", pad) + "-->" + people.String())
		got := read(t, "s.xml", content, staffXML, 0)
		if got.err != nil || len(got.rows) != len(want) {
			t.Fatalf("pad %d: %d rows, %v", pad, len(got.rows), got.err)
		}
		line, rest := 1, []byte(content)
		for i, row := range got.rows {
			at := bytes.Index(rest, []byte("<person"))
			line += lineEnds(rest[:at])
			rest = rest[at:]
			if row != fmt.Sprintf("%d:%s", line, want[i]) {
				t.Fatalf("pad %d, row %d = %q, want line %d, %q", pad, i, row, line, want[i])
			}
			rest = rest[1:]
		}
	}
}

func TestXMLAnElementThatMayBeThereSeveralTimesIsAList(t *testing.T) {
	o := staffXML
	o.Elements, o.Lists = []string{"id", "name", "study/programme", "cohort", "@op"}, []string{"Study/Programme", "cohort"}
	for _, tt := range []struct {
		name, content string
		want          []string
	}{
		{"plain", xmlOf("<person><id>1</id><cohort>a</cohort><name>Ann</name><cohort>b</cohort><cohort>c</cohort></person>"), []string{"3:1|Ann||a\x1fb\x1fc|"}},
		{"nested, with what the standard decoder reads", xmlOf("<person op='I'><id>1</id><study><programme>x &amp; y</programme><programme><![CDATA[z]]></programme></study><study><programme>q</programme></study></person>"), []string{"3:1||x & y\x1fz\x1fq||I"}},
		{"once, and not at all", xmlOf("<person><id>1</id><cohort>a</cohort></person>", "<person><id>2</id></person>"), []string{"3:1|||a|", "4:2||||"}},
		{"an empty one among them", xmlOf("<person><id>1</id><cohort>a</cohort><cohort/><cohort>c</cohort></person>"), []string{"3:1|||a\x1f\x1fc|"}},
		{"what is no list is believed once alone", xmlOf("<person><id>1</id><id>2</id><cohort>a</cohort><cohort>b</cohort></person>"), []string{"3:E101 |||a\x1fb|"}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRows(t, read(t, "staff.xml", tt.content, o, 0), tt.want...) })
	}
}
