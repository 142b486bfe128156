package decompose

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainList is the change-making dynamic program in its plainest form: the
// solutions of a sum are those of the sum less one action, plus that action.
func plainList(sizes []int, most, rest int, limits []actionLimit) map[string]bool {
	type state map[string]bool
	at := make([]state, rest+1)
	at[0] = state{string(make([]byte, len(sizes))): true}
	for s := 1; s <= rest; s++ {
		at[s] = state{}
		for a, size := range sizes {
			if size <= 0 || size > s {
				continue
			}
			for v := range at[s-size] {
				b := []byte(v)
				if b[a]++; totalCount(b) <= most {
					at[s][string(b)] = true
				}
			}
		}
	}
	l := lister{limits: limits}
	out := map[string]bool{}
	for v := range at[rest] {
		if l.allowed(func(a int) int { return int(v[a]) }) {
			out[v] = true
		}
	}
	return out
}

func TestListingIsThePlainDynamicProgram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for trial := range 200 {
		n := 1 + rng.IntN(10) // beyond 8 there is no table
		sizes := make([]int, n)
		for i := range sizes {
			sizes[i] = rng.IntN(30)
		}
		var limits []actionLimit
		if trial%2 == 1 {
			limits = []actionLimit{{actions: []int{0, rng.IntN(n)}, max: rng.IntN(3)}}
			slices.Sort(limits[0].actions)
			limits[0].actions = slices.Compact(limits[0].actions)
		}
		l := newLister(sizes, 1+rng.IntN(5), limits)
		walk := *l
		walk.need = walk.fewestActions(200)
		for range 5 {
			rest := 1 + rng.IntN(60)
			want := plainList(sizes, l.most, rest, limits)
			var walked [][]uint8
			walk.walk(0, l.most, rest, make([]uint8, n), &walked)
			for how, got := range map[string][][]uint8{"list": l.list(rest), "walk": walked} {
				if len(got) != len(want) || !slices.IsSortedFunc(got, slices.Compare) {
					t.Fatalf("%s of %d from %v: %d solutions, want %d in order", how, rest, sizes, len(got), len(want))
				}
				for _, v := range got {
					if !want[string(v)] {
						t.Fatalf("%s of %d from %v: %v is no solution", how, rest, sizes, v)
					}
				}
			}
		}
	}
}

// The figure of the paper (section III-A) counts ordered choices: 7 + 7^2 + ... + 7^5. Each listed
// multiset of k actions stands for as many of them as it has arrangements.
func TestCombinationsOfFiveDevicesAndSevenActions(t *testing.T) {
	l := newLister([]int{1, 1, 1, 1, 1, 1, 1}, 5, nil)
	arranged, multisets := 0, 0
	factorial := []int{1, 1, 2, 6, 24, 120}
	for sum := 1; sum <= 5; sum++ {
		for _, v := range l.list(sum) {
			n := factorial[sum]
			for _, c := range v {
				n /= factorial[c]
			}
			arranged += n
			multisets++
		}
	}
	if arranged != 19607 || multisets != 791 { // C(12, 5) - 1
		t.Errorf("%d arrangements of %d multisets, want 19607 of 791", arranged, multisets)
	}
}

// peerTargets are the sums that the peer program for decomposition draws: the
// counts of solutions agree with what it prints for the same generator.
func peerTargets(n int) (sizes []int, targets []int) {
	sizes = []int{123, 156, 237, 293, 339, 556, 1067}
	x := uint64(12345)
	next := func() uint64 {
		x = x*6364136223846793005 + 1442695040888963407
		return x >> 33
	}
	for range n {
		sum := 0
		for range 1 + next()%16 {
			sum += sizes[next()%7]
		}
		targets = append(targets, sum)
	}
	return sizes, targets
}

func TestListingAgreesWithThePeer(t *testing.T) {
	sizes, targets := peerTargets(20)
	l := newLister(sizes, 16, nil)
	n := 0
	for _, s := range targets {
		n += len(l.list(s))
	}
	// Printed by the Python recursion (enum-rec 20 0) for the same targets.
	if n != 411 {
		t.Errorf("%d solutions for 20 targets, want 411", n)
	}
}

func BenchmarkDecomposeList(b *testing.B) {
	for _, n := range []int{20, 1000} {
		sizes, targets := peerTargets(n)
		l := newLister(sizes, 16, nil)
		b.Run(fmt.Sprintf("form=packed/actions=7/n=%d", n), func(b *testing.B) {
			found, check := 0, uint64(0)
			for b.Loop() {
				found = 0
				for _, s := range targets {
					for _, v := range l.table.withSum(s) {
						check ^= v
						found++
					}
				}
			}
			report(b, n, found, check)
		})
		b.Run(fmt.Sprintf("form=counts/actions=7/n=%d", n), func(b *testing.B) {
			found := 0
			for b.Loop() {
				found = 0
				for _, s := range targets {
					found += len(l.list(s))
				}
			}
			report(b, n, found, 1)
		})
	}
	b.Run("form=setup/actions=7", func(b *testing.B) {
		sizes, _ := peerTargets(0)
		for b.Loop() {
			newLister(sizes, 16, nil)
		}
	})
}

// report adds queries/s and solutions/s; check keeps the listing alive.
func report(b *testing.B, queries, solutions int, check uint64) {
	if check == 0 {
		b.Log("no solution")
	}
	s := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(queries)/s, "queries/s")
	b.ReportMetric(float64(solutions)/s, "solutions/s")
}
