// Package index remembers what a profile's last applied drop looked like, and
// finds the records of the next one that are as they were.
//
// A [Print] stands for one record: hashes of its key, of its bytes and of what
// they mean, and its account, 40 bytes in all, in the order of the drop. [Look] goes through the
// stored prints and the records of a new drop side by side: a record that finds
// its equal is unchanged, and need not be read. Feeds come in a stable order, so
// the partner is next in line; what has none waits in memory, and beyond a
// budget in files of a scratch folder. Memory does not grow with the drop, but
// for a bit for each record and each account.
//
// It knows neither what a record says nor where the prints are kept.
package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"

	"rollcall/internal/roster"
)

// Size is the bytes of a packed print.
const Size = 40

// PartSize is the most bytes of a packed part: of whole prints, and of whole numbers.
const PartSize = 1 << 20 / Size * Size

// Pending marks, in place of an account, the number of the change that adds it.
const Pending = 1 << 63

// A Print is the fingerprint of a record that ended without a problem.
type Print struct {
	Identity uint64      // a hash of the key; it does not depend on how the record is written
	Hash     roster.Hash // of the record's bytes
	Entry    uint64      // a hash of what the mapping made of them; zero is like no other
	Account  uint64      // or a change that adds it, with [Pending]
}

func (p Print) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, p.Hash.Hi)
	to = binary.LittleEndian.AppendUint64(to, p.Hash.Lo)
	to = binary.LittleEndian.AppendUint64(to, p.Identity)
	to = binary.LittleEndian.AppendUint64(to, p.Entry)
	return binary.LittleEndian.AppendUint64(to, p.Account)
}

func unpack(b []byte) Print {
	_ = b[Size-1]
	return Print{
		Hash:     roster.Hash{Hi: binary.LittleEndian.Uint64(b), Lo: binary.LittleEndian.Uint64(b[8:])},
		Identity: binary.LittleEndian.Uint64(b[16:]),
		Entry:    binary.LittleEndian.Uint64(b[24:]),
		Account:  binary.LittleEndian.Uint64(b[32:]),
	}
}

// Parts packs prints into parts. A part lasts until the next.
func Parts(prints iter.Seq2[Lined, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		part := make([]byte, 0, PartSize)
		for p, err := range prints {
			if err != nil {
				yield(nil, err)
				return
			}
			if part = p.append(part); len(part) == PartSize {
				if !yield(part, nil) {
					return
				}
				part = part[:0]
			}
		}
		if len(part) > 0 {
			yield(part, nil)
		}
	}
}

// Numbers packs numbers into parts, 8 bytes each. A part lasts until the next.
func Numbers(all iter.Seq[uint64]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var part []byte
		for n := range all {
			if part = binary.LittleEndian.AppendUint64(part, n); len(part) == PartSize {
				if !yield(part, nil) {
					return
				}
				part = part[:0]
			}
		}
		if len(part) > 0 {
			yield(part, nil)
		}
	}
}

// Prints unpacks parts.
func Prints(parts iter.Seq2[[]byte, error]) iter.Seq2[Print, error] {
	return func(yield func(Print, error) bool) {
		for part, err := range parts {
			if err == nil && len(part)%Size != 0 {
				err = torn(part)
			}
			if err != nil {
				yield(Print{}, err)
				return
			}
			for ; len(part) > 0; part = part[Size:] {
				if !yield(unpack(part), nil) {
					return
				}
			}
		}
	}
}

// ErrTorn means that what is remembered cannot be: it has been damaged since.
var ErrTorn = errors.New("the index is damaged")

func torn(part []byte) error {
	return fmt.Errorf("%w: a part has %d bytes, which are no prints", ErrTorn, len(part))
}

// A Set is a set of small numbers: those of records and accounts are dense, so
// that a million of them fit into 128 KiB.
type Set []uint64

// Has tells whether n is in s.
func (s Set) Has(n uint64) bool { return n/64 < uint64(len(s)) && s[n/64]&(1<<(n%64)) != 0 }

// All are the numbers of s, in their order.
func (s Set) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(uint64(i)*64 + uint64(bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// Add puts n into s.
func (s *Set) Add(n uint64) {
	for uint64(len(*s)) <= n/64 {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}
