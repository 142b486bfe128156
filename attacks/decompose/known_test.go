package decompose

import (
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// How many commands teach the variation is no reason to overlook small
// commands: those with one action are in training whatever it is. Without
// noise worth speaking of, a few commands teach the variation nearly as well.
func TestDecomposeFindsSmallCommandsWithFewKnown(t *testing.T) {
	g := gatewaySim{rng: rand.New(rand.NewPCG(3, 1))}
	at := time.Minute
	next := func() time.Duration {
		at += 40 * time.Second
		return at
	}
	for range 5 {
		for a := range gatewayActions {
			for n := 1; n <= 2; n++ {
				counts := make([]int, len(gatewayActions))
				counts[a] = n
				g.command(next(), counts)
			}
		}
	}
	for range 40 { // at least two kinds, so larger than those
		counts := g.random()
		counts[0], counts[6] = counts[0]+1, counts[6]+1
		g.command(next(), counts)
	}
	// As many messages that are no command, of the size of small ones.
	for range 4 {
		g.add(next(), datasets.Down, 29+214+58)
	}
	train := g.finish(at + time.Minute)
	train.Group = "train"
	g.out, at = attacks.Labeled{Group: "test"}, time.Minute
	for range 40 {
		g.command(next(), []int{0, 1, 0, 0, 0, 0, 0})
	}
	test := g.finish(at + time.Minute)
	for _, known := range []int{5, 20, 0} {
		d := New()
		d.Known = known
		if s := decomposeOn(t, d, train, test); s.inCandidates < 0.85 {
			t.Errorf("known=%d: %v; want nearly all commands among the candidates", known, s)
		}
	}
}
