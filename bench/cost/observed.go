package cost

import (
	"slices"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// pairs are figures of one recording that was captured before and after a real
// device. The lists of delays are as the captures have them, less what two clocks
// leave unknown: below 0 where packets are seen outside first.
type pairs struct {
	inside, found, outside [2]int64 // packets that leave the home, by direction
	own                    int64    // packets outside that carry nothing known
	reordered, ambiguous   int64
	delays                 [2][]time.Duration
	offset                 time.Duration
	drift                  float64
	noClock                bool // nobody knows how far the clocks are apart
}

// observed reads the figures off an account that is marked so. Of after, when each
// original left, it makes what the delays are counted from: of what was never seen
// outside as before, of what came in as late as its delay says. seen tells which
// originals were found.
func observed(in datasets.Trace, before, after []time.Duration, out defenses.Defended) (p *pairs, seen []bool) {
	o := out.Carried.Observed
	p = &pairs{reordered: int64(o.Reordered), ambiguous: int64(o.Ambiguous), offset: o.Offset, drift: o.Drift, noClock: o.NoClock}
	seen = make([]bool, len(in.Packets))
	compared := make([]bool, len(in.Packets)) // others never met the device
	for i, q := range out.Trace.Packets {
		orig, _ := out.Carried.Entries(i)
		for _, k := range orig {
			seen[k] = true
			compared[k] = int(q.Flow) >= len(in.Flows)
		}
		if !out.Trace.Flows[q.Flow].LAN {
			p.outside[q.Dir]++
			if len(orig) == 0 {
				p.own++
			}
		}
	}

	for i, q := range in.Packets {
		leaves := !in.Flows[q.Flow].LAN
		if leaves {
			p.inside[q.Dir]++
		}
		if !seen[i] {
			after[i] = before[i]
			continue
		}
		if !compared[i] {
			continue
		}
		d, sign := after[i]-before[i], time.Duration(1)
		if o.Inward && q.Dir == datasets.Down {
			d, sign = -d, -1
		}
		d = max(0, d-o.Least[q.Dir])
		if leaves {
			p.found[q.Dir]++
			p.delays[q.Dir] = append(p.delays[q.Dir], sign*d)
		}
		after[i] = before[i] + d
	}
	return p, seen
}

// pairMetrics are the figures of all recordings that have them. Quantiles are over
// all packets of a direction, by how long they took whichever way. known is false
// where less than half of the packets were found, or the clocks were not.
func (l *Ledger) pairMetrics() (ms []results.Metric, known bool) {
	var inside, found, outside [2]int64
	var own, reordered, ambiguous int64
	var delays [2][]time.Duration
	var offset, drift float64
	any, clocks := false, true
	for _, r := range l.recs {
		if r.pairs == nil {
			continue
		}
		any, clocks = true, clocks && !r.pairs.noClock
		for d := range 2 {
			inside[d], found[d], outside[d] = inside[d]+r.pairs.inside[d], found[d]+r.pairs.found[d], outside[d]+r.pairs.outside[d]
			delays[d] = append(delays[d], r.pairs.delays[d]...)
		}
		own, reordered, ambiguous = own+r.pairs.own, reordered+r.pairs.reordered, ambiguous+r.pairs.ambiguous

		// Of several clocks the one that is farthest off.
		if s := r.pairs.offset.Seconds(); s*s > offset*offset {
			offset = s
		}
		if s := r.pairs.drift * 1e6; s*s > drift*drift {
			drift = s
		}
	}
	if !any {
		return nil, true
	}

	matched := found[0] + found[1]
	known = clocks && 2*matched >= inside[0]+inside[1]
	ms = appendRatio(nil, results.PairMatched, matched, inside[0]+inside[1])
	ms = appendRatio(ms, results.PairLostUp, inside[0]-found[0], inside[0])
	ms = appendRatio(ms, results.PairLostDown, inside[1]-found[1], inside[1])
	ms = appendRatio(ms, results.PairOwn, own, outside[0]+outside[1])
	ms = appendRatio(ms, results.PairReordered, reordered, matched)
	ms = appendRatio(ms, results.PairAmbiguous, ambiguous, matched)
	ms = append(ms, results.Metric{Name: results.PairOffset, Value: offset}, results.Metric{Name: results.PairDrift, Value: drift})
	for d, names := range [2][2]string{{results.PairUpMedian, results.PairUpP95}, {results.PairDownMedian, results.PairDownP95}} {
		if len(delays[d]) == 0 || !known {
			continue
		}
		slices.SortFunc(delays[d], func(a, b time.Duration) int { return int(min(max(a.Abs()-b.Abs(), -1), 1)) })
		for k, q := range []int{50, 95} {
			at := max(1, (len(delays[d])*q+99)/100) - 1
			ms = append(ms, results.Metric{Name: names[k], Value: delays[d][at].Seconds()})
		}
	}
	return ms, known
}
