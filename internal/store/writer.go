package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/internal/fault"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// maxProblems is how many problems of one run are kept: a drop that is wrong in
// every row says nothing new after that.
const maxProblems = 100_000

// buffered is how many rows a writer gathers before it stores them.
const buffered = 2000

// many is how many rows at once make a table another one.
const many = 50_000

// writer stores a plan row by row, in short transactions: nothing else waits
// for a plan that is being made.
type writer struct {
	db       *DB
	ctx      context.Context // of the planning: a Sink's methods have none of their own
	run      int64
	changes  [][]any
	problems [][]any
	ord      int64 // of the last change
	seen     int64 // problems so far
}

// Writer gives a place for the plan of a run that has begun. It is for one
// goroutine, and ctx must outlive it.
func (db *DB) Writer(ctx context.Context, run int64) Writer {
	return &writer{db: db, ctx: ctx, run: run}
}

// Change implements [plan.Sink].
func (w *writer) Change(c plan.Change) error {
	c.Sort()
	for i, f := range c.Fields {
		c.Fields[i].Name = f.Field.String()
	}
	w.ord++
	row, err := changeRow(w.run, w.ord, c)
	if err != nil {
		return fmt.Errorf("save change %d: %w", w.ord, err)
	}
	w.changes = append(w.changes, row)
	if len(w.changes) < buffered {
		return nil
	}
	return w.flush()
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
	if len(w.changes)+len(w.problems) == 0 {
		return nil
	}
	err := w.db.transact(w.ctx, func(t work) error {
		if err := w.begun(t.tx); err != nil {
			return err
		}
		if _, err := w.db.engine.insert(w.ctx, t, "change", changeColumns, w.changes); err != nil {
			return err
		}
		_, err := w.db.engine.insert(w.ctx, t, "problem", problemColumns, w.problems)
		return err
	})
	if err != nil {
		return fmt.Errorf("save plan of run %d: %w", w.run, err)
	}
	w.changes, w.problems = w.changes[:0], w.problems[:0]
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
	if w.ord > many {
		if err := w.db.engine.refresh(ctx, w.db.pool, searchedChange); err != nil {
			return "", fmt.Errorf("digest of run %d: %w", w.run, err)
		}
	}
	sum := newDigester()
	tx := w.db.gorm.WithContext(ctx)
	for after := beforeAll; ; {
		list, err := changesAfter(tx, w.run, after, "", page)
		if err != nil {
			return "", fmt.Errorf("digest of run %d: %w", w.run, err)
		}
		for i := range list {
			sum.add(&list[i])
		}
		if len(list) < page {
			break
		}
		after = list[len(list)-1].place()
	}
	return sum.String(), fault.At("store.plan.sealed")
}

// Discard implements [Writer].
func (w *writer) Discard(ctx context.Context) error {
	w.changes, w.problems = nil, nil
	return w.db.transact(ctx, func(t work) error {
		for _, table := range []string{"change", "problem"} {
			if err := t.tx.Exec("DELETE FROM "+table+" WHERE run = ?", w.run).Error; err != nil {
				return fmt.Errorf("discard plan of run %d: %w", w.run, err)
			}
		}
		return nil
	})
}
