package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// unlockWithin bounds the giving back of an advisory lock, whose caller's
// context has often ended by then.
const unlockWithin = 5 * time.Second

// sweepLock is the file of the sweep, which has no profile. No profile bears
// its name: theirs have no underscore.
const sweepLock = "_sweep"

// lock takes the lock file of a profile. The kernel drops the lock with the
// process, however that ends. The file stays: removing it would let two
// processes lock two files of one name.
func (lite) lock(_ context.Context, dir, profile string) (release func() error, err error) {
	name := profile
	if name == "" {
		name = sweepLock
	}
	if name != filepath.Base(name) || name == ".." || name == "." {
		return nil, errors.New("lock: a profile's name is no path")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w; the folder must be writable by the user that rollcall runs as", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w; the folder must be writable by the user that rollcall runs as", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, ErrBusy
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w; locks need a local file system", f.Name(), err)
	}
	return func() error {
		// Closing alone unlocks only when the last copy of the file is closed, and
		// between a fork and its exec a child holds one.
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		return errors.Join(err, f.Close())
	}, nil
}

// lock takes the advisory lock of a profile. It is a session's lock and has a
// connection of its own, beside the pool: the server drops the lock with the
// connection, and no number of leases can use up what their work needs.
func (e server) lock(ctx context.Context, _, profile string) (release func() error, err error) {
	conn, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("lock: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrDown, e.explain(err))
	}
	key := lockKey(profile)
	hangUp := func() {
		ctx, cancel := context.WithTimeout(context.Background(), unlockWithin)
		defer cancel()
		_ = conn.Close(ctx) // the server frees what it holds either way
	}
	var got bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&got); err != nil {
		hangUp()
		return nil, fmt.Errorf("lock: %w", e.translate(err))
	}
	if !got {
		hangUp()
		return nil, ErrBusy
	}
	return func() error {
		// Asked for, it is free when the answer comes; by hanging up alone, which is
		// what remains where no answer comes, only soon after.
		ctx, cancel := context.WithTimeout(context.Background(), unlockWithin)
		defer cancel()
		_, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", key)
		hangUp()
		return nil
	}, nil
}

// lockKey is the number by which PostgreSQL knows the lock of a profile.
func lockKey(profile string) int64 {
	sum := sha256.Sum256([]byte("rollcall:" + profile))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
