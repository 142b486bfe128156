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

// Line moves portions of work through three steps. Each worker takes a portion, works
// on it and gives it on; take and give are never called twice at a time and see the
// portions in one order, so that both may lean on what came before, while work may
// run beside everything. A portion stays with its worker, and so in the caches of one
// processor. take says false where nothing is left, give where no more is wanted;
// work that others have begun by then is thrown away.
func Line(workers int, take func(worker int) bool, work func(worker int), give func(worker int) bool) {
	if workers <= 1 {
		for take(0) {
			if work(0); !give(0) {
				return
			}
		}
		return
	}

	// The turn to take goes around among the workers, and the turn to give behind it,
	// which keeps the order. A turn that is false says that the step is over; whoever
	// gets it passes it on and ends, so that none waits for ever. Passing on never
	// waits: there is one turn of each kind.
	takes, gives := make([]chan bool, workers), make([]chan bool, workers)
	for w := range workers {
		takes[w], gives[w] = make(chan bool, 1), make(chan bool, 1)
	}
	takes[0] <- true
	gives[0] <- true
	var wg sync.WaitGroup
	for w := range workers {
		next := (w + 1) % workers
		wg.Go(func() {
			for more := true; more; {
				more = <-takes[w] && take(w)
				if takes[next] <- more; !more {
					return
				}
				work(w)
				more = <-gives[w] && give(w)
				gives[next] <- more
			}
		})
	}
	wg.Wait()
}
