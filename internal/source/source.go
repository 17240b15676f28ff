// Package source fetches drops into the spool and proves their bytes. It never
// looks inside. It is the only room that speaks SFTP.
package source

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// Options say where drops come from (profile key source:).
type Options struct {
	Type       string        `yaml:"type"` // sftp, dir
	Host       string        `yaml:"host"`
	Port       int           `yaml:"port"` // zero: 22
	User       string        `yaml:"user"`
	Key        secret.Ref    `yaml:"key"`
	Password   secret.Ref    `yaml:"password"`
	HostKeys   []string      `yaml:"host_keys"`   // pinned fingerprints, SHA256:…
	KnownHosts string        `yaml:"known_hosts"` // a file
	Path       string        `yaml:"path"`        // folder and glob
	Pick       string        `yaml:"pick"`        // newest, oldest, all
	Settle     time.Duration `yaml:"settle"`
	Ready      string        `yaml:"ready"` // marker beside the file, like "*.done": the star is the file's name, or its name without suffixes
	After      string        `yaml:"after"` // keep, archive, delete
	MoveTo     string        `yaml:"move_to"`
	MaxSize    int64         `yaml:"max_size"` // bytes
}

// Defaults are what the contract says where a key is absent.
func Defaults() Options {
	return Options{Pick: "newest", Settle: 2 * time.Minute, After: "keep", MaxSize: 512 << 20}
}

// Validate reports everything that is wrong with o, by path below source.
func (o Options) Validate() []*roster.Fault { panic("not built") }

// A Listing is what a source has that matches.
type Listing struct {
	Files   []File   // regular files with an ordinary name, oldest first
	Ignored []string // one line each: what matched and is left alone, and why
}

// A File is a drop as its source lists it.
type File struct {
	Name     string // without folders
	Size     int64
	Modified time.Time
}

// A Source is where the drops of a profile come from. It is an interface
// because there are two: a folder and an SFTP server.
type Source interface {
	// List looks once. Files that are not settled are in it.
	List(ctx context.Context) (Listing, error)
	// Settled waits until one of files stands still (or its marker is there) and answers with
	// those that do, oldest first, and with those that grow. It looks for at most patience; where
	// none has settled by then it answers with a [*roster.Refusal] E406.
	Settled(ctx context.Context, files []File, patience time.Duration) (settled, growing []File, err error)
	// Fetch copies f into spool, under a temporary name until it is whole, hashed on the way, and
	// proves its size before, during and after.
	Fetch(ctx context.Context, f File, spool string) (roster.Drop, error)
	// After does what after: says with a drop that has been applied.
	After(ctx context.Context, d roster.Drop) error
	Close() error
}

// ErrNoDrop means that the source was reached and has nothing that matches.
var ErrNoDrop = errors.New("no drop")

// Open connects. Peers that are not who they should be, refused logins and
// dead hosts are a [*roster.Refusal] E401 to E404.
func Open(ctx context.Context, o Options, log *slog.Logger) (Source, error) { panic("not built") }

// Local copies the file at path into spool: what --file does.
func Local(ctx context.Context, path, spool string, maxSize int64) (roster.Drop, error) {
	panic("not built")
}

// HostKey asks a server, host or host:port, for its keys, without logging in.
func HostKey(ctx context.Context, host string) ([]OfferedKey, error) { panic("not built") }

// An OfferedKey is a host key as a server offers it.
type OfferedKey struct{ Type, Fingerprint string }
