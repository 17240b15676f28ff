package run_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// outgoing is HR's server, with a folder that drops are put into.
type outgoing struct {
	*shore.SSH
	*site
	dir string
}

// remote gives a site an OpenSSH server to read from.
func remote(t *testing.T, s *site) *outgoing {
	t.Helper()
	o := &outgoing{SSH: shore.SSHD(t), site: s}
	o.dir = filepath.Join(o.SSH.Dir, "outgoing")
	if err := os.Mkdir(o.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	o.Give(t, o.dir)
	return o
}

// feed is a profile that reads HR's server.
func (o *outgoing) feed(name string, more ...func(*run.Profile)) *run.Profile {
	host, port, err := net.SplitHostPort(o.Addr)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.site.feed(name, append([]func(*run.Profile){func(p *run.Profile) {
		p.Source = source.Defaults()
		p.Source.Type, p.Source.Host, p.Source.Path, p.Source.Settle = "sftp", host, "outgoing/"+name+"-*.csv*", 40*time.Millisecond
		p.Source.Port, _ = strconv.Atoi(port)
		p.Source.User, p.Source.Key, p.Source.HostKeys = o.User, secret.Ref{File: o.KeyFile}, []string{o.Fingerprint}
	}}, more...)...)
}

// put writes a file into HR's folder, an hour older than now.
func (o *outgoing) put(name string, lines ...string) string {
	o.t.Helper()
	o.pass(24 * time.Hour)
	return o.write(name, []byte(strings.Join(lines, "\n")+"\n"))
}

func (o *outgoing) write(name string, data []byte) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		o.t.Fatal(err)
	}
	at := o.now().Add(-time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// lists is what lies in a folder, without its folders.
func lists(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// spoolIsEmpty checks that nothing of a drop stays behind.
func (s *site) spoolIsEmpty(p *run.Profile) {
	s.t.Helper()
	if left := lists(s.t, filepath.Join(s.State, "spool", p.Name)); left != "" {
		s.t.Errorf("left in the spool: %s", left)
	}
}

// notes are the texts of a run's notes.
func (s *site) notes(j *journal.Run) string {
	s.t.Helper()
	var texts []string
	for p, err := range s.Store.Problems(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		if p.Severity == roster.SeverityNote {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n")
}

func TestTheRemoteFileIsMovedOnceItsRunIsApplied(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		hr := remote(t, s)
		p := hr.feed("hr", func(p *run.Profile) { p.Source.After = "archive" })
		done := filepath.Join(hr.dir, "done")

		hr.put("hr-1.csv", people(60)...)
		first := s.run(p, journal.OK)
		if lists(t, hr.dir) != "" || lists(t, done) != "hr-1.csv" {
			t.Errorf("applied: %q waits, %q is done", lists(t, hr.dir), lists(t, done))
		}
		if first.Input.Source != "sftp" || first.Input.Name != "hr-1.csv" {
			t.Errorf("input %+v", first.Input)
		}
		ours, err := os.ReadFile(filepath.Join(s.State, first.Input.Archive))
		theirs, _ := os.ReadFile(filepath.Join(done, "hr-1.csv"))
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("the archive does not hold what was read: %v", err)
		}
		s.spoolIsEmpty(p)

		hr.put("hr-2.csv", people(30)...)
		held := s.run(p, journal.Held)
		if lists(t, hr.dir) != "hr-2.csv" {
			t.Errorf("held: %q waits, want hr-2.csv", lists(t, hr.dir))
		}
		s.spoolIsEmpty(p)
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Who: "ada", Reason: "they have left"}); err != nil {
			t.Fatal(err)
		}
		if lists(t, hr.dir) != "" || lists(t, done) != "hr-1.csv hr-2.csv" {
			t.Errorf("approved: %q waits, %q is done", lists(t, hr.dir), lists(t, done))
		}

		hr.put("hr-3.csv", "no,such,columns", "1,2,3")
		if j := s.run(p, journal.Failed); j.ExitCode != 12 || lists(t, hr.dir) != "hr-3.csv" {
			t.Errorf("failed: exit %d, %q waits", j.ExitCode, lists(t, hr.dir))
		}
		s.spoolIsEmpty(p)
	})
}

func TestPickNewestLeavesOlderAndGrowingFilesAloneAndSaysSo(t *testing.T) {
	s := open(t, "sqlite")
	hr := remote(t, s)
	p := hr.feed("hr", func(p *run.Profile) { p.Source.After = "archive" })
	hr.put("hr-1.csv", people(10)...)
	hr.put("hr-2.csv", people(11)...)
	stop := grow(t, filepath.Join(hr.dir, "hr-3.csv"))
	j := s.run(p, journal.OK)
	stop()
	if j.Input.Name != "hr-2.csv" || lists(t, hr.dir) != "hr-1.csv hr-3.csv" {
		t.Errorf("%s was read, %q waits", j.Input.Name, lists(t, hr.dir))
	}
	for _, want := range []string{`"hr-3.csv" is still growing`, `"hr-1.csv" is older than the drop that was read`} {
		if !strings.Contains(s.notes(j), want) {
			t.Errorf("no note says %s: %s", want, s.notes(j))
		}
	}
}

// grow writes to a file until the answer is called.
func grow(t *testing.T, path string) (stop func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(header + "\n"); err != nil {
		t.Fatal(err)
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer f.Close()
		for {
			select {
			case <-quit:
				return
			case <-time.After(2 * time.Millisecond):
				_, _ = f.WriteString("E1,u1,A,B,a@example.org,,,\n")
			}
		}
	}()
	return func() { close(quit); <-gone }
}

func TestAFileIsReadOnceItsMarkerIsThere(t *testing.T) {
	s := open(t, "sqlite")
	hr := remote(t, s)
	p := hr.feed("hr", func(p *run.Profile) {
		p.Source.Ready, p.Source.After, p.Source.Path = "*.done", "archive", "outgoing/hr-*.csv"
	})
	hr.put("hr-1.csv", people(10)...)
	hr.write("hr-1.csv.done", nil)
	hr.put("hr-2.csv", people(12)...)
	if j := s.run(p, journal.OK); j.Input.Name != "hr-1.csv" || j.Facts.Rows.Added != 10 {
		t.Errorf("%s was read, %d added", j.Input.Name, j.Facts.Rows.Added)
	}
	if got := lists(t, hr.dir); got != "hr-2.csv" {
		t.Errorf("%q waits: the marker goes with its file", got)
	}
	hr.write("hr-2.done", nil)
	if j := s.run(p, journal.OK); j.Input.Name != "hr-2.csv" || j.Facts.Rows.Added != 2 {
		t.Errorf("%s was read, %d added", j.Input.Name, j.Facts.Rows.Added)
	}
}

func TestR104PickAllAppliesEachDropInItsOrder(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		hr := remote(t, s)
		p := hr.feed("hr", func(p *run.Profile) {
			p.Source.Pick, p.Format.Content, p.Plan.Full, p.Plan.Policy.Missing = "all", "delta", false, "keep"
		})
		hr.put("hr-c.csv", header, person("1", "u1"))
		hr.put("hr-a.csv", header, person("1", "u1", "ICU"), person("2", "u2"))
		hr.put("hr-b.csv", header, person("1", "u1", "Lab"))
		all, err := s.RunAll(t.Context(), run.Request{Profile: p})
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, j := range all {
			order = append(order, j.Input.Name+" "+string(j.Status))
		}
		if got := strings.Join(order, ", "); got != "hr-c.csv ok, hr-a.csv ok, hr-b.csv ok" {
			t.Errorf("runs: %s", got)
		}
		if a := s.account("key:1"); a.Values[roster.Department] != "Lab" {
			t.Errorf("department %q, want that of the last drop", a.Values[roster.Department])
		}
		if all, err := s.RunAll(t.Context(), run.Request{Profile: p}); len(all) != 0 || !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("again: %d runs, %v", len(all), err)
		}
	})
}

func TestAGzipDropIsRead(t *testing.T) {
	s := open(t, "sqlite")
	hr := remote(t, s)
	p := hr.feed("hr")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(strings.Join(people(25), "\n") + "\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	hr.write("hr-1.csv.gz", packed.Bytes())
	if j := s.run(p, journal.OK); j.Facts.Rows.Added != 25 || !strings.HasSuffix(j.Input.Archive, "-hr-1.csv.gz") {
		t.Errorf("%d added, archived as %s", j.Facts.Rows.Added, j.Input.Archive)
	}
}

func TestAServerThatIsNotWhoItShouldBeOrNotThereIsAFailedRun(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		hr, other := remote(t, s), shore.SSHD(t)
		p := hr.feed("hr")
		hr.put("hr-1.csv", people(10)...)
		good := p.Source
		fails := func(code, want string) {
			t.Helper()
			j := s.run(p, journal.Failed)
			if j.Code != code || j.ExitCode != 12 || !strings.Contains(j.Error, want) || strings.Contains(j.Error, "\n") {
				t.Errorf("code %s, exit %d, %q; want %s, 12 and %q", j.Code, j.ExitCode, j.Error, code, want)
			}
			s.reported(j)
			s.spoolIsEmpty(p)
		}

		p.Source.HostKeys = []string{other.Fingerprint}
		fails("E403", "no login was sent")
		p.Source = good
		p.Source.Key = secret.Ref{File: other.KeyFile}
		fails("E402", "")
		p.Source = good
		hr.Stop(t)
		fails("E401", "")
		hr.Start(t)
		if _, err := s.Store.Named(t.Context(), "user0"); !errors.Is(err, store.ErrNone) {
			t.Error("a run that failed has added somebody")
		}
		s.run(p, journal.OK)
	})
}

// reported checks that the files of a run are there, and whole.
func (s *site) reported(j *journal.Run) {
	s.t.Helper()
	for _, suffix := range []string{".html", ".json", ".results.csv", ".problems.csv"} {
		path := filepath.Join(s.State, "reports", strconv.FormatInt(j.Number, 10)+suffix)
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			s.t.Errorf("report of a run that is %s: %v, %d bytes", j.Status, err, len(data))
		}
		if suffix == ".json" && !strings.Contains(string(data), `"status": "`+string(j.Status)+`"`) {
			s.t.Errorf("reports/%d.json does not say %s", j.Number, j.Status)
		}
	}
}
