// Package source fetches drops into the spool and proves their bytes. It never
// looks inside. It is the only room that speaks SFTP and LDAP.
//
// A file is taken when it stands still or its marker is there, copied under a
// temporary name, hashed on the way, and believed only if its size is the same
// before, during and after. A server is spoken to only after its host key was
// verified; there is no switch that skips this. Every step has a deadline.
//
// A directory is asked page by page, and what it answers is written down as LDIF.
// An answer that is not whole is none. It may be asked for what has changed alone;
// that is put together with the drop before, so that every drop lists everybody.
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
	Type       string        `yaml:"type"` // sftp, dir, ldap
	Host       string        `yaml:"host"`
	Port       int           `yaml:"port"` // zero: 22
	User       string        `yaml:"user"`
	Key        secret.Ref    `yaml:"key"`
	Password   secret.Ref    `yaml:"password"`
	HostKeys   []string      `yaml:"host_keys"`   // pinned fingerprints, SHA256:…
	KnownHosts string        `yaml:"known_hosts"` // a file
	Path       string        `yaml:"path"`        // folder and glob; the glob in the last element only; for sftp a relative one begins where the login arrives
	Pick       string        `yaml:"pick"`        // newest, oldest, all
	Settle     time.Duration `yaml:"settle"`      // zero: two looks, a moment apart
	Ready      string        `yaml:"ready"`       // marker beside the file, like "*.done": the star is the file's name, or its name without suffixes
	After      string        `yaml:"after"`       // keep, archive, delete
	MoveTo     string        `yaml:"move_to"`     // folder beside the file; "": done
	MaxSize    int64         `yaml:"max_size"`    // bytes
	Sequence   Sequence      `yaml:"sequence"`
	Due        string        `yaml:"due"`        // "06:00": by then a new drop is there each day; "": at no time
	DueExcept  []string      `yaml:"due_except"` // days on which none is: sat, sun, 2026-12-25

	// Of type ldap.
	URLs       []string `yaml:"urls"`        // ldaps://HOST or ldap://HOST, tried in order
	CAFile     string   `yaml:"ca_file"`     // the authority of the server's certificate, PEM; "": those of the machine
	ServerName string   `yaml:"server_name"` // to which the certificate is made out; "": the host of the URL
	StartTLS   Required `yaml:"starttls"`    // of ldap://, which without it is for this machine alone
	Bind       Bind     `yaml:"bind"`
	Dialect    string   `yaml:"dialect"` // ad, openldap, 389ds, generic
	Base       string   `yaml:"base"`
	Scope      string   `yaml:"scope"`     // sub, one, base
	Filter     string   `yaml:"filter"`    // "": people, as the dialect knows them
	PageSize   int      `yaml:"page_size"` // entries; zero: no pages

	Incremental string        `yaml:"incremental"` // how the directory says what has changed: none, usn, timestamp, syncrepl
	FullEvery   time.Duration `yaml:"full_every"`  // all is read, whatever has changed, once in this time

	Groups     Groups        `yaml:"-"` // asked for besides; profile key groups:
	Attributes []string      `yaml:"-"` // what is asked for: what the mapping speaks of
	Logins     *Logins       `yaml:"-"` // those that were refused; nil: none is remembered
	Copied     func(n int64) `yaml:"-"` // is told, while a drop is copied, how many bytes have come; nil: nobody looks
	Since      *Since        `yaml:"-"` // from which a directory's changes are read; nil: all is read
}

// Defaults are what the contract says where a key is absent.
func Defaults() Options {
	return Options{Pick: "newest", Settle: 2 * time.Minute, After: "keep", MaxSize: 512 << 20, Dialect: "generic", Scope: "sub", PageSize: 500, Incremental: "none", FullEvery: 24 * time.Hour}
}

// A Listing is what a source has that matches.
type Listing struct {
	Files   []File   // regular files with an ordinary name, oldest first; none is no error
	Ignored []string // one line each: what matched and is left alone, and why
}

// A File is a drop as its source lists it.
type File struct {
	Name     string // without folders
	Size     int64
	Modified time.Time
}

// A Source is where the drops of a profile come from. It is an interface
// because there are two: a folder with files, of this machine or of an SFTP
// server, and a directory. It is used by one goroutine at a time. A connection that was lost is made anew by the next
// call, so that After works also long after Fetch.
type Source interface {
	// List looks once. Files that are not settled are in it.
	List(ctx context.Context) (Listing, error)
	// Settled waits until one of files stands still (or its marker is there) and answers with
	// those that do, oldest first, and with those that grow. It looks for at most patience; where
	// none has settled by then it answers with a [*roster.Refusal] E406. Files that have vanished
	// are in neither answer; where all have, or there were none, the error is [ErrNoDrop].
	Settled(ctx context.Context, files []File, patience time.Duration) (settled, growing []File, err error)
	// Fetch copies f into spool, under a temporary name until it is whole, hashed on the way, and
	// proves its size before, during and after. The copy is the caller's, and has a name of its own
	// also where the same file is fetched twice.
	Fetch(ctx context.Context, f File, spool string) (roster.Drop, error)
	// After does what after: says with a drop that has been applied, and with its marker. It may
	// be called again: a drop that is gone already is no error. A drop that has changed since it
	// was fetched is left alone, and that is an error.
	After(ctx context.Context, d roster.Drop) error
	Close() error
}

// ErrNoDrop means that the source was reached and has nothing that matches.
var ErrNoDrop = errors.New("no drop")

// Open connects; log may be nil. Peers that are not who they should be, refused logins and
// dead hosts are a [*roster.Refusal] E401 to E404. A folder is not looked at
// before List.
func Open(ctx context.Context, o Options, log *slog.Logger) (Source, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &files{options: o, log: log}
	switch o.Type {
	case "dir":
		s.place = openDir(o)
	case "sftp":
		p, err := openSFTP(ctx, o, ordinary())
		if err != nil {
			return nil, err
		}
		s.place = p
	case "ldap":
		return openLDAP(ctx, o, ldapOrdinary(), log)
	default:
		return nil, errors.New("source.type is none of dir, sftp and ldap")
	}
	return s, nil
}
