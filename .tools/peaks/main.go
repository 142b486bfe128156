// Command peaks measures what one core of this machine can do at most: bytes copied
// between buffers that no cache holds, and single-precision multiplications and
// additions of registers. It prints the best of several tries, for a try can only be
// disturbed, as two lines in the format of benchmarks.
package main

import (
	"fmt"
	"time"
)

func main() {
	const size, turns = 128 << 20, 200_000 // turns of a millisecond, which other work seldom cuts
	from, to := make([]byte, size), make([]byte, size)
	for i := range from {
		from[i], to[i] = byte(i), 1 // a page that was never written is not there yet
	}
	best("copy", size, "GB/s", 20, func() { copy(to, from) })

	if flops := multiply(1); flops > 0 {
		best("multiply", flops*turns, "GFLOP/s", 300, func() { multiply(turns) })
	}
}

// best prints the shortest of several runs of do, which does n units of work.
func best(name string, n int, unit string, tries int, do func()) {
	least := time.Duration(1 << 62)
	for range tries {
		at := time.Now()
		do()
		least = min(least, time.Since(at))
	}
	fmt.Printf("BenchmarkPeak/do=%s \t%8d\t%12d ns/op\t%12.1f %s\n", name, tries, least.Nanoseconds(), float64(n)/float64(least.Nanoseconds()), unit)
}
