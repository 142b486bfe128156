package anchors

import (
	"cmp"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// trial is what one event left in the traffic.
type trial struct {
	example int
	class   string
	// packets are the places of those it caused or, where causes are unknown, of
	// those in its window, in order of time and never none. Of what goes on for
	// long they are the beginning.
	packets []int32
}

const (
	// trialLength bounds what is looked at of an event, from its first packet.
	trialLength = 15 * time.Second
	// vagueLength bounds the window of an event of unknown cause: the minute that
	// some logs know.
	vagueLength = time.Minute
)

// findTrials collects the trials of all examples, in order of class, example and
// event, and whose trial a packet is. Events without a packet left in the view
// teach nothing and are left out.
func (l *learner) findTrials() {
	for i, e := range l.t.Examples {
		packets := causedBy(e)
		if e.Labels.Cause == nil {
			packets = windowOf(e, params.Seconds(l.a.PairS))
		}
		for ev, ps := range packets {
			class := e.Labels.Class(e.Labels.Events[ev])
			if _, asked := slices.BinarySearch(l.t.Classes, class); asked && len(ps) > 0 {
				l.trials = append(l.trials, trial{i, class, ps})
			}
		}
	}

	// Stable: within a class they stay in order of example and event. Of trials that
	// overlap, a packet is of the last.
	slices.SortStableFunc(l.trials, func(a, b trial) int { return cmp.Compare(a.class, b.class) })

	l.mine = make([]map[int32]int, len(l.t.Examples))
	for i := range l.mine {
		l.mine[i] = map[int32]int{}
	}
	for n, tr := range l.trials {
		for _, p := range tr.packets {
			l.mine[tr.example][p] = n
		}
	}
}

// causedBy lists the packets of each event.
func causedBy(e attacks.Labeled) [][]int32 {
	out := make([][]int32, len(e.Labels.Events))
	for i, ev := range e.Labels.Cause {
		if ev < 0 {
			continue
		}
		if ps := out[ev]; len(ps) == 0 || e.Trace.Packets[i].Time-e.Trace.Packets[ps[0]].Time <= trialLength {
			out[ev] = append(ps, int32(i))
		}
	}
	return out
}

// windowOf lists the packets in the window of each event, widened by pair on both
// sides, and of its device alone where owners are known.
func windowOf(e attacks.Labeled, pair time.Duration) [][]int32 {
	out := make([][]int32, len(e.Labels.Events))
	ps := e.Trace.Packets
	for i, ev := range e.Labels.Events {
		from, to := ev.Start-pair, max(ev.Start, min(ev.End, ev.Start+vagueLength))+pair
		at, _ := slices.BinarySearchFunc(ps, from, func(p datasets.Packet, t time.Duration) int { return cmp.Compare(p.Time, t) })
		for ; at < len(ps) && ps[at].Time <= to; at++ {
			if bursts.Owns(e.Labels, ev.Device, []int32{int32(at)}) {
				out[i] = append(out[i], int32(at))
			}
		}
	}
	return out
}

// ofClass returns the trials of a class.
func (l *learner) ofClass(class string) classTrials {
	lo, _ := slices.BinarySearchFunc(l.trials, class, func(t trial, c string) int { return cmp.Compare(t.class, c) })
	hi := lo
	for hi < len(l.trials) && l.trials[hi].class == class {
		hi++
	}
	return classTrials{l.trials[lo:hi], lo}
}

// classTrials are the trials of one class and the number of the first.
type classTrials struct {
	all   []trial
	first int
}

// number is which of the trials of the class a packet is of, -1 for none.
func (c classTrials) number(mine map[int32]int, packet int32) int {
	if n, ok := mine[packet]; ok && n >= c.first && n < c.first+len(c.all) {
		return n - c.first
	}
	return -1
}

// siblings says whether a and b are two classes of one device.
func siblings(a, b string) bool { return a != b && match.ByDevice(a) == match.ByDevice(b) }
