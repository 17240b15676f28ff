package format

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rollcall/internal/roster"
)

// An archive bomb is told from a file by how much it grows: staff lists shrink
// to a tenth, very monotonous ones to a fiftieth, a bomb to a thousandth.
const (
	maxRatio   = 100
	ratioFloor = 8 << 20 // unpacked bytes below which the ratio does not matter
)

// An unwrapping knows how to get at the bytes of a drop, again and again.
type unwrapping struct {
	path    string
	maxSize int64
	gzip    bool
	watch   func(at int64) // nil: nobody looks
}

func (u unwrapping) wrapped() []string {
	if u.gzip {
		return []string{"gzip"}
	}
	return nil
}

// believeName takes from the drop's name what is around it, and refuses what
// is not built. It answers with the type: csv, xml, ldif, or json where kind says so.
func (f *File) believeName(name, kind string) (string, error) {
	name = strings.ToLower(name)
	f.unwrap.gzip = strings.HasSuffix(name, ".gz")
	suffix := filepath.Ext(strings.TrimSuffix(name, ".gz"))
	refuse := func(text, fix string) (string, error) {
		return "", &roster.Refusal{Code: "E411", Text: text, Fix: fix}
	}
	switch suffix {
	case ".zip", ".7z", ".tar", ".tgz", ".bz2", ".xz", ".zst":
		return refuse("unpacking "+suffix+" files is not built yet", "have HR send the file plain or as .gz")
	case ".pgp", ".gpg", ".asc":
		return refuse("decrypting "+suffix+" files is not built yet", "have HR send the file plain or as .gz")
	case ".xlsx", ".xlsm", ".xls", ".ods":
		return refuse("the file is a spreadsheet", "export it as CSV")
	}
	declared := kind != ""
	if !declared {
		kind = strings.TrimPrefix(suffix, ".")
	}
	switch kind {
	case "json":
		if declared {
			return kind, nil
		}
		return refuse("reading "+kind+" is not built yet", "have HR send CSV or XML")
	case "xml", "ldif":
		return kind, nil
	}
	return "csv", nil
}

// open stands before the first unpacked byte.
func (u unwrapping) open() (io.ReadCloser, error) {
	file, err := os.Open(u.path)
	if err != nil {
		return nil, fmt.Errorf("open drop: %w", err)
	}
	from := io.Reader(file)
	if u.watch != nil {
		u.watch(0)
		from = &watched{r: file, tell: u.watch}
	}
	b := &bounded{file: file, r: from, maxSize: u.maxSize}
	if !u.gzip {
		return b, nil
	}
	b.packed = &counter{r: from}
	z, err := gzip.NewReader(bufio.NewReaderSize(b.packed, headSize))
	if err != nil {
		file.Close()
		return nil, gzipError(err, b.packed.n == 0)
	}
	b.r = z
	return b, nil
}

// gzipError says what a fault of the packing means. Errors of the disk stay
// what they are.
func gzipError(err error, empty bool) error {
	var path *os.PathError
	switch {
	case empty && errors.Is(err, io.EOF):
		return errEmpty()
	case errors.As(err, &path):
		return fmt.Errorf("read drop: %w", err)
	case errors.Is(err, gzip.ErrHeader):
		return &roster.Refusal{Code: "E411", Text: "the name ends with .gz and the bytes are not gzip", Fix: "have HR send it packed, or under a name without .gz"}
	}
	return &roster.Refusal{Code: "E408", Text: "the gzip packing is damaged or cut"}
}

func errEmpty() error {
	return &roster.Refusal{Code: "E411", Text: "the file is empty", Fix: "ask HR to send it again: an empty file is never believed"}
}

// bounded counts what comes out of a file, and stops at the bound.
type bounded struct {
	file    *os.File
	r       io.Reader
	packed  *counter // what went into the unpacking; nil where nothing is packed
	n       int64
	maxSize int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.n > b.maxSize:
		return 0, &roster.Refusal{Code: "E411", Text: fmt.Sprintf("the file holds more than %d bytes", b.maxSize), Fix: "raise source.max_size if that is meant"}
	case b.packed != nil && b.n > ratioFloor && b.n/maxRatio > b.packed.n:
		return 0, &roster.Refusal{Code: "E411", Text: fmt.Sprintf("the file unpacks to more than %d times its size", maxRatio), Fix: "have HR send it plain if that is meant"}
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case b.packed != nil:
		if errors.Is(err, gzip.ErrHeader) { // after the first stream: something was appended
			err = io.ErrUnexpectedEOF
		}
		return n, gzipError(err, false)
	}
	return n, fmt.Errorf("read drop: %w", err)
}

func (b *bounded) Close() error { return b.file.Close() }

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// watched tells how far the reading of a file is.
type watched struct {
	r    io.Reader
	n    int64
	tell func(at int64)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	w.tell(w.n)
	return n, err
}
