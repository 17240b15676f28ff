package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// work is a transaction, and the connection that it runs on: PostgreSQL's COPY
// is reached by no other way.
type work struct {
	tx   *gorm.DB
	conn *sql.Conn
}

// errCommit marks an error of the commit itself, after which nobody knows what
// the database holds until it is asked.
var errCommit = errors.New("commit")

// transact runs f in one transaction. On SQLite it has the right to write from the start.
func (db *DB) transact(ctx context.Context, f func(work) error) error {
	err := db.gorm.WithContext(ctx).Connection(func(c *gorm.DB) error {
		conn := c.Statement.ConnPool.(*sql.Conn)
		whole := false
		err := c.Transaction(func(tx *gorm.DB) error {
			err := f(work{tx, conn})
			whole = err == nil
			return err
		})
		if err != nil && whole {
			return fmt.Errorf("%w: %w", errCommit, err)
		}
		return err
	})
	if err != nil && !errors.Is(err, errCommit) {
		err = db.engine.translate(err)
	}
	return err
}

// besideWithin is how long a transaction waits for a second connection.
const besideWithin = 250 * time.Millisecond

// beside is a second connection for whoever has a transaction, or soon an error: he
// must not wait for one as others do. All may be theirs who wait for what he holds, and
// a server may have no more to give.
func (db *DB) beside(ctx context.Context) (work, error) {
	soon, stop := context.WithTimeout(ctx, besideWithin)
	defer stop()
	conn, err := db.pool.Conn(soon)
	if err != nil {
		return work{}, err
	}
	tx := db.gorm.WithContext(ctx)
	tx.Statement.ConnPool = conn
	return work{tx, conn}, nil
}

// close gives a connection back that [DB.beside] has taken.
func (w work) close() { _ = w.conn.Close() } // it was only read from

// pick gives those of all whose bits are set in which.
func pick[T any](all []T, which uint64) []T {
	some := make([]T, 0, bits.OnesCount64(which))
	for k, v := range all {
		if which&(1<<k) != 0 {
			some = append(some, v)
		}
	}
	return some
}

// inTurn gives rows one after the other, as insert asks for them.
func inTurn(rows [][]any) func() ([]any, error) {
	return func() ([]any, error) {
		if len(rows) == 0 {
			return nil, nil
		}
		row := rows[0]
		rows = rows[1:]
		return row, nil
	}
}

// A list is the right side of an IN: texts or numbers.
type list struct {
	texts   []string
	numbers []int64
}

// textList leaves out what no database holds and PostgreSQL would not take.
func textList[T ~string](all []T) list {
	texts := make([]string, 0, len(all))
	for _, t := range all {
		if storable(string(t)) == nil {
			texts = append(texts, string(t))
		}
	}
	return list{texts: texts}
}

func numberList[T ~int64 | ~uint64](all []T) list {
	numbers := make([]int64, len(all))
	for i, n := range all {
		numbers[i] = int64(n)
	}
	return list{numbers: numbers}
}

// json is the list for SQLite.
func (l list) json() string {
	var text []byte
	if l.texts != nil {
		text, _ = json.Marshal(l.texts) // texts and numbers always can be
	} else {
		text, _ = json.Marshal(l.numbers)
	}
	return string(text)
}

// array is the list for PostgreSQL.
func (l list) array() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, t := range l.texts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		_, _ = arrayEscape.WriteString(&b, t) // a Builder takes all
		b.WriteByte('"')
	}
	for i, n := range l.numbers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	b.WriteByte('}')
	return b.String()
}

var arrayEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
