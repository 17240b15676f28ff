package format

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLDIF reads 100,000 people: their columns, and then their records.
func BenchmarkLDIF(b *testing.B) {
	var text strings.Builder
	text.WriteString("version: 1\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "\ndn: uid=p%d,ou=People,dc=example,dc=org\nemployeeNumber: %06d\nuid: p%d\nsn:: xbvDs2TFug==\ngivenName: Anna\nmail: p%d@example.org\nmail: q%d@example.org\n", i, i, i, i, i)
	}
	path := spool(b, []byte(text.String()))
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(path, "people.ldif", Options{Type: "ldif", Content: "full"}, 0)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range f.Records() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 100_000 {
			b.Fatalf("%d records", n)
		}
	}
}
