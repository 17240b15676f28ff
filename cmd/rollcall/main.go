// Command rollcall keeps a directory of accounts true to what HR says.
//
// There is one file for each command, one table of commands (below), one of
// exit codes (exit.go), and one function that wires everything (wire.go).
// No rule of the domain stands here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"rollcall/internal/run"
)

// Set by the linker.
var (
	version = "dev"
	commit  = "unknown"
	date    = "unknown"
)

// globals stand before or after any command's own arguments.
type globals struct {
	Config  string `help:"The site's rollcall.yaml." placeholder:"FILE" env:"ROLLCALL_CONFIG"`
	Output  string `short:"o" help:"How lists and reports are written: table, json or csv." enum:"table,json,csv" default:"table"`
	NoColor bool   `help:"No colours."`
	Quiet   bool   `short:"q" help:"Only errors on stderr, and of a run one line."`
	Verbose bool   `short:"v" help:"More on stderr."`
	Yes     bool   `help:"Do not ask."`
	NoInput bool   `help:"Never ask; what would need an answer fails."`
}

// commands is the table of commands.
type commands struct {
	globals

	Serve    serveCmd    `cmd:"" help:"The daemon: schedule, sweep, outbox."`
	Run      runCmd      `cmd:"" help:"Fetch, plan, judge, apply, report."`
	Plan     planCmd     `cmd:"" help:"Show what a run would do, and keep the plan."`
	Apply    applyCmd    `cmd:"" help:"Carry out a stored plan."`
	Held     heldCmd     `cmd:"" help:"Plans that wait for a person."`
	Runs     runsCmd     `cmd:"" help:"What was done, and taking it back."`
	Report   reportCmd   `cmd:"" help:"The mail about a run."`
	Outbox   outboxCmd   `cmd:"" help:"Mails that have not been delivered."`
	Accounts accountsCmd `cmd:"" help:"The directory."`
	Catalog  catalogCmd  `cmd:"" help:"What rows may name: cohorts, courses, roles and the like."`
	Explain  explainCmd  `cmd:"" help:"One person, step by step."`
	Sweep    sweepCmd    `cmd:"" help:"Apply the start and end dates that are due."`
	Init     initCmd     `cmd:"" help:"Write a commented profile from a sample."`
	Validate validateCmd `cmd:"" help:"Check the configuration."`
	Doctor   doctorCmd   `cmd:"" help:"Connect for real, and change nothing."`
	Status   statusCmd   `cmd:"" help:"One screen."`
	Hostkey  hostkeyCmd  `cmd:"" help:"Ask an SFTP server for its host keys."`
	Demo     demoCmd     `cmd:"" help:"Everything at once, in a temporary folder."`
	Help     helpCmd     `cmd:"" help:"Help on a command, a topic or a code like E112."`
	Version  versionCmd  `cmd:"" help:"Which rollcall this is."`

	commandsLater
}

// garbage is how much of it may gather, in percent of what is in use: with 100, Go's own
// measure, a mixed day with a million people in scattered order takes more than 64 MiB.
const garbage = 60

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(program(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// program is all of it: arguments in, an exit code of the contract out.
func program(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if crash := recover(); crash != nil {
			fmt.Fprintf(stderr, "rollcall: crashed, and changed nothing that is not in the journal: %v\n", crash)
			code = exitFailed
		}
	}()
	line := &screen{w: stderr}
	stderr = line
	out := &outlet{w: stdout}
	stdout = out
	ctx, stop, signalled := signals(stderr)
	defer stop()

	var c commands
	helped := false
	parser, err := kong.New(&c, kong.Name("rollcall"), kong.UsageOnError(),
		kong.Description("Keeps a directory of accounts true to what HR says."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
	if err != nil {
		fmt.Fprintln(stderr, "rollcall:", err)
		return exitFailed
	}
	args = commandLine(args)
	parsed, err := parser.Parse(args)
	a := &app{ctx: ctx, globals: c.globals, stdin: stdin, stdout: stdout, stderr: stderr, screen: line, model: parser}
	if helped || out.err != nil { // --help has been printed, as far as it could be
		return a.printed(exitDone, out.lost())
	}
	if err != nil {
		fmt.Fprint(stderr, usage(err, args))
		return exitFailed
	}
	defer a.close()
	err = parsed.Run(a)
	if code := signalled(); code != 0 && !errors.As(err, new(*finished)) {
		err = errors.Join(err, exit(code, nil))
	}
	return a.printed(a.ended(err), out.lost())
}

// signals ends the context at the first SIGINT or SIGTERM, and the process at
// the second. signalled is 130 or 143 once one has come. A pipe that nobody
// reads any more ends nothing: see [errUnread].
func signals(stderr io.Writer) (ctx context.Context, stop func(), signalled func() int) {
	ctx, cancel := context.WithCancelCause(context.Background())
	came := make(chan os.Signal, 2)
	signal.Notify(came, syscall.SIGINT, syscall.SIGTERM)
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE) // else it ends the process in the middle of what it does
	done := make(chan struct{})
	code := make(chan int, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case s := <-came:
				number := exitInterrupted
				if s == syscall.SIGTERM {
					number = exitTerminated
				}
				if n > 0 {
					os.Exit(number)
				}
				code <- number
				fmt.Fprintln(stderr, "rollcall: stopping; once more to stop at once")
				cancel(run.Interruption(number))
			}
		}
	}()
	return ctx, func() { signal.Stop(came); signal.Stop(unread); close(done); cancel(nil) }, func() int {
		select {
		case n := <-code:
			return n
		default:
			return 0
		}
	}
}

// names joins words for a message.
func names(list []string) string { return strings.Join(list, ", ") }
