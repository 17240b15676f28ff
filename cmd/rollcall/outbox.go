package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/report"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// outboxCmd is "rollcall outbox".
type outboxCmd struct {
	List    outboxListCmd    `cmd:"" default:"withargs" help:"The mails that have not been delivered."`
	Retry   outboxRetryCmd   `cmd:"" help:"Try them all again now, also those that were given up."`
	Release outboxReleaseCmd `cmd:"" help:"Let the welcome mails of a run go that wait for a person."`
}

type outboxListCmd struct{}

// A waiting mail is one that has not been delivered, without its text.
type waiting struct {
	Mail     int64          `json:"mail"`
	Run      int64          `json:"run"` // 0 for none
	To       []string       `json:"to"`
	Subject  string         `json:"subject"`
	State    string         `json:"state"` // pending, dead: given up, or waiting: for outbox release
	Attempts int            `json:"attempts"`
	Written  report.Instant `json:"written"`
	Next     report.Instant `json:"next_try"` // null where it was given up
	Error    string         `json:"error"`
	Account  uint64         `json:"account"` // to whom it brings a password; 0 for every other mail
}

func waitingMail(m store.Mail) waiting {
	w := waiting{
		Mail: m.Number, Run: m.Run, To: append([]string{}, m.Message.To...), Subject: m.Message.Subject, State: m.State,
		Attempts: m.Attempts, Written: report.Instant{Time: m.Created}, Next: report.Instant{Time: m.Next}, Error: m.Error,
	}
	w.Account = m.Account
	if w.State == "dead" || w.State == "waiting" {
		w.Next = report.Instant{}
	}
	return w
}

// Run implements the command.
func (outboxListCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	mails, err := d.r.Store.Outbox(d.ctx, 0)
	if err != nil {
		return err
	}
	switch {
	case a.Output == "json":
		return a.array(func(yield func(any, error) bool) {
			for _, m := range mails {
				if !yield(waitingMail(m), nil) {
					return
				}
			}
		})
	case a.Output == "csv":
		w := csv.NewWriter(a.stdout)
		_ = w.Write([]string{"mail", "run", "to", "subject", "state", "attempts", "written", "next_try", "error", "account"}) // the writer keeps the first error
		for _, m := range mails {
			o := waitingMail(m)
			_ = w.Write([]string{number(o.Mail), number(o.Run), strings.Join(o.To, " "), o.Subject, o.State, strconv.Itoa(o.Attempts), instant(o.Written.Time), instant(o.Next.Time), o.Error, strconv.FormatUint(o.Account, 10)})
		}
		w.Flush()
		return w.Error()
	case len(mails) == 0:
		fmt.Fprintln(a.stdout, "Nothing waits.")
		return nil
	}
	t := newTable(a.stdout, "mail", "written", "to", "subject", "tried", "next try", "because of")
	held, tried := map[int64]int{}, 0
	for _, m := range mails {
		o := waitingMail(m)
		next := d.at(o.Next.Time)
		switch o.State {
		case "dead":
			next = "given up"
		case "waiting":
			held[o.Run]++
			continue // there may be thousands, and there is one thing to decide
		}
		tried++
		t.row(number(o.Mail), d.at(o.Written.Time), strings.Join(o.To, " "), o.Subject, strconv.Itoa(o.Attempts), next, o.Error)
	}
	if tried > 0 {
		if err := t.end(); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, "\nTry now: rollcall outbox retry")
	}
	for _, number := range slices.Sorted(maps.Keys(held)) {
		fmt.Fprintf(a.stdout, "Run %d: %s for a person. Look at the run, then: rollcall outbox release %d\n", number, welcomesWait(held[number]), number)
	}
	return nil
}

func welcomesWait(mails int) string {
	if mails == 1 {
		return "1 welcome mail waits"
	}
	return count(mails) + " welcome mails wait"
}

type outboxReleaseCmd struct {
	Which string `arg:"" name:"run" help:"The run whose welcome mails wait: a number, last, or last:PROFILE."`
}

// Run implements the command.
func (c *outboxReleaseCmd) Run(a *app) error {
	if err := a.only("outbox release", "json"); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	j, err := d.stored(c.Which)
	if err != nil {
		return err
	}
	if d.r.Mail == nil {
		return errors.New("the site has no mail server; write mail: {server: …, from: …} in rollcall.yaml")
	}
	n, err := d.r.Release(d.ctx, j.Number)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("of run %d no welcome mail waits; rollcall outbox shows what does", j.Number)
	}
	failed := d.r.Deliver(d.ctx, j.Number)
	mails, err := d.r.Store.Outbox(d.ctx, j.Number)
	if err != nil {
		return err
	}
	left := 0
	for _, m := range mails {
		if m.Account != 0 && (m.State == "pending" || m.State == "dead") {
			left++
		}
	}
	if a.Output == "json" {
		err = a.object(struct {
			Run      int64 `json:"run"`
			Released int   `json:"released"`
			Left     int   `json:"left"` // not delivered yet; rollcall serve keeps trying
		}{j.Number, n, left})
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.stdout, "%s released, %s not delivered yet\n", plural(n, "welcome mail"), count(left))
	}
	if failed != nil && !errors.Is(failed, run.ErrUndelivered) {
		return failed
	}
	if left > 0 {
		return exit(exitUndelivered, errors.New("rollcall outbox shows what waits, and why; rollcall serve keeps trying"))
	}
	return nil
}

type outboxRetryCmd struct{}

// Run implements the command.
func (outboxRetryCmd) Run(a *app) error {
	if err := a.only("outbox retry"); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	if d.r.Mail == nil {
		return errors.New("the site has no mail server; write mail: {server: …, from: …} in rollcall.yaml")
	}
	all, err := d.r.Store.RetryMail(d.ctx)
	if err != nil {
		return err
	}
	failed := d.r.DeliverAll(d.ctx)
	left, err := d.r.Store.Outstanding(d.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s delivered, %s not\n", plural(max(all-left, 0), "mail"), count(left))
	if failed != nil && !errors.Is(failed, run.ErrUndelivered) {
		return failed
	}
	if left > 0 {
		return exit(exitUndelivered, errors.New("rollcall outbox shows what waits, and why"))
	}
	return nil
}
