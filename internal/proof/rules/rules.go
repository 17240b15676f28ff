// Package rules has no program in it: its tests hold the program against the
// rules of what one record does, R1 to R105, by archives that can be read without
// the code: a profile, accounts, a drop, and the plan that comes of them.
package rules
