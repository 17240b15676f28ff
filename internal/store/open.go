package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"rollcall/internal/fault"
)

//go:embed migrations
var migrations embed.FS

// connectWithin bounds how long [Open] waits for a server or a locked file.
const connectWithin = 10 * time.Second

// DB is an open database. It is safe for use by several goroutines.
type DB struct {
	gorm    *gorm.DB
	pool    *sql.DB
	engine  engine
	lockDir string
	scratch string
	now     func() time.Time
	schema  int64    // its version, when it was opened
	lost    sync.Map // run: why it came to nothing, where that could not be written down
}

// An engine is what SQLite and PostgreSQL do differently.
type engine interface {
	name() string // of the folder with its migrations
	open(ctx context.Context) (*sql.DB, error)
	migrate(ctx context.Context, files fs.FS, pool *sql.DB) (*goose.Provider, error)
	dialector(pool *sql.DB) gorm.Dialector
	// lock takes the lock of a profile, which dies with this process, or answers
	// with ErrBusy at once. dir is the folder of the lock files, where there are any.
	lock(ctx context.Context, dir, profile string) (release func() error, err error)
	// share lets other programs read the views.
	share(ctx context.Context, pool *sql.DB) error
	// in compares a column with a list, by one parameter however long the list is.
	in(column string, list list) clause.Expr
	// forUpdate ends a query whose rows nobody else may change before the transaction ends.
	forUpdate() string
	// insert adds rows to a table, and overwrite writes rows over those with the same
	// id, which is their first column. Both do it in w's transaction, as fast as
	// the engine can, and tell how many rows there were. next gives the rows, one
	// after the other, and nil behind the last: a row is not kept, and next uses no
	// database.
	insert(ctx context.Context, w work, table string, columns []string, next func() ([]any, error)) (int64, error)
	overwrite(ctx context.Context, w work, table string, columns []string, rows []over) (int64, error)
	// unindex drops what each new row of the tables would have to be entered into or
	// compared with, but for primary keys, and gives the statements that make it again.
	unindex(w work, tables ...string) (again []string, err error)
	// keep lets another connection read a table for a transaction that waits for it:
	// from one view of it, and with nobody between the two who waits to have the table
	// to himself. The error is that somebody waits already.
	keep(w work, table string) (tx *gorm.DB, done func(), err error)
	// hasten tells that w repeats its statements, and what the database itself asks
	// for them (whether a link's account is there), for thousands of rows. What was
	// planned before is planned again: it is told before each chunk.
	hasten(w work) error
	// refresh counts tables anew of which much has become different: a server that
	// believes a table to be small reads it whole for each page of it. A table may
	// name the columns to count.
	refresh(ctx context.Context, pool *sql.DB, tables ...string) error
	// abreast is how many connections ask at the same time what can be asked apart.
	abreast() int
	// renew closes the connections that nobody uses: those to a server that has gone
	// away look alive for a while.
	renew(pool *sql.DB)
	// scrub brings what was deleted out of the files.
	scrub(ctx context.Context, pool *sql.DB) error
	// announce tells listeners, when w commits, that accounts have changed.
	announce(w work, seq int64) error
	// translate wraps an error in what callers decide by: GORM's names of broken
	// constraints, and ErrDown where the database itself is at fault.
	translate(err error) error
	// explain says in one sentence, without a secret, why the database cannot be used.
	explain(err error) string
}

// Open connects to a database, creates or migrates it, and lets the readers read.
// The error wraps [ErrDown] where it cannot be reached or is no database, and
// [ErrNewer] where a newer rollcall has been there.
func Open(ctx context.Context, o Options) (*DB, error) {
	e, err := engineOf(o)
	if err != nil {
		return nil, err
	}
	pool, schema, err := prepare(ctx, e)
	if err != nil {
		return nil, err
	}
	g, err := gorm.Open(e.dialector(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		// Nothing is logged: a statement holds people's data.
		Logger:  logger.Discard,
		NowFunc: func() time.Time { return o.Now().UTC() },
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrDown, e.explain(err)), pool.Close())
	}
	if err := g.Callback().Row().After("gorm:row").Register("rollcall:translate", func(tx *gorm.DB) { tx.Error = e.translate(tx.Error) }); err != nil {
		return nil, errors.Join(err, pool.Close()) // GORM itself translates what is not read row by row
	}
	return &DB{gorm: g, pool: pool, engine: e, lockDir: o.LockDir, scratch: o.Scratch, now: o.Now, schema: schema}, nil
}

// Close waits for nobody: end what uses the database first.
func (db *DB) Close() error { return db.pool.Close() }

func engineOf(o Options) (engine, error) {
	switch {
	case strings.HasPrefix(o.DSN, "sqlite:"):
		return sqliteAt(strings.TrimPrefix(o.DSN, "sqlite:"))
	case strings.HasPrefix(o.DSN, "postgres://"), strings.HasPrefix(o.DSN, "postgresql://"):
		return postgresAt(o)
	}
	return nil, fmt.Errorf("%w: database: neither sqlite:PATH nor postgres://…; correct database in rollcall.yaml", ErrDown)
}

func prepare(ctx context.Context, e engine) (pool *sql.DB, schema int64, err error) {
	pool, err = e.open(ctx)
	if err = fault.After(err, "store.opened"); err != nil {
		return nil, 0, fmt.Errorf("%w: %s", ErrDown, e.explain(err))
	}
	if schema, err = upgrade(ctx, e, pool); err != nil {
		return nil, 0, errors.Join(err, pool.Close())
	}
	if err := e.share(ctx, pool); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("database_readers: %w", err), pool.Close())
	}
	return pool, schema, nil
}

// upgrade brings the schema to that of this binary, and tells its version. Several
// may start at once.
func upgrade(ctx context.Context, e engine, pool *sql.DB) (schema int64, err error) {
	files, err := fs.Sub(migrations, "migrations/"+e.name())
	if err != nil {
		return 0, err
	}
	p, err := e.migrate(ctx, files, pool)
	if err != nil {
		return 0, fmt.Errorf("%w: %s", ErrDown, e.explain(err))
	}
	_, err = p.Up(ctx)
	if err = fault.After(err, "store.migrated"); err != nil {
		return 0, fmt.Errorf("%w: %s", ErrDown, e.explain(fmt.Errorf("migrate: %w", err)))
	}
	got, err := p.GetDBVersion(ctx)
	if err != nil {
		return 0, fmt.Errorf("%w: %s", ErrDown, e.explain(err))
	}
	sources := p.ListSources()
	if want := sources[len(sources)-1].Version; got > want {
		return 0, fmt.Errorf("%w: its schema is version %d, this binary knows %d; install the newer rollcall again, or restore a backup", ErrNewer, got, want)
	}
	return got, nil
}

// outlived refuses to write accounts, in a transaction that has read some, once a newer
// rollcall has changed the schema under this process: a daemon may go on while the next
// version is tried by command, and would write rows without what that one keeps.
func (db *DB) outlived(tx *gorm.DB) error {
	var is int64
	if err := tx.Raw("SELECT max(version_id) FROM migration").Scan(&is).Error; err != nil || is <= db.schema {
		return err
	}
	return fmt.Errorf("%w: its schema is version %d by now, and was %d when this process opened it; restart rollcall", ErrNewer, is, db.schema)
}
