package defenses

import (
	"slices"
	"time"

	"veilbench/datasets"
)

// own marks a draft that carries no original.
const own = -1

// draft is a packet to be sent that carries at most one piece of one
// original.
type draft struct {
	datasets.Packet
	orig, bytes int32
}

// whole is the draft of original i as packet p.
func whole(i int, p datasets.Packet, payload int32) draft {
	return draft{p, int32(i), payload}
}

// assemble puts drafts in order of time and builds the defended trace. Drafts
// of equal time keep their order. flows are the input's with new ones
// appended.
func assemble(in datasets.Trace, flows []datasets.Flow, drafts []draft) Defended {
	byTime := func(a, b draft) int { return compareTimes(a.Time, b.Time) }
	if !slices.IsSortedFunc(drafts, byTime) {
		slices.SortStableFunc(drafts, byTime)
	}
	out := Defended{Trace: in}
	out.Trace.Flows = flows
	out.Trace.Packets = make([]datasets.Packet, len(drafts))
	b := NewBuilder(len(drafts))
	for i, d := range drafts {
		out.Trace.Packets[i] = d.Packet
		if d.orig != own {
			b.Carry(d.orig, d.bytes)
		}
		b.Next()
	}
	out.Carried = b.Carried()
	if n := len(drafts); n > 0 {
		out.Trace.End = max(in.End, drafts[n-1].Time)
	}
	return out
}

func compareTimes(a, b time.Duration) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// insert adds packets of the defense's own, in order of time, to a trace whose
// packets stay as they are. At equal times the original goes first.
func insert(in datasets.Trace, flows []datasets.Flow, cover []datasets.Packet) Defended {
	out := Defended{Trace: in}
	out.Trace.Flows = flows
	if len(cover) == 0 {
		return out
	}
	out.Trace.Packets = make([]datasets.Packet, 0, len(in.Packets)+len(cover))
	b := NewBuilder(cap(out.Trace.Packets))
	for i, p := range in.Packets {
		for len(cover) > 0 && cover[0].Time < p.Time {
			out.Trace.Packets = append(out.Trace.Packets, cover[0])
			b.Next()
			cover = cover[1:]
		}
		out.Trace.Packets = append(out.Trace.Packets, p)
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	for _, c := range cover {
		out.Trace.Packets = append(out.Trace.Packets, c)
		b.Next()
	}
	out.Carried = b.Carried()
	return out
}

// withFlows returns the flows of in with more appended, sharing nothing that
// could be written to.
func withFlows(in datasets.Trace, more ...datasets.Flow) []datasets.Flow {
	return append(in.Flows[:len(in.Flows):len(in.Flows)], more...)
}
