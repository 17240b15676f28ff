package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	gormpg "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// server is a PostgreSQL server.
type server struct {
	config  *pgx.ConnConfig
	readers []string
}

func postgresAt(o Options) (engine, error) {
	c, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		// The parser's own words may hold the address with its password.
		return nil, fmt.Errorf("%w: database: the postgres:// address cannot be read; correct it in rollcall.yaml", ErrDown)
	}
	if o.Password != "" {
		c.Password = o.Password
	}
	c.ConnectTimeout = connectWithin
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "rollcall"
	}
	c.RuntimeParams["timezone"] = "UTC"
	// A plan that was made while a table was empty would be kept: 20,000 people
	// read again just after their first load took 27 seconds instead of 2.
	c.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	return server{c, o.Readers}, nil
}

func (server) name() string { return "postgres" }

const mostIdle = 4

// Two cores have work, and the server too.
func (server) abreast() int { return 3 }

func (server) renew(pool *sql.DB) {
	pool.SetMaxIdleConns(0)
	pool.SetMaxIdleConns(mostIdle)
}

func (e server) open(ctx context.Context) (*sql.DB, error) {
	pool := stdlib.OpenDB(*e.config)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(mostIdle)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

func (e server) migrate(_ context.Context, files fs.FS, pool *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithTableName("migration"), goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker))
}

func (e server) share(ctx context.Context, pool *sql.DB) error {
	for _, role := range e.readers {
		to := pgx.Identifier{role}.Sanitize()
		for _, grant := range []string{"GRANT USAGE ON SCHEMA directory TO ", "GRANT SELECT ON ALL TABLES IN SCHEMA directory TO "} {
			if _, err := pool.ExecContext(ctx, grant+to); err != nil {
				return fmt.Errorf("role %s: %s", to, e.explain(err))
			}
		}
	}
	return nil
}

func (server) in(column string, l list) clause.Expr {
	if l.texts != nil {
		return clause.Expr{SQL: column + " = ANY (?::text[])", Vars: []any{l.array()}}
	}
	return clause.Expr{SQL: column + " = ANY (?::bigint[])", Vars: []any{l.array()}}
}

func (server) forUpdate() string { return " FOR UPDATE" }

func (e server) insert(ctx context.Context, w work, table string, columns []string, next func() ([]any, error)) (n int64, err error) {
	err = w.conn.Raw(func(c any) error {
		n, err = c.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
		return err
	})
	return n, e.translate(err)
}

func (e server) overwrite(ctx context.Context, w work, table string, columns []string, rows []over) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	differ := uint64(1) // the id
	for _, row := range rows {
		differ |= row.differ
	}
	columns = pick(columns, differ)
	next, values := 0, []any(nil)
	narrow := func() ([]any, error) {
		if next == len(rows) {
			return nil, nil
		}
		values = append(values[:0], pick(rows[next].row, differ)...)
		next++
		return values, nil
	}
	over := table + "_over"
	if err := w.tx.Exec("CREATE TEMPORARY TABLE IF NOT EXISTS " + over + " ON COMMIT DROP AS TABLE " + table + " WITH NO DATA").Error; err != nil {
		return 0, err
	}
	if err := w.tx.Exec("TRUNCATE " + over).Error; err != nil {
		return 0, err
	}
	if _, err := e.insert(ctx, w, over, columns, narrow); err != nil {
		return 0, err
	}
	set := make([]string, 0, len(columns))
	for _, c := range columns[1:] {
		set = append(set, c+" = o."+c)
	}
	id := columns[0]
	res := w.tx.Exec("UPDATE " + table + " AS t SET " + strings.Join(set, ", ") + " FROM " + over + " AS o WHERE t." + id + " = o." + id)
	return res.RowsAffected, res.Error
}

func (e server) unindex(w work, tables ...string) ([]string, error) {
	var found []struct{ Gone, Again string }
	err := w.tx.Raw(`SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS gone,
			format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS again
			FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY (?::regclass[])
		UNION ALL SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
			FROM pg_index WHERE NOT indisprimary AND indrelid = ANY (?::regclass[])`, list{texts: tables}.array(), list{texts: tables}.array()).Scan(&found).Error
	if err != nil {
		return nil, err
	}
	var indexes, constraints []string
	for _, f := range found {
		if err := w.tx.Exec(f.Gone).Error; err != nil {
			return nil, err
		}
		if strings.HasPrefix(f.Again, "ALTER") {
			constraints = append(constraints, f.Again)
		} else {
			indexes = append(indexes, f.Again)
		}
	}
	return append(indexes, constraints...), nil
}

// keep has the table's lock from the first to the last: asked for it again and again, it
// would stand behind who waits for the transaction (VACUUM FULL, a migration), while that
// waits for what is read. The server sees no knot in it and would let them wait for ever.
func (server) keep(w work, table string) (tx *gorm.DB, done func(), err error) {
	tx = w.tx.Begin(&sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if tx.Error != nil {
		return nil, nil, tx.Error
	}
	done = func() { tx.Rollback() } // it was only read from
	for _, statement := range []string{fmt.Sprintf("SET LOCAL lock_timeout = %d", besideWithin.Milliseconds()), "LOCK TABLE " + table + " IN ACCESS SHARE MODE"} {
		if err := tx.Exec(statement).Error; err != nil {
			done()
			return nil, nil, err
		}
	}
	return tx, done, nil
}

// hasten lets the server keep its plans: to look for the links and the former names
// of each account that is deleted, by plans that are made anew for each, took ten
// seconds of the twenty in which 100,000 are taken back. It forgets those that it has
// kept: one of a trial with five accounts, for which it had read the whole table, was
// still there for the load that followed, and made it take the square of its people.
func (server) hasten(w work) error {
	if err := w.tx.Exec("SET LOCAL plan_cache_mode = auto").Error; err != nil {
		return err
	}
	return w.tx.Exec("DISCARD PLANS").Error
}

func (e server) refresh(ctx context.Context, pool *sql.DB, tables ...string) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return e.translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // after the commit there is nothing to take back
	// A sample of 3,000 rows says how large a table is and that its names differ; ten
	// times as many cost more than an index. The server itself looks closer later.
	for _, statement := range []string{"SET LOCAL default_statistics_target = 10", "ANALYZE " + strings.Join(tables, ", ")} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return e.translate(err)
		}
	}
	return e.translate(tx.Commit())
}

func (server) announce(w work, seq int64) error {
	return w.tx.Exec("SELECT pg_notify('rollcall_accounts', ?::text)", strconv.FormatInt(seq, 10)).Error
}

func (e server) explain(err error) string {
	at := net.JoinHostPort(e.config.Host, strconv.Itoa(int(e.config.Port)))
	var p *pgconn.PgError
	if errors.As(err, &p) {
		switch p.Code {
		case "28P01", "28000":
			return fmt.Sprintf("PostgreSQL at %s refuses user %q; check database and database_password in rollcall.yaml, and pg_hba.conf", at, e.config.User)
		case "3D000":
			return fmt.Sprintf("PostgreSQL at %s has no database %q; create it: createdb -O %s %s", at, e.config.Database, e.config.User, e.config.Database)
		case "42704":
			return "it does not exist; create it, or correct database_readers in rollcall.yaml"
		case "42501":
			return fmt.Sprintf("user %q may not do this in database %q; make it the owner of the database", e.config.User, e.config.Database)
		case "53300":
			return fmt.Sprintf("PostgreSQL at %s has no connection left for user %q (%s); a profile that runs takes up to four: raise max_connections or the user's connection limit", at, e.config.User, p.Message)
		case "53100":
			return fmt.Sprintf("PostgreSQL at %s has no disk space left; free some", at)
		}
		return fmt.Sprintf("PostgreSQL at %s says %s (%s); see the server's log", at, p.Message, p.Code)
	}
	return fmt.Sprintf("PostgreSQL at %s does not answer; check that it runs, the address in rollcall.yaml and the network", at)
}

// translate gives the errors by which a caller decides the same names as SQLite's have.
func (e server) translate(err error) error {
	if err == nil || errors.Is(err, ErrDown) {
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	var p *pgconn.PgError
	unmade := errors.As(err, &connect)
	lost := unmade || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	if errors.As(err, &p) { // no connection, no resources, being shut down
		lost = slices.Contains([]string{"08", "53", "57"}, p.Code[:2]) && p.Code != queryCanceled
	}
	// A connection that is not made in time is the server's fault; a statement that takes too long is not.
	if lost && !errors.Is(err, context.Canceled) && (unmade || !errors.Is(err, context.DeadlineExceeded)) {
		return fmt.Errorf("%w: %s", ErrDown, e.explain(err))
	}
	return gormpg.Dialector{}.Translate(err)
}

const queryCanceled = "57014"

func (e server) dialector(pool *sql.DB) gorm.Dialector {
	return pgDialector{gormpg.Dialector{Config: &gormpg.Config{Conn: pool}}, e}
}

// pgDialector is GORM's own, which also tells a server that is gone from a statement that is wrong.
type pgDialector struct {
	gormpg.Dialector
	engine server
}

// Translate implements GORM's ErrorTranslator.
func (d pgDialector) Translate(err error) error { return d.engine.translate(err) }

// scrub clears away the dead rows of the tables that speak of people. The server
// writes over their bytes when it needs the room.
func (server) scrub(ctx context.Context, pool *sql.DB) error {
	for _, table := range []string{"account", "link", "change", "problem", "former_name", "decision", "run", "outbox"} {
		if _, err := pool.ExecContext(ctx, "VACUUM "+table); err != nil {
			return fmt.Errorf("clear away dead rows: %w", err)
		}
	}
	return nil
}
