package cost

import (
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// loopRounds is how often a closed loop is tried to settle.
const loopRounds = 10

// loopSlack is how far times may still move when a closed loop has settled.
const loopSlack = time.Microsecond

// loop is a trace whose packets wait for what they answer: whoever is behind a
// defense sees a request late, so the reply to it exists later too, and delays
// add up along a conversation.
type loop struct {
	// Trace is the recorded one with times moved.
	Trace datasets.Trace
	order []int32 // the recorded packet of each packet of Trace
}

// closeLoop finds the times at which the packets of in would exist behind
// stage, which stands for the defense and the line. A packet keeps its distance
// to the last packet of its flow that went the other way, counted from when
// that one left, and the order of its flow. It applies stage again with moved
// input until times settle, and fails after ten rounds. stage must make the
// same draws each time; a defense that draws packet by packet draws in order of
// the moved times.
func closeLoop(in datasets.Trace, stage func(datasets.Trace) (defenses.Defended, error)) (loop, error) {
	at := make([]time.Duration, len(in.Packets))
	for i, p := range in.Packets {
		at[i] = p.Time
	}

	answers := lastRequests(in)
	for range loopRounds {
		l := moveTo(in, at)
		out, err := stage(l.Trace)
		if err != nil {
			return loop{}, err
		}
		left := departures(in, l.back(out))

		var change time.Duration
		next := make([]time.Duration, len(at))
		last := make([]time.Duration, len(in.Flows))
		for i, p := range in.Packets {
			next[i] = max(p.Time, last[p.Flow])
			if j := answers[i]; j >= 0 {
				// The delay of j as measured, added to where j is now.
				next[i] = max(next[i], next[j]+left[j]-at[j]+p.Time-in.Packets[j].Time)
			}
			last[p.Flow] = next[i]
			change = max(change, (next[i] - at[i]).Abs())
		}

		at = next
		if change <= loopSlack {
			return moveTo(in, at), nil
		}
	}
	return loop{}, fmt.Errorf("closed loop: times have not settled after %d rounds", loopRounds)
}

// Through sends in through stage and then the line, in a closed loop if that is
// set, and proves the whole. inside is what stage calls so: what an observer in
// the home sees, before the line. Accounts are relative to in. stage must make
// the same draws each time.
func (l Link) Through(in datasets.Trace, stage func(datasets.Trace) (out, inside defenses.Defended, err error)) (out, inside defenses.Defended, err error) {
	back := func(d defenses.Defended) defenses.Defended { return d }

	from := in
	if l.ClosedLoop {
		closed, err := closeLoop(in, func(t datasets.Trace) (defenses.Defended, error) {
			d, _, err := stage(t)
			if err != nil {
				return d, err
			}
			return l.Pass(t, d)
		})
		if err != nil {
			return out, inside, err
		}
		from, back = closed.Trace, closed.back
	}

	// The loop has found times only: stage and line run once more from there, for
	// the traces that count.
	if out, inside, err = stage(from); err != nil {
		return out, inside, err
	}
	if out, err = l.Pass(from, out); err != nil {
		return out, inside, err
	}

	// A closed loop moves packets later and never earlier, so the whole is proved
	// against the recording itself, like any defense that delays.
	out, inside = back(out), back(inside)
	if out.Carried != nil && out.Carried.Observed != nil {
		return out, inside, defenses.CheckObserved(in, out)
	}
	return out, inside, defenses.Check(in, out)
}

// lastRequests finds, for each packet, the last one of its flow that went the
// other way before it, -1 for none.
func lastRequests(in datasets.Trace) []int32 {
	of := make([]int32, len(in.Packets))
	newest := make([][2]int32, len(in.Flows))
	for i := range newest {
		newest[i] = [2]int32{-1, -1}
	}

	for i, p := range in.Packets {
		of[i] = newest[p.Flow][1-p.Dir]
		newest[p.Flow][p.Dir] = int32(i)
	}
	return of
}

// moveTo is in with packet i at at[i].
func moveTo(in datasets.Trace, at []time.Duration) loop {
	l := loop{Trace: in, order: make([]int32, len(at))}
	for i := range l.order {
		l.order[i] = int32(i)
	}

	// Stable: packets that wait for the same one keep their order.
	slices.SortStableFunc(l.order, func(a, b int32) int { return int(min(max(at[a]-at[b], -1), 1)) })

	l.Trace.Packets = make([]datasets.Packet, len(at))
	for k, i := range l.order {
		l.Trace.Packets[k] = in.Packets[i]
		l.Trace.Packets[k].Time = at[i]
		l.Trace.End = max(l.Trace.End, at[i])
	}
	return l
}

// back returns d, made of l.Trace, with an account relative to the recorded
// trace.
func (l loop) back(d defenses.Defended) defenses.Defended {
	b := defenses.NewBuilder(len(d.Trace.Packets))
	for i := range d.Trace.Packets {
		if d.Carried == nil {
			b.Carry(l.order[i], l.Trace.Packets[i].Payload)
		} else {
			orig, bytes := d.Carried.Entries(i)
			for j := range orig {
				b.Carry(l.order[orig[j]], bytes[j])
			}
		}
		b.Next()
	}
	d.Carried = b.Carried()
	return d
}
