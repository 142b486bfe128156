package anchors

import (
	"cmp"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
)

// detection is a candidate that a forest takes for an event.
type detection struct {
	at     time.Duration
	packet int32 // the anchor's place in the trace
	class  string
	score  float64
}

const (
	// doubt is the lowest probability that is kept at all: what is below it is
	// neither a detection nor worth a point of a curve.
	doubt = 0.05
	// even is the score at a class's threshold.
	even = 0.5
)

// scaled maps the probability that d has as its score so that the threshold of its
// class comes to even and 1 stays: one threshold then serves all classes.
func (d detection) scaled(threshold float64) detection {
	switch p := d.score; {
	case p < threshold:
		d.score = even * p / threshold
	case threshold < 1:
		d.score = even + (1-even)*(p-threshold)/(1-threshold)
	}
	return d
}

// newDetection is a candidate that an event's probability is p of.
func newDetection(x *index, c candidate, p float64) detection {
	l := &x.lists[c.list]
	return detection{at: l.at[c.number], packet: l.packet[c.number], score: p}
}

// deviceApart is how near detections of two classes of one device contend.
const deviceApart = 2 * time.Second

// contest leaves, of detections that contend for one event, the surest: those of
// one class within the tolerance, those of one device at about the same time, and
// those whose anchor is the same packet. The result is in order of time.
func contest(all []detection) []detection {
	slices.SortStableFunc(all, func(a, b detection) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class), cmp.Compare(a.packet, b.packet))
	})
	// In order of score a detection can only lose against one that is in already.
	byDevice := map[string][]detection{} // in order of time
	taken := map[int32]bool{}
	var out []detection

	for _, d := range all {
		if taken[d.packet] {
			continue
		}
		device := match.ByDevice(d.class)
		near := byDevice[device]
		at, _ := slices.BinarySearchFunc(near, d.at, func(o detection, t time.Duration) int { return cmp.Compare(o.at, t) })
		if contended(near, at, d) {
			continue
		}
		byDevice[device] = slices.Insert(near, at, d)
		taken[d.packet] = true
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b detection) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class))
	})
	return out
}

// contended says whether d is too near to one of near, which are surer; at is
// where it belongs among them.
func contended(near []detection, at int, d detection) bool {
	rival := func(o detection) bool {
		apart := (o.at - d.at).Abs()
		return apart <= deviceApart || o.class == d.class && apart <= match.Tolerance
	}
	for i := at; i < len(near) && near[i].at-d.at <= match.Tolerance; i++ {
		if rival(near[i]) {
			return true
		}
	}
	for i := at - 1; i >= 0 && d.at-near[i].at <= match.Tolerance; i-- {
		if rival(near[i]) {
			return true
		}
	}
	return false
}

// burstsOf writes detections as an Answer has them.
func burstsOf(ds []detection) []attacks.Burst {
	out := make([]attacks.Burst, len(ds))
	for i, d := range ds {
		out[i] = attacks.Burst{Start: d.at, End: d.at, Ranked: []attacks.Ranked{{Class: d.class, P: d.score}}, Score: d.score}
	}
	return out
}
