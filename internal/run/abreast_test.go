package run

import (
	"errors"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// numbers are n of them; an error stands in the place of the one called bad.
func numbers(n, bad int, read *int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			*read = i + 1
			if i == bad {
				yield(i, errBad)
				return
			}
			if !yield(i, nil) {
				return
			}
		}
	}
}

var errBad = errors.New("bad")

// slowly doubles, and takes now and then a little longer.
func slowly() func(int, error) (int, error) {
	return func(i int, err error) (int, error) {
		if rand.IntN(2000) == 0 {
			time.Sleep(time.Millisecond)
		}
		return 2 * i, err
	}
}

func TestWhatIsDoneAbreastComesInOrderAndLeavesNobodyBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, tt := range []struct {
		name string
		n    int
		bad  int // whose reading fails
		stop int // after how many the consumer has enough
		want int // results without an error
	}{
		{"few", 100, -1, -1, 100},
		{"none", 0, -1, -1, 0},
		{"as many as one does alone", alone, -1, -1, alone},
		{"one more", alone + 1, -1, -1, alone + 1},
		{"many", 20*alone + 17, -1, -1, 20*alone + 17},
		{"the last cannot be read", 3 * alone, 3*alone - 1, -1, 3*alone - 1},
		{"one in the midst cannot be read", 9 * alone, 2*alone + 5, -1, 2*alone + 5},
		{"one of the first cannot be read", 9 * alone, 5, -1, 5},
		{"enough at once", 9 * alone, -1, 3, 3},
		{"enough in the midst", 9 * alone, -1, 3*alone + 3, 3*alone + 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read, got := 0, 0
			var failed error
			for v, err := range abreast(numbers(tt.n, tt.bad, &read), slowly) {
				if failed != nil {
					t.Fatal("something came behind the error")
				}
				if failed = err; err != nil {
					continue
				}
				if v != 2*got {
					t.Fatalf("result %d = %d, want %d", got, v, 2*got)
				}
				if got++; got == tt.stop {
					break
				}
			}
			if got != tt.want || (failed != nil) != (tt.bad >= 0) {
				t.Errorf("%d results and the error %v, want %d", got, failed, tt.want)
			}
			if most := got + 6*stint; read > most {
				t.Errorf("%d were read for %d results: more than %d are too many at once", read, got, most)
			}
		})
	}
	for range 100 { // a goroutine that has said its last word may not be gone yet
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, before there were %d", runtime.NumGoroutine(), before)
}

func TestTheFirstErrorAbreastIsTheOneThatIsTold(t *testing.T) {
	read, got := 0, 0
	var failed error
	for _, err := range abreast(numbers(9*alone, 7*alone, &read), func() func(int, error) (int, error) {
		return func(i int, err error) (int, error) {
			if i >= 3*alone+100 {
				return 0, errors.New("of the work")
			}
			if i == 3*alone+90 {
				time.Sleep(20 * time.Millisecond) // those behind it are done long before
			}
			return i, err
		}
	}) {
		if failed = err; err == nil {
			got++
		}
	}
	if got != 3*alone+100 || failed == nil || failed.Error() != "of the work" {
		t.Errorf("%d results and the error %v", got, failed)
	}
}

func TestAPanicAbreastIsWhoeverIterates(t *testing.T) {
	var helpers atomic.Int32
	func() {
		defer func() {
			if crash := recover(); crash != "broken" {
				t.Errorf("recovered %v", crash)
			}
		}()
		read := 0
		for range abreast(numbers(9*alone, -1, &read), func() func(int, error) (int, error) {
			helpers.Add(1)
			return func(i int, err error) (int, error) {
				if i == 5*alone {
					panic("broken")
				}
				return i, err
			}
		}) {
		}
		t.Error("nothing was broken")
	}()
	if runtime.GOMAXPROCS(0) > 1 && helpers.Load() < 2 {
		t.Error("nobody helped, and so nothing was proved")
	}
}
