package score

import (
	"maps"
	"math"
	"slices"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// busyBin is the time for which a device is said to be busy or not.
const busyBin = 5 * time.Second

// watch counts, over bins of time, what is true of a device and what its packets
// say: by the labels that an attack gave them, and by their true ones.
type watch struct {
	busy, idle             int
	busyRight, idleRight   int
	busyKnown, idleKnown   int
	packets, known, during []float64 // of the recording at hand
}

// scoreBusy adds what packet labels say of whether each device is at work, the
// reason for which HomeMole labels packets (section 5): sparse packets are those of
// standby, dense ones those of a task, such as a camera that somebody watches.
// Dense is above the threshold that parts the counts of a recording best, learned
// from no truth; busy in truth is the time of events that last, such as a stream.
//
// Scores are means of the shares of busy and of idle time told right, so that
// knowing nothing is 0.5 whatever the share of busy time. busy_right_known is the
// same for true labels: what it lacks of 1 is the rule's fault, not the labels'.
func (s *Scores) scoreBusy(ds *datasets.Dataset, tests []Test) {
	if ds.Vague || len(s.Confusion) == 0 {
		return // ends of events mean something else, or nothing was seen
	}
	all := map[string]*watch{}
	for _, t := range tests {
		for name, w := range watchedBins(t, all) {
			dense, known := denserThan(w.packets), denserThan(w.known)
			for b, share := range w.during {
				w.count(share >= 0.5, w.packets[b] > dense, w.known[b] > known)
			}
			all[name] = w
		}
	}

	var right, known, n float64
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w := all[name]
		if w.busy == 0 || w.idle == 0 || slices.Contains(ds.Unmonitored, name) {
			continue
		}
		balanced := func(busy, idle int) float64 {
			return (results.Ratio(busy, w.busy) + results.Ratio(idle, w.idle)) / 2
		}
		r, k := balanced(w.busyRight, w.idleRight), balanced(w.busyKnown, w.idleKnown)
		s.add(results.OfClass(results.BusyRight, name), r)
		s.add(results.OfClass(results.BusyKnown, name), k)
		s.add(results.OfClass(results.BusyShare, name), results.Ratio(w.busy, w.busy+w.idle))
		right, known, n = right+r, known+k, n+1
	}
	if n > 0 {
		s.add(results.BusyRight, right/n)
		s.add(results.BusyKnown, known/n)
	}
}

// watchedBins fills the bins of the devices of t that have events which last, each
// into its watch of all or a new one.
func watchedBins(t Test, all map[string]*watch) map[string]*watch {
	bins := int((t.Trace.End + busyBin - 1) / busyBin)
	out := map[string]*watch{}
	for _, e := range t.Labels.Events {
		name := t.Labels.Devices[e.Device]
		if e.End <= e.Start || bins == 0 {
			continue
		}
		if out[name] == nil {
			w := all[name]
			if w == nil {
				w = &watch{}
			}
			w.packets, w.known, w.during = make([]float64, bins), make([]float64, bins), make([]float64, bins)
			out[name] = w
		}
		for b := int(e.Start / busyBin); b < bins && time.Duration(b)*busyBin < e.End; b++ {
			from, to := time.Duration(b)*busyBin, time.Duration(b+1)*busyBin
			out[name].during[b] += (min(to, e.End) - max(from, e.Start)).Seconds() / busyBin.Seconds()
		}
	}

	if len(out) == 0 {
		return out
	}

	// Names are looked up once and not for each packet. A device that an attack was
	// not trained to name has no packets by its labels: it is idle all the time,
	// which is right half of it.
	owners, classes := watchesOf(out, t.Labels.Devices), watchesOf(out, t.Classes)
	for i, p := range t.Trace.Packets {
		b := min(int(p.Time/busyBin), bins-1)
		if i < len(t.Labels.Owners) && t.Labels.Owners[i] >= 0 {
			if w := owners[t.Labels.Owners[i]]; w != nil {
				w.known[b]++
			}
		}
		if i < len(t.Answer.Devices) && t.Answer.Devices[i].Class >= 0 {
			if w := classes[t.Answer.Devices[i].Class]; w != nil {
				w.packets[b]++
			}
		}
	}
	return out
}

// watchesOf lists the watch of each name, nil where it has none.
func watchesOf(all map[string]*watch, names []string) []*watch {
	out := make([]*watch, len(names))
	for i, name := range names {
		out[i] = all[name]
	}
	return out
}

// count adds a bin: whether the device was busy in it, and was said to be.
func (w *watch) count(busy, said, known bool) {
	if busy {
		w.busy++
		if said {
			w.busyRight++
		}
		if known {
			w.busyKnown++
		}
		return
	}
	w.idle++
	if !said {
		w.idleRight++
	}
	if !known {
		w.idleKnown++
	}
}

// denserThan is the number of packets above which a bin counts as dense: that
// which parts the logarithms of the counts into the two groups with most variance
// between them (Otsu's threshold). Logarithms, for a stream is not so many packets
// more than a heartbeat but so many times as many. It is the largest count where
// all are alike.
func denserThan(counts []float64) float64 {
	x := slices.Clone(counts)
	slices.Sort(x)

	// Most bins hold as few packets as the one before.
	logs, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		if i > 0 && v == x[i-1] {
			logs[i] = logs[i-1]
		} else {
			logs[i] = math.Log1p(v)
		}
		sum += logs[i]
	}

	best, at, below := 0.0, math.Inf(1), 0.0
	if n := len(x); n > 0 {
		at = x[n-1]
	}
	for i := range len(x) - 1 {
		below += logs[i]
		if x[i] == x[i+1] {
			continue // no threshold lies between equal counts
		}
		lo, hi := float64(i+1), float64(len(x)-i-1)
		d := below/lo - (sum-below)/hi
		if v := lo * hi * d * d; v > best {
			best, at = v, x[i]
		}
	}
	return at
}
