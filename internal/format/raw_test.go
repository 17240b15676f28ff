package format

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"rollcall/internal/roster"
)

// written is what a reading gives, as text.
func written(records iter.Seq2[roster.Record, error]) (rows []string, refused string) {
	for rec, err := range records {
		var wrong *roster.RowError
		switch {
		case errors.As(err, &wrong):
			rows = append(rows, fmt.Sprintf("%d %q: %v", wrong.Record.Line, wrong.Record.Values, wrong))
		case err != nil:
			return rows, err.Error()
		default:
			rows = append(rows, fmt.Sprintf("%d %q", rec.Line, rec.Values))
		}
	}
	return rows, ""
}

// dirt is what files are made of, and what goes wrong in them.
var dirt = []string{
	"a", "bc", "é", "ß", ",", ",", ",", ";", "\n", "\n", "\n", "\r\n", "\r", `"`, `"`, `""`, `","`, " ", "\t", "\u00a0", "T", "T,2", "x,y,z\n", "\"q,r\",s,t\n",
	"\"two\nlines\",v,w\n", "\x00", strings.Repeat("\x00", padRun), "\x1a", "\u3000",
}

func TestARecordThatIsFoundInTheBytesIsTheOneThatIsRead(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		text := "k,l,m\n" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(dirt), 1, 40).Draw(t, "text"), "")
		o := Options{Type: "csv", Delimiter: ",", Content: "full", Encoding: rapid.SampledFrom([]string{"utf-8", "windows-1252", "utf-16le", "iso-8859-1", "us-ascii"}).Draw(t, "encoding")}
		if rapid.Bool().Draw(t, "trailer") {
			o.Trailer = &Trailer{Starts: "T", Count: 2}
		}
		bytes := []byte(text)
		switch o.Encoding {
		case "windows-1252", "iso-8859-1":
			bytes, _ = charmap.Windows1252.NewEncoder().Bytes([]byte(strings.ReplaceAll(text, "\u3000", " ")))
		case "utf-16le":
			bytes, _ = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().Bytes(bytes)
		}
		if o.Encoding == "utf-8" && rapid.IntRange(1, 4).Draw(t, "broken") == 1 {
			bytes = append(bytes[:len(bytes)-1:len(bytes)-1], 0xff, '\n')
		}
		path := filepath.Join(dir, "drop.csv")
		if err := os.WriteFile(path, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, "drop.csv", o, 0)
		if err != nil {
			return
		}
		want, refused := written(f.Records())
		got, picked := written(f.Pick(1, nil))
		if picked != refused || refused == "" && !cmp.Equal(got, want) {
			t.Fatalf("%q as %s:\nread   %q %s\npicked %q %s", text, o.Encoding, want, refused, got, picked)
		}
		marks := 0
		var doubt error
		hashes := map[roster.Hash]int{}
		for m, err := range f.Marks(1) {
			if doubt = err; err != nil {
				break
			}
			hashes[m.Hash]++
			marks++
		}
		if refused != "" {
			return // whether the marks tell or the rows do: either is read again from the beginning
		}
		if doubt != nil || marks != len(want) {
			t.Fatalf("%q as %s: %d records found (%v), %d read", text, o.Encoding, marks, doubt, len(want))
		}
		odd, _ := written(f.Pick(1, func(n int) bool { return n%2 == 1 }))
		for i, row := range odd {
			if row != want[2*i+1] {
				t.Fatalf("%q: record %d is %s, picked alone %s", text, 2*i+1, want[2*i+1], row)
			}
		}
		for rec, err := range f.Pick(1, nil) {
			if err == nil && hashes[rec.Hash] == 0 {
				t.Fatalf("%q: the hash of the record in line %d is not the one that was found", text, rec.Line)
			}
		}
	})
}

func TestARecordThatDiffersInAByteHasAnotherHash(t *testing.T) {
	seen := map[roster.Hash]string{}
	for _, text := range []string{"1,a,b", "1,a,c", "1,a, b", `1,"a",b`, "1,a,b ", "01,a,b"} {
		path := filepath.Join(t.TempDir(), "drop.csv")
		if err := os.WriteFile(path, []byte("k,l,m\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, "drop.csv", Options{Type: "csv", Content: "full"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(2) {
			for m, err := range f.Marks(seed) {
				if err != nil {
					t.Fatal(err)
				}
				if other, twice := seen[m.Hash]; twice {
					t.Errorf("%q has the hash of %q", text, other)
				}
				seen[m.Hash] = text
			}
		}
	}
}

func TestOfXMLAndLDIFEqualRecordsHaveOneHash(t *testing.T) {
	for _, tt := range []struct {
		text string
		Options
	}{
		{
			`<staff><person><k>1</k><l>a</l></person><person><k>1</k><l>a</l></person><person><k>1a</k><l></l></person></staff>`,
			Options{Type: "xml", Record: "/staff/person", Elements: []string{"k", "l"}, Content: "full"},
		},
		{"dn: cn=x\nk: 1\nl: a\n\ndn: cn=x\nk: 1\nl: a\n\ndn: cn=x\nk: 1a\n", Options{Type: "ldif", Content: "full"}},
	} {
		path := filepath.Join(t.TempDir(), "drop."+tt.Type)
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, filepath.Base(path), tt.Options, 0)
		if err != nil {
			t.Fatal(err)
		}
		var hashes []roster.Hash
		for m, err := range f.Marks(1) {
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, m.Hash)
		}
		if len(hashes) != 3 || hashes[0] != hashes[1] || hashes[0] == hashes[2] {
			t.Errorf("%s: hashes %v", tt.Type, hashes)
		}
		rows, refused := written(f.Pick(1, func(n int) bool { return n == 2 }))
		if all, _ := written(f.Records()); refused != "" || len(rows) != 1 || rows[0] != all[2] {
			t.Errorf("%s: picked %q %s of %q", tt.Type, rows, refused, all)
		}
	}
}

// TestAnElementThatIsFoundIsTheOneThatIsRead makes files of what stands in XML, and
// of what goes wrong there. Records of one hash must say the same.
func TestAnElementThatIsFoundIsTheOneThatIsRead(t *testing.T) {
	parts := []string{
		"<k>1</k>", "<k>2</k>", "<l>a</l>", "<l>&amp;</l>", "<l>&#65;</l>", "<l>&nbsp;</l>", "<l><![CDATA[a]]></l>", "<!-- c -->", "<l/>", " ", "\r\n", "text",
		"<p:k>3</p:k>", `<k xmlns="urn:b">4</k>`, "<l><m>x</m></l>", "<?pi x?>", "<m>b</m>", "<q:l>c</q:l>", "<", "</l>", "\x01",
	}
	heads := []string{"<person>", "<person>", "<person>", `<person id="7">`, `<person xmlns:p="urn:a">`, `<person xmlns:p="urn:c">`, `<q:person xmlns:q="urn:a">`}
	around := []string{"", "", "\n", "<other><k>9</k></other>", "<!-- between -->"}
	roots := []string{"<staff>", "<staff>", `<staff xmlns:p="urn:a">`, `<staff xmlns:p="urn:b" xmlns:q="urn:a">`, `<staff xmlns:q="urn:c">`}
	dir := t.TempDir()
	one := 0
	rapid.Check(t, func(t *rapid.T) {
		of := func(what string, list []string) string { return rapid.SampledFrom(list).Draw(t, what) }
		says := map[roster.Hash]string{}
		for range 2 { // two drops, whose namespaces may differ: what one remembers, the other believes
			text := of("root", roots)
			for range rapid.IntRange(1, 4).Draw(t, "people") {
				head := of("head", heads)
				text += of("between", around) + head + strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 4).Draw(t, "parts"), "") + "</" + strings.Trim(strings.Fields(head)[0], "<>") + ">"
			}
			text += "</staff>"
			path := filepath.Join(dir, "drop.xml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path, "drop.xml", Options{Type: "xml", Record: "/staff/person", Elements: []string{"k", "l", "p:k", "@id"}, Namespaces: map[string]string{"p": "urn:a"}, Content: "full"}, 0)
			if err != nil {
				return
			}
			want, refused := written(f.Records())
			all := f.Seen()
			got, picked := written(f.Pick(1, nil))
			if picked != refused || !cmp.Equal(got, want) {
				t.Fatalf("%q:\nread   %q %s\npicked %q %s", text, want, refused, got, picked)
			}
			if refused != "" {
				return
			}
			var hashes []roster.Hash
			for m, err := range f.Marks(1) {
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				hashes = append(hashes, m.Hash)
			}
			if len(hashes) != len(want) || !cmp.Equal(f.Seen(), all) {
				t.Fatalf("%q: %d records and the elements %q found, %d and %q read", text, len(hashes), f.Seen(), len(want), all)
			}
			i := 0
			for rec, err := range f.Pick(1, nil) {
				said := fmt.Sprintf("%q %t", rec.Values, err != nil)
				if before, known := says[hashes[i]]; known && before != said {
					t.Fatalf("%q: the hash of a record that says %s is that of one that says %s", text, said, before)
				} else if known {
					one++
				}
				says[hashes[i]] = said
				if err == nil && rec.Hash != hashes[i] {
					t.Fatalf("%q: the hash of the record in line %d is not the one that was found", text, rec.Line)
				}
				i++
			}
		}
	})
	if one == 0 {
		t.Error("no two records had one hash, so that nothing was compared")
	}
}

func TestOneElementInOtherNamespacesHasAnotherHash(t *testing.T) {
	seen := map[roster.Hash]string{}
	for _, root := range []string{`<staff xmlns:p="urn:a">`, `<staff xmlns:p="urn:b">`, `<staff xmlns:p="urn:a" xmlns:q="urn:b">`, `<staff xmlns:p="urn:b" xmlns:q="urn:a">`} {
		path := filepath.Join(t.TempDir(), "drop.xml")
		text := root + "<person><k>1</k><p:k>3</p:k></person></staff>"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, "drop.xml", Options{Type: "xml", Record: "/staff/person", Elements: []string{"k", "p:k"}, Namespaces: map[string]string{"p": "urn:a"}, Content: "full"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for m, err := range f.Marks(1) {
			if err != nil {
				t.Fatal(err)
			}
			if other, twice := seen[m.Hash]; twice {
				t.Errorf("%s has the hash of %s", root, other)
			}
			seen[m.Hash] = root
		}
	}
}
