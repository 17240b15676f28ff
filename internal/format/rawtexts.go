package format

import (
	"iter"
	"strconv"

	"rollcall/internal/roster"
)

// The records of LDIF and of JSON are read to be found, and what is hashed of them are their
// texts: all that whoever gets them can see. That spares the mapping and the
// database, and not yet the reading.

// hashTexts is a hash of the texts of a record. One that cannot be used is like no other.
func hashTexts(rec roster.Record, usable bool, seed uint64, room []byte) (roster.Hash, []byte) {
	room = room[:0]
	if !usable {
		room = strconv.AppendInt(append(room, "line "...), int64(rec.Line), 10)
	}
	for _, v := range rec.Values {
		room = append(append(strconv.AppendInt(room, int64(len(v)), 10), ':'), v...)
	}
	for _, i := range rec.Unsaid {
		room = strconv.AppendInt(append(room, '-'), int64(i), 10)
	}
	return hash(room, seed), room
}

// marksOfTexts is [File.Marks] by reading.
func (f *File) marksOfTexts(seed uint64) iter.Seq2[Mark, error] {
	return func(yield func(Mark, error) bool) {
		for rec, err := range f.pickTexts(seed, nil) {
			if err != nil && !rowOnly(err) {
				yield(Mark{}, err)
				return
			}
			if !yield(Mark{rec.Line, rec.Hash}, nil) {
				return
			}
		}
	}
}

// pickTexts is [File.Pick] by reading.
func (f *File) pickTexts(seed uint64, want func(n int) bool) iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		n := -1
		var room []byte
		for rec, err := range f.Records() {
			n++
			if err != nil && !rowOnly(err) {
				yield(rec, err)
				return
			}
			if want != nil && !want(n) {
				continue
			}
			rec.Hash, room = hashTexts(rec, err == nil, seed, room)
			if !yield(rec, err) {
				return
			}
		}
	}
}
