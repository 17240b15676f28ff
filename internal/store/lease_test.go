package store

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/journal"
	"rollcall/internal/shore"
)

// mustAcquire takes a lease, and gives it back with the test at the latest.
func mustAcquire(t *testing.T, db *DB, profile string) *Lease {
	t.Helper()
	l, err := db.Acquire(t.Context(), profile)
	if err != nil {
		t.Fatalf("lease of %q: %v", profile, err)
	}
	t.Cleanup(func() {
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestAProfileHasOneLeaseAtATimeAndEachTimeAHigherEpoch(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		first := mustAcquire(t, db, "hr-csv")
		if _, err := db.Acquire(t.Context(), "hr-csv"); !errors.Is(err, ErrBusy) {
			t.Errorf("a second lease: got %v, want ErrBusy", err)
		}
		mustAcquire(t, db, "school") // another profile does not wait
		for range 2 {
			if err := first.Release(); err != nil {
				t.Error(err)
			}
		}
		if second := mustAcquire(t, db, "hr-csv"); second.Epoch != first.Epoch+1 {
			t.Errorf("epoch %d after %d, want one more", second.Epoch, first.Epoch)
		}
		var stored int64
		if err := db.gorm.Raw("SELECT epoch FROM lease WHERE profile = 'hr-csv'").Scan(&stored).Error; err != nil || stored != first.Epoch+1 {
			t.Errorf("the database holds epoch %d, %v; want %d", stored, err, first.Epoch+1)
		}
	})
}

func TestTheSweepAndAProfileOfThatNameDoNotBlockEachOther(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		mustAcquire(t, db, "")
		mustAcquire(t, db, "sweep")
		if _, err := db.Acquire(t.Context(), ""); !errors.Is(err, ErrBusy) {
			t.Errorf("a second sweep: got %v, want ErrBusy", err)
		}
	})
}

func TestLeasesDoNotUseUpTheConnections(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for _, profile := range strings.Fields("a b c d e f g h i j k l m n o p q r") {
			mustAcquire(t, db, profile)
		}
		if _, err := db.Held(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLockFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	db, err := Open(t.Context(), Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db"), LockDir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustAcquire(t, db, "hr-csv")
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "hr-csv.lock"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", filepath.Base(path), got, want)
		}
	}
	if _, err := db.Acquire(t.Context(), "../hr-csv"); err == nil {
		t.Error("a profile that is a path was locked")
	}
}

// holdEnv tells a second process of this test binary which lease to take and
// keep: the address of the database and the folder of the locks.
const holdEnv = "ROLLCALL_TEST_HOLD"

// A child has copies of all open files between its fork and its exec.
func TestALeaseIsFreeThoughAChildStillHoldsItsFile(t *testing.T) {
	dir := t.TempDir()
	release, err := lite{}.lock(t.Context(), dir, "hr-csv")
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	copied := false
	for _, f := range open {
		if to, _ := os.Readlink("/proc/self/fd/" + f.Name()); copied || to != filepath.Join(dir, "hr-csv.lock") {
			continue
		}
		fd, _ := strconv.Atoi(f.Name())
		held, err := syscall.Dup(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(held)
		copied = true
	}
	if err := release(); err != nil || !copied {
		t.Fatalf("the lock's file copied: %t; %v", copied, err)
	}
	again, err := lite{}.lock(t.Context(), dir, "hr-csv")
	if err != nil {
		t.Fatalf("after its release: %v", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}

func TestALeaseDiesWithItsProcess(t *testing.T) {
	if held := os.Getenv(holdEnv); held != "" {
		holdForEver(t, held)
	}
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db") },
		"postgres": func(t *testing.T) string { return shore.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{DSN: dsn(t), LockDir: t.TempDir(), Now: time.Now}
			db, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()

			other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestALeaseDiesWithItsProcess$", "-test.timeout=60s")
			other.Env = append(os.Environ(), holdEnv+"="+o.DSN+" "+o.LockDir)
			other.Stderr = os.Stderr
			out, err := other.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
				t.Fatalf("the other process says %q, %v", line, err)
			}
			if _, err := db.Acquire(t.Context(), "hr-csv"); !errors.Is(err, ErrBusy) {
				t.Errorf("while it lives: got %v, want ErrBusy", err)
			}
			if err := other.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = other.Wait() // it was killed

			var l *Lease
			for end := time.Now().Add(10 * time.Second); l == nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if l, err = db.Acquire(t.Context(), "hr-csv"); err != nil && !errors.Is(err, ErrBusy) {
					t.Fatal(err)
				}
			}
			if l == nil {
				t.Fatal("the lease of a killed process was not free within 10 s")
			}
			if l.Epoch != 2 {
				t.Errorf("epoch %d, want 2", l.Epoch)
			}
			if err := l.Release(); err != nil {
				t.Error(err)
			}

			runs, err := db.Runs(t.Context(), "hr-csv", time.Time{}, 0)
			if err != nil || len(runs) != 1 || runs[0].Status != journal.Interrupted {
				t.Errorf("the killed process left %+v, %v; want one interrupted run", runs, err)
			}
		})
	}
}

func holdForEver(t *testing.T, held string) {
	dsn, dir, _ := strings.Cut(held, " ")
	db, err := Open(t.Context(), Options{DSN: dsn, LockDir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := db.Acquire(t.Context(), "hr-csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Begin(t.Context(), &journal.Run{Profile: "hr-csv", Kind: journal.Sync}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("held\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	runtime.KeepAlive(lease) // else its connection is garbage, and closed
	t.Fatal("nobody killed this process")
}

func TestAServerThatIsGoneIsDownAndAfterwardsTheLeaseIsFreeAgain(t *testing.T) {
	server := shore.PostgresServer(t)
	db := openAt(t, server.DSN, time.Now)
	l := mustAcquire(t, db, "hr-csv")
	server.Stop(t)
	for name, try := range map[string]func() error{
		"lease":    func() error { _, err := db.Acquire(t.Context(), "school"); return err },
		"begin":    func() error { return db.Begin(t.Context(), &journal.Run{Kind: journal.Sync}) },
		"runs":     func() error { _, err := db.Held(t.Context()); return err },
		"accounts": func() error { _, err := db.Account(t.Context(), 1); return err },
		"outbox":   func() error { _, err := db.Outstanding(t.Context()); return err },
	} {
		if err := try(); !errors.Is(err, ErrDown) {
			t.Errorf("%s: got %v, want ErrDown", name, err)
		}
	}
	server.Start(t)
	if again := mustAcquire(t, db, "hr-csv"); again.Epoch != l.Epoch+1 {
		t.Errorf("epoch %d after %d, want one more, which fences the first", again.Epoch, l.Epoch)
	}
}

func TestAServerThatTakesTheCallAndSaysNothingIsDown(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	e, err := postgresAt(Options{DSN: "postgres://rollcall@" + mute.Addr().String() + "/rollcall"})
	if err != nil {
		t.Fatal(err)
	}
	e.(server).config.ConnectTimeout = 100 * time.Millisecond
	if _, err := e.lock(t.Context(), "", "hr-csv"); !errors.Is(err, ErrDown) {
		t.Errorf("lease: got %v, want ErrDown", err)
	}
	_, err = pgx.ConnectConfig(t.Context(), e.(server).config)
	if err := e.translate(err); !errors.Is(err, ErrDown) {
		t.Errorf("query: got %v, want ErrDown", err)
	}
}

func TestRunsOfDeadProcessesAreInterruptedAndTheirPlansRemoved(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		dead := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Sync})
		reverting := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Revert})
		other := mustBegin(t, db, journal.Run{Profile: "school", Kind: journal.Sync})
		batch := mustBegin(t, db, journal.Run{Kind: journal.Batch})
		sweep := mustBegin(t, db, journal.Run{Kind: journal.Sweep})
		unbatching := mustBegin(t, db, journal.Run{Kind: journal.Revert})
		held := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Sync})
		held.Status, held.Finished = journal.Held, c.now()
		mustFinish(t, db, held)
		for _, r := range []*journal.Run{dead, other, held} {
			plantChange(t, db, r.Number, planted{account: 7, action: "update"})
			plantProblem(t, db, r.Number, "E120", "error", "x", time.Time{})
		}

		c.advance(time.Minute)
		mustAcquire(t, db, "hr-csv")
		mustAcquire(t, db, "")

		for _, tt := range []struct {
			name  string
			run   *journal.Run
			want  journal.Status
			plans int
		}{
			{"the dead sync", dead, journal.Interrupted, 0},
			{"the dead revert", reverting, journal.Interrupted, 0},
			{"the dead sweep", sweep, journal.Interrupted, 0},
			{"the dead revert of a batch", unbatching, journal.Interrupted, 0},
			{"another profile's run", other, journal.Running, 2},
			{"a change by hand, which has another lease", batch, journal.Running, 0},
			{"the held run", held, journal.Held, 2},
		} {
			r, err := db.Run(t.Context(), tt.run.Number)
			if err != nil {
				t.Fatal(err)
			}
			if n := countOf(t, db, "change", r.Number) + countOf(t, db, "problem", r.Number); r.Status != tt.want || n != tt.plans {
				t.Errorf("%s is %s with %d rows of plan and problems, want %s with %d", tt.name, r.Status, n, tt.want, tt.plans)
			}
		}
		if r, _ := db.Run(t.Context(), dead.Number); !r.Finished.Equal(noon.Add(time.Minute)) || r.Error == "" || r.ExitCode == 0 {
			t.Errorf("the dead run ended at %v with exit %d and %q", r.Finished, r.ExitCode, r.Error)
		}

		c.advance(25 * time.Hour)
		l, err := db.Acquire(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
		if r, _ := db.Run(t.Context(), batch.Number); r.Status != journal.Running {
			t.Errorf("another profile's lease made the batch %s", r.Status)
		}
	})
}

func TestAChangeByHandWhoseProcessDiedIsInterruptedByTheNext(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		batch := mustBegin(t, db, journal.Run{Kind: journal.Batch})
		sync := mustBegin(t, db, journal.Run{Profile: "hr-csv", Kind: journal.Sync})
		mustAcquire(t, db, ByHand)
		for run, want := range map[int64]journal.Status{batch.Number: journal.Interrupted, sync.Number: journal.Running} {
			if r, err := db.Run(t.Context(), run); err != nil || r.Status != want {
				t.Errorf("run %d: got %v, %v; want it %s", run, r, err, want)
			}
		}
	})
}
