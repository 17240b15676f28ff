package password

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// workers is how many cores work on passwords at once: each argon2id needs 19
// MiB, so that they are few on a large machine too.
func workers() int { return min(runtime.GOMAXPROCS(0), 8) }

// About is how long n passwords take on all cores, where one takes so long.
func About(n int, one time.Duration) time.Duration {
	return time.Duration(n) * one / time.Duration(workers())
}

// Each calls f with the numbers from 0 to n-1, on all cores, and ends soon after
// ctx does, or with the first error. done is called, by one core at a time, with
// how many are through; it may be nil.
func Each(ctx context.Context, n int, f func(i int) error, done func(n int)) error {
	g, ctx := errgroup.WithContext(ctx)
	todo := make(chan int)
	through := make(chan struct{})
	g.Go(func() error {
		defer close(todo)
		for i := range n {
			select {
			case todo <- i:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(workers(), n) {
		g.Go(func() error {
			for i := range todo {
				if err := f(i); err != nil {
					return err
				}
				select {
				case through <- struct{}{}:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		for i := range n {
			select {
			case <-through:
				if done != nil {
					done(i + 1)
				}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	return g.Wait()
}
