// Package tunnel finds out which device's packet each packet of a tunnel
// carries, from a capture inside the tunnel and one outside of it. It makes
// truth for attacks on tunnels to be scored against.
package tunnel

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"veilbench/datasets"
)

// maxDelay is how much later than the packet it carries a tunnel packet is
// seen at most: "typically shorter than 0.02 seconds" (HomeMole, section 3.3).
const maxDelay = 20 * time.Millisecond

// SizeRule says whether a tunnel packet of size outer may carry a packet of
// size inner; both are Packet.Size.
type SizeRule func(inner, outer int32) bool

// AddedBytes is the rule of tunnels that add lo to hi bytes, such as 52 for
// OpenVPN over UDP with an AEAD cipher.
func AddedBytes(lo, hi int32) SizeRule {
	return func(inner, outer int32) bool { return outer-inner >= lo && outer-inner <= hi }
}

// Match says how much of a tunnel's traffic found its original.
type Match struct {
	// Inner and Outer are the numbers of packets on both sides, Matched the
	// number of pairs.
	Inner, Outer, Matched int
}

// Share is the matched share of the tunnel's packets, 0 if there are none.
func (m Match) Share() float64 {
	if m.Outer == 0 {
		return 0
	}
	return float64(m.Matched) / float64(m.Outer)
}

// Label gives the packets of a capture outside a tunnel the owners of the
// packets they carry, found in a capture inside it: the same direction, a size
// that fits, at most 20 ms later, and the oldest such packet that is still
// free, so that packets of one size keep their order (HomeMole, section 3.3). A
// packet without a match has owner -1. A nil rule is learned from the pair of
// captures. Where both traces have a Start it aligns their clocks, else both
// start at once. The labels returned hold Devices and Owners.
//
// One packet is taken to travel in one tunnel packet, as in OpenVPN over UDP;
// fragments of a packet that did not fit stay unmatched.
//
// The share that matched tells whether the captures belong together, but less
// clearly with a learned rule, which is learned from them: of a tunnel that
// carries other traffic of the same kind (125 packets a second), a known rule
// matches under 10 % of the packets, a learned one up to 25 %.
func Label(inner datasets.Trace, labels datasets.Labels, outer datasets.Trace, rule SizeRule) (datasets.Labels, Match) {
	if !inner.Start.IsZero() && !outer.Start.IsZero() {
		outer = shifted(outer, outer.Start.Sub(inner.Start))
	}
	if rule == nil {
		rule = learnSizeRule(inner, outer, window{0, maxDelay})
	}

	out := datasets.Labels{Devices: labels.Devices, Owners: slices.Repeat([]int32{-1}, len(outer.Packets))}
	m := Match{Inner: len(inner.Packets), Outer: len(outer.Packets)}
	used := make([]bool, len(inner.Packets))
	eachCandidate(inner, outer, window{0, maxDelay}, func(o, i int) bool {
		if used[i] || !rule(inner.Packets[i].Size, outer.Packets[o].Size) {
			return true
		}

		// The first candidate that fits is taken and never given back: a tunnel
		// sends in the order it gets, so a later packet has no better claim.
		used[i] = true
		m.Matched++
		if i < len(labels.Owners) {
			out.Owners[o] = labels.Owners[i]
		}
		return false
	})
	return out, m
}

// shifted returns t with all times moved by d. They may become negative: it is
// only for comparing.
func shifted(t datasets.Trace, d time.Duration) datasets.Trace {
	t.Packets = slices.Clone(t.Packets)
	for i := range t.Packets {
		t.Packets[i].Time += d
	}
	return t
}

// eachCandidate calls f for every packet of outer with each packet of inner
// that it could carry by direction and time, oldest first, until f returns
// false.
func eachCandidate(inner, outer datasets.Trace, w window, f func(o, i int) bool) {
	first := 0
	for o, p := range outer.Packets {
		for first < len(inner.Packets) && inner.Packets[first].Time < p.Time-w.hi {
			first++
		}
		for i := first; i < len(inner.Packets) && inner.Packets[i].Time <= p.Time-w.lo; i++ {
			if inner.Packets[i].Dir == p.Dir && !f(o, i) {
				break
			}
		}
	}
}

// learnSizeRule finds out what the tunnel does to sizes. Packets become
// larger, and a cipher in blocks makes different sizes the same, but one size
// always becomes one other. Each inner size takes the outer size that occurs
// most often within the delay after it; the additions that most packets agree
// on bound what other sizes may get.
func learnSizeRule(inner, outer datasets.Trace, w window) SizeRule {
	// Every pair that could be one votes. Wrong pairs spread their votes over
	// many sizes, right ones agree.
	type pair struct{ inner, outer int32 }
	votes := map[pair]int{}
	added := map[int32]int{}
	eachCandidate(inner, outer, w, func(o, i int) bool {
		in, out := inner.Packets[i].Size, outer.Packets[o].Size
		if out > in {
			votes[pair{in, out}]++
			added[out-in]++
		}
		return true
	})

	lo, hi := usualAddition(added)
	keys := make([]pair, 0, len(votes))
	for k := range votes {
		if d := k.outer - k.inner; d >= lo && d <= hi {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b pair) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a.inner, b.inner), cmp.Compare(a.outer, b.outer))
	})
	best := map[int32]pair{}
	for _, k := range keys {
		if _, ok := best[k.inner]; !ok {
			best[k.inner] = k
		}
	}

	// Fewer than five votes are no agreement: a size seen that rarely may be
	// anything within the usual additions.
	return func(in, out int32) bool {
		if k, ok := best[in]; ok && votes[k] >= 5 {
			return out == k.outer
		}
		return out-in >= lo && out-in <= hi
	}
}

// maxBlock is the block size of the ciphers that tunnels use.
const maxBlock = 16

// usualAddition is the range of 16 additions, the width of a cipher's block,
// that holds the most votes; the smallest of equal ones, its ends trimmed to
// additions that occur about as often as the rest.
func usualAddition(added map[int32]int) (lo, hi int32) {
	keys := slices.Sorted(maps.Keys(added))
	most := 0
	for i, d := range keys {
		n := 0
		for _, e := range keys[i:] {
			if e >= d+maxBlock {
				break
			}
			n += added[e]
		}
		if n > most {
			most, lo = n, d
		}
	}

	// A stream cipher adds one number of bytes: without trimming, chance pairs
	// beside it would widen the rule to a whole block. Less than a hundredth of
	// the votes counts as chance.
	hi = lo
	for d := lo; d < lo+maxBlock; d++ {
		if added[d]*100 >= most {
			hi = d
		}
	}
	for lo < hi && added[lo]*100 < most {
		lo++
	}
	return lo, hi
}
