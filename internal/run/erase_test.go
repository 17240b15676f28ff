package run_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// archived are the drops that are kept, by their names.
func (s *site) archived() (names []string) {
	s.t.Helper()
	err := filepath.WalkDir(filepath.Join(s.State, "archive"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return names
}

func TestR63DropsThatListAnErasedPersonLeaveTheArchiveHoweverTheyArePacked(t *testing.T) {
	s := open(t, "sqlite")
	s.read(s.feed("hr"), journal.OK, header, person("100001", "ada"), person("100002", "bob"))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(header + "\n" + person("100001", "ada") + "\n")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune("\ufeffid;name\n100001;x\n")) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	kept := map[string][]byte{
		"1.csv": []byte("100002,bob\n"), "2.csv": []byte("1000011,adah\n"), "3.csv": []byte("2100001,x@ada.example.org\n"), "4.csv": nil,
	}
	gone := map[string][]byte{
		"5.csv.gz": packed.Bytes(), "6.csv": wide, "7.xml": []byte("<p><name>First100001 Last100001</name></p>"),
		"8.ldif": []byte("dn: uid=ADA,ou=people\n"), "9.csv": []byte("1;\"p100001@Example.org\"\n"), "10.csv.gz": packed.Bytes()[:20],
	}
	for _, files := range []map[string][]byte{kept, gone} {
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(s.State, "archive", "hr", name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := s.PlanDeed(t.Context(), []string{"ada"}, run.By{Who: "kim"}, s.Anonymise())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(t.Context(), p, run.By{Who: "kim"}); err != nil {
		t.Fatal(err)
	}
	left := s.archived()
	for name := range kept {
		if !slices.Contains(left, name) {
			t.Errorf("%s is gone, and does not list the person", name)
		}
	}
	for name := range gone {
		if slices.Contains(left, name) {
			t.Errorf("%s lists the person, and is still there", name)
		}
	}
}

func TestR63TooManyErasuresAtOnceWaitForAPersonAndDatesDoNot(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		day := 24 * time.Hour
		s.Terms = []run.Terms{{Profile: "hr", Anonymise: 365 * day, Purge: 730 * day}}
		rows := []string{header}
		var refs []string
		for _, c := range "abcdefghijklmnopqrst" {
			rows = append(rows, person("k-"+string(c), "user."+string(c), "", "2028-03-31"))
			if c < 'g' {
				refs = append(refs, "user."+string(c))
			}
		}
		s.read(s.feed("hr"), journal.OK, rows...)
		by := run.By{Who: "kim", Reason: "closed"}
		p, err := s.PlanDeed(t.Context(), refs, by, s.Delete(func(*roster.Account) string { return "" }))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do(t.Context(), p, by); err != nil {
			t.Fatal(err)
		}
		s.pass(364 * day)
		if j, err := s.Forget(t.Context(), "manual"); j != nil || err != nil {
			t.Fatalf("a day early: %v, %v", j, err)
		}
		s.pass(2 * day)
		held, err := s.Forget(t.Context(), "manual")
		if err != nil || held == nil || held.Status != journal.Held || held.Facts.Erased != 6 {
			t.Fatalf("six of twenty: %+v, %v", held, err)
		}
		if again, err := s.Forget(t.Context(), "manual"); again != nil || err != nil {
			t.Fatalf("held twice: %+v, %v", again, err)
		}
		if a := s.account("user.a"); a.Values[roster.EmployeeID] != "k-a" {
			t.Error("held, and erased all the same")
		}
		j, err := s.Approve(t.Context(), nil, run.Decision{Run: held.Number, Who: "kim", Reason: "they are long gone"})
		if err != nil || j.Status != journal.OK {
			t.Fatalf("%+v, %v", j, err)
		}
		if _, err := s.Store.Named(t.Context(), "user.a"); !errors.Is(err, store.ErrNone) {
			t.Errorf("approved, and still there: %v", err)
		}
		if d := s.dump(); strings.Contains(d, "k-b") || !strings.Contains(d, "k-h") {
			t.Errorf("approved:\n%s", d)
		}
		s.pass(365 * day)
		if j, err := s.Forget(t.Context(), "manual"); err != nil || j == nil || j.Status != journal.Held {
			t.Fatalf("purge_after: %+v, %v", j, err)
		}
		if j, err := s.Sweep(t.Context(), "manual"); err != nil || j == nil || j.Kind != journal.Sweep || j.Erases { // the dates wait for nobody
			t.Fatalf("sweep: %+v, %v", j, err)
		}
	})
}

// TestR45WhoWasPurgedIsNotAddedAgainThoughNobodyElseIsThere purges the last accounts: of a
// directory without any, what is known are the erased keys alone.
func TestR45WhoWasPurgedIsNotAddedAgainThoughNobodyElseIsThere(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite")
	p := s.feed("hr")
	lines := []string{header, person("100001", "ada"), person("100002", "bob")}
	s.read(p, journal.OK, lines...)
	for _, deed := range []run.Deed{s.Delete(func(*roster.Account) string { return "" }), s.Purge()} {
		planned, err := s.PlanDeed(t.Context(), []string{"key:100001", "key:100002"}, run.By{Who: "kim"}, deed)
		if err == nil {
			_, err = s.Do(t.Context(), planned, run.By{Who: "kim"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	j := s.read(p, journal.Warn, append(lines, person("100003", "eve"))...)
	if got := j.Facts.Rows; got.Rejected != 2 || got.Added != 1 {
		t.Errorf("%+v, want two rejected and one added", got)
	}
}
