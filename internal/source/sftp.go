package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/pkg/sftp"
)

// maxListing is how many bytes the listing of a folder may have: more than
// [maxNames] ordinary names need.
const maxListing = 64 << 20

// remote is a folder behind SFTP.
type remote struct {
	options Options
	timing  timing
	conn    *connection // made anew when it was lost
}

func openSFTP(ctx context.Context, o Options, t timing) (*remote, error) {
	r := &remote{options: o, timing: t}
	if _, err := r.live(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *remote) kind() string { return "sftp" }

func (r *remote) at(name string) string { return path.Join(r.options.folder(), name) }

// live is the connection, a new one where the last was lost.
func (r *remote) live(ctx context.Context) (*connection, error) {
	if r.conn != nil && !r.conn.lost.Load() {
		return r.conn, nil
	}
	if err := r.close(); err != nil {
		return nil, err
	}
	c, err := connect(ctx, r.options, address(r.options), r.timing)
	if err != nil {
		return nil, err
	}
	r.conn = c
	return c, nil
}

// ask does one step that ends with an answer.
func (r *remote) ask(ctx context.Context, do func(c *sftp.Client) error) error {
	c, err := r.live(ctx)
	if err != nil {
		return err
	}
	return plain(c.step(ctx, r.timing.answer, func() error { return do(c.sftp) }))
}

// plain says what a server answered without its own words, which may hold anything.
func plain(err error) error {
	if status, ok := errors.AsType[*sftp.StatusError](err); ok {
		return &unwillingError{status.FxCode().Error()}
	}
	return err
}

// A unwillingError is the answer of a server that will not do something, or cannot.
type unwillingError struct{ code string }

func (e *unwillingError) Error() string { return "the server refused it (" + e.code + ")" }

func isStatus(err error) bool {
	_, ok := errors.AsType[*sftp.StatusError](err)
	return ok
}

func (r *remote) entries(ctx context.Context, keep func(string) bool) ([]fs.FileInfo, error) {
	c, err := r.live(ctx)
	if err != nil {
		return nil, err
	}
	c.meter.allow(maxListing)
	defer c.meter.free()
	var infos []fs.FileInfo
	err = c.step(ctx, r.timing.answer, func() (err error) {
		infos, err = c.sftp.ReadDirContext(ctx, r.options.folder())
		return err
	})
	switch {
	case c.meter.spent() || err == nil && len(infos) > maxNames:
		return nil, tooMany()
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || isStatus(err):
		return nil, noFolder(r.options.folder(), err)
	case err != nil:
		return nil, err
	}
	var found []fs.FileInfo
	for _, info := range infos {
		if keep(info.Name()) {
			found = append(found, info)
		}
	}
	return found, nil
}

func (r *remote) lstat(ctx context.Context, name string) (info fs.FileInfo, err error) {
	err = r.ask(ctx, func(c *sftp.Client) (err error) {
		info, err = c.Lstat(r.at(name))
		return err
	})
	return info, err
}

func (r *remote) open(ctx context.Context, name string, careful bool) (handle, error) {
	c, err := r.live(ctx)
	if err != nil {
		return nil, err
	}
	f := &remoteFile{conn: c}
	err = c.step(ctx, r.timing.answer, func() (err error) {
		if careful {
			if err := c.slowDown(); err != nil {
				return err
			}
		}
		f.file, err = c.sftp.Open(r.at(name))
		return err
	})
	if err != nil {
		return nil, plain(err)
	}
	return f, nil
}

func (r *remote) mkdir(ctx context.Context, name string) error {
	return r.ask(ctx, func(c *sftp.Client) error { return c.Mkdir(r.at(name)) })
}

// rename asks for the plain rename, which does not overwrite; servers whose
// folders have no hard links may know the other one alone.
func (r *remote) rename(ctx context.Context, from, to string) error {
	return r.ask(ctx, func(c *sftp.Client) error {
		err := c.Rename(r.at(from), r.at(to))
		if err == nil || !isAnswer(err) {
			return err
		}
		if _, ok := c.HasExtension("posix-rename@openssh.com"); !ok {
			return err
		}
		if _, taken := c.Lstat(r.at(to)); !errors.Is(taken, fs.ErrNotExist) {
			return err
		}
		return c.PosixRename(r.at(from), r.at(to))
	})
}

func (r *remote) remove(ctx context.Context, name string) error {
	return r.ask(ctx, func(c *sftp.Client) error { return c.Remove(r.at(name)) })
}

func (r *remote) close() error {
	if r.conn != nil {
		r.conn.close()
		r.conn = nil
	}
	return nil
}

// remoteFile is an open file behind SFTP.
type remoteFile struct {
	conn *connection
	file *sftp.File
}

func (f *remoteFile) stat(ctx context.Context) (info fs.FileInfo, err error) {
	err = f.conn.step(ctx, f.conn.timing.answer, func() (err error) {
		info, err = f.file.Stat()
		return err
	})
	return info, plain(err)
}

func (f *remoteFile) copyTo(ctx context.Context, w io.Writer) error {
	info, err := f.stat(ctx)
	if err != nil {
		return err
	}
	t := f.conn.timing
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(t.stall, func() {
		cancel(unreachable(f.conn.addr, fmt.Sprintf("sent nothing for %s in the middle of a file", t.stall)))
	})
	defer stalled.Stop()
	p := &progress{to: w, made: func() { stalled.Reset(t.stall) }}
	limit := t.transfer + time.Duration(info.Size()/slowest)*time.Second
	err = f.conn.step(ctx, limit, func() error {
		_, err := f.file.WriteTo(p)
		if p.err != nil {
			return nil // ours, not the server's
		}
		return err
	})
	if p.err != nil {
		return p.err
	}
	return plain(err)
}

// close needs no answer that anybody waits for.
func (f *remoteFile) close(ctx context.Context) {
	_ = f.conn.step(ctx, f.conn.timing.answer, f.file.Close)
}

// progress notices that bytes come.
type progress struct {
	to   io.Writer
	made func()
	err  error // of to
}

func (p *progress) Write(b []byte) (int, error) {
	p.made()
	n, err := p.to.Write(b)
	if err != nil {
		p.err = err
	}
	return n, err
}
