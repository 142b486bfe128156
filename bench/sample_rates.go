package bench

import (
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// ratesOf samples the rates of each device that something happens to, where
// its first few events are; where its first few states are and, apart from
// them, other events, for a device that has both: a camera's motion cannot be
// seen beside its streaming. No defense moves the start of an event, so all
// are shown at the same times.
func ratesOf(o *observed) []results.RateSample {
	var out []results.RateSample
	flows := carrierFlows(o)
	end := o.rec.Trace.End
	for d := range o.rec.Labels.Devices {
		states, points := happenings(o, d)
		lo, hi := time.Duration(0), end
		if len(states) > 0 {
			from, to := stretchOf(states, 0, end)
			out = append(out, rateOf(o, flows[d], d, from, to))
			lo, hi = busiestLull(states, points, end)
			points = within(points, lo, hi)
		}

		if len(points) > 0 {
			from, to := stretchOf(points, lo, hi)
			out = append(out, rateOf(o, flows[d], d, from, to))
		}
	}
	return out
}

// stateAtLeast is how long an activity lasts to be a state, settleTime how long
// traffic goes on after one.
const (
	stateAtLeast = 20 * time.Second
	settleTime   = time.Minute
)

// interval is when something happens, without what a defense adds.
type interval struct{ from, to time.Duration }

// happenings lists when the states and the other events of a device are. An
// activity is a state if it ever stays. The recording says for how long: an
// end in the view is that of the traffic.
func happenings(o *observed, device int) (states, points []interval) {
	long := map[string]time.Duration{}
	ends := map[datasets.Event]time.Duration{}
	for _, e := range o.rec.Labels.Events {
		if e.Device == device {
			long[e.Activity] = max(long[e.Activity], e.End-e.Start)
			ends[datasets.Event{Start: e.Start, Activity: e.Activity}] = e.End
		}
	}

	for _, e := range o.labels.Events {
		if e.Device != device {
			continue
		}

		// In the view an event ends when its last original has left; the recording's own
		// end is found by start and activity, which no defense moves.
		at := interval{e.Start, max(e.Start, ends[datasets.Event{Start: e.Start, Activity: e.Activity}])}
		if long[e.Activity] >= stateAtLeast {
			states = append(states, at)
		} else {
			points = append(points, at)
		}
	}
	return states, points
}

// busiestLull is the stretch between states, in which most of the points are.
func busiestLull(states, points []interval, end time.Duration) (lo, hi time.Duration) {
	most := 0
	try := func(a, b time.Duration) {
		if n := len(within(points, a, b)); n > most {
			lo, hi, most = a, b, n
		}
	}
	from := time.Duration(0)
	for _, s := range states {
		try(from, s.from)
		from = max(from, s.to+settleTime)
	}
	try(from, end)
	return lo, hi
}

// within keeps the points that begin from lo to before hi.
func within(points []interval, lo, hi time.Duration) []interval {
	var out []interval
	for _, p := range points {
		if p.from >= lo && p.from < hi {
			out = append(out, p)
		}
	}
	return out
}

// stretchOf is where the first few of the times are, with a margin, inside lo to
// hi.
func stretchOf(at []interval, lo, hi time.Duration) (from, to time.Duration) {
	last := at[min(len(at), sampleEvents)-1]
	margin := max((last.to-at[0].from)/10, 2*time.Minute)
	length := min(max(last.to-at[0].from+2*margin, sampleShortest), sampleStretch, hi-lo)
	from = max(lo, min(at[0].from-margin, hi-length)).Truncate(time.Second)
	return from, from + length
}

// rateOf adds up what the flows of a device carry from from to to.
func rateOf(o *observed, flows []bool, device int, from, to time.Duration) results.RateSample {
	bin := time.Minute
	for _, b := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second} {
		if (to-from)/b <= sampleBins {
			bin = b
			break
		}
	}

	n := int((to - from + bin - 1) / bin)
	s := results.RateSample{
		Device: o.labels.Devices[device], Recording: o.rec.ID, FromS: results.Seconds(from), BinS: bin.Seconds(),
		Up: make([]int64, n), Down: make([]int64, n), AllUp: make([]int64, n), AllDown: make([]int64, n), Events: []results.EventSample{},
	}

	// Bins are whole, so the last may reach beyond the stretch.
	lo, hi := packetsWithin(o.trace, from, from+time.Duration(n)*bin)
	for i := lo; i < hi; i++ {
		p := o.trace.Packets[i]
		sums, all := s.Up, s.AllUp
		if p.Dir == datasets.Down {
			sums, all = s.Down, s.AllDown
		}
		all[(p.Time-from)/bin] += int64(p.Size)
		if !flows[p.Flow] {
			continue
		}

		if o.labels.Owners != nil && whoseIs(o.labels, i, moment{device: device, cause: -1}) == results.WhoseOther {
			s.Shared = true
		}
		sums[(p.Time-from)/bin] += int64(p.Size)
	}

	for _, e := range o.labels.Events {
		if e.Device == device && e.Start >= from && e.Start < to {
			s.Events = append(s.Events, results.EventSample{StartS: results.Seconds(e.Start), EndS: results.Seconds(max(e.Start, e.End)), Class: o.labels.Class(e)})
		}
	}
	return s
}
