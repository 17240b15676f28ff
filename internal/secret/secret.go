// Package secret reads what must not stand in a configuration file. A
// reference says where a secret lies; its value prints as *** in every way
// that Go prints, and is given out by [Value.Reveal] alone.
package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// An Unusable is a secret that is not where its reference says, or that cannot
// be used. It names places, never what lies there.
type Unusable struct {
	Text string
	Fix  string // what to do
}

func (e *Unusable) Error() string { return e.Text + "; " + e.Fix }

// Look tells, without reading it, why a secret cannot be used: an [*Unusable].
// The zero Ref and one that names no proper place are nothing to look at.
func (r Ref) Look() error {
	if r.IsZero() || r.Validate() != nil {
		return nil
	}
	path, err := r.path()
	if err != nil || path == "" {
		return err
	}
	return r.look(path)
}

// path is the file that holds the secret; "" where it stands in the environment.
func (r Ref) path() (string, error) {
	switch {
	case r.Env != "":
		if os.Getenv(r.Env) == "" {
			return "", &Unusable{fmt.Sprintf("the environment variable %s is not set or empty", r.Env), "set it for the process that runs rollcall"}
		}
		return "", nil
	case r.Credential != "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", &Unusable{
				fmt.Sprintf("there is no credential %s here: CREDENTIALS_DIRECTORY is not set", r.Credential),
				fmt.Sprintf("run under systemd with LoadCredential=%s:PATH, or use {file: PATH}", r.Credential),
			}
		}
		return filepath.Join(dir, r.Credential), nil
	}
	return r.File, nil
}

// look tells why the file of a secret cannot be read. What systemd hands over
// as a credential is not looked at for its mode: the folder keeps others out.
func (r Ref) look(path string) error {
	info, err := os.Stat(path) // before opening, which would wait for a pipe's other end
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.Credential != "":
		return &Unusable{"the credential " + r.Credential + " does not exist", fmt.Sprintf("add LoadCredential=%s:PATH to the unit (systemctl edit rollcall) and restart it", r.Credential)}
	case errors.Is(err, fs.ErrNotExist):
		return &Unusable{path + " does not exist", "write the secret there, and chmod 600 it"}
	case err != nil:
		return unreadable(path, err)
	case !info.Mode().IsRegular():
		return &Unusable{path + " is not an ordinary file", "name the file that holds the secret"}
	case r.Credential == "" && info.Mode().Perm()&0o077 != 0:
		return &Unusable{path + " can be read by others", "chmod 600 it"}
	}
	return nil
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &Unusable{path + " may not be read by this user", "give it to the user that runs rollcall (chown), with mode 600"}
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return &Unusable{fmt.Sprintf("%s cannot be read: %v", path, err), "name a file that can"}
}

// Read fetches the secret. One newline at the end is not part of it. A place
// that holds nothing is an error, and so is a file that others can read: an
// [*Unusable].
func (r Ref) Read() (Value, error) {
	if err := r.Validate(); err != nil {
		return Value{}, fmt.Errorf("secret %w", err)
	}
	if r.IsZero() {
		return Value{}, nil
	}
	path, err := r.path()
	if err != nil {
		return Value{}, err
	}
	if path == "" {
		return Value{os.Getenv(r.Env)}, nil
	}
	if err := r.look(path); err != nil {
		return Value{}, err
	}
	return readFile(path)
}

// readFile reads a small file.
func readFile(path string) (Value, error) {
	f, err := os.Open(path)
	if err != nil {
		return Value{}, unreadable(path, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return Value{}, unreadable(path, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	switch {
	case len(raw) > maxSize:
		return Value{}, &Unusable{fmt.Sprintf("%s is larger than %d bytes", path, maxSize), "name the file that holds the secret alone"}
	case text == "":
		return Value{}, &Unusable{path + " is empty", "write the secret into it"}
	case strings.ContainsRune(text, 0):
		return Value{}, &Unusable{path + " holds a NUL byte", "write the secret into it as text"}
	}
	return Value{text}, nil
}
