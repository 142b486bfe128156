package audit

import (
	"context"
	"maps"
	"math"
	"slices"

	"veilbench/attacks/forest"
	"veilbench/defenses"
)

// loss is short for the bound that is tried.
type loss = defenses.Loss

// decider says of a window whether the difference was there: where its score is at
// least the threshold or, with below, under it.
type decider struct {
	name      string
	score     func(s seen) ([]float32, error)
	threshold float32
	below     bool
	// swapped decides that the difference was not there, of claims that hold both ways.
	swapped bool
}

// choose returns the decider that promises the highest limit. Those that learn do so
// from the first half of the trials, and all are compared on the second, so that one
// that knows trials by heart does not win.
func (t trial) choose(ctx context.Context, train seen) (decider, error) {
	half := len(train.with) / 2
	learn, judge := train.part(0, half), train.part(half, len(train.with))
	all := []decider{}
	for j, name := range train.names {
		all = append(all, decider{name: name, score: func(s seen) ([]float32, error) { return s.columns[j], nil }})
	}
	if !t.loss.Any {
		all = append(all, discriminant(learn))
		f, err := t.forest(ctx, learn)
		if err != nil {
			return decider{}, err
		}
		all = append(all, f)
	}

	// The first figure is the fallback: where nothing tells, any decider does.
	best, most := all[0], math.Inf(-1)
	for _, d := range all {
		score, err := d.score(judge)
		if err != nil {
			return decider{}, err
		}
		for _, d.threshold = range thresholds(score) {
			for _, d.below = range []bool{false, true} {
				for _, d.swapped = range []bool{false, true} {
					if d.swapped && !t.loss.Both {
						continue
					}
					if v := d.tally(score, judge.with).promising(); v > most {
						best, most = d, v
					}
				}
			}
		}
	}
	return best, nil
}

// part is windows lo to hi.
func (s seen) part(lo, hi int) seen {
	out := seen{names: s.names, with: s.with[lo:hi]}
	for _, c := range s.columns {
		out.columns = append(out.columns, c[lo:hi])
	}
	return out
}

// thresholds are up to 200 values of score, spread evenly over the windows.
func thresholds(score []float32) []float32 {
	const most = 200
	sorted := slices.Sorted(slices.Values(score))
	n := min(most, len(sorted))
	out := make([]float32, n)
	for k := range out {
		out[k] = sorted[k*len(sorted)/n]
	}
	return slices.Compact(out)
}

// count is what d decides of windows.
func (d decider) count(s seen, l loss) (odds, error) {
	score, err := d.score(s)
	if err != nil {
		return odds{}, err
	}
	o := d.tally(score, s.with)
	o.delta, o.asOdds = l.Delta, l.Odds
	return o, nil
}

// tally counts decisions. Swapped, windows without the difference are what is to be
// found.
func (d decider) tally(score []float32, with []bool) odds {
	var o odds
	for i, x := range score {
		said := (x < d.threshold) == d.below
		if with[i] != d.swapped {
			o.with++
			if said {
				o.hits++
			}
		} else {
			o.without++
			if said {
				o.alarms++
			}
		}
	}
	return o
}

// promising is about the lower limit that counts like these give: the normal
// approximation of both shares, with room for few counts. It is for choosing alone.
func (o odds) promising() float64 {
	const deviations = 3.5
	hits, alarms := float64(o.hits), float64(o.alarms)
	lo := hits - deviations*math.Sqrt(hits) - 1
	hi := alarms + deviations*math.Sqrt(alarms) + 7
	if lo <= 0 || o.with == 0 || o.without == 0 {
		return math.Inf(-1)
	}
	return math.Log(lo/float64(o.with)) - math.Log(hi/float64(o.without))
}

// discriminant weighs the bytes of each piece by how far its means lie apart, over
// its variance: the best sum there is where noise is Gaussian and pieces do not
// hang together.
func discriminant(learn seen) decider {
	weights := make([]float64, bins)
	for j := range weights {
		var sum, square [2]float64
		var n [2]float64
		for i, x := range learn.columns[j] {
			k := 0
			if learn.with[i] {
				k = 1
			}
			n[k]++
			sum[k] += float64(x)
			square[k] += float64(x) * float64(x)
		}
		// Around the middle of both means, which takes in half of the difference: where it
		// is small, as behind a shaper that works, that changes nothing.
		m0, m1 := sum[0]/max(n[0], 1), sum[1]/max(n[1], 1)
		variance := (square[0]+square[1])/max(n[0]+n[1], 1) - (m0+m1)*(m0+m1)/4
		if variance > 0 {
			weights[j] = (m1 - m0) / variance
		}
	}
	return decider{name: "weighted bytes", score: func(s seen) ([]float32, error) {
		out := make([]float32, len(s.with))
		for i := range out {
			v := 0.0
			for j, w := range weights {
				v += w * float64(s.columns[j][i])
			}
			out[i] = float32(v)
		}
		return out, nil
	}}
}

// forest votes on all figures.
func (t trial) forest(ctx context.Context, learn seen) (decider, error) {
	y := make([]int32, len(learn.with))
	for i, with := range learn.with {
		if with {
			y[i] = 1
		}
	}
	// One worker: cells are computed side by side already.
	f, err := forest.Train(ctx, learn.columns, y, 2, forest.Options{Trees: 60, Seed: t.draws("forest").Uint64(), Workers: 1})
	if err != nil {
		return decider{}, err
	}
	return decider{name: "forest", score: func(s seen) ([]float32, error) {
		p, err := f.PredictAll(ctx, s.columns, 1)
		if err != nil {
			return nil, err
		}
		out := make([]float32, len(s.with))
		for i := range out {
			out[i] = p[2*i+1]
		}
		return out, nil
	}}, nil
}

// sortedKeys lists the keys of m in order.
func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
