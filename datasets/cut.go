package datasets

import (
	"cmp"
	"slices"
	"time"
)

// Cut cuts a recording at the given times, which ascend, into len(at)+1
// pieces: a packet at a cut belongs to the piece after it. Pieces have ID and
// Group of r, for the caller to rename; their Trace.Start moves along and
// their flows are those of their own packets. An event belongs to each piece
// that it reaches into, so a state that spans a cut is clipped at it, as is a
// stay. r is not modified.
func (r Recording) Cut(at []time.Duration) []Recording {
	var out []Recording
	lo, from := 0, time.Duration(0)
	for i := range len(at) + 1 {
		hi, to := len(r.Trace.Packets), r.Trace.End
		if i < len(at) {
			to = min(at[i], r.Trace.End)
			// Of packets at the very moment of the cut this finds the first.
			hi, _ = slices.BinarySearchFunc(r.Trace.Packets, to, func(p Packet, t time.Duration) int {
				return cmp.Compare(p.Time, t)
			})
		}
		out = append(out, r.piece(lo, hi, from, to, i == len(at)))
		lo, from = hi, to
	}
	return out
}

// piece is packets lo to hi and the time from..to, whose end belongs to the
// piece if last is set.
func (r Recording) piece(lo, hi int, from, to time.Duration, last bool) Recording {
	p := Recording{ID: r.ID, Group: r.Group}

	// An unknown start stays unknown; any other moves along.
	t := Trace{Flows: r.Trace.Flows, End: to - from, Packets: slices.Clone(r.Trace.Packets[lo:hi])}
	if !r.Trace.Start.IsZero() {
		t.Start = r.Trace.Start.Add(from)
	}
	for i := range t.Packets {
		t.Packets[i].Time -= from
	}

	// The view from the LAN leaves out flows without packets.
	p.Trace, _ = viewLAN(t)
	p.Labels = r.Labels.piece(lo, hi, from, to, last)
	return p
}

// piece is the truth about packets lo to hi and the time from..to.
func (l Labels) piece(lo, hi int, from, to time.Duration, last bool) Labels {
	out := Labels{Devices: l.Devices}
	if l.Owners != nil {
		out.Owners = slices.Clone(l.Owners[lo:hi])
	}

	// A point at a cut belongs to the piece after it, as a packet does; a state
	// belongs to every piece that it reaches into.
	within := func(start, end time.Duration) bool {
		return (start < to || last && start == to) && (end > from || start >= from)
	}
	index := make([]int32, len(l.Events)) // in the piece, -1 if it is not there
	for i, e := range l.Events {
		if index[i] = -1; within(e.Start, e.End) {
			index[i] = int32(len(out.Events))
			e.Start, e.End = max(e.Start, from)-from, min(e.End, to)-from
			out.Events = append(out.Events, e)
		}
	}

	// A packet may be caused by an event that is over: then nobody caused it,
	// as far as this piece tells.
	if l.Cause != nil {
		out.Cause = make([]int32, 0, hi-lo)
		for _, c := range l.Cause[lo:hi] {
			if c >= 0 {
				c = index[c]
			}
			out.Cause = append(out.Cause, c)
		}
	}

	for _, c := range l.Commands {
		if within(c.Time, c.Time) {
			c.Time -= from
			out.Commands = append(out.Commands, c)
		}
	}
	out.Stays = CutStays(l.Stays, from, to)
	return out
}

// CutStays returns the parts of stays between two times of a trace, as times
// since the first; nil if there are none. stays is not modified.
func CutStays(stays []Stay, from, to time.Duration) []Stay {
	var out []Stay
	for _, s := range stays {
		if s.Start, s.End = max(s.Start, from)-from, min(s.End, to)-from; s.Start < s.End {
			out = append(out, s)
		}
	}
	return out
}
