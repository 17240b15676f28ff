package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

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

// Each connection has pages of its own: a mixed day with three took 40 MB more, and
// no less time.
func (lite) abreast() int { return 1 }

func (lite) renew(*sql.DB) {} // there is no server

// dsn asks for a log that lets readers go on beside a writer, for commits that
// survive a power cut, and for transactions that take the right to write at
// once: one that asks for it later cannot be made to wait. What is deleted is
// overwritten, and a connection has 8 MB of pages at hand: with twice as many a first load is no faster.
func (e lite) dsn(busy string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(" + busy + ")", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)", "cache_size(-8000)"},
		"_txlock": {"immediate"},
	}
	return (&url.URL{Scheme: "file", Path: e.path, RawQuery: q.Encode()}).String()
}

func (e lite) open(ctx context.Context) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
		return nil, err
	}
	// An existing file is left alone: closing it here would drop the locks that
	// this process holds on it through SQLite.
	f, err := os.OpenFile(e.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		if err := f.Close(); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	if err := e.patiently(ctx); err != nil {
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

// patiently tries until the file can be written, for as long as a connection
// may take. Where several begin with a new file at once, SQLite does not wait
// for the one that switches it to its log: it answers that the file is busy.
func (e lite) patiently(ctx context.Context) error {
	for end := time.Now().Add(connectWithin); ; {
		err := e.try(ctx, time.Until(end))
		var s *sqlite.Error
		if err == nil || !errors.As(err, &s) || s.Code()&0xff != lib.SQLITE_BUSY || time.Until(end) < time.Second {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// try tells in a bounded time whether the file is a database that can be written. It
// takes away the counts that somebody has had made (ANALYZE, or a tool that does it
// by itself): without them SQLite takes the index that fits. With those of a directory
// after its first load, whose changes are all of one run, it read all changes to find
// those of another: a second of every night with a million people.
func (e lite) try(ctx context.Context, within time.Duration) error {
	pool, err := sql.Open("sqlite", e.dsn(strconv.FormatInt(within.Milliseconds(), 10)))
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // what was written is committed
	var counts int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')").Scan(&counts); err != nil || counts == 0 {
		return err
	}
	for _, table := range []string{"sqlite_stat1", "sqlite_stat4"} {
		if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (e lite) migrate(_ context.Context, files fs.FS, pool *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithTableName("migration"), goose.WithDisableGlobalRegistry(true),
		goose.WithSessionLocker(&folderLock{dir: filepath.Dir(e.path)}))
}

// migrateWithin bounds how long one starter waits for another that migrates.
const migrateWithin = 2 * time.Minute

// folderLock lets one process at a time migrate the databases of a folder.
type folderLock struct {
	dir  string
	held *os.File
}

// SessionLock implements goose's lock.SessionLocker.
func (l *folderLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	f, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	for end := time.Now().Add(migrateWithin); ; time.Sleep(20 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			l.held = f
			return nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return errors.Join(ctx.Err(), fmt.Errorf("another process migrates: %w", err), f.Close())
		}
	}
}

// SessionUnlock implements goose's lock.SessionLocker.
func (l *folderLock) SessionUnlock(context.Context, *sql.Conn) error { return l.held.Close() }

// together is how many rows are inserted by one statement, which is parsed once
// for all that follow: with more of them the parsing costs more than it saves.
const together = 32

func (lite) in(column string, l list) clause.Expr {
	return clause.Expr{SQL: column + " IN (SELECT value FROM json_each(?))", Vars: []any{l.json()}}
}

// forUpdate is empty: who writes has the whole database to himself.
func (lite) forUpdate() string { return "" }

func (e lite) insert(ctx context.Context, w work, table string, columns []string, next func() ([]any, error)) (n int64, err error) {
	err = w.conn.Raw(func(c any) error { // below database/sql, which asks of each value anew what it is
		b := bulk{ctx: context.WithoutCancel(ctx), conn: c.(driver.ConnPrepareContext), columns: len(columns)}
		defer func() { err = errors.Join(err, b.close()) }()
		tuple := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
		b.head, b.tuple = "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ", tuple
		for {
			row, err := next()
			if err != nil {
				return err
			}
			if row == nil {
				return b.rest()
			}
			n++
			if err := b.add(row); err != nil {
				return err
			}
			if n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
	})
	return n, e.translate(err)
}

// A bulk inserts rows by one statement for many, and what is left by one for each.
type bulk struct {
	ctx         context.Context // of the statements: one that can end costs a goroutine for each
	conn        driver.ConnPrepareContext
	head, tuple string
	columns     int
	many, one   driver.Stmt
	args        []driver.NamedValue
}

func (b *bulk) add(row []any) error {
	if b.args == nil {
		b.args = make([]driver.NamedValue, 0, together*b.columns)
	}
	for _, v := range row {
		switch n := v.(type) {
		case int64, string, []byte, nil:
		case int:
			v = int64(n)
		default:
			var err error
			if v, err = driver.DefaultParameterConverter.ConvertValue(v); err != nil {
				return err
			}
		}
		b.args = append(b.args, driver.NamedValue{Ordinal: len(b.args) + 1, Value: v})
	}
	if len(b.args) < together*b.columns {
		return nil
	}
	err := b.exec(&b.many, together, b.args)
	b.args = b.args[:0]
	return err
}

// rest inserts what is left.
func (b *bulk) rest() error {
	for ; len(b.args) > 0; b.args = b.args[b.columns:] {
		one := b.args[:b.columns]
		for i := range one {
			one[i].Ordinal = i + 1
		}
		if err := b.exec(&b.one, 1, one); err != nil {
			return err
		}
	}
	return nil
}

func (b *bulk) exec(stmt *driver.Stmt, rows int64, args []driver.NamedValue) (err error) {
	if *stmt == nil {
		*stmt, err = b.conn.PrepareContext(b.ctx, b.head+b.tuple+strings.Repeat(", "+b.tuple, int(rows)-1))
		if err != nil {
			return err
		}
	}
	res, err := (*stmt).(driver.StmtExecContext).ExecContext(b.ctx, args)
	if err != nil {
		return err
	}
	got, err := res.RowsAffected()
	return exactly(rows, got, err)
}

func (b *bulk) close() (err error) {
	for _, stmt := range []driver.Stmt{b.many, b.one} {
		if stmt != nil {
			err = errors.Join(err, stmt.Close())
		}
	}
	return err
}

func (e lite) overwrite(ctx context.Context, w work, table string, columns []string, rows []over) (n int64, err error) {
	const most = 64                      // statements; who would need more has all columns set
	statements := map[uint64]*sql.Stmt{} // by those that they set
	defer func() {
		for _, stmt := range statements {
			_ = stmt.Close() // which has nothing left to do
		}
	}()
	var args []any
	for _, row := range rows {
		stmt := statements[row.differ]
		if stmt == nil && len(statements) >= most {
			row.differ = 1<<len(columns) - 2 // but the id
			stmt = statements[row.differ]
		}
		if stmt == nil {
			stmt, err = w.tx.Statement.ConnPool.PrepareContext(ctx,
				"UPDATE "+table+" SET "+strings.Join(pick(columns, row.differ), " = ?, ")+" = ? WHERE "+columns[0]+" = ?")
			if err != nil {
				return n, err
			}
			statements[row.differ] = stmt
		}
		args = append(append(args[:0], pick(row.row, row.differ)...), row.row[0])
		res, err := stmt.ExecContext(ctx, args...)
		if err != nil {
			return n, e.translate(err)
		}
		more, err := res.RowsAffected()
		if err != nil {
			return n, err
		}
		n += more
	}
	return n, nil
}

func (lite) unindex(w work, tables ...string) (again []string, err error) {
	var found []struct{ Name, SQL string }
	if err := w.tx.Raw("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ?", tables).Scan(&found).Error; err != nil {
		return nil, err
	}
	for _, f := range found {
		if err := w.tx.Exec("DROP INDEX " + f.Name).Error; err != nil {
			return nil, err
		}
		again = append(again, f.SQL)
	}
	return again, nil
}

// keep is not needed: who reads waits for nobody.
func (lite) keep(w work, _ string) (*gorm.DB, func(), error) { return w.tx, func() {}, nil }

// hasten is not needed: a trigger or a key is planned with its statement.
func (lite) hasten(work) error { return nil }

// refresh is not needed: without counts SQLite takes the index that fits.
func (lite) refresh(context.Context, *sql.DB, ...string) error { return nil }

func (lite) announce(work, int64) error { return nil }

func (lite) share(context.Context, *sql.DB) error { return nil }

func (e lite) explain(err error) string {
	var s *sqlite.Error
	if errors.As(err, &s) {
		if text, ok := unusable[s.Code()&0xff]; ok {
			return e.path + " " + text
		}
	}
	return fmt.Sprintf("%v; check database in rollcall.yaml", err)
}

// unusable are the errors of a file that cannot be worked with, not of a statement.
var unusable = map[int]string{
	lib.SQLITE_NOTADB:   "is not an SQLite database; move it away or correct database in rollcall.yaml",
	lib.SQLITE_BUSY:     "is locked by another program; close it and try again",
	lib.SQLITE_LOCKED:   "is locked by another program; close it and try again",
	lib.SQLITE_FULL:     "cannot grow: the disk is full; free some space",
	lib.SQLITE_READONLY: "cannot be written; check owner and permissions of the file and its folder",
	lib.SQLITE_CANTOPEN: "cannot be written; check owner and permissions of the file and its folder",
	lib.SQLITE_PERM:     "cannot be written; check owner and permissions of the file and its folder",
	lib.SQLITE_CORRUPT:  "is damaged; restore a backup",
	lib.SQLITE_IOERR:    "cannot be read or written; check the disk and the system's log",
}

// translate gives the errors by which a caller decides the names that they have on PostgreSQL.
func (e lite) translate(err error) error {
	var s *sqlite.Error
	if !errors.As(err, &s) || errors.Is(err, ErrDown) {
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
	if _, ok := unusable[s.Code()&0xff]; ok {
		return fmt.Errorf("%w: %s", ErrDown, e.explain(err))
	}
	return err
}

func (e lite) dialector(pool *sql.DB) gorm.Dialector { return dialector{e, pool} }

// dialector teaches GORM the SQLite that needs no C compiler. GORM's own driver
// would bring a second SQLite, in C, along.
type dialector struct {
	engine lite
	pool   *sql.DB
}

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

// Translate implements GORM's ErrorTranslator.
func (d dialector) Translate(err error) error { return d.engine.translate(err) }

// scrub writes the database anew, and empties the log, in which pages lie as they
// were before. What is deleted is overwritten at once (secure_delete), but not the
// copies that a row has left behind in its page when it was moved within it.
func (lite) scrub(ctx context.Context, pool *sql.DB) error {
	if _, err := pool.ExecContext(ctx, "VACUUM"); err != nil {
		return fmt.Errorf("write the database anew: %w; the next erasure does it", err)
	}
	var busy, log, done int
	if err := pool.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil {
		return fmt.Errorf("empty the database's log: %w", err)
	}
	if busy != 0 {
		return errors.New("the database's log could not be emptied, for somebody is reading; the next erasure does it")
	}
	return nil
}
