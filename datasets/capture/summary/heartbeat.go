package summary

import (
	"cmp"
	"slices"
	"time"

	"veilbench/datasets"
)

// Heartbeat is a message that a device and a service exchange at a steady
// period.
type Heartbeat struct {
	Device  string `json:"device"`
	Service string `json:"service"`
	// Dir is "up" or "down", Payload its bytes above TCP or UDP.
	Dir     string `json:"dir"`
	Payload int    `json:"payload_bytes"`
	// PeriodS is the median gap in seconds; Steady the share of gaps within a
	// tenth of it; Count how many messages there are.
	PeriodS float64 `json:"period_s"`
	Steady  float64 `json:"steady"`
	Count   int     `json:"count"`
}

// A heartbeat recurs at least minBeats times; two packets closer than one
// beatGap are one beat, and steadyShare of the gaps must lie within a tenth of
// the median gap.
const (
	minBeats    = 6
	beatGap     = 500 * time.Millisecond
	steadyShare = 0.7
)

// message is what recurs: one payload size between a device and a service.
type message struct {
	device, service string
	dir             datasets.Dir
	payload         int32
}

// heartbeats finds messages with a steady period, most frequent first. Of
// several sizes of one device, service and period only the most frequent one is
// kept.
func heartbeats(t datasets.Trace) []Heartbeat {
	// The names of a flow are made once, not for each of its packets.
	times := map[message][]time.Duration{}
	names := make([][2]string, len(t.Flows))
	for i, f := range t.Flows {
		names[i] = [2]string{deviceKey(f), serviceName(f)}
	}
	for _, p := range t.Packets {
		if p.Payload == 0 {
			continue
		}
		m := message{names[p.Flow][0], names[p.Flow][1], p.Dir, p.Payload}
		if ts := times[m]; len(ts) == 0 || p.Time-ts[len(ts)-1] >= beatGap {
			times[m] = append(ts, p.Time)
		}
	}

	found := []Heartbeat{} // never null in JSON
	for m, ts := range times {
		if h, ok := steadyBeat(m, ts); ok {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b Heartbeat) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Payload, b.Payload), cmp.Compare(b.Dir, a.Dir))
	})

	// A heartbeat and its answer have one period and different sizes. Periods
	// are the same if they are to the second.
	type rhythm struct {
		device, service string
		period          int
	}
	seen := map[rhythm]bool{}
	return slices.DeleteFunc(found, func(h Heartbeat) bool {
		r := rhythm{h.Device, h.Service, int(h.PeriodS + 0.5)}
		known := seen[r]
		seen[r] = true
		return known
	})
}

// steadyBeat decides whether the times of a message, in order, are those of a
// heartbeat.
func steadyBeat(m message, ts []time.Duration) (Heartbeat, bool) {
	if len(ts) < minBeats {
		return Heartbeat{}, false
	}
	gaps := make([]time.Duration, len(ts)-1)
	for i := range gaps {
		gaps[i] = ts[i+1] - ts[i]
	}

	// The median, not the mean: a night without network is one gap of many.
	slices.Sort(gaps)
	median := gaps[len(gaps)/2]
	near := 0
	for _, g := range gaps {
		if d := (g - median).Abs(); d <= median/10 {
			near++
		}
	}

	h := Heartbeat{
		Device: m.device, Service: m.service, Dir: m.dir.String(), Payload: int(m.payload),
		PeriodS: median.Seconds(), Steady: float64(near) / float64(len(gaps)), Count: len(ts),
	}
	return h, h.Steady >= steadyShare && median >= 2*beatGap
}
