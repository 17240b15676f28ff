package source

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/roster"
)

const (
	maxNames   = 100_000 // in the folder of a source
	maxIgnored = 100     // lines of a listing
	maxName    = 255     // bytes
)

// tooMany refuses a folder that has more names than we are ready to read.
func tooMany() error {
	return &roster.Refusal{
		Code: "E411",
		Text: fmt.Sprintf("the source's folder has more than %d names", maxNames),
		Fix:  "let the sender clean it up, or give rollcall a folder of its own",
	}
}

// listing sorts out what in a folder can be a drop.
func (o Options) listing(infos []fs.FileInfo) Listing {
	var l Listing
	ignored := 0
	for _, info := range infos {
		if !o.matches(info.Name()) || o.isMarker(info.Name()) || info.Name() == o.archive() {
			continue
		}
		why := strange(info.Name())
		if why == "" {
			why = irregular(info.Mode())
		}
		if why == "" {
			l.Files = append(l.Files, fileOf(info))
			continue
		}
		if ignored++; ignored <= maxIgnored {
			l.Ignored = append(l.Ignored, printable(info.Name())+": "+why)
		}
	}
	if more := ignored - maxIgnored; more > 0 {
		l.Ignored = append(l.Ignored, fmt.Sprintf("and %d more", more))
	}
	slices.SortFunc(l.Files, older)
	return l
}

func fileOf(info fs.FileInfo) File {
	return File{Name: info.Name(), Size: info.Size(), Modified: info.ModTime()}
}

func older(a, b File) int {
	return cmp.Or(a.Modified.Compare(b.Modified), cmp.Compare(a.Name, b.Name))
}

// folder is where the drops lie; "." where the path has none.
func (o Options) folder() string { return path.Dir(o.Path) }

func (o Options) matches(name string) bool {
	ok, err := path.Match(path.Base(o.Path), name)
	return ok && err == nil
}

// strange says why nobody would give a drop such a name, and "" of an ordinary one.
func strange(name string) string {
	switch {
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "its name has a control or invisible character"
	case len(name) > maxName:
		return fmt.Sprintf("its name is longer than %d bytes", maxName)
	case strings.HasPrefix(name, "."):
		return "its name begins with a dot"
	case strings.HasPrefix(name, "-"):
		return "its name begins with a hyphen"
	case strings.ContainsAny(name, `/\`):
		return "its name has a slash"
	case name == "":
		return "it has no name"
	}
	return ""
}

// irregular says what a file is that is not a regular one.
func irregular(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode&fs.ModeSymlink != 0:
		return "it is a link; links are never followed"
	case mode.IsDir():
		return "it is a folder"
	default:
		return "it is not a regular file"
	}
}

// printable is a text that somebody else has chosen, quoted and cut.
func printable(s string) string {
	const most = 80
	if cut := []rune(s); len(cut) > most {
		s = string(cut[:most]) + "…"
	}
	return strconv.Quote(s)
}

// isMarker tells whether name looks like a marker, which is never a drop.
func (o Options) isMarker(name string) bool {
	before, after, found := strings.Cut(o.Ready, "*")
	return found && len(name) > len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
}

// markers are the names that the marker of a file may have: for staff.csv.gz
// and "*.done" these are staff.csv.gz.done, staff.csv.done and staff.done. Only
// suffixes of packing are taken off before the last one, so that the marker of
// staff.2026-11 is not that of staff.2026-12.
func (o Options) markers(name string) []string {
	if o.Ready == "" {
		return nil
	}
	mark := func(stem string) string { return strings.Replace(o.Ready, "*", stem, 1) }
	found := []string{mark(name)}
	for {
		suffix := path.Ext(name)
		if suffix == "" || suffix == name {
			return found
		}
		name = strings.TrimSuffix(name, suffix)
		found = append(found, mark(name))
		if !slices.Contains([]string{".gz", ".zip", ".pgp", ".gpg", ".asc"}, strings.ToLower(suffix)) {
			return found
		}
	}
}

// sameTime compares times that may have been through a database.
func sameTime(a, b time.Time) bool { return a.Sub(b).Abs() < time.Millisecond }
