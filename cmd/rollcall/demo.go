package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"rollcall/examples"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/source/sftpd"
	"rollcall/internal/store"
)

// demoCmd is "rollcall demo".
type demoCmd struct{}

// Run implements the command.
func (c *demoCmd) Run(a *app) error {
	if err := a.only("demo"); err != nil {
		return err
	}
	d, err := newDemo(a)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer d.server.Close()
	d.prologue()
	for _, act := range []func() error{d.first, d.second, d.third} {
		if err := act(); err != nil {
			return fmt.Errorf("demo: %w; its folder is %s", err, d.dir)
		}
	}
	d.epilogue()
	return nil
}

// A demo plays HR, and types what an administrator would.
type demo struct {
	app
	dir    string // of everything
	server *sftpd.Server
	today  time.Time
	people []colleague // of the newest whole file
	taken  map[string]bool
	acts   int
	runs   []int64 // numbers of the runs, in their order
}

// newDemo sets the stage: a folder, a server, a configuration.
func newDemo(a *app) (*demo, error) {
	d := &demo{app: *a, today: time.Now(), taken: map[string]bool{}}
	d.Output, d.Yes, d.NoInput = "table", false, true
	err := os.Unsetenv("ROLLCALL_CLOCK") // the files' times are real ones
	if err != nil {
		return nil, err
	}
	if d.dir, err = os.MkdirTemp("", "rollcall-demo-*"); err != nil {
		return nil, err
	}
	for _, folder := range []string{"profiles.d", "hr/outgoing"} {
		if err := os.MkdirAll(filepath.Join(d.dir, folder), 0o700); err != nil {
			return nil, err
		}
	}
	keyFile := filepath.Join(d.dir, "client_key")
	keys, err := sftpd.ClientKey(keyFile)
	if err != nil {
		return nil, err
	}
	const user = "rollcall"
	if d.server, err = sftpd.Start(filepath.Join(d.dir, "hr"), sftpd.Options{User: user, Keys: keys}); err != nil {
		return nil, err
	}
	profile, err := examples.HRCSV(examples.Server{Host: "127.0.0.1", Port: d.server.Port(), User: user, KeyFile: "../client_key", Fingerprint: d.server.Fingerprint()})
	if err == nil {
		d.Config = filepath.Join(d.dir, "rollcall.yaml")
		err = errors.Join(
			os.WriteFile(d.Config, []byte(examples.HRSite), 0o600),
			os.WriteFile(filepath.Join(d.dir, "profiles.d", "hr-csv.yaml"), []byte(profile), 0o600))
	}
	if err != nil {
		return nil, errors.Join(err, d.server.Close())
	}
	return d, nil
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.stdout, format+"\n", args...) }

// act begins one: a heading that can be found again when scrolling.
func (d *demo) act(title string) {
	d.acts++
	head := fmt.Sprintf("━━ %d. %s ", d.acts, title)
	d.say("\n%s%s\n", head, strings.Repeat("━", max(2, 96-len([]rune(head)))))
}

func (d *demo) prologue() {
	d.say(`rollcall keeps a directory of accounts true to what HR says. This demo plays three mornings of a
hospital with 300 people, all of them invented. It takes some ten seconds and asks nothing.

Everything lies in %s
  hr/outgoing/             where HR uploads; an SFTP server in this process serves it on %s
  profiles.d/hr-csv.yaml   where the files come from and what they mean
  state/                   the accounts (SQLite), a copy of each file that was read, the reports

Lines that begin with $ are what you would type.`, d.dir, d.server.Addr())
}

// first reads HR's first file: a plan, then the run.
func (d *demo) first() error {
	d.people = firstDay(d.today, d.taken)
	d.act("The first file: what would it do?")
	d.say("HR has uploaded %s: %d rows for 300 people, one of them twice, and three more rows\nwith a mistake. First only a plan, which changes nothing.\n", d.file(-2), len(d.people))
	if err := d.drop(-2, roll(d.people)); err != nil {
		return err
	}
	if err := d.types("plan", exitDone, (&planCmd{Profile: "hr-csv"}).Run); err != nil {
		return err
	}
	d.act("The same file, for real")
	d.say("The file is fetched over SFTP, planned again, weighed by the guardrails, and applied in one\ntransaction. The report says what HR has to mend.\n")
	return d.types("run", exitWarn, (&runCmd{Profile: "hr-csv"}).Run)
}

// second reads the next day's file, with another beside it that still grows.
func (d *demo) second() error {
	d.act("The next morning")
	d.people = secondDay(d.people, d.today, d.taken)
	d.say("HR has uploaded %s: four people are new, some have moved, one has married, some\nhave left, two mistakes are corrected. Beside it %s is just being uploaded.\n", d.file(-1), d.file(0))
	if err := d.drop(-1, roll(d.people)); err != nil {
		return err
	}
	stop, err := d.upload(d.file(0), d.half())
	if err != nil {
		return err
	}
	err = d.types("run", exitWarn, (&runCmd{Profile: "hr-csv"}).Run)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	d.say("\nWho that was (the reports name nobody; this looks into the accounts):\n")
	if err := d.who(d.runs[len(d.runs)-1]); err != nil {
		return err
	}
	d.say("\nWho has married keeps her username: the profile makes usernames of names, and makes them once.")
	return nil
}

// third finds that the upload has ended half-way.
func (d *demo) third() error {
	before, err := d.active()
	if err != nil {
		return err
	}
	d.act("A morning on which the export broke")
	d.say("The upload has ended. HR's export stopped half-way, and %s has only %d rows.\nTaken at its word, everybody else has left.\n", d.file(0), len(d.half())-1)
	if err := d.types("run", exitHeld, (&runCmd{Profile: "hr-csv"}).Run); err != nil {
		return err
	}
	after, err := d.active()
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("%d accounts were active before the held run, %d are now", before, after)
	}
	d.say("\nNobody has lost access: %d accounts were active before, %d are now.", before, after)
	return nil
}

// half is what a broken export leaves of the newest file.
func (d *demo) half() []string {
	lines := roll(d.people)
	return lines[:1+len(lines)/2]
}

func (d *demo) epilogue() {
	d.act("Now you")
	held := d.runs[len(d.runs)-1]
	cmd := typed(os.Args[0]) + " --config " + quoted(d.Config)
	d.say("The SFTP server ends with this program. Nothing below needs it: a held plan is stored, and is\napplied as it was shown.\n")
	for _, next := range []struct{ why, what string }{
		{"what waits for a decision", "held"},
		{"the file was wrong: drop the plan", fmt.Sprintf(`held reject %d --reason "half of the export is missing"`, held)},
		{"or: it was right, apply it", fmt.Sprintf(`held approve %d --reason "half of the clinic has closed"`, held)},
		{"the accounts", "accounts list"},
		{"what was done when", "runs list"},
		{"every change of the second morning", fmt.Sprintf("runs changes %d", d.runs[len(d.runs)-2])},
		{"one person, step by step", "explain hr-csv " + d.people[10].no},
	} {
		d.say("  # %s\n  %s %s", next.why, cmd, next.what)
	}
	d.say("\nYour own file:  %s init --from FILE.csv\n\nThe folder stays; when you are done:  rm -r %s", typed(os.Args[0]), quoted(d.dir))
}

// goRun finds the places where go run puts what it builds: a temporary folder,
// or Go's cache.
var goRun = regexp.MustCompile(`/go-build[0-9]+/b[0-9]+/exe/[^/]+$|/[0-9a-f]{64}-d/[^/]+$`)

// typed is the program as it was typed.
func typed(arg0 string) string {
	if goRun.MatchString(filepath.ToSlash(arg0)) {
		return "go run ./cmd/rollcall"
	}
	return quoted(arg0)
}

// types runs a command as though it had been typed, and wants its exit code.
func (d *demo) types(word string, want int, command func(*app) error) error {
	d.say("$ rollcall %s hr-csv\n", word)
	err := d.with(command)
	if got := codeOfEnd(err); got != want {
		return errors.Join(fmt.Errorf("rollcall %s ended with exit code %d instead of %d", word, got, want), err)
	}
	d.say("\n(exit code %d: %s)", want, meanings[want])
	return d.with(func(a *app) error {
		r, _, err := a.profile("hr-csv")
		if err != nil {
			return err
		}
		runs, err := r.Store.Runs(a.ctx, "hr-csv", time.Time{}, 1)
		if err == nil && len(runs) > 0 {
			d.runs = append(d.runs, runs[0].Number)
		}
		return err
	})
}

// meanings are the exit codes that the demo comes to.
var meanings = map[int]string{
	exitDone: "done", exitWarn: "applied, with problems in some rows", exitHeld: "held by a guardrail; nothing was applied",
}

// codeOfEnd is the exit code of what a command came to.
func codeOfEnd(err error) int {
	if err == nil {
		return exitDone
	}
	return codeOf(err)
}

// with gives a command what it works with, as the program does for each.
func (d *demo) with(command func(*app) error) error {
	a := d.app
	defer a.close()
	return command(&a)
}

// active counts the accounts that may log in.
func (d *demo) active() (n int, err error) {
	return n, d.with(func(a *app) error {
		r, _, err := a.profile("hr-csv")
		if err != nil {
			return err
		}
		for _, err := range r.Store.Accounts(a.ctx, store.AccountQuery{Status: string(roster.Active)}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
}

// who prints the changes of a run with people's names.
func (d *demo) who(run int64) error {
	return d.with(func(a *app) error {
		r, _, err := a.profile("hr-csv")
		if err != nil {
			return err
		}
		for o, err := range r.Store.Changes(a.ctx, run) {
			if err != nil {
				return err
			}
			if o.Action == plan.Claim {
				continue // on leave: no change to the account
			}
			person, err := r.Store.Account(a.ctx, o.Account)
			if err != nil {
				return err
			}
			v := &person.Values
			d.say("  %-11s %s  %s", o.Action, padded(v[roster.FirstName]+" "+v[roster.LastName], 22), told(&o, v))
		}
		return nil
	})
}

// told is what a change did, in a few words.
func told(o *journal.Outcome, now *roster.Values) string {
	if o.Action == plan.Add {
		return now[roster.Title] + " in " + now[roster.Department] + ", username " + now[roster.Username]
	}
	var parts []string
	if o.Action != plan.Update {
		parts = append(parts, o.Reason)
	}
	for _, f := range o.Fields {
		if field, ok := roster.FieldNamed(f.Name); ok && field < roster.NumFeedFields {
			parts = append(parts, fmt.Sprintf("%s %q → %q", f.Name, f.Old, f.New))
		}
	}
	return strings.Join(parts, " · ")
}

// padded is s and blanks, to a width in characters.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-len([]rune(s))))
}

// file is what HR calls the file of a day, counted from today.
func (d *demo) file(days int) string {
	return "staff_" + d.today.AddDate(0, 0, days).Format("20060102") + ".csv"
}

// drop uploads the whole file of an earlier day, at ten past five.
func (d *demo) drop(days int, lines []string) error {
	path := filepath.Join(d.dir, "hr", "outgoing", d.file(days))
	if err := os.WriteFile(path, text(lines), 0o600); err != nil {
		return err
	}
	y, m, n := d.today.AddDate(0, 0, days).Date()
	at := time.Date(y, m, n, 5, 10, 0, 0, d.today.Location())
	return os.Chtimes(path, at, at)
}

func text(lines []string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// upload lets a file grow, row by row, until stop is called, which writes the
// rest and lets it be.
func (d *demo) upload(name string, lines []string) (stop func() error, err error) {
	f, err := os.OpenFile(filepath.Join(d.dir, "hr", "outgoing", name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	var running sync.WaitGroup
	ended, failed := make(chan struct{}), error(nil)
	written := 0
	running.Go(func() {
		for failed == nil {
			if written < len(lines) {
				_, failed = f.Write(text(lines[written : written+1]))
				written++
			} else {
				failed = os.Chtimes(f.Name(), time.Now(), time.Now()) // the line is slow today
			}
			select {
			case <-ended:
				return
			case <-time.After(40 * time.Millisecond):
			}
		}
	})
	return func() error {
		close(ended)
		running.Wait()
		var rest error
		if written < len(lines) {
			_, rest = f.Write(text(lines[written:]))
		}
		return errors.Join(failed, rest, f.Close())
	}, nil
}
