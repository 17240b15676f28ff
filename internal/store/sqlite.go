package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/migrator"
	"gorm.io/gorm/schema"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// lite is a database in one file, written by pure Go.
type lite struct{ path string }

func sqliteAt(path string) (engine, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: database: sqlite: names no file; write sqlite:PATH", ErrDown)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return lite{abs}, nil
}

func (lite) name() string { return "sqlite" }

// dsn asks for a log that lets readers go on beside a writer, for commits that
// survive a power cut, and for transactions that take the right to write at
// once: one that asks for it later cannot be made to wait.
func (e lite) dsn(busy string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(" + busy + ")", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"},
		"_txlock": {"immediate"},
	}
	return (&url.URL{Scheme: "file", Path: e.path, RawQuery: q.Encode()}).String()
}

func (e lite) open(ctx context.Context) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(e.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	if err := e.try(ctx); err != nil {
		return nil, err
	}
	// A large apply keeps others waiting for longer than a connection should.
	pool, err := sql.Open("sqlite", e.dsn("60000"))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(8)
	return pool, nil
}

// try tells within the time for connecting whether the file is a database that can be written.
func (e lite) try(ctx context.Context) error {
	pool, err := sql.Open("sqlite", e.dsn(strconv.FormatInt(connectWithin.Milliseconds(), 10)))
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	var n int
	return tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n)
}

func (e lite) migrate(_ context.Context, files fs.FS, pool *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithTableName("migration"), goose.WithDisableGlobalRegistry(true))
}

func (lite) share(context.Context, *sql.DB) error { return nil }

func (e lite) explain(err error) string {
	var s *sqlite.Error
	if errors.As(err, &s) {
		switch s.Code() & 0xff {
		case lib.SQLITE_NOTADB:
			return e.path + " is not an SQLite database; move it away or correct database in rollcall.yaml"
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return e.path + " is locked by another program; close it and try again"
		case lib.SQLITE_FULL:
			return e.path + " cannot grow: the disk is full; free some space"
		case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
			return e.path + " cannot be written; check owner and permissions of the file and its folder"
		case lib.SQLITE_CORRUPT:
			return e.path + " is damaged; restore a backup"
		}
	}
	return fmt.Sprintf("%v; check database in rollcall.yaml", err)
}

func (e lite) dialector(pool *sql.DB) gorm.Dialector { return dialector{pool} }

// dialector teaches GORM the SQLite that needs no C compiler. GORM's own driver
// would bring a second SQLite, in C, along.
type dialector struct{ pool *sql.DB }

func (dialector) Name() string { return "sqlite" }

func (d dialector) Initialize(db *gorm.DB) error {
	db.ConnPool = d.pool
	callbacks.RegisterDefaultCallbacks(db, &callbacks.Config{
		CreateClauses:        []string{"INSERT", "VALUES", "ON CONFLICT", "RETURNING"},
		UpdateClauses:        []string{"UPDATE", "SET", "FROM", "WHERE", "RETURNING"},
		DeleteClauses:        []string{"DELETE", "FROM", "WHERE", "RETURNING"},
		LastInsertIDReversed: true,
	})
	// A writer holds the whole database, so there is no row to lock.
	db.ClauseBuilders["FOR"] = func(c clause.Clause, b clause.Builder) {
		if _, ok := c.Expression.(clause.Locking); !ok {
			c.Build(b)
		}
	}
	db.ClauseBuilders["LIMIT"] = limit
	return nil
}

// limit gives an offset the limit without which SQLite does not take it.
func limit(c clause.Clause, b clause.Builder) {
	l, ok := c.Expression.(clause.Limit)
	if !ok {
		return
	}
	n := -1
	if l.Limit != nil && *l.Limit >= 0 {
		n = *l.Limit
	}
	if n >= 0 || l.Offset > 0 {
		_, _ = b.WriteString("LIMIT " + strconv.Itoa(n))
	}
	if l.Offset > 0 {
		_, _ = b.WriteString(" OFFSET " + strconv.Itoa(l.Offset))
	}
}

func (dialector) BindVarTo(w clause.Writer, _ *gorm.Statement, _ any) { _ = w.WriteByte('?') }

// QuoteTo quotes each part of a name that may be qualified.
func (dialector) QuoteTo(w clause.Writer, name string) {
	_ = w.WriteByte('"')
	for i := range len(name) {
		switch name[i] {
		case '"':
			_, _ = w.WriteString(`""`)
		case '.':
			_, _ = w.WriteString(`"."`)
		default:
			_ = w.WriteByte(name[i])
		}
	}
	_ = w.WriteByte('"')
}

func (dialector) Explain(query string, vars ...any) string {
	return logger.ExplainSQL(query, nil, `'`, vars...)
}

func (dialector) DataTypeOf(f *schema.Field) string {
	switch f.DataType {
	case schema.Bool, schema.Int, schema.Uint:
		return "integer"
	case schema.Float:
		return "real"
	case schema.Bytes:
		return "blob"
	}
	return "text"
}

func (dialector) DefaultValueOf(f *schema.Field) clause.Expression {
	if f.AutoIncrement {
		return clause.Expr{SQL: "NULL"}
	}
	return clause.Expr{SQL: "DEFAULT"}
}

// Migrator is GORM's own; the schema comes from the migrations, never from here.
func (d dialector) Migrator(db *gorm.DB) gorm.Migrator {
	return migrator.Migrator{Config: migrator.Config{DB: db, Dialector: d}}
}

func (dialector) SavePoint(tx *gorm.DB, name string) error {
	return tx.Exec("SAVEPOINT " + name).Error
}

func (dialector) RollbackTo(tx *gorm.DB, name string) error {
	return tx.Exec("ROLLBACK TO SAVEPOINT " + name).Error
}

// Translate gives the errors by which a caller decides the names that they have on PostgreSQL.
func (dialector) Translate(err error) error {
	var s *sqlite.Error
	if !errors.As(err, &s) {
		return err
	}
	switch s.Code() {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", gorm.ErrDuplicatedKey, err)
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", gorm.ErrForeignKeyViolated, err)
	case lib.SQLITE_CONSTRAINT_CHECK:
		return fmt.Errorf("%w: %w", gorm.ErrCheckConstraintViolated, err)
	}
	return err
}
