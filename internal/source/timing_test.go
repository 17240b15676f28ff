package source

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
	"rollcall/internal/source/sftpd"
)

// These tests lie inside the package for its clock alone: nobody waits a minute
// for a test.

// hasty is ordinary with no patience.
func hasty() timing {
	t := ordinary()
	t.handshake, t.answer, t.stall = time.Second, 300*time.Millisecond, 300*time.Millisecond
	return t
}

// serve starts our own server with a file of a megabyte.
func serve(t *testing.T, wrap func(sftp.Handlers) sftp.Handlers) Options {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "staff.csv"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := sftpd.Start(dir, sftpd.Options{User: "rollcall", Password: secret.Of("of a test"), Wrap: wrap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("SFTP_PASSWORD", "of a test")
	o := Defaults()
	o.Type, o.Host, o.Port, o.User, o.Path = "sftp", "127.0.0.1", s.Port(), "rollcall", "*.csv"
	o.Password, o.HostKeys = secret.Ref{Env: "SFTP_PASSWORD"}, []string{s.Fingerprint()}
	return o
}

func begin(t *testing.T, o Options, clock timing) *remote {
	t.Helper()
	r, err := openSFTP(t.Context(), o, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.close() })
	return r
}

func refusal(t *testing.T, err error, code, text string) {
	t.Helper()
	r, ok := errors.AsType[*roster.Refusal](err)
	if !ok || r.Code != code || !strings.Contains(r.Text, text) {
		t.Errorf("error = %v, want a refusal %s with %q", err, code, text)
	}
}

// blocking is a reader that stops answering after some bytes, until released.
type blocking struct {
	io.ReaderAt
	from    int64
	release <-chan struct{}
}

func (b blocking) ReadAt(p []byte, at int64) (int, error) {
	if at >= b.from {
		<-b.release
	}
	return b.ReaderAt.ReadAt(p, at)
}

type blockingFiles struct {
	sftp.FileReader
	from    int64
	release <-chan struct{}
}

func (b blockingFiles) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	f, err := b.FileReader.Fileread(r)
	return blocking{f, b.from, b.release}, err
}

func TestAStalledTransferEnds(t *testing.T) {
	release := make(chan struct{})
	o := serve(t, func(h sftp.Handlers) sftp.Handlers {
		h.FileGet = blockingFiles{h.FileGet, 500_000, release}
		return h
	})
	t.Cleanup(func() { close(release) })
	r := begin(t, o, hasty())
	h, err := r.open(t.Context(), "staff.csv", false)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	refusal(t, h.copyTo(t.Context(), io.Discard), "E401", "sent nothing")
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("it took %s", d)
	}
}

// slowList answers a listing when it is released.
type slowList struct {
	sftp.FileLister
	release <-chan struct{}
}

func (s slowList) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method == "List" {
		<-s.release
	}
	return s.FileLister.Filelist(r)
}

func TestAListingThatDoesNotComeEnds(t *testing.T) {
	release := make(chan struct{})
	o := serve(t, func(h sftp.Handlers) sftp.Handlers {
		h.FileList = slowList{h.FileList, release}
		return h
	})
	t.Cleanup(func() { close(release) })
	_, err := begin(t, o, hasty()).entries(t.Context(), o.matches)
	refusal(t, err, "E401", "did not answer within")
}

// endless lists the same file for ever.
type endless struct{ sftp.FileLister }

type endlessNames struct{ info os.FileInfo }

func (e endless) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	l, err := e.FileLister.Filelist(r)
	if r.Method != "List" || err != nil {
		return l, err
	}
	one := make([]os.FileInfo, 1)
	if _, err := l.ListAt(one, 0); err != nil {
		return nil, err
	}
	return endlessNames{one[0]}, nil
}

func (e endlessNames) ListAt(into []os.FileInfo, _ int64) (int, error) {
	for i := range into {
		into[i] = e.info
	}
	return len(into), nil
}

func TestAListingWithoutAnEndIsRefused(t *testing.T) {
	o := serve(t, func(h sftp.Handlers) sftp.Handlers {
		h.FileList = endless{h.FileList}
		return h
	})
	_, err := begin(t, o, ordinary()).entries(t.Context(), o.matches)
	refusal(t, err, "E411", "more than 100000 names")
}

func TestAServerThatSaysNothingEndsTheHandshake(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, err = offers(t.Context(), l.Addr().String(), hasty())
	refusal(t, err, "E401", "did not answer in time")
}

// pipe passes bytes on between a client and a server. What filter does not give
// back is swallowed; where it says so the connection is cut after the rest. It is
// asked side by side for both directions.
func pipe(t *testing.T, to string, filter func(fromServer bool, b []byte) (pass []byte, cut bool)) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	pass := func(to, from net.Conn, fromServer bool) {
		defer to.Close()
		defer from.Close()
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			if err != nil {
				return
			}
			rest, cut := filter(fromServer, b[:n])
			if _, err := to.Write(rest); err != nil || cut {
				return
			}
		}
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			go pass(server, client, false)
			go pass(client, server, true)
		}
	}()
	return l.Addr().(*net.TCPAddr)
}

func TestAConnectionWithoutASignOfLifeIsGivenUp(t *testing.T) {
	var swallow atomic.Bool
	o := serve(t, nil)
	o.Port = pipe(t, address(o), func(_ bool, b []byte) ([]byte, bool) {
		if swallow.Load() {
			return nil, false
		}
		return b, false
	}).Port
	clock := ordinary()
	clock.alive = 50 * time.Millisecond
	r := begin(t, o, clock)
	time.Sleep(10 * clock.alive)
	if r.conn.lost.Load() {
		t.Fatal("a connection that answers was given up")
	}
	swallow.Store(true)
	for range 100 {
		if r.conn.lost.Load() {
			return
		}
		time.Sleep(clock.alive)
	}
	t.Error("a dead connection was kept")
}

func TestNothingRunsOnAfterClose(t *testing.T) {
	o := serve(t, nil)
	before := runtime.NumGoroutine()
	for range 10 {
		r := begin(t, o, ordinary())
		if _, err := r.entries(t.Context(), o.matches); err != nil {
			t.Fatal(err)
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, want the %d of before", runtime.NumGoroutine(), before)
}
