//go:build !faults

// Package fault names the moments at which a test may make rollcall fail, and
// the protections that a test may switch off to see that it would notice.
//
// Both exist only in a build with the tag faults. In the program that people
// run, what stands here is empty, and nothing of it is left in the binary: not
// even a moment's name.
package fault

// At is one of the named moments: an error there is a test's.
func At(string) error { return nil }

// After is the moment at which a step has just succeeded; its own error passes.
func After(err error, _ string) error { return err }

// Off tells whether a protection is switched off, for the control run of a test.
func Off(string) bool { return false }
