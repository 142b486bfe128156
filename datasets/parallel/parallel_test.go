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
