package capture

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// A capture is not what went over the line: fragments come without their ports,
// mirror ports and bridges hand out packets twice, network cards hand down
// segments by the dozen, and clocks are set in between. This file takes that
// back, as far as it can be known.

// fragKey is what all fragments of an IP packet have in common.
type fragKey struct {
	srcHi, srcLo, dstHi, dstLo uint64
	id                         uint32
	proto                      uint8
}

// fragments is what is known of an IP packet whose fragments are coming.
type fragments struct {
	at               int64 // time of the latest one
	known            bool  // the first one was seen,
	srcPort, dstPort uint16
	wrapper          bool  // and what it holds was opened
	waiting          []int // packets of it that came before the first
}

const (
	// fragmentTime is how long a host waits for the rest of a packet (RFC 8200,
	// section 4.5); identifications are used again after that.
	fragmentTime = int64(60 * time.Second)
	maxFragments = 1 << 12
	maxWaiting   = 64
)

func (f *frame) fragKey() fragKey {
	return fragKey{f.srcHi, f.srcLo, f.dstHi, f.dstLo, f.ipID, f.proto}
}

// meetFragment gives a later fragment the ports of the first one. It returns
// what is known of their packet, nil if f is no fragment.
func (b *builder) meetFragment(f *frame, at int64) *fragments {
	if f.outer == nil && (f.fragment == 0 || f.kind != 4 && f.kind != 6) {
		return nil
	}
	key := f.fragKey()
	if f.outer != nil {
		key = *f.outer
	}

	// Bounded, as a file may have nothing but first fragments: the rest of what
	// is thrown away here keeps no ports.
	g := b.frags[key]
	if g == nil || at-g.at > fragmentTime || g.at-at > fragmentTime {
		if len(b.frags) >= maxFragments {
			clear(b.frags)
		}
		g = &fragments{}
		b.frags[key] = g
	}
	g.at = at

	switch {
	case f.outer != nil:
		g.known, g.wrapper = true, true
		return nil
	case f.fragment == 1:
		g.known, g.srcPort, g.dstPort = true, f.srcPort, f.dstPort
	case g.wrapper:
		f.skip = "later fragment of a packet that was opened"
	case g.known:
		f.srcPort, f.dstPort = g.srcPort, g.dstPort
	case len(g.waiting) < maxWaiting:
		g.waiting = append(g.waiting, b.n)
	}
	return g
}

// giveFragments moves the fragments that came before their first one to its
// conversation.
func (b *builder) giveFragments(g *fragments, ci int32, back bool) {
	for _, i := range g.waiting {
		b.moveTo(i, ci, back)
	}
	g.waiting = nil
}

// moveTo makes packet i one of conversation ci. A conversation may lose all of
// its packets so.
func (b *builder) moveTo(i int, ci int32, back bool) {
	p := &b.ps[i]
	p.Flow, p.Dir = ci, datasets.Up
	if back {
		p.Dir = datasets.Down
	}
	b.moved = true
}

// glance is a packet that was seen a moment ago.
type glance struct {
	sum   uint64
	at    int64
	index int
	link  uint64 // of its hardware addresses
}

const (
	// recentSize is the number of slots for packets seen a moment ago, by the
	// hash of their content: a power of two.
	recentSize = 1 << 12
	// copyTime is within which time a packet of the same IP identification and
	// content is a copy: what relays in software take. Without an identification
	// the content alone must do, and the time is bareCopyTime.
	copyTime     = int64(20 * time.Millisecond)
	bareCopyTime = int64(time.Millisecond)
)

// sumUp hashes the payload of f, from which findCopy knows it again.
func (f *frame) sumUp() {
	if (f.kind == 4 || f.kind == 6) && !f.made {
		f.sum = xxh3.Hash(f.app)
	}
}

// salt is what sums begin from: the first digits of pi. It is the same in every run,
// since packets that meet in one slot put each other out, and what is a copy must not
// depend on the run. Who writes packets of one sum into a file can as well write copies.
var salt = [3]uint64{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0}

// fold mixes two words into one: the halves of their product.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// findCopy says of which packet f is a copy: by a mirror port that hands out
// both ways in and out, a machine in between, or a router that captures on all
// of its sides. Addresses may be translated on the way and hop counts fall, so
// only what stays counts.
func (b *builder) findCopy(f *frame, at int64) (index int, ok bool) {
	// What this program wrote repeats itself within a moment, as no host does.
	if f.kind != 4 && f.kind != 6 || f.made {
		return 0, false
	}
	named := f.ipID != 0 && f.kind == 4
	sum := fold(salt[0]^(uint64(f.payload)<<32|uint64(f.proto)<<16|uint64(f.kind)<<8|uint64(f.flags)),
		salt[1]^(uint64(f.ipID<<16|uint32(f.offset))<<32|uint64(f.seq)))
	sum = fold(sum^uint64(f.ack), salt[2])
	if !named {
		ends := fold(f.srcLo^uint64(f.srcPort)<<40^salt[0], f.dstLo^uint64(f.dstPort)<<40^salt[1])
		if f.kind == 6 {
			ends = fold(ends^f.srcHi, f.dstHi^salt[2])
		}
		sum += ends
	}
	sum ^= f.sum

	link := f.srcMAC*31 + f.dstMAC*7 + f.sender
	if f.own {
		link++
	}
	g := &b.recent[sum%recentSize]
	within := bareCopyTime
	if named {
		within = copyTime
	}
	if g.sum == sum && at-g.at <= within && g.at-at <= within && b.n > 0 {
		// A host may repeat an empty acknowledgment at once: without an
		// identification that is a copy only where another machine sent it on.
		if named || f.payload > 0 || link != g.link {
			return g.index, true
		}
	}
	*g = glance{sum, at, b.n, link}
	return 0, false
}

// keepNearer lets packet i have the addresses of its copy f where that is
// nearer to the device: the earlier one of what leaves the home, the later one
// of what arrives.
func (b *builder) keepNearer(i int, f *frame) {
	src, dst := f.addrs()
	if from, to := b.pair(src.Addr(), dst.Addr()); from == outside && to == inside {
		ci, back := b.lookup(&f.key)
		b.tellLink(f, ci, back)
		b.moveTo(i, ci, back)
	}
}

// mtu is the largest IP packet of a home's links and of the lines behind them.
const mtu = 1500

// segment is how many payload bytes each packet of c carries into which the
// frame f was cut behind the capture, 0 if it was not cut: a network card takes
// many segments in one piece. A connection whose both ends said that they take
// longer ones is believed.
func (b *builder) segment(f *frame, c *conv) int32 {
	if b.o.WholeFrames || f.proto != header.TCP || f.fragment != 0 || f.size <= mtu+datasets.EthernetHeader || f.loopback || f.made {
		return 0
	}
	head := f.size - f.payload // of IP and TCP, and 14
	each := mtu + datasets.EthernetHeader - head
	ip := int32(20)
	if f.kind == 6 {
		ip = 40
	}
	if c.mss > 0 && int32(c.mss) > mtu-ip-20 {
		each = int32(c.mss) - (head - datasets.EthernetHeader - ip - 20)
	}
	if each < 256 || each >= f.payload {
		return 0
	}
	return each
}

// step is a place where the capturing clock was set.
type step struct {
	packet int // the first one after it, from 0
	by     time.Duration
}

const (
	// leastStep is by how much a clock is set back at least; packets of several
	// interfaces are out of order by less.
	leastStep = time.Second
	// lookAhead is how many packets decide whether a clock was set or a packet is
	// odd.
	lookAhead = 16
	// longGap is a silence that is more likely a clock that was set forward, leastGap
	// what a packet from the future is ahead of the one before it at least.
	longGap  = 24 * time.Hour
	leastGap = time.Minute
)

// straighten puts the times of ps, as recorded but for their zero point, into
// order. A packet earlier than its predecessor gets that one's time, a few from
// the future get the time before them, and where the clock was set back the
// packets go on from there: the clock behind a step is taken for the right one,
// so that it is the zero point which moves.
func (b *builder) straighten(ps []datasets.Packet) {
	var last, shift time.Duration
	for i := 0; i < len(ps); i++ {
		t := ps[i].Time + shift
		switch d := t - last; {
		case i > 0 && d < 0 && d <= -leastStep && b.wasSet(ps[i:], last-shift):
			gap := stepGap(-d, ps[max(0, i-64):i])
			b.steps = append(b.steps, step{i, d})
			shift += gap - d
			t = last + gap
			b.rep.Jumps = append(b.rep.Jumps, Jump{last, t})
		case i > 0 && d < 0:
			b.rep.OutOfOrder++
			t = last
		case i > 0 && d >= leastGap:
			if n := futurePackets(ps[i:], last-shift); n > 0 {
				for k := range n {
					ps[i+k].Time = last
				}
				b.future += n
				i += n - 1
				continue
			}
			if d >= longGap {
				b.gaps = append(b.gaps, step{i, d})
				if b.o.CloseGaps {
					gap := min(d, usualGap(ps[max(0, i-64):i]))
					shift += gap - d
					t = last + gap
				}
				b.rep.Jumps = append(b.rep.Jumps, Jump{last, t})
			}
		}
		if last = t; ps[i].Time != t {
			ps[i].Time = t // written only where it differs: mostly it is right
		}
	}

	// Times behind the last step are those that its clock showed.
	b.base -= int64(shift)
}

// wasSet says whether the packets from ps[0] on stay behind last, as they do
// when a clock was set back; a packet that was only late is followed by others
// near last.
func (b *builder) wasSet(ps []datasets.Packet, last time.Duration) bool {
	if len(ps) < 3 {
		return false
	}
	back := last - ps[0].Time
	for i := 1; i < min(len(ps), lookAhead); i++ {
		if ps[i].Time >= last-back/2 && ps[i].Time-ps[i-1].Time >= back/2 {
			return false
		}
	}
	return true
}

// futurePackets counts the packets at the beginning of ps that are ahead of all
// that follow; last is the time before them.
func futurePackets(ps []datasets.Packet, last time.Duration) int {
	ahead := ps[0].Time - last
	for i := 1; i < min(len(ps), lookAhead/2); i++ {
		if ps[i].Time < last+ahead/2 {
			// Two of three at least must be back, or it is a clock set twice.
			back := 0
			for _, p := range ps[i:min(len(ps), i+3)] {
				if p.Time < last+ahead/2 {
					back++
				}
			}
			if back >= min(2, len(ps)-i) && ps[i].Time >= last-leastStep {
				return i
			}
			return 0
		}
	}
	return 0
}

// stepGap is how long the silence around a step back was: what is missing to
// whole hours, for clocks are set by those, else the usual gap before it.
func stepGap(by time.Duration, before []datasets.Packet) time.Duration {
	if hours := by.Round(time.Hour); hours > 0 && hours >= by && hours-by <= 2*time.Minute {
		return hours - by
	}
	return usualGap(before)
}

// usualGap is the median of the gaps between packets.
func usualGap(ps []datasets.Packet) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(ps); i++ {
		gaps = append(gaps, ps[i].Time-ps[i-1].Time)
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// clockDoubts says where the capturing clock was set: the first three places of a
// kind, for a clock that drifts may be set every hour of a week.
func (b *builder) clockDoubts() {
	if b.future > 0 {
		b.doubt(datasets.DoubtClock, b.future, "", "%s packets are dated far ahead of those around them: each got the time of the packet before it", commas(int64(b.future)))
	}
	// Where the recording is cut the clock of each part is one.
	if n := len(b.rep.Jumps); n > 0 && b.o.SplitAtJumps {
		b.warn("the clock jumps %s times: the recording is cut there, as asked", commas(int64(n)))
		return
	}

	const split = "cut the recording there (--split-at-jumps)"
	for i, s := range b.steps {
		if i == 3 {
			b.doubt(datasets.DoubtClock, len(b.steps)-i, split, "and %s more steps of the clock", commas(int64(len(b.steps)-i)))
			break
		}
		b.doubt(datasets.DoubtClock, 1, split+"; if two captures were put together in the wrong order, sort the times instead (--sort-times)",
			"the clock was set back by %s before packet %s: the packets before it were moved to the clock behind it", longDuration(-s.by), commas(int64(s.packet+1)))
	}
	for i, s := range b.gaps {
		const what = "gap of %s after packet %s: %s"
		more := len(b.gaps) - i
		switch {
		case i < 3 && b.o.CloseGaps:
			b.warn(what, longDuration(s.by), commas(int64(s.packet)), "closed, as asked")
			continue
		case i == 3 && b.o.CloseGaps:
			b.warn("and %s more gaps", commas(int64(more)))
			return
		case i == 3:
			b.doubt(datasets.DoubtClock, more, split, "and %s more gaps", commas(int64(more)))
			return
		}
		b.doubt(datasets.DoubtClock, 1, "if the clock was set there, close the gap (--close-gaps) or "+split, what, longDuration(s.by), commas(int64(s.packet)), "it counts as silence")
	}
}

// longDuration writes a duration in days, or as it is where there are few.
func longDuration(d time.Duration) string {
	if d >= 2*24*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.Round(time.Millisecond).String()
}
