package tunnel

import (
	"cmp"
	"slices"
)

// framing is what a tunnel makes of lengths: a packet of n bytes becomes one of n +
// pad rounded up to a block, and added bytes more. What would be longer than
// largest is cut, and what rounding would bring over it is not rounded.
type framing struct {
	block, pad, added int32
	largest           int32
}

// framings are the likeliest of the tunnel that lines went through, by how many
// pairs that could be each other's by their times fit: wrong pairs spread over many
// framings, right ones agree. A few of each block, for busy lines have wrong pairs
// that come again and again.
func (pr *pairer) framings(lines []line, ws []window) []framing {
	const each = 16 // of a cipher's block all pads but for chance are near each other
	type pair struct{ in, out int32 }
	votes := map[pair]int{}
	largest := int32(0)
	for k, l := range lines {
		// Both directions vote together: one tunnel has one framing.
		in, out := traceOf(pr.inner, l.in), traceOf(pr.outer, l.out)
		for _, q := range out.Packets {
			largest = max(largest, q.Size)
		}
		eachCandidate(in, out, ws[k], func(o, i int) bool {
			if a, b := in.Packets[i].Size, out.Packets[o].Size; b >= a {
				votes[pair{a, b}]++
			}
			return true
		})
	}

	type voted struct {
		framing
		n int
	}
	var out []framing
	for _, block := range []int32{1, 2, 4, 8, 16, 32, 64, 128} {
		var all []voted
		for pad := range block {
			sum := map[int32]int{}
			for p, v := range votes {
				sum[p.out-framing{block: block, pad: pad}.of(p.in)] += v
			}
			for added, n := range sum {
				all = append(all, voted{framing{block, pad, added, largest}, n})
			}
		}
		slices.SortFunc(all, func(a, b voted) int {
			return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.pad, b.pad), cmp.Compare(a.added, b.added))
		})
		for _, v := range all[:min(each, len(all))] {
			out = append(out, v.framing)
		}
	}
	return out
}

// of is the length of a packet of n bytes outside.
func (f framing) of(n int32) int32 { return (n+f.pad+f.block-1)/f.block*f.block + f.added }

// carries says whether a packet of size outer may carry one of size inner, or the
// first part of one that it had to cut.
func (f framing) carries(inner, outer int32) bool {
	whole := f.of(inner)
	return outer == whole || whole > f.largest && f.full(outer)
}

// full says whether a packet of that size outside is as large as they get, but for
// rounding.
func (f framing) full(outer int32) bool { return outer <= f.largest && outer > f.largest-f.block-8 }

// inside is how many bytes at most a packet of that size carries.
func (f framing) inside(outer int32) int32 { return max(1, outer-f.added-f.pad) }
