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
	for _, n := range slices.Sorted(maps.Keys(by)) {
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
		w[d] = windowOf(delays[d])
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

// windowOf holds the middle nine tenths of delays, and as much again on either side.
func windowOf(delays []time.Duration) window {
	if len(delays) == 0 {
		return window{}
	}
	slices.Sort(delays)
	lo, hi := delays[len(delays)/20], delays[len(delays)-1-len(delays)/20]
	room := max(slack, (hi-lo)/4)
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

// wrapped matches packets that got longer by what a tunnel adds, those that it cut
// because they no longer fitted among them: what it adds is learned. A line that
// came out in cells of one length tells nothing, unless they are as many.
func (pr *pairer) wrapped(lines []line) guess {
	const tried = 4000 // packets of a line that a framing is tried on
	var some, known []line
	var ws []window
	for _, l := range lines {
		if len(l.in) == 0 || len(l.out) == 0 || pr.cells(l) {
			continue
		}
		w := busiestWindow(traceOf(pr.inner, l.in), traceOf(pr.outer, l.out))
		known, ws = append(known, l), append(ws, w)
		part := line{l.in[:min(tried, len(l.in))], l.out}
		until := pr.inner.Packets[part.in[len(part.in)-1]].Time + w.hi
		part.out = part.out[:sort.Search(len(l.out), func(k int) bool { return pr.outer.Packets[l.out[k]].Time > until })]
		some = append(some, part)
	}

	// The framing that leaves fewest unmatched, the one with the smallest block of
	// several: a larger one allows more by chance.
	all := func(lines []line, f framing) guess {
		g := pr.newGuess(false)
		for k, l := range lines {
			pr.wrap(&g, l, ws[k], f)
		}
		return g
	}
	var best framing
	most := 0
	for _, f := range pr.framings(some, ws) {
		if g := all(some, f); g.matched > most {
			best, most = f, g.matched
		}
	}
	if most == 0 {
		return guess{}
	}
	return all(known, best)
}

// cells says whether nearly all packets of a line have one length outside, and are
// not as many as inside.
func (pr *pairer) cells(l line) bool {
	count, most := map[int32]int{}, 0
	for _, j := range l.out {
		s := pr.outer.Packets[j].Size
		count[s]++
		most = max(most, count[s])
	}
	return share(most, len(l.out)) > 0.98 && share(min(len(l.in), len(l.out)), max(len(l.in), len(l.out))) < 0.98
}

// traceOf is t with these of its packets alone, which are in order.
func traceOf(t datasets.Trace, at []int32) datasets.Trace {
	ps := make([]datasets.Packet, len(at))
	for k, i := range at {
		ps[k] = t.Packets[i]
	}
	t.Packets = ps
	return t
}

// busiestWindow is the window of delays in which most pairs of any length lie, by
// the bins of a millisecond around the fullest one that hold clearly more than
// chance puts into each.
func busiestWindow(in, out datasets.Trace) window {
	const bin, reach = time.Millisecond, 500
	var bins [2*reach + 1]int
	eachCandidate(in, out, window{-reach * bin, reach * bin}, func(o, i int) bool {
		late := out.Packets[o].Time - in.Packets[i].Time
		bins[reach+int(late.Round(bin)/bin)]++
		return true
	})
	sorted := slices.Sorted(slices.Values(bins[:]))
	chance := sorted[len(sorted)/2]
	top := 0
	for k, n := range bins {
		if n > bins[top] {
			top = k
		}
	}
	least := max(2*chance, chance+(bins[top]-chance)/20)
	lo, hi := top, top
	for lo > 0 && (bins[lo-1] > least || lo > 1 && bins[lo-2] > least) {
		lo--
	}
	for hi < 2*reach && (bins[hi+1] > least || hi+1 < 2*reach && bins[hi+2] > least) {
		hi++
	}
	return window{time.Duration(lo-reach-2) * bin, time.Duration(hi-reach+2) * bin}
}

// wrap matches one line: the longest sequence of pairs that keeps the order of
// both sides, each of lengths that go together and within the window. Of a packet
// that does not fit what carries its first part, what follows carries the rest.
func (pr *pairer) wrap(g *guess, l line, w window, f framing) {
	// Pairs by packet outside in order, and of each the youngest inside first: the
	// end of the best sequence of each length is then kept in ends, as the smallest
	// place inside (Hunt and Szymanski 1977).
	type link struct {
		in, out int
		before  int32
	}
	var links []link
	var ends []int32 // into links, by length
	next := 0
	for k, j := range l.out {
		q := pr.outer.Packets[j]
		for next < len(l.in) && pr.inner.Packets[l.in[next]].Time < q.Time-w.hi {
			next++
		}
		last := next
		for last < len(l.in) && pr.inner.Packets[l.in[last]].Time <= q.Time-w.lo {
			last++
		}
		for n := last - 1; n >= next; n-- {
			if !f.carries(pr.inner.Packets[l.in[n]].Size, q.Size) {
				continue
			}
			at := sort.Search(len(ends), func(e int) bool { return links[ends[e]].in >= n })
			if at < len(ends) && links[ends[at]].in == n {
				continue // the same with one that came out earlier
			}
			x := link{n, k, -1}
			if at > 0 {
				x.before = ends[at-1]
			}
			links = append(links, x)
			if at == len(ends) {
				ends = append(ends, 0)
			}
			ends[at] = int32(len(links) - 1)
		}
	}
	if len(ends) == 0 {
		return
	}

	taken := slices.Repeat([]bool{false}, len(l.out))
	var chain []link
	for e := ends[len(ends)-1]; e >= 0; e = links[e].before {
		chain = append(chain, links[e])
		taken[links[e].out] = true
	}
	for _, x := range slices.Backward(chain) {
		i := l.in[x.in]
		p := pr.inner.Packets[i]
		g.pair(i, l.out[x.out], true)
		if n := pr.within(l.out, p.Time+w.lo, p.Time+w.hi); n > 1 {
			g.ambiguous++
		}
		for k, rest := x.out+1, p.Size-f.inside(pr.outer.Packets[l.out[x.out]].Size); rest > 0 && k < len(l.out) && !taken[k]; k++ {
			q := pr.outer.Packets[l.out[k]]
			if q.Time > p.Time+w.hi {
				break
			}
			taken[k] = true
			g.pair(i, l.out[k], false)
			rest -= f.inside(q.Size)
		}
	}
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
