package anchors_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"veilbench/attacks/anchors"
	"veilbench/attacks/attacktest"
)

// Homes with a lamp and a lock: the attack learns from three and is asked about a
// fourth.
func Example() {
	homes := attacktest.ToyEvents(4)
	test := homes.Examples[3]
	homes.Examples = homes.Examples[:3]

	ctx := context.Background()
	m, err := anchors.New().Train(ctx, rand.New(rand.NewPCG(1, 1)), homes)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := m.Guess(ctx, test.Trace)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, b := range answer.Events[:3] {
		e := test.Labels.Events[i]
		fmt.Printf("%s at %v, was %s at %v\n", b.Ranked[0].Class, b.Start, test.Labels.Class(e), e.Start)
	}
	// Output:
	// lamp/on at 10.02s, was lamp/on at 10s
	// lamp/off at 1m23.06s, was lamp/off at 1m23s
	// lock/unlock at 2m36.02s, was lock/unlock at 2m36s
}
