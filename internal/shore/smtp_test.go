package shore_test

import (
	"errors"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"

	"rollcall/internal/shore"
)

func TestAMailArrivesWithItsHeadersAndItsLines(t *testing.T) {
	box := shore.SMTP(t)
	if got := len(box.Messages(t)); got != 0 {
		t.Errorf("mails in a new mailbox = %d, want 0", got)
	}
	if err := send(box, "hr@example.org", "first", "one\r\nFrom here on\r\n> quoted\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := send(box, "it@example.org", "second", "two\r\n"); err != nil {
		t.Fatal(err)
	}
	got := box.Wait(t, 2)
	if len(got) != 2 {
		t.Fatalf("mails = %d, want 2", len(got))
	}
	first, second := got[0], got[1]
	if strings.Contains(second, "Subject: first") {
		first, second = second, first
	}
	if !strings.Contains(first, "\nSubject: first\n") || !strings.HasSuffix(first, "\n\none\nFrom here on\n> quoted\n") {
		t.Errorf("first mail = %q, want its subject and its three lines", first)
	}
	if !strings.HasSuffix(second, "\n\ntwo\n") {
		t.Errorf("second mail = %q, want its one line", second)
	}
}

func TestTheSMTPServerRefusesWhomItShould(t *testing.T) {
	box := shore.SMTP(t)
	for _, tt := range []struct {
		name, to string
		want     int
	}{
		{"an unknown user, for good", "bad@example.org", 550},
		{"a greylisted user, for now", "grey@example.org", 451},
		{"another domain, for good", "hr@example.net", 550},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var refused *textproto.Error
			err := send(box, tt.to, "no", "no\r\n")
			if !errors.As(err, &refused) || refused.Code != tt.want {
				t.Errorf("answer = %v, want %d", err, tt.want)
			}
		})
	}
}

func TestAStoppedSMTPServerRefusesAndComesBackWithItsMail(t *testing.T) {
	box := shore.SMTP(t)
	if err := send(box, "hr@example.org", "before", "x\r\n"); err != nil {
		t.Fatal(err)
	}
	box.Wait(t, 1)

	box.Stop(t)
	if c, err := net.Dial("tcp", box.Addr); err == nil {
		c.Close()
		t.Error("a stopped server took a connection")
	}
	if got := len(box.Messages(t)); got != 1 {
		t.Errorf("mails while stopped = %d, want 1", got)
	}

	box.Start(t)
	if err := send(box, "hr@example.org", "after", "x\r\n"); err != nil {
		t.Fatal(err)
	}
	box.Wait(t, 2)
}

func send(box *shore.Mailbox, to, subject, body string) error {
	const from = "rollcall@example.org"
	return smtp.SendMail(box.Addr, nil, from, []string{to}, []byte("From: "+from+"\r\nTo: "+to+"\r\nSubject: "+subject+"\r\n\r\n"+body))
}
