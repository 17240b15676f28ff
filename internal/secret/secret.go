// Package secret reads what must not stand in a configuration file. A
// reference says where a secret lies; its value prints as *** in every way
// that Go prints, and is given out by [Value.Reveal] alone.
package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// Validate tells whether exactly one place is named.
func (r Ref) Validate() error {
	n := 0
	for _, s := range []string{r.File, r.Env, r.Credential} {
		if s != "" {
			n++
		}
	}
	if n > 1 {
		return errors.New("names more than one place; keep one of file, env and credential")
	}
	return nil
}

// Value is a secret. The zero Value is none.
type Value struct{ text string }

// Of wraps a text, for tests and for the demo.
func Of(text string) Value { return Value{text} }

// Reveal gives the secret out.
func (v Value) Reveal() string { return v.text }

// String hides the secret, and so do the formats below.
func (v Value) String() string               { return "***" }
func (v Value) GoString() string             { return "***" }
func (v Value) Format(s fmt.State, _ rune)   { _, _ = s.Write([]byte("***")) }
func (v Value) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Read fetches the secret. One newline at the end is not part of it.
func (r Ref) Read() (Value, error) {
	switch {
	case r.IsZero():
		return Value{}, nil
	case r.Env != "":
		text, ok := os.LookupEnv(r.Env)
		if !ok {
			return Value{}, fmt.Errorf("environment variable %s is not set; set it for the process that runs rollcall", r.Env)
		}
		return Value{text}, nil
	case r.Credential != "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return Value{}, fmt.Errorf("credential %s: CREDENTIALS_DIRECTORY is not set; run under systemd with LoadCredential=%s:PATH, or use {file: PATH}", r.Credential, r.Credential)
		}
		if !filepath.IsLocal(r.Credential) {
			return Value{}, fmt.Errorf("credential %s: the name leads out of the credentials folder", r.Credential)
		}
		return readFile(filepath.Join(dir, r.Credential), false)
	default:
		return readFile(r.File, true)
	}
}

func readFile(path string, private bool) (Value, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Value{}, fmt.Errorf("secret %s is not a regular file", path)
	}
	if private && info.Mode().Perm()&0o077 != 0 {
		return Value{}, fmt.Errorf("secret %s can be read by others; chmod 600 it", path)
	}
	if info.Size() > maxSize {
		return Value{}, fmt.Errorf("secret %s is larger than %d bytes", path, maxSize)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if strings.ContainsRune(text, 0) {
		return Value{}, fmt.Errorf("secret %s holds a NUL byte", path)
	}
	return Value{text}, nil
}
