package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// FuzzCSV reads anything, with any delimiter and quote: it never panics, gives
// the same answer again, holds to its bounds, and agrees with encoding/csv on
// every file in which both find nothing wrong.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"id,name\n1,Ann\n2,Bob\n",
		"id,name\r\n1,\"Smith, Ann\"\r\n2,\"say \"\"hi\"\"\"\r\n",
		"id,name\r1,a\r",
		"\uFEFFid;name;;\n\n1;\"two\nlines\";;\n",
		"id,name\n1,O\"Brien\n2,\"a\"b\n",
		"id,name,x\n1,\"a,b\n2,c,d\n3,e\",f\n",
		"id,name\n1,\"never\nclosed",
		"id,name\n1,a\n2",
		"id\tname\n1\t\x00\n\x1a",
		"id,name\n1, \"a\" ,\n",
		"id,name\n1,Zo\xeb\n",
		"\xff\xfei\x00d\x00\n\x001\x00\n\x00",
		"i\x00d\x00,\x00n\x00\n\x00",
		"\"id\",\"id\"\n",
		"T,1\nT,1\n",
	} {
		f.Add([]byte(seed), byte(0), byte('"'))
		f.Add([]byte(seed), byte(','), byte('\''))
	}
	f.Fuzz(func(t *testing.T, content []byte, delim, quote byte) {
		o := Options{Content: "full", Quote: string(rune(quote))}
		if delim != 0 {
			o.Delimiter = string(rune(delim))
		}
		if len(o.Validate()) > 0 {
			return
		}
		file, err := Open(spool(t, content), "s.csv", o, 1<<20)
		if err != nil {
			believable(t, err)
			return
		}
		got := drain(file)
		if again := drain(file); !reflect.DeepEqual(again, got) {
			t.Fatalf("read again: %+v, first %+v", again, got)
		}
		if got.err != nil {
			believable(t, got.err)
			return
		}
		size := 0
		for _, r := range got.rows {
			size += len(r)
		}
		if len(got.rows) > len(content) || size > 32*len(content) {
			t.Fatalf("%d rows of %d bytes out of %d bytes", len(got.rows), size, len(content))
		}
		if quote == '"' && file.charset.name == "utf-8" {
			agrees(t, file, content)
		}
	})
}

func believable(t *testing.T, err error) {
	t.Helper()
	var refused *roster.Refusal
	if !errors.As(err, &refused) {
		t.Fatalf("error is no refusal: %v", err)
	}
	if !utf8.ValidString(err.Error()) {
		t.Fatalf("message is not text: %q", err)
	}
}

// agrees reads the content with encoding/csv, where that can read it: it knows
// no lone returns, no Control-Z, and no end of the surplus cells.
func agrees(t *testing.T, file *File, content []byte) {
	t.Helper()
	content = bytes.TrimPrefix(content, []byte("\uFEFF"))
	if bytes.Contains(bytes.ReplaceAll(content, []byte("\r\n"), nil), []byte("\r")) || file.padded {
		return
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.Comma = rune(file.dialect.delim)
	r.FieldsPerRecord = -1
	var want []roster.Record
	for {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return
		}
		if strings.TrimSpace(strings.Join(values, "")) == "" {
			continue
		}
		for len(values) > len(file.header) && strings.TrimSpace(values[len(values)-1]) == "" {
			values = values[:len(values)-1]
		}
		line, _ := r.FieldPos(0)
		want = append(want, roster.Record{Line: line, Values: values})
	}
	want = want[1:] // the header
	var got []roster.Record
	for rec := range file.Records() {
		got = append(got, rec)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("records = %+v\nencoding/csv %+v", got, want)
	}
}
