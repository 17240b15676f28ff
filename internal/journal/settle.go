package journal

import (
	"slices"
	"strings"

	"rollcall/internal/guard"
)

// The exit codes of a run.
const (
	exitDone   = 0
	exitFailed = 1
	exitWarn   = 10
	exitHeld   = 11
	exitSource = 12
	exitNoDrop = 13
	exitConfig = 15

	exitInterrupted = 130
	exitTerminated  = 143
)

// Settle decides what a run came to, from what is known of it: its error, its
// findings, and its facts as they were carried out, or as they would have been.
// It writes Status and ExitCode.
//
// A run that a person or its own end has already judged (rejected, superseded,
// reverted, interrupted) keeps its status and its code.
func Settle(r *Run) {
	switch r.Status {
	case Rejected, Superseded, Reverted, Interrupted:
		return
	case Missing:
		r.ExitCode = exitNoDrop
		return
	}
	r.Status = came(r)
	r.ExitCode = code(r)
}

func came(r *Run) Status {
	switch {
	case r.Error != "" || r.Code != "":
		return Failed
	case r.DryRun:
		return Dry
	case guard.Holds(r.Findings) && !r.Approved && !r.withoutRemovals():
		return Held
	case r.Facts.Errors > 0 || r.Facts.Warnings > 0 || guard.Holds(r.Findings) && !r.Approved:
		return Warn
	case r.Empty():
		return Unchanged
	}
	return OK
}

// withoutRemovals tells whether the run went ahead by on_hold: removals: what
// would have held it was left out.
func (r *Run) withoutRemovals() bool {
	return r.Excepted > 0 && guard.OnlyRemovals(r.Findings)
}

// Empty tells whether the run had nothing to do: no account to change, and none
// left out (R104). A claim that moves is no change of an account.
func (r *Run) Empty() bool {
	return r.Facts.Changes() == 0 && r.LeftOut == 0 && r.Excepted == 0
}

func code(r *Run) int {
	switch r.Status {
	case Warn:
		return exitWarn
	case Held:
		return exitHeld
	case Failed:
		return refused(r.Code)
	default:
		return exitDone
	}
}

// refused is the exit code of a run that failed with a problem code: nearly all
// are about the drop or its source.
func refused(code string) int {
	switch {
	case strings.HasPrefix(code, "E"):
		return exitSource
	case strings.HasPrefix(code, "C"):
		return exitConfig
	}
	return exitFailed
}

// precedence is the order in which exit codes win, highest first. A plain
// failure stands with those that mean that nothing was applied.
var precedence = []int{16, exitConfig, 14, exitSource, exitNoDrop, exitFailed, exitHeld, 17, exitWarn, exitDone}

// ExitCode is the one code of a process to which several apply, such as a run
// that was applied with warnings and whose report could not be delivered. A code
// that is not in the contract's order wins over all that are.
func ExitCode(codes ...int) int {
	if len(codes) == 0 {
		return exitDone
	}
	return slices.MinFunc(codes, func(a, b int) int {
		return slices.Index(precedence, a) - slices.Index(precedence, b)
	})
}
