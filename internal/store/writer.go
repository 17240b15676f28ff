package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gorm.io/gorm"

	"rollcall/internal/fault"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// maxProblems is how many problems of one run are kept: a drop that is wrong in
// every row says nothing new after that.
const maxProblems = 100_000

// buffered is how many problems a writer gathers before it stores them, and
// atOnce how many changes it stores in one transaction.
const (
	buffered = 2000
	atOnce   = 16_000
)

// many is how many rows at once make a table another one.
const many = 50_000

// writer stores a plan: its problems as they come, its changes, in their order,
// when it is sealed. The transactions are short: nothing else waits for a plan
// that is being made.
type writer struct {
	db       *DB
	ctx      context.Context // of the planning: a Sink's methods have none of their own
	run      int64
	changes  arranger
	places   []int32 // of the changes, by the order in which they came; nil: each has its own
	problems [][]any
	seen     int64 // problems so far
}

// Writer gives a place for the plan of a run that has begun. It is for one
// goroutine, and ctx must outlive it. Who neither seals nor discards it leaves
// an open file behind.
func (db *DB) Writer(ctx context.Context, run int64) Writer {
	return &writer{db: db, ctx: ctx, run: run, changes: arranger{dir: db.scratch, most: inMemory}}
}

// Change implements [plan.Sink].
func (w *writer) Change(c plan.Change) error {
	c.Sort()
	for i := range c.Fields {
		if c.Fields[i].Field != roster.CustomField {
			c.Fields[i].Name = c.Fields[i].Field.String()
		}
	}
	row, err := plannedChange(&c)
	if err != nil {
		return fmt.Errorf("save change %d: %w", w.changes.came+1, err)
	}
	return w.changes.add(row)
}

var problemColumns = []string{
	"run", "ord", "code", "severity", "field", "column_name", "line", "key", "account", "text", "fix", "identity", "since", "username", "name", "value",
}

// Problem implements [plan.Sink].
func (w *writer) Problem(p roster.Problem) error {
	if w.seen++; w.seen > maxProblems {
		return nil
	}
	if err := storable(p.Field, p.Column, string(p.Key), p.Text, p.Fix, p.Who.Username, p.Who.Name, p.Value); err != nil {
		return fmt.Errorf("save problem of line %d: %w", p.Line, err)
	}
	w.problems = append(w.problems, []any{
		w.run, w.seen, p.Code, string(p.Severity), p.Field, p.Column, p.Line, string(p.Key), int64(p.Account), p.Text, p.Fix, p.Identity(), micros(p.Since), p.Who.Username, p.Who.Name, p.Value,
	})
	if len(w.problems) < buffered {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	if len(w.problems) == 0 {
		return nil
	}
	err := w.db.transact(w.ctx, func(t work) error {
		if err := w.begun(t.tx); err != nil {
			return err
		}
		_, err := w.db.engine.insert(w.ctx, t, "problem", problemColumns, inTurn(w.problems))
		return err
	})
	if err != nil {
		return fmt.Errorf("save plan of run %d: %w", w.run, err)
	}
	w.problems = w.problems[:0]
	return fault.At("store.plan.flushed")
}

// begun keeps the run from being forgotten while its plan is written.
func (w *writer) begun(tx *gorm.DB) error {
	var run int64
	if err := tx.Raw("SELECT number FROM run WHERE number = ?"+w.db.engine.forUpdate(), w.run).Scan(&run).Error; err != nil {
		return err
	}
	if run != w.run {
		return ErrNone
	}
	return nil
}

// Seal implements [Writer].
func (w *writer) Seal(ctx context.Context) (string, error) {
	if err := w.flush(); err != nil {
		return "", err
	}
	next, err := w.changes.all()
	if err != nil {
		return "", fmt.Errorf("save plan of run %d: %w", w.run, err)
	}
	sum := newDigester()
	row := make([]any, len(changeColumns))
	for ord, more := int64(0), w.changes.came > 0; more; {
		err := w.db.transact(ctx, func(t work) error {
			if err := w.begun(t.tx); err != nil {
				return err
			}
			last := ord + atOnce
			_, err := w.db.engine.insert(ctx, t, "change", changeColumns, func() ([]any, error) {
				if ord == last {
					return nil, nil
				}
				c, err := next()
				if err == io.EOF {
					more = false
					return nil, nil
				}
				if err != nil {
					return nil, err
				}
				ord++
				w.place(c.came, ord)
				sum.add(c)
				changeRow(row, w.run, ord, c)
				return row, nil
			})
			return err
		})
		if err == nil {
			err = fault.At("store.plan.flushed")
		}
		if err != nil {
			return "", fmt.Errorf("save plan of run %d: %w", w.run, err)
		}
	}
	if err := w.changes.close(); err != nil {
		return "", fmt.Errorf("save plan of run %d: %w", w.run, err)
	}
	return sum.String(), fault.At("store.plan.sealed")
}

// place notes the number of a change. Where each has the number with which it
// came nothing needs to be noted.
func (w *writer) place(came, ord int64) {
	if w.places == nil {
		if came == ord {
			return
		}
		w.places = make([]int32, w.changes.came)
		for i := range ord - 1 {
			w.places[i] = int32(i + 1)
		}
	}
	w.places[came-1] = int32(ord)
}

// Place implements [Writer].
func (w *writer) Place(nth uint64) uint64 {
	if w.places == nil {
		return nth
	}
	return uint64(w.places[nth-1])
}

// Discard implements [Writer].
func (w *writer) Discard(ctx context.Context) error {
	w.problems = nil
	return errors.Join(w.changes.close(), w.db.transact(ctx, func(t work) error {
		for _, table := range []string{"change", "problem", "planned_password"} {
			if err := t.tx.Exec("DELETE FROM "+table+" WHERE run = ?", w.run).Error; err != nil {
				return fmt.Errorf("discard plan of run %d: %w", w.run, err)
			}
		}
		return nil
	}))
}
