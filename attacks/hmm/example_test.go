package hmm_test

import (
	"fmt"
	"math"

	"veilbench/attacks/hmm"
)

// Somebody is away or at home, mostly stays what he is, and a quiet hour is likely
// when nobody is there. One quiet hour in the middle of noise is then no absence.
func Example() {
	seen := hmm.NewCounts(2, 1)
	seen.Add([]int{0, 0, 0, 0, 1, 1, 1, 1, 1, 0}, make([]int, 10))
	chain := seen.Chain(1)

	quiet, noise := []float64{math.Log(0.8), math.Log(0.4)}, []float64{math.Log(0.2), math.Log(0.6)}
	path, _ := chain.Viterbi([][]float64{quiet, quiet, quiet, noise, noise, quiet, noise}, make([]int, 7))
	fmt.Println(path)
	// Output: [0 0 0 1 1 1 1]
}
