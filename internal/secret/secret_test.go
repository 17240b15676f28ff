package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/internal/secret"
)

const inClear = "correct horse battery"

func TestASecretPrintsAsStarsHoweverItIsPrinted(t *testing.T) {
	v := secret.Of(inClear)
	inside := struct {
		Password secret.Value
		Pointer  *secret.Value
	}{v, &v}

	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T"} {
		printed = append(printed, fmt.Sprintf(verb, v), fmt.Sprintf(verb, &v), fmt.Sprintf(verb, inside), fmt.Sprintf(verb, []secret.Value{v}))
	}
	raw, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "a", v, "b", inside)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", v, "b", inside)
	printed = append(printed, string(raw), log.String(), fmt.Errorf("login with %v", v).Error(), v.String())

	hexed := fmt.Sprintf("%x", inClear)
	for _, p := range printed {
		if strings.Contains(p, inClear) || strings.Contains(strings.ToLower(p), hexed) {
			t.Errorf("the secret shows in %q", p)
		}
	}
	if got := v.Reveal(); got != inClear {
		t.Errorf("Reveal = %q, want %q", got, inClear)
	}
}

func TestASecretIsReadFromItsPlace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pw"), inClear+"\n", 0o600)
	write(t, filepath.Join(dir, "windows"), inClear+"\r\n", 0o600)
	write(t, filepath.Join(dir, "blank"), " "+inClear+" \n\n", 0o600)
	write(t, filepath.Join(dir, "credential"), inClear, 0o444)
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("ROLLCALL_TEST_SECRET", inClear)

	tests := []struct {
		name string
		ref  secret.Ref
		want string
	}{
		{"a file, without the newline at its end", secret.Ref{File: filepath.Join(dir, "pw")}, inClear},
		{"a file with a line end of Windows", secret.Ref{File: filepath.Join(dir, "windows")}, inClear},
		{"blanks and a second newline belong to it", secret.Ref{File: filepath.Join(dir, "blank")}, " " + inClear + " \n"},
		{"an environment variable", secret.Ref{Env: "ROLLCALL_TEST_SECRET"}, inClear},
		{"a credential, whose mode is the service manager's", secret.Ref{Credential: "credential"}, inClear},
		{"no reference is no secret", secret.Ref{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.ref.Read()
			if err != nil {
				t.Fatal(err)
			}
			if got.Reveal() != tt.want {
				t.Errorf("Read = %q, want %q", got.Reveal(), tt.want)
			}
		})
	}
}

func TestASecretThatCannotBeUsedIsRefusedWithTheRemedy(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("open"), inClear, 0o640)
	write(t, at("big"), strings.Repeat("x", 64<<10+1), 0o600)
	write(t, at("empty"), "\n", 0o600)
	write(t, at("nul"), inClear+"\x00", 0o600)
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	t.Setenv("ROLLCALL_TEST_EMPTY", "")

	tests := []struct {
		name string
		ref  secret.Ref
		want string
	}{
		{"a file that others can read", secret.Ref{File: at("open")}, "chmod 600"},
		{"a file that is not there", secret.Ref{File: at("none")}, "does not exist; write the secret there, and chmod 600 it"},
		{"a folder", secret.Ref{File: dir}, "not an ordinary file"},
		{"a pipe, without waiting for it", secret.Ref{File: at("pipe")}, "not an ordinary file"},
		{"a file that is too large", secret.Ref{File: at("big")}, "larger than"},
		{"an empty file", secret.Ref{File: at("empty")}, "is empty"},
		{"a file with a NUL", secret.Ref{File: at("nul")}, "NUL"},
		{"a variable that is not set", secret.Ref{Env: "ROLLCALL_TEST_NONE"}, "ROLLCALL_TEST_NONE is not set"},
		{"a variable that is empty", secret.Ref{Env: "ROLLCALL_TEST_EMPTY"}, "empty"},
		{"a credential outside the service manager", secret.Ref{Credential: "db"}, "LoadCredential=db:"},
		{"a credential that leads elsewhere", secret.Ref{Credential: "../shadow"}, "leads out"},
		{"two places", secret.Ref{File: at("open"), Env: "X"}, "more than one place"},
		{"a secret in place of a variable's name", secret.Ref{Env: inClear}, "no name of a variable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := tt.ref.Read()
			if err == nil {
				t.Fatalf("Read = %v, want an error with %q", v, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %q, want it to say %q", err, tt.want)
			}
			var unusable *secret.Unusable
			if proper := tt.ref.Validate() == nil; errors.As(err, &unusable) != proper {
				t.Errorf("error = %#v, want an Unusable: %v", err, proper)
			}
			if strings.Contains(err.Error(), inClear) {
				t.Errorf("the error shows the secret: %q", err)
			}
		})
	}
}

func TestASecretWrittenOutIsRefusedWithoutEcho(t *testing.T) {
	var r secret.Ref
	err := r.UnmarshalText([]byte(inClear))
	if err == nil || strings.Contains(err.Error(), inClear) {
		t.Errorf("error = %v, want one that does not show the text", err)
	}
	if !r.IsZero() {
		t.Error("the reference holds something of the text")
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
