package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rollcall/internal/roster"
)

// dir is a folder of this machine.
type dir struct{ path string }

func openDir(o Options) *dir { return &dir{o.folder()} }

func (d *dir) kind() string { return "dir" }

func (d *dir) at(name string) string { return filepath.Join(d.path, name) }

func (d *dir) entries(ctx context.Context, keep func(string) bool) ([]fs.FileInfo, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, noFolder(d.path, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(maxNames + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, noFolder(d.path, err)
	}
	if len(names) > maxNames {
		return nil, tooMany()
	}
	var found []fs.FileInfo
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if !keep(name) {
			continue
		}
		info, err := os.Lstat(d.at(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed
		}
		if err != nil {
			return nil, err
		}
		found = append(found, info)
	}
	return found, nil
}

func (d *dir) lstat(_ context.Context, name string) (fs.FileInfo, error) {
	return os.Lstat(d.at(name))
}

// open follows no link and waits for no pipe.
func (d *dir) open(_ context.Context, name string, _ bool) (handle, error) {
	f, err := os.OpenFile(d.at(name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return localFile{f}, nil
}

func (d *dir) mkdir(_ context.Context, name string) error { return os.Mkdir(d.at(name), 0o755) }

// rename goes by a link, which never overwrites, where the file system has
// them.
func (d *dir) rename(_ context.Context, from, to string) error {
	err := os.Link(d.at(from), d.at(to))
	if err == nil {
		return os.Remove(d.at(from))
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(d.at(from), d.at(to))
}

func (d *dir) remove(_ context.Context, name string) error { return os.Remove(d.at(name)) }

func (d *dir) close() error { return nil }

// localFile is an open file of this machine.
type localFile struct{ file *os.File }

func (f localFile) stat(context.Context) (fs.FileInfo, error) { return f.file.Stat() }

func (f localFile) copyTo(ctx context.Context, w io.Writer) error {
	part := make([]byte, buffer)
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := f.file.Read(part)
		if n > 0 {
			if _, err := w.Write(part[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (f localFile) close(context.Context) { _ = f.file.Close() } // only read

// noFolder says what is wrong with the folder of a source.
func noFolder(path string, err error) error {
	text := "the folder " + printable(path) + " cannot be read"
	fix := "check source.path, and the rights of the folder"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = "the folder " + printable(path) + " does not exist"
		fix = "check source.path with the source's owner"
	case errors.Is(err, fs.ErrPermission):
		text = "the folder " + printable(path) + " may not be read by this user"
		fix = "ask the source's owner for the right to read it"
	case errors.Is(err, syscall.ENOTDIR):
		text = printable(path) + " is not a folder"
	}
	return &roster.Refusal{Code: "E405", Text: text, Fix: fix}
}
