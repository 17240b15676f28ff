package format

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

func TestSniffFindsHowAFileIsWritten(t *testing.T) {
	polish := encoded(t, charmap.Windows1250, "Nr;Imię;Nazwisko\n1;Łukasz;Wałęsa\n2;Żaneta;Brzęczyk\n3;Ann;x;y\n")
	tests := []struct {
		name, file, content string
		want                Sniffed // but for the sample
	}{
		{"an ordinary one", "s.csv", "\uFEFFid,name\n1,Zoë\n2,Bob\n", Sniffed{Encoding: "utf-8", Delimiter: ",", Header: []string{"id", "name"}, Rows: 2}},
		{"packed, by tabs", "s.tsv.gz", packed(t, "id\tname\n1\tAnn\n"), Sniffed{Encoding: "utf-8", Delimiter: "\t", Header: []string{"id", "name"}, Rows: 1, Wrapped: []string{"gzip"}}},
		{"an encoding that nobody declared", "s.csv", polish, Sniffed{Encoding: "windows-1250", Guessed: true, Delimiter: ";", Header: []string{"Nr", "Imię", "Nazwisko"}, Rows: 3, Bad: 1}},
		{"another quote", "s.csv", "'id';'name'\n" + strings.Repeat("'1';'Smith; Ann'\n", 5), Sniffed{Encoding: "utf-8", Delimiter: ";", Quote: "'", Header: []string{"id", "name"}, Rows: 5}},
		{"no header", "s.csv", "1001|Ann|ann@example.org\n1002|Bob|bob@example.org\n", Sniffed{Encoding: "utf-8", Delimiter: "|", NoHeader: true, Header: []string{"column1", "column2", "column3"}, Rows: 2}},
		{"UTF-16 without a mark", "s.csv", "i\x00d\x00,\x00n\x00\n\x001\x00,\x00a\x00\n\x00", Sniffed{Encoding: "utf-16le", Guessed: true, Delimiter: ",", Header: []string{"id", "n"}, Rows: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := spool(t, []byte(tt.content))
			got, err := Sniff(path, tt.file, 0)
			if err != nil {
				t.Fatal(err)
			}
			sample := got.Sample
			if got.Sample = nil; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("sniffed %+v\nwant    %+v", got, tt.want)
			}
			if len(sample) != tt.want.Rows-tt.want.Bad {
				t.Errorf("sample has %d records, want %d", len(sample), tt.want.Rows-tt.want.Bad)
			}
			o := got.Options()
			if faults := o.Validate(); len(faults) > 0 {
				t.Errorf("options that it suggests: %v", faults)
			}
			f, err := Open(path, tt.file, o, 0)
			if err != nil {
				t.Fatal(err)
			}
			if read := drain(f); read.err != nil || len(read.rows) != tt.want.Rows {
				t.Errorf("read by its own options: %d rows, %v; want %d", len(read.rows), read.err, tt.want.Rows)
			}
		})
	}
}

func TestSniffReadsAllAndKeepsAFew(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "%d,Ann\n", i)
	}
	got, err := Sniff(spool(t, []byte(b.String())), "s.csv", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != 20_000 || len(got.Sample) != sampleRows {
		t.Errorf("rows = %d, sample of %d; want 20000, %d", got.Rows, len(got.Sample), sampleRows)
	}
}

func TestSniffRefusesWhatIsNoTable(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "HTML": "<html></html>", "header only": "id,name\n"} {
		_, err := Sniff(spool(t, []byte(content)), "s.csv", 0)
		if r := (reading{err: err}); r.code() != "E411" {
			t.Errorf("%s: %v, want E411", name, err)
		}
	}
}
