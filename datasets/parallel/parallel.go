// Package parallel spreads independent work over a fixed number of goroutines.
package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// For calls do(worker, i) for each i from 0 to n-1 from at most workers
// goroutines, at least one, and returns when all calls have. Calls with the
// same worker never overlap, so each worker can own a buffer; which worker gets
// which i is left to chance, and no result may depend on it. The error is that
// of the least i that failed, else ctx's: no work is handed out once ctx ends.
func For(ctx context.Context, workers, n int, do func(worker, i int) error) error {
	workers = min(max(workers, 1), n)
	var next atomic.Int64
	var mu sync.Mutex
	first, failed := n, error(nil) // the least i that failed so far
	run := func(worker int) {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if err := do(worker, i); err != nil {
				mu.Lock()
				if i < first {
					first, failed = i, err
				}
				mu.Unlock()
			}
		}
	}

	// One worker needs no goroutine: small work is not worth the switch.
	if workers == 1 {
		run(0)
	} else {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() { run(w) })
		}
		wg.Wait()
	}

	if failed != nil {
		return failed
	}
	return ctx.Err()
}
