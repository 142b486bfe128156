package draws_test

import (
	"fmt"

	"veilbench/bench/draws"
)

// Every purpose has a generator of its own: what another one drew, or how often,
// changes nothing.
func ExampleNew() {
	a := draws.New(1, "pad", "home0", "test")
	draws.New(1, "pad", "home0", "train").Uint64()
	b := draws.New(1, "pad", "home0", "test")
	fmt.Println("again the same:", a.Uint64() == b.Uint64())
	fmt.Println("parts stay apart:", draws.New(1, "ab", "c").Uint64() != draws.New(1, "a", "bc").Uint64())
	// Output:
	// again the same: true
	// parts stay apart: true
}
