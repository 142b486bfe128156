package match_test

import (
	"fmt"
	"time"

	"veilbench/attacks/match"
)

// A lock was used twice; the attack saw the first use under its name and took
// the second for a lamp.
func Example() {
	events := []match.Span{
		{From: 10 * time.Second, To: 12 * time.Second, Class: "lock/open"},
		{From: 60 * time.Second, To: 62 * time.Second, Class: "lock/open"},
	}
	found := []match.Span{
		{From: 11 * time.Second, Class: "lock/open", Score: 0.9},
		{From: 61 * time.Second, Class: "lamp/on", Score: 0.6},
	}

	pair := match.Windows(events, found, match.Tolerance, match.ByClass)
	fmt.Println("pairs by class:", pair)
	fmt.Println("left over, by time alone:", match.Rest(events, found, pair))
	fmt.Println("F1:", match.F1(match.Hits(pair), len(found), len(events)))
	// Output:
	// pairs by class: [0 -1]
	// left over, by time alone: [-1 1]
	// F1: 0.5
}
