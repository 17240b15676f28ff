package notify_test

import (
	"slices"
	"testing"

	"rollcall/internal/notify"
	"rollcall/internal/secret"
)

func TestNoMailIsValid(t *testing.T) {
	if got := (notify.Options{}).Validate(); len(got) > 0 {
		t.Errorf("faults = %v, want none", got)
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    notify.Options
		want []string
	}{
		{"all well", notify.Options{Server: "smtp://mail.example.org:587", From: "rollcall <rollcall@example.org>", User: "rollcall", Password: secret.Ref{Env: "SMTP"}, OnlyTo: []string{"a@example.org"}}, nil},
		{"no server", notify.Options{From: "a@example.org"}, []string{`mail.server: is empty; write "smtp://host:587" or "smtps://host:465"`}},
		{"everything", notify.Options{
			Server: "mail.example.org:587", From: "rollcall", User: "rollcall",
			Password: secret.Ref{Env: "A", File: "b"}, OnlyTo: []string{"a@example.org", "b"},
		}, []string{
			`mail.server: begins with neither smtp:// nor smtps://; write "smtp://host:587" or "smtps://host:465"`,
			`mail.from: is not an address; write "rollcall <rollcall@example.org>"`,
			"mail.password: names more than one place; keep one of file, env and credential",
			"mail.only_to[1]: is not an address",
		}},
		{"a password in the address", notify.Options{Server: "smtp://u:p@mail.example.org", From: "a@example.org"}, []string{
			`mail.server: has a user or a password in it, which belong in mail.user and mail.password; write "smtp://host:587" or "smtps://host:465"`,
		}},
		{"a path", notify.Options{Server: "smtp://mail.example.org/x", From: "a@example.org"}, []string{
			`mail.server: has more than a host and a port; write "smtp://host:587" or "smtps://host:465"`,
		}},
		{"no host", notify.Options{Server: "smtp://:587", From: "a@example.org"}, []string{`mail.server: names no host; write "smtp://host:587" or "smtps://host:465"`}},
		{"a port", notify.Options{Server: "smtp://mail.example.org:99999", From: "a@example.org"}, []string{`mail.server: has a port that is none; write "smtp://host:587" or "smtps://host:465"`}},
		{"a user alone", notify.Options{Server: "smtp://mail.example.org", From: "a@example.org", User: "u"}, []string{
			"mail.password: is missing, and there is a user; write {file: PATH}, {env: NAME} or {credential: NAME}",
		}},
		{"a password alone", notify.Options{Server: "smtp://mail.example.org", From: "a@example.org", Password: secret.Ref{Env: "A"}}, []string{
			"mail.user: is empty, and there is a password; write the name that goes with it",
		}},
	} {
		var got []string
		for _, f := range tt.o.Validate() {
			got = append(got, f.Error())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: faults =\n%q\nwant\n%q", tt.name, got, tt.want)
		}
	}
}

func TestTheSiteIsTheSendersDomain(t *testing.T) {
	for from, want := range map[string]string{"rollcall <rollcall@hr.example.org>": "hr.example.org", "a@b": "b", "": "localhost", "nobody": "localhost"} {
		if got := (notify.Options{From: from}).Site(); got != want {
			t.Errorf("site of %q = %q, want %q", from, got, want)
		}
	}
}
