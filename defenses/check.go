package defenses

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
)

// MaxBacklog is how long after the input's End the last original may leave.
const MaxBacklog = 60 * time.Second

// ErrSaturated is wrapped by the error of Check when the defense is too slow
// for the traffic.
var ErrSaturated = errors.New("saturated")

// Check proves that out could have left the home instead of in: no byte lost
// or invented, nothing sent before it existed, order kept within a flow and
// direction, no packet above the frame limit, no packet turned round or moved
// to another input flow, no headers that a wire cannot carry (headers.go), no
// time observed after the last packet but maxEndSlack. The error names the rule
// and the packet.
func Check(in datasets.Trace, out Defended) error {
	if out.Carried != nil && out.Carried.Observed != nil {
		return errors.New("the account is marked as observed, which captures of a real device alone may be")
	}
	if err := checkShape(in, out); err != nil {
		return err
	}
	if out.Carried == nil {
		if err := checkIdentity(in, out.Trace); err != nil {
			return err
		}
		return checkWire(in, out)
	}

	// All of in has to be accounted for, so the state is by original.
	c := checker{
		in: in, out: out,
		left: make([]int32, len(in.Packets)),
		seen: make([]bool, len(in.Packets)),
		last: make([]int32, 2*len(in.Flows)),
	}
	if err := c.run(); err != nil {
		return err
	}
	return checkWire(in, out)
}

// CheckObserved proves of what was read off captures that it is in shape: order of
// time, start and end, entries that name originals of the same direction. What a
// real device loses, sends early or makes up is for the ledger to say.
func CheckObserved(in datasets.Trace, out Defended) error {
	if err := checkShape(in, out); err != nil {
		return err
	}
	if out.Carried == nil {
		return checkIdentity(in, out.Trace)
	}
	for i, p := range out.Trace.Packets {
		orig, _ := out.Carried.Entries(i)
		for _, o := range orig {
			if o < 0 || int(o) >= len(in.Packets) || in.Packets[o].Dir != p.Dir {
				return fmt.Errorf("packet %d carries original %d of %d, or turns it round", i, o, len(in.Packets))
			}
		}
	}
	return nil
}

// checkShape proves what does not need the account's entries: start, end, flows,
// order of time, backlog, and that the account is well formed, so that the walk
// over its entries cannot run out of it.
func checkShape(in datasets.Trace, out Defended) error {
	t := out.Trace
	if !t.Start.Equal(in.Start) {
		return fmt.Errorf("start moved from %v to %v", in.Start, t.Start)
	}
	if t.End < in.End {
		return fmt.Errorf("end moved from %v back to %v", in.End, t.End)
	}
	if err := t.Check(); err != nil {
		return err
	}

	// Input flows keep their index: an observer's view and the truth both refer
	// to flows by it.
	if len(t.Flows) < len(in.Flows) {
		return fmt.Errorf("%d flows, fewer than the input's %d", len(t.Flows), len(in.Flows))
	}
	for i, f := range in.Flows {
		g := t.Flows[i]
		if g.Host == "" {
			f.Host = "" // a name may be hidden
		}
		if g.Query == "" {
			f.Query = ""
		}
		if f != g {
			return fmt.Errorf("flow %d changed from %v to %v", i, in.Flows[i], g)
		}
	}

	if c := out.Carried; c != nil {
		if len(c.First) != len(t.Packets)+1 || len(c.Orig) != len(c.Bytes) || c.First[0] != 0 ||
			int(c.First[len(c.First)-1]) != len(c.Orig) || !slices.IsSorted(c.First) {
			return fmt.Errorf("account of %d packets and %d entries does not fit %d packets",
				len(c.First)-1, len(c.Orig), len(t.Packets))
		}
	}
	if n := len(t.Packets); n > 0 && t.Packets[n-1].Time > in.End+MaxBacklog {
		return fmt.Errorf("%w: packet %d leaves %v after the end", ErrSaturated, n-1, t.Packets[n-1].Time-in.End)
	}
	last := in.End
	if n := len(t.Packets); n > 0 {
		last = max(last, t.Packets[n-1].Time)
	}
	if t.End > last+maxEndSlack {
		return fmt.Errorf("end moved from %v to %v, more than %v after the last packet", in.End, t.End, maxEndSlack)
	}
	return nil
}

// checkIdentity is Check without an account, where packet i carries packet i
// whole. A packet may have grown, come later, or moved to a new flow.
func checkIdentity(in, out datasets.Trace) error {
	if len(in.Packets) != len(out.Packets) {
		return fmt.Errorf("no account, but %d packets became %d", len(in.Packets), len(out.Packets))
	}
	for i, p := range out.Packets {
		o := in.Packets[i]
		switch {
		case p.Time < o.Time:
			return fmt.Errorf("packet %d leaves at %v, before it exists at %v", i, p.Time, o.Time)
		case p.Dir != o.Dir:
			return fmt.Errorf("packet %d was turned round", i)
		case p.Flow != o.Flow && int(p.Flow) < len(in.Flows):
			return fmt.Errorf("packet %d moved from flow %d to flow %d", i, o.Flow, p.Flow)
		case p.Payload < o.Payload:
			return fmt.Errorf("packet %d lost %d of %d bytes", i, o.Payload-p.Payload, o.Payload)
		case p.Size > o.Size && p.Size > Limit(out.Flows[p.Flow]):
			return fmt.Errorf("packet %d has %d bytes, above the frame limit %d", i, p.Size, Limit(out.Flows[p.Flow]))
		}
	}
	return nil
}

// checker walks the account once, in order of what leaves.
type checker struct {
	in   datasets.Trace
	out  Defended
	left []int32 // bytes of each original that have not left
	seen []bool  // the original has an entry, if only one of 0 bytes
	last []int32 // the newest original that has begun to leave, by 2*flow + direction
}

// run checks every packet, then that nothing is left.
func (c *checker) run() error {
	for i, p := range c.in.Packets {
		c.left[i] = p.Payload
	}
	for i := range c.out.Trace.Packets {
		if err := c.packet(i); err != nil {
			return err
		}
	}
	for i, n := range c.left {
		if !c.seen[i] || n != 0 {
			return fmt.Errorf("original %d lost %d of %d bytes", i, n, c.in.Packets[i].Payload)
		}
	}
	return nil
}

// packet checks packet i: its entries one by one, then what they need together.
func (c *checker) packet(i int) error {
	p := c.out.Trace.Packets[i]
	origs, bytes := c.out.Carried.Entries(i)
	var sum, largest int32
	for j, o := range origs {
		if o < 0 || int(o) >= len(c.in.Packets) || bytes[j] < 0 {
			return fmt.Errorf("packet %d carries %d bytes of original %d of %d", i, bytes[j], o, len(c.in.Packets))
		}
		if err := c.entry(i, p, o, bytes[j]); err != nil {
			return err
		}
		sum += bytes[j]
		largest = max(largest, c.in.Packets[o].Size)
	}

	// Recorded traces have frames above the limit where a network card joined
	// segments: such an original may leave as large as it came.
	if sum > p.Payload {
		return fmt.Errorf("packet %d carries %d bytes in a payload of %d", i, sum, p.Payload)
	}
	if limit := Limit(c.out.Trace.Flows[p.Flow]); p.Size > limit && p.Size > largest {
		return fmt.Errorf("packet %d has %d bytes, above the frame limit %d", i, p.Size, limit)
	}
	return nil
}

// entry checks that packet i, p, may carry that many bytes of original o now, and
// notes that they have left.
func (c *checker) entry(i int, p datasets.Packet, o, bytes int32) error {
	q := c.in.Packets[o]
	line := 2*q.Flow + int32(q.Dir)
	switch {
	case p.Time < q.Time:
		return fmt.Errorf("packet %d leaves at %v, before its original %d exists at %v", i, p.Time, o, q.Time)
	case p.Dir != q.Dir:
		return fmt.Errorf("packet %d turns original %d round", i, o)
	case int(p.Flow) < len(c.in.Flows) && p.Flow != q.Flow:
		return fmt.Errorf("packet %d on flow %d carries original %d of flow %d", i, p.Flow, o, q.Flow)
	case o < c.last[line]:
		return fmt.Errorf("packet %d carries original %d after %d of the same flow and direction", i, o, c.last[line])
	case bytes > c.left[o]:
		return fmt.Errorf("packet %d carries %d bytes of original %d, which has %d left", i, bytes, o, c.left[o])
	}

	// The one before must be out whole before the next begins. At the start last
	// is 0 for every line, so packet 0 may be of another flow: then it is no
	// predecessor.
	if prev := c.last[line]; prev != o && c.seen[prev] && c.in.Packets[prev].Flow == q.Flow &&
		c.in.Packets[prev].Dir == q.Dir && c.left[prev] != 0 {
		return fmt.Errorf("packet %d carries original %d before the rest of %d", i, o, prev)
	}

	c.last[line], c.seen[o] = o, true
	c.left[o] -= bytes
	return nil
}
