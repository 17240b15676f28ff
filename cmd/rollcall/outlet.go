package main

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// An outlet is stdout, and remembers the first error of writing to it: what a
// command prints is its result, and one that is lost is no success, whoever
// has looked at the error of one line.
type outlet struct {
	w   io.Writer
	err error
}

// errUnread means that whoever was to read the result has gone, as head -1
// does. What the command did it has done, and its exit code is that of the deed.
var errUnread = errors.New("nobody reads the output any more")

// Write implements [io.Writer]. After an error nothing more is written.
func (o *outlet) Write(p []byte) (n int, err error) {
	if o.err != nil {
		return 0, o.err
	}
	n, o.err = o.w.Write(p)
	if errors.Is(o.err, syscall.EPIPE) {
		o.err = errUnread
	}
	return n, o.err
}

// lost is the error by which a part of the result was lost; nil where it was
// written whole, or as far as anybody wanted it.
func (o *outlet) lost() error {
	if errors.Is(o.err, errUnread) {
		return nil
	}
	return o.err
}

// file is the file behind a stream; nil where it is none.
func file(stream any) *os.File {
	if o, ok := stream.(*outlet); ok {
		stream = o.w
	}
	f, _ := stream.(*os.File)
	return f
}

// heard is an error of printing, but for that of a reader who has gone.
func heard(err error) error {
	if errors.Is(err, errUnread) {
		return nil
	}
	return err
}
