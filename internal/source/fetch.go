package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rollcall/internal/fault"
	"rollcall/internal/roster"
)

// spare is what a disk keeps free beside a drop.
const spare = 64 << 20

// Fetch implements [Source].
func (s *files) Fetch(ctx context.Context, f File, spool string) (roster.Drop, error) {
	d, err := s.fetch(ctx, f, spool, false)
	if _, short := errors.AsType[*shortError](err); short {
		s.log.WarnContext(ctx, "source served fewer bytes than it promised, fetching again without concurrent reads", "file", f.Name)
		d, err = s.fetch(ctx, f, spool, true)
	}
	if short, ok := errors.AsType[*shortError](err); ok {
		return roster.Drop{}, &roster.Refusal{Code: "E408", Text: fmt.Sprintf("%s: %v, twice", f.Name, short)}
	}
	return d, err
}

// fetch copies f once.
func (s *files) fetch(ctx context.Context, f File, spool string, careful bool) (roster.Drop, error) {
	h, err := s.place.open(ctx, f.Name, careful)
	if err != nil {
		return roster.Drop{}, s.lost(f, err)
	}
	defer h.close(ctx)
	again := func() (fs.FileInfo, error) { return s.place.lstat(ctx, f.Name) }
	d, err := prove(ctx, f, h, again, spool, s.options)
	if err != nil {
		return roster.Drop{}, s.lost(f, err)
	}
	d.Source, d.Remote = s.place.kind(), s.remote(f.Name)
	return d, nil
}

// lost says of a file that was listed what it means that it cannot be had.
func (s *files) lost(f File, err error) error {
	if _, own := errors.AsType[*spoolError](err); own {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &roster.Refusal{Code: "E406", Text: f.Name + " was there a moment ago and is gone"}
	case errors.Is(err, fs.ErrPermission):
		return &roster.Refusal{Code: "E405", Text: f.Name + " may not be read by this user", Fix: "ask the source's owner for the right to read it"}
	case errors.Is(err, syscall.ELOOP):
		return &roster.Refusal{Code: "E411", Text: f.Name + " has become a link; links are never followed"}
	}
	if no, ok := errors.AsType[*unwillingError](err); ok {
		return &roster.Refusal{
			Code: "E408", Text: fmt.Sprintf("%s could not be read to its end: %v", f.Name, no),
			Fix: "the next run tries again; if it stays so, ask the server's owner to look at the file",
		}
	}
	return err
}

// Local copies the file at path into spool: what --file does. A link is
// followed, for a person has named it.
func Local(ctx context.Context, path, spool string, maxSize int64) (roster.Drop, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return roster.Drop{}, &roster.Refusal{Code: "E405", Text: "the file " + printable(path) + " does not exist", Fix: "check the path after --file"}
	case errors.Is(err, fs.ErrPermission):
		return roster.Drop{}, forbidden(path)
	case err != nil:
		return roster.Drop{}, err
	case info.IsDir():
		return roster.Drop{}, fmt.Errorf("%s is a folder; name a file in it", printable(path))
	case !info.Mode().IsRegular():
		return roster.Drop{}, fmt.Errorf("%s is not a regular file; copy its contents into one", printable(path))
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return roster.Drop{}, forbidden(path)
	case err != nil:
		return roster.Drop{}, err
	}
	h := localFile{f}
	defer h.close(ctx)
	again := func() (fs.FileInfo, error) { return os.Stat(path) }
	listed := File{Name: filepath.Base(path), Size: info.Size(), Modified: info.ModTime()}
	d, err := prove(ctx, listed, h, again, spool, Options{MaxSize: maxSize})
	if short, ok := errors.AsType[*shortError](err); ok {
		return roster.Drop{}, &roster.Refusal{Code: "E408", Text: fmt.Sprintf("%s: %v", printable(path), short)}
	}
	d.Source = "file"
	return d, err
}

// Known tells whether the file at path has so many bytes with that SHA-256, without
// copying it, and gives it as [Local] would, but with no Path. A file that cannot be
// read is not known: whoever copies it says why.
func Known(ctx context.Context, path string, size int64, sum string) (roster.Drop, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return roster.Drop{}, false
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return roster.Drop{}, false
	}
	h := localFile{f}
	defer h.close(ctx)
	most := capped{sha256.New(), size}
	if err := h.copyTo(ctx, &most); err != nil || hex.EncodeToString(most.hash.Sum(nil)) != sum {
		return roster.Drop{}, false
	}
	return roster.Drop{Source: "file", Name: filepath.Base(path), Size: size, SHA256: sum, Modified: info.ModTime()}, true
}

// A capped hash takes so many bytes and no more: a file may grow faster than it is read.
type capped struct {
	hash hash.Hash
	left int64
}

// Write implements [io.Writer].
func (c *capped) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, errTooLarge
	}
	return c.hash.Write(p)
}

func forbidden(path string) error {
	return &roster.Refusal{Code: "E405", Text: "the file " + printable(path) + " may not be read by this user", Fix: "give the user that runs rollcall the right to read it"}
}

// A shortError is a copy that has another size than its file, which itself has
// not changed.
type shortError struct{ got, want int64 }

func (e *shortError) Error() string {
	if e.got > e.want {
		return fmt.Sprintf("%d bytes came, and the source says that it has %d", e.got, e.want)
	}
	return fmt.Sprintf("%d of %d bytes came", e.got, e.want)
}

// prove copies what h reads into spool and believes it only if f, as it was
// listed, the open file before and after, what came, and the file that again
// finds by its name agree in size and, as far as they have one, in time.
func prove(ctx context.Context, f File, h handle, again func() (fs.FileInfo, error), spool string, o Options) (roster.Drop, error) {
	before, err := h.stat(ctx)
	if err != nil {
		return roster.Drop{}, err
	}
	switch {
	case !before.Mode().IsRegular():
		return roster.Drop{}, &roster.Refusal{Code: "E411", Text: f.Name + " is not a regular file"}
	case before.Size() > o.MaxSize:
		return roster.Drop{}, tooLarge(f, before.Size(), o.MaxSize)
	case !sameFile(f, fileOf(before)):
		return roster.Drop{}, changed(f, "since it was listed")
	}
	if err := room(spool, before.Size()); err != nil {
		return roster.Drop{}, err
	}
	c, err := newCopy(spool, o)
	if err != nil {
		return roster.Drop{}, err
	}
	defer c.discard()

	if err := h.copyTo(ctx, c); err != nil {
		switch {
		case c.err == nil:
			return roster.Drop{}, err
		case errors.Is(c.err, errTooLarge):
			return roster.Drop{}, tooLarge(f, c.size, o.MaxSize)
		default:
			return roster.Drop{}, c.err
		}
	}
	after, err := h.stat(ctx)
	if err = fault.After(err, "source.copied"); err != nil {
		return roster.Drop{}, err
	}
	named, err := again()
	if err != nil {
		return roster.Drop{}, err
	}
	if !sameFile(f, fileOf(after)) || !sameFile(f, fileOf(named)) || !named.Mode().IsRegular() {
		return roster.Drop{}, changed(f, "while it was fetched")
	}
	if c.size != f.Size {
		return roster.Drop{}, &shortError{c.size, f.Size}
	}
	path, err := c.finish()
	if err = fault.After(err, "source.proven"); err != nil {
		return roster.Drop{}, err
	}
	return roster.Drop{Name: f.Name, Path: path, Size: c.size, SHA256: c.sum(), Modified: f.Modified}, nil
}

func changed(f File, when string) error {
	return &roster.Refusal{Code: "E406", Text: f.Name + " has changed " + when}
}

func tooLarge(f File, size, maxSize int64) error {
	return &roster.Refusal{
		Code: "E411",
		Text: fmt.Sprintf("%s has %d bytes or more, and source.max_size is %d", f.Name, size, maxSize),
		Fix:  "if that is right, raise source.max_size",
	}
}

// room makes the spool where it is missing and tells whether a file of size
// fits into it.
func room(spool string, size int64) error {
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return &spoolError{err}
	}
	info, err := os.Stat(spool)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(spool, 0o700)
	}
	if err != nil {
		return &spoolError{err}
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(spool, &disk); err != nil {
		return &spoolError{err}
	}
	free, need := uint64(disk.Bavail)*uint64(disk.Bsize), uint64(size)+spare
	if free < need {
		return fmt.Errorf("spool %s: %d MiB are free and %d MiB are needed; free some disk space, nothing was changed", spool, free>>20, need>>20)
	}
	return nil
}

var errTooLarge = errors.New("too large")

// A copying is a file of the spool that is not whole yet.
type copying struct {
	file *os.File
	hash hash.Hash
	size int64
	max  int64
	told func(int64) // nil: nobody looks
	err  error       // the first of our own, not of whom we copy from
}

const unfinished = ".part"

// newCopy begins a file in spool that is readable by its owner alone.
func newCopy(spool string, o Options) (*copying, error) {
	f, err := os.CreateTemp(spool, "drop-*"+unfinished)
	if err != nil {
		return nil, &spoolError{err}
	}
	return &copying{file: f, hash: sha256.New(), max: o.MaxSize, told: o.Copied}, nil
}

// Write takes the next bytes, unless they are too many.
func (c *copying) Write(p []byte) (int, error) {
	if c.size+int64(len(p)) > c.max {
		c.err, c.size = errTooLarge, c.size+int64(len(p))
		return 0, c.err
	}
	n, err := c.store(p)
	c.size += int64(n)
	if c.told != nil {
		c.told(c.size)
	}
	if err != nil {
		c.err = noSpace(err)
	}
	return n, err
}

// store hashes bytes while they are written, where they are many. After an error
// the hash is of no use.
func (c *copying) store(p []byte) (int, error) {
	if len(p) < buffer {
		c.hash.Write(p)
		return c.file.Write(p)
	}
	hashed := make(chan struct{})
	go func() {
		c.hash.Write(p)
		close(hashed)
	}()
	n, err := c.file.Write(p)
	<-hashed
	return n, err
}

// buffer is how many bytes of a file are read at a time.
const buffer = 256 << 10

func (c *copying) sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }

// finish gives the file its name. Whoever keeps it for longer than a run brings it
// to the disk.
func (c *copying) finish() (string, error) {
	if err := c.file.Close(); err != nil {
		return "", noSpace(err)
	}
	path := strings.TrimSuffix(c.file.Name(), unfinished) + "-" + c.sum()[:16]
	if err := os.Rename(c.file.Name(), path); err != nil {
		return "", &spoolError{err}
	}
	return path, nil
}

// discard removes what is not finished; it has no effect after finish.
func (c *copying) discard() {
	_ = c.file.Close()           // closed already where it is finished
	_ = os.Remove(c.file.Name()) // has another name where it is finished
}

// A spoolError is one of our own disk, and never the source's: nobody there is to be
// asked for a right that we lack here.
type spoolError struct{ err error }

func (e *spoolError) Error() string {
	return fmt.Sprintf("spool: %v; see to the folder, its rights and its free space", e.err)
}

func (e *spoolError) Unwrap() error { return e.err }

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("spool: the disk is full or a limit is reached; free some disk space, nothing was changed: %w", err)
	}
	return &spoolError{err}
}
