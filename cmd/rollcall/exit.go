package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"rollcall/config"
	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/store"
)

// The exit codes of the contract.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2 // only plan --detailed-exitcode
	exitWarn        = 10
	exitHeld        = 11
	exitSource      = 12
	exitNoDrop      = 13
	exitBusy        = 14
	exitConfig      = 15
	exitDatabase    = 16
	exitUndelivered = 17
	exitInterrupted = 130
	exitTerminated  = 143
)

// finished is an exit code on its way out, with what to say on stderr, if
// anything.
type finished struct {
	code int
	err  error
}

func (f *finished) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *finished) Unwrap() error { return f.err }

// exit ends the program with a code; err may be nil.
func exit(code int, err error) error { return &finished{code, err} }

// ended turns what a command came to into the exit code, and says what failed.
func (a *app) ended(err error) int {
	if err == nil {
		return exitDone
	}
	if text := spoken(err); text != "" && !errors.Is(err, errUnread) {
		fmt.Fprintf(a.stderr, "rollcall: %s\n", text)
	}
	return codeOf(err)
}

// printed is an exit code where the result was to be printed: what was lost of it
// is said, and no success.
func (a *app) printed(code int, lost error) int {
	if lost == nil || code != exitDone {
		return code
	}
	fmt.Fprintf(a.stderr, "rollcall: the output is not whole: %v\n", lost)
	return exitFailed
}

// kindsOfError are the words by which the program tells what kind an error is, where
// they stand behind a sentence that says the same to a person.
var kindsOfError = regexp.MustCompile(`: plan refused|(no account has this \w+): not found`)

// spoken is the text of an error without them.
func spoken(err error) string { return kindsOfError.ReplaceAllString(err.Error(), "$1") }

// codeOf is the one exit code of an error: the first that applies.
func codeOf(err error) int {
	var done *finished
	var wrong config.Errors
	var refused *roster.Refusal
	var by run.Interruption
	var unusable *secret.Unusable
	switch {
	case errors.As(err, &done):
		return done.code
	case errors.Is(err, store.ErrDown), errors.Is(err, store.ErrNewer), errors.Is(err, store.ErrBackwards):
		return exitDatabase
	case errors.As(err, &wrong), errors.As(err, &unusable), errors.As(err, &refused) && refused.Code[0] == 'C':
		return exitConfig
	case errors.Is(err, store.ErrBusy):
		return exitBusy
	case errors.As(err, &refused) && refused.Code[0] == 'E':
		return exitSource
	case errors.Is(err, run.ErrStillHeld):
		return exitHeld
	case errors.Is(err, run.ErrUndelivered):
		return exitUndelivered
	case errors.As(err, &by):
		return int(by)
	case errors.Is(err, context.Canceled):
		return exitTerminated
	case errors.Is(err, errUnread):
		return exitDone
	}
	return exitFailed
}

// codeOfRun is the exit code of a run that is recorded, and of what else went wrong.
func codeOfRun(r *journal.Run, err error) int {
	if err == nil {
		return r.ExitCode
	}
	return journal.ExitCode(r.ExitCode, codeOf(err))
}
