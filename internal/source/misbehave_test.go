package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/pkg/sftp"

	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
	"rollcall/internal/source/sftpd"
)

// The matrix of SFTP servers that misbehave: what they do, where they do it, and
// with how large a file. Of each cell there are three ends: the very bytes that
// the file had are taken, or the file is refused by a code that says why, or it
// is left alone. What is taken wrong is counted, and has to be none.
//
// One thing is not in it, for no look at sizes and times can see it: a file that
// is written over in place while it is read, and afterwards has the size and the
// time that it had before. A trailer or a quote that does not end finds some of
// these.

// A scene is one server with one file, and one visit of ours.
type scene struct {
	t       *testing.T
	dir     string
	path    string // of the file
	text    string // what it has at first
	size    int
	mu      sync.Mutex
	allowed []string // whole texts that the file has had
	reads   atomic.Int64
	opened  atomic.Int64
	did     sync.Once

	read   func(sc *scene, f io.ReaderAt, p []byte, at int64) (int, error)
	look   func(sc *scene, where string, info fs.FileInfo) fs.FileInfo
	packet func(sc *scene, n int, p []byte) ([]byte, fate)
}

// A fate is what becomes of a packet.
type fate int

const (
	passes fate = iota
	stalls      // this one and all later ones
	cuts        // the connection, after what is left of this one
)

// where says at which look the server is asked for attributes.
const (
	inListing = "in the listing"
	before    = "before"
	after     = "after"
	byName    = "by its name"
)

// sizes are those of a file that fits one answer, one that fills it, and one of many.
var sizes = []struct {
	name string
	n    int
}{{"small", 1000}, {"one packet", 32 << 10}, {"many packets", 656_387}}

func newScene(t *testing.T, size int) *scene {
	sc := &scene{t: t, dir: t.TempDir(), size: size}
	line := "100%05d;Kowalska;Ward %d\n"
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, line, i, i%7)
	}
	sc.text = b.String()[:size]
	sc.path = filepath.Join(sc.dir, "staff.csv")
	sc.put(sc.text)
	return sc
}

// put gives the file another text, an hour old.
func (sc *scene) put(text string) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.allowed = append(sc.allowed, text)
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := errors.Join(os.WriteFile(sc.path, []byte(text), 0o644), os.Chtimes(sc.path, at, at)); err != nil {
		sc.t.Error(err)
	}
}

// once does something to the file the first time that it is asked to.
func (sc *scene) once(do func()) { sc.did.Do(do) }

// serve starts the server of the scene.
func (sc *scene) serve() Options {
	wrap := func(h sftp.Handlers) sftp.Handlers {
		h.FileGet = sceneFiles{h.FileGet, sc}
		h.FileList = sceneLooks{h.FileList.(lister), sc}
		return h
	}
	so := sftpd.Options{User: "rollcall", Password: secret.Of("of a test"), Wrap: wrap}
	if sc.packet != nil {
		so.Pipe = func(c io.ReadWriteCloser) io.ReadWriteCloser { return &packets{ReadWriteCloser: c, sc: sc} }
	}
	s, err := sftpd.Start(sc.dir, so)
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.t.Cleanup(func() { _ = s.Close() })
	password := filepath.Join(sc.t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("of a test"), 0o600); err != nil {
		sc.t.Fatal(err)
	}
	o := Defaults()
	o.Type, o.Host, o.Port, o.User, o.Path, o.Settle = "sftp", "127.0.0.1", s.Port(), "rollcall", "*.csv", 0
	o.Password, o.HostKeys, o.MaxSize = secret.Ref{File: password}, []string{s.Fingerprint()}, 4<<20
	return o
}

type lister interface {
	sftp.FileLister
	sftp.LstatFileLister
}

type sceneFiles struct {
	sftp.FileReader
	sc *scene
}

func (s sceneFiles) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	f, err := s.FileReader.Fileread(r)
	if err != nil {
		return nil, err
	}
	s.sc.opened.Add(1)
	return sceneFile{f, s.sc}, nil
}

type sceneFile struct {
	io.ReaderAt
	sc *scene
}

func (f sceneFile) ReadAt(p []byte, at int64) (int, error) {
	f.sc.reads.Add(1)
	if f.sc.read == nil {
		return f.ReaderAt.ReadAt(p, at)
	}
	return f.sc.read(f.sc, f.ReaderAt, p, at)
}

func (f sceneFile) Close() error { return f.ReaderAt.(io.Closer).Close() }

type sceneLooks struct {
	lister
	sc *scene
}

func (s sceneLooks) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	l, err := s.lister.Filelist(r)
	switch {
	case err != nil:
		return nil, err
	case r.Method == "List":
		return sceneInfos{l, s.sc, inListing}, nil
	case s.sc.reads.Load() == 0:
		return sceneInfos{l, s.sc, before}, nil
	}
	return sceneInfos{l, s.sc, after}, nil
}

func (s sceneLooks) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	l, err := s.lister.Lstat(r)
	if err != nil {
		return nil, err
	}
	return sceneInfos{l, s.sc, byName}, nil
}

type sceneInfos struct {
	sftp.ListerAt
	sc    *scene
	where string
}

func (s sceneInfos) ListAt(into []fs.FileInfo, at int64) (int, error) {
	n, err := s.ListerAt.ListAt(into, at)
	if s.sc.look == nil {
		return n, err
	}
	for i := range into[:n] {
		into[i] = s.sc.look(s.sc, s.where, into[i])
	}
	return n, err
}

// packets looks at what the server sends, packet by packet.
type packets struct {
	io.ReadWriteCloser
	sc   *scene
	mu   sync.Mutex
	left []byte
	n    int
	end  fate
}

func (c *packets) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, p...)
	for len(c.left) >= 4 {
		whole := 4 + int(binary.BigEndian.Uint32(c.left))
		if len(c.left) < whole {
			break
		}
		one := c.left[:whole]
		c.left = c.left[whole:]
		if c.end != passes {
			continue
		}
		out, end := c.sc.packet(c.sc, c.n, one)
		c.n++
		c.end = end
		if _, err := c.ReadWriteCloser.Write(out); err != nil {
			return 0, err
		}
		if end == cuts {
			return 0, errors.Join(io.ErrClosedPipe, c.Close())
		}
	}
	return len(p), nil
}

// An end is what came of a visit.
type end struct {
	what string // accepted, ignored, or the code of a refusal
	text string // of the refusal
	d    roster.Drop
	s    *files
}

// visit does what a run does: look, wait, look again, fetch.
func (sc *scene) visit(o Options, clock timing) end {
	sc.t.Helper()
	spool := filepath.Join(sc.t.TempDir(), "spool")
	d, s, err := func() (d roster.Drop, s *files, err error) {
		place, err := openSFTP(sc.t.Context(), o, clock)
		if err != nil {
			return d, nil, err
		}
		sc.t.Cleanup(func() { _ = place.close() })
		s = &files{options: o, log: slog.New(slog.DiscardHandler), place: place}
		l, err := s.List(sc.t.Context())
		if err != nil {
			return d, s, err
		}
		if len(l.Files) == 0 {
			return d, s, ErrNoDrop
		}
		settled, _, err := s.Settled(sc.t.Context(), l.Files, time.Second)
		if err != nil {
			return d, s, err
		}
		d, err = s.Fetch(sc.t.Context(), settled[len(settled)-1], spool)
		return d, s, err
	}()
	if err == nil {
		text, read := os.ReadFile(d.Path)
		if read != nil {
			sc.t.Fatal(read)
		}
		sc.mu.Lock()
		defer sc.mu.Unlock()
		for _, whole := range sc.allowed {
			if string(text) == whole {
				return end{"accepted", "", d, s}
			}
		}
		return end{"accepted wrong", fmt.Sprintf("%d of %d bytes", len(text), sc.size), d, s}
	}
	if left, _ := os.ReadDir(spool); len(left) > 0 {
		sc.t.Errorf("%s is left in the spool", left[0].Name())
	}
	if errors.Is(err, ErrNoDrop) {
		return end{"ignored", "", d, s}
	}
	refused, is := errors.AsType[*roster.Refusal](err)
	if !is {
		sc.t.Errorf("error = %v, want a refusal", err)
		return end{"error", err.Error(), d, s}
	}
	if strings.ContainsFunc(refused.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		sc.t.Errorf("the refusal %q repeats control characters of the server", refused.Text)
	}
	return end{refused.Code, refused.Text, d, s}
}

// naive fetches as a program does that believes its library: open, copy, and no
// error means that all is well. It tells whether that gave a wrong file.
func (sc *scene) naive(o Options) bool {
	c, err := connect(sc.t.Context(), o, address(o), hasty())
	if err != nil {
		return false
	}
	defer c.close()
	var got strings.Builder
	err = c.step(sc.t.Context(), 400*time.Millisecond, func() error {
		f, err := c.sftp.Open("staff.csv")
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(&bounded{&got, 4 << 20}, f)
		return err
	})
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if err != nil {
		return false
	}
	for _, whole := range sc.allowed {
		if got.String() == whole {
			return false
		}
	}
	return true
}

// bounded takes so many bytes and no more.
type bounded struct {
	io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrShortBuffer
	}
	return b.Writer.Write(p)
}

// A cell is one field of the matrix.
type cell struct {
	name  string
	size  int
	set   func(sc *scene)
	want  []string                                                // ends that are right
	naive bool                                                    // has a control
	hurry bool                                                    // has to be given up, so that nobody should wait long for it
	wire  func(fromServer bool, b []byte) (pass []byte, cut bool) // between us and the server; nil: nothing
	rare  bool                                                    // in the long form alone
}

// readings are what a server does when it is asked for bytes at a place.
func readings() []cell {
	type reading struct {
		name string
		read func(at int64) func(sc *scene, f io.ReaderAt, p []byte, off int64) (int, error)
		want []string
	}
	hit := func(at, off int64, p []byte) bool { return at >= off && at < off+int64(len(p)) || off >= at }
	plain := func(f io.ReaderAt, p []byte, off int64) (int, error) { return f.ReadAt(p, off) }
	changing := func(change func(sc *scene)) func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
		return func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(sc *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if hit(at, off, p) {
					sc.once(func() { change(sc) })
				}
				return plain(f, p, off)
			}
		}
	}
	other := func(sc *scene) string { return strings.Repeat("x", sc.size) }
	all := []reading{
		{"half of what was asked for", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(_ *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if hit(at, off, p) {
					p = p[:(len(p)+1)/2]
				}
				return plain(f, p, off)
			}
		}, []string{"accepted"}},
		{"a byte less than was asked for", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(_ *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if hit(at, off, p) {
					p = p[:max(1, len(p)-1)]
				}
				return plain(f, p, off)
			}
		}, []string{"accepted"}},
		{"an early end", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(_ *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				return io.NewSectionReader(f, 0, at).ReadAt(p, off)
			}
		}, []string{"E408"}},
		{"an early end the first time", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(sc *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if sc.opened.Load() < 2 {
					return io.NewSectionReader(f, 0, at).ReadAt(p, off)
				}
				return plain(f, p, off)
			}
		}, []string{"accepted"}},
		{"another text the second time, with another time", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(sc *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if sc.opened.Load() < 2 {
					return io.NewSectionReader(f, 0, at).ReadAt(p, off)
				}
				sc.once(func() { sc.put(other(sc)); sc.touch() })
				return plain(f, p, off)
			}
		}, []string{"E406"}},
		{"an error", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(_ *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if hit(at, off, p) {
					return 0, errors.New("bad sector \x1b[31m")
				}
				return plain(f, p, off)
			}
		}, []string{"E408"}},
		{"no byte and no end", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(_ *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if hit(at, off, p) {
					return 0, nil
				}
				return plain(f, p, off)
			}
		}, []string{"E401"}},
		{"more than the file has", func(int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(sc *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				n, err := plain(f, p, off)
				if errors.Is(err, io.EOF) && n < len(p) && off <= int64(sc.size) {
					p[n] = 'x'
					return n + 1, err
				}
				return n, err
			}
		}, []string{"E408"}},
		{"no end at all", func(at int64) func(*scene, io.ReaderAt, []byte, int64) (int, error) {
			return func(_ *scene, f io.ReaderAt, p []byte, off int64) (int, error) {
				if hit(at, off, p) {
					return len(p), nil
				}
				return plain(f, p, off)
			}
		}, []string{"E411"}},
		{"it grows", changing(func(sc *scene) { sc.put(sc.text + "one row more\n") }), []string{"E406"}},
		{"it shrinks", changing(func(sc *scene) { sc.put(sc.text[:sc.size/2]) }), []string{"E406"}},
		{"it is emptied", changing(func(sc *scene) { sc.put("") }), []string{"E406"}},
		{"it is written over, with another time", changing(func(sc *scene) { sc.put(other(sc)); sc.touch() }), []string{"E406"}},
		{"another of its size takes its place", changing(func(sc *scene) { sc.replace(other(sc)) }), []string{"E406"}},
		{"it is touched", changing(func(sc *scene) { sc.touch() }), []string{"E406"}},
		{"it vanishes", changing(func(sc *scene) { _ = os.Remove(sc.path) }), []string{"E406"}},
		{"it becomes a link", changing(func(sc *scene) {
			sc.allowed = append(sc.allowed, "")
			_ = errors.Join(os.Rename(sc.path, sc.path+".real"), os.Symlink("staff.csv.real", sc.path))
		}), []string{"E406", "E411"}},
	}
	var cells []cell
	for _, r := range all {
		mute := r.want[0] == "E401"
		for i, size := range sizes {
			for place, at := range map[string]int{"at first": 0, "in the middle": size.n / 2, "at last": size.n - 1} {
				cells = append(cells, cell{
					name: r.name + " " + place, size: size.n, want: r.want, naive: !mute, hurry: mute, rare: i == 1 || i == 0 && at > 0,
					set: func(sc *scene) { sc.read = r.read(int64(at)) },
				})
			}
		}
	}
	return cells
}

func (sc *scene) touch() {
	now := time.Now()
	if err := os.Chtimes(sc.path, now, now); err != nil {
		sc.t.Error(err)
	}
}

// replace puts another file in the place of the first.
func (sc *scene) replace(text string) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.allowed = append(sc.allowed, text)
	if err := errors.Join(os.WriteFile(sc.path+".new", []byte(text), 0o644), os.Rename(sc.path+".new", sc.path)); err != nil {
		sc.t.Error(err)
	}
}

// lie is a file's attributes with something else in them.
type lie struct {
	fs.FileInfo
	size *int64
	time *time.Time
	mode *fs.FileMode
	name *string
}

func (l lie) Size() int64 {
	if l.size != nil {
		return *l.size
	}
	return l.FileInfo.Size()
}

func (l lie) ModTime() time.Time {
	if l.time != nil {
		return *l.time
	}
	return l.FileInfo.ModTime()
}

func (l lie) Mode() fs.FileMode {
	if l.mode != nil {
		return *l.mode
	}
	return l.FileInfo.Mode()
}

func (l lie) Name() string {
	if l.name != nil {
		return *l.name
	}
	return l.FileInfo.Name()
}

func (l lie) IsDir() bool { return l.Mode().IsDir() }

// Sys hides what the library would believe more than the methods.
func (l lie) Sys() any { return nil }

// lies are attributes that are not the file's.
func lies() []cell {
	size := func(change func(int64) int64) func(fs.FileInfo) fs.FileInfo {
		return func(i fs.FileInfo) fs.FileInfo { n := change(i.Size()); return lie{FileInfo: i, size: &n} }
	}
	when := func(change func(time.Time) time.Time) func(fs.FileInfo) fs.FileInfo {
		return func(i fs.FileInfo) fs.FileInfo { t := change(i.ModTime()); return lie{FileInfo: i, time: &t} }
	}
	mode := func(m fs.FileMode) func(fs.FileInfo) fs.FileInfo {
		return func(i fs.FileInfo) fs.FileInfo { return lie{FileInfo: i, mode: &m} }
	}
	// A time that one look alone has wrong makes the file a changed one, a size too.
	// Whether the open file is a regular one is asked before, and of the name after.
	wrong := map[string]string{inListing: "E406", before: "E406", after: "E406", byName: "E406"}
	huge := map[string]string{inListing: "E406", before: "E411", after: "E406", byName: "E406"}
	kinds := map[string]string{inListing: "ignored", before: "E411", after: "accepted", byName: "E406"}
	var cells []cell
	for _, l := range []struct {
		name string
		lie  func(fs.FileInfo) fs.FileInfo
		want map[string]string
	}{
		{"a byte more", size(func(n int64) int64 { return n + 1 }), wrong},
		{"a byte less", size(func(n int64) int64 { return n - 1 }), wrong},
		{"no size", size(func(int64) int64 { return 0 }), wrong},
		{"the largest size", size(func(int64) int64 { return math.MaxInt64 }), huge},
		{"a negative size", size(func(int64) int64 { return -1 }), wrong},
		{"a second later", when(func(t time.Time) time.Time { return t.Add(time.Second) }), wrong},
		{"a year earlier", when(func(t time.Time) time.Time { return t.AddDate(-1, 0, 0) }), wrong},
		{"no time", when(func(time.Time) time.Time { return time.Unix(0, 0) }), wrong},
		{"a link", mode(fs.ModeSymlink | 0o777), kinds},
		{"a folder", mode(fs.ModeDir | 0o755), kinds},
		{"a device", mode(fs.ModeDevice | 0o644), kinds},
		{"a pipe", mode(fs.ModeNamedPipe | 0o644), kinds},
	} {
		for i, size := range sizes {
			for _, where := range []string{inListing, before, after, byName} {
				cells = append(cells, cell{
					name: l.name + " " + where, size: size.n, want: []string{l.want[where]}, rare: i == 1,
					set: func(sc *scene) {
						sc.look = func(_ *scene, at string, info fs.FileInfo) fs.FileInfo {
							if at == where {
								return l.lie(info)
							}
							return info
						}
					},
				})
			}
		}
	}
	for i, size := range sizes { // a lie that all looks agree on is found by the bytes that come
		for _, by := range []int64{-1, 1, 32 << 10} {
			cells = append(cells, cell{
				name: fmt.Sprintf("%+d bytes everywhere", by), size: size.n, want: []string{"E408"}, rare: i == 1,
				set: func(sc *scene) {
					sc.look = func(_ *scene, _ string, info fs.FileInfo) fs.FileInfo {
						n := info.Size() + by
						return lie{FileInfo: info, size: &n}
					}
				},
			})
		}
	}
	return cells
}

const packetAttrs = 105 // SSH_FXP_ATTRS

// broken are connections that are cut, or go silent, at a packet.
func broken() []cell {
	var cells []cell
	for i, size := range sizes {
		last := 20 + size.n/(32<<10)
		for n := range last {
			cut := []string{"E401"}
			if n == 0 {
				cut = []string{"E402", "E401"} // it let us in, and began nothing
			}
			cells = append(cells,
				cell{
					name: fmt.Sprintf("cut at packet %d", n), size: size.n, want: cut, rare: i == 1 || n%3 != 0,
					set: func(sc *scene) {
						sc.packet = func(_ *scene, at int, p []byte) ([]byte, fate) {
							if at == n {
								return nil, cuts
							}
							return p, passes
						}
					},
				},
				cell{
					name: fmt.Sprintf("cut within packet %d", n), size: size.n, want: cut, rare: i != 2 || n%4 != 1,
					set: func(sc *scene) {
						sc.packet = func(_ *scene, at int, p []byte) ([]byte, fate) {
							if at == n {
								return p[:len(p)/2], cuts
							}
							return p, passes
						}
					},
				},
				cell{
					name: fmt.Sprintf("silent from packet %d", n), size: size.n, want: []string{"E401"}, rare: i != 2 || n%4 != 0, hurry: true,
					set: func(sc *scene) {
						sc.packet = func(_ *scene, at int, p []byte) ([]byte, fate) {
							if at == n {
								return nil, stalls
							}
							return p, passes
						}
					},
				})
		}
		for what, flags := range map[string]uint32{"no attributes": 0, "a size alone": 1} {
			cells = append(cells, cell{
				name: what, size: size.n, want: []string{"E406", "E408", "accepted"}, rare: i == 1,
				set: func(sc *scene) {
					sc.packet = func(_ *scene, _ int, p []byte) ([]byte, fate) { return withFlags(p, flags), passes }
				},
			})
		}
		cells = append(cells, cell{
			name: "an answer that is noise", size: size.n, want: []string{"E401", "E402", "E405", "E408"}, rare: i != 2,
			set: func(sc *scene) {
				sc.packet = func(_ *scene, n int, p []byte) ([]byte, fate) {
					if n == 6 {
						for i := range p[9:] {
							p[9+i] = 0xff
						}
					}
					return p, passes
				}
			},
		})
	}
	return cells
}

// withFlags leaves of a file's attributes only what flags name.
func withFlags(p []byte, flags uint32) []byte {
	if p[4] != packetAttrs {
		return p
	}
	out := append([]byte{}, p[:9]...) // length, type, id
	out = binary.BigEndian.AppendUint32(out, flags)
	if flags&1 != 0 {
		out = append(out, p[13:21]...)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// early are connections that end, or go silent, before the login is through: the
// server's first thousands of bytes are greeting, keys and login.
func early() []cell {
	var cells []cell
	for i, from := range []int64{0, 1, 10, 21, 100, 500, 1000, 1200, 1500, 1800} {
		for _, cut := range []bool{true, false} {
			var seen atomic.Int64
			name := fmt.Sprintf("silent from byte %d", from)
			if cut {
				name = fmt.Sprintf("cut at byte %d", from)
			}
			cells = append(cells, cell{
				name: name, size: 1000, want: []string{"E401"}, rare: !cut && i%3 != 0, hurry: !cut, set: func(*scene) {},
				wire: func(fromServer bool, b []byte) ([]byte, bool) {
					if !fromServer {
						return b, false
					}
					left := max(0, min(int64(len(b)), from-seen.Load()))
					seen.Add(int64(len(b)))
					return b[:left], cut && left < int64(len(b))
				},
			})
		}
	}
	return cells
}

// strangers are names that no drop has, and one that one has.
func strangers() []cell {
	var cells []cell
	for name, want := range map[string]string{
		"../staff.csv": "accepted", "/etc/staff.csv": "accepted", "sub/staff.csv": "accepted", // the library takes the last part: our own file
		"../../passwd.csv": "E406", // and there is none of that name
		`sub\staff.csv`:    "ignored", "..csv": "ignored", ".csv": "ignored", "-rf.csv": "ignored", "a\x00b.csv": "ignored", "a\nb.csv": "ignored",
		"a\x1b[31m.csv": "ignored", "a\u202eb.csv": "ignored", "a\u200bb.csv": "ignored", "\xff\xfe.csv": "ignored",
		strings.Repeat("a", 300) + ".csv": "ignored", "": "ignored", "..": "ignored", ".": "ignored", "zoe\u0308.csv": "E406", "zoë.csv": "E406",
	} {
		cells = append(cells, cell{
			name: fmt.Sprintf("a file called %.20q", name), size: 1000, want: []string{want},
			set: func(sc *scene) {
				sc.look = func(_ *scene, where string, info fs.FileInfo) fs.FileInfo {
					if where == inListing {
						return lie{FileInfo: info, name: &name}
					}
					return info
				}
			},
		})
	}
	return cells
}

// TestServersThatMisbehaveAreNeverBelieved goes through the matrix.
func TestServersThatMisbehaveAreNeverBelieved(t *testing.T) {
	t.Parallel()
	long := proof.Long(0, 1) == 1
	var tried, wrong, naive atomic.Int64
	t.Run("matrix", func(t *testing.T) {
		for _, group := range []struct {
			name  string
			cells []cell
		}{{"bytes", readings()}, {"attributes", lies()}, {"packets", broken()}, {"names", strangers()}, {"login", early()}} {
			for _, c := range group.cells {
				if c.rare && !long {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, %d bytes", group.name, c.name, c.size), func(t *testing.T) {
					t.Parallel()
					sc := newScene(t, c.size)
					c.set(sc)
					o := sc.serve()
					if c.wire != nil {
						o.Port = pipe(t, address(o), c.wire).Port
					}
					clock := ordinary()
					if c.hurry {
						clock = hasty()
					}
					got := sc.visit(o, clock)
					tried.Add(1)
					if got.what == "accepted wrong" {
						wrong.Add(1)
					}
					if !slices.Contains(c.want, got.what) {
						t.Errorf("%s (%s), want one of %v", got.what, got.text, c.want)
					}
					if !c.naive {
						return
					}
					sc = newScene(t, c.size)
					c.set(sc)
					if sc.naive(sc.serve()) {
						naive.Add(1)
					}
				})
			}
		}
	})
	t.Run("afterwards", func(t *testing.T) {
		for _, c := range afterwards {
			for _, what := range []string{"delete", "archive"} {
				for _, lost := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %s, connection lost: %t", c.name, what, lost), func(t *testing.T) {
						t.Parallel()
						tried.Add(1)
						if !c.leftAlone(t, what, lost) {
							wrong.Add(1)
						}
					})
				}
			}
		}
	})
	if naive.Load() == 0 {
		t.Error("the control has believed nobody, so this test proves nothing")
	}
	if wrong.Load() > 0 {
		t.Errorf("%d of %d were accepted wrong", wrong.Load(), tried.Load())
	}
	t.Logf("%d tried, %d accepted wrong; a program that does not compare accepts %d wrong", tried.Load(), wrong.Load(), naive.Load())
	proof.Note(t, "SFTP misbehaviours", proof.Count{What: "tried", N: int(tried.Load())}, proof.Count{What: "accepted wrong", N: int(wrong.Load())},
		proof.Count{What: "accepted wrong without the proof", N: int(naive.Load())})
}

// afterwards is what becomes of a file between its fetching and its putting away.
var afterwards = []change{
	{"it has not changed", func(*scene) error { return nil }, false}, // the control
	{"it has grown", func(sc *scene) error { return os.WriteFile(sc.path, []byte(sc.text+"x"), 0o644) }, true},
	{"it has shrunk", func(sc *scene) error { return os.Truncate(sc.path, 10) }, true},
	{"it was touched", func(sc *scene) error { return os.Chtimes(sc.path, time.Now(), time.Now()) }, true},
	{"another has its name", func(sc *scene) error { sc.replace(strings.Repeat("x", sc.size)); return nil }, true},
	{"it is a link", func(sc *scene) error {
		return errors.Join(os.Rename(sc.path, sc.path+".real"), os.Symlink("staff.csv.real", sc.path))
	}, true},
	{"it is a folder", func(sc *scene) error { return errors.Join(os.Remove(sc.path), os.Mkdir(sc.path, 0o755)) }, true},
}

type change struct {
	name string
	make func(*scene) error
	keep bool // the file has to stay
}

// leftAlone fetches a file, changes it, and tells whether it is put away only
// where it is the one that was fetched.
func (c change) leftAlone(t *testing.T, what string, lost bool) bool {
	sc := newScene(t, 1000)
	o := sc.serve()
	o.After = what
	got := sc.visit(o, ordinary())
	if got.what != "accepted" {
		t.Fatalf("%s (%s), want it accepted", got.what, got.text)
	}
	if err := c.make(sc); err != nil {
		t.Fatal(err)
	}
	if lost {
		got.s.place.(*remote).conn.cut()
	}
	err := got.s.After(t.Context(), got.d)
	_, gone := os.Lstat(sc.path)
	switch {
	case c.keep && (err == nil || !strings.Contains(err.Error(), "has changed since it was fetched")):
		t.Errorf("error = %v, want that it has changed", err)
	case !c.keep && err != nil:
		t.Error(err)
	}
	if stays := gone == nil; stays != c.keep {
		t.Errorf("the file stays: %t, want %t", stays, c.keep)
		return false
	}
	return true
}
