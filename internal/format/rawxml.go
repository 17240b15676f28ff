package format

import (
	"iter"
	"strconv"

	"github.com/zeebo/xxh3"

	"rollcall/internal/roster"
)

// A record of XML is found by proving the form of all that stands around and in
// it; its texts are taken out only of those that are asked for. What is hashed
// are its bytes as UTF-8 and the namespaces in which it stands: with the settings
// they decide what it says.

// marksOfXML is [File.Marks] for XML.
func (f *File) marksOfXML(seed uint64) iter.Seq2[Mark, error] {
	return func(yield func(Mark, error) bool) {
		ended := false
		err := f.walkXML(func(s *elementScanner) error {
			if ended = !yield(Mark{s.line, s.hash(seed)}, nil); ended {
				return errStop
			}
			return nil
		})
		if err != nil && !ended {
			yield(Mark{}, err)
		}
	}
}

// pickXML is [File.Pick] for XML.
func (f *File) pickXML(seed uint64, want func(n int) bool) iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		ended, n := false, -1
		err := f.walkXML(func(s *elementScanner) error {
			if n++; want != nil && !want(n) {
				return nil
			}
			rec, err := s.record()
			if err != nil && !rowOnly(err) {
				return err
			}
			rec.Hash = s.hash(seed)
			if ended = !yield(rec, err); ended {
				return errStop
			}
			return nil
		})
		if err != nil && !ended {
			yield(roster.Record{}, err)
		}
	}
}

// hash is of the record on which the scanner stands.
func (s *elementScanner) hash(seed uint64) roster.Hash {
	if s.own > 0 {
		s.around = s.around[:0]
		for _, b := range s.scope[:s.own] {
			for _, text := range []string{b.prefix, b.uri} {
				s.around = append(append(strconv.AppendInt(s.around, int64(len(text)), 10), ':'), text...)
			}
		}
		seed ^= xxh3.HashSeed(s.around, seed)
	}
	return hash(s.raw, seed)
}
