package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/report"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// reportCmd is "rollcall report".
type reportCmd struct {
	Preview reportPreviewCmd `cmd:"" help:"The mail as it was sent, or would be."`
	Resend  reportResendCmd  `cmd:"" help:"Send it once more."`
}

type reportPreviewCmd struct {
	Which string `arg:"" name:"run" help:"A number, last or last:PROFILE."`
	HTML  string `help:"Write its HTML part to this file; - is stdout." placeholder:"FILE"`
}

// Run implements the command.
func (c *reportPreviewCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	j, err := d.stored(c.Which)
	if err != nil {
		return err
	}
	m, err := d.mailOf(j)
	if err != nil {
		return err
	}
	switch c.HTML {
	case "":
		if len(m.To) == 0 {
			m.To = []string{"nobody (report: {to: […]} in the profile says whom)"}
		}
		fmt.Fprintf(a.stdout, "To: %s\nSubject: %s\n\n%s", strings.Join(m.To, ", "), m.Subject, m.Text)
		return nil
	case "-":
		fmt.Fprint(a.stdout, m.HTML)
		return nil
	}
	if err := os.WriteFile(c.HTML, []byte(m.HTML), 0o600); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	fmt.Fprintln(a.stderr, "The HTML part of the mail about run", j.Number, "is in", c.HTML)
	return nil
}

// letters are the mails about a run, oldest first. Its welcome mails are not among
// them: they have no text until they are sent, and nobody sends one twice.
func (d *desk) letters(j *journal.Run) ([]store.Mail, error) {
	mails, err := d.r.Store.Outbox(d.ctx, j.Number)
	return slices.DeleteFunc(mails, func(m store.Mail) bool { return m.Account != 0 }), err
}

// mailOf is the newest mail about a run; one that is made now, where none was
// worth sending.
func (d *desk) mailOf(j *journal.Run) (notify.Message, error) {
	sent, err := d.letters(j)
	if err != nil {
		return notify.Message{}, err
	}
	p := d.known(j)
	if len(sent) > 0 {
		return d.today(p, j, sent[len(sent)-1].Message)
	}
	fmt.Fprintf(d.stderr, "No mail was sent about run %d; it would have been this one.\n", j.Number)
	return d.made(p, j)
}

// today is a mail that was made before, as the profile lets it be made today: where
// its rules have changed since, its text is another.
func (d *desk) today(p *run.Profile, j *journal.Run, m notify.Message) (notify.Message, error) {
	if m.Rules == d.r.Rules(p) {
		return m, nil
	}
	fmt.Fprintf(d.stderr, "The profile tells otherwise of people than when the mail about run %d was made, so its text is new.\n", j.Number)
	anew, err := d.made(p, j)
	m.Text, m.HTML, m.Rules = anew.Text, anew.HTML, d.r.Rules(p)
	return m, err
}

// made is the mail about a run, made now; p may be nil.
func (d *desk) made(p *run.Profile, j *journal.Run) (notify.Message, error) {
	doc, beside, err := d.r.Doc(d.ctx, p, j)
	if err != nil {
		return notify.Message{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	o := report.MailOptions{Options: report.Options{Beside: beside}, Site: d.r.Site, Version: d.r.Version, Host: host}
	if p != nil {
		o.Personal = p.Report.Personal
		o.Zone, o.To, o.Owner, o.Attached = p.Zone, p.Report.To, p.Owner, p.Report.Attach && len(doc.Problems) > 0
	}
	if o.Notable, err = report.Notable(j, d.r.Changes(d.ctx, j.Number)); err != nil {
		return notify.Message{}, err
	}
	if o.People, err = d.r.People(d.ctx, p, j, o.Notable); err != nil {
		return notify.Message{}, err
	}
	return report.Mail(doc, o), nil
}

type reportResendCmd struct {
	Which string `arg:"" name:"run" help:"A number, last or last:PROFILE."`
}

// Run implements the command.
func (c *reportResendCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	j, err := d.stored(c.Which)
	if err != nil {
		return err
	}
	sent, err := d.letters(j)
	if err != nil {
		return err
	}
	if len(sent) == 0 {
		return fmt.Errorf("no mail was sent about run %d, so there is none to send again; report: in the profile says who gets which, and rollcall report preview %[1]d shows it", j.Number)
	}
	old, p := sent[len(sent)-1].Message, d.known(j)
	m, err := d.today(p, j, old)
	if err != nil {
		return err
	}
	switch {
	case m.Rules == old.Rules || len(m.Attach) == 0:
	case p == nil:
		m.Attach = nil
	default: // its files are those of the run
		if err := d.r.Rewrite(d.ctx, p, j); err != nil {
			return err
		}
	}
	m.ID = fmt.Sprintf("again%d.%s", len(sent), m.ID) // the first one's id would be taken for the first one
	if err := d.r.Store.Post(d.ctx, j.Number, m); err != nil {
		return err
	}
	if d.r.Mail == nil {
		fmt.Fprintln(a.stdout, "It waits in the outbox: rollcall.yaml names no mail server.")
		return nil
	}
	if err := d.r.Deliver(d.ctx, j.Number); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Sent again: %s\n", m.Subject)
	return nil
}
