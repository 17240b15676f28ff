package corpus_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/smtp"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/notify"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
)

// bcc is what a name, a ward or a column would have to become for a mail to go elsewhere.
const bcc = "\r\nBcc: spy@example.org\r\nX-Spy: 1"

// TestFile83AddsNoHeaderLineToAMail lets the report of #83 go through a real
// mail server, and of a file that goes farther: the line is in a ward, which
// the mail names, and in the name of a column, which the attachment names.
func TestFile83AddsNoHeaderLineToAMail(t *testing.T) {
	i := slices.IndexFunc(stories, func(x story) bool { return x.n == 83 })
	harmless := sheets(func() sheet {
		return wide(good(), "Shoe").set(firstName, "Mary", 7).set(department, "Kitchen", 8).set(status, "Q", 9)
	})
	farther := sheets(func() sheet {
		return wide(good(), "Shoe"+bcc).set(firstName, "Mary"+bcc, 7).set(department, "ICU"+bcc, 8).set(status, "Q"+bcc, 9)
	})
	b := newBase(t, sqlite)
	want := lines(t, mailed(t, b, harmless))
	if !slices.Contains(want, "Subject") || !slices.Contains(want, "part: Content-Disposition") {
		t.Fatalf("the mail of a harmless file has the header lines %v: the test looks in the wrong place", want)
	}
	if got := lines(t, mailed(t, b, farther)); !slices.Equal(got, want) {
		t.Errorf("header lines %v\nwant those of a harmless file %v", got, want)
	}
	got := lines(t, mailed(t, b, stories[i].drop)) // without a problem there is no attachment
	if slices.Contains(got, "Bcc") || !subset(got, want) {
		t.Errorf("#83: header lines %v, of a harmless file %v", got, want)
	}
}

// TestAMailThatIsPastedTogetherWouldHaveTheHeader is the control: the check
// sees the line that a name brings where nobody looks at it.
func TestAMailThatIsPastedTogetherWouldHaveTheHeader(t *testing.T) {
	box := shore.SMTP(t)
	pasted := fmt.Sprintf("To: hr-it@example.org\r\nSubject: Mary%s\r\n\r\nhello\r\n", bcc)
	if err := smtp.SendMail(box.Addr, nil, "rollcall@example.org", []string{"hr-it@example.org"}, []byte(pasted)); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, box.Wait(t, 1)[0]); !slices.Contains(got, "X-Spy") {
		t.Errorf("header lines %v, and X-Spy is not seen", got)
	}
}

// wide has one column more.
func wide(s sheet, name string) sheet {
	for i := range s {
		s[i] = append(s[i], "")
	}
	s[0][len(s[0])-1] = name
	return s
}

// mailed is the one mail about a drop, as it arrived.
func mailed(t *testing.T, b *base, drop func() []byte) string {
	t.Helper()
	box := shore.SMTP(t)
	sender, err := notify.NewSMTP(notify.Options{Server: "smtp://" + box.Addr, From: "rollcall <rollcall@example.org>"}, secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	s := b.copy(t)
	s.Mail = sender.Send
	p, err := s.feed(standard+"report: {to: [hr-it@example.org], attach: problems}\n", "version: 1\nmail: {server: \"smtp://"+box.Addr+"\", from: rollcall@example.org}\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.drop("hr-002.csv", drop()); err != nil {
		t.Fatal(err)
	}
	j, err := s.Run(t.Context(), run.Request{Profile: p, Trigger: "manual"})
	if err != nil || !j.Status.Applied() {
		t.Fatalf("the run is not applied: %+v, %v", j, err)
	}
	if err := s.Deliver(t.Context(), j.Number); err != nil {
		t.Fatal(err)
	}
	mails := box.Wait(t, 1)
	if len(mails) != 1 {
		t.Fatalf("%d mails arrived, want one", len(mails))
	}
	return mails[0]
}

// lines are the names of all header lines of a mail, and of its parts.
func lines(t *testing.T, text string) []string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	names := headers(t, "", m.Header, m.Body)
	slices.Sort(names)
	return names
}

// headers are the names of a header's lines, and of the parts' below it.
func headers(t *testing.T, lead string, header map[string][]string, body io.Reader) (names []string) {
	t.Helper()
	for name, values := range header {
		for range values {
			names = append(names, lead+name)
		}
	}
	kind, params, err := mime.ParseMediaType(strings.Join(header["Content-Type"], ""))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return names
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, headers(t, "part: ", part.Header, part)...)
	}
}

// subset tells whether every line of a is one of b.
func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(name string) bool { return !slices.Contains(b, name) })
}
