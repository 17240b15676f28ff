// Package secret reads what must not stand in a configuration file. A
// reference says where a secret lies; its value prints as *** in every way
// that Go prints, and is given out by [Value.Reveal] alone.
package secret

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxSize bounds what a secret's file may hold.
const maxSize = 64 << 10

// A Ref says where a secret lies: exactly one of its fields is set. The zero
// Ref is no secret.
type Ref struct {
	File       string `yaml:"file"`       // a path; not readable by others
	Env        string `yaml:"env"`        // the name of an environment variable
	Credential string `yaml:"credential"` // a file in $CREDENTIALS_DIRECTORY
}

// IsZero tells whether there is no reference.
func (r Ref) IsZero() bool { return r == Ref{} }

// UnmarshalText refuses a secret that is written out.
func (r *Ref) UnmarshalText([]byte) error {
	return errors.New("a secret is never written out here; write {file: PATH}, {env: NAME} or {credential: NAME}")
}

// envName is what a variable may be called. What is no name may be the secret
// itself, written into the wrong place.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate tells whether at most one place is named, and whether it can be one.
// It does not look there.
func (r Ref) Validate() error {
	n := 0
	for _, s := range []string{r.File, r.Env, r.Credential} {
		if s != "" {
			n++
		}
	}
	switch {
	case n > 1:
		return errors.New("names more than one place; keep one of file, env and credential")
	case r.Env != "" && !envName.MatchString(r.Env):
		return errors.New("has an env that is no name of a variable; write the name, without $ and without the secret")
	case r.Credential != "" && !filepath.IsLocal(r.Credential):
		return errors.New("has a credential that leads out of the credentials folder; write its name alone")
	}
	return nil
}

// Value is a secret. The zero Value is none.
type Value struct{ text string }

// Of wraps a text, for tests.
func Of(text string) Value { return Value{text} }

// Reveal gives the secret out.
func (v Value) Reveal() string { return v.text }

// String hides the secret, and so do the formats below.
func (v Value) String() string               { return "***" }
func (v Value) GoString() string             { return "***" }
func (v Value) Format(s fmt.State, _ rune)   { _, _ = s.Write([]byte("***")) }
func (v Value) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Read fetches the secret. One newline at the end is not part of it. A place
// that holds nothing is an error, and so is a file that others can read.
func (r Ref) Read() (Value, error) {
	if err := r.Validate(); err != nil {
		return Value{}, fmt.Errorf("secret %w", err)
	}
	switch {
	case r.IsZero():
		return Value{}, nil
	case r.Env != "":
		text := os.Getenv(r.Env)
		if text == "" {
			return Value{}, fmt.Errorf("environment variable %s is not set or empty; set it for the process that runs rollcall", r.Env)
		}
		return Value{text}, nil
	case r.Credential != "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return Value{}, fmt.Errorf("credential %s: CREDENTIALS_DIRECTORY is not set; run under systemd with LoadCredential=%s:PATH, or use {file: PATH}", r.Credential, r.Credential)
		}
		return readFile(filepath.Join(dir, r.Credential), false)
	default:
		return readFile(r.File, true)
	}
}

// readFile reads a small file. What systemd hands over as a credential is not
// looked at for its mode: the folder keeps others out.
func readFile(path string, private bool) (Value, error) {
	info, err := os.Stat(path) // before opening, which would wait for a pipe's other end
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Value{}, fmt.Errorf("secret %s is not an ordinary file", path)
	}
	if private && info.Mode().Perm()&0o077 != 0 {
		return Value{}, fmt.Errorf("secret %s can be read by others; chmod 600 it", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	switch {
	case len(raw) > maxSize:
		return Value{}, fmt.Errorf("secret %s is larger than %d bytes", path, maxSize)
	case text == "":
		return Value{}, fmt.Errorf("secret %s is empty; write the secret into it", path)
	case strings.ContainsRune(text, 0):
		return Value{}, fmt.Errorf("secret %s holds a NUL byte", path)
	}
	return Value{text}, nil
}
