package tunnel

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
)

// Pairing says which packets outside of a device carry which packets inside,
// found from a capture on either side. Nothing in it is known but what two
// observers saw; what they could not see is in Notes.
type Pairing struct {
	// Outer is the traffic outside that leaves the home, with times of the inner
	// capture's clock, beginning at its start. Times may be negative.
	Outer datasets.Trace
	// Of is, for each packet of Outer, the packet inside that it carries, by its
	// index in the inner trace; -1 for none. Several may carry one: its pieces.
	Of []int32
	// Clock is that of the outer capture against the inner one's.
	Clock Clock
	// Least is, by direction, the delay that is not known with two clocks: at least
	// one packet had it, and what is known of the others is what they took longer.
	// 0 with one clock.
	Least [2]time.Duration
	// Inward is set where packets down are seen outside first. Else something
	// farther out held them back.
	Inward bool
	// Inner, Matched and Outside are numbers of packets by direction: inside of those
	// that were compared, those of them that were found outside, and all outside.
	Inner, Matched, Outside [2]int
	// Own is how many packets outside carry nothing that is known, Reordered how
	// many came out after one that had come in later on the same flow and direction,
	// Ambiguous how many could as well have been another of the same length.
	Own, Reordered, Ambiguous int
	// LAN is set where the outer capture shows what stays in the home too, which was
	// compared then.
	LAN bool
	// Notes say what cannot be known, and why if less than 95 % was matched.
	Notes []string
}

// Share is the matched share of the packets inside, 0 if there are none.
func (p Pairing) Share() float64 { return share(p.Matched[0]+p.Matched[1], p.Inner[0]+p.Inner[1]) }

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// enough is the matched share below which a pairing says why.
const enough = 0.95

// Pair matches what was captured on both sides of a device or gateway at the same
// time. What leaves the home alone is compared, by direction, order, length and
// time: within flows that both sides show, by their far ends where a gateway
// translates addresses, and for what has neither as one tunnel. A device may delay,
// pad and cut packets, drop some and add others; one that merges packets, or sends
// them in cells of one length, leaves nothing to match by, and Notes say so.
//
// With oneClock both captures were made on one machine. Else the offset and the
// drift of their clocks are found from the traffic.
func Pair(inner, outer datasets.Trace, oneClock bool) Pairing {
	pr := newPairer(inner, outer)
	if !oneClock {
		return pr.withClocks()
	}

	// Two clocks that were said to be one match hardly anything.
	p := pr.match(Clock{}).finish(pr, true)
	if p.Share() < 0.5 {
		if other := newPairer(inner, outer).withClocks(); other.Share() > p.Share()+0.25 {
			other.Notes = append(other.Notes, fmt.Sprintf("the captures were said to have one clock, but are %v apart", other.Clock.Offset.Round(time.Millisecond)))
			return other
		}
	}
	return p
}

// pairer is one Pair at work. Packets inside are known by their places in inner,
// those outside by their places in outer, which has what leaves the home alone.
type pairer struct {
	inner, outer datasets.Trace
	lan          bool    // what stays in the home is compared too
	exposed      []int32 // packets of inner that are compared
	flows        []line  // by flow or far end, and direction
	tunnel       []line  // all others, by direction
	clock        Clock
}

// line is what keeps its order between both sides: packets of one direction that
// can only be each other's.
type line struct{ in, out []int32 }

// newPairer begins with clocks that agree, or captures that began at once where
// one does not tell its start.
func newPairer(inner, outer datasets.Trace) *pairer {
	var shift time.Duration
	if !inner.Start.IsZero() && !outer.Start.IsZero() {
		// A clock that is a day off was never set.
		if shift = outer.Start.Sub(inner.Start); shift.Abs() > inner.End+outer.End+reach {
			shift = 0
		}
	}
	pr := &pairer{inner: inner, outer: outer, lan: showsLAN(inner, outer)}
	pr.outer.Packets = nil
	for _, p := range outer.Packets {
		if compares(outer.Flows[p.Flow], pr.lan) {
			p.Time += shift
			pr.outer.Packets = append(pr.outer.Packets, p)
		}
	}
	pr.outer.Start, pr.outer.End = inner.Start, outer.End+shift
	for i, p := range inner.Packets {
		if compares(inner.Flows[p.Flow], pr.lan) {
			pr.exposed = append(pr.exposed, int32(i))
		}
	}
	pr.makeLines()
	return pr
}

// Leaves says whether a flow crosses the border of the home, as far as both sides
// of a gateway can agree: link frames do not.
func Leaves(f datasets.Flow) bool { return !f.LAN && (f.Proto != 0 || f.MAC == datasets.MAC{}) }

// Compares says whether packets of a flow inside were looked for outside.
func (p Pairing) Compares(f datasets.Flow) bool { return compares(f, p.LAN) }

func compares(f datasets.Flow, lan bool) bool { return Leaves(f) || lan && f.LAN && f.Proto != 0 }

// showsLAN says whether the outer capture holds nearly all flows that stay in the
// home, as where a device itself is captured on both sides of its defense. A gateway
// forwards a few of them at most.
func showsLAN(inner, outer datasets.Trace) bool {
	local := func(f datasets.Flow) datasets.Flow {
		return datasets.Flow{Proto: f.Proto, Local: f.Local, Remote: f.Remote}
	}
	there := map[datasets.Flow]bool{}
	for _, f := range outer.Flows {
		if f.LAN {
			there[local(f)] = true
		}
	}
	n, of := 0, 0
	for _, p := range inner.Packets {
		if f := inner.Flows[p.Flow]; f.LAN && f.Proto != 0 {
			of++
			if there[local(f)] {
				n++
			}
		}
	}
	return share(n, of) > 0.9
}

// channel is what both sides show of a conversation. Local is zero where only the
// far end is the same.
type channel struct {
	proto         uint8
	local, remote netip.AddrPort
}

// makeLines sorts packets by channel: a flow of both sides, else a far end of both,
// else the tunnel.
func (pr *pairer) makeLines() {
	type known struct{ in, out bool }
	channels := map[channel]known{}
	each := func(flows []datasets.Flow, note func(k *known)) {
		for _, f := range flows {
			if !compares(f, pr.lan) {
				continue
			}
			for _, c := range []channel{{f.Proto, f.Local, f.Remote}, {proto: f.Proto, remote: f.Remote}} {
				k := channels[c]
				note(&k)
				channels[c] = k
			}
		}
	}
	each(pr.inner.Flows, func(k *known) { k.in = true })
	each(pr.outer.Flows, func(k *known) { k.out = true })

	of := func(f datasets.Flow) channel {
		for _, c := range []channel{{f.Proto, f.Local, f.Remote}, {proto: f.Proto, remote: f.Remote}} {
			// Without addresses, as in cells of sizes alone, all is one tunnel.
			if k := channels[c]; k.in && k.out && c.remote.IsValid() {
				return c
			}
		}
		return channel{}
	}
	type lineKey struct {
		channel
		dir datasets.Dir
	}
	at := map[lineKey]int{}
	var lines []line
	var keys []lineKey
	place := func(f datasets.Flow, d datasets.Dir) *line {
		k := lineKey{of(f), d}
		i, ok := at[k]
		if !ok {
			i = len(lines)
			at[k] = i
			lines, keys = append(lines, line{}), append(keys, k)
		}
		return &lines[i]
	}
	for _, i := range pr.exposed {
		p := pr.inner.Packets[i]
		l := place(pr.inner.Flows[p.Flow], p.Dir)
		l.in = append(l.in, i)
	}
	for j, p := range pr.outer.Packets {
		l := place(pr.outer.Flows[p.Flow], p.Dir)
		l.out = append(l.out, int32(j))
	}
	for i, k := range keys {
		if k.channel == (channel{}) {
			pr.tunnel = append(pr.tunnel, lines[i])
		} else {
			pr.flows = append(pr.flows, lines[i])
		}
	}
}

// withClocks finds the clock, matches, and sets the clock once more by the pairs,
// which are surer than what it was found from.
func (pr *pairer) withClocks() Pairing {
	first := pr.findClock()
	p := pr.match(first)
	if again, ok := pr.fitClock(p.Of); ok {
		p = pr.match(first.then(again))
	}
	return p.finish(pr, false)
}

// match sets the clock and matches the lines of each kind by the way that explains
// most of them.
func (pr *pairer) match(c Clock) Pairing {
	pr.setClock(c)
	p := Pairing{Outer: pr.outer, Of: slices.Repeat([]int32{-1}, len(pr.outer.Packets)), Clock: c, LAN: pr.lan}
	for _, i := range pr.exposed {
		p.Inner[pr.inner.Packets[i].Dir]++
	}
	for _, q := range pr.outer.Packets {
		p.Outside[q.Dir]++
	}
	for _, lines := range [][]line{pr.flows, pr.tunnel} {
		best := pr.best(lines)
		for j, i := range best.of {
			if i >= 0 {
				p.Of[j] = i
			}
		}
		p.Ambiguous += best.ambiguous
	}
	return p
}

// setClock moves the packets outside to what c makes of their times.
func (pr *pairer) setClock(c Clock) {
	was := pr.clock
	pr.outer.Packets = slices.Clone(pr.outer.Packets)
	for j := range pr.outer.Packets {
		q := &pr.outer.Packets[j]
		q.Time = c.Inner(was.outer(q.Time))
	}
	pr.outer.End = c.Inner(was.outer(pr.outer.End))
	pr.clock = c
}

// finish counts the pairs and says what is not known.
func (p Pairing) finish(pr *pairer, oneClock bool) Pairing {
	delays := pr.delays(p.Of)
	for d := range delays {
		p.Matched[d] = len(delays[d])
	}
	p.Inward = inward(delays, oneClock)

	// From here on delays count from where a packet is seen first.
	if p.Inward {
		for k := range delays[datasets.Down] {
			delays[datasets.Down][k] *= -1
		}
	}
	if !oneClock {
		p = p.settle(pr, delays)
	}
	p.countOrder(pr)

	if s := p.Share(); s < enough && p.Inner[0]+p.Inner[1] > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%.1f %% of the packets inside were found outside: %s", 100*s, p.why(pr)))
	}
	switch {
	case !oneClock && !p.Clock.Found:
		p.Notes = append(p.Notes, "two clocks, and nothing tells how far they are apart: no delay is known")
	case !oneClock:
		p.Notes = append(p.Notes, "two clocks: only what a packet took longer than the fastest of its direction is known")
	}
	if p.Inward {
		p.Notes = append(p.Notes, "packets down are seen outside first: what was held back farther out is not known")
	}
	return p
}

// settle sets the clock so that the fastest packet up takes no time, which loses
// nothing: of two clocks that is as good as any offset.
func (p Pairing) settle(pr *pairer, delays [2][]time.Duration) Pairing {
	if len(delays[0])+len(delays[1]) == 0 {
		return p
	}
	up := fastest(delays[datasets.Up])
	down := fastest(delays[datasets.Down])
	c := pr.clock.then(Clock{Offset: up})
	pr.setClock(c)
	p.Outer, p.Clock = pr.outer, c
	if p.Inward {
		p.Least[datasets.Down] = down + up
	} else {
		p.Least[datasets.Down] = down - up
	}
	return p
}

// fastest is the least delay that does not stand alone: a wrong pair may have any.
func fastest(d []time.Duration) time.Duration {
	const beside = 3
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	near := 20*time.Microsecond + (d[len(d)*9/10]-d[len(d)/10])/20
	for k := range len(d) - beside {
		if d[k+beside]-d[k] < near {
			return d[k]
		}
	}
	return d[len(d)/2]
}

// inward says whether packets down come from outside as those up come from inside:
// with one clock most of them are seen outside first. With two, what the clocks are
// apart stands in the delays of both directions alike; where those up are clearly
// longer, the sum of both was taken for their difference.
func inward(delays [2][]time.Duration, oneClock bool) bool {
	up, down := slices.Sorted(slices.Values(delays[0])), slices.Sorted(slices.Values(delays[1]))
	if len(down) == 0 || len(up) == 0 && !oneClock {
		return false
	}
	if oneClock {
		return down[len(down)/2] < 0
	}
	middle := func(d []time.Duration) time.Duration { return d[len(d)-1-len(d)/4] - d[len(d)/4] }
	return up[len(up)/2]-down[len(down)/2] > max(20*time.Microsecond, (middle(up)+middle(down))/2)
}

// delays are, by direction, what each matched packet took until its last piece was
// out.
func (pr *pairer) delays(of []int32) [2][]time.Duration {
	last := map[int32]time.Duration{}
	for j, i := range of {
		if i >= 0 {
			last[i] = pr.outer.Packets[j].Time
		}
	}
	var out [2][]time.Duration
	for _, i := range pr.exposed {
		if t, ok := last[i]; ok {
			p := pr.inner.Packets[i]
			out[p.Dir] = append(out[p.Dir], t-p.Time)
		}
	}
	return out
}

// countOrder counts packets that overtook others of their flow, and those outside
// that carry nothing known.
func (p *Pairing) countOrder(pr *pairer) {
	newest := make([][2]int32, len(pr.inner.Flows))
	for _, i := range p.Of {
		if i < 0 {
			p.Own++
			continue
		}
		q := pr.inner.Packets[i]
		if n := &newest[q.Flow][q.Dir]; i < *n {
			p.Reordered++
		} else {
			*n = i
		}
	}
}

// why says what most likely keeps packets from being matched.
func (p Pairing) why(pr *pairer) string {
	all := p.Outside[0] + p.Outside[1]
	if all == 0 {
		return "nothing outside leaves the home"
	}

	// The commonest length of what carries nothing known.
	count := map[int32]int{}
	most := 0
	for j, i := range p.Of {
		if i < 0 {
			s := pr.outer.Packets[j].Size
			count[s]++
			most = max(most, count[s])
		}
	}
	switch own := share(p.Own, all); {
	case own < 1-enough:
		return "the others never left, or left before or after what the outer capture holds"
	case share(most, p.Own) > 0.9:
		return "those outside have one length, so nothing tells which carries what and which is made up"
	}
	return "the device cuts, merges or holds back packets in a way that neither length nor order tells which is which"
}

// guess is one way to match some lines: of is by packet outside.
type guess struct {
	of              []int32
	in, matched     int // packets inside, and those found
	out, used       int // packets outside, and those that carry some
	ambiguous       int
	simple, settled bool
}

// score is how much a guess explains of both sides: the harmonic mean.
func (g guess) score() float64 {
	return 2 * float64(g.matched+g.used) / float64(max(1, g.in+g.out+g.matched+g.used))
}

// best tries the ways a device may carry packets, the plain one first. Where that
// finds nearly all of either side the others are not asked: loss and cover are
// what devices do, and a way that explains more of them explains too much.
func (pr *pairer) best(lines []line) guess {
	var best guess
	if len(lines) == 0 {
		return best
	}
	for _, way := range []func([]line) guess{pr.same, pr.inOrder, pr.pieces, pr.wrapped} {
		g := way(lines)
		for _, l := range lines {
			g.in, g.out = g.in+len(l.in), g.out+len(l.out)
		}
		if g.of == nil {
			continue
		}
		if best.of == nil || g.score() > best.score()+0.02 {
			best = g
		}
		if g.settled || g.simple && max(share(g.matched, g.in), share(g.used, g.out)) >= enough {
			break
		}
	}

	// What explains less than a third of both sides is chance.
	if best.score() < 1./3 {
		return guess{}
	}
	return best
}
