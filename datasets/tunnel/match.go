package tunnel

import (
	"maps"
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
)

// The ways in which a device may carry packets. Each gives a guess, with nil if the
// lines are none of its kind.

// slack is how far two captures of one machine may be out of order, and what a
// window of delays is wider than the delays it was learned from.
const slack = 5 * time.Millisecond

// window bounds how much later than inside a packet is seen outside.
type window struct{ lo, hi time.Duration }

func (pr *pairer) newGuess(simple bool) guess {
	return guess{of: slices.Repeat([]int32{-1}, len(pr.outer.Packets)), simple: simple}
}

// pair notes that packet j outside is a piece of packet i inside, the first if that
// is said.
func (g *guess) pair(i, j int32, first bool) {
	g.of[j] = i
	g.used++
	if first {
		g.matched++
	}
}

// same matches packets whose lengths did not change: of each length, within the
// delays that those have which can be only each other's, in order.
func (pr *pairer) same(lines []line) guess {
	g := pr.newGuess(true)
	var cells []line
	for _, l := range lines {
		cells = append(cells, pr.byLength(l)...)
	}
	w := pr.nearest(cells)
	for _, c := range cells {
		d := pr.dir(c)
		for k, j := range c.pairs(pr, w[d]) {
			if j < 0 {
				continue
			}
			i := c.in[k]
			g.pair(i, j, true)

			// Another inside or outside that would have fitted as well.
			t, u := pr.inner.Packets[i].Time, pr.outer.Packets[j].Time
			if k > 0 && u-pr.inner.Packets[c.in[k-1]].Time <= w[d].hi || k+1 < len(c.in) && u-pr.inner.Packets[c.in[k+1]].Time >= w[d].lo ||
				pr.within(c.out, t+w[d].lo, t+w[d].hi) > 1 {
				g.ambiguous++
			}
		}
	}
	return g
}

// dir is the direction of a line.
func (pr *pairer) dir(l line) datasets.Dir {
	if len(l.in) > 0 {
		return pr.inner.Packets[l.in[0]].Dir
	}
	return pr.outer.Packets[l.out[0]].Dir
}

// within counts the packets outside of list between two times.
func (pr *pairer) within(list []int32, lo, hi time.Duration) int {
	at := func(t time.Duration) int {
		return sort.Search(len(list), func(k int) bool { return pr.outer.Packets[list[k]].Time >= t })
	}
	return at(hi+1) - at(lo)
}

// byLength divides a line by the payload of its packets, those lengths alone that
// both sides have.
func (pr *pairer) byLength(l line) []line {
	by := map[int32]*line{}
	get := func(n int32) *line {
		if by[n] == nil {
			by[n] = &line{}
		}
		return by[n]
	}
	for _, i := range l.in {
		c := get(pr.inner.Packets[i].Payload)
		c.in = append(c.in, i)
	}
	for _, j := range l.out {
		c := get(pr.outer.Packets[j].Payload)
		c.out = append(c.out, j)
	}
	var out []line
	for _, n := range slices.Sorted(maps.Keys(by)) { // maps must not decide anything
		if c := by[n]; len(c.in) > 0 && len(c.out) > 0 {
			out = append(out, *c)
		}
	}
	return out
}

// nearest are the windows, by direction, of the delays of packets that are each
// other's nearest in time.
func (pr *pairer) nearest(cells []line) [2]window {
	var delays [2][]time.Duration
	for _, c := range cells {
		d := pr.dir(c)
		for k, i := range c.in {
			t := pr.inner.Packets[i].Time
			j := pr.closest(c.out, t)
			late := pr.outer.Packets[j].Time - t
			near := func(k int) time.Duration { return (pr.outer.Packets[j].Time - pr.inner.Packets[c.in[k]].Time).Abs() }
			if k > 0 && near(k-1) < late.Abs() || k+1 < len(c.in) && near(k+1) < late.Abs() {
				continue
			}
			delays[d] = append(delays[d], late)
		}
	}
	var w [2]window
	for d := range delays {
		w[d] = windowOf(delays[d], slack, 4)
	}
	return w
}

// closest is the packet outside of list that was seen nearest to t.
func (pr *pairer) closest(list []int32, t time.Duration) int32 {
	k := sort.Search(len(list), func(k int) bool { return pr.outer.Packets[list[k]].Time >= t })
	if k == len(list) || k > 0 && t-pr.outer.Packets[list[k-1]].Time < pr.outer.Packets[list[k]].Time-t {
		k--
	}
	return list[k]
}

// windowOf holds the middle nine tenths of delays, and on either side the given part
// of that, but at least so much. It orders delays.
func windowOf(delays []time.Duration, least time.Duration, part int64) window {
	if len(delays) == 0 {
		return window{}
	}
	slices.Sort(delays)
	lo, hi := delays[len(delays)/20], delays[len(delays)-1-len(delays)/20]
	room := max(least, (hi-lo)/time.Duration(part))
	return window{lo - room, hi + room}
}

// pairs matches the packets of a line in order, each with the first outside that is
// within the window: the place outside of each inside, -1 for none.
func (l line) pairs(pr *pairer, w window) []int32 {
	out := make([]int32, len(l.in))
	k := 0
	for n, i := range l.in {
		t := pr.inner.Packets[i].Time
		for k < len(l.out) && pr.outer.Packets[l.out[k]].Time < t+w.lo {
			k++
		}
		out[n] = -1
		if k < len(l.out) && pr.outer.Packets[l.out[k]].Time <= t+w.hi {
			out[n] = l.out[k]
			k++
		}
	}
	return out
}

// inOrder matches lines that have as many packets on both sides, none of which got
// shorter or came out before it went in: the first with the first. Lines that do
// not, but for a few, make it no guess.
func (pr *pairer) inOrder(lines []line) guess {
	g := pr.newGuess(true)
	n := 0
	for _, l := range lines {
		n += len(l.in)
		if len(l.in) != len(l.out) {
			continue
		}
		// One that does not fit shows that something was lost and something added.
		fits := true
		for k, i := range l.in {
			p, q := pr.inner.Packets[i], pr.outer.Packets[l.out[k]]
			fits = fits && q.Payload >= p.Payload && q.Time >= p.Time-slack
		}
		if !fits {
			continue
		}
		for k, i := range l.in {
			g.pair(i, l.out[k], true)
		}
	}
	if share(g.matched, n) < 0.5 {
		return guess{}
	}
	return g
}

// pieces matches packets with runs outside that hold just their bytes: a device
// that cuts.
func (pr *pairer) pieces(lines []line) guess {
	g := pr.newGuess(true)
	for _, l := range lines {
		k := 0
		for _, i := range l.in {
			p := pr.inner.Packets[i]
			for k < len(l.out) && pr.outer.Packets[l.out[k]].Time < p.Time-slack {
				k++
			}
			end := k
			rest := p.Payload
			for end < len(l.out) {
				q := pr.outer.Packets[l.out[end]]
				if q.Payload > rest || q.Payload == 0 && rest > 0 {
					break
				}
				end++
				if rest -= q.Payload; rest == 0 {
					break
				}
			}
			if end == k || rest > 0 {
				continue // lost, and what is outside is for the next
			}
			for ; k < end; k++ {
				g.pair(i, l.out[k], g.of[l.out[k]] < 0 && (k == 0 || g.of[l.out[k-1]] != i))
			}
		}
	}
	return g
}

// Account is what each packet of Outer carries, as lists of entries: the packets
// inside and bytes of each, those of packet j from first[j] to first[j+1]. Pieces
// carry the bytes in order, as many as they hold and the last one the rest; inner
// is the trace inside.
func (p Pairing) Account(inner datasets.Trace) (first, orig, bytes []int32) {
	last := map[int32]int{} // the last piece of each
	for j, i := range p.Of {
		if i >= 0 {
			last[i] = j
		}
	}
	left := map[int32]int32{}
	first = make([]int32, 1, len(p.Of)+1)
	for j, i := range p.Of {
		if i >= 0 {
			rest, begun := left[i]
			if !begun {
				rest = inner.Packets[i].Payload
			}
			n := min(rest, p.Outer.Packets[j].Payload)
			if j == last[i] {
				n = rest
			}
			left[i] = rest - n
			orig, bytes = append(orig, i), append(bytes, n)
		}
		first = append(first, int32(len(orig)))
	}
	return first, orig, bytes
}
