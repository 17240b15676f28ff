package format

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// BenchmarkRecords reads a staff list of sixteen columns, beside encoding/csv
// at its fastest. Ours gives strings that last, and proves encoding, quotes
// and shape on the way. Marks finds the records and reads none: the first look.
func BenchmarkRecords(b *testing.B) {
	lists := []struct{ name, quote string }{{"plain", ""}, {"quoted", `"`}}
	for _, l := range lists {
		path := spool(b, staff(100_000, l.quote))
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(l.name+"/format", func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			f, err := Open(path, "s.csv", Options{Content: "full"}, 0)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, err := range f.Records() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(l.name+"/marks", func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			f, err := Open(path, "s.csv", Options{Content: "full"}, 0)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, err := range f.Marks(1) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(l.name+"/encoding-csv", func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				file, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				r := csv.NewReader(file)
				r.ReuseRecord = true
				for {
					if _, err := r.Read(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				file.Close()
			}
		})
	}
}

func staff(rows int, quote string) []byte {
	var s strings.Builder
	line := func(cells ...string) {
		s.WriteString(quote + strings.Join(cells, quote+","+quote) + quote + "\n")
	}
	line("PersonNo", "Login", "First", "Last", "Mail", "Status", "From", "Until", "Company", "Department", "Title", "Manager", "City", "Country", "Phone", "Shift")
	for i := range rows {
		n := fmt.Sprintf("%06d", i)
		line(n, "u"+n, "Zoë", "Łęcka-"+n, "u"+n+"@example.org", "A", "2019-04-01", "", "MAIN", "Ward 7", "Registered Nurse", "m"+n, "Warszawa", "PL", "+48 22 555 01 02", "N")
	}
	return []byte(s.String())
}

// BenchmarkXML reads the same people as XML: only finding the records, reading
// them, and reading them where every one has something for the standard decoder;
// beside encoding/xml.
func BenchmarkXML(b *testing.B) {
	const rows = 20_000
	list := strings.Split(strings.TrimSuffix(string(staff(rows, "")), "\n"), "\n")
	names := strings.Split(list[0], ",")
	people := func(inside string) []byte {
		var s strings.Builder
		s.WriteString("<staff>\n")
		for _, line := range list[1:] {
			s.WriteString("  <person>" + inside)
			for i, cell := range strings.Split(line, ",") {
				s.WriteString("<" + names[i] + ">" + cell + "</" + names[i] + ">")
			}
			s.WriteString("</person>\n")
		}
		s.WriteString("</staff>\n")
		return []byte(s.String())
	}
	o := Options{Record: "/staff/person", Elements: names, Content: "full"}
	for _, l := range []struct{ name, inside string }{{"plain", ""}, {"comments", "<!-- x -->"}} {
		path := spool(b, people(l.inside))
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		f, err := Open(path, "s.xml", o, 0)
		if err != nil {
			b.Fatal(err)
		}
		report := func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/record")
		}
		b.Run(l.name+"/find", func(b *testing.B) {
			for b.Loop() {
				if err := f.walkXML(func(*elementScanner) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			report(b)
		})
		b.Run(l.name+"/mark", func(b *testing.B) {
			for b.Loop() {
				for _, err := range f.Marks(1) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b)
		})
		b.Run(l.name+"/read", func(b *testing.B) {
			for b.Loop() {
				for _, err := range f.Records() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b)
		})
		b.Run(l.name+"/encoding-xml", func(b *testing.B) {
			for b.Loop() {
				file, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				d := xml.NewDecoder(file)
				for {
					if _, err := d.RawToken(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				file.Close()
			}
			report(b)
		})
	}
}
