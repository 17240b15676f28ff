package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// staffJSON is a shape with one of each kind.
func staffJSON() Options {
	return Options{Type: "json", Content: "delta", JSON: &Shape{
		Texts: []string{"id", "name"}, Flags: []string{"set"}, Objects: []string{"fields"},
		Lists: map[string]ListItem{"roles": {}, "enrolments": {Parts: []string{"course", "role", "group"}, Ends: "until"}},
	}}
}

func readJSON(t testing.TB, content string) reading {
	t.Helper()
	f, err := Open(spool(t, []byte(content)), "all.json", staffJSON(), 0)
	if err != nil {
		return reading{err: err}
	}
	return drain(f)
}

func TestJSONOfEveryKindIsRead(t *testing.T) {
	got := readJSON(t, `[
  {"id":1,"name":"A \u00e9\ud83d\ude00","set":true,"fields":{"shift":"early","x":null},"roles":["a","b"],"enrolments":[{"course":"C1","role":"","group":"G","until":null},{"course":"C2","role":"r","group":"","until":"2026-11-21T05:00:00Z"}]},
  {"name":null,
   "id":"2","ROLES":[],"other":{"deep":[1,{"x":2}]}}, {"id":"3","fields":null,"roles":null,"enrolments":[]}
]
`)
	if want := []string{"id", "name", "set", "fields.shift", "fields.x", "roles", "enrolments", "other"}; !reflect.DeepEqual(got.header, want) {
		t.Errorf("header = %q, want %q", got.header, want)
	}
	wantRows(t, got, "2:1|A é😀|true|early||a|b|C1::G|C2:r until 2026-11-21T05:00:00Z|", "3:2|||||||", "4:3|||||||")
}

// What a record does not say is not what it says to be empty: null clears a date (R14).
func TestAMemberThatIsNotThereIsNotAnEmptyOne(t *testing.T) {
	f, err := Open(spool(t, []byte(`[{"id":"1","name":null},{"id":"2"}]`)), "all.json", staffJSON(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var unsaid [][]int
	for rec, err := range f.Records() {
		if err != nil {
			t.Fatal(err)
		}
		unsaid = append(unsaid, rec.Unsaid)
	}
	if want := [][]int{nil, {1}}; !reflect.DeepEqual(unsaid, want) {
		t.Errorf("unsaid = %v, want %v", unsaid, want)
	}
	marks := map[roster.Hash]bool{}
	for m, err := range f.Marks(1) {
		if err != nil {
			t.Fatal(err)
		}
		marks[m.Hash] = true
	}
	if len(marks) != 2 {
		t.Errorf("%d hashes of two records", len(marks))
	}
}

func TestJSONThatIsNotWholeOrNoneIsRefused(t *testing.T) {
	good := `{"id":"1","name":"Ann"}`
	for _, tt := range []struct {
		content string
		code    string
		line    int
		words   string
	}{
		{``, "E411", 0, "is empty"},
		{" \n ", "E411", 0, "is empty"},
		{`[]`, "E411", 0, "the list is empty; look at the filters"},
		{good, "E411", 1, "not a list of accounts"},
		{`"x"`, "E411", 1, "not a list of accounts"},
		{"hello", "E411", 1, "character 1 of the line"},
		{"[" + good + ",\n" + good, "E408", 2, "ends before its list does"},
		{"[" + good + ",\n" + good[:12], "E408", 2, "ends before its list does"},
		{"[" + good + "\n\n", "E408", 3, "ends before its list does"},
		{"[" + good + ",\n\n{\"id\": \"1\" \"name\": 2}]", "E411", 3, "character 12 of the line: invalid character after object key:value pair"},
		{"[" + good + ",\n  {'id': 1}]", "E411", 2, "character 4 of the line: invalid character looking for beginning of object key string"},
		{"[" + good + "\n" + good + "]", "E411", 2, "character 1 of the line: a comma is missing"},
		{"[" + good + ",]", "E411", 1, "character"},
		{"[" + good + "}", "E411", 1, "character"},
		{"[" + good + "]\n x", "E411", 2, "text follows the end of the list, at character 2"},
		{"[" + good + "]\n[" + good + "]", "E411", 2, "text follows the end"},
		{"\uFEFF\uFEFF[" + good + "]", "E411", 1, "two byte-order marks"},
		{"[" + good + ",\n{\"id\":\"\xff\"}]", "E103", 2, "not valid in utf-8"},
		{"[" + good + ",\n" + strings.Repeat("[", 200_000), "E411", 2, "nested more than 32 deep"},
		{"[" + strings.Repeat(`{"id":`, 40) + "1" + strings.Repeat("}", 40) + "]", "E411", 1, "nested more than 32 deep"},
		{"[" + good + ",\n{\"id\":\"" + strings.Repeat("x", 2<<20) + "\"}]", "E411", 2, "longer than 262144 bytes"},
		{"[" + good + strings.Repeat(" ", 2<<20) + "]", "E411", 0, "longer than 262144 bytes"},
		{"[" + good + ",{\"" + strings.Repeat("x", 2000) + "\":1}]", "E411", 1, "longer than 1024 bytes"},
	} {
		got := readJSON(t, tt.content)
		var r *roster.Refusal
		if !errors.As(got.err, &r) {
			t.Errorf("%.60q: %v, want a refusal", tt.content, got.err)
			continue
		}
		if text := r.Text + "; " + r.Remedy(); r.Code != tt.code || tt.line > 0 && r.Line != tt.line || !strings.Contains(text, tt.words) {
			t.Errorf("%.60q: %s line %d %s\nwant %s line %d %s", tt.content, r.Code, r.Line, text, tt.code, tt.line, tt.words)
		}
	}
	var many bytes.Buffer
	for i := range 600 {
		fmt.Fprintf(&many, "[,"[min(i, 1):min(i, 1)+1]+"\n{\"n%d\":1}", i)
	}
	if got := readJSON(t, many.String()+"]"); got.err == nil || !strings.Contains(got.err.Error(), "more than 500 different names") {
		t.Errorf("600 names: %v", got.err)
	}
}

func TestARecordOfJSONOfAWrongFormIsOneRowsMatter(t *testing.T) {
	for _, tt := range []struct{ record, column, words string }{
		{`"text"`, "", "the record is no object"},
		{`7`, "", "the record is no object"},
		{`null`, "", "the record is no object"},
		{`{"id":"1","id":"2"}`, "id", "twice"},
		{`{"id":"1","ID":"2"}`, "ID", "twice"},
		{`{"id":"1","fields":{"a":"1","a":"2"}}`, "fields.a", "twice"},
		{`{"id":"1","fields":{"a":"1"},"fields.a":"2"}`, "fields.a", "twice"},
		{`{"id":"1","":"2"}`, "", "no name"},
		{`{"id":123456789012345678901234567890}`, "id", "would round"},
		{`{"id":9007199254740993}`, "id", "would round"},
		{`{"id":1e3}`, "id", "would round"},
		{`{"id":-0}`, "id", "would round"},
		{`{"id":1.0}`, "id", "would round"},
		{`{"id":true}`, "id", "true or false stands where a text belongs"},
		{`{"id":{"a":1}}`, "id", "an object stands where a text belongs"},
		{`{"id":["1"]}`, "id", "a list stands where a text belongs"},
		{`{"id":"\ud83dx"}`, "id", "half of a character"},
		{`{"id":"x\\\ude00"}`, "id", "half of a character"},
		{`{"id":"1","set":"true"}`, "set", "a text stands where true or false belongs"},
		{`{"id":"1","fields":["a"]}`, "fields", "a list stands where an object belongs"},
		{`{"id":"1","fields":{"a":{}}}`, "fields.a", "an object stands where a text belongs"},
		{`{"id":"1","roles":"a"}`, "roles", "a text stands where a list belongs"},
		{`{"id":"1","roles":[["a"]]}`, "roles", "a list stands where a text belongs"},
		{`{"id":"1","roles":["a|b"]}`, "roles", "has a |"},
		{`{"id":"1","enrolments":["C"]}`, "enrolments", "a text stands where an object belongs"},
		{`{"id":"1","enrolments":[{"role":"r"}]}`, "enrolments", "lacks its course"},
		{`{"id":"1","enrolments":[{"course":"C","rol":"r"}]}`, "enrolments", "means nothing"},
		{`{"id":"1","enrolments":[{"course":"C","course":"D"}]}`, "enrolments", "twice"},
		{`{"id":"1","enrolments":[{"course":"C:D"}]}`, "enrolments", "a colon"},
	} {
		f, err := Open(spool(t, []byte("[{\"id\":\"0\"},\n"+tt.record+",\n{\"id\":\"9\"}]")), "all.json", staffJSON(), 0)
		if err != nil {
			t.Errorf("%s: %v", tt.record, err)
			continue
		}
		var good []string
		var wrong *roster.RowError
		for rec, err := range f.Records() {
			if err == nil {
				good = append(good, rec.Values[0])
			} else if !errors.As(err, &wrong) {
				t.Fatalf("%s: %v", tt.record, err)
			}
		}
		if !reflect.DeepEqual(good, []string{"0", "9"}) || wrong == nil {
			t.Errorf("%s: rows %q, and %v", tt.record, good, wrong)
			continue
		}
		if p := wrong.Problem; p.Line != 2 || p.Column != tt.column || !strings.Contains(p.Text, tt.words) || p.Fix == "" {
			t.Errorf("%s: line %d, column %q: %s; %s\nwant %q: %s", tt.record, p.Line, p.Column, p.Text, p.Fix, tt.column, tt.words)
		}
	}
}

// No profile says so yet, and a name alone is no order to read it.
func TestJSONIsReadWhereItIsSaid(t *testing.T) {
	_, err := Open(spool(t, []byte(`[{"id":"1"}]`)), "all.json", Options{Content: "full"}, 0)
	if err == nil || !strings.Contains(err.Error(), "not built") {
		t.Error(err)
	}
	wantRows(t, readJSON(t, "\uFEFF[{\"id\":\"1\"}]"), "1:1")
	wide := "\xff\xfe"
	for _, c := range []byte(`[{"id":"1"}]`) {
		wide += string([]byte{c, 0})
	}
	wantRows(t, readJSON(t, wide), "1:1")
}

// A long list is read in the room of a record.
func TestALongListOfJSONIsReadInLittleRoom(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("[")
	for i := range 60_000 {
		fmt.Fprintf(&b, "%s\n{\"id\":\"%d\",\"name\":\"%s\"}", ",,"[:min(i, 1)], i, strings.Repeat("x", 200))
	}
	b.WriteString("\n]\n")
	f, err := Open(spool(t, b.Bytes()), "all.json", staffJSON(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Buffer{}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rows, last := 0, 0
	most := uint64(0)
	for rec, err := range f.Records() {
		if err != nil {
			t.Fatal(err)
		}
		if rows++; rows%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
		}
		last = rec.Line
	}
	if rows != 60_000 || last != 60_001 {
		t.Errorf("%d rows, the last on line %d", rows, last)
	}
	if most > before.HeapAlloc+4<<20 {
		t.Errorf("%d bytes are held, %d before", most, before.HeapAlloc)
	}
}

// FuzzJSON reads anything as JSON: it never panics, gives the same answer again,
// names lines that the file has, and takes no file that the standard decoder
// does not take whole, with as many records.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`[{"id":"1","name":"Ann","set":false,"fields":{"a":"b"},"roles":["x"],"enrolments":[{"course":"C","role":"r","group":"g","until":null}]}]`,
		"[\n  {\"id\":1},\r\n  {\"id\":\"2\"}\r]\n",
		`[{"id":"1","id":"2"}, 3, "x", null, [], {}]`,
		`[{"id":"1"}] x`, `[{"id":"1"},]`, `[{"id":"1"} {"id":"2"}]`, `[{"id":"1"`, `{"id":"1"}`, `[]`, `[`, ``, ` `,
		`[{"id":"\ud83d\ude00","name":"\ud83d"}]`, `[{"id":1e400,"name":123456789012345678901234567890}]`,
		"\uFEFF[{\"id\":\"1\"}]", "[{\"id\":\"\xff\"}]", "\xff\xfe[\x00]\x00", "[{\"id\":\"\x00\"}]",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", `[{"id":{"id":{"id":[{}]}}}]`,
	} {
		f.Add([]byte(seed))
	}
	roomy(f)
	path := filepath.Join(f.TempDir(), "drop")
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := openedAs(t, path, "all.json", content, staffJSON())
		if err != nil {
			believable(t, err)
			return
		}
		got := drain(file)
		if again := drain(file); !reflect.DeepEqual(again, got) {
			t.Fatalf("read again: %+v, first %+v", again, got)
		}
		if got.err != nil {
			t.Fatalf("opened, and then refused: %v", got.err)
		}
		if file.charset.name != "utf-8" {
			return
		}
		plain := bytes.TrimPrefix(content, []byte("\uFEFF"))
		var want []json.RawMessage
		if err := json.Unmarshal(plain, &want); err != nil || len(want) != len(got.rows) || !utf8.Valid(content) {
			t.Fatalf("%d rows are taken; the standard decoder has %d and says %v", len(got.rows), len(want), err)
		}
		i := 0
		for rec, err := range file.Records() {
			var wrong *roster.RowError
			if errors.As(err, &wrong) {
				rec = wrong.Record
			}
			// The text behind the line's beginning must have the record, if only once in the file.
			if bytes.Count(plain, want[i]) == 1 {
				if at := 1 + lineEnds(plain[:bytes.Index(plain, want[i])]); at != rec.Line {
					t.Fatalf("record %d is on line %d, and %d is told", i, at, rec.Line)
				}
			}
			var said map[string]json.RawMessage
			if id := ""; err == nil && json.Unmarshal(want[i], &said) == nil && said["id"] != nil && json.Unmarshal(said["id"], &id) == nil {
				if got := rec.Values[file.json.at["id"]]; got != id {
					t.Fatalf("id = %q, the standard decoder %q", got, id)
				}
			}
			i++
		}
	})
}
