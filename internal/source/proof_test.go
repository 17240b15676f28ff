package source_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"rollcall/internal/source"
	"rollcall/internal/source/sftpd"
)

// reader is a file of a server that reads in a way of its own.
type reader func(file io.ReaderAt, p []byte, at int64) (int, error)

// misbehave puts read between the server and its files.
func misbehave(read reader) sftpd.Options {
	return sftpd.Options{Wrap: func(h sftp.Handlers) sftp.Handlers {
		h.FileGet = getter{h.FileGet, read}
		return h
	}}
}

type getter struct {
	sftp.FileReader
	read reader
}

func (g getter) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	f, err := g.FileReader.Fileread(r)
	return readFile{f, g.read}, err
}

type readFile struct {
	io.ReaderAt
	read reader
}

func (f readFile) ReadAt(p []byte, at int64) (int, error) { return f.read(f.ReaderAt, p, at) }

func (f readFile) Close() error { return f.ReaderAt.(io.Closer).Close() }

var large = "employee_id,last_name\n" + strings.Repeat("123456,Kowalska\n", 50_000)

// fetch lays a large file on a server of ours and fetches it.
func fetch(t *testing.T, so sftpd.Options, change func(o *source.Options, path string)) (string, error) {
	t.Helper()
	_, dir, o := ours(t, so)
	path := filepath.Join(dir, "staff.csv")
	lay(t, path, large)
	if change != nil {
		change(&o, path)
	}
	s := open(t, o)
	spool := t.TempDir()
	d, err := s.Fetch(t.Context(), list(t, s).Files[0], spool)
	if err != nil {
		wantEmpty(t, spool)
		return "", err
	}
	wantCopy(t, d, large)
	return d.Path, nil
}

func TestAnHonestServerIsTheControl(t *testing.T) {
	if _, err := fetch(t, sftpd.Options{}, nil); err != nil {
		t.Error(err)
	}
}

func TestShortReadsAreReadAgainOneByOne(t *testing.T) {
	var reads atomic.Int64
	short := misbehave(func(f io.ReaderAt, p []byte, at int64) (int, error) {
		reads.Add(1)
		return f.ReadAt(p[:min(len(p), 10_000)], at)
	})
	if _, err := fetch(t, short, nil); err != nil {
		t.Error(err)
	}
	if n, least := reads.Load(), int64(len(large)/10_000); n < least {
		t.Errorf("%d reads, want at least %d of the second time", n, least)
	}
}

func TestAnEarlyEndIsIncompleteAndNotSilentlyShort(t *testing.T) {
	for _, end := range []int64{0, 1, 40_000, 327_680, int64(len(large)) - 1} {
		early := misbehave(func(f io.ReaderAt, p []byte, at int64) (int, error) {
			return io.NewSectionReader(f, 0, end).ReadAt(p, at)
		})
		_, err := fetch(t, early, nil)
		wantRefusal(t, err, "E408")
	}
}

func TestMoreThanWasPromisedIsIncompleteToo(t *testing.T) {
	more := misbehave(func(f io.ReaderAt, p []byte, at int64) (int, error) {
		n, err := f.ReadAt(p, at)
		if errors.Is(err, io.EOF) && n < len(p) && at <= int64(len(large)) {
			p[n] = 'x'
			n++
		}
		return n, err
	})
	_, err := fetch(t, more, nil)
	wantRefusal(t, err, "E408")
}

func TestAServerWithoutAnEndIsStoppedAtTheBound(t *testing.T) {
	endless := misbehave(func(_ io.ReaderAt, p []byte, _ int64) (int, error) { return len(p), nil })
	_, err := fetch(t, endless, func(o *source.Options, _ string) { o.MaxSize = int64(len(large)) + 100_000 })
	wantRefusal(t, err, "E411")
}

func TestAFileThatChangesWhileItIsFetchedIsNotTaken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(path string) error
	}{
		{"it grows", func(path string) error { return os.Truncate(path, int64(len(large))+1) }},
		{"it shrinks", func(path string) error { return os.Truncate(path, 10) }},
		{"it is touched", func(path string) error { return os.Chtimes(path, time.Now(), time.Now()) }},
		{"another takes its place", func(path string) error {
			if err := os.WriteFile(path+".new", []byte(large), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
		{"it vanishes", os.Remove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var path string
			var once atomic.Bool
			changing := misbehave(func(f io.ReaderAt, p []byte, at int64) (int, error) {
				n, err := f.ReadAt(p, at)
				if once.CompareAndSwap(false, true) {
					err = errors.Join(err, tt.change(path))
				}
				return n, err
			})
			_, err := fetch(t, changing, func(_ *source.Options, p string) { path = p })
			wantRefusal(t, err, "E406")
		})
	}
}

func TestAnErrorInTheMiddleLeavesNothing(t *testing.T) {
	broken := misbehave(func(f io.ReaderAt, p []byte, at int64) (int, error) {
		if at > 100_000 {
			return 0, errors.New("bad sector \x1b[31m")
		}
		return f.ReadAt(p, at)
	})
	_, err := fetch(t, broken, nil)
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("error = %v, want one without the server's own words", err)
	}
}

func TestACancelledFetchLeavesNoTemporaryFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	stuck := misbehave(func(f io.ReaderAt, p []byte, at int64) (int, error) {
		if at > 100_000 {
			cancel()
			<-release
		}
		return f.ReadAt(p, at)
	})
	_, dir, o := ours(t, stuck)
	t.Cleanup(func() { close(release) })
	lay(t, filepath.Join(dir, "staff.csv"), large)
	s := open(t, o)
	f := list(t, s).Files[0]
	spool := t.TempDir()
	began := time.Now()
	_, err := s.Fetch(ctx, f, spool)
	if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("error = %v after %s, want the context's at once", err, time.Since(began))
	}
	wantEmpty(t, spool)
	if got := names(list(t, s).Files); got != "staff.csv" {
		t.Errorf("files after a cancelled fetch = %s, want a connection made anew", got)
	}
}
