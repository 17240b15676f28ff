package source

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"path"

	"rollcall/internal/fault"
)

// files is a source that is a folder with files in it, wherever it lies.
type files struct {
	options Options
	log     *slog.Logger
	place   place
}

// A place is the folder of a source. It is an interface because there are two:
// one of this machine, and one behind SFTP. Names are relative to the folder.
// What the place itself answers is an error of io/fs; a place that cannot be
// reached any more is a [*roster.Refusal].
type place interface {
	kind() string
	// entries lists what keep wants, with links as links.
	entries(ctx context.Context, keep func(name string) bool) ([]fs.FileInfo, error)
	lstat(ctx context.Context, name string) (fs.FileInfo, error)
	// open opens a file for reading. A careful one is read slowly, one piece after the other.
	open(ctx context.Context, name string, careful bool) (handle, error)
	mkdir(ctx context.Context, name string) error
	// rename does not overwrite.
	rename(ctx context.Context, from, to string) error
	remove(ctx context.Context, name string) error
	close() error
}

// A handle is an open file.
type handle interface {
	stat(ctx context.Context) (fs.FileInfo, error)
	// copyTo writes everything up to the end of the file, as the place sees it. It ends with w's first error.
	copyTo(ctx context.Context, w io.Writer) error
	close(ctx context.Context)
}

// List implements [Source].
func (s *files) List(ctx context.Context) (Listing, error) {
	infos, err := s.place.entries(ctx, s.options.matches)
	if err = fault.After(err, "source.listed"); err != nil {
		return Listing{}, err
	}
	return s.options.listing(infos), nil
}

// Close implements [Source].
func (s *files) Close() error { return s.place.close() }

// remote is where a file lies at its source.
func (s *files) remote(name string) string { return path.Join(s.options.folder(), name) }
