package decompose

import (
	"math"
	"math/rand/v2"
	"testing"

	"veilbench/attacks"
)

// TestPriorLooksFactorialsUp compares the probability with the formula written out, to
// the bit: which of two multisets is named may hang on it.
func TestPriorLooksFactorialsUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	p := newPrior(attacks.Training{Classes: []string{"dim", "off", "on"}}, 16)
	for a := range p.action {
		p.action[a] = -rng.ExpFloat64()
	}
	for range 1000 {
		counts := make([]uint8, len(p.action))
		for a := range counts {
			counts[a] = uint8(rng.IntN(30) * rng.IntN(2))
		}
		n := totalCount(counts)
		want := p.number[min(n, len(p.number)-1)] + lgamma(n+1)
		for a, k := range counts {
			want += float64(k)*p.action[a] - lgamma(int(k)+1)
		}
		if got := p.logP(counts); got != want {
			t.Fatalf("%v: %v, want %v", counts, got, want)
		}
	}
}

// TestLikeliestIsCounted compares the vote with one that counts each value in a map.
func TestLikeliestIsCounted(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 4))
	for range 1000 {
		votes := make([]int, 1+rng.IntN(12))
		count := map[int]int{}
		for i := range votes {
			votes[i] = rng.IntN(7) - 3
			count[votes[i]]++
		}
		want := votes[0]
		for v, n := range count {
			a, b := math.Abs(float64(v)), math.Abs(float64(want))
			if n > count[want] || n == count[want] && (a < b || a == b && v < want) {
				want = v
			}
		}
		if got := likeliest(votes); got != want {
			t.Fatalf("%v: %d, want %d", votes, got, want)
		}
	}
}
