package source_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/roster"
	"rollcall/internal/source"
)

const drop = "employee_id,last_name\n1,Kowalska\n2,Núñez\n"

// lay writes a file that has lain there for an hour.
func lay(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	age(t, path, time.Hour)
}

func age(t *testing.T, path string, d time.Duration) {
	t.Helper()
	at := time.Now().Add(-d)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, o source.Options) source.Source {
	t.Helper()
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatalf("options of the test: %v", faults[0])
	}
	s, err := source.Open(t.Context(), o, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func folder(dir, glob string) source.Options {
	o := source.Defaults()
	o.Type, o.Path, o.Settle = "dir", dir+"/"+glob, 50*time.Millisecond
	return o
}

func list(t *testing.T, s source.Source) source.Listing {
	t.Helper()
	l, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func names(files []source.File) string {
	var n []string
	for _, f := range files {
		n = append(n, f.Name)
	}
	return strings.Join(n, " ")
}

// wantRefusal fails unless err is a refusal with code, and answers with its text.
func wantRefusal(t *testing.T, err error, code string) string {
	t.Helper()
	r, ok := errors.AsType[*roster.Refusal](err)
	if !ok || r.Code != code {
		t.Fatalf("error = %v, want a refusal %s", err, code)
	}
	return r.Error()
}

// wantCopy fails unless d is a private copy of text.
func wantCopy(t *testing.T, d roster.Drop, text string) {
	t.Helper()
	got, err := os.ReadFile(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	if string(got) != text || d.Size != int64(len(text)) || d.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("copy of %d bytes, size %d, hash %s; want %d bytes, hash %x", len(got), d.Size, d.SHA256, len(text), sum)
	}
	if info, err := os.Stat(d.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the copy = %v (%v), want 0600", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(d.Path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the spool = %v (%v), want 0700", info.Mode(), err)
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%d files are left in the spool, the first %s; want none", len(left), left[0].Name())
	}
}

func TestAFolderListsOldestFirst(t *testing.T) {
	dir := t.TempDir()
	for name, d := range map[string]time.Duration{"staff_c.csv": 3 * time.Hour, "staff_b.csv": time.Hour, "staff_a.csv": 2 * time.Hour, "other.csv": time.Hour, "staff_d.csv.part": time.Hour} {
		lay(t, filepath.Join(dir, name), drop)
		age(t, filepath.Join(dir, name), d)
	}
	l := list(t, open(t, folder(dir, "staff_*.csv")))
	if got, want := names(l.Files), "staff_c.csv staff_a.csv staff_b.csv"; got != want {
		t.Errorf("files = %s, want %s", got, want)
	}
	if len(l.Ignored) > 0 {
		t.Errorf("ignored = %q, want nothing: what does not match is nobody's business", l.Ignored)
	}
}

func TestLinksFoldersPipesAndStrangeNamesAreIgnoredWithALine(t *testing.T) {
	dir := t.TempDir()
	lay(t, filepath.Join(dir, "good.csv"), drop)
	for _, name := range []string{".hidden.csv", "-rf.csv", "a\x1b[2Jb.csv", "bad\xff.csv", "bidi\u202ecsv.csv"} {
		lay(t, filepath.Join(dir, name), drop)
	}
	err := errors.Join(
		os.Symlink(filepath.Join(dir, "good.csv"), filepath.Join(dir, "link.csv")),
		os.Mkdir(filepath.Join(dir, "folder.csv"), 0o755),
		syscall.Mkfifo(filepath.Join(dir, "pipe.csv"), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	l := list(t, open(t, folder(dir, "*.csv")))
	if got := names(l.Files); got != "good.csv" {
		t.Errorf("files = %s, want good.csv alone", got)
	}
	if len(l.Ignored) != 8 {
		t.Errorf("ignored = %d lines, want 8: %q", len(l.Ignored), l.Ignored)
	}
	for _, line := range l.Ignored {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == '\u202e' || r == '\ufffd' }) {
			t.Errorf("line %q repeats a control character", line)
		}
	}
}

func TestAMissingFolderIsRefusedByName(t *testing.T) {
	s := open(t, folder(filepath.Join(t.TempDir(), "nowhere"), "*.csv"))
	_, err := s.List(t.Context())
	if text := wantRefusal(t, err, "E405"); !strings.Contains(text, "nowhere") {
		t.Errorf("error = %q, want the folder's name in it", text)
	}
}

func TestAnEmptyFolderHasNoDrop(t *testing.T) {
	s := open(t, folder(t.TempDir(), "*.csv"))
	_, _, err := s.Settled(t.Context(), list(t, s).Files, time.Second)
	if !errors.Is(err, source.ErrNoDrop) {
		t.Errorf("error = %v, want ErrNoDrop", err)
	}
}

func TestAFolderWithTooManyNamesIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 100,001 files")
	}
	dir, err := os.MkdirTemp("/dev/shm", "rollcall-names-") // in memory where there is such a place
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := open(t, folder(dir, "*.csv"))
	for i := range 100_000 {
		if err := os.Symlink("nowhere", filepath.Join(dir, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	list(t, s)
	lay(t, filepath.Join(dir, "staff.csv"), drop)
	_, err = s.List(t.Context())
	wantRefusal(t, err, "E411")
}

func TestAnOldFileSettlesAfterTwoLooks(t *testing.T) {
	dir := t.TempDir()
	lay(t, filepath.Join(dir, "staff.csv"), drop)
	o := folder(dir, "*.csv")
	o.Settle = 10 * time.Minute
	s := open(t, o)
	began := time.Now()
	settled, growing, err := s.Settled(t.Context(), list(t, s).Files, 5*time.Second)
	if err != nil || names(settled) != "staff.csv" || len(growing) > 0 {
		t.Fatalf("settled %s, growing %s, error %v; want staff.csv settled", names(settled), names(growing), err)
	}
	if d := time.Since(began); d < 2*time.Second || d > 4*time.Second {
		t.Errorf("it took %s, want two looks 2 s apart", d)
	}
}

func TestAFileFromTheFutureHasToBeSeenStandingStill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "staff.csv")
	lay(t, path, drop)
	age(t, path, -time.Hour)
	o := folder(dir, "*.csv")
	o.Settle = 300 * time.Millisecond
	s := open(t, o)
	began := time.Now()
	if _, _, err := s.Settled(t.Context(), list(t, s).Files, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d < o.Settle {
		t.Errorf("settled after %s, want at least %s", d, o.Settle)
	}
}

// grow appends to a file until the test ends.
func grow(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer f.Close()
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				if _, err := f.WriteString("3,Okafor\n"); err != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

func TestAGrowingFileIsRefusedWhenPatienceEnds(t *testing.T) {
	dir := t.TempDir()
	grow(t, filepath.Join(dir, "staff.csv"))
	o := folder(dir, "*.csv")
	o.Settle = time.Second // on a busy machine even what grows may stand still for a moment
	s := open(t, o)
	_, growing, err := s.Settled(t.Context(), list(t, s).Files, 1500*time.Millisecond)
	if text := wantRefusal(t, err, "E406"); !strings.Contains(text, "staff.csv") {
		t.Errorf("error = %q, want the file's name in it", text)
	}
	if names(growing) != "staff.csv" {
		t.Errorf("growing = %s, want staff.csv", names(growing))
	}
}

func TestAFileThatGrowsDoesNotHoldUpAnother(t *testing.T) {
	dir := t.TempDir()
	lay(t, filepath.Join(dir, "monday.csv"), drop)
	grow(t, filepath.Join(dir, "tuesday.csv"))
	o := folder(dir, "*.csv")
	o.Settle = time.Second
	s := open(t, o)
	settled, growing, err := s.Settled(t.Context(), list(t, s).Files, 5*time.Second)
	if err != nil || names(settled) != "monday.csv" || names(growing) != "tuesday.csv" {
		t.Errorf("settled %s, growing %s, error %v; want monday.csv settled and tuesday.csv growing", names(settled), names(growing), err)
	}
}

func TestAMarkerSettlesItsFileAlone(t *testing.T) {
	for _, marker := range []string{"staff.csv.gz.done", "staff.csv.done", "staff.done"} {
		t.Run(marker, func(t *testing.T) {
			dir := t.TempDir()
			grow(t, filepath.Join(dir, "other.csv.gz"))
			lay(t, filepath.Join(dir, "staff.csv.gz"), drop)
			lay(t, filepath.Join(dir, marker), "")
			age(t, filepath.Join(dir, marker), time.Minute)
			o := folder(dir, "*")
			o.Ready, o.Settle = "*.done", time.Hour
			s := open(t, o)
			files := list(t, s).Files
			if slices.ContainsFunc(files, func(f source.File) bool { return f.Name == marker }) {
				t.Error("the marker is listed as a drop")
			}
			settled, growing, err := s.Settled(t.Context(), files, time.Second)
			if err != nil || names(settled) != "staff.csv.gz" || names(growing) != "other.csv.gz" {
				t.Errorf("settled %s, growing %s, error %v; want the marked one settled", names(settled), names(growing), err)
			}
		})
	}
}

func TestYesterdaysMarkerSettlesNothing(t *testing.T) {
	dir := t.TempDir()
	lay(t, filepath.Join(dir, "staff.csv"), drop)
	lay(t, filepath.Join(dir, "staff.done"), "")
	age(t, filepath.Join(dir, "staff.done"), 24*time.Hour)
	o := folder(dir, "*.csv")
	o.Ready = "*.done"
	s := open(t, o)
	_, _, err := s.Settled(t.Context(), list(t, s).Files, 200*time.Millisecond)
	if text := wantRefusal(t, err, "E406"); !strings.Contains(text, "marker") {
		t.Errorf("error = %q, want it to speak of the marker", text)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	grow(t, filepath.Join(dir, "staff.csv"))
	o := folder(dir, "*.csv")
	o.Settle = time.Minute
	s := open(t, o)
	files := list(t, s).Files
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, _, err := s.Settled(ctx, files, time.Hour)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
		t.Errorf("error = %v after %s, want the context's at once", err, time.Since(began))
	}
}

func TestADropOfAFolderIsCopiedAndHashed(t *testing.T) {
	dir, spool := t.TempDir(), filepath.Join(t.TempDir(), "spool")
	lay(t, filepath.Join(dir, "staff.csv"), drop)
	s := open(t, folder(dir, "*.csv"))
	f := list(t, s).Files[0]
	d, err := s.Fetch(t.Context(), f, spool)
	if err != nil {
		t.Fatal(err)
	}
	wantCopy(t, d, drop)
	if d.Source != "dir" || d.Name != "staff.csv" || d.Remote != filepath.Join(dir, "staff.csv") || !d.Modified.Equal(f.Modified) {
		t.Errorf("drop = %+v", d)
	}
	twin, err := s.Fetch(t.Context(), f, spool)
	if err != nil || twin.Path == d.Path {
		t.Errorf("a second copy: %v, at %s; want its own name", err, twin.Path)
	}
}

func TestWhatIsWrongWithOurOwnSpoolIsNotBlamedOnTheSource(t *testing.T) {
	dir := t.TempDir()
	lay(t, filepath.Join(dir, "staff.csv"), drop)
	s := open(t, folder(dir, "*.csv"))
	_, err := s.Fetch(t.Context(), list(t, s).Files[0], "/proc/no-spool") // nobody can make a folder there
	if refused, ok := errors.AsType[*roster.Refusal](err); ok || err == nil || !strings.HasPrefix(err.Error(), "spool: ") {
		t.Errorf("error = %v (%v), want one of the spool and none of the source", err, refused)
	}
}

// asNobody runs a test once more in a process of nobody's, where this one is root's, who
// may read everything. It tells whether it did.
func asNobody(t *testing.T) bool {
	t.Helper()
	const nobody = 65534
	if os.Geteuid() != 0 {
		return false
	}
	at, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(at) // it lies where nobody may not go
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	self := filepath.Join(dir, "source.test")
	if err := errors.Join(os.WriteFile(self, program, 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	said, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("root may read everything, and becomes nobody else here: %v", err)
	}
	if err != nil || !strings.Contains(string(said), "--- PASS: "+t.Name()) {
		t.Fatalf("as nobody: %v\n%s", err, said)
	}
	return true
}

func TestAFileThatMayNotBeReadIsRefusedByItsName(t *testing.T) {
	if asNobody(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "staff.csv")
	lay(t, path, drop)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := source.Local(t.Context(), path, t.TempDir(), 1<<20)
	wantRefusal(t, err, "E405")
}

func TestAFileThatChangedSinceItWasListedIsNotTaken(t *testing.T) {
	dir, spool := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "staff.csv")
	lay(t, path, drop)
	s := open(t, folder(dir, "*.csv"))
	f := list(t, s).Files[0]
	lay(t, path, drop+"3,Okafor\n")
	_, err := s.Fetch(t.Context(), f, spool)
	wantRefusal(t, err, "E406")
	wantEmpty(t, spool)
}

func TestAFileThatBecameALinkIsNotFollowed(t *testing.T) {
	dir, spool := t.TempDir(), t.TempDir()
	path, secret := filepath.Join(dir, "staff.csv"), filepath.Join(t.TempDir(), "secret")
	lay(t, path, drop)
	lay(t, secret, drop)
	s := open(t, folder(dir, "*.csv"))
	f := list(t, s).Files[0]
	if err := errors.Join(os.Remove(path), os.Symlink(secret, path)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Fetch(t.Context(), f, spool)
	wantRefusal(t, err, "E411")
	wantEmpty(t, spool)
}

func TestATooLargeFileIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		max  int64
		ok   bool
	}{
		{"one byte too many", int64(len(drop)) - 1, false},
		{"just as many", int64(len(drop)), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, spool := t.TempDir(), t.TempDir()
			lay(t, filepath.Join(dir, "staff.csv"), drop)
			o := folder(dir, "*.csv")
			o.MaxSize = tt.max
			s := open(t, o)
			_, err := s.Fetch(t.Context(), list(t, s).Files[0], spool)
			if tt.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, "E411")
			wantEmpty(t, spool)
		})
	}
}

func TestADiskWithoutRoomIsNoticedBefore(t *testing.T) {
	dir, spool := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "staff.csv")
	lay(t, path, drop)
	if err := os.Truncate(path, 1<<43); err != nil {
		t.Skipf("this file system has no sparse file of 8 TiB: %v", err)
	}
	o := folder(dir, "*.csv")
	o.MaxSize = 1 << 50
	s := open(t, o)
	_, err := s.Fetch(t.Context(), list(t, s).Files[0], spool)
	if err == nil || !strings.Contains(err.Error(), "free some disk space") {
		t.Errorf("error = %v, want it to ask for disk space", err)
	}
	if _, ok := errors.AsType[*roster.Refusal](err); ok {
		t.Error("a full disk is no fault of the drop")
	}
	wantEmpty(t, spool)
}

func TestADiskThatFillsUpLeavesNoTemporaryFile(t *testing.T) {
	dir, spool := t.TempDir(), t.TempDir()
	lay(t, filepath.Join(dir, "staff.csv"), strings.Repeat(drop, 100_000))
	s := open(t, folder(dir, "*.csv"))
	f := list(t, s).Files[0]

	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Fetch(t.Context(), f, spool)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err == nil || !strings.Contains(err.Error(), "free some disk space") {
		t.Errorf("error = %v, want it to ask for disk space", err)
	}
	wantEmpty(t, spool)
}

func TestAfterPutsTheDropAway(t *testing.T) {
	for _, tt := range []struct {
		after, moveTo string
		want          string // what lies in the folder then
	}{
		{"keep", "", "staff.csv staff.csv.done"},
		{"delete", "", ""},
		{"archive", "", "done/staff.csv done/staff.csv.done"},
		{"archive", "old", "old/staff.csv old/staff.csv.done"},
	} {
		t.Run(tt.after+tt.moveTo, func(t *testing.T) {
			dir := t.TempDir()
			o := folder(dir, "*.csv")
			o.After, o.MoveTo, o.Ready = tt.after, tt.moveTo, "*.done"
			s := open(t, o)
			lay(t, filepath.Join(dir, "staff.csv"), drop)
			lay(t, filepath.Join(dir, "staff.csv.done"), "")
			d, err := s.Fetch(t.Context(), list(t, s).Files[0], t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time there is nothing left to do
				if err := s.After(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			if got := tree(t, dir); got != tt.want {
				t.Errorf("left = %q, want %q", got, tt.want)
			}
		})
	}
}

// tree is the files below dir.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, " ")
}

func TestArchiveOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	o := folder(dir, "*.csv")
	o.After = "archive"
	s := open(t, o)
	for range 3 {
		lay(t, filepath.Join(dir, "staff.csv"), drop)
		d, err := s.Fetch(t.Context(), list(t, s).Files[0], t.TempDir())
		if err == nil {
			err = s.After(t.Context(), d)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Fields(tree(t, dir)); len(got) != 3 {
		t.Errorf("archive = %q, want three files", got)
	}
}

func TestAfterLeavesAChangedFileAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "staff.csv")
	o := folder(dir, "*.csv")
	o.After = "delete"
	s := open(t, o)
	lay(t, path, drop)
	d, err := s.Fetch(t.Context(), list(t, s).Files[0], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	lay(t, path, strings.ToUpper(drop))
	age(t, path, time.Minute)
	if err := s.After(t.Context(), d); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("error = %v, want it to say that the file has changed", err)
	}
	if tree(t, dir) != "staff.csv" {
		t.Error("the new file is gone")
	}
}

func TestLocalCopiesTheFileThatAPersonNames(t *testing.T) {
	dir, spool := t.TempDir(), t.TempDir()
	path, link := filepath.Join(dir, "staff.csv"), filepath.Join(dir, "link.csv")
	lay(t, path, drop)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		d, err := source.Local(t.Context(), p, spool, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		wantCopy(t, d, drop)
		if d.Source != "file" || d.Remote != "" || d.Name != filepath.Base(p) {
			t.Errorf("drop = %+v", d)
		}
	}
}

func TestKnownIsOnlyAFileWithThoseBytes(t *testing.T) {
	dir, sum := t.TempDir(), fmt.Sprintf("%x", sha256.Sum256([]byte(drop)))
	path, other, pipe := filepath.Join(dir, "staff.csv"), filepath.Join(dir, "other.csv"), filepath.Join(dir, "pipe")
	lay(t, path, drop)
	lay(t, other, strings.Repeat("x", len(drop)))
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	d, ok := source.Known(t.Context(), path, int64(len(drop)), sum)
	if !ok || d.Path != "" || d.Name != "staff.csv" || d.Source != "file" || d.SHA256 != sum || d.Modified.IsZero() {
		t.Errorf("the same bytes: %v, %+v", ok, d)
	}
	for _, p := range []string{other, pipe, dir, filepath.Join(dir, "missing")} {
		if d, ok := source.Known(t.Context(), p, int64(len(drop)), sum); ok {
			t.Errorf("%s is known: %+v", filepath.Base(p), d)
		}
	}
}

// TestKnownReadsNoMoreThanTheFileHad takes for a file that grows while it is read one of
// the kernel's own, which says that it is empty.
func TestKnownReadsNoMoreThanTheFileHad(t *testing.T) {
	const growing = "/proc/version"
	content, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := source.Known(t.Context(), growing, 0, fmt.Sprintf("%x", sha256.Sum256(content))); ok {
		t.Error("more was read than the file had")
	}
}

func TestLocalSaysWhatIsWrongWithThePath(t *testing.T) {
	dir, spool := t.TempDir(), t.TempDir()
	_, err := source.Local(t.Context(), filepath.Join(dir, "staff.csv"), spool, 1<<20)
	wantRefusal(t, err, "E405")

	if _, err := source.Local(t.Context(), dir, spool, 1<<20); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("error of a folder = %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Local(t.Context(), pipe, spool, 1<<20); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error of a pipe = %v", err)
	}
	lay(t, filepath.Join(dir, "big.csv"), drop)
	_, err = source.Local(t.Context(), filepath.Join(dir, "big.csv"), spool, 3)
	wantRefusal(t, err, "E411")
	wantEmpty(t, spool)
}

func TestLocalEndsWithItsContext(t *testing.T) {
	spool := t.TempDir()
	path := filepath.Join(t.TempDir(), "staff.csv")
	lay(t, path, drop)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Local(ctx, path, spool, 1<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the context's", err)
	}
	wantEmpty(t, spool)
}
