package anchors

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// element is a packet that goes with an anchor.
type element struct {
	size int32
	// lag is when it comes after the anchor, tol how far from that at most and
	// share in how many events.
	lag, tol time.Duration
	share    float64
}

// edges part the lags around an anchor: what comes at once is exact to
// milliseconds, what comes later to a part of its lag.
var edges = [...]time.Duration{20 * time.Millisecond, 60 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond, time.Second}

// lagBin numbers the bins of lags.
func lagBin(lag time.Duration) int8 {
	n := int8(1)
	for _, e := range edges {
		if lag.Abs() > e {
			n++
		}
	}
	if lag < 0 {
		return -n
	}
	return n
}

// sizeAt is a size in a bin of lags.
type sizeAt struct {
	size int32
	bin  int8
}

// around is in how many of some places a size at a lag was met.
type around struct {
	n    map[sizeAt]int
	lags map[sizeAt][]time.Duration
	of   int // places
}

// place is a packet of an example.
type place struct {
	example int
	packet  int32
}

// look counts what is around places, each size and bin once a place. With owned
// set only packets of the same trial count, where causes tell.
func (l *learner) look(places []place, owned bool) around {
	out := around{n: map[sizeAt]int{}, lags: map[sizeAt][]time.Duration{}, of: len(places)}

	// Where the last place with a size was says whether this one has been counted:
	// emptying a set for each place would take longer than the search.
	last := map[sizeAt]int{}
	for i, at := range places {
		x := l.indexes[at.example]
		ps := x.trace.Packets
		anchor := ps[at.packet]
		cause := l.t.Examples[at.example].Labels.Cause
		add := func(j int) bool {
			lag := ps[j].Time - anchor.Time
			if lag.Abs() > l.window {
				return false
			}
			if x.stream[ps[j].Flow] != x.stream[anchor.Flow] || owned && cause != nil && cause[j] != cause[at.packet] {
				return true
			}
			k := sizeAt{x.size(int32(j)), lagBin(lag)}
			if seen, ok := last[k]; !ok || seen != i {
				last[k] = i
				out.n[k]++
				if owned {
					out.lags[k] = append(out.lags[k], lag)
				}
			}
			return true
		}

		// Both ways from the anchor, until a packet is out of the window.
		for j := int(at.packet) - 1; j >= 0 && add(j); j-- {
		}
		for j := int(at.packet) + 1; j < len(ps) && add(j); j++ {
		}
	}
	return out
}

// share is in which share of the places k was met, as if one more had been looked
// at with half of it.
func (a around) share(k sizeAt) float64 { return (float64(a.n[k]) + 0.5) / float64(a.of+1) }

// gain is what it tells in the mean, in an event, whether k is there.
func gain(event, other around, k sizeAt) float64 {
	p, q := event.share(k), other.share(k)
	return p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q))
}

// leastTol is how exact lags are at best: home networks jitter by that.
const leastTol = 5 * time.Millisecond

// template chooses the sizes and lags that tell events best from other packets
// of the anchor's size; where kin, packets of that size in events of the
// same device's other classes, are known, half are those that tell from them.
func (l *learner) template(events, others, kin []place) []element {
	here, there := l.look(events, true), l.look(others, false)
	chosen := best(here, there, l.a.Lags, nil)

	// On and off differ in few packets, which the rest of the traffic does not show to
	// be worth anything.
	if len(kin) >= addTrials {
		chosen = best(here, there, (l.a.Lags+1)/2, nil)
		chosen = best(here, l.look(kin, true), l.a.Lags, chosen)
	}

	out := make([]element, len(chosen))
	for i, k := range chosen {
		// The middle eight tenths of the lags and half as much again: a late packet of
		// one event must not widen it for all.
		lags := here.lags[k]
		slices.Sort(lags)
		e := element{size: k.size, share: here.share(k)}
		if len(lags) > 0 {
			e.lag = lags[len(lags)/2]
			e.tol = max(e.lag-lags[len(lags)/10], lags[len(lags)-1-len(lags)/10]-e.lag)
		}
		e.tol = max(e.tol*3/2, leastTol)
		out[i] = e
	}
	return out
}

// best adds to chosen, up to most, the sizes and lags that tell here from there
// best. Those of one event alone are left to chance.
func best(here, there around, most int, chosen []sizeAt) []sizeAt {
	var keys []sizeAt
	for k, n := range here.n {
		if (n > 1 || here.of < 2) && here.share(k) > there.share(k) && !slices.Contains(chosen, k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b sizeAt) int {
		return cmp.Or(cmp.Compare(gain(here, there, b), gain(here, there, a)), cmp.Compare(a.size, b.size), cmp.Compare(a.bin, b.bin))
	})
	for _, k := range keys {
		if len(chosen) == most {
			break
		}
		chosen = append(chosen, k)
	}
	return chosen
}

// likelihoods returns, for each packet of list n, the logarithm of how much
// likelier what is around it is in an event than in this home's traffic: a size
// of which r come a second is there by chance, within tol of its lag, with the
// probability 1-exp(-2 r tol).
func (a *anchor) likelihoods(x *index, n int32, window time.Duration) []float64 {
	l := &x.lists[n]
	out := make([]float64, len(l.at))
	for _, e := range a.template {
		at := x.times(sizeIn{l.stream, e.size})
		rate := (float64(len(at)) + 0.5) / x.seconds()
		chance := min(max(1-math.Exp(-2*rate*e.tol.Seconds()), 1e-6), 0.999)
		hit, miss := math.Log(e.share/chance), math.Log((1-e.share)/(1-chance))
		c := cursor{at: at}
		for i, t := range l.at {
			if c.nearest(t+e.lag, window).Abs() <= e.tol {
				out[i] += hit
			} else {
				out[i] += miss
			}
		}
	}
	return out
}
