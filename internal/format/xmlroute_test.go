package format

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// routed reads what does not stand directly in a record.
var routed = Options{
	Type: "xml", Record: "/staff/person", Namespaces: map[string]string{"wd": "urn:w"},
	Elements: []string{"id", "name/first", "ref[@wd:type='no']", "contact[@kind='work'][@main=\"1\"]/mail", "home/@country", "wd:post/wd:title"},
}

func TestXMLIsReadByPathsBelowItsRecords(t *testing.T) {
	for _, tt := range []struct {
		name, person string
		want         string
	}{
		{"nested, by attribute, by namespace", `<id>1</id><name><last>L</last><first>Ann</first></name>
			<ref wd:type="old">7</ref><ref wd:type='no'>8</ref>
			<contact kind="work"><mail>x</mail></contact><contact main="1" kind="work"><phone/><mail>a@example.org</mail></contact>
			<home country="PL"><street/></home><wd:post><wd:title>Dr</wd:title></wd:post>`, "3:1|Ann|8|a@example.org|PL|Dr"},
		{"what is missing is empty", `<id>1</id><name/><contact kind="home" main="1"><mail>x</mail></contact><home/>`, "3:1|||||"},
		{"deeper or elsewhere is not meant", `<id>1</id><x><name><first>no</first></name></x><name><x><first>no</first></x></name><first>no</first><post><title>no</title></post>`, "3:1|||||"},
		{"another prefix of the same namespace", `<id>1</id><q:post xmlns:q="urn:w"><q:title>Dr</q:title></q:post><r:post xmlns:r="urn:w" xmlns:s="urn:w"><s:title/></r:post>`, "3:E101 1|||||"},
		{"references, CDATA and comments", `<id>1</id><name><first>A&amp;<!-- x --><![CDATA[<b>]]></first></name><home country="&#80;L"/>`, "3:1|A&<b>|||PL|"},
		{"case is ignored, as in a header (R10)", `<ID>1</ID><Name><First>Ann</First></Name><HOME Country="PL"/>`, "3:1|Ann|||PL|"},
		{"twice is not believed", `<id>1</id><name><first>Ann</first><first>Bea</first></name>`, "3:E101 1|||||"},
		{"elements in what is meant to be text", `<id>1</id><name><first>A<b/></first></name>`, "3:E101 1|A||||"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			content := strings.Replace(xmlOf("<person>"+tt.person+"</person>"), "<staff>", `<staff xmlns:wd="urn:w">`, 1)
			wantRows(t, read(t, "s.xml", content, routed, 0), tt.want)
		})
	}
}

func TestXMLPathsThatLeadNowhereAreToldApart(t *testing.T) {
	content := strings.Replace(xmlOf("<person><id>1</id><name><first/></name><home/><extra/></person>"), "<staff>", `<staff xmlns:wd="urn:w">`, 1)
	f, err := Open(spool(t, []byte(content)), "s.xml", routed, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range f.Marks(7) { // nothing is decoded
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := f.Seen(), []string{"name/first", "id", "extra"}; !slices.Equal(got, want) {
		t.Errorf("seen %q, want %q: name and home are used by what is in them", got, want)
	}
}

func TestAWrongPathIsNoElement(t *testing.T) {
	for _, name := range []string{"/first", "name/", "name//first", "name/first/", "ref[type='no']", "ref[@type=no]", "ref[1]", "x:name/first", "name/@", "name/@a/b", "[@a='b']", "ref[@x:t='no']", "..", "name/*", strings.Repeat("a/", 20) + "a"} {
		if err := CheckElement(name, nil); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	for _, name := range []string{"name", "@op", "name/first", "a/b/@c", "ref[@t='a/b]']", `ref[@t="it's"][@u='']/x`} {
		if err := CheckElement(name, nil); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A simple reading of the same with the standard decoder finds the same values.
func TestXMLPathsFindWhatTheStandardDecoderFinds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var element func(depth int) string
		element = func(depth int) string {
			name := rapid.SampledFrom([]string{"name", "first", "x"}).Draw(r, "name")
			attribute := rapid.SampledFrom([]string{"", " k='1'", " k='2'"}).Draw(r, "attribute")
			inner := rapid.SampledFrom([]string{"", "a", "b&amp;c", "<!-- c -->"}).Draw(r, "text")
			if depth < 3 && rapid.Bool().Draw(r, "deeper") {
				inner = ""
				for range rapid.IntRange(0, 3).Draw(r, "children") {
					inner += element(depth + 1)
				}
			}
			return "<" + name + attribute + ">" + inner + "</" + name + ">"
		}
		person := ""
		for range rapid.IntRange(0, 4).Draw(r, "elements") {
			person += element(1)
		}
		o := Options{Type: "xml", Record: "/staff/person", Elements: []string{"name/first", "name[@k='1']/x", "x/@k"}}
		f, err := Open(spool(t, []byte("<staff><person>"+person+"</person></staff>")), "s.xml", o, 1<<20)
		if err != nil {
			r.Fatal(err)
		}
		got := drain(f)
		if got.err != nil || len(got.rows) != 1 {
			r.Fatalf("%+v of %s", got, person)
		}
		first, firsts := simply(r, person, []string{"name", "first"}, "")
		x, xs := simply(r, person, []string{"name", "x"}, "1")
		k, ks := simplyAttribute(r, person)
		if firsts > 1 || xs > 1 || ks > 1 || strings.Contains(got.rows[0], "E101") {
			return // not believed; what else is, is not of this law
		}
		if want := "1:" + first + "|" + x + "|" + k; got.rows[0] != want {
			r.Fatalf("%s\nrow  %q\nwant %q", person, got.rows[0], want)
		}
	})
}

// simply is the text of the elements at the end of a path, the first of which has k.
func simply(t *rapid.T, person string, path []string, k string) (text string, times int) {
	walk(t, person, func(names []string, first xml.StartElement, last xml.StartElement, own string) {
		if slices.Equal(names, path) && (k == "" || len(first.Attr) > 0 && first.Attr[0].Value == k) {
			text, times = own, times+1
		}
	})
	return text, times
}

func simplyAttribute(t *rapid.T, person string) (value string, times int) {
	walk(t, person, func(names []string, _, last xml.StartElement, _ string) {
		if len(names) == 1 && names[0] == "x" && len(last.Attr) > 0 {
			value, times = last.Attr[0].Value, times+1
		}
	})
	return value, times
}

// walk visits every element of a person when it ends.
func walk(t *rapid.T, person string, visit func(names []string, first, last xml.StartElement, own string)) {
	d := xml.NewDecoder(strings.NewReader("<p>" + person + "</p>"))
	var open []xml.StartElement
	var texts []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			open, texts = append(open, x.Copy()), append(texts, "")
		case xml.CharData:
			texts[len(texts)-1] += string(x)
		case xml.EndElement:
			n := len(open) - 1
			if n > 0 {
				var names []string
				for _, e := range open[1:] {
					names = append(names, e.Name.Local)
				}
				visit(names, open[1], open[n], texts[n])
			}
			open, texts = open[:n], texts[:n]
		}
	}
}
