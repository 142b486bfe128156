package traffic

import (
	"math"
	"slices"
	"testing"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// ways counts the multisets of at most left actions, from action i on, whose
// sizes sum to rest; it adds the count of actions of each to found.
func ways(sizes []int64, i int, rest int64, c command, left int, found *[]command) {
	if rest == 0 {
		*found = append(*found, slices.Clone(c))
		return
	}
	if i == len(sizes) || rest < 0 || left == 0 {
		return
	}
	for k := 0; k <= left && int64(k)*sizes[i] <= rest; k++ {
		c[i] = k
		ways(sizes, i+1, rest-int64(k)*sizes[i], c, left-k, found)
	}
	c[i] = 0
}

// TestGatewayCalibration attacks the model with plain code: the variation is
// the commonest among the three nearest known sizes, candidates are all sums. Published: 0.984 of
// 307 commands have the truth among the candidates; the model was calibrated
// to 0.980 to 0.987, one candidate in the median, 69 to 72 % unique.
func TestGatewayCalibration(t *testing.T) {
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	g := p.Gateway
	var sizes []int64
	for _, a := range g.Actions {
		sizes = append(sizes, a.Bytes)
	}
	base := func(c command) int64 {
		n := g.Content
		for i, k := range c {
			n += int64(k) * sizes[i]
		}
		return n
	}
	hits, unique, total := 0., 0., 0.
	var counts []int
	for run := range uint64(10) {
		r := draw.New(run, "calibration")
		type known struct{ size, e int64 }
		var train []known
		for range g.Known {
			c := sampleCommand(g, r)
			s := messageSize(g, c, r)
			train = append(train, known{s, s - base(c)})
		}
		for range g.Known {
			c := sampleCommand(g, r)
			s := messageSize(g, c, r)
			slices.SortFunc(train, func(a, b known) int {
				return int(math.Abs(float64(a.size-s)) - math.Abs(float64(b.size-s)))
			})
			votes := map[int64]int{}
			for _, k := range train[:3] {
				votes[k.e]++
			}
			e := train[0].e
			for x, n := range votes {
				if n > votes[e] {
					e = x
				}
			}
			var found []command
			ways(sizes, 0, s-g.Content-e, make(command, len(sizes)), 16, &found)
			total++
			counts = append(counts, len(found))
			if slices.ContainsFunc(found, func(f command) bool { return slices.Equal(f, c) }) {
				hits++
				if len(found) == 1 {
					unique++
				}
			}
		}
	}
	slices.Sort(counts)
	t.Logf("in candidates %.4f, unique %.3f, median %d candidates", hits/total, unique/total, counts[len(counts)/2])
	if hits/total < 0.970 || hits/total > 0.992 {
		t.Errorf("in candidates %.4f, want 0.970 to 0.992", hits/total)
	}
	if unique/total < 0.62 || unique/total > 0.78 || counts[len(counts)/2] != 1 {
		t.Errorf("unique %.3f, median %d candidates; want 0.62 to 0.78, 1", unique/total, counts[len(counts)/2])
	}
}
