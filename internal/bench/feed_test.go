package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, f Feed) ([]byte, Known) {
	t.Helper()
	var b bytes.Buffer
	known, err := f.Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), known
}

// people reads a feed by number.
func people(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows[0], columns[:]) {
		t.Fatalf("header = %q", rows[0])
	}
	found := map[string][]string{}
	for _, r := range rows[1:] {
		if found[r[personNo]] != nil {
			t.Fatalf("%s is there twice", r[personNo])
		}
		found[r[personNo]] = r
	}
	return found
}

func TestTheSameFeedAlwaysGivesTheSameBytes(t *testing.T) {
	text, _ := write(t, Feed{People: 1000, Changed: 1, Gone: 0.5, New: 0.5, Renamed: 0.1})
	sum := sha256.Sum256(text)
	const want = "16419d36f9d08a08"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("the feed's hash = %s, want %s: figures of other versions can no longer be compared", got, want)
	}
}

func TestAFeedKnowsWhatItAsksFor(t *testing.T) {
	base, all := write(t, Feed{People: 20_000})
	before := people(t, base)
	if all != (Known{Rows: 20_000}) || len(before) != 20_000 {
		t.Fatalf("known = %+v, %d rows", all, len(before))
	}
	for _, f := range []Feed{
		{People: 20_000, Changed: 1},
		{People: 20_000, Gone: 1},
		{People: 20_000, Changed: 1, Gone: 0.5, New: 0.5, Renamed: 0.1},
		{People: 20_000, Changed: 1, Gone: 0.5, New: 0.5, Renamed: 0.1, Scatter: true},
		{People: 20_000, Scatter: true},
	} {
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			text, known := write(t, f)
			after := people(t, text)
			got := Known{Rows: len(after)}
			logins := map[string]bool{}
			for id, r := range after {
				was := before[id]
				switch {
				case was == nil:
					got.New++
				case was[login] != r[login]:
					got.Renamed++
				case !slices.Equal(was, r):
					got.Changed++
				}
				if logins[r[login]] || logins[strings.ToLower(r[workEmail])] {
					t.Fatalf("the login or address of %s is somebody else's too", id)
				}
				logins[r[login]], logins[strings.ToLower(r[workEmail])] = true, true
			}
			for id := range before {
				if after[id] == nil {
					got.Gone++
				}
			}
			if got != known {
				t.Errorf("found %+v, known %+v", got, known)
			}
			for _, share := range []struct {
				n    int
				want float64
			}{{got.Changed, f.Changed}, {got.Gone, f.Gone}, {got.New, f.New}, {got.Renamed, f.Renamed}} {
				if is := float64(share.n) / 200; is < share.want*0.7 || is > share.want*1.3 {
					t.Errorf("%.2f %%, want about %.2f %%", is, share.want)
				}
			}
		})
	}
}

func TestTheXMLHasTheSamePeople(t *testing.T) {
	text, known := write(t, Feed{People: 500, XML: true})
	rows, err := decodeXML(bytes.NewReader(text))
	if err != nil || rows != known.Rows {
		t.Errorf("%d people, %v; want %d", rows, err, known.Rows)
	}
	if !bytes.Contains(text, []byte("<Department>Legal &amp; Compliance</Department>")) {
		t.Error("an ampersand is not written as one")
	}
}

func TestAFeedWithMembershipsHasTheSamePeople(t *testing.T) {
	f := Feed{People: 2000, Changed: 5, Members: true}
	text, known := write(t, f)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != known.Rows+1 || !slices.Equal(rows[0][width:], memberColumns) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	f.Members = false
	plain, _ := write(t, f)
	for i, r := range people(t, plain) {
		at := slices.IndexFunc(rows, func(row []string) bool { return row[personNo] == i })
		if !slices.Equal(rows[at][:width], r) {
			t.Fatalf("%s is somebody else with memberships", i)
		}
	}
}

func TestASizeIsReadAndWritten(t *testing.T) {
	for _, word := range []string{"10k", "100k", "1M", "10M", "1500", "7"} {
		n, err := parseSize(word)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseSize(sizeName(n)); err != nil || again != n {
			t.Errorf("%s is %d, written %s", word, n, sizeName(n))
		}
	}
	for _, word := range []string{"", "0", "k", "-1", "1G", "1000M"} {
		if n, err := parseSize(word); err == nil {
			t.Errorf("%q was read as %d", word, n)
		}
	}
}
