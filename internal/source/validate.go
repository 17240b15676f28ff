package source

import (
	"encoding/base64"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"rollcall/internal/roster"
)

// Validate reports everything that is wrong with o, by path below source.
func (o Options) Validate() []*roster.Fault {
	var f faults
	switch o.Type {
	case "sftp":
		o.validateSFTP(&f)
	case "dir":
		o.validateDir(&f)
	case "ldap":
		o.validateLDAP(&f)
		return f
	case "":
		f.add("type", "is missing", "write dir, sftp or ldap")
	case "https":
		f.add("type", o.Type+" is not built yet", "write dir, sftp or ldap")
	default:
		f.add("type", fmt.Sprintf("%.60q is no source", o.Type), "write dir, sftp or ldap")
	}
	o.refuseLDAP(&f)
	o.validatePath(&f)
	f.word("pick", o.Pick, "newest", "oldest", "all")
	f.word("after", o.After, "keep", "archive", "delete")
	o.validateMarks(&f)
	o.Sequence.validate(&f)
	o.validateDue(&f)
	return f
}

// longestSettle bounds settle: a slip of the unit would have a run wait for months.
const longestSettle = 24 * time.Hour

type faults []*roster.Fault

func (f *faults) add(path, text, hint string) {
	*f = append(*f, &roster.Fault{Path: path, Text: text, Hint: hint})
}

func (f *faults) word(path, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		f.add(path, fmt.Sprintf("%.60q is not one of its words", got), "write "+strings.Join(allowed, ", "))
	}
}

func (o Options) validateSFTP(f *faults) {
	switch {
	case o.Host == "":
		f.add("host", "is missing", "write the server's name")
	case strings.Contains(o.Host, "://"):
		f.add("host", "is an address with a scheme", "write the server's name alone")
	case strings.ContainsFunc(o.Host, func(r rune) bool { return r <= ' ' || !unicode.IsPrint(r) || strings.ContainsRune("/@[]", r) }):
		f.add("host", "is not a server's name", "write the name alone; the user belongs to user, the port to port")
	case strings.Contains(o.Host, ":") && net.ParseIP(o.Host) == nil:
		f.add("host", "has a port", "write the port in port")
	}
	if o.Port < 0 || o.Port > 65535 {
		f.add("port", fmt.Sprintf("%d is no port", o.Port), "write 1 to 65535, or leave it out for 22")
	}
	if o.User == "" {
		f.add("user", "is missing", "write the name to log in with")
	}
	if o.Key.IsZero() && o.Password.IsZero() {
		f.add("key", "is missing, and so is password", "write key: {file: PATH} or password: {file: PATH}")
	}
	if err := o.Key.Validate(); err != nil {
		f.add("key", err.Error(), "")
	}
	if err := o.Password.Validate(); err != nil {
		f.add("password", err.Error(), "")
	}
	if len(o.HostKeys) == 0 && o.KnownHosts == "" {
		f.add("host_keys", "is missing, and so is known_hosts", "rollcall hostkey show HOST prints the fingerprints; compare them with the server's owner")
	}
	for i, pin := range o.HostKeys {
		if !isFingerprint(pin) {
			f.add(fmt.Sprintf("host_keys[%d]", i), "is not a fingerprint", "write SHA256: and 43 characters, as rollcall hostkey show HOST prints them")
		}
	}
}

// isFingerprint tells whether s is what ssh-keygen -l prints of a key.
func isFingerprint(s string) bool {
	sum, found := strings.CutPrefix(s, "SHA256:")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(sum)
	return found && err == nil && len(raw) == 32
}

func (o Options) validateDir(f *faults) {
	for _, k := range []struct {
		key string
		set bool
	}{
		{"host", o.Host != ""},
		{"port", o.Port != 0},
		{"user", o.User != ""},
		{"key", !o.Key.IsZero()},
		{"password", !o.Password.IsZero()},
		{"host_keys", len(o.HostKeys) > 0},
		{"known_hosts", o.KnownHosts != ""},
	} {
		if k.set {
			f.add(k.key, "belongs to type sftp, and this is a dir", "remove it, or write type: sftp")
		}
	}
}

func (o Options) validatePath(f *faults) {
	folder, glob := path.Split(o.Path)
	const glue = "write folder and glob, like /outgoing/staff_*.csv"
	switch _, err := path.Match(glob, ""); {
	case o.Path == "":
		f.add("path", "is missing", glue)
	case strings.ContainsFunc(o.Path, unicode.IsControl):
		f.add("path", "has a control character", glue)
	case glob == "" || glob == "." || glob == "..":
		f.add("path", "names a folder and no file", glue)
	case err != nil:
		f.add("path", fmt.Sprintf("%q is not a glob", glob), "close its bracket, or write a backslash before it")
	case strings.ContainsAny(folder, "*?["):
		f.add("path", "has a glob in its folder", "a glob stands in the last part alone")
	case o.Type == "sftp" && strings.HasPrefix(folder, "~"):
		f.add("path", "begins with ~", "leave ~/ out: a path without a slash in front begins where the login arrives")
	}
}

// validateMarks looks at what says when a file is taken and what becomes of it.
func (o Options) validateMarks(f *faults) {
	switch {
	case o.Settle < 0:
		f.add("settle", fmt.Sprintf("%s is negative", o.Settle), "write how long a file has to stand still, like 2m")
	case o.Settle > longestSettle:
		f.add("settle", fmt.Sprintf("%s is long, and a run waits so long for a file", o.Settle), "write minutes, like 2m; at most 24h")
	}
	if o.MaxSize <= 0 {
		f.add("max_size", fmt.Sprintf("%d is not a size", o.MaxSize), "write how large a drop may be, like 512MB")
	}
	if o.Ready != "" {
		switch {
		case strings.Count(o.Ready, "*") != 1:
			f.add("ready", fmt.Sprintf("%q does not have one star", o.Ready), `write the marker's name with a star for the file's, like "*.done"`)
		case o.Ready == "*" || strings.ContainsAny(o.Ready, `/?[]\`) || strings.ContainsFunc(o.Ready, unicode.IsControl):
			f.add("ready", fmt.Sprintf("%q is not a name beside the file", o.Ready), `write the marker's name with a star for the file's, like "*.done"`)
		}
	}
	if o.MoveTo == "" {
		return
	}
	if o.After != "archive" {
		f.add("move_to", "has no effect without after: archive", "write after: archive, or remove it")
	}
	if strings.ContainsAny(o.MoveTo, `/\`) || o.MoveTo == "." || o.MoveTo == ".." || strings.ContainsFunc(o.MoveTo, unicode.IsControl) {
		f.add("move_to", "is not the name of a folder beside the file", "write a name without slashes, like done")
	}
}

// archive is the folder beside the file into which drops are moved; "" where
// they are not.
func (o Options) archive() string {
	switch {
	case o.After != "archive":
		return ""
	case o.MoveTo == "":
		return "done"
	default:
		return o.MoveTo
	}
}
