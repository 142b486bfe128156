package decompose

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// With sizes 2, 3 and 5 and at most 4 actions, 10 is 5+5, 2+3+5, 3+3+2+2 (4) and
// 2+2+... no more: worked by hand, with the number of actions known and without.
func TestListingBetween(t *testing.T) {
	for name, l := range listers([]int{2, 3, 5}, 4) {
		for _, c := range []struct {
			lo, hi int
			want   string
		}{
			{0, 4, "[[0 0 2] [1 1 1] [2 2 0]]"},
			{2, 2, "[[0 0 2]]"},
			{3, 3, "[[1 1 1]]"},
			{3, 9, "[[1 1 1] [2 2 0]]"},
			{1, 1, "[]"},
			{-2, 0, "[]"},
		} {
			if got := fmt.Sprint(l.listBetween(10, c.lo, c.hi)); got != c.want {
				t.Errorf("%s, %d to %d actions: %s, want %s", name, c.lo, c.hi, got, c.want)
			}
		}
	}
}

// TestListingBetweenIsListing of what is within the bounds.
func TestListingBetweenIsListing(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for range 200 {
		sizes := make([]int, 1+rng.IntN(7))
		for i := range sizes {
			sizes[i] = 1 + rng.IntN(30)
		}
		rest, lo := rng.IntN(120), rng.IntN(6)
		hi := lo + rng.IntN(4)
		for name, l := range listers(sizes, 9) {
			want := slices.DeleteFunc(l.list(rest), func(c []uint8) bool { return totalCount(c) < lo || totalCount(c) > hi })
			if got := l.listBetween(rest, lo, hi); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s %v, sum %d, %d to %d: %v, want %v", name, sizes, rest, lo, hi, got, want)
			}
		}
	}
}

// listers are the two ways to list: from a table, and by walking.
func listers(sizes []int, most int) map[string]*lister {
	walk := newLister(sizes, most, nil)
	walk.table, walk.need = nil, walk.fewestActions(slices.Max(sizes)*most)
	return map[string]*lister{"table": newLister(sizes, most, nil), "walk": walk}
}

// TestCountFirst: what the reports leave of a list is what is listed when they are
// counted first.
func TestCountFirst(t *testing.T) {
	train, test := simulateGateway(3)
	first := New()
	first.CountFirst = true
	a, b := decomposeOn(t, New(), train, test), decomposeOn(t, first, train, test)
	if b.inCandidates != a.inBounded || b.inBounded != a.inBounded {
		t.Errorf("%v counted first, %v after listing: want what bounding left", b, a)
	}
	if b.mean >= a.mean {
		t.Errorf("%.2f candidates, %.2f without counting first: want shorter lists", b.mean, a.mean)
	}
}

// BenchmarkBounding lists the commands of a gateway with 16 and with 32 devices,
// whose table would be too large, with the number of actions known and without.
func BenchmarkBounding(b *testing.B) {
	sizes := []int{57, 58, 79, 83, 74, 92, 113}
	for _, devices := range []int{16, 32} {
		l := newLister(sizes, devices, nil)
		for _, bound := range []bool{false, true} {
			b.Run(fmt.Sprintf("devices=%d/bound=%v", devices, bound), func(b *testing.B) {
				listed := 0
				for i := 0; b.Loop(); i++ {
					n := 1 + i%16
					rest := n * 74
					if bound {
						listed += len(l.listBetween(rest, n, n))
					} else {
						listed += len(l.list(rest))
					}
				}
				b.ReportMetric(float64(listed)/float64(b.N), "candidates/op")
			})
		}
	}
}
