// Package cost says what a defense costs: the ledger of bytes, packets and
// delays, made from the accounts of original bytes alone; the home's line to the
// Internet, behind which both sides are compared; and overheads as other
// publications define them.
package cost

import (
	"cmp"
	"slices"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Ledger adds up what a defense costs over recordings, from traces and
// accounts alone; defenses are not asked. Ledgers merge exactly: the order of
// adding does not show in the figures. The zero Ledger is empty.
type Ledger struct {
	recs    []record
	delay   histogram // of original packets
	event   histogram // until the last original of an event is out, since its start
	eventIn histogram // the same undefended
	// eventAdd is the difference, event by event.
	eventAdd histogram
}

// record is what one recording gave.
type record struct {
	in, out [2]sums // by direction
	lanIn   int64
	lanOut  int64
	cover   sums
	seconds float64
	// Without packets that carry no payload (Dyer et al. drop those first).
	fullIn, fullOut int64
	// Times of first and last packet, and of the last original.
	firstIn, lastIn, firstOut, lastOut, lastReal time.Duration
	// The same for Down originals; maxUp is the largest delay of an Up one.
	lastDownIn, lastDownOut, maxUp time.Duration
	untilReal                      sums // out, up to lastReal
	mergedACKs                     int64
	peakIn, peakOut                int64 // bytes in a second
	busyIn, busyOut                int64 // bytes in the busiest hour of In
	idleIn, idleOut                int64 // and in the quietest
	hour                           bool  // observed for an hour at least

	inside [2]inside // by direction
	tunnel bool      // it was counted
	pairs  *pairs
}

type sums struct{ packets, bytes int64 }

func (s *sums) add(n int64) {
	s.packets++
	s.bytes += n
}

// ipBytes is a packet's length at the IP layer.
func ipBytes(p datasets.Packet) int64 { return int64(max(p.Size-datasets.EthernetHeader, 0)) }

// Base is a recording behind the link without a defense, reduced to what a
// Ledger compares with.
type Base struct {
	left        []time.Duration // when each packet leaves
	first, last time.Duration
	peak        int64 // bytes in a second
}

// NewBase sends a recording through the link and proves the result. An error
// wraps defenses.ErrSaturated where the link cannot carry the recording.
func NewBase(rec *datasets.Recording, l Link) (Base, error) {
	out, _, err := l.Through(rec.Trace, func(in datasets.Trace) (out, inside defenses.Defended, err error) {
		d := defenses.Defended{Trace: in}
		return d, d, nil
	})
	if err != nil {
		return Base{}, err
	}
	return baseOf(rec, out), nil
}

func baseOf(rec *datasets.Recording, out defenses.Defended) Base {
	b := Base{left: departures(rec.Trace, out), peak: fullestSecond(out.Trace)}
	if n := len(out.Trace.Packets); n > 0 {
		b.first, b.last = out.Trace.Packets[0].Time, out.Trace.Packets[n-1].Time
	}
	return b
}

// NewLedger enters one recording, of which only the trace, the events and
// their causes are read. base is the recording behind the link, which
// everything is compared with; out is the defended trace behind the same link,
// with an account relative to the recording.
func NewLedger(rec *datasets.Recording, base Base, out defenses.Defended) *Ledger {
	in := rec.Trace
	before, after := base.left, departures(in, out)

	r := record{
		seconds: in.End.Seconds(), hour: in.End >= time.Hour,
		firstIn: base.first, lastIn: base.last, peakIn: base.peak,
	}
	r.undefended(in, before)
	r.defended(in, out)
	r.busyAndIdle(in, out.Trace)

	var seen []bool // nil: all
	if out.Carried != nil && out.Carried.Observed != nil {
		r.pairs, seen = observed(in, before, after, out)
	}

	// What leaves earlier than it would without the defense, behind a queue that
	// merging made shorter, counts as 0: no gain makes up for another's delay.
	delays := make([]time.Duration, 0, len(before))
	for i, p := range in.Packets {
		if seen != nil && !seen[i] {
			continue // of what was never seen again no delay is known
		}
		d := max(0, after[i]-before[i])
		delays = append(delays, d)
		r.lastReal = max(r.lastReal, after[i])
		if p.Dir == datasets.Down {
			r.lastDownOut = max(r.lastDownOut, after[i])
		} else {
			r.maxUp = max(r.maxUp, d)
		}
	}

	// This needs lastReal, which the loop above has found.
	r.countUntilReal(out.Trace)
	l := &Ledger{recs: []record{r}, delay: newHistogram(delays)}
	l.events(rec.Labels, before, after)
	return l
}

// Add enters all of m. m stays as it is.
func (l *Ledger) Add(m *Ledger) {
	l.recs = append(l.recs, m.recs...)
	l.delay.add(m.delay)
	l.event.add(m.event)
	l.eventIn.add(m.eventIn)
	l.eventAdd.add(m.eventAdd)
}

// departures is when the last piece of each packet of in leaves.
func departures(in datasets.Trace, out defenses.Defended) []time.Duration {
	at := make([]time.Duration, len(in.Packets))
	if out.Carried == nil {
		for i, p := range out.Trace.Packets {
			at[i] = p.Time
		}
		return at
	}
	for i, p := range out.Trace.Packets {
		orig, _ := out.Carried.Entries(i)
		for _, o := range orig {
			at[o] = p.Time // packets are in order of time
		}
	}
	return at
}

// undefended counts what goes in; at is when each packet leaves behind the line.
func (r *record) undefended(in datasets.Trace, at []time.Duration) {
	for i, p := range in.Packets {
		n := ipBytes(p)
		r.in[p.Dir].add(n)
		if in.Flows[p.Flow].LAN {
			r.lanIn += n
		}
		if p.Payload > 0 {
			r.fullIn += n
		}
		if p.Dir == datasets.Down {
			r.lastDownIn = max(r.lastDownIn, at[i])
		}
	}
}

// defended counts what comes out. A packet without an original is cover.
func (r *record) defended(in datasets.Trace, out defenses.Defended) {
	t := out.Trace
	for i, p := range t.Packets {
		n := ipBytes(p)
		r.out[p.Dir].add(n)
		if t.Flows[p.Flow].LAN {
			r.lanOut += n
		}

		// Without an account packet i carries packet i, whole.
		orig := []int32{int32(i)}
		if out.Carried != nil {
			orig, _ = out.Carried.Entries(i)
		}
		if len(orig) == 0 {
			r.cover.add(n)
			r.fullOut += n
			continue
		}

		// On a recorded flow a pure ACK that shares a packet is gone as such; inside a
		// tunnel it travels on behind the far end, and is not merged.
		full := false
		for _, o := range orig {
			q := in.Packets[o]
			full = full || q.Payload > 0
			if q.Payload == 0 && len(orig) > 1 && int(p.Flow) < len(in.Flows) {
				r.mergedACKs++
			}
		}
		if full {
			r.fullOut += n
		}
	}

	if n := len(t.Packets); n > 0 {
		r.firstOut, r.lastOut = t.Packets[0].Time, t.Packets[n-1].Time
	}
	r.peakOut = fullestSecond(t)
}

// countUntilReal counts what leaves up to the last original.
func (r *record) countUntilReal(out datasets.Trace) {
	for _, p := range out.Packets {
		if p.Time > r.lastReal {
			break
		}
		r.untilReal.add(ipBytes(p))
	}
}

// fullestSecond is the largest number of bytes in a second, counted from the
// start.
func fullestSecond(t datasets.Trace) int64 {
	var most, sum int64
	end := time.Second
	for _, p := range t.Packets {
		if p.Time >= end {
			most, sum = max(most, sum), 0
			end = (p.Time/time.Second + 1) * time.Second
		}
		sum += ipBytes(p)
	}
	return max(most, sum)
}

// busyAndIdle finds the busiest and the quietest whole hour of in.
func (r *record) busyAndIdle(in, out datasets.Trace) {
	n := int(in.End / time.Hour)
	if n == 0 {
		return
	}

	a, b := bytesByHour(in, n), bytesByHour(out, n)
	busy, idle := 0, 0
	for h := range a {
		if a[h] > a[busy] {
			busy = h
		}
		if a[h] < a[idle] {
			idle = h
		}
	}

	r.busyIn, r.busyOut = a[busy], b[busy]
	r.idleIn, r.idleOut = a[idle], b[idle]
}

// bytesByHour sums the first n hours.
func bytesByHour(t datasets.Trace, n int) []int64 {
	sums := make([]int64, n)
	for _, p := range t.Packets {
		if h := int(p.Time / time.Hour); h < n {
			sums[h] += ipBytes(p)
		}
	}
	return sums
}

// events measures the time until an event's last original is out.
func (l *Ledger) events(truth datasets.Labels, base, out []time.Duration) {
	if truth.Cause == nil {
		return
	}

	n := len(truth.Events)
	lastIn, lastOut := make([]time.Duration, n), make([]time.Duration, n)
	seen := make([]bool, n)
	for i, c := range truth.Cause {
		if c >= 0 {
			seen[c] = true
			lastIn[c], lastOut[c] = max(lastIn[c], base[i]), max(lastOut[c], out[i])
		}
	}

	// An event that caused no recorded packet has no end to measure.
	var doneIn, doneOut, added []time.Duration
	for c, ev := range truth.Events {
		if seen[c] {
			doneIn = append(doneIn, lastIn[c]-ev.Start)
			doneOut = append(doneOut, lastOut[c]-ev.Start)
			added = append(added, lastOut[c]-lastIn[c])
		}
	}

	l.eventIn.add(newHistogram(doneIn))
	l.event.add(newHistogram(doneOut))
	l.eventAdd.add(newHistogram(added))
}

// Cost is what the ledger says. More holds further figures and the overheads as
// publications define them, where they can be worked out, sorted by name.
func (l *Ledger) Cost() results.Cost {
	var c results.Cost
	secs := make([]float64, len(l.recs))
	for i, r := range l.recs {
		for d := range 2 {
			c.InBytes[d] += r.in[d].bytes
			c.OutBytes[d] += r.out[d].bytes
			c.InPackets[d] += r.in[d].packets
			c.OutPackets[d] += r.out[d].packets
		}
		c.CoverBytes += r.cover.bytes
		secs[i] = r.seconds
	}

	// Counts of packets and bytes are integers, and histograms merge exactly: only
	// seconds need a fixed order of adding.
	c.Seconds = sortedSum(secs)

	// Of a device that few packets were matched through, the delays of those few
	// would stand for all.
	ms, known := l.pairMetrics()
	c.NoDelay = !known
	if known {
		l.delays(&c)
	}
	c.More = append(append(l.further(), l.published()...), append(l.counters(), ms...)...)
	slices.SortFunc(c.More, func(a, b results.Metric) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

// delays enters what original packets were delayed by.
func (l *Ledger) delays(c *results.Cost) {
	c.DelayMean = l.delay.mean()
	c.DelayMedian = l.delay.quantile(0.5)
	c.DelayP95 = l.delay.quantile(0.95)
	c.DelayP99 = l.delay.quantile(0.99)
	c.DelayMax = l.delay.max.Seconds()
	c.Delays = l.delay.parts(results.DelayParts)
}

// sortedSum adds numbers in order of size: floating-point sums depend on the
// order, and that of recordings must not show.
func sortedSum(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum
}
