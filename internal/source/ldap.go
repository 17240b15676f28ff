package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	wire    *wire // nil: the next reading logs in anew
}

// answerName is what the drop is called.
const answerName = "directory.ldif"

func openLDAP(ctx context.Context, o Options, t ldapTiming, log *slog.Logger) (*directory, error) {
	d := &directory{options: o, timing: t, log: log}
	for _, u := range o.URLs {
		if strings.HasPrefix(u, "ldap:") && !bool(o.StartTLS) {
			log.WarnContext(ctx, "the directory is asked in clear, which is for this machine alone", "url", u)
		}
	}
	var err error
	d.wire, err = dialLDAP(ctx, o, t)
	return d, err
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
	c, err := newCopy(spool, d.options.MaxSize)
	if err != nil {
		return roster.Drop{}, err
	}
	defer c.discard()
	if err := d.read(ctx, c); err != nil {
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

// read asks, and writes the answer as LDIF.
func (d *directory) read(ctx context.Context, to io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.timing.whole, &roster.Refusal{Code: "E408", Text: fmt.Sprintf("the directory has not answered in full within %s", d.timing.whole), Fix: "ask for fewer people with source.base and source.filter"})
	defer cancel()
	if d.wire == nil {
		var err error
		if d.wire, err = dialLDAP(ctx, d.options, d.timing); err != nil {
			return err
		}
	}
	out := bufio.NewWriterSize(to, 64<<10)
	s := newSearch(d.options, d.wire, out)
	s.another = func() (*wire, error) { return dialLDAP(ctx, d.options, d.timing) }
	conn := d.wire.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err := s.run()
	if s.second != nil {
		s.second.conn.Close()
	}
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		d.wire = nil // what a broken answer leaves behind is read by nobody
		return err
	}
	return out.Flush()
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
