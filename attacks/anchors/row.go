package anchors

import (
	"math"
	"time"
)

const (
	// near and local are the windows of counts and of rates around a candidate,
	// on both sides.
	near, local = time.Second, 5 * time.Minute
	// ofElement is how many columns an element of the template has, ofAnchor how
	// many the anchor and its surroundings.
	ofElement, ofAnchor = 3, 9
	// behind and ahead are how many packets of the stream next to the anchor show
	// their sizes; sums is how many columns add up what is in the window.
	behind, ahead, sums = 3, 8, 4
)

// columns collects rows.
type columns [][]float32

// rate is the logarithm of a rate a second, from n packets in some seconds; it
// is finite for none.
func rate(n int, seconds float64) float32 { return float32(math.Log((float64(n) + 0.5) / seconds)) }

// rows makes the features of candidates as columns. For each element of the
// template they are how far, in seconds, the nearest packet of its size is from
// its lag, how many there are near the candidate, and the rate in the minutes
// around; for the anchor the likelihood, the same count and rates, the rate in
// the whole home and the times to its neighbors; then the rates of all traffic, and
// what neighbors tells.
func (a *anchor) rows(x *index, found []candidate, window time.Duration) columns {
	out := make(columns, ofElement*len(a.template)+ofAnchor+behind+ahead+sums)
	for j := range out {
		out[j] = make([]float32, len(found))
	}
	ends := x.trace.Packets

	// Candidates come list by list, and a cursor moves on in one list only.
	for lo := 0; lo < len(found); {
		hi := lo
		for hi < len(found) && found[hi].list == found[lo].list {
			hi++
		}
		l := &x.lists[found[lo].list]
		for j, e := range a.template {
			at := x.times(sizeIn{l.stream, e.size})
			c := cursor{at: at}
			w := newWindows(at)
			for i := lo; i < hi; i++ {
				t := l.at[found[i].number]
				out[ofElement*j][i] = float32(c.nearest(t+e.lag, 2*window).Seconds())
				n, m := w.around(t)
				out[ofElement*j+1][i] = float32(n)
				out[ofElement*j+2][i] = rate(m, 2*local.Seconds())
			}
		}

		w := newWindows(l.at)
		rest := out[ofElement*len(a.template):]
		for i := lo; i < hi; i++ {
			k := int(found[i].number)
			t := l.at[k]
			n, m := w.around(t)
			rest[0][i] = float32(found[i].llr)
			rest[1][i] = float32(n)
			rest[2][i] = rate(m, 2*local.Seconds())
			rest[3][i] = rate(len(l.at), x.seconds())
			rest[4][i], rest[5][i] = float32(x.seconds()), float32(x.seconds())
			if k > 0 {
				rest[4][i] = float32((t - l.at[k-1]).Seconds())
			}
			if k+1 < len(l.at) {
				rest[5][i] = float32((l.at[k+1] - t).Seconds())
			}

			// The whole traffic needs no list of times: the place of the candidate in
			// it is known, and neighbors in place tell how dense it is.
			p := int(l.packet[k])
			rest[6][i] = span(ends[max(0, p-10)].Time, t)
			rest[7][i] = span(t, ends[min(len(ends)-1, p+10)].Time)
			rest[8][i] = span(ends[max(0, p-1000)].Time, ends[min(len(ends)-1, p+1000)].Time)
			x.neighbors(p, window, func(j int, v float32) { rest[ofAnchor+j][i] = v })
		}
		lo = hi
	}
	return out
}

// neighbors calls set with the sizes of the packets before and after packet p in its
// stream, and with how many packets and bytes come up and down after it, all within
// the window. Where traffic is quiet they say much that no template has, such as
// about sizes padded at random.
func (x *index) neighbors(p int, window time.Duration, set func(column int, v float32)) {
	ps := x.trace.Packets
	stream, at := x.stream[ps[p].Flow], ps[p].Time
	n := 0
	for i := p - 1; i >= 0 && n < behind && at-ps[i].Time <= window; i-- {
		if x.stream[ps[i].Flow] == stream {
			set(n, float32(sizeOf(ps[i], 1)))
			n++
		}
	}

	n = 0
	var sum [sums]float32
	for i := p + 1; i < len(ps) && ps[i].Time-at <= window; i++ {
		if x.stream[ps[i].Flow] != stream {
			continue
		}
		// Sizes stop at ahead, sums do not: they say how much an event moves in all.
		if n < ahead {
			set(behind+n, float32(sizeOf(ps[i], 1)))
		}
		n++
		sum[ps[i].Dir]++
		sum[2+ps[i].Dir] += float32(ps[i].Size)
	}
	for j, v := range sum {
		set(behind+ahead+j, v)
	}
}

// span is the logarithm of a time between packets, finite for none.
func span(from, to time.Duration) float32 { return float32(math.Log((to - from).Seconds() + 1e-4)) }

// windows counts packets of one size around moments that only move on.
type windows [4]cursor

func newWindows(at []time.Duration) windows {
	return windows{{at: at}, {at: at}, {at: at}, {at: at}}
}

// around is how many come within near and within local of t.
func (w *windows) around(t time.Duration) (close, wide int) {
	return w[1].before(t+near) - w[0].before(t-near), w[3].before(t+local) - w[2].before(t-local)
}
