package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench/results"
)

// delays draws, for each defense, which share of the packets is delayed by no
// more than a time.
func (s *Set) delays() []Figure {
	var out []Figure
	for _, p := range s.costPanels() {
		var names, drawn, free, lost []string
		var lines [][]plotter.XY
		for _, d := range s.defenses[p] {
			rs := distinctCosts(s.byDefense[subject{p, d}])
			name := s.defenseLabel(d).Text
			xy, ok := delayCurve(rs)
			switch {
			case len(rs) == 0:
			case !ok:
				lost = append(lost, name)
			case xy == nil:
				free = append(free, name)
			default:
				names, drawn, lines = append(names, name), append(drawn, d), append(lines, xy)
			}
		}
		if len(lines) == 0 {
			continue
		}
		what := "Share of original packets that leave at most so much later than without a defense, behind the same link queue, over all folds and draws; logarithmic axis, delays below its start are drawn there."
		if len(free) > 0 {
			what += " No delay at all: " + strings.Join(free, ", ") + "."
		}
		if len(lost) > 0 {
			what += " Results without a histogram: " + strings.Join(lost, ", ") + "."
		}
		out = append(out, delayFigure("Delay by defense: "+p.Dataset+", "+string(p.Vantage), s.caption(p, what, drawn, nil), names, lines))
	}
	return out
}

// delayCurve is the distribution of the delays of all results together, by the
// logarithm of seconds: nil if nothing was delayed, not ok if a result that
// has delays lacks the histogram. Zero is at minus infinity.
func delayCurve(rs []*results.Result) (xy []plotter.XY, ok bool) {
	type share struct{ delay, packets float64 }
	var all []share
	var sum float64
	delayed := false
	for _, r := range rs {
		n := float64(r.Cost.InPackets[0] + r.Cost.InPackets[1])
		parts := r.Cost.Delays
		switch {
		case len(parts) > 0:
			delayed = true
		case r.Cost.DelayMax > 0:
			return nil, false
		default:
			parts = []float64{0}
		}
		for _, v := range parts {
			all = append(all, share{v, n / float64(len(parts))})
		}
		sum += n
	}
	if !delayed || sum == 0 {
		return nil, true
	}
	slices.SortStableFunc(all, func(a, b share) int { return cmp.Compare(a.delay, b.delay) })
	below := 0.0
	for i, a := range all {
		below += a.packets
		if i+1 == len(all) || all[i+1].delay > a.delay {
			xy = append(xy, plotter.XY{X: math.Log10(a.delay), Y: min(1, below/sum)})
		}
	}
	xy[len(xy)-1].Y = 1 // sums are rounded
	return xy, true
}

func delayFigure(title, caption string, names []string, lines [][]plotter.XY) Figure {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, xy := range lines {
		for _, q := range xy {
			if !math.IsInf(q.X, 0) {
				lo, hi = min(lo, q.X), max(hi, q.X)
			}
		}
	}
	lo = max(math.Floor(lo), -5)
	hi = max(math.Ceil(hi), lo+1)
	var steps [][]plotter.XY
	for _, xy := range lines {
		steps = append(steps, stepsOf(xy, lo, hi))
	}
	key := lineKey(names)
	return Figure{
		Title: title, Caption: caption,
		height: func(w vg.Length) vg.Length { return min(0.62*w, 3*vg.Inch) + keyHeight(key, w) },
		draw: func(c draw.Canvas) {
			kh := keyHeight(key, c.Max.X-c.Min.X)
			pl := newPlot("delay of a packet", "share of packets")
			pl.Add(curveLines{steps})
			pl.X.Min, pl.X.Max, pl.Y.Min, pl.Y.Max = lo, hi, 0, 1
			pl.X.Tick.Marker, pl.Y.Tick.Marker = decades(lo, hi), share01()
			pl.draw(draw.Crop(c, 0, -8, kh, 0)) // the last label is wide
			drawKey(draw.Crop(c, 0, 0, 0, -(c.Max.Y-c.Min.Y-kh)), key)
		},
	}
}

// stepsOf turns the points of a distribution into steps between lo and hi.
func stepsOf(xy []plotter.XY, lo, hi float64) []plotter.XY {
	out := []plotter.XY{{X: min(max(xy[0].X, lo), hi), Y: 0}}
	for _, q := range xy {
		x := min(max(q.X, lo), hi)
		out = append(out, plotter.XY{X: x, Y: out[len(out)-1].Y}, plotter.XY{X: x, Y: q.Y})
	}
	return out
}

// decades are ticks at powers of ten seconds; where they are many, every other
// one has a label.
func decades(lo, hi float64) plot.ConstantTicks {
	var out plot.ConstantTicks
	for d := math.Ceil(lo); d <= hi; d++ {
		label := fmt.Sprintf("%g ms", math.Pow(10, d+3))
		if d >= 0 {
			label = fmt.Sprintf("%g s", math.Pow(10, d))
		}
		if hi-lo > 6 && int(d)%2 != 0 {
			label = ""
		}
		out = append(out, plot.Tick{Value: d, Label: label})
	}
	return out
}
