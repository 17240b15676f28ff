package run

import (
	"errors"
	"iter"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/index"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// reading is a drop whose head is read and whose columns have a meaning.
type reading struct {
	file   *format.File
	mapper *mapping.Mapper
	notes  []roster.Problem
	early  int // how many of the file's own notes are among them

	meter *Meter // nil: nobody looks
	now   func() time.Time

	options mapping.Options
	dedupe  mapping.Dedupe
	delta   bool             // its records need not have all that the map names
	unknown []roster.Problem // columns of a drop that has no header, known once it has been read, which mean nothing
	secret  bool             // one of these says passwords
}

// open reads the head of a drop and binds the mapping to its columns.
func (r *Runner) open(p *Profile, got *fetched) (*reading, error) {
	how, name, most := p.Format, got.drop.Name, p.Source.MaxSize
	if got.bare {
		how, name, most = bareFormat(p.Format, bareDelimiter(got.delimiter)), bareSuffix, 2*most // what was not UTF-8 may have grown
	}
	if p.Mapping.FieldPrefix != "" {
		how.Elements = p.Mapping.Columns() // of the whole catalog
	}
	f, err := format.Open(got.drop.Path, name, how, most)
	if err != nil {
		return nil, err
	}
	m, notes, err := mapping.Compile(p.Mapping, f.Header())
	if err != nil {
		return nil, err
	}
	return &reading{file: f, mapper: m, notes: f.News(notes), early: len(f.Notes()), options: p.Mapping, dedupe: p.Dedupe, delta: p.Format.Content == "delta"}, nil
}

// late are the notes that are known only since the drop was read to its end.
func (x *reading) late() []roster.Problem { return append(x.file.Notes()[x.early:], x.unknown...) }

// placed is a sink that adds to a problem of a field the column that says it, and
// takes away a value that the column's name forbids to tell: the planner knows no
// columns.
type placed struct {
	plan.Sink
	mapper *mapping.Mapper
}

// Problem implements [plan.Sink].
func (s placed) Problem(p roster.Problem) error {
	if p.Column == "" && p.Line > 0 {
		p.Column = s.mapper.Column(p.Field)
		if p.Code == "E120" && p.Column == "" && p.Field != "" && p.Text == "" {
			p.Text, p.Fix = s.mapper.Lacking(p.Field)
		}
	}
	return s.Sink.Problem(s.mapper.Tellable(p))
}

// show has a meter show how far a reading of the drop, of that size, is.
func (x *reading) show(m *Meter, size int64, now func() time.Time) {
	x.meter, x.now = m, now
	x.file.Watch(m.watch(size, now))
}

// end proves the columns of a drop that has no header, when all of it has been
// read: an element that the profile names and no record has refuses the drop,
// as a column would that its header lacks (R10).
func (x *reading) end() error {
	if !x.file.Headless() {
		return nil
	}
	options := x.options
	if x.delta { // a small one has what it has
		options = options.Lenient()
	}
	m, unknown, err := mapping.Compile(options, x.file.Seen())
	x.unknown, x.secret = unknown, err == nil && len(m.Secrets()) > 0
	return err
}

func (x *reading) facts() (format, encoding, delimiter string) {
	f := x.file.Facts()
	return f.Format, f.Encoding, f.Delimiter
}

// entries reads the drop from its beginning.
func (x *reading) entries() iter.Seq2[roster.Entry, error] { return x.entriesOf(x.file.Records()) }

// people reads the drop likewise, with the rows of one person made one.
func (x *reading) people() plan.Entries {
	if !x.dedupe.On() {
		return x.entries
	}
	return x.dedupe.Join(x.entries)
}

// marks finds the records, and reads none of them where that can be spared.
func (x *reading) marks(seed uint64) iter.Seq2[index.Mark, error] {
	return func(yield func(index.Mark, error) bool) {
		for m, err := range x.file.Marks(seed) {
			if !yield(index.Mark{Line: m.Line, Hash: m.Hash}, err) {
				return
			}
		}
		x.read()
	}
}

// meant reads and maps every record, and hashes what each means.
func (x *reading) meant(seed uint64) iter.Seq2[index.Mark, error] {
	return abreast(x.counted(x.file.Pick(seed, nil)), func() func(roster.Record, error) (index.Mark, error) {
		meaning := meanings(seed)
		return func(record roster.Record, err error) (index.Mark, error) {
			e, err := x.entry(record, err)
			if err != nil {
				return index.Mark{}, err
			}
			return index.Mark{Line: e.Line, Hash: e.Hash, Entry: meaning(e)}, nil
		}
	})
}

// entriesOf maps records.
func (x *reading) entriesOf(records iter.Seq2[roster.Record, error]) iter.Seq2[roster.Entry, error] {
	return abreast(x.counted(records), func() func(roster.Record, error) (roster.Entry, error) { return x.entry })
}

// counted counts records for whoever looks, and proves the columns at their end.
func (x *reading) counted(records iter.Seq2[roster.Record, error]) iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		rows := int64(0)
		for record, err := range records {
			if rows++; rows%1024 == 0 {
				x.meter.count(rows)
			}
			if !yield(record, err) || err != nil && !rowOnly(err) {
				return // nothing follows what refuses the drop
			}
		}
		x.read()
		if err := x.end(); err != nil {
			yield(roster.Record{}, err)
		}
	}
}

// read notes that a reading has come to the end of the drop: what follows is not
// reading, however long it takes.
func (x *reading) read() {
	if x.meter != nil {
		x.meter.Begin("planning", x.now())
	}
}

// entry maps one record, or makes of a broken one an entry that is rejected.
func (x *reading) entry(record roster.Record, err error) (entry roster.Entry, _ error) {
	if err == nil {
		entry, err = x.mapper.Entry(record)
	} else if broken, ok := errors.AsType[*roster.RowError](err); ok {
		entry, err = x.mapper.Broken(broken), nil
	}
	entry.Hash = record.Hash
	return entry, err
}

// rowOnly tells whether an error is one row's.
func rowOnly(err error) bool {
	_, ok := errors.AsType[*roster.RowError](err)
	return ok
}
