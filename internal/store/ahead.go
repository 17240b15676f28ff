package store

import (
	"context"
	"iter"

	"gorm.io/gorm"
)

// ahead streams the changes of a run, chunk by chunk, in their order: one is read
// while the caller works on the one before, which lasts until the next. The last has
// less than size. read asks for the next after a change's number, at most size, in the
// room of a chunk that is done with.
func ahead(tx *gorm.DB, size int, read func(tx *gorm.DB, after int64, room []storedChange) ([]storedChange, error)) iter.Seq2[[]storedChange, error] {
	type answer struct {
		list []storedChange
		err  error
	}
	return func(yield func([]storedChange, error) bool) {
		ctx, stop := context.WithCancel(tx.Statement.Context)
		answers, rooms := make(chan answer), make(chan []storedChange, 2)
		defer func() {
			stop()
			for range answers { // until the reader has ended
			}
		}()
		rooms <- nil
		rooms <- nil
		go func() {
			defer close(answers)
			for after := int64(0); ; after += int64(size) {
				var a answer
				select {
				case a.list = <-rooms:
				case <-ctx.Done():
					return
				}
				if a.list, a.err = read(tx.WithContext(ctx), after, a.list); a.err != nil {
					a.list = nil
				}
				select {
				case answers <- a:
				case <-ctx.Done():
					return
				}
				if a.err != nil || len(a.list) < size {
					return
				}
			}
		}()
		for a := range answers {
			if !yield(a.list, a.err) || a.err != nil || len(a.list) < size {
				return
			}
			rooms <- a.list
		}
		yield(nil, tx.Statement.Context.Err()) // why the reader has given up
	}
}
