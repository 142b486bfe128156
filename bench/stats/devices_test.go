package stats

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// household is a law of groups that hold devices with floors of their own, as the
// headline of events takes them: a group's advantage is the mean of its devices'.
type household struct {
	p      float64   // the true advantage of the headline
	floors []float64 // of each device
	spread float64   // how far devices lie from p, half above and half below
	n      int       // events of each device
}

// fill draws one experiment.
func (h household) fill(r *rand.Rand, x [][]Group) {
	for a := range x {
		for g := range x[a] {
			var score, advantage float64
			d := float64(len(h.floors))
			for i, floor := range h.floors {
				truth := min(max(h.p+h.spread*float64(1-2*(i%2)), 0), 1)
				hits := 0
				for range h.n {
					if r.Float64() < floor+(1-floor)*truth {
						hits++
					}
				}
				v := float64(hits) / float64(h.n)
				score += v / d
				advantage += (v - floor) / (1 - floor) / d
			}
			// The floor that gives the mean advantage, as in results.OverDevices.
			floor := 0.0
			if advantage < 1-1e-12 {
				floor = (score - advantage) / (1 - advantage)
			}
			x[a][g] = Group{Score: score, Floor: floor, N: h.n * len(h.floors)}
		}
	}
}

// TestSimulationOfDevices holds the limits of the headline of events to 4.5 % (8 % with 51 attackers) where
// devices differ in floors and in how much they leak.
func TestSimulationOfDevices(t *testing.T) {
	shares, repeats := []float64{.02, .5, .9}, 200
	attackers, groups := []int{1, 11}, []int{5, 10}
	if full() {
		shares, repeats = []float64{.02, .05, .1, .25, .5, .75, .9, .95, .98}, 2000
		attackers, groups = []int{1, 11, 51}, []int{5, 10, 30}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "spread attackers groups repeats ")
	for _, p := range shares {
		fmt.Fprintf(&b, " %9.2f", p)
	}
	fmt.Fprintln(&b)
	for _, spread := range []float64{0, 0.3} {
		for _, a := range attackers {
			for _, g := range groups {
				k := repeats
				if a > 11 {
					k = repeats / 2
				}
				fmt.Fprintf(&b, "%6.1f %9d %6d %7d ", spread, a, g, k)
				for _, p := range shares {
					// Devices cannot lie as far from a truth near an end.
					h := household{p: p, floors: []float64{0, 0.1, 0.3, 0.6}, spread: min(spread, p, 1-p), n: 5}
					o := coverageOf(h.p, rand.New(rand.NewPCG(uint64(1000*a+g), math.Float64bits(p))), h.fill, a, g, k)
					cell := percent(o.low) + "/" + percent(o.up)
					if max(o.low, o.up) > 0.05 {
						cell += "*"
					}
					fmt.Fprintf(&b, " %9s", cell)
					// A little more than for one floor and one truth: groups are sums of few
					// events, stretched by other floors.
					allowed := 0.045
					if a > 11 {
						allowed = 0.08
					}
					if !full() {
						allowed += 3 * 0.012
					}
					if max(o.low, o.up) > allowed {
						t.Errorf("truth %.2f, spread %.1f, %d attackers, %d groups: limits err in %.4f and %.4f", p, spread, a, g, o.low, o.up)
					}
				}
				fmt.Fprintln(&b)
			}
		}
	}
	t.Logf("\n%s", b.String())
	write(t, "devices", []byte("```text\n"+b.String()+"```\n\n"))
}
