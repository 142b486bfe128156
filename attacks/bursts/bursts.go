// Package bursts cuts traffic into what attacks look at: streams, by what an
// observer can tell apart without looking at sizes, and in them bursts, parted by
// silence. It pairs bursts with the events of training, joins the detections of
// several bursts, and chooses thresholds.
package bursts

import (
	"cmp"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Segment is a burst in a stream: packets Lo to Hi (exclusive) of the stream's
// list. A gap of more than the segmenter's between neighbors closes a burst
// (IoTEvent, burst extraction).
type Segment struct{ Lo, Hi int32 }

// Segments cuts a stream's packets, which are in order of time, into bursts.
// The result is appended to dst.
func Segments(dst []Segment, t datasets.Trace, packets []int32, gap time.Duration) []Segment {
	lo := 0
	for i := 1; i <= len(packets); i++ {
		if i == len(packets) || t.Packets[packets[i]].Time-t.Packets[packets[i-1]].Time > gap {
			dst = append(dst, Segment{int32(lo), int32(i)})
			lo = i
		}
	}
	return dst
}

// SignedSize is the length of a packet's frame, up positive and down negative.
func SignedSize(p datasets.Packet) int32 {
	if p.Dir == datasets.Down {
		return -p.Size
	}
	return p.Size
}

// AllPackets returns the indexes of all packets of t.
func AllPackets(t datasets.Trace) []int32 {
	out := make([]int32, len(t.Packets))
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// Pairer gives bursts the events that they belong to.
type Pairer struct {
	Within time.Duration
	// Nearest keeps, of all bursts of a stream that would get one event, only
	// the one whose first packet is nearest to it.
	Nearest bool
}

// Pair returns for each burst of one stream the index of its event, or -1. A
// burst can carry an event when its first packet lies in the event's window,
// widened by p.Within on both sides, and, where owners are known, the event's
// device owns a packet of the burst: what scoring would pair (package match). Of
// several events the one with the nearest start wins, then the first: a state
// that lasts for hours must not take the bursts of what happens meanwhile.
func (p Pairer) Pair(l attacks.Labeled, s Stream, segs []Segment) []int32 {
	out := make([]int32, len(segs))
	ev := l.Labels.Events
	from := 0
	type claim struct {
		seg  int
		dist time.Duration
	}
	claims := map[int32]claim{} // by event, its nearest burst so far
	for i, sg := range segs {
		out[i] = -1
		start := l.Trace.Packets[s.Packets[sg.Lo]].Time

		// Bursts and events are both in order of start, so an event that is over
		// for this burst is over for all later ones. Behind one that lasts, events
		// that are over are passed again each time.
		for from < len(ev) && max(ev[from].Start, ev[from].End) < start-p.Within {
			from++
		}
		best, bd := int32(-1), time.Duration(0)
		for e := from; e < len(ev) && ev[e].Start <= start+p.Within; e++ {
			d := (start - ev[e].Start).Abs()
			if max(ev[e].Start, ev[e].End) >= start-p.Within && (best < 0 || d < bd) && Owns(l.Labels, ev[e].Device, s.Packets[sg.Lo:sg.Hi]) {
				best, bd = int32(e), d
			}
		}
		if best < 0 {
			continue
		}

		// An earlier burst keeps the event when it is as near; one that loses it
		// gets no other and stands for traffic without an event.
		if c, ok := claims[best]; p.Nearest && ok {
			if c.dist <= bd {
				continue
			}
			out[c.seg] = -1
		}
		claims[best] = claim{i, bd}
		out[i] = best
	}
	return out
}

// Owns says whether device owns one of the packets; true when owners are
// unknown.
func Owns(l datasets.Labels, device int, packets []int32) bool {
	if l.Owners == nil {
		return true
	}
	for _, i := range packets {
		if int(l.Owners[i]) == device {
			return true
		}
	}
	return false
}

// MergeBursts sorts bursts by time and joins those that name the same event
// class and begin within the given time of the first of them: one event often
// leaves several bursts, in one stream or in several. Bursts that are
// Other or Unknown stay as they are. The slice is modified and returned.
func MergeBursts(bs []attacks.Burst, within time.Duration) []attacks.Burst {
	byTime := func(a, b attacks.Burst) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	}
	if !slices.IsSortedFunc(bs, byTime) { // in one stream they mostly are
		slices.SortStableFunc(bs, byTime)
	}

	open := map[string]int{} // index in out of the newest detection of a class
	out := bs[:0]
	for _, b := range bs {
		class := b.Ranked[0].Class
		if class == datasets.Other || class == datasets.Unknown {
			out = append(out, b)
			continue
		}

		// Time is measured from the first burst, not from the last: else an event
		// repeated often enough would be one without end.
		if o, ok := open[class]; ok && b.Start-out[o].Start <= within {
			m := &out[o]
			m.End = max(m.End, b.End)
			m.Alert = m.Alert || b.Alert
			if b.Score > m.Score {
				m.Score, m.Ranked = b.Score, b.Ranked
			}
			continue
		}
		open[class] = len(out)
		out = append(out, b)
	}
	return out
}

// Strongest leaves each stream one detection at a time: of those that begin
// within the given time of the first of them, all but the one of the highest
// score become Other. bs are in order of time within each stream; streams
// tells the stream of each, by key or by number. The slice is modified and returned.
func Strongest[K comparable](bs []attacks.Burst, streams []K, within time.Duration) []attacks.Burst {
	type cluster struct {
		best  int
		start time.Duration
	}
	open := map[K]cluster{}
	for i, b := range bs {
		if c := b.Ranked[0].Class; c == datasets.Other || c == datasets.Unknown {
			continue
		}
		c, ok := open[streams[i]]
		if !ok || b.Start-c.start > within {
			open[streams[i]] = cluster{i, b.Start}
			continue
		}

		// The cluster keeps its start whoever wins: a late strong burst must not
		// draw in what lies beyond its reach.
		weaker := i
		if b.Score > bs[c.best].Score {
			weaker, c.best = c.best, i
			open[streams[i]] = c
		}
		bs[weaker].Ranked, bs[weaker].Score, bs[weaker].Alert = []attacks.Ranked{{Class: datasets.Other, P: 1}}, 0, false
	}
	return bs
}
