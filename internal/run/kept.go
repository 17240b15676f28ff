package run

import (
	"encoding/binary"
	"iter"

	"rollcall/internal/roster"
)

// mostKept bounds, in bytes, the records that are kept instead of being looked for
// again.
const mostKept = 8 << 20

// kept are the records that a run reads, packed. They are gone through several
// times, and few among many: each time they would be looked for in all of the drop.
type kept struct {
	packed []byte
	broken map[int]error // rows that cannot be used, by their place
	rows   int
	whole  bool // all are here
	over   bool // they are too many
}

// keptSample is how many records tell how large all of them will be.
const keptSample = 256

// through gives the records on, and keeps them; the next time pick is not asked. There
// are about so many: where they will be too large, none is kept for nothing.
func (k *kept) through(pick iter.Seq2[roster.Record, error], about int) iter.Seq2[roster.Record, error] {
	switch {
	case k.whole:
		return k.again
	case k.over:
		return pick
	}
	return func(yield func(roster.Record, error) bool) {
		*k = kept{}
		for rec, err := range pick {
			k.keep(rec, err)
			if k.rows == keptSample && about > keptSample {
				k.expect(len(k.packed) / keptSample * about)
			}
			if !yield(rec, err) || err != nil && !rowOnly(err) {
				return
			}
		}
		k.whole = !k.over
	}
}

// expect makes room for so many bytes, or gives them up.
func (k *kept) expect(size int) {
	if size > mostKept {
		*k = kept{over: true}
		return
	}
	k.packed = append(make([]byte, 0, size+size/16), k.packed...)
}

func (k *kept) keep(rec roster.Record, err error) {
	if k.over {
		return
	}
	if err != nil {
		if k.broken == nil {
			k.broken = map[int]error{}
		}
		k.broken[k.rows] = err
	}
	k.rows++
	k.packed = binary.AppendUvarint(k.packed, uint64(rec.Line))
	k.packed = binary.LittleEndian.AppendUint64(k.packed, rec.Hash.Hi)
	k.packed = binary.LittleEndian.AppendUint64(k.packed, rec.Hash.Lo)
	k.packed = binary.AppendUvarint(k.packed, uint64(len(rec.Values)))
	for _, v := range rec.Values {
		k.packed = append(binary.AppendUvarint(k.packed, uint64(len(v))), v...)
	}
	const ofBroken = 1 << 10 // about, with its problem
	if len(k.packed)+ofBroken*len(k.broken) > mostKept {
		*k = kept{over: true}
	}
}

// again gives what was kept.
func (k *kept) again(yield func(roster.Record, error) bool) {
	at := 0
	number := func() int {
		n, size := binary.Uvarint(k.packed[at:])
		at += size
		return int(n)
	}
	for n := range k.rows {
		rec := roster.Record{Line: number()}
		rec.Hash = roster.Hash{Hi: binary.LittleEndian.Uint64(k.packed[at:]), Lo: binary.LittleEndian.Uint64(k.packed[at+8:])}
		at += 16
		rec.Values = make([]string, number())
		for i := range rec.Values {
			size := number()
			rec.Values[i] = string(k.packed[at : at+size])
			at += size
		}
		if !yield(rec, k.broken[n]) {
			return
		}
	}
}
