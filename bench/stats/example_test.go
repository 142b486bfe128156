package stats_test

import (
	"fmt"

	"veilbench/bench/stats"
)

// The scores of two attacks on six homes: an interval for the mean difference,
// and two exact tests of it, adjusted for being two.
func Example() {
	differences := []float64{0.10, 0.05, 0.20, 0.15, -0.05, 0.10}
	lo, hi, ok := stats.Interval(differences, 0.95)
	fmt.Printf("mean %.3f, from %.3f to %.3f, enough homes: %v\n", stats.Mean(differences), lo, hi, ok)

	signs := stats.Flip([][]float64{differences}, [][]float64{make([]float64, len(differences))}).P
	ranks, ok := stats.Wilcoxon(differences)
	fmt.Printf("p %.4f and %.4f, enough homes: %v\n", signs, ranks, ok)
	fmt.Printf("adjusted %.4f\n", stats.Holm([]float64{signs, ranks}))
	// Output:
	// mean 0.092, from 0.001 to 0.182, enough homes: true
	// p 0.0938 and 0.0938, enough homes: true
	// adjusted [0.1875 0.1875]
}
