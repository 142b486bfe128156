package figures

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
)

// Delay shows for each defense which share of the packets is delayed by no more
// than a time.
var Delay = reports.FigureKind{
	Name: "delay", Doc: "share of packets within a delay, for each defense",
	Draw: reports.PerCost(delays),
}

func delays(s *reports.Set, p reports.Panel) []figure.Figure {
	var names, drawn, free, lost []string
	var curves [][]figure.Point

	// A defense that delays nothing has no curve on a logarithmic axis, and one
	// whose results are too old for a histogram must not look like it.
	for _, d := range s.Defenses[p] {
		rs := s.Costs(reports.Subject{Panel: p, Defense: d})
		name := s.DefenseLabel(d)
		xy, ok := delayCurve(rs)
		switch {
		case len(rs) == 0:
		case !ok:
			lost = append(lost, name)
		case xy == nil:
			free = append(free, name)
		default:
			names, drawn, curves = append(names, name), append(drawn, d), append(curves, xy)
		}
	}
	if len(curves) == 0 {
		return nil
	}

	what := "Share of original packets that leave at most so much later than without a defense, behind the same link queue, over all folds and draws; logarithmic axis, delays below its start are drawn there."
	if len(free) > 0 {
		what += " No delay at all: " + strings.Join(free, ", ") + "."
	}
	if len(lost) > 0 {
		what += " Results without a histogram: " + strings.Join(lost, ", ") + "."
	}
	f := delayLines(names, curves).Figure("Delay by defense: "+s.DataName(p.Dataset)+", "+string(p.Vantage), s.Caption(p, what, drawn, nil))
	f.About, f.Better = []string{"delay", s.DataName(p.Dataset)}, figure.UpLeft // whatever the task
	return []figure.Figure{f}
}

// delayCurve is the distribution of the delays of all results together, by the
// logarithm of seconds: nil if nothing was delayed, not ok if a result that
// has delays lacks the histogram. Zero is at minus infinity.
func delayCurve(rs []*results.Result) (xy []figure.Point, ok bool) {
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
		// Quantiles stand for equally many packets of their own result.
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
			xy = append(xy, figure.Point{X: math.Log10(a.delay), Y: min(1, below/sum)})
		}
	}
	xy[len(xy)-1].Y = 1 // sums are rounded
	return xy, true
}

// delayLines draws distributions as steps on one axis of whole powers of ten,
// none below ten microseconds: nobody feels less.
func delayLines(names []string, curves [][]figure.Point) figure.Lines {
	const least = -5
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, xy := range curves {
		for _, q := range xy {
			if !math.IsInf(q.X, 0) {
				lo, hi = min(lo, q.X), max(hi, q.X)
			}
		}
	}
	lo = max(math.Floor(lo), least)
	hi = max(math.Ceil(hi), lo+1)

	l := figure.Lines{X: figure.DelayAxis("delay of a packet", lo, hi), YName: "share of packets", Names: names}

	// What lies outside is drawn at the edge: a share must not vanish.
	for _, xy := range curves {
		steps := []figure.Point{{X: min(max(xy[0].X, lo), hi)}}
		for _, q := range xy {
			x := min(max(q.X, lo), hi)
			steps = append(steps, figure.Point{X: x, Y: steps[len(steps)-1].Y}, figure.Point{X: x, Y: q.Y})
		}
		l.Series = append(l.Series, steps)
	}
	return l
}
