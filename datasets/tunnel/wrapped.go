package tunnel

import (
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
)

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

	// The delays of the pairs bound those of the others closer than all that came
	// near did.
	g := all(known, best)
	for range 2 {
		for k, l := range known {
			d := pr.dir(l)
			if delays := pr.delays(g.ofLine(l))[d]; len(delays) >= 20 {
				ws[k] = windowOf(delays, time.Millisecond, 3)
			}
		}
		g = all(known, best)
	}
	return g
}

// ofLine is what the packets outside of a line carry, of others nothing.
func (g guess) ofLine(l line) []int32 {
	of := slices.Repeat([]int32{-1}, len(g.of))
	for _, j := range l.out {
		of[j] = g.of[j]
	}
	return of
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
	// Most bins hold chance pairs alone, so the median is what chance does.
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
	runs := pr.runs(l, w, f)
	for k, run := range runs {
		q := pr.outer.Packets[run[0]]
		for next < len(l.in) && pr.inner.Packets[l.in[next]].Time < q.Time-w.hi {
			next++
		}
		last := next
		for last < len(l.in) && pr.inner.Packets[l.in[last]].Time <= q.Time-w.lo {
			last++
		}
		for n := last - 1; n >= next; n-- {
			if !pr.carries(f, pr.inner.Packets[l.in[n]].Size, run) {
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

	for e := ends[len(ends)-1]; e >= 0; e = links[e].before {
		x := links[e]
		i := l.in[x.in]
		t := pr.inner.Packets[i].Time
		for k, j := range runs[x.out] {
			g.pair(i, j, k == 0)
		}
		if pr.within(l.out, t+w.lo, t+w.hi) > len(runs[x.out]) {
			g.ambiguous++
		}

		// Pieces that stood alone, up to what carries the next packet: the chain is
		// walked backward, so that is known.
		rest := pr.inner.Packets[i].Size - f.inside(pr.outer.Packets[runs[x.out][0]].Size)
		for k := x.out + 1; len(runs[x.out]) == 1 && rest > 0 && k < len(runs) && g.of[runs[k][0]] < 0; k++ {
			q := pr.outer.Packets[runs[k][0]]
			if q.Time > t+w.hi {
				break
			}
			g.pair(i, runs[k][0], false)
			rest -= f.inside(q.Size)
		}
	}
}

// runs are the packets outside of a line, those together that may be pieces of one:
// some of the largest and what follows them at once, if a packet inside had to be cut
// into just that.
func (pr *pairer) runs(l line, w window, f framing) [][]int32 {
	const atOnce = 50 * time.Microsecond
	var out [][]int32
	next := 0
	for k := 0; k < len(l.out); {
		end := k + 1
		for ; end < len(l.out); end++ {
			last := pr.outer.Packets[l.out[end-1]]
			if !f.full(last.Size) || pr.outer.Packets[l.out[end]].Time-last.Time > atOnce {
				break
			}
		}

		// Packets that just fit the largest come in such runs too, each by itself.
		t := pr.outer.Packets[l.out[k]].Time
		for next < len(l.in) && pr.inner.Packets[l.in[next]].Time < t-w.hi {
			next++
		}
		cut := false
		for n := next; end > k+1 && n < len(l.in) && pr.inner.Packets[l.in[n]].Time <= t-w.lo; n++ {
			cut = cut || pr.carries(f, pr.inner.Packets[l.in[n]].Size, l.out[k:end])
		}
		if !cut {
			end = k + 1
		}
		out = append(out, l.out[k:end])
		k = end
	}
	return out
}

// carries says whether a run may carry a packet of that size: one of them whole, or
// several just so much.
func (pr *pairer) carries(f framing, size int32, run []int32) bool {
	if len(run) == 1 {
		return f.carries(size, pr.outer.Packets[run[0]].Size)
	}
	// Pieces have headers of their own, at most those of TCP: without the last one
	// there is no room, however short they are.
	const headers = 40
	room := int32(0)
	for k, j := range run {
		if k == len(run)-1 && room-int32(k-1)*headers >= size {
			return false
		}
		room += f.inside(pr.outer.Packets[j].Size)
	}
	return f.of(size) > f.largest+f.block && room >= size
}
