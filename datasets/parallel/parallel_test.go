package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"veilbench/datasets/parallel"
)

func TestForCallsEachOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 3, 100} {
		for _, n := range []int{0, 1, 7, 50} {
			calls := make([]atomic.Int32, n)
			busy := make([]atomic.Bool, max(workers, 1))
			err := parallel.For(t.Context(), workers, n, func(worker, i int) error {
				if !busy[worker].CompareAndSwap(false, true) {
					t.Errorf("worker %d does two things at once", worker)
				}
				calls[i].Add(1)
				busy[worker].Store(false)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			for i := range calls {
				if c := calls[i].Load(); c != 1 {
					t.Errorf("%d workers: %d of %d was called %d times", workers, i, n, c)
				}
			}
		}
	}
}

func TestForReturnsTheFirstError(t *testing.T) {
	err := parallel.For(t.Context(), 4, 20, func(_, i int) error {
		if i == 3 || i == 17 {
			return fmt.Errorf("number %d", i)
		}
		return nil
	})
	if err == nil || err.Error() != "number 3" {
		t.Errorf("error %v, want that of number 3", err)
	}
}

func TestForStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	err := parallel.For(ctx, 2, 1000, func(_, i int) error {
		calls.Add(1)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls.Load() > 2 {
		t.Errorf("error %v after %d calls, want canceled after at most 2", err, calls.Load())
	}
}

// Line takes and gives in one order, one at a time, and works on what is taken, with
// any number of workers and wherever it ends.
func TestLineKeepsTheOrder(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 3, 7} {
		for _, n := range []int{0, 1, 2, 50} {
			for _, stop := range []int{-1, 0, 1, 20} {
				parts := make([]int, max(workers, 1))
				taken, given := 0, []int{}
				var taking, giving atomic.Int32
				parallel.Line(workers, func(w int) bool {
					if taking.Add(1) != 1 {
						t.Error("two workers take")
					}
					defer taking.Add(-1)
					if taken == n {
						return false
					}
					parts[w] = taken
					taken++
					return true
				}, func(w int) { parts[w] *= 10 }, func(w int) bool {
					if giving.Add(1) != 1 {
						t.Error("two workers give")
					}
					defer giving.Add(-1)
					given = append(given, parts[w])
					return len(given)-1 != stop
				})
				want := n
				if stop >= 0 {
					want = min(n, stop+1)
				}
				if len(given) != want || taken > len(given)+len(parts) {
					t.Fatalf("%d workers, stop at %d: %d of %d given, %d taken", workers, stop, len(given), n, taken)
				}
				for i, v := range given {
					if v != 10*i {
						t.Fatalf("%d workers: %d is given as number %d", workers, v, i)
					}
				}
			}
		}
	}
}
