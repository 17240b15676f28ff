package notify

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wneessen/go-mail"
)

// message makes a mail of m: who it is from, who gets it, and what it says. It
// refuses whatever could end a header or begin another one.
func (s *SMTP) message(m Message) (from string, to []string, _ *mail.Msg, _ error) {
	none := func(err error) (string, []string, *mail.Msg, error) { return "", nil, nil, err }
	if len(m.To) == 0 {
		return none(errors.New("no recipient; set report.to"))
	}
	msg := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	sender, err := address(s.from)
	if err != nil {
		return none(fmt.Errorf("mail.from is not an address; set it"))
	}
	if err := msg.From(sender.String()); err != nil {
		return none(fmt.Errorf("mail.from is not an address; set it"))
	}
	recipients := m.To
	if len(s.onlyTo) > 0 {
		recipients = s.onlyTo
		if err := header(msg, "X-Rollcall-Meant-For", strings.Join(m.To, ", ")); err != nil {
			return none(err)
		}
	}
	var shown []string
	for _, one := range recipients {
		a, err := address(one)
		if err != nil {
			return none(errors.New("a recipient is not an address; correct report.to, report.alert or mail.only_to"))
		}
		if !slices.Contains(to, a.Address) {
			to, shown = append(to, a.Address), append(shown, a.String())
		}
	}
	if err := msg.To(shown...); err != nil {
		return none(errors.New("a recipient is not an address; correct report.to, report.alert or mail.only_to"))
	}
	if m.ReplyTo != "" {
		a, err := address(m.ReplyTo)
		if err == nil {
			err = msg.ReplyTo(a.String())
		}
		if err != nil {
			return none(errors.New("the address for replies is none; correct owner"))
		}
	}
	if m.ID == "" || strings.ContainsAny(m.ID, "<> ") {
		return none(errors.New("the message id is none"))
	}
	if err := header(msg, "Message-ID", "<"+m.ID+">"); err != nil {
		return none(err)
	}
	if err := header(msg, "Subject", m.Subject); err != nil {
		return none(err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		if err := header(msg, name, m.Headers[name]); err != nil {
			return none(err)
		}
	}
	if m.High {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain+"; format=flowed", flowed(m.Text))
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attach {
		if strings.ContainsAny(a.Name+a.Type, "\r\n\x00") {
			return none(errors.New("an attachment's name has a line break"))
		}
		kind, data := a.Type, a.Data
		if kind == "text/csv" {
			kind, data = kind+"; charset=utf-8", append([]byte("\ufeff"), data...) // without which Excel guesses
		}
		if err := msg.AttachReader(a.Name, bytes.NewReader(data), mail.WithFileContentType(mail.ContentType(kind))); err != nil {
			return none(fmt.Errorf("attach: %w", err))
		}
	}
	return sender.Address, to, msg, nil
}

// header sets a header, if name and value are one.
func header(msg *mail.Msg, name, value string) error {
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }
	if name == "" || strings.IndexFunc(name, odd) >= 0 {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("header %s has a line break", name)
	}
	msg.SetGenHeader(mail.Header(name), value)
	return nil
}
