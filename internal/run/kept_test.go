package run

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func rowsOf(n int, size int) iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		for i := range n {
			rec := roster.Record{Line: i + 2, Values: []string{fmt.Sprint(i), "", strings.Repeat("x", size)}, Hash: roster.Hash{Hi: 1, Lo: uint64(i)}}
			var err error
			if i%7 == 3 {
				err = &roster.RowError{Record: rec, Problem: roster.NewProblem("E101", rec.Line, "")}
				rec = roster.Record{}
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

func written(records iter.Seq2[roster.Record, error]) (lines []string) {
	for rec, err := range records {
		lines = append(lines, fmt.Sprintf("%d %q %v %v", rec.Line, rec.Values, rec.Hash, err))
	}
	return lines
}

func never(t *testing.T) iter.Seq2[roster.Record, error] {
	return func(func(roster.Record, error) bool) { t.Error("the drop was read again") }
}

func TestRecordsThatAreReadAgainAreKept(t *testing.T) {
	var k kept
	want := written(rowsOf(100, 20))
	for range 2 { // what somebody does not read to its end is not kept
		for range k.through(rowsOf(100, 20), 100) {
			break
		}
	}
	if diff := cmp.Diff(want, written(k.through(rowsOf(100, 20), 100))); diff != "" {
		t.Errorf("the first time (-want +got):\n%s", diff)
	}
	for range 2 {
		if diff := cmp.Diff(want, written(k.through(never(t), 100))); diff != "" {
			t.Errorf("again (-want +got):\n%s", diff)
		}
	}
}

func TestRecordsThatAreTooManyAreReadFromTheDropEachTime(t *testing.T) {
	var k kept
	rows := func() iter.Seq2[roster.Record, error] { return rowsOf(mostKept/1000, 1200) }
	want := written(rows())
	for range 3 {
		if diff := cmp.Diff(want, written(k.through(rows(), mostKept/1000))); diff != "" {
			t.Fatal(diff)
		}
	}
	if len(k.packed) > 0 || k.rows > 0 {
		t.Errorf("%d bytes of %d rows are kept", len(k.packed), k.rows)
	}
}

func TestOfRecordsThatWillBeTooManyNoneIsKeptForNothing(t *testing.T) {
	var k kept
	n := 0
	for range k.through(rowsOf(10*keptSample, 100), mostKept/100) {
		if n++; n > keptSample && (len(k.packed) > 0 || cap(k.packed) > 0) {
			t.Fatalf("%d bytes are kept after %d records", len(k.packed), n)
		}
	}
	if n != 10*keptSample {
		t.Errorf("%d records were given on", n)
	}
}

func TestRecordsThatFitAreKeptInOneRoom(t *testing.T) {
	var k kept
	const many = 20 * keptSample
	n, room := 0, 0
	for range k.through(rowsOf(many, 100), many) {
		if n++; n == keptSample {
			room = cap(k.packed)
		}
	}
	if cap(k.packed) != room || !k.whole {
		t.Errorf("the room was %d bytes and came to be %d; all are kept: %t", room, cap(k.packed), k.whole)
	}
	if diff := cmp.Diff(written(rowsOf(many, 100)), written(k.through(never(t), many))); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
}

func TestAReadingThatBreaksOffIsNotKept(t *testing.T) {
	var k kept
	cut := errors.New("cut")
	for range 2 {
		got := written(k.through(func(yield func(roster.Record, error) bool) {
			_ = yield(roster.Record{Line: 2}, nil) && yield(roster.Record{}, cut)
		}, 2))
		if len(got) != 2 || !strings.HasSuffix(got[1], "cut") {
			t.Errorf("read %q", got)
		}
	}
}
