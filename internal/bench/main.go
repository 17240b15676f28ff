// Command bench measures rollcall, the program as it is shipped, beside an
// expert's hand-written SQL on the same machine in the same run.
//
// It makes its own feeds, starts its own PostgreSQL in a temporary folder, runs
// each case several times, checks that what the program did is what the feed
// asks for, and writes a table with ratios: to encoding/csv reading the same
// file, and to the SQL. A fast run that did the wrong thing is a failure.
//
// It is no part of the program and imports no room of it. "make bench" calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command is the bench itself, or one of the small programs that it measures.
func command(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "feed":
			return feedCommand(args[1:])
		case "usage":
			return usageCommand(ctx, args[1:])
		case "csv", "xml":
			if len(args) != 2 {
				return fmt.Errorf("%s wants one file", args[0])
			}
			return readUnit(args[0], args[1])
		}
	}
	return benchCommand(ctx, args)
}

func benchCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	program := flags.String("rollcall", "./rollcall", "the program to measure")
	sizes := flags.String("sizes", "10k 100k", "how many people: 10k, 100k, 1M, 10M")
	engines := flags.String("engines", "postgres sqlite", "which databases")
	runs := flags.Int("runs", 3, "how often each case is measured")
	large := flags.String("large", "2M", "with so many people and more: fewer cases, each measured once, one after the other in one database, and SQLite only where it is the only engine asked for")
	only := flags.String("only", "", "a regular expression: only cases whose names fit")
	out := flags.String("out", "", "write the tables to this file too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 {
		return errors.New("-runs is less than 1")
	}
	path, err := filepath.Abs(*program)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%w; make build makes it", err)
	}
	b := &bench{program: path, runs: *runs}
	if b.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	for _, word := range strings.Fields(*sizes) {
		n, err := parseSize(word)
		if err != nil {
			return err
		}
		b.sizes = append(b.sizes, n)
	}
	if b.large, err = parseSize(*large); err != nil {
		return fmt.Errorf("-large: %w", err)
	}
	b.engines = strings.Fields(*engines)
	if err := b.sensible(); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "rollcall-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := os.Chmod(b.dir, 0o755); err != nil { // the server is another user
		return err
	}
	failed := b.all(ctx)
	text := b.tables(*sizes)
	fmt.Print(console(text))
	if *out != "" && failed == nil && *only == "" {
		if err := os.WriteFile(*out, []byte(text), 0o644); err != nil {
			return err
		}
		b.say("the tables are in %s, in the place of those before; git restore %[1]s brings these back", *out)
	}
	return failed
}

// sensible refuses what would measure nothing, before anything is measured.
func (b *bench) sensible() error {
	if len(b.sizes) == 0 || len(b.engines) == 0 {
		return errors.New("no size, or no engine")
	}
	for _, engine := range b.engines {
		if engine != "postgres" && engine != "sqlite" {
			return fmt.Errorf("there is no engine %q; postgres and sqlite are", engine)
		}
	}
	names := []string{pageCase.name, ldapCase, sftpCase}
	for _, k := range cases {
		names = append(names, k.name)
	}
	if !slices.ContainsFunc(names, b.wanted) {
		return fmt.Errorf("no case fits -only %q; these are the cases:\n  %s", b.only, strings.Join(names, "\n  "))
	}
	return nil
}

// parseSize reads 10k, 100k, 1M or a plain number.
func parseSize(word string) (uint64, error) {
	unit := uint64(1)
	digits := word
	switch {
	case strings.HasSuffix(word, "k"):
		unit, digits = 1_000, strings.TrimSuffix(word, "k")
	case strings.HasSuffix(word, "M"):
		unit, digits = 1_000_000, strings.TrimSuffix(word, "M")
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 || n*unit > 100_000_000 {
		return 0, fmt.Errorf("%q is not a size like 10k, 100k or 1M", word)
	}
	return n * unit, nil
}

// sizeName writes a size as parseSize reads it.
func sizeName(n uint64) string {
	switch {
	case n%1_000_000 == 0:
		return strconv.FormatUint(n/1_000_000, 10) + "M"
	case n%1_000 == 0:
		return strconv.FormatUint(n/1_000, 10) + "k"
	}
	return strconv.FormatUint(n, 10)
}
