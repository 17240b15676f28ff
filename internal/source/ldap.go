package source

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// Bind is how the directory learns who asks: by name and password, or by a
// certificate (SASL EXTERNAL).
type Bind struct {
	DN          string     `yaml:"dn"` // for Active Directory also user@domain
	Password    secret.Ref `yaml:"password"`
	Certificate string     `yaml:"certificate"` // a file, PEM
	Key         secret.Ref `yaml:"key"`         // of the certificate, PEM
}

// Required is StartTLS: it is there or it is required, and never tried and done without.
type Required bool

// UnmarshalText reads required, on and off.
func (r *Required) UnmarshalText(text []byte) error {
	switch string(text) {
	case "required", "on", "true":
		*r = true
	case "off", "false":
		*r = false
	default:
		return errors.New("wants required or off")
	}
	return nil
}

// A directory is an LDAP server of which a question is asked. What it answers is
// written down as LDIF, a drop like any other. There is one such drop, as old as
// the question.
type directory struct {
	options Options
	timing  ldapTiming
	log     *slog.Logger
	wire    *wire    // nil: the next reading logs in anew
	groups  []string // that it was found to have
}

// answerName is what the drop is called.
const answerName = "directory.ldif"

func openLDAP(ctx context.Context, o Options, t ldapTiming, log *slog.Logger) (*directory, error) {
	if anchor := o.anchor(); o.incremental() && !slices.ContainsFunc(o.Attributes, func(a string) bool { return strings.EqualFold(a, anchor) }) {
		o.Attributes = append(slices.Clone(o.Attributes), anchor)
	}
	d := &directory{options: o, timing: t, log: log}
	for _, u := range o.URLs {
		if strings.HasPrefix(u, "ldap:") && !bool(o.StartTLS) {
			log.WarnContext(ctx, "the directory is asked in clear, which is for this machine alone", "url", u)
		}
	}
	var err error
	if d.wire, err = dialLDAP(ctx, o, t); err != nil {
		return d, err
	}
	for _, why := range d.wire.away {
		log.WarnContext(ctx, "a server of the directory is away, and the next one is asked", "server", d.wire.server, "away", why)
	}
	return d, nil
}

// ServerOf is the URL of the server of a directory that answers; "" of other sources.
func ServerOf(s Source) string {
	if d, is := s.(*directory); is && d.wire != nil {
		return d.wire.server
	}
	return ""
}

// List implements [Source].
func (d *directory) List(context.Context) (Listing, error) {
	return Listing{Files: []File{{Name: answerName, Modified: time.Now()}}}, nil
}

// Settled implements [Source]. An answer does not grow.
func (d *directory) Settled(_ context.Context, files []File, _ time.Duration) (settled, growing []File, err error) {
	if len(files) == 0 {
		return nil, nil, ErrNoDrop
	}
	return files, nil, nil
}

// Fetch implements [Source]. Whatever is missing of the answer voids all of it.
func (d *directory) Fetch(ctx context.Context, f File, spool string) (roster.Drop, error) {
	if err := room(spool, 0); err != nil {
		return roster.Drop{}, err
	}
	var why roster.Doubt
	now := time.Now()
	if d.options.incremental() {
		if d.options.Since != nil {
			now = d.options.Since.Now
		}
		drop, err := d.fetchChanges(ctx, f, spool, now)
		doubted, ok := errors.AsType[*doubt](err)
		if !ok {
			return drop, err
		}
		why = roster.Doubt{Text: doubted.text, Fix: doubted.fix}
	}
	var reading *roster.Reading
	drop, err := d.copied(f, spool, func(to io.Writer) error {
		return d.within(ctx, func(ctx context.Context) (err error) {
			reading, err = d.readAll(ctx, to, now)
			return err
		})
	})
	if reading != nil {
		reading.Why = why
	}
	drop.Reading = reading
	return drop, err
}

// fetchChanges asks what has changed since the drop before, and puts it together
// with that one. A [*doubt] says that all must be read.
func (d *directory) fetchChanges(ctx context.Context, f File, spool string, now time.Time) (drop roster.Drop, err error) {
	since := d.options.Since
	m, err := d.from(since)
	if err != nil {
		return roster.Drop{}, err
	}
	if info, err := os.Stat(since.Path); err != nil || info.Size() != since.Size {
		return roster.Drop{}, &doubt{text: "the drop before is no longer in the archive"}
	}
	var c *changes
	reading := &roster.Reading{}
	err = d.within(ctx, func(ctx context.Context) (err error) {
		c, reading.Blind, err = d.readChanges(ctx, since, &m, now)
		return err
	})
	if err != nil {
		return roster.Drop{}, err
	}
	if reading.State, err = json.Marshal(m); err != nil {
		return roster.Drop{}, err
	}
	before := roster.Drop{Source: "ldap", Name: f.Name, Path: since.Path, Size: since.Size, SHA256: since.SHA256, Modified: f.Modified, Reading: reading}
	if len(c.texts)+len(c.gone) == 0 {
		reading.Same = true
		return before, nil
	}
	drop, err = d.copied(f, spool, func(to io.Writer) (err error) {
		reading.Changed, reading.Gone, err = d.merge(since, c, to)
		return err
	})
	if err != nil {
		return roster.Drop{}, err
	}
	if drop.SHA256 == since.SHA256 {
		reading.Same = true
		return before, os.Remove(drop.Path)
	}
	drop.Reading = reading
	return drop, nil
}

// copied is a drop of the spool that write has written.
func (d *directory) copied(f File, spool string, write func(io.Writer) error) (roster.Drop, error) {
	c, err := newCopy(spool, d.options)
	if err != nil {
		return roster.Drop{}, err
	}
	defer c.discard()
	if err := write(c); err != nil {
		switch {
		case c.err == nil:
			return roster.Drop{}, err
		case errors.Is(c.err, errTooLarge):
			return roster.Drop{}, &roster.Refusal{Code: "E411", Text: fmt.Sprintf("the answer has more than source.max_size, %d bytes", d.options.MaxSize), Fix: "if that is right, raise source.max_size"}
		default:
			return roster.Drop{}, c.err
		}
	}
	path, err := c.finish()
	if err != nil {
		return roster.Drop{}, err
	}
	return roster.Drop{Source: "ldap", Name: f.Name, Path: path, Size: c.size, SHA256: c.sum(), Modified: f.Modified}, nil
}

// within asks something on a connection, and no longer than a reading may take.
// What a broken answer leaves behind is read by nobody.
func (d *directory) within(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.timing.whole, &roster.Refusal{Code: "E408", Text: fmt.Sprintf("the directory has not answered in full within %s", d.timing.whole), Fix: "ask for fewer people with source.base and source.filter"})
	defer cancel()
	if d.wire == nil {
		var err error
		if d.wire, err = dialLDAP(ctx, d.options, d.timing); err != nil {
			return err
		}
	}
	conn := d.wire.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err := ask(ctx)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		d.wire = nil
	}
	return err
}

// search begins one, which notes what f wants to know.
func (d *directory) search(ctx context.Context, f *following, out *bufio.Writer) *search {
	s := newSearch(d.options, d.wire, out)
	s.follow = f
	s.another = func() (*wire, error) { return dialBeside(ctx, d.options, d.wire, d.timing) }
	return s
}

// readAll asks for everybody, and writes the answer as LDIF. The reading is nil
// where nobody wants to go on from it.
func (d *directory) readAll(ctx context.Context, to io.Writer, now time.Time) (*roster.Reading, error) {
	out := bufio.NewWriterSize(to, 64<<10)
	if !d.options.incremental() {
		book, err := d.readGroups(ctx)
		if err != nil {
			return nil, err
		}
		s := d.search(ctx, nil, out)
		s.book = book
		defer s.close()
		if err := s.run(); err != nil {
			return nil, err
		}
		return nil, out.Flush()
	}
	reading := &roster.Reading{All: true}
	lacks := func(err error) error {
		lack, ok := errors.AsType[*doubt](err)
		if ok {
			reading.Lack, err = roster.Doubt{Text: lack.text, Fix: lack.fix}, nil
		}
		return err
	}
	who, err := d.identify(ctx, d.wire)
	if err = lacks(err); err != nil {
		return nil, err
	}
	book, err := d.readGroups(ctx)
	if err != nil {
		return nil, err
	}
	f := d.following()
	s := d.search(ctx, f, out)
	s.book = book
	if book != nil {
		s.places = map[string]bool{}
	}
	defer s.close()
	if err := writeHead(out, d.options.Attributes); err != nil {
		return nil, err
	}
	var more [][]byte
	if f.sync {
		more = append(more, syncControl(""))
	}
	if err = lacks(s.ask(d.options.filter(), more...)); err == nil && f.sync && reading.Lack.Text != "" && s.entries == 0 {
		f.sync = false
		err = s.ask(d.options.filter())
	}
	if err != nil {
		return nil, err
	}
	if err := writeEnd(out, s.entries); err != nil {
		return nil, err
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	if reading.Lack.Text == "" {
		reading.Lack = d.unfollowed(f)
	}
	below := ""
	if book != nil && reading.Lack.Text == "" {
		below, err = d.places(ctx, s.places, map[string]string{})
		if err = lacks(err); err != nil {
			return nil, err
		}
	}
	if reading.Lack.Text != "" {
		return reading, nil
	}
	reading.State, err = json.Marshal(mark{
		Version: markVersion, By: d.options.Incremental, Question: d.options.question(), Server: who.server,
		Cookie: []byte(f.cookie), USN: who.usn, Stamp: d.stamp(f.newest, now), Read: now, Full: now, Places: below,
	})
	return reading, err
}

// unfollowed is what an answer lacks for another to go on from it.
func (d *directory) unfollowed(f *following) roster.Doubt {
	right := "have the bind account given the right to read it; until then every run reads all"
	switch {
	case f.nameless > 0:
		return roster.Doubt{Text: fmt.Sprintf("entries without %s, by which an entry is known for good: %d", d.options.anchor(), f.nameless), Fix: right}
	case f.unaged > 0:
		return roster.Doubt{Text: fmt.Sprintf("entries that do not say when they were changed (%s): %d", f.stamp, f.unaged), Fix: right}
	case d.options.Incremental == bySync && f.cookie == "":
		return roster.Doubt{Text: "the server gave no cookie to go on from", Fix: "OpenLDAP: have the overlay syncprov loaded for the database"}
	}
	return roster.Doubt{}
}

// After implements [Source]: there is nothing to put away.
func (d *directory) After(context.Context, roster.Drop) error { return nil }

// Close implements [Source].
func (d *directory) Close() error {
	if d.wire == nil {
		return nil
	}
	_ = d.wire.ask([]byte{0x42, 0}) // unbind: a farewell that nobody answers
	err := d.wire.conn.Close()
	d.wire = nil
	return err
}
