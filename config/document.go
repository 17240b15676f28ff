package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"rollcall/internal/roster"
)

// Bounds of one file.
const (
	maxFile  = 1 << 20
	maxNodes = 100_000 // visited while decoding: an alias counts each time
	maxDepth = 50
)

// A document is one file while it is read: its lines, where each key stands,
// and what is wrong with it.
type document struct {
	file     string
	lines    []string
	root     *yaml.Node // nil: the file is empty
	hidden   map[int]bool
	marks    map[string]mark
	failed   map[string]bool // paths that already have an error
	misspelt []string        // paths that were meant by keys that are unknown: they are not missing
	visited  int
	built    bool                     // all keys of its kind are
	beside   map[string]reflect.Value // where the value of a path goes that has a place of its own beside its table
	errs     Errors
}

// A mark is where a path of the configuration stands in its file.
type mark struct {
	key   *yaml.Node // nil for elements of lists
	value *yaml.Node
}

// open reads a file of the configuration. What is wrong with it stands in errs.
func open(file string) *document {
	d := &document{file: file, marks: map[string]mark{}, failed: map[string]bool{}}
	raw, err := readBounded(file)
	if err != nil {
		d.addFile(err.Error(), unreadable(file, err))
		return d
	}
	d.parse(raw)
	return d
}

func readBounded(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, plainCause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errOdd
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, plainCause(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, plainCause(err)
	}
	return raw, nil
}

var errOdd = errors.New("is not an ordinary file")

// unreadable is what to do about a file that cannot be read; "" where the error
// says so.
func unreadable(file string, err error) string {
	switch {
	case errors.Is(err, errOdd):
		return "put a file in its place, or remove it"
	case errors.Is(err, fs.ErrPermission):
		return "give the user that runs rollcall the right to read it"
	case errors.Is(err, fs.ErrNotExist):
		if _, lost := os.Lstat(file); lost == nil {
			return "the link leads to nothing; mend it, or remove it"
		}
	}
	return ""
}

// plainCause drops operation and path, which the error's place already says.
func plainCause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

// parse turns raw into nodes.
func (d *document) parse(raw []byte) {
	if len(raw) > maxFile {
		d.addFile("is larger than 1 MiB", "split it: one profile a file")
		return
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	d.lines = splitLines(string(raw))
	d.hidden = secretLines(d.lines)
	if !d.readable() {
		return
	}
	l, err := yaml.NewLoader(bytes.NewReader(raw))
	if err != nil {
		d.syntax(err)
		return
	}
	var doc yaml.Node
	switch err := l.Load(&doc); {
	case errors.Is(err, io.EOF):
		return
	case err != nil:
		d.syntax(err)
		return
	}
	var second yaml.Node
	if err := l.Load(&second); err == nil {
		d.note(second.Line, second.Column, 3, codeSyntax, "a second document begins here", "keep one document in one file")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	if len(doc.Content) == 1 {
		d.root = doc.Content[0]
		d.hideSecrets(d.root)
	}
}

func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// readable refuses bytes that are no text, with their place, which the YAML
// library would not tell.
func (d *document) readable() bool {
	for i, line := range d.lines {
		col := 0
		for at, r := range line {
			col++
			switch {
			case r == utf8.RuneError && strings.HasPrefix(line[at:], "\xef\xbf\xbd"):
			case r == utf8.RuneError:
				d.note(i+1, col, 1, codeSyntax, "not valid UTF-8", "save the file as UTF-8")
				return false
			case r < ' ' && r != '\t', r == 0x7f:
				d.note(i+1, col, 1, codeSyntax, "a control character", "remove it; in a quoted text write it as an escape, like \\x1f")
				return false
			case r == '\u0085' || r == '\u2028' || r == '\u2029': // YAML ends a line here, and no editor shows it
				d.note(i+1, col, 1, codeSyntax, "a line separator that editors do not show", "remove it")
				return false
			}
		}
	}
	return true
}

// quoted finds what the YAML library cites from the file, which may be a secret.
var quoted = regexp.MustCompile(` ?'[^'\s]{2,}'`)

// syntax adds what the YAML library says.
func (d *document) syntax(err error) {
	le, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		d.addFile("is not valid YAML", "")
		return
	}
	line, col := max(le.Mark.Line, 1), max(le.Mark.Column, 1)
	text, hint := quoted.ReplaceAllString(le.Message, ""), ""
	if line <= len(d.lines) {
		lead := d.lines[line-1]
		lead = lead[:len(lead)-len(strings.TrimLeft(lead, " \t"))]
		if tab := strings.IndexByte(lead, '\t'); tab >= 0 {
			d.note(line, tab+1, 1, codeSyntax, "a tab in the indentation", "indent with spaces")
			return
		}
	}
	switch {
	case strings.Contains(text, "unknown anchor"):
		hint = "a text that begins with * stands in quotes"
	case strings.Contains(text, "mapping values are not allowed"):
		hint = "a text with a colon and a blank stands in quotes"
	case strings.Contains(text, "cannot start any token"):
		hint = "a text that begins with a special character stands in quotes"
	case strings.Contains(text, "exceeded max depth"):
		hint = "a bracket or an indentation is opened again and again; close it"
	case le.ContextMark.Line > 0 && le.ContextMark.Line != line:
		hint = fmt.Sprintf("what is not closed begins in line %d", le.ContextMark.Line)
	}
	d.note(line, col, 1, codeSyntax, text, hint)
}

// maxErrors is how much is shown of one file.
const maxErrors = 100

// note notes an error at a place.
func (d *document) note(line, col, width int, code, text, hint string) {
	switch {
	case len(d.errs) > maxErrors:
		return
	case len(d.errs) == maxErrors:
		line, col, width, code, text, hint = len(d.lines), 1, 1, codeSyntax, "more errors than are shown", "mend the others first"
	}
	e := Error{File: d.file, Line: line, Col: col, Severity: roster.SeverityError, Code: code, Text: text, Hint: hint, Width: width}
	if line > 0 && line <= len(d.lines) && !d.hidden[line] {
		e.Source = d.lines[line-1]
	}
	d.errs = append(d.errs, e)
}

// add notes an error at a node.
func (d *document) add(n *yaml.Node, code, text, hint string) {
	d.note(n.Line, n.Column, d.width(n), code, text, hint)
}

// addFile notes an error of the whole file.
func (d *document) addFile(text, hint string) { d.note(0, 0, 0, codeFile, text, hint) }

// fail notes an error at a node, unless its path already has one.
func (d *document) fail(n *yaml.Node, path, code, text, hint string) {
	if !d.failed[path] {
		d.failed[path] = true
		d.add(n, code, text, hint)
	}
}

// fault notes an error at the value of path or, where the file does not say
// it, at the nearest key around it.
func (d *document) fault(path, code, text, hint string) {
	d.at(path, code, text, hint, false)
}

// clash notes an error at the key of path.
func (d *document) clash(path, code, text, hint string) {
	d.at(path, code, text, hint, true)
}

func (d *document) at(path, code, text, hint string, key bool) {
	if d.blames(path) || !d.has(path) && slices.Contains(d.misspelt, path) {
		return
	}
	d.failed[path] = true
	if n := d.locate(path, key); n != nil {
		d.add(n, code, text, hint)
	} else {
		d.note(0, 0, 0, code, text, hint)
	}
}

// blames tells whether path, or a block around it, already has an error.
func (d *document) blames(path string) bool {
	for path != "" {
		if d.failed[path] {
			return true
		}
		path = around(path)
	}
	return false
}

// warn turns the error noted last into a warning, if there is one since n.
func (d *document) warn(path, code, text, hint string, key bool) {
	n := len(d.errs)
	d.at(path, code, text, hint, key)
	if len(d.errs) > n {
		d.errs[n].Severity = roster.SeverityWarning
		delete(d.failed, path)
	}
}

// locate finds the node of a path: its value, or its key, or the key of the
// nearest block around it that is there.
func (d *document) locate(path string, key bool) *yaml.Node {
	for ; path != ""; path, key = around(path), true {
		if m, ok := d.marks[path]; ok {
			if m.key != nil && key {
				return m.key
			}
			return m.value
		}
	}
	return nil
}

// around is the path of the block or list that path is in.
func around(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// has tells whether the file says path.
func (d *document) has(path string) bool {
	_, ok := d.marks[path]
	return ok
}

// width is how many characters of its line a node takes.
func (d *document) width(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) || d.hidden[n.Line] {
		return 1
	}
	line := []rune(d.lines[n.Line-1])
	if n.Column < 1 || n.Column > len(line) {
		return 1
	}
	rest := line[n.Column-1:]
	switch {
	case n.Kind == yaml.AliasNode:
		return min(len([]rune(n.Value))+1, len(rest))
	case n.Kind != yaml.ScalarNode:
		return 1
	case rest[0] == '"' || rest[0] == '\'':
		for i := 1; i < len(rest); i++ {
			if rest[0] == '"' && rest[i] == '\\' {
				i++
			} else if rest[i] == rest[0] {
				return i + 1
			}
		}
		return len(rest)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 1
	default:
		return max(1, min(len([]rune(n.Value)), len(rest)))
	}
}
